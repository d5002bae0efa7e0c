/*
 * Statistics of links: calls per day, and the last calls with their cost and outcome.
 *
 * Each nginx worker gathers its own and brings them to Redis in the background: no
 * call waits for it or costs a round trip of its own. When Redis is away, or a worker is
 * killed, statistics are lost and nothing else is.
 */
#ifndef NGX_HTTP_DFF_STAT_H
#define NGX_HTTP_DFF_STAT_H

#include "ngx_http_dff_module.h"

/* NULL: no memory. Lives as long as the cycle. */
ngx_http_dff_stat_t *ngx_http_dff_stat_new(ngx_http_dff_worker_t *worker, ngx_cycle_t *cycle);

/* What was gathered goes to Redis; the event loop has ended (exit_process). */
void ngx_http_dff_stat_close(ngx_http_dff_stat_t *stat);

/*
 * The stage of a call that sees to it that this call will be counted when its request
 * ends, with what ctx->outcome says then. It follows the lookup: calls of links that do
 * not exist are nobody's. Always NGX_OK.
 */
ngx_int_t ngx_http_dff_stat_stage(ngx_http_dff_ctx_t *ctx);

#endif
