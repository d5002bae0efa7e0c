/* Trying data sources: see the header. */
#include "api/rest/dff_source_try.h"

#include "dff_digest.h"
#include "dff_keys.h"
#include "api/rest/dff_entity.h"

#include "dff_banned.h"

#define DFF_SOURCE_TRY_QUEUE      0         /* the system's own */
#define DFF_SOURCE_TRY_MARGIN_MS  2000      /* for the way to the worker and back */
#define DFF_SOURCE_STATEMENT_MAX  (1 << 20) /* characters */

/* What a failure of it is called. */
typedef struct {
    const char *failed, *timeout;
    const char *about;
} dff_source_try_kind_t;

static const dff_source_try_kind_t dff_source_connects = {
    "ConnectingToDataSourceFailed", "ConnectingToDataSourceFailed",
    "The data source cannot be connected to"
};
static const dff_source_try_kind_t dff_source_queries = {
    "QueryFailed", "QueryTimeout", "The query failed"
};

typedef struct {            /* one that waits; in the arena */
    const dff_source_try_kind_t *kind;
    dff_web_handler_fn           then;      /* after a success; NULL: on_result */
    int                        (*on_result)(dff_web_call_t *call, dff_str_t result,
                                            dff_err_t *err);
} dff_source_try_t;

/* --- the outcome ----------------------------------------------------------------------------- */

static int
dff_source_try_failed(dff_web_call_t *call, const char *sub, dff_str_t etype, dff_str_t message,
    const char *about, dff_err_t *err)
{
    json_t *detail = json_pack("{s:s%}", "etype", etype.data, etype.len);

    if (message.len > 0)
        (void) json_object_set_new(detail, "message", json_stringn(message.data, message.len));
    return dff_web_refuse(call, err, DFF_E_CLIENT_BAD_REQUEST, sub, detail, "%s: %.*s", about,
                          (int) (message.len > 0 ? message.len : etype.len),
                          message.len > 0 ? message.data : etype.data);
}


static int
dff_source_try_timeout(dff_web_call_t *call, dff_err_t *err)
{
    const dff_source_try_t *work = call->state;

    return dff_source_try_failed(call, work->kind->timeout, DFF_STR("TimeoutError"),
                                 DFF_STR_NULL, work->kind->about, err);
}


/* No worker has said anything of the data source. */
static int
dff_source_try_lost(const dff_reply_t *reply, dff_err_t *err)
{
    if (reply == NULL && err->reason == DFF_E_API_TIMEOUT)
        err->reason = DFF_E_SYS_ASYNC_TASK_TIMEOUT;
    if (reply == NULL)
        return DFF_ERROR;
    return reply->status == DFF_STATUS_EXPIRED
        ? dff_err_set(err, DFF_E_SYS_ASYNC_TASK_TIMEOUT, "No worker was free for it in time")
        : dff_err_set(err, DFF_E_SYS_ASYNC_TASK_FAILED, "The worker that was at it has ended");
}


static int
dff_source_try_resume(dff_web_call_t *call, const dff_reply_t *reply, dff_err_t *err)
{
    const dff_source_try_t *work = call->state;
    dff_str_t               result;

    if (reply != NULL && reply->status == DFF_STATUS_TIMEOUT)
        return dff_source_try_timeout(call, err);
    if (reply == NULL
        || (reply->status != DFF_STATUS_SUCCESS && reply->status != DFF_STATUS_FAILURE)
        || dff_json_check(reply->body, NULL, NULL, NULL) != DFF_OK)
        return dff_source_try_lost(reply, err);
    if (dff_member_is(reply->body, "timeout", DFF_JSON_TRUE))
        return dff_source_try_timeout(call, err);
    result = dff_member_value(reply->body, "result");
    if (reply->status == DFF_STATUS_SUCCESS && result.data != NULL)
        return work->then != NULL ? work->then(call, err) : work->on_result(call, result, err);
    return dff_source_try_failed(call, work->kind->failed,
                                 dff_member_text(&call->arena, reply->body, "etype"),
                                 dff_member_text(&call->arena, reply->body,
                                                 reply->status == DFF_STATUS_SUCCESS ? "message"
                                                 : "einfoTEXT"), work->kind->about, err);
}

/* --- the job --------------------------------------------------------------------------------- */

static int
dff_source_try_start(dff_web_call_t *call, const char *task, dff_buf_t *kwargs,
    const dff_source_try_t *how, dff_err_t *err)
{
    dff_source_try_t *work = dff_arena_alloc(&call->arena, sizeof(*work));
    dff_job_t         job = {
        .kind = DFF_JOB_SYSTEM, .func_id = dff_str_from(task), .queue = DFF_SOURCE_TRY_QUEUE,
        .timeout_s = DFF_SOURCE_TRY_LIMIT_S, .max_memory_mb = DFF_SOURCE_TRY_MEMORY_MB,
        .origin = DFF_ORIGIN_DEBUG, .kwargs = { kwargs->data, kwargs->len },
    };
    int               wait_ms = (DFF_SOURCE_TRY_LIMIT_S
        + (int) call->web->api->cfg->func_extra_timeout_to_kill_s) * 1000
        + DFF_SOURCE_TRY_MARGIN_MS;

    if (work == NULL || dff_buf_failed(kwargs))
        return dff_err_set(err, DFF_E_SYS, "out of memory");
    *work = *how;
    call->state = work;
    return dff_web_run(call, &job, wait_ms, dff_source_try_resume, err);
}


/* Puts a config where src.trial of the services finds it (dff_service_src.c). */
static int
dff_source_trial_put(dff_web_call_t *call, dff_str_t id, dff_str_t type, dff_str_t sealed,
    char token[DFF_ID_SIZE], dff_err_t *err)
{
    char      digest[DFF_DIGEST_SHA256_SIZE];
    dff_key_t key;
    dff_buf_t entry = DFF_BUF_INIT;
    int       rc = DFF_ERROR;

    if (dff_id_make(&call->web->api->ids, token, "trial-") == 0)
        return dff_err_set(err, DFF_E_SYS, "the kernel gives no random bytes");
    dff_buf_add_str(&entry, DFF_STR("{\"id\":"));
    dff_buf_add_json_string(&entry, id);
    dff_buf_add_str(&entry, DFF_STR(",\"type\":"));
    dff_buf_add_json_string(&entry, type);
    dff_buf_add_str(&entry, DFF_STR(",\"config\":"));
    dff_buf_add_str(&entry, sealed);
    dff_buf_add_str(&entry, DFF_STR("}"));
    if (dff_buf_failed(&entry)) {
        (void) dff_err_set(err, DFF_E_SYS, "out of memory");
    } else if (dff_digest_sha256(digest, dff_str_from(token), err) == DFF_OK) {
        (void) dff_key_api(key, DFF_KEY_SOURCE_TRIAL, dff_str_from(digest));
        rc = dff_rcmd_do(call->web->api->rcmd, err, "SET %s %b EX %d", key, entry.data,
                         entry.len, DFF_SOURCE_TRIAL_EXPIRES_S);
    }
    dff_buf_release(&entry);
    return rc;
}


int
dff_source_try_config(dff_web_call_t *call, dff_str_t id, dff_str_t type, dff_str_t sealed,
    dff_web_handler_fn then, dff_err_t *err)
{
    const dff_source_try_t how = { .kind = &dff_source_connects, .then = then };
    char                   token[DFF_ID_SIZE];
    dff_buf_t              kwargs = DFF_BUF_INIT;
    int                    rc;

    if (dff_source_trial_put(call, id, type, sealed, token, err) != DFF_OK)
        return DFF_ERROR;
    dff_buf_addf(&kwargs, "{\"trial\":\"%s\"}", token);
    rc = dff_source_try_start(call, "dff__source.check", &kwargs, &how, err);
    dff_buf_release(&kwargs);
    return rc;
}

/* --- test and query -------------------------------------------------------------------------- */

static int
dff_source_exists(dff_web_call_t *call, dff_err_t *err)
{
    return dff_entity_hold(call, "SELECT seq FROM data_source WHERE id = ?", "data source",
                           call->params[0], err);
}


typedef struct {
    const char *name;           /* of the task's argument */
    const char *member;         /* of the body: null, or not there, is no argument */
} dff_source_arg_t;


/* Runs a task of the system with the data source of the path and members of the body. */
static int
dff_source_run(dff_web_call_t *call, const char *task, const dff_source_arg_t *args, size_t nargs,
    const dff_source_try_t *how, dff_err_t *err)
{
    dff_buf_t kwargs = DFF_BUF_INIT;
    int       rc;

    if (dff_source_exists(call, err) != DFF_OK)
        return DFF_ERROR;
    dff_buf_add_str(&kwargs, DFF_STR("{\"id\":"));
    dff_buf_add_json_string(&kwargs, call->params[0]);
    for (size_t i = 0; i < nargs; i++) {
        dff_str_t value = dff_member_value(call->req.body, args[i].member);

        if (value.data == NULL || dff_str_eq(value, DFF_STR("null")))
            continue;
        dff_buf_addf(&kwargs, ",\"%s\":", args[i].name);
        dff_buf_add_str(&kwargs, value);
    }
    dff_buf_add_str(&kwargs, DFF_STR("}"));
    rc = dff_source_try_start(call, task, &kwargs, how, err);
    dff_buf_release(&kwargs);
    return rc;
}


static int
dff_source_tested(dff_web_call_t *call, dff_str_t result, dff_err_t *err)
{
    (void) err;
    dff_buf_add_str(&call->answer.data, DFF_STR("{\"checkResult\":"));
    dff_buf_add_str(&call->answer.data, result);
    dff_buf_add_str(&call->answer.data, DFF_STR("}"));
    return DFF_OK;
}


int
dff_source_test(dff_web_call_t *call, dff_err_t *err)
{
    static const dff_source_try_t how = {
        .kind = &dff_source_connects, .on_result = dff_source_tested
    };

    return dff_source_run(call, "dff__source.check", NULL, 0, &how, err);
}


static const char *const dff_source_returns[] = { "json", "repr", NULL };

static const dff_prop_t dff_source_query_props[] = {
    { "database", DFF_PROP_STR, DFF_OP_BODY, .nullable = true, .max = 256,
      .about = "Another one than that of the data source" },
    { "queryStatement", DFF_PROP_STR, DFF_OP_BODY, DFF_OP_BODY, .min = 1,
      .max = DFF_SOURCE_STATEMENT_MAX, .about = "As the type has it: SQL, a command of Redis, "
      "METHOD /path of a server that speaks HTTP" },
    { "returnType", DFF_PROP_STR, DFF_OP_BODY, .nullable = true, .names = dff_source_returns },
};
const dff_shape_t dff_source_query_body = DFF_SHAPE(dff_source_query_props);


static int
dff_source_queried(dff_web_call_t *call, dff_str_t result, dff_err_t *err)
{
    if (result.len > DFF_SOURCE_TRY_RESULT_MAX)
        return dff_source_try_failed(call, "QueryFailed", DFF_STR("ValueError"),
                                     DFF_STR("the result has more than 16 MB"),
                                     "The query failed", err);
    dff_buf_add_str(&call->answer.data, result);
    return DFF_OK;
}


int
dff_source_query(dff_web_call_t *call, dff_err_t *err)
{
    static const dff_source_arg_t args[] = {
        { "statement", "queryStatement" }, { "database", "database" },
        { "returnType", "returnType" },
    };
    static const dff_source_try_t how = {
        .kind = &dff_source_queries, .on_result = dff_source_queried
    };

    return dff_source_run(call, "dff__source.query", args, sizeof(args) / sizeof(args[0]), &how,
                          err);
}
