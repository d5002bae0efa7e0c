/*
 * An operation of the services socket: a row of the table in dff_service_ops.c, and what
 * its handler gets. Runs in the api processes.
 */
#ifndef DFF_SERVICE_OP_H
#define DFF_SERVICE_OP_H

#include "api/dff_api.h"
#include "api/dff_service_request.h"

typedef struct dff_service_call_s dff_service_call_t;

/* Adds the result's JSON to call->result; or DFF_ERROR with call->err, and call->error
 * where the reason does not say the class of the exception. It may block, as
 * dff_api.h says. */
typedef int (*dff_service_run_fn)(dff_service_call_t *call);

typedef struct {
    dff_service_fields_t fields;
    dff_service_run_fn   run;
    const void          *how;       /* the handler's own: handlers that differ in it only */
} dff_service_op_t;

struct dff_service_call_s {
    dff_api_t                   *api;
    const dff_service_op_t      *op;
    const dff_service_value_t   *values;     /* as the fields of op */
    dff_buf_t                   *result;
    const char                  *error;      /* class of the exception; NULL: by err.reason */
    dff_err_t                    err;
};

/* A table of operations; each file of handlers has one. */
typedef struct {
    const dff_service_op_t *ops;
    size_t                  count;
} dff_service_ops_t;

extern const dff_service_ops_t dff_service_env_ops, dff_service_store_ops, dff_service_cache_ops,
    dff_service_src_ops, dff_service_func_ops;

#define DFF_SERVICE_OPS(rows)  { (rows), sizeof(rows) / sizeof((rows)[0]) }
#define DFF_SERVICE_FIELDS(name, args)  { (name), (args), sizeof(args) / sizeof((args)[0]) }

/* Fields that several have. */
#define DFF_SERVICE_KEY    { "key", DFF_SERVICE_TEXT, 0, 1, 256 }
#define DFF_SERVICE_SCOPE  { "scope", DFF_SERVICE_TEXT, 0, 1, 256 }
#define DFF_SERVICE_EXPIRE_MAX_S  INT64_C(10000000000)

/* Adds the answer's frame to one request's JSON: the whole way from text to text. */
void dff_service_answer(dff_api_t *api, dff_str_t json, dff_buf_t *out);

#endif
