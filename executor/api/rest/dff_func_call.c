/* Running published functions: see the header. */
#include "api/rest/dff_func_call.h"

#include <stdio.h>
#include <stdlib.h>

#include "dff_iso.h"
#include "dff_time.h"
#include "api/rest/dff_entity.h"
#include "api/rest/dff_func_answer.h"
#include "api/rest/dff_func_start.h"
#include "api/rest/dff_script_lock.h"
#include "api/rest/dff_script_publish.h"
#include "store/dff_caller.h"

#include "dff_banned.h"

#define DFF_FUNC_DIRECT_QUEUE   1       /* of calls that name none */
#define DFF_FUNC_ASYNC_QUEUE    9
#define DFF_FUNC_GRACE_MS       1000    /* for the function's own 599.31 to arrive */

static const char *const dff_func_modes[] = { "sync", "async", NULL };
static const char *const dff_func_returns[] = { "raw", "repr", "jsonDumps", "ALL", NULL };

static const dff_prop_t dff_func_option_props[] = {
    { "timeout", DFF_PROP_INT, DFF_OP_BODY, .min = 1, .max = DFF_TIMEOUT_MAX_S,
      .about = "s; within _FUNC_TASK_MIN_TIMEOUT and _FUNC_TASK_MAX_TIMEOUT" },
    { "apiTimeout", DFF_PROP_INT, DFF_OP_BODY, .min = 1, .max = DFF_TIMEOUT_MAX_S,
      .about = "s; within _FUNC_TASK_MIN_API_TIMEOUT and _FUNC_TASK_MAX_API_TIMEOUT" },
    { "execMode", DFF_PROP_STR, DFF_OP_BODY, .names = dff_func_modes },
    { "returnType", DFF_PROP_STR, DFF_OP_BODY, .names = dff_func_returns },
    { "unfold", DFF_PROP_BOOL, DFF_OP_BODY, .about = "The result alone is the body" },
    { "saveResult", DFF_PROP_BOOL, DFF_OP_BODY },
    { "neverExpire", DFF_PROP_BOOL, DFF_OP_BODY },
    { "eta", DFF_PROP_TIME, DFF_OP_BODY, .about = "Run then; async only" },
};
static const dff_shape_t dff_func_options = DFF_SHAPE(dff_func_option_props);

static const dff_prop_t dff_func_call_props[] = {
    { "kwargs", DFF_PROP_FREE, DFF_OP_BODY },
    { "options", DFF_PROP_OBJECT, DFF_OP_BODY, .shape = &dff_func_options },
};
const dff_shape_t dff_func_call_body = DFF_SHAPE(dff_func_call_props);

typedef struct {            /* a call that waits; in the arena */
    dff_str_t func_id;
    bool      unfold, save;
} dff_func_work_t;


dff_str_t
dff_func_kwargs(const dff_web_call_t *call)
{
    dff_str_t kwargs = dff_member_value(call->req.body, "kwargs");

    return kwargs.len == 0 || dff_str_eq(kwargs, DFF_STR("null")) ? DFF_STR("{}") : kwargs;
}


dff_str_t
dff_func_request(dff_web_call_t *call)
{
    static const struct { const char *cgi, *name; } headers[] = {
        { "HTTP_HOST", "host" }, { "HTTP_USER_AGENT", "user-agent" },
        { "HTTP_ACCEPT", "accept" }, { "CONTENT_TYPE", "content-type" },
        { "HTTP_X_TRACE_ID", "x-trace-id" }, { "HTTP_X_DFF_ORIGIN", "x-dff-origin" },
    };
    dff_buf_t   out = DFF_BUF_INIT;
    const char *copy, *comma = "";
    size_t      len;

    dff_buf_add_str(&out, DFF_STR("{\"method\":\"POST\",\"originalUrl\":"));
    dff_buf_add_json_string(&out, call->req.path);
    dff_buf_add_str(&out, DFF_STR(",\"url\":"));
    dff_buf_add_json_string(&out, call->req.path);
    dff_buf_add_str(&out, DFF_STR(",\"headers\":{"));
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        dff_str_t value = dff_web_header(&call->req, headers[i].cgi);

        if (value.len > 0) {
            dff_buf_addf(&out, "%s\"%s\":", comma, headers[i].name);
            dff_buf_add_json_string(&out, value);
            comma = ",";
        }
    }
    dff_buf_addf(&out, "},\"query\":{},\"hostname\":");
    dff_buf_add_json_string(&out, dff_web_header(&call->req, "HTTP_HOST"));
    dff_buf_addf(&out, ",\"ip\":\"%s\",\"ips\":[],\"xhr\":false}", call->client_ip);
    copy = dff_buf_failed(&out) ? NULL
        : dff_arena_copy(&call->arena, (dff_str_t) { out.data, out.len });
    len = out.len;
    dff_buf_release(&out);
    return copy == NULL ? DFF_STR("") : (dff_str_t) { copy, len };
}

/* --- the answer to a call -------------------------------------------------------------------- */

static void
dff_func_add_result(dff_buf_t *out, const dff_reply_t *reply)
{
    if (reply->body_type == DFF_BODY_JSON) {
        dff_buf_add_str(out, reply->body);
    } else {
        dff_buf_add_json_string(out, reply->body);
    }
}


static void
dff_func_add_task(dff_buf_t *out, dff_str_t id)
{
    dff_buf_add_str(out, DFF_STR("\"taskId\":"));
    dff_buf_add_json_string(out, id);
    dff_buf_add_str(out, DFF_STR(",\"resultURL\":\"/api/v1/func-result?taskId="));
    dff_buf_add_json_escaped(out, id);
    dff_buf_add_str(out, DFF_STR("\""));
}


static int
dff_func_call_resume(dff_web_call_t *call, const dff_reply_t *reply, dff_err_t *err)
{
    const dff_func_work_t *work = call->state;
    dff_web_answer_t      *answer = &call->answer;

    if (reply == NULL && err->reason == DFF_E_API_TIMEOUT) {
        return dff_web_refuse(call, err, DFF_E_API_TIMEOUT, NULL,
                              json_pack("{s:s}", "id", call->task_id), "%s",
                              dff_err_row(DFF_E_API_TIMEOUT)->message);
    }
    if (reply == NULL || reply->status != DFF_STATUS_SUCCESS) {
        if (dff_script_failed(call, reply, reply == NULL ? work->func_id : reply->id,
                              DFF_E_FUNC_FAILED, err) != DFF_OK && reply != NULL)
        {
            (void) dff_err_set(err, err->reason, "%s", dff_err_row(err->reason)->message);
        }
        return DFF_ERROR;
    }
    if (!work->unfold) {
        dff_buf_add_str(&answer->data, DFF_STR("{\"result\":"));
        dff_func_add_result(&answer->data, reply);
        if (work->save) {
            dff_buf_add_str(&answer->data, DFF_STR(","));
            dff_func_add_task(&answer->data, reply->id);
        }
        dff_buf_add_str(&answer->data, DFF_STR("}"));
        return DFF_OK;
    }
    answer->content_type = reply->body_type == DFF_BODY_JSON
        ? "application/json; charset=utf-8" : "text/plain; charset=utf-8";
    dff_buf_add_str(&answer->content, reply->body);
    return reply->control.len == 0 ? DFF_OK : dff_func_answer_control(call, reply->control, err);
}

/* --- options --------------------------------------------------------------------------------- */

/* An option in s, within the configuration's range; fallback when it is not there. */
static int
dff_func_seconds(dff_str_t options, const char *name, int64_t min, int64_t max, int fallback,
    int *seconds, dff_err_t *err)
{
    dff_str_t text = dff_member_value(options, name);
    int64_t   number = fallback;

    if (text.data != NULL
        && (dff_json_int64(text, &number) != DFF_OK || number < min || number > max))
    {
        return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST,
                           "options.%s must be from %lld to %lld s", name, (long long) min,
                           (long long) max);
    }
    *seconds = (int) number;
    return DFF_OK;
}


/* Fills the job from the options and the function's configuration; *api_timeout_s: how long
 * a caller waits; *eta_ms: when it is to run, 0: now. */
static int
dff_func_options_take(dff_web_call_t *call, dff_str_t options, const dff_func_config_t *func,
    dff_job_t *job, int *api_timeout_s, int64_t *eta_ms, dff_err_t *err)
{
    const dff_config_t *cfg = call->web->api->cfg;
    dff_str_t           type = dff_member_text(&call->arena, options, "returnType");
    dff_str_t           mode = dff_member_text(&call->arena, options, "execMode");
    dff_str_t           eta = dff_member_text(&call->arena, options, "eta");
    bool                async = dff_str_eq(mode, DFF_STR("async"));

    if (dff_func_seconds(options, "timeout", cfg->func_min_timeout_s, cfg->func_max_timeout_s,
                         func->timeout_s > 0 ? func->timeout_s
                         : (int) cfg->func_default_timeout_s, &job->timeout_s, err) != DFF_OK
        || dff_func_seconds(options, "apiTimeout", cfg->func_min_api_timeout_s,
                            cfg->func_max_api_timeout_s,
                            func->api_timeout_s > 0 ? func->api_timeout_s
                            : (int) cfg->func_default_api_timeout_s, api_timeout_s, err)
           != DFF_OK)
    {
        return DFF_ERROR;
    }
    if (eta.len > 0 && !async) {
        return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST,
                           "options.eta is for execMode async only");
    }
    *eta_ms = 0;
    if (eta.len > 0) {
        (void) dff_iso_read(eta, &call->web->tz, eta_ms);       /* the shape was checked */
    }
    job->exec_mode = async ? DFF_EXEC_ASYNC : DFF_EXEC_SYNC;
    job->return_type = type.len == 0 ? DFF_RETURN_RAW
        : (dff_return_type_t) dff_return_type_from(type);
    job->save_result = dff_member_is(options, "saveResult", DFF_JSON_TRUE);
    job->keep_result = async || job->save_result;
    job->queue = func->queue >= 0 ? func->queue
        : async ? DFF_FUNC_ASYNC_QUEUE : DFF_FUNC_DIRECT_QUEUE;
    job->max_memory_mb = func->max_memory_mb;
    job->retry_on_lost = func->retry_on_lost;
    job->expires_at_ms = dff_member_is(options, "neverExpire", DFF_JSON_TRUE)
        ? DFF_CALLER_NEVER
        : (*eta_ms > 0 ? *eta_ms : dff_time_now_ms())
          + (int64_t) job->timeout_s * DFF_FUNC_EXPIRES * 1000;
    return DFF_OK;
}

/* --- calls ----------------------------------------------------------------------------------- */

/* In the header that calls of links have, too, whatever the answer will be. */
static void
dff_func_tell_task(dff_web_call_t *call)
{
    dff_web_answer_header(&call->answer, "X-Dff-Task-Id", dff_str_from(call->task_id));
}


static int
dff_func_call_async(dff_web_call_t *call, dff_job_t *job, int64_t eta_ms, dff_err_t *err)
{
    if (dff_func_start(call, job, eta_ms, err) != DFF_OK) {
        return DFF_ERROR;
    }
    dff_func_tell_task(call);
    dff_buf_add_str(&call->answer.data, DFF_STR("{"));
    dff_func_add_task(&call->answer.data, job->id);
    dff_buf_add_str(&call->answer.data, DFF_STR("}"));
    return DFF_OK;
}


int
dff_func_call(dff_web_call_t *call, dff_err_t *err)
{
    dff_func_work_t  *work = dff_arena_alloc(&call->arena, sizeof(*work));
    dff_str_t         options = dff_member_value(call->req.body, "options");
    dff_func_config_t config;
    dff_job_t         job;
    int               api_timeout_s, wait_ms, rc;
    int64_t           eta_ms;

    if (work == NULL) {
        return dff_err_set(err, DFF_E_SYS, "out of memory");
    }
    options = options.data == NULL ? DFF_STR("{}") : options;
    if (dff_func_find_job(call, call->params[0], &config, &job, err) != DFF_OK
        || dff_func_options_take(call, options, &config, &job, &api_timeout_s, &eta_ms, err)
           != DFF_OK)
    {
        return DFF_ERROR;
    }
    job.origin = DFF_ORIGIN_DIRECT;
    job.kwargs = dff_func_kwargs(call);
    job.request = dff_func_request(call);
    *work = (dff_func_work_t) {
        .func_id = job.func_id, .unfold = dff_member_is(options, "unfold", DFF_JSON_TRUE),
        .save = job.save_result,
    };
    call->state = work;
    if (job.exec_mode == DFF_EXEC_ASYNC) {
        return dff_func_call_async(call, &job, eta_ms, err);
    }
    wait_ms = job.timeout_s <= api_timeout_s ? job.timeout_s * 1000 + DFF_FUNC_GRACE_MS
                                             : api_timeout_s * 1000;
    rc = dff_web_run(call, &job, wait_ms, dff_func_call_resume, err);
    if (rc == DFF_WEB_WAITS) {
        dff_func_tell_task(call);
    }
    return rc;
}
