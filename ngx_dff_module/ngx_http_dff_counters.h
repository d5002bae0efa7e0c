/*
 * What this node's nginx counts, in shared memory.
 *
 * The zone is an array of slots. A worker owns one from its start to its end and is the
 * only one that writes there, so counting is an addition without a lock. Whoever scrapes
 * adds up all slots; a slot whose owner has gone keeps its counts, and the next worker that
 * needs one goes on from them: no count is lost by a reload or a crash. What describes the
 * present (pending calls, links that are up) is read from slots with a living owner only.
 *
 * Runs in nginx workers; init_zone in the nginx master.
 */
#ifndef NGX_HTTP_DFF_COUNTERS_H
#define NGX_HTTP_DFF_COUNTERS_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "dff_err.h"

#include "ngx_http_dff_redis.h"

#define NGX_HTTP_DFF_COUNTERS_ZONE_SIZE  (256 * 1024)

/* How a call through a link ended for its caller. */
typedef enum {
    NGX_HTTP_DFF_CALL_OK,
    NGX_HTTP_DFF_CALL_CLIENT_ERROR,
    NGX_HTTP_DFF_CALL_AUTH,
    NGX_HTTP_DFF_CALL_LINK_DISABLED,
    NGX_HTTP_DFF_CALL_LINK_EXPIRED,
    NGX_HTTP_DFF_CALL_THROTTLED,
    NGX_HTTP_DFF_CALL_CONGESTED,
    NGX_HTTP_DFF_CALL_FUNC_FAILED,
    NGX_HTTP_DFF_CALL_FUNC_TIMEOUT,
    NGX_HTTP_DFF_CALL_API_TIMEOUT,
    NGX_HTTP_DFF_CALL_CACHE_UNAVAILABLE,
    NGX_HTTP_DFF_CALL_SYSTEM_ERROR,
    NGX_HTTP_DFF_CALL_CLIENT_GONE,
    NGX_HTTP_DFF_CALL_OUTCOMES
} ngx_http_dff_call_outcome_e;

typedef enum {
    NGX_HTTP_DFF_LINK_COMMANDS,
    NGX_HTTP_DFF_LINK_REPLIES,
    NGX_HTTP_DFF_LINK_CHANGES,
    NGX_HTTP_DFF_LINKS
} ngx_http_dff_link_e;

#define NGX_HTTP_DFF_BUCKETS  16     /* ngx_http_dff_counters_buckets[] */

/* Only 64-bit numbers: the sum of two is the sum of their parts. */
typedef struct {
    uint64_t                    calls[NGX_HTTP_DFF_CALL_OUTCOMES];
    uint64_t                    duration[NGX_HTTP_DFF_BUCKETS + 1];  /* not cumulative; the
                                                                       last: longer than all */
    uint64_t                    duration_ms;        /* sum */
    uint64_t                    results_lost;
    uint64_t                    pending;            /* of the present */
    ngx_http_dff_redis_stats_t  links[NGX_HTTP_DFF_LINKS];   /* up: of the present */
} ngx_http_dff_counters_t;

typedef struct {
    uint64_t     ms;
    const char  *le;       /* s */
} ngx_http_dff_bucket_t;

extern const ngx_http_dff_bucket_t  ngx_http_dff_counters_buckets[NGX_HTTP_DFF_BUCKETS];

/* Sets up the zone (its init callback); adopts the old one after a reload. */
ngx_int_t ngx_http_dff_counters_init_zone(ngx_shm_zone_t *zone, void *old);

/* The slot of this process. When all are taken: memory of the cycle, which no scrape sees
 * (logged). NULL: no memory. */
ngx_http_dff_counters_t *ngx_http_dff_counters_claim(ngx_shm_zone_t *zone, ngx_cycle_t *cycle);

/* At the end of a worker. */
void ngx_http_dff_counters_release(ngx_shm_zone_t *zone);

/* The sum over all slots; workers: how many have an owner; since_ms: Unix time of the first
 * count. */
void ngx_http_dff_counters_sum(ngx_shm_zone_t *zone, ngx_http_dff_counters_t *sum,
    ngx_uint_t *workers, int64_t *since_ms);

/* reason and sub: as given to ngx_http_dff_answer_error(); DFF_REASON_NONE: a success. */
void ngx_http_dff_counters_call(ngx_http_dff_counters_t *counters, dff_reason_t reason,
    const char *sub, ngx_msec_t cost);

void ngx_http_dff_counters_gone(ngx_http_dff_counters_t *counters);

/* Every number has one writer: no lock, no atomic addition. Readers see a whole number. */
static ngx_inline void
ngx_http_dff_counters_add(uint64_t *counter, uint64_t n)
{
    __atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}

static ngx_inline void
ngx_http_dff_counters_set(uint64_t *gauge, uint64_t value)
{
    __atomic_store_n(gauge, value, __ATOMIC_RELAXED);
}

#endif
