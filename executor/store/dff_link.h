/*
 * Auth links and batches in MySQL and, as routes, in Redis. Runs in dffctl and the api
 * processes.
 */
#ifndef DFF_LINK_H
#define DFF_LINK_H

#include "dff_id.h"
#include "dff_route.h"
#include "store/dff_db.h"
#include "store/dff_rcmd.h"

#define DFF_LINK_KWARGS_MAX  (256u << 10)       /* bytes */

typedef struct {
    dff_route_kind_t kind;
    const char      *id;        /* NULL: one is made */
    const char      *func_id;   /* must be published */
    dff_str_t        kwargs;    /* JSON object; data NULL: {} for a new link, else unchanged */
    const char      *api_auth;  /* id; NULL: none for a new link, else unchanged; "": none */
    bool             update;    /* an existing link is changed, else DFF_E_CLIENT_DUPLICATED */
} dff_link_request_t;

typedef struct {
    char id[DFF_ID_SIZE + 1];
    bool stored;            /* MySQL has it; with DFF_ERROR: Redis has not */
} dff_link_result_t;

int dff_link_add(dff_db_t *db, dff_rcmd_t *rcmd, const dff_link_request_t *request,
    dff_link_result_t *result, dff_err_t *err);

/* Newest first: id, funcId, funcCallKwargsJSON, isDisabled, expireTime (a batch: NULL), 1
 * when the function is published, apiAuthId. At most limit rows. */
int dff_link_list(dff_db_t *db, dff_route_kind_t kind, int limit, dff_db_rows_t *rows,
    dff_err_t *err);

#endif
