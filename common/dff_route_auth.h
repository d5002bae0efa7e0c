/*
 * The API auth of a route: the JSON behind "apiAuth" (docs/protocol.md has the tables).
 *
 *   {"id":"apia-x","type":"fixedField",
 *    "config":{"fields":[{"location":"header","name":"x-token","proof":"…"}]}}
 *   httpBasic, httpDigest: {"users":[{"username":"u","sha256":"…","md5":"…"}]}
 *   func: {"funcId":"demo__auth.check","scriptVersion":3,…}
 *
 * It holds proofs (dff_auth_proof.h), never a password or a field's value. An API auth
 * that is gone has type "missing" and one whose secrets cannot be decrypted "unreadable":
 * readers refuse what they do not know, so both stay closed doors.
 *
 * Publishers write it; nginx reads it at each call, without allocating: strings point
 * into the text.
 */
#ifndef DFF_ROUTE_AUTH_H
#define DFF_ROUTE_AUTH_H

#include "dff_auth_proof.h"
#include "dff_buf.h"
#include "dff_json.h"

#define DFF_ROUTE_AUTH_ROWS_MAX  100    /* users or fields of an API auth */
#define DFF_ROUTE_AUTH_NAME_MAX  256    /* bytes of a username or a field's name */

typedef struct {
    dff_str_t       id;
    dff_auth_type_t type;
    dff_str_t       config;        /* JSON object */
} dff_route_auth_t;

typedef struct {
    dff_auth_location_t location;
    dff_str_t           name;      /* reading: still escaped; header: lower case */
    dff_str_t           proof;
} dff_route_auth_field_t;

typedef struct {
    dff_str_t username;            /* reading: still escaped */
    dff_str_t a1[DFF_DIGEST_COUNT];
} dff_route_auth_user_t;

typedef struct {
    dff_str_t func_id;
    int       script_version;
    int       timeout_s;           /* 0: the function names none */
    int       api_timeout_s;
    int       queue;               /* -1: none named */
    int       max_memory_mb;
    bool      func_gone;
} dff_route_auth_func_t;

/* DFF_ERROR: not an API auth that this build knows, err says why. */
int dff_route_auth_read(dff_str_t json, dff_route_auth_t *auth, dff_err_t *err);
int dff_route_auth_func_read(dff_str_t config, dff_route_auth_func_t *func, dff_err_t *err);

/* Walks the fields or users of a config: open, then next until it is not 1 (0: the end,
 * DFF_ERROR: err says why). */
int dff_route_auth_open(dff_json_array_t *it, const dff_route_auth_t *auth, dff_err_t *err);
int dff_route_auth_next_field(dff_json_array_t *it, dff_route_auth_field_t *field,
    dff_err_t *err);
int dff_route_auth_next_user(dff_json_array_t *it, dff_route_auth_user_t *user, dff_err_t *err);

/* Does an escaped name or username mean text? */
bool dff_route_auth_is(dff_str_t escaped, dff_str_t text);

/* Writing. begin and end stand around the rows of a list. */
void dff_route_auth_begin(dff_buf_t *out, dff_str_t id, dff_auth_type_t type);
void dff_route_auth_add_field(dff_buf_t *out, const dff_route_auth_field_t *field);
void dff_route_auth_add_user(dff_buf_t *out, const dff_route_auth_user_t *user);
void dff_route_auth_end(dff_buf_t *out);
void dff_route_auth_add_func(dff_buf_t *out, dff_str_t id, const dff_route_auth_func_t *func);
/* One that lets nobody in: "missing", "unreadable". */
void dff_route_auth_add_closed(dff_buf_t *out, dff_str_t id, const char *why);

#endif
