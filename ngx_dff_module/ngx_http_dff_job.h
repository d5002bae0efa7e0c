/*
 * The job of a call as the command that queues it. Runs in nginx workers.
 */
#ifndef NGX_HTTP_DFF_JOB_H
#define NGX_HTTP_DFF_JOB_H

#include "ngx_http_dff_call.h"

/* The job that a call through a link wants, from ctx->route, kwargs and options.
 * NGX_ERROR: no memory. */
ngx_int_t ngx_http_dff_job_of_link(ngx_http_dff_ctx_t *ctx, dff_job_t *job);

/*
 * Completes the job with what belongs to the call (id, trace, times, producer) and writes
 * its push (LPUSH, or into dff:delayed) in wire format to call->command, the envelope in
 * it noted in call->envelope. wait: ms that the caller will wait. job->expires_at_ms: 0 for
 * a job that never expires, else anything. job->request must be in the request's pool and
 * is used up. NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_dff_job_encode(ngx_http_dff_call_t *call, dff_job_t *job, ngx_msec_t wait);

#endif
