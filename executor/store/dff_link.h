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

#define DFF_LINK_EXPIRE_MAX  INT64_C(2145916800000)    /* 2038-01-01: TIMESTAMP ends then */

typedef enum { DFF_LINK_KEEP, DFF_LINK_NO, DFF_LINK_YES } dff_link_flag_t;

typedef struct {
    dff_route_kind_t kind;
    const char      *id;         /* NULL: one is made */
    const char      *func_id;    /* must be published */
    dff_str_t        kwargs;     /* JSON object; data NULL: {} for a new one, else unchanged */
    bool             update;     /* an existing one is changed, else DFF_E_CLIENT_DUPLICATED */

    /* Left as they are (0 in a new one) when not given: */
    const char      *api_auth;   /* id of one that is there; "": none; NULL: not given */
    dff_link_flag_t  disabled, show_in_doc;
    /* Of auth links only: */
    dff_str_t        throttling; /* dff_throttle.h; empty: none; data NULL: not given */
    bool             expires;    /* expire_ms is given */
    int64_t          expire_ms;  /* Unix time; 0: never */
} dff_link_request_t;

typedef struct {
    char id[DFF_ID_SIZE + 1];
    bool stored;            /* MySQL has it; with DFF_ERROR: Redis has not */
} dff_link_result_t;

int dff_link_add(dff_db_t *db, dff_rcmd_t *rcmd, const dff_link_request_t *request,
    dff_link_result_t *result, dff_err_t *err);

/* Changes what is given of an existing one (func_id NULL: not given). */
int dff_link_modify(dff_db_t *db, dff_rcmd_t *rcmd, const dff_link_request_t *request,
    dff_link_result_t *result, dff_err_t *err);

/* One row, or none: id, funcId, funcCallKwargsJSON, isDisabled, expireTime (a batch: NULL),
 * 1 when the function is published, apiAuthId, throttlingJSON (a batch: NULL), showInDoc. */
int dff_link_get(dff_db_t *db, dff_route_kind_t kind, const char *id, dff_db_rows_t *rows,
    dff_err_t *err);

/* Newest first, the columns up to apiAuthId. At most limit rows. */
int dff_link_list(dff_db_t *db, dff_route_kind_t kind, int limit, dff_db_rows_t *rows,
    dff_err_t *err);

#endif
