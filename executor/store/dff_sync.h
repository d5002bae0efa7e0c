/*
 * Makes Redis say what MySQL says: published scripts, and the routes of links.
 *
 * Every publisher changes MySQL first (committed), then calls here. What is written
 * is read from MySQL under a row lock (the script's, or the link's) that is held
 * until Redis has it, so that of two publishers the later state is what remains,
 * in whatever order they come here. All calls may be repeated; that is the
 * repair after Redis was away, or after a publisher died before it came here
 * (dff_unsynced.h). Readers are told on the channel dff:changed.
 *
 * Passwords of API auths leave MySQL as proofs only (common/dff_route_auth.h).
 *
 * Runs in dffctl and the api processes.
 */
#ifndef DFF_SYNC_H
#define DFF_SYNC_H

#include "dff_route.h"
#include "store/dff_db.h"
#include "store/dff_rcmd.h"

typedef struct {
    size_t scripts;     /* written */
    size_t routes;
    size_t removed;     /* scripts and routes that MySQL does not have */
    int    version;     /* of the last script written; 0: not published */
} dff_sync_count_t;

/* One script and the routes of all links to its functions, announced together. A
 * script that is not in MySQL is removed. count is added to. */
int dff_sync_script(dff_db_t *db, dff_rcmd_t *rcmd, const char *script_id,
    dff_sync_count_t *count, dff_err_t *err);

/* All scripts from first to last in the order of ids, and the routes of links to them: at
 * once, so no more than may be in memory; but not the links that dff_sync_auth_func() does. */
int dff_sync_some_scripts(dff_db_t *db, dff_rcmd_t *rcmd, const char *first, const char *last,
    dff_sync_count_t *count, dff_err_t *err);

/* One link. One that is not in MySQL is removed. */
int dff_sync_link(dff_db_t *db, dff_rcmd_t *rcmd, dff_route_kind_t kind, const char *id,
    dff_sync_count_t *count, dff_err_t *err);

/* The links of an API auth, one by one; also of one that is not in MySQL. */
int dff_sync_api_auth(dff_db_t *db, dff_rcmd_t *rcmd, const char *api_auth_id,
    dff_sync_count_t *count, dff_err_t *err);

/* The links whose API auth asks a function of this script. dff_sync_script() does it. */
int dff_sync_auth_func(dff_db_t *db, dff_rcmd_t *rcmd, const char *script_id,
    dff_sync_count_t *count, dff_err_t *err);

/* Everything; also removes what MySQL does not have. */
int dff_sync_all(dff_db_t *db, dff_rcmd_t *rcmd, dff_sync_count_t *count, dff_err_t *err);

#endif
