/*
 * What nginx tells of a task for its row in MySQL (common/dff_record.h): that it is queued.
 * How it goes on the masters tell. Runs in nginx workers.
 */
#ifndef NGX_HTTP_DFF_TASK_RECORD_H
#define NGX_HTTP_DFF_TASK_RECORD_H

#include "ngx_http_dff_call.h"

/* An async call was accepted: its request and its call are still there. Without memory or
 * Redis the row comes with the end of the task. */
void ngx_http_dff_task_record_queued(ngx_http_dff_ctx_t *ctx, ngx_http_dff_call_t *call);

#endif
