/*
 * API auths in MySQL: who may call a link. Links name one; their routes follow every
 * change at once. Runs in dffctl and the api processes.
 *
 * Nothing here returns a password or a field's value, sealed or not.
 */
#ifndef DFF_API_AUTH_H
#define DFF_API_AUTH_H

#include "dff_auth_proof.h"
#include "dff_id.h"
#include "store/dff_db.h"
#include "store/dff_rcmd.h"

#define DFF_API_AUTH_TITLE_MAX  256     /* bytes */

typedef struct {
    const char     *id;        /* NULL: one is made */
    dff_auth_type_t type;      /* of an existing one it cannot change */
    const char     *name;      /* NULL: none, or unchanged */
    dff_str_t       config;    /* JSON as given, with plain secrets */
    bool            update;    /* an existing one is changed, else DFF_E_CLIENT_DUPLICATED */
} dff_api_auth_request_t;

typedef struct {
    char id[DFF_ID_SIZE + 1];
    bool stored;               /* MySQL has it; with DFF_ERROR: Redis has not */
} dff_api_auth_result_t;

int dff_api_auth_add(dff_db_t *db, dff_rcmd_t *rcmd, const dff_api_auth_request_t *request,
    dff_api_auth_result_t *result, dff_err_t *err);

/* Refused while links name it, unless force: then those links let nobody in. *stored as
 * above. */
int dff_api_auth_delete(dff_db_t *db, dff_rcmd_t *rcmd, const char *id, bool force,
    bool *stored, dff_err_t *err);

/* Newest first: id, name, type, the stored config (for dff_api_auth_config_tell(), not
 * for showing), number of links. At most limit rows. */
int dff_api_auth_list(dff_db_t *db, int limit, dff_db_rows_t *rows, dff_err_t *err);

/* Inside a transaction: DFF_OK when it is there, and stays until the transaction ends. */
int dff_api_auth_hold(dff_db_t *db, dff_str_t id, dff_err_t *err);

#endif
