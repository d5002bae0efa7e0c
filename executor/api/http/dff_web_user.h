/*
 * Who makes a request: found by its token (dff_session.h) or its access key
 * (dff_access_key.h), read from MySQL for each request, so that a change of roles or a
 * disabled user counts at once. Runs in the api processes.
 */
#ifndef DFF_WEB_USER_H
#define DFF_WEB_USER_H

#include "dff_arena.h"
#include "dff_err.h"
#include "dff_str.h"
#include "store/dff_db.h"

typedef enum { DFF_AUTH_NOBODY, DFF_AUTH_BY_TOKEN, DFF_AUTH_BY_ACCESS_KEY } dff_auth_by_t;

typedef struct {
    char          id[129];          /* "" : nobody is signed in */
    dff_auth_by_t by;
    bool          integrated;       /* signed in by a function: has no row */
    bool          is_disabled;
    int64_t       auth_version;     /* changes with everything that ends sign-ins */
    dff_str_t     username, name, roles, custom_privileges;     /* in the arena */
} dff_web_user_t;

/* "builtin.byXAuthToken", … */
const char *dff_auth_by_name(dff_auth_by_t by);

/* The user's row. DFF_E_CLIENT_NOT_FOUND: there is none. */
int dff_web_user_read(dff_web_user_t *user, dff_arena_t *arena, dff_db_t *db, dff_str_t id,
    dff_err_t *err);

struct dff_web_call_s;

/*
 * Finds out who makes the request. DFF_OK with user.id "" when nobody is signed in, or
 * what was presented is no good; *why_not says why, for routes that need a sign-in.
 * DFF_ERROR: a failure that ends a public request, too.
 */
int dff_web_user_find(struct dff_web_call_s *call, dff_err_t *why_not, dff_err_t *err);

#endif
