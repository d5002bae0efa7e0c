/*
 * A job behind a call whose client has left: it clears up what the call may still be using,
 * so it is pushed when that has ended, by its reply or its time. Nobody waits for it. Runs in
 * nginx workers.
 */
#ifndef NGX_HTTP_DFF_AFTERWARDS_H
#define NGX_HTTP_DFF_AFTERWARDS_H

#include "ngx_http_dff_call.h"

/* Pushes the job (its queue and node; its bytes are copied) behind the abandoned call of that
 * id, or at once when there is none. While the link is down it is not pushed. */
void ngx_http_dff_afterwards(ngx_http_dff_worker_t *worker, ngx_str_t *id, const dff_job_t *job,
    const ngx_str_t *envelope);

/* A call has ended: pushes what was to come behind it. */
void ngx_http_dff_afterwards_push(ngx_http_dff_call_t *call);

#endif
