/*
 * Routes in shared memory, so that a call asks Redis nothing.
 *
 * A fixed array of buckets with chains of entries; an entry is a packed route
 * (common/dff_route.h) or the knowledge that there is none. Memory is the zone's:
 * when it is full, entries that were not used since the last round give way
 * (second chance). A bucket has some entries at most, whoever chooses their ids. An
 * entry is believed for NGX_HTTP_DFF_ROUTE_MAX_AGE at most, even if the message about
 * a change was lost.
 *
 * Runs in nginx worker processes, all of which share it. The lock spans one
 * lookup or one change; routes are copied out. There are no pointers to code or
 * process memory in the zone, and each change is a few stores after each of which
 * the chains are valid, since a worker may be killed in between.
 */
#ifndef NGX_HTTP_DFF_ROUTE_CACHE_H
#define NGX_HTTP_DFF_ROUTE_CACHE_H

#include <ngx_config.h>
#include <ngx_core.h>

#include "dff_route.h"

#define NGX_HTTP_DFF_ROUTE_MAX_AGE   15000     /* ms */

typedef struct {
    ngx_uint_t  entries;
    ngx_uint_t  hits;
    ngx_uint_t  misses;
    ngx_uint_t  evictions;
} ngx_http_dff_route_cache_stats_t;

/* Sets up the zone (its init callback); adopts the old one after a reload. */
ngx_int_t ngx_http_dff_route_cache_init_zone(ngx_shm_zone_t *zone, void *old);

/*
 * NGX_OK: *route points into memory of pool. NGX_DECLINED: known not to exist.
 * NGX_AGAIN: unknown or too old, *ticket is for the store that follows.
 * NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_dff_route_cache_find(ngx_shm_zone_t *zone, dff_route_kind_t kind,
    ngx_str_t *id, ngx_pool_t *pool, dff_route_t *route, ngx_uint_t *ticket);

/*
 * Remembers a packed route (block NULL: that there is none). Does nothing when
 * anything was forgotten since the ticket was given: what was read may be what
 * the change has replaced.
 */
void ngx_http_dff_route_cache_store(ngx_shm_zone_t *zone, dff_route_kind_t kind, ngx_str_t *id,
    const void *block, size_t size, ngx_uint_t ticket);

void ngx_http_dff_route_cache_forget(ngx_shm_zone_t *zone, dff_route_kind_t kind, ngx_str_t *id);
void ngx_http_dff_route_cache_forget_all(ngx_shm_zone_t *zone);

void ngx_http_dff_route_cache_stats(ngx_shm_zone_t *zone,
    ngx_http_dff_route_cache_stats_t *stats);

#endif
