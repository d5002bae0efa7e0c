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
 * 599.1 says whether a worker has the task, which only Redis knows, and must not be late
 * for that. So it is asked NGX_HTTP_DFF_LATE_LEAD before the time limit, in one script that
 * also marks the task: what is told at the limit may be that old.
 */
#define NGX_HTTP_DFF_LATE_LEAD  150    /* ms */

/* Asks about the task of ctx. */
void ngx_http_dff_late_ask(ngx_http_dff_ctx_t *ctx, int64_t ttl_s);

/* The limit has passed: answers 599.1, at once or as soon as Redis has answered, and in any
 * case within a few ms. The call of ctx must have been ended. */
void ngx_http_dff_late_tell(ngx_http_dff_ctx_t *ctx);

/* The reply has come after the question and before the limit: the task is not marked any
 * more, unless its result is kept under the same key. */
void ngx_http_dff_late_in_time(ngx_http_dff_ctx_t *ctx);

#endif
