/*
 * Results that are fetched later, with func-result: what Redis is told about a task
 * whose caller does not wait for it (any more), and what that caller is told. Runs in
 * nginx workers.
 */
#ifndef NGX_HTTP_DFF_LATE_H
#define NGX_HTTP_DFF_LATE_H

#include "ngx_http_dff_module.h"

/* Lets func-result know of a task that is not finished; never over its result. */
void ngx_http_dff_late_mark(ngx_http_dff_worker_t *worker, dff_str_t id, int64_t ttl_s);

/* The task is none any more: it was taken out of its queue. */
void ngx_http_dff_late_unmark(ngx_http_dff_worker_t *worker, dff_str_t id);

/* A reply came that nobody waits for: raw is the whole of it. */
void ngx_http_dff_late_keep(ngx_http_dff_worker_t *worker, dff_str_t id, dff_str_t raw);

/*
 * 599.1: marks the task of ctx and answers, after a question to Redis whether a worker
 * has it. Its call must have been ended.
 */
void ngx_http_dff_late_tell(ngx_http_dff_ctx_t *ctx, int64_t ttl_s);

#endif
