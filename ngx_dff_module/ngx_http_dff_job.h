/*
 * The job of a call as the command that queues it. Runs in nginx workers.
 */
#ifndef NGX_HTTP_DFF_JOB_H
#define NGX_HTTP_DFF_JOB_H

#include "ngx_http_dff_call.h"

/*
 * Writes the LPUSH of the job in wire format into the request's pool, the envelope in
 * place, and notes it in call->envelope. wait: ms that the caller will wait. call->ctx
 * must be there, queue and async be set. NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_dff_job_encode(ngx_http_dff_call_t *call, ngx_msec_t wait,
    ngx_str_t *command);

#endif
