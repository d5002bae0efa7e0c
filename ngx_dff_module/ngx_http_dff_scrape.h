/*
 * GET /metrics: gathers what this node knows for Prometheus. Runs in nginx workers.
 *
 * What nginx counts comes from shared memory; queues and executors are asked of Redis, in
 * one round trip, and left out when that does not answer.
 */
#ifndef NGX_HTTP_DFF_SCRAPE_H
#define NGX_HTTP_DFF_SCRAPE_H

#include <jansson.h>

#include "ngx_http_dff_module.h"
#include "ngx_http_dff_route_cache.h"

#include "dff_buf.h"
#include "dff_ledger.h"

#define NGX_HTTP_DFF_SCRAPE_QUEUES   10
#define NGX_HTTP_DFF_SCRAPE_LEDGER   (NGX_HTTP_DFF_SCRAPE_QUEUES + 1)   /* behind delayed jobs */
#define NGX_HTTP_DFF_SCRAPE_NUMBERS  (NGX_HTTP_DFF_SCRAPE_LEDGER + DFF_LEDGER_COUNT)

/* One scrape, from Redis's answer to ours. */
typedef struct {
    dff_buf_t                          out;
    ngx_http_dff_counters_t            counters;
    ngx_http_dff_route_cache_stats_t   routes;
    ngx_uint_t                         workers;
    int64_t                            since_ms;
    redisReply                        *reply;     /* numbers come first: lengths of the
                                                     queues, delayed jobs, the ledger; NULL:
                                                     Redis is away */
    json_t                            *nodes;     /* array of heartbeats; or NULL */
} ngx_http_dff_scrape_t;

void ngx_http_dff_scrape_start(ngx_http_dff_ctx_t *ctx);

#endif
