/* FUNC: a script starts another function as a task of its own. */
#include "api/dff_service_op.h"

#include "dff_envelope.h"
#include "dff_json.h"

#include "store/dff_caller.h"
#include "store/dff_func.h"

#include "dff_banned.h"

enum { FUNC_ID, FUNC_KWARGS, FUNC_ORIGIN, FUNC_ORIGIN_ID, FUNC_ROOT, FUNC_QUEUE, FUNC_TRACE,
       FUNC_CHAIN };

static const dff_service_arg_t dff_service_func_args[] = {
    [FUNC_ID] = { "funcId", DFF_SERVICE_TEXT, 0, 1, DFF_FUNC_ID_MAX },
    [FUNC_KWARGS] = { "kwargs", DFF_SERVICE_OBJECT, DFF_SERVICE_OPTIONAL, 0, 0 },
    [FUNC_ORIGIN] = { "origin", DFF_SERVICE_TEXT, 0, 1, 32 },
    [FUNC_ORIGIN_ID] = { "originId", DFF_SERVICE_TEXT, DFF_SERVICE_OPTIONAL, 0, DFF_TASK_ID_MAX },
    [FUNC_ROOT] = { "rootTaskId", DFF_SERVICE_TEXT, DFF_SERVICE_OPTIONAL, 0, DFF_TASK_ID_MAX },
    [FUNC_QUEUE] = { "queue", DFF_SERVICE_INT, 0, 0, DFF_QUEUE_COUNT - 1 },
    [FUNC_TRACE] = { "traceId", DFF_SERVICE_TEXT, DFF_SERVICE_OPTIONAL, 0, DFF_TRACE_ID_MAX },
    [FUNC_CHAIN] = { "chain", DFF_SERVICE_LIST, 0, 0, 0 },
};

_Static_assert(sizeof(dff_service_func_args) / sizeof(dff_service_func_args[0])
               <= DFF_SERVICE_ARGS_MAX, "the values have room");

/* The functions that led here, the caller's the last, as the head of a job has them. */
static int
dff_service_func_chain(dff_service_call_t *call, dff_buf_t *chain)
{
    dff_str_t         func_id = call->values[FUNC_ID].text, id;
    dff_json_array_t  it;
    dff_json_member_t member;
    int64_t           count = 0;
    int               rc = dff_json_array_open(&it, call->values[FUNC_CHAIN].text);

    while (rc != DFF_ERROR && (rc = dff_json_array_next(&it, &member, NULL)) == 1) {
        if (member.type != DFF_JSON_STRING || dff_json_plain_string(member.value, &id) != DFF_OK)
            return dff_err_set(&call->err, DFF_E_CLIENT_BAD_REQUEST, "func.start: \"chain\" must "
                               "be a list of ids of functions");
        if (dff_str_eq(id, func_id))
            return dff_err_set(&call->err, DFF_E_CLIENT_DUPLICATED, "%.*s is in its own chain",
                               (int) func_id.len, func_id.data);
        if (count++ > 0)
            dff_buf_add_str(chain, DFF_STR(","));
        dff_buf_add_str(chain, id);
    }
    if (rc == DFF_ERROR || dff_buf_failed(chain))
        return dff_err_set(&call->err, DFF_E_SYS, "out of memory");
    if (count >= call->api->cfg->func_chain_max) {
        call->error = "FuncChainTooLongException";
        return dff_err_set(&call->err, DFF_E_CLIENT_BAD_REQUEST, "a chain has at most %lld "
                           "functions (_FUNC_TASK_MAX_CHAIN_LENGTH)",
                           (long long) call->api->cfg->func_chain_max);
    }
    return DFF_OK;
}

static int
dff_service_func_origin(dff_service_call_t *call, dff_origin_t *origin)
{
    dff_str_t name = call->values[FUNC_ORIGIN].text;
    int       i;

    for (i = 0; i < DFF_ORIGIN_COUNT; i++) {
        if (dff_str_eq(name, dff_str_from(dff_origin_name((dff_origin_t) i)))) {
            *origin = (dff_origin_t) i;
            return DFF_OK;
        }
    }
    return dff_err_set(&call->err, DFF_E_CLIENT_BAD_REQUEST, "func.start: there is no origin "
                       "\"%.*s\"", (int) name.len, name.data);
}

static int
dff_service_func_start(dff_service_call_t *call)
{
    const dff_service_value_t *values = call->values;
    const dff_config_t        *cfg = call->api->cfg;
    char                       task_id[DFF_TASK_ID_MAX + 1];
    dff_buf_t                  chain = DFF_BUF_INIT;
    dff_func_config_t          config;
    dff_job_t                  job = {
        .exec_mode = DFF_EXEC_ASYNC,
        .func_id = values[FUNC_ID].text,
        .origin_id = values[FUNC_ORIGIN_ID].text,
        .root_task_id = values[FUNC_ROOT].text,
        .queue = (int) values[FUNC_QUEUE].number,
        .trace_id = values[FUNC_TRACE].text,
        .kwargs = values[FUNC_KWARGS].given ? values[FUNC_KWARGS].text : DFF_STR("{}"),
    };
    int                        rc = DFF_ERROR;

    if (dff_service_func_origin(call, &job.origin) != DFF_OK
        || dff_service_func_chain(call, &chain) != DFF_OK
        || dff_func_published(call->api->rcmd, job.func_id, &config, &job.script_version,
                              &call->err) != DFF_OK)
        goto done;
    job.chain = (dff_str_t) { chain.data, chain.len };
    job.timeout_s = config.timeout_s > 0 ? config.timeout_s : (int) cfg->func_default_timeout_s;
    job.max_memory_mb = config.max_memory_mb;
    job.retry_on_lost = config.retry_on_lost;
    rc = dff_caller_start(call->api->rcmd, cfg, &job, task_id, &call->err);
    if (rc == DFF_OK)
        dff_buf_addf(call->result, "\"%s\"", task_id);

done:
    dff_buf_release(&chain);
    return rc;
}

static const dff_service_op_t dff_service_func_rows[] = {
    { DFF_SERVICE_FIELDS("func.start", dff_service_func_args), dff_service_func_start, NULL },
};

const dff_service_ops_t dff_service_func_ops = DFF_SERVICE_OPS(dff_service_func_rows);
