/* All operations of the services socket, and the way from a request to its answer. */
#include "api/dff_service_op.h"

#include "dff_banned.h"

#define COUNT(array)  (sizeof(array) / sizeof((array)[0]))

static const dff_service_ops_t *const dff_service_tables[] = {
    &dff_service_env_ops, &dff_service_store_ops, &dff_service_cache_ops, &dff_service_src_ops,
    &dff_service_func_ops,
};

/* What a script sees raised, where the handler does not say it. */
static const struct {
    dff_reason_t reason;
    const char  *error;
} dff_service_errors[] = {
    { DFF_E_CLIENT_BAD_REQUEST, "InvalidOptionException" },
    { DFF_E_CLIENT_NOT_FOUND, "NotFoundException" },
    { DFF_E_CLIENT_DUPLICATED, "DuplicationException" },
    { DFF_E_CLIENT_UNSUPPORTED, "NotSupportException" },
    { DFF_E_SYS_DB, "ConnectionError" },
    { DFF_E_SYS_CACHE, "ConnectionError" },
    { DFF_E_WORKER_QUEUE_CONGESTION, "DataFluxFuncBaseException" },
};

#define DFF_SERVICE_ERROR_ELSE  "RuntimeError"

static const char *
dff_service_error_name(const dff_service_call_t *call)
{
    size_t i;

    if (call->error != NULL)
        return call->error;
    for (i = 0; i < COUNT(dff_service_errors); i++) {
        if (dff_service_errors[i].reason == call->err.reason)
            return dff_service_errors[i].error;
    }
    return DFF_SERVICE_ERROR_ELSE;
}

static const dff_service_fields_t *
dff_service_find(dff_str_t name)
{
    size_t table, i;

    for (table = 0; table < COUNT(dff_service_tables); table++) {
        for (i = 0; i < dff_service_tables[table]->count; i++) {
            const dff_service_op_t *op = &dff_service_tables[table]->ops[i];

            if (dff_str_eq(dff_str_from(op->fields.name), name))
                return &op->fields;
        }
    }
    return NULL;
}

void
dff_service_answer(dff_api_t *api, dff_str_t json, dff_buf_t *out)
{
    dff_service_request_t request;
    dff_service_call_t    call = { .api = api, .result = out };
    size_t                begin = 0;

    if (dff_service_request_read(&request, json, dff_service_find, &call.err) != DFF_OK)
        goto failed;
    /* fields is the first member of a row. */
    call.op = (const dff_service_op_t *) request.fields;
    call.values = request.values;
    begin = dff_service_answer_begin(out);
    if (call.op->run(&call) != DFF_OK || dff_service_answer_end(out, begin, &call.err) != DFF_OK)
        goto failed;
    dff_service_request_release(&request);
    return;

failed:
    dff_service_request_release(&request);
    if (begin < out->len)
        out->len = begin;
    if (call.err.reason == DFF_E_SYS)
        dff_log_error(&api->log, NULL, "services: %s: %s",
                      call.op == NULL ? "a request" : call.op->fields.name, call.err.message);
    dff_service_answer_error(out, dff_service_error_name(&call), call.err.message);
}
