/* The job of a call: see the header. */
#include "ngx_http_dff_http_request.h"
#include "ngx_http_dff_job.h"

#include "dff_ledger.h"

#define NGX_HTTP_DFF_QUEUE_SYNC   1      /* where the function names none */
#define NGX_HTTP_DFF_QUEUE_ASYNC  9
#define NGX_HTTP_DFF_EXPIRE_SYNC   10     /* a queued job expires after timeout x 10, */
#define NGX_HTTP_DFF_EXPIRE_ASYNC  24     /* of a batch after timeout x 24 */
#define NGX_HTTP_DFF_PUSH_ROOM     512    /* wire format around the envelope, script included */

/* KEYS: delayed. ARGV: due time, limit, envelope. 1, or the length (negative) when full. */
#define NGX_HTTP_DFF_JOB_DELAY \
    "local n = redis.call('ZCARD', KEYS[1]) " \
    "if n >= tonumber(ARGV[2]) then return -n end " \
    DFF_LEDGER_BUMP("'accepted'") \
    "return redis.call('ZADD', KEYS[1], ARGV[1], ARGV[3])"

static u_char *ngx_http_dff_job_head(u_char *p, ngx_http_dff_call_t *call, size_t size);
static u_char *ngx_http_dff_job_word(u_char *p, const u_char *word, size_t len);


ngx_int_t
ngx_http_dff_job_of_link(ngx_http_dff_ctx_t *ctx, dff_job_t *job)
{
    ngx_str_t                request;
    ngx_http_dff_options_t  *options = &ctx->options;

    ngx_memzero(job, sizeof(dff_job_t));

    request = ngx_http_dff_http_request(ctx, &job->shared);
    if (request.data == NULL) {
        return NGX_ERROR;
    }

    job->func_id = ctx->route.func_id;
    job->origin = ctx->kind == DFF_ROUTE_BATCH ? DFF_ORIGIN_BATCH : DFF_ORIGIN_AUTH_LINK;
    job->origin_id = ngx_http_dff_str(ctx->link_id);
    job->exec_mode = options->exec_mode;
    job->return_type = options->return_type;
    job->queue = ctx->route.queue >= 0 ? ctx->route.queue
                 : ctx->kind == DFF_ROUTE_BATCH ? NGX_HTTP_DFF_QUEUE_ASYNC
                 : NGX_HTTP_DFF_QUEUE_SYNC;
    job->timeout_s = (int) options->timeout_s;
    job->max_memory_mb = ctx->route.max_memory_mb;
    job->script_version = ctx->route.script_version;
    job->retry_on_lost = ctx->route.retry_on_lost;
    job->keep_result = options->save_result || options->exec_mode == DFF_EXEC_ASYNC;
    job->save_result = options->save_result;
    job->expires_at_ms = !options->never_expire;
    job->cache_as = ngx_http_dff_str(ctx->cache_as);
    job->cache_ms = ctx->cache_as.len == 0 ? 0
                    : ngx_max((int64_t) (ctx->route.cache_result_s * 1000), 1);
    job->kwargs = ngx_http_dff_str(ctx->kwargs);
    job->request = ngx_http_dff_str(request);

    if (ctx->upload != NULL && !ctx->worker->mcf->config.resource_root_shared) {
        job->node = ngx_http_dff_str(ctx->worker->mcf->node);
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_dff_job_encode(ngx_http_dff_call_t *call, dff_job_t *job, ngx_msec_t wait)
{
    size_t                  size;
    u_char                 *p;
    int64_t                 factor, delay_ms, expires;
    ngx_http_dff_ctx_t     *ctx = call->ctx;
    ngx_http_dff_worker_t  *worker = ctx->worker;

    job->id = ngx_http_dff_str(call->node.str);
    job->trace_id = ngx_http_dff_str(ctx->trace_id);
    job->queued_at_ms = dff_time_now_ms();
    call->queued_at_ms = job->queued_at_ms;

    if (!call->async) {
        job->producer = ngx_http_dff_str(worker->producer);
        job->wait_until_ms = job->queued_at_ms + (int64_t) wait;
    }

    factor = call->async ? NGX_HTTP_DFF_EXPIRE_ASYNC : NGX_HTTP_DFF_EXPIRE_SYNC;

    delay_ms = call->delayed ? ngx_max(ctx->options.eta_ms - job->queued_at_ms, 0) : 0;

    if (job->expires_at_ms != 0) {
        job->expires_at_ms = job->queued_at_ms + delay_ms + job->timeout_s * factor * 1000;
    }

    if (ctx->upload != NULL) {
        /* no longer than its files */
        expires = job->queued_at_ms + worker->mcf->config.upload_file_expires_s * 1000;
        job->expires_at_ms = job->expires_at_ms == 0 ? expires
                                                     : ngx_min(job->expires_at_ms, expires);
    }

    /* as long as the job may wait and run, and then its result */
    call->marker_ttl_s = worker->mcf->config.worker_result_expires_s + delay_ms / 1000
                         + job->timeout_s * (factor + 1);

    size = dff_job_size(job);

    /* not in the request's pool, where it would lie for as long as the call waits */
    call->command.data = ngx_alloc(NGX_HTTP_DFF_PUSH_ROOM + size, worker->log);
    if (call->command.data == NULL) {
        return NGX_ERROR;
    }

    p = ngx_http_dff_job_head(call->command.data, call, size);
    call->envelope.data = p;
    call->envelope.len = size;

    p = (u_char *) dff_job_write((char *) p, job);
    *p++ = CR;
    *p++ = LF;
    call->command.len = p - call->command.data;

    /* a copy of the whole body may be in it */
    (void) ngx_pfree(ctx->request->pool, (void *) job->request.data);
    job->request = DFF_STR_NULL;

    return NGX_OK;
}


/* The command up to its last word, the envelope, which has size bytes. */
static u_char *
ngx_http_dff_job_head(u_char *p, ngx_http_dff_call_t *call, size_t size)
{
    size_t     len;
    u_char     number[NGX_INT64_LEN];
    dff_key_t  key;

    static ngx_str_t  push = ngx_string("*3" CRLF "$5" CRLF "LPUSH" CRLF);
    static ngx_str_t  eval = ngx_string("*7" CRLF "$4" CRLF "EVAL" CRLF);
    static ngx_str_t  script = ngx_string(NGX_HTTP_DFF_JOB_DELAY);

    if (!call->delayed) {
        len = dff_key_queue_at(key, (int) call->queue, ngx_http_dff_str(call->node_name));
        p = ngx_cpymem(p, push.data, push.len);
        p = ngx_http_dff_job_word(p, (u_char *) key, len);
        return ngx_sprintf(p, "$%uz" CRLF, size);
    }

    p = ngx_cpymem(p, eval.data, eval.len);
    p = ngx_http_dff_job_word(p, script.data, script.len);
    p = ngx_http_dff_job_word(p, (u_char *) "1", 1);
    p = ngx_http_dff_job_word(p, (u_char *) DFF_KEY_DELAYED, sizeof(DFF_KEY_DELAYED) - 1);
    len = ngx_sprintf(number, "%L", call->ctx->options.eta_ms) - number;
    p = ngx_http_dff_job_word(p, number, len);
    len = ngx_sprintf(number, "%L", call->worker->mcf->config.worker_queue_limit) - number;
    p = ngx_http_dff_job_word(p, number, len);

    return ngx_sprintf(p, "$%uz" CRLF, size);
}


static u_char *
ngx_http_dff_job_word(u_char *p, const u_char *word, size_t len)
{
    p = ngx_sprintf(p, "$%uz" CRLF, len);
    p = ngx_cpymem(p, word, len);
    *p++ = CR;
    *p++ = LF;

    return p;
}
