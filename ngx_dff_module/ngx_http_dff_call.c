/* The life of a call in nginx: see the header. */
#include "ngx_http_dff_afterwards.h"
#include "ngx_http_dff_answer.h"
#include "ngx_http_dff_call.h"
#include "ngx_http_dff_job.h"
#include "ngx_http_dff_late.h"
#include "ngx_http_dff_ledger.h"
#include "ngx_http_dff_outcome.h"
#include "ngx_http_dff_upload.h"
#include "ngx_http_dff_wake.h"
#include "ngx_http_dff_withdraw.h"

#define NGX_HTTP_DFF_SOFT_LIMIT_GRACE  1000    /* ms, so that 599.31 comes before 599.1 */

static void ngx_http_dff_call_replied(ngx_http_dff_ctx_t *ctx, const dff_reply_t *reply);
static void ngx_http_dff_call_failed(ngx_http_dff_ctx_t *ctx, dff_reason_t reason,
    json_t *detail);
static ngx_http_dff_call_t *ngx_http_dff_call_new(ngx_http_dff_ctx_t *ctx, dff_job_t *job,
    const ngx_http_dff_call_end_t *end);
static void ngx_http_dff_call_timer_handler(ngx_event_t *ev);
static void ngx_http_dff_call_api_timeout(ngx_http_dff_call_t *call, ngx_http_dff_ctx_t *ctx);
static void ngx_http_dff_call_cleanup(void *data);


ngx_int_t
ngx_http_dff_call_stage(ngx_http_dff_ctx_t *ctx)
{
    dff_job_t                job;
    ngx_msec_t               wait, elapsed;
    ngx_http_dff_options_t  *options = &ctx->options;

    static const ngx_http_dff_call_end_t  end = {
        ngx_http_dff_call_replied, ngx_http_dff_call_failed, 1
    };

    if (ngx_http_dff_job_of_link(ctx, &job) != NGX_OK) {
        ngx_http_dff_answer_error(ctx, DFF_E_SYS, NULL, NULL, NULL);
        return NGX_DONE;
    }

    wait = NGX_HTTP_DFF_PATIENCE;

    if (options->exec_mode == DFF_EXEC_SYNC) {
        elapsed = ngx_http_dff_waited(ctx);
        wait = ngx_http_dff_call_wait(options->timeout_s, options->api_timeout_s);
        wait = wait > elapsed ? wait - elapsed : 1;
    }

    ngx_http_dff_upload_keep(ctx, 1);
    ngx_http_dff_call_start(ctx, &job, wait, &end);

    return NGX_DONE;
}


static void
ngx_http_dff_call_replied(ngx_http_dff_ctx_t *ctx, const dff_reply_t *reply)
{
    ngx_http_dff_outcome_answer(ctx, reply, ctx->options.unfold, ctx->options.save_result);
}


static void
ngx_http_dff_call_failed(ngx_http_dff_ctx_t *ctx, dff_reason_t reason, json_t *detail)
{
    const char  *state;

    state = json_string_value(json_object_get(detail, "state"));

    if (reason != DFF_E_API_TIMEOUT && (state == NULL || ngx_strcmp(state, "unknown") != 0)) {
        /* the job will not run */
        ngx_http_dff_upload_keep(ctx, 0);
    }

    ngx_http_dff_answer_error(ctx, reason, NULL, NULL, detail);
}


ngx_msec_t
ngx_http_dff_call_wait(int64_t timeout_s, int64_t api_timeout_s)
{
    ngx_msec_t  wait;

    /* never longer than the function's own limit, whose 599.31 may still arrive */
    wait = (ngx_msec_t) ngx_min(api_timeout_s, timeout_s) * 1000;

    return timeout_s <= api_timeout_s ? wait + NGX_HTTP_DFF_SOFT_LIMIT_GRACE : wait;
}


void
ngx_http_dff_call_start(ngx_http_dff_ctx_t *ctx, dff_job_t *job, ngx_msec_t wait,
    const ngx_http_dff_call_end_t *end)
{
    ngx_http_dff_call_t  *call;

    call = ngx_http_dff_call_new(ctx, job, end);
    if (call == NULL) {
        end->failed(ctx, DFF_E_SYS, NULL);
        return;
    }

    if (ngx_http_dff_job_encode(call, job, wait) != NGX_OK) {
        (void) ngx_http_dff_call_end(call);
        end->failed(ctx, DFF_E_SYS, NULL);
        return;
    }

    if (call->async) {
        /* before the push: the caller may ask as soon as it has the answer */
        ngx_http_dff_late_mark(ctx->worker, ngx_http_dff_str(call->node.str),
                               call->marker_ttl_s);
    }

    if (ngx_http_dff_redis_formatted(&ctx->worker->commands, ngx_http_dff_call_on_push, call,
                                     (char *) call->command.data, call->command.len)
        != NGX_OK)
    {
        ngx_http_dff_call_refused(call, NULL, "refused");
        return;
    }

    if (!call->delayed) {
        ngx_http_dff_ledger_pushed(ctx->worker);
    }

    call->pushing++;
    call->deadline = ngx_current_msec + wait;
    ngx_http_dff_wake(call);
    ctx->pushed = ngx_current_msec;
    ngx_add_timer(&call->timer, ngx_min(wait, NGX_HTTP_DFF_PATIENCE));
}


static ngx_http_dff_call_t *
ngx_http_dff_call_new(ngx_http_dff_ctx_t *ctx, dff_job_t *job,
    const ngx_http_dff_call_end_t *end)
{
    ngx_pool_cleanup_t     *cleanup;
    ngx_http_dff_call_t    *call;
    ngx_http_dff_worker_t  *worker = ctx->worker;

    cleanup = ngx_pool_cleanup_add(ctx->request->pool, 0);
    call = ngx_calloc(sizeof(ngx_http_dff_call_t), worker->log);
    if (call == NULL || cleanup == NULL) {
        ngx_free(call);
        return NULL;
    }

    call->node.str.data = call->id;
    call->node.str.len = dff_id_make(&worker->ids, (char *) call->id, "task-");
    if (call->node.str.len == 0) {
        ngx_free(call);
        return NULL;
    }

    call->worker = worker;
    call->ctx = ctx;
    call->end = end;
    call->async = job->exec_mode == DFF_EXEC_ASYNC;
    call->delayed = call->async && ctx->options.eta_ms != 0;
    call->queue = (ngx_uint_t) job->queue;
    call->node_name = ngx_http_dff_ngx_str(job->node);
    call->state = NGX_HTTP_DFF_CALL_WAITING;
    call->timer.data = call;
    call->timer.handler = ngx_http_dff_call_timer_handler;
    call->timer.log = worker->log;

    call->node.node.key = ngx_murmur_hash2(call->node.str.data, call->node.str.len);
    ngx_rbtree_insert(&worker->calls, &call->node.node);
    ngx_http_dff_counters_set(&worker->counters->pending, ++worker->ncalls);

    cleanup->handler = ngx_http_dff_call_cleanup;
    cleanup->data = ctx;     /* not the call, which may be freed before */
    ctx->call = call;

    /* the call may be freed before the header goes out */
    ctx->task_id.len = call->node.str.len;
    ctx->task_id.data = ngx_pstrdup(ctx->request->pool, &call->node.str);
    if (ctx->task_id.data == NULL) {
        ctx->task_id.len = 0;
    }

    return call;
}


void
ngx_http_dff_call_reply(ngx_http_dff_worker_t *worker, const dff_reply_t *reply,
    dff_str_t raw)
{
    uint32_t                        hash;
    ngx_str_t                       id;
    ngx_connection_t               *c;
    ngx_http_dff_ctx_t             *ctx;
    ngx_http_dff_call_t            *call;
    const ngx_http_dff_call_end_t  *end;

    id = ngx_http_dff_ngx_str(reply->id);
    hash = ngx_murmur_hash2(id.data, id.len);

    call = (ngx_http_dff_call_t *) ngx_str_rbtree_lookup(&worker->calls, &id, hash);

    if (call == NULL) {
        /* its caller was told to ask later */
        ngx_http_dff_late_keep(worker, reply->id, raw);
        return;
    }

    end = call->end;
    ctx = ngx_http_dff_call_end(call);

    if (ctx == NULL) {
        return;   /* the client left without a task id: nobody can ask */
    }

    c = ctx->request->connection;
    ngx_http_dff_late_in_time(ctx);
    end->replied(ctx, reply);
    ngx_http_run_posted_requests(c);
}


void
ngx_http_dff_call_arm_at(ngx_http_dff_call_t *call, ngx_msec_t at)
{
    ngx_msec_int_t  left = (ngx_msec_int_t) (at - ngx_current_msec);

    ngx_http_dff_call_arm(call, left > 0 ? (ngx_msec_t) left : 1);
}


void
ngx_http_dff_call_arm(ngx_http_dff_call_t *call, ngx_msec_t after)
{
    if (call->timer.timer_set) {
        ngx_del_timer(&call->timer);
    }

    ngx_add_timer(&call->timer, after);
}


static void
ngx_http_dff_call_timer_handler(ngx_event_t *ev)
{
    ngx_connection_t     *c;
    ngx_http_dff_ctx_t   *ctx;
    ngx_http_dff_call_t  *call = ev->data;

    if (ngx_http_dff_call_is_leaving(call)) {
        return;
    }

    ctx = call->ctx;

    if (ctx == NULL) {
        (void) ngx_http_dff_call_end(call);
        return;
    }

    c = ctx->request->connection;

    if (call->state == NGX_HTTP_DFF_CALL_UNKNOWN || !call->confirmed || call->async) {
        ngx_http_dff_call_refused(call, "Redis did not confirm the job", "unknown");
        ngx_http_run_posted_requests(c);
        return;
    }

    if (call->end->asked_later && ctx->late == NGX_HTTP_DFF_LATE_NOT_YET) {
        ngx_http_dff_late_ask(ctx, call->marker_ttl_s);
        ngx_http_dff_call_arm_at(call, call->deadline);
        return;
    }

    ngx_http_dff_call_api_timeout(call, ctx);
    ngx_http_run_posted_requests(c);
}


static void
ngx_http_dff_call_api_timeout(ngx_http_dff_call_t *call, ngx_http_dff_ctx_t *ctx)
{
    const ngx_http_dff_call_end_t  *end = call->end;

    (void) ngx_http_dff_call_end(call);

    if (end->asked_later) {
        ngx_http_dff_late_tell(ctx);
        return;
    }

    end->failed(ctx, DFF_E_API_TIMEOUT,
                json_pack("{s:s%}", "id", ctx->task_id.data, ctx->task_id.len));
}


void
ngx_http_dff_call_refused(ngx_http_dff_call_t *call, const char *message, const char *state)
{
    json_t                         *detail;
    ngx_http_dff_ctx_t             *ctx;
    ngx_http_dff_redis_t           *link = &call->worker->commands;
    const ngx_http_dff_call_end_t  *end = call->end;

    ctx = ngx_http_dff_call_end(call);
    detail = ngx_http_dff_answer_away_detail(ctx, link, state, message);

    end->failed(ctx, DFF_E_SYS_CACHE, detail);
}


ngx_http_dff_ctx_t *
ngx_http_dff_call_end(ngx_http_dff_call_t *call)
{
    ngx_http_dff_ctx_t  *ctx = call->ctx;

    if (call->state != NGX_HTTP_DFF_CALL_ENDED) {
        ngx_rbtree_delete(&call->worker->calls, &call->node.node);
        ngx_http_dff_counters_set(&call->worker->counters->pending, --call->worker->ncalls);
        call->state = NGX_HTTP_DFF_CALL_ENDED;
    }

    if (call->timer.timer_set) {
        ngx_del_timer(&call->timer);
    }

    if (ctx != NULL) {
        ctx->call = NULL;
        call->ctx = NULL;
    }

    ngx_http_dff_afterwards_push(call);
    ngx_http_dff_call_release(call);

    return ctx;
}


void
ngx_http_dff_call_release(ngx_http_dff_call_t *call)
{
    if (call->state == NGX_HTTP_DFF_CALL_ENDED && call->pushing == 0) {
        ngx_free(call->command.data);
        ngx_free(call);
    }
}


/* The request goes; if its call still waits, the client has left. */
static void
ngx_http_dff_call_cleanup(void *data)
{
    ngx_http_dff_ctx_t   *ctx = data;
    ngx_http_dff_call_t  *call = ctx->call;

    if (call == NULL) {
        return;   /* answered */
    }

    ctx->call = NULL;
    call->ctx = NULL;
    call->state = NGX_HTTP_DFF_CALL_ABANDONED;

    /* stays until its reply or its time limit, so that the reply is recognised; but
     * nobody waits any more, and a worker that leaves need not either */
    call->timer.cancelable = 1;
}
