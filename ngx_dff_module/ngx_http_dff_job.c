/* The job of a call: see the header. */
#include "ngx_http_dff_http_request.h"
#include "ngx_http_dff_job.h"

#define NGX_HTTP_DFF_EXPIRE_SYNC   10     /* a queued job expires after timeout x 10, */
#define NGX_HTTP_DFF_EXPIRE_ASYNC  24     /* of a batch after timeout x 24 */
#define NGX_HTTP_DFF_PUSH_ROOM     64     /* wire format around key and envelope */


ngx_int_t
ngx_http_dff_job_encode(ngx_http_dff_call_t *call, ngx_msec_t wait, ngx_str_t *command)
{
    size_t                  size, key_len;
    u_char                 *p;
    int64_t                 factor, expires;
    dff_job_t               job;
    dff_key_t               key;
    ngx_str_t               request;
    ngx_http_dff_ctx_t     *ctx = call->ctx;
    ngx_http_dff_worker_t  *worker = ctx->worker;
    ngx_http_dff_options_t *options = &ctx->options;

    request = ngx_http_dff_http_request(ctx);
    if (request.data == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(&job, sizeof(dff_job_t));
    job.kind = DFF_JOB_CALL;
    job.id = ngx_http_dff_str(call->node.str);
    job.func_id = ctx->route.func_id;
    job.origin = ctx->kind == DFF_ROUTE_BATCH ? DFF_ORIGIN_BATCH : DFF_ORIGIN_AUTH_LINK;
    job.origin_id = ngx_http_dff_str(ctx->link_id);
    job.trace_id = ngx_http_dff_str(ctx->trace_id);
    job.exec_mode = options->exec_mode;
    job.return_type = options->return_type;
    job.queue = (int) call->queue;
    job.timeout_s = (int) options->timeout_s;
    job.max_memory_mb = ctx->route.max_memory_mb;
    job.script_version = ctx->route.script_version;
    job.retry_on_lost = ctx->route.retry_on_lost;
    job.keep_result = options->save_result || call->async;
    job.queued_at_ms = dff_time_now_ms();
    job.node = ngx_http_dff_str(call->node_name);
    job.kwargs = ngx_http_dff_str(ctx->kwargs);
    job.request = ngx_http_dff_str(request);

    if (!call->async) {
        job.producer = ngx_http_dff_str(worker->producer);
        job.wait_until_ms = job.queued_at_ms + (int64_t) wait;
    }

    factor = call->async ? NGX_HTTP_DFF_EXPIRE_ASYNC : NGX_HTTP_DFF_EXPIRE_SYNC;

    if (!options->never_expire) {
        job.expires_at_ms = job.queued_at_ms + options->timeout_s * factor * 1000;
    }

    if (ctx->upload != NULL) {
        /* no longer than its files */
        expires = job.queued_at_ms + worker->mcf->config.upload_file_expires_s * 1000;
        job.expires_at_ms = job.expires_at_ms == 0 ? expires
                                                   : ngx_min(job.expires_at_ms, expires);
    }

    /* as long as the job may wait and run, and then its result */
    call->marker_ttl_s = worker->mcf->config.worker_result_expires_s
                         + options->timeout_s * (factor + 1);

    size = dff_job_size(&job);
    key_len = dff_key_queue_at(key, (int) call->queue, job.node);

    command->data = ngx_pnalloc(ctx->request->pool,
                                NGX_HTTP_DFF_PUSH_ROOM + key_len + size);
    if (command->data == NULL) {
        return NGX_ERROR;
    }

    p = ngx_sprintf(command->data, "*3" CRLF "$5" CRLF "LPUSH" CRLF "$%uz" CRLF "%*s" CRLF
                    "$%uz" CRLF, key_len, key_len, key, size);
    call->envelope.data = p;
    call->envelope.len = size;

    p = (u_char *) dff_job_write((char *) p, &job);
    *p++ = CR;
    *p++ = LF;
    command->len = p - command->data;

    return NGX_OK;
}
