/* The life of a call in nginx: see the header. */
#include "ngx_http_dff_answer.h"
#include "ngx_http_dff_call.h"
#include "ngx_http_dff_job.h"
#include "ngx_http_dff_outcome.h"
#include "ngx_http_dff_upload.h"

#define NGX_HTTP_DFF_QUEUE_SYNC        1       /* where the function names none */
#define NGX_HTTP_DFF_QUEUE_ASYNC       9
#define NGX_HTTP_DFF_PATIENCE          1000    /* ms until 503 when Redis is away */
#define NGX_HTTP_DFF_SOFT_LIMIT_GRACE  1000    /* ms, so that 599.31 comes before 599.1 */

static ngx_http_dff_call_t *ngx_http_dff_call_new(ngx_http_dff_ctx_t *ctx);
static void ngx_http_dff_call_wake(ngx_http_dff_call_t *call);
static void ngx_http_dff_call_on_push(redisAsyncContext *ac, void *reply, void *data);
static void ngx_http_dff_call_withdraw(ngx_http_dff_call_t *call);
static void ngx_http_dff_call_on_withdraw(redisAsyncContext *ac, void *reply, void *data);
static void ngx_http_dff_call_timer_handler(ngx_event_t *ev);
static void ngx_http_dff_call_api_timeout(ngx_http_dff_call_t *call, ngx_http_dff_ctx_t *ctx);
static void ngx_http_dff_call_mark(ngx_http_dff_call_t *call);
static void ngx_http_dff_call_accepted(ngx_http_dff_call_t *call);
static void ngx_http_dff_call_congested(ngx_http_dff_call_t *call);
static void ngx_http_dff_call_refused(ngx_http_dff_call_t *call, const char *message,
    const char *state);
static ngx_http_dff_ctx_t *ngx_http_dff_call_end(ngx_http_dff_call_t *call);
static void ngx_http_dff_call_release(ngx_http_dff_call_t *call);
static void ngx_http_dff_call_cleanup(void *data);
static void ngx_http_dff_call_keep(ngx_http_dff_worker_t *worker, dff_str_t id, dff_str_t raw,
    int64_t ttl_s, ngx_uint_t only_if_new);


ngx_int_t
ngx_http_dff_call_stage(ngx_http_dff_ctx_t *ctx)
{
    ngx_str_t                command;
    ngx_msec_t               wait, elapsed;
    ngx_http_dff_call_t     *call;
    ngx_http_dff_options_t  *options = &ctx->options;

    call = ngx_http_dff_call_new(ctx);
    if (call == NULL) {
        ngx_http_dff_answer_error(ctx, DFF_E_SYS, NULL, NULL, NULL);
        return NGX_DONE;
    }

    call->unfold = options->unfold;
    call->save_result = options->save_result;
    call->async = options->exec_mode == DFF_EXEC_ASYNC;

    /* never longer than the function's own limit, whose 599.31 may still arrive */
    wait = (ngx_msec_t) ngx_min(options->api_timeout_s, options->timeout_s) * 1000;
    if (options->timeout_s <= options->api_timeout_s) {
        wait += NGX_HTTP_DFF_SOFT_LIMIT_GRACE;
    }

    if (call->async) {
        wait = NGX_HTTP_DFF_PATIENCE;
    }

    elapsed = ngx_http_dff_waited(ctx);
    wait = wait > elapsed ? wait - elapsed : 1;

    if (ngx_http_dff_job_encode(call, wait, &command) != NGX_OK) {
        (void) ngx_http_dff_call_end(call);
        ngx_http_dff_answer_error(ctx, DFF_E_SYS, NULL, NULL, NULL);
        return NGX_DONE;
    }

    if (call->async) {
        /* before the push: the caller may ask as soon as it has the answer */
        ngx_http_dff_call_mark(call);
    }

    if (ngx_http_dff_redis_formatted(&ctx->worker->commands, ngx_http_dff_call_on_push, call,
                                     (char *) command.data, command.len)
        != NGX_OK)
    {
        ngx_http_dff_call_refused(call, "Redis cannot be reached", "refused");
        return NGX_DONE;
    }

    call->pushing++;
    ngx_http_dff_call_wake(call);
    ngx_http_dff_upload_keep(ctx, 1);
    ngx_add_timer(&call->timer, wait);

    return NGX_DONE;
}


/* A queue of one node goes away with the last job that could still run; its master does
 * not block on it and is told. Lost messages cost a second: dff_node_claim.h. */
static void
ngx_http_dff_call_wake(ngx_http_dff_call_t *call)
{
    u_char                     ttl[NGX_INT64_LEN], text[sizeof("wake 0")];
    dff_key_t                  queue, channel;
    ngx_http_dff_main_conf_t  *mcf = call->worker->mcf;

    ngx_str_t  expire[3] = { ngx_string("EXPIRE"), ngx_null_string, ngx_null_string };
    ngx_str_t  publish[3] = { ngx_string("PUBLISH"), ngx_null_string, ngx_null_string };

    if (call->node_name.len == 0) {
        return;
    }

    expire[1].len = dff_key_queue_at(queue, (int) call->queue,
                                     ngx_http_dff_str(call->node_name));
    expire[1].data = (u_char *) queue;
    expire[2].len = ngx_sprintf(ttl, "%L", mcf->config.upload_file_expires_s) - ttl;
    expire[2].data = ttl;

    publish[1].len = dff_key_wake(channel, ngx_http_dff_str(call->node_name));
    publish[1].data = (u_char *) channel;
    publish[2].len = ngx_sprintf(text, "wake %ui", call->queue) - text;
    publish[2].data = text;

    (void) ngx_http_dff_redis_command(&call->worker->commands, NULL, NULL, 3, expire);
    (void) ngx_http_dff_redis_command(&call->worker->commands, NULL, NULL, 3, publish);
}


static ngx_http_dff_call_t *
ngx_http_dff_call_new(ngx_http_dff_ctx_t *ctx)
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
    call->state = NGX_HTTP_DFF_CALL_WAITING;
    call->timer.data = call;
    call->timer.handler = ngx_http_dff_call_timer_handler;
    call->timer.log = worker->log;
    call->queue = ctx->route.queue >= 0 ? (ngx_uint_t) ctx->route.queue
                  : ctx->kind == DFF_ROUTE_BATCH ? NGX_HTTP_DFF_QUEUE_ASYNC
                  : NGX_HTTP_DFF_QUEUE_SYNC;

    if (ctx->upload != NULL && !worker->mcf->config.resource_root_shared) {
        call->node_name = worker->mcf->node;
    }

    call->node.node.key = ngx_murmur_hash2(call->node.str.data, call->node.str.len);
    ngx_rbtree_insert(&worker->calls, &call->node.node);
    worker->ncalls++;

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


static void
ngx_http_dff_call_on_push(redisAsyncContext *ac, void *data, void *privdata)
{
    ngx_msec_t            elapsed;
    redisReply           *reply = data;
    ngx_http_dff_call_t  *call = privdata;

    call->pushing--;

    if (call->state != NGX_HTTP_DFF_CALL_WAITING) {
        ngx_http_dff_call_release(call);
        return;
    }

    if (reply == NULL) {
        /* Redis may have taken it. Never pushed again; the reply may yet come. */
        elapsed = ngx_http_dff_waited(call->ctx);
        call->state = NGX_HTTP_DFF_CALL_UNKNOWN;
        ngx_add_timer(&call->timer, elapsed < NGX_HTTP_DFF_PATIENCE
                                    ? NGX_HTTP_DFF_PATIENCE - elapsed : 1);
        return;
    }

    if (reply->type != REDIS_REPLY_INTEGER) {
        ngx_http_dff_upload_keep(call->ctx, 0);
        ngx_http_dff_call_refused(call, reply->type == REDIS_REPLY_ERROR ? reply->str
                                                : "unexpected answer to LPUSH", "refused");
        return;
    }

    if (reply->integer > call->worker->mcf->config.worker_queue_limit) {
        ngx_http_dff_call_withdraw(call);
        return;
    }

    if (call->async) {
        ngx_http_dff_call_accepted(call);
    }
}


/* The answer to an async call: where its result will be. */
static void
ngx_http_dff_call_accepted(ngx_http_dff_call_t *call)
{
    ngx_str_t            data = ngx_string("{\"result\":null}");
    ngx_connection_t    *c;
    ngx_http_dff_ctx_t  *ctx;

    ctx = ngx_http_dff_call_end(call);
    c = ctx->request->connection;

    ngx_http_dff_answer_data(ctx, data, ngx_http_dff_outcome_task(ctx));
    ngx_http_run_posted_requests(c);
}


/* The queue was full before this job: take it back, unless it has been claimed. */
static void
ngx_http_dff_call_withdraw(ngx_http_dff_call_t *call)
{
    dff_key_t  key;
    ngx_str_t  argv[4] = {
        ngx_string("LREM"), ngx_null_string, ngx_string("1"), ngx_null_string
    };

    argv[1].len = dff_key_queue_at(key, (int) call->queue, ngx_http_dff_str(call->node_name));
    argv[1].data = (u_char *) key;
    argv[3] = call->envelope;

    if (ngx_http_dff_redis_command(&call->worker->commands, ngx_http_dff_call_on_withdraw, call,
                                   4, argv)
        == NGX_OK)
    {
        call->pushing++;
    }
}


static void
ngx_http_dff_call_on_withdraw(redisAsyncContext *ac, void *data, void *privdata)
{
    redisReply           *reply = data;
    ngx_http_dff_call_t  *call = privdata;

    call->pushing--;

    if (call->state == NGX_HTTP_DFF_CALL_WAITING
        && reply != NULL && reply->type == REDIS_REPLY_INTEGER && reply->integer == 1)
    {
        ngx_http_dff_call_congested(call);
        return;
    }

    if (call->state == NGX_HTTP_DFF_CALL_WAITING && call->async) {
        ngx_http_dff_call_accepted(call);   /* claimed in the meantime */
        return;
    }

    ngx_http_dff_call_release(call);
}


void
ngx_http_dff_call_reply(ngx_http_dff_worker_t *worker, const dff_reply_t *reply,
    dff_str_t raw)
{
    uint32_t              hash;
    ngx_str_t             id;
    ngx_uint_t            unfold, save_result;
    ngx_connection_t     *c;
    ngx_http_dff_ctx_t   *ctx;
    ngx_http_dff_call_t  *call;

    id = ngx_http_dff_ngx_str(reply->id);
    hash = ngx_murmur_hash2(id.data, id.len);

    call = (ngx_http_dff_call_t *) ngx_str_rbtree_lookup(&worker->calls, &id, hash);

    if (call == NULL) {
        /* its caller was told to ask later */
        ngx_http_dff_call_keep(worker, reply->id, raw,
                               worker->mcf->config.worker_result_expires_s, 0);
        return;
    }

    unfold = call->unfold;
    save_result = call->save_result;
    ctx = ngx_http_dff_call_end(call);

    if (ctx == NULL) {
        return;   /* the client left without a task id: nobody can ask */
    }

    c = ctx->request->connection;
    ngx_http_dff_outcome_answer(ctx, reply, unfold, save_result);
    ngx_http_run_posted_requests(c);
}


static void
ngx_http_dff_call_timer_handler(ngx_event_t *ev)
{
    ngx_connection_t     *c;
    ngx_http_dff_ctx_t   *ctx;
    ngx_http_dff_call_t  *call = ev->data;

    ctx = call->ctx;

    if (ctx == NULL) {
        (void) ngx_http_dff_call_end(call);
        return;
    }

    if (call->state == NGX_HTTP_DFF_CALL_UNKNOWN || call->async) {
        ngx_http_dff_call_refused(call, "Redis did not confirm the job", "unknown");
        return;
    }

    c = ctx->request->connection;
    ngx_http_dff_call_api_timeout(call, ctx);
    ngx_http_run_posted_requests(c);
}


static void
ngx_http_dff_call_api_timeout(ngx_http_dff_call_t *call, ngx_http_dff_ctx_t *ctx)
{
    ngx_http_dff_call_mark(call);

    (void) ngx_http_dff_call_end(call);

    ngx_http_dff_answer_error(ctx, DFF_E_API_TIMEOUT, NULL, NULL,
                              json_pack("{s:s%}", "id", ctx->task_id.data, ctx->task_id.len));
}


/* Lets func-result know of a task that is not finished; never over its result. */
static void
ngx_http_dff_call_mark(ngx_http_dff_call_t *call)
{
    char         marker[512], *last;
    dff_reply_t  reply;

    ngx_memzero(&reply, sizeof(dff_reply_t));
    reply.id = ngx_http_dff_str(call->node.str);
    reply.status = DFF_STATUS_QUEUED;
    reply.body_type = DFF_BODY_JSON;
    reply.body = DFF_STR("null");

    if (dff_reply_size(&reply) <= sizeof(marker)) {
        last = dff_reply_write(marker, &reply);
        ngx_http_dff_call_keep(call->worker, reply.id,
                               (dff_str_t) { marker, (size_t) (last - marker) },
                               call->marker_ttl_s, 1);
    }
}


static void
ngx_http_dff_call_congested(ngx_http_dff_call_t *call)
{
    ngx_int_t              queue = call->queue, limit;
    ngx_connection_t      *c;
    ngx_http_dff_ctx_t    *ctx;

    limit = call->worker->mcf->config.worker_queue_limit;
    ctx = ngx_http_dff_call_end(call);
    c = ctx->request->connection;
    ngx_http_dff_upload_keep(ctx, 0);

    ngx_http_dff_answer_error(ctx, DFF_E_WORKER_QUEUE_CONGESTION, NULL, NULL,
                              json_pack("{s:I, s:I, s:I}", "queue", (json_int_t) queue,
                                        "length", (json_int_t) limit,
                                        "limit", (json_int_t) limit));
    ngx_http_run_posted_requests(c);
}


/* 503.53. state tells whether the job may run: "refused": it does not; "unknown". */
static void
ngx_http_dff_call_refused(ngx_http_dff_call_t *call, const char *message, const char *state)
{
    json_t              *detail;
    ngx_connection_t    *c;
    ngx_http_dff_ctx_t  *ctx;

    ctx = ngx_http_dff_call_end(call);
    c = ctx->request->connection;

    detail = json_pack("{s:s%, s:s, s:s}", "id", ctx->task_id.data, ctx->task_id.len,
                       "state", state, "message", message);

    ngx_http_dff_answer_error(ctx, DFF_E_SYS_CACHE, NULL, NULL, detail);
    ngx_http_run_posted_requests(c);
}


/* Takes the call out of everything; the ctx, if its request is still there. */
static ngx_http_dff_ctx_t *
ngx_http_dff_call_end(ngx_http_dff_call_t *call)
{
    ngx_http_dff_ctx_t  *ctx = call->ctx;

    if (call->state != NGX_HTTP_DFF_CALL_ENDED) {
        ngx_rbtree_delete(&call->worker->calls, &call->node.node);
        call->worker->ncalls--;
        call->state = NGX_HTTP_DFF_CALL_ENDED;
    }

    if (call->timer.timer_set) {
        ngx_del_timer(&call->timer);
    }

    if (ctx != NULL) {
        ctx->call = NULL;
        call->ctx = NULL;
    }

    ngx_http_dff_call_release(call);

    return ctx;
}


static void
ngx_http_dff_call_release(ngx_http_dff_call_t *call)
{
    if (call->state == NGX_HTTP_DFF_CALL_ENDED && call->pushing == 0) {
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


/* SET result:<id>. Its failure costs the answer to a later func-result, no more. */
static void
ngx_http_dff_call_keep(ngx_http_dff_worker_t *worker, dff_str_t id, dff_str_t raw,
    int64_t ttl_s, ngx_uint_t only_if_new)
{
    u_char     ttl[NGX_INT64_LEN];
    dff_key_t  key;
    ngx_str_t  argv[6] = {
        ngx_string("SET"), ngx_null_string, ngx_null_string, ngx_string("EX"), ngx_null_string,
        ngx_string("NX")
    };

    argv[1].len = dff_key_result(key, id);
    argv[1].data = (u_char *) key;
    argv[2] = ngx_http_dff_ngx_str(raw);
    argv[4].data = ttl;
    argv[4].len = ngx_sprintf(ttl, "%L", ttl_s) - ttl;

    if (ngx_http_dff_redis_command(&worker->commands, NULL, NULL, only_if_new ? 6 : 5, argv)
        != NGX_OK)
    {
        ngx_log_error(NGX_LOG_WARN, worker->log, 0,
                      "dff: the result of %*s could not be kept: Redis is away",
                      id.len, id.data);
    }
}
