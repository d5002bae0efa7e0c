/*
 * func: a function of the user's decides. It is called with what scripts see of a request
 * as its argument req; a result that is true in Python lets in (the worker judges that: a
 * set's JSON does not tell whether it is empty).
 *
 * Its job goes to the queue of synchronous calls, not to queue 0, where publishing's own
 * jobs run: strangers decide how often this one is pushed. Nothing waits for it but the
 * request in nginx, so that it cannot block the calls which it guards.
 *
 * What the function does wrong is a closed door (401) and a line in the log. Redis away,
 * or a full queue, is nobody's wrong password, and is answered as for any call.
 */
#include "ngx_http_dff_answer.h"
#include "ngx_http_dff_auth.h"
#include "ngx_http_dff_call.h"
#include "ngx_http_dff_http_request.h"

#define NGX_HTTP_DFF_AUTH_FUNC_LIMIT  10     /* s, where the function names none */
#define NGX_HTTP_DFF_AUTH_FUNC_QUEUE  1      /* likewise */

static ngx_int_t ngx_http_dff_auth_func_broken(ngx_http_dff_ctx_t *ctx, const char *why);
static ngx_int_t ngx_http_dff_auth_func_kwargs(ngx_http_dff_ctx_t *ctx, dff_job_t *job);
static void ngx_http_dff_auth_func_replied(ngx_http_dff_ctx_t *ctx, const dff_reply_t *reply);
static void ngx_http_dff_auth_func_failed(ngx_http_dff_ctx_t *ctx, dff_reason_t reason,
    json_t *detail);


ngx_int_t
ngx_http_dff_auth_func(ngx_http_dff_ctx_t *ctx)
{
    dff_err_t              err;
    dff_route_auth_func_t  func;

    if (dff_route_auth_func_read(ctx->auth->api.config, &func, &err) != DFF_OK) {
        return ngx_http_dff_auth_func_broken(ctx, "its API auth names no function");
    }

    if (func.func_gone) {
        return ngx_http_dff_auth_func_broken(ctx, "the function of its API auth is gone");
    }

    return NGX_BUSY;   /* the body is part of req */
}


ngx_int_t
ngx_http_dff_auth_func_body(ngx_http_dff_ctx_t *ctx)
{
    dff_job_t              job;
    int64_t                timeout_s, api_timeout_s;
    dff_err_t              err;
    dff_route_auth_func_t  func;

    static const ngx_http_dff_call_end_t  end = {
        ngx_http_dff_auth_func_replied, ngx_http_dff_auth_func_failed, 0
    };

    ngx_memzero(&job, sizeof(dff_job_t));

    if (dff_route_auth_func_read(ctx->auth->api.config, &func, &err) != DFF_OK
        || ngx_http_dff_auth_func_kwargs(ctx, &job) != NGX_OK)
    {
        return NGX_ERROR;
    }

    timeout_s = func.timeout_s != 0 ? func.timeout_s : NGX_HTTP_DFF_AUTH_FUNC_LIMIT;
    api_timeout_s = func.api_timeout_s != 0 ? func.api_timeout_s : NGX_HTTP_DFF_AUTH_FUNC_LIMIT;

    job.func_id = func.func_id;
    job.origin = DFF_ORIGIN_API_AUTH;
    job.origin_id = ctx->auth->api.id;
    job.exec_mode = DFF_EXEC_SYNC;
    job.return_type = DFF_RETURN_RAW;
    job.queue = func.queue >= 0 ? func.queue : NGX_HTTP_DFF_AUTH_FUNC_QUEUE;
    job.timeout_s = (int) timeout_s;
    job.max_memory_mb = func.max_memory_mb;
    job.script_version = func.script_version;
    job.expires_at_ms = 1;

    ngx_http_dff_call_start(ctx, &job, ngx_http_dff_call_wait(timeout_s, api_timeout_s), &end);

    return NGX_DONE;   /* the call's end goes on from here */
}


/* {"req":{…}} */
static ngx_int_t
ngx_http_dff_auth_func_kwargs(ngx_http_dff_ctx_t *ctx, dff_job_t *job)
{
    u_char     *p;
    ngx_str_t   request;

    request = ngx_http_dff_http_request(ctx, NULL);
    if (request.data == NULL) {
        return NGX_ERROR;
    }

    p = ngx_pnalloc(ctx->request->pool, sizeof("{\"req\":}") + request.len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    job->kwargs.data = (char *) p;
    job->kwargs.len = ngx_sprintf(p, "{\"req\":%V}", &request) - p;

    return NGX_OK;
}


static void
ngx_http_dff_auth_func_replied(ngx_http_dff_ctx_t *ctx, const dff_reply_t *reply)
{
    /* the task of the call is still to come */
    ngx_str_null(&ctx->task_id);

    if (reply->status != DFF_STATUS_SUCCESS) {
        ngx_http_dff_auth_resume(ctx, ngx_http_dff_auth_func_broken(ctx,
                                      "the function of its API auth failed"));
        return;
    }

    /* workers write the verdict of such a job as true or false */
    ctx->auth->why = "the function said no";
    ngx_http_dff_auth_resume(ctx, dff_str_eq(reply->body, DFF_STR("true")) ? NGX_OK
                                                                          : NGX_DECLINED);
}


static void
ngx_http_dff_auth_func_failed(ngx_http_dff_ctx_t *ctx, dff_reason_t reason, json_t *detail)
{
    ngx_str_null(&ctx->task_id);

    if (reason == DFF_E_API_TIMEOUT) {
        json_decref(detail);
        ngx_http_dff_auth_resume(ctx, ngx_http_dff_auth_func_broken(ctx,
                                      "the function of its API auth did not answer in time"));
        return;
    }

    ngx_http_dff_answer_error(ctx, reason, NULL, NULL, detail);
}


/* Not the caller's fault: somebody should look. */
static ngx_int_t
ngx_http_dff_auth_func_broken(ngx_http_dff_ctx_t *ctx, const char *why)
{
    ctx->auth->why = why;
    ctx->auth->level = DFF_LOG_WARNING;

    return NGX_DECLINED;
}
