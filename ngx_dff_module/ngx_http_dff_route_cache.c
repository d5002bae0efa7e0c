/* The shared-memory route cache: see the header. */
#include "ngx_http_dff_route_cache.h"

#define NGX_HTTP_DFF_ROUTE_CACHE_LAYOUT  1      /* raise when a struct below changes */
#define NGX_HTTP_DFF_ROUTE_EVICT_ROUNDS  16     /* attempts to make room for one store */
#define NGX_HTTP_DFF_ROUTE_EVICT_SCAN    4096   /* buckets looked at in one attempt */
#define NGX_HTTP_DFF_ROUTE_ZONE_SHARE    512    /* one bucket for so many bytes of zone */
#define NGX_HTTP_DFF_ROUTE_CHAIN_MAX     32     /* entries of a bucket; 8 in a zone that is full of
                                                   the smallest ones */

typedef struct ngx_http_dff_route_entry_s  ngx_http_dff_route_entry_t;

struct ngx_http_dff_route_entry_s {
    ngx_http_dff_route_entry_t  *next;
    ngx_msec_t                   stored_at;  /* ngx_current_msec: one clock per machine */
    uint32_t                     hash;
    uint32_t                     epoch;      /* void unless the zone's */
    uint32_t                     size;       /* of the packed route; 0: no such link */
    uint16_t                     id_len;
    uint8_t                      kind;
    uint8_t                      used;       /* since eviction last came by */
    u_char                       data[];     /* packed route, then the id */
};

_Static_assert(offsetof(ngx_http_dff_route_entry_t, data) % 8 == 0,
               "a packed route needs 8-byte alignment");

typedef struct {
    uint32_t                          layout;
    uint32_t                          nbuckets;   /* a power of two */
    uint32_t                          hand;       /* bucket where eviction goes on */
    uint32_t                          epoch;      /* raised to void all entries at once */
    ngx_uint_t                        changes;    /* forgets so far: the ticket */
    ngx_http_dff_route_cache_stats_t  stats;
    ngx_http_dff_route_entry_t       *buckets[];
} ngx_http_dff_route_shm_t;

static uint32_t ngx_http_dff_route_hash(dff_route_kind_t kind, ngx_str_t *id);
static ngx_http_dff_route_entry_t **ngx_http_dff_route_locate(ngx_http_dff_route_shm_t *shm,
    uint32_t hash, dff_route_kind_t kind, ngx_str_t *id);
static void ngx_http_dff_route_remove(ngx_slab_pool_t *slab, ngx_http_dff_route_shm_t *shm,
    ngx_http_dff_route_entry_t **link);
static void ngx_http_dff_route_shorten(ngx_slab_pool_t *slab, ngx_http_dff_route_shm_t *shm,
    ngx_http_dff_route_entry_t **link);
static ngx_uint_t ngx_http_dff_route_evict(ngx_slab_pool_t *slab,
    ngx_http_dff_route_shm_t *shm);


ngx_int_t
ngx_http_dff_route_cache_init_zone(ngx_shm_zone_t *zone, void *old)
{
    size_t                     size;
    uint32_t                   nbuckets;
    ngx_slab_pool_t           *slab;
    ngx_http_dff_route_shm_t  *shm;

    slab = (ngx_slab_pool_t *) zone->shm.addr;

    /* old: a reload; shm.exists: a zone that another cycle had made */
    if (old != NULL || zone->shm.exists) {
        shm = slab->data;

        if (shm->layout != NGX_HTTP_DFF_ROUTE_CACHE_LAYOUT) {
            ngx_log_error(NGX_LOG_EMERG, zone->shm.log, 0,
                          "dff_route_cache: the running nginx has layout %uD, this module "
                          "needs %uD: restart instead of reload",
                          shm->layout, (uint32_t) NGX_HTTP_DFF_ROUTE_CACHE_LAYOUT);
            return NGX_ERROR;
        }

        zone->data = slab;
        return NGX_OK;
    }

    for (nbuckets = 64; nbuckets < zone->shm.size / NGX_HTTP_DFF_ROUTE_ZONE_SHARE; ) {
        nbuckets *= 2;
    }

    size = sizeof(ngx_http_dff_route_shm_t) + nbuckets * sizeof(ngx_http_dff_route_entry_t *);

    shm = ngx_slab_calloc(slab, size);
    if (shm == NULL) {
        return NGX_ERROR;
    }

    shm->layout = NGX_HTTP_DFF_ROUTE_CACHE_LAYOUT;
    shm->nbuckets = nbuckets;

    /* a full zone is this cache's normal state and handled by eviction */
    slab->log_nomem = 0;
    slab->data = shm;
    zone->data = slab;

    return NGX_OK;
}


ngx_int_t
ngx_http_dff_route_cache_find(ngx_shm_zone_t *zone, dff_route_kind_t kind, ngx_str_t *id,
    ngx_pool_t *pool, dff_route_t *route, ngx_uint_t *ticket)
{
    void                        *block;
    ngx_int_t                    rc;
    uint32_t                     hash;
    ngx_slab_pool_t             *slab;
    ngx_http_dff_route_shm_t    *shm;
    ngx_http_dff_route_entry_t  *entry;

    slab = zone->data;
    shm = slab->data;
    hash = ngx_http_dff_route_hash(kind, id);
    block = NULL;

    ngx_shmtx_lock(&slab->mutex);

    *ticket = shm->changes;
    entry = *ngx_http_dff_route_locate(shm, hash, kind, id);

    if (entry == NULL
        || entry->epoch != shm->epoch
        || ngx_current_msec - entry->stored_at > NGX_HTTP_DFF_ROUTE_MAX_AGE)
    {
        shm->stats.misses++;
        rc = NGX_AGAIN;

    } else {
        shm->stats.hits++;
        entry->used = 1;

        if (entry->size == 0) {
            rc = NGX_DECLINED;

        } else {
            block = ngx_palloc(pool, entry->size);
            rc = NGX_ERROR;
            if (block != NULL) {
                ngx_memcpy(block, entry->data, entry->size);
                rc = NGX_OK;
            }
        }
    }

    ngx_shmtx_unlock(&slab->mutex);

    if (rc == NGX_OK) {
        dff_route_unpack(block, route);
    }

    return rc;
}


void
ngx_http_dff_route_cache_store(ngx_shm_zone_t *zone, dff_route_kind_t kind, ngx_str_t *id,
    const void *block, size_t size, ngx_uint_t ticket)
{
    size_t                        total;
    uint32_t                      hash;
    ngx_uint_t                    rounds;
    ngx_slab_pool_t              *slab;
    ngx_http_dff_route_shm_t     *shm;
    ngx_http_dff_route_entry_t   *entry, **link;

    slab = zone->data;
    shm = slab->data;
    hash = ngx_http_dff_route_hash(kind, id);
    total = offsetof(ngx_http_dff_route_entry_t, data) + size + id->len;

    ngx_shmtx_lock(&slab->mutex);

    if (ticket != shm->changes) {
        goto done;
    }

    link = ngx_http_dff_route_locate(shm, hash, kind, id);
    if (*link != NULL) {
        ngx_http_dff_route_remove(slab, shm, link);
    }

    ngx_http_dff_route_shorten(slab, shm, &shm->buckets[hash & (shm->nbuckets - 1)]);

    entry = ngx_slab_alloc_locked(slab, total);

    for (rounds = 0; entry == NULL && rounds < NGX_HTTP_DFF_ROUTE_EVICT_ROUNDS; rounds++) {
        if (ngx_http_dff_route_evict(slab, shm) != 0) {
            entry = ngx_slab_alloc_locked(slab, total);
        }
    }

    if (entry == NULL) {
        goto done;   /* served without the cache; the next lookup tries again */
    }

    entry->stored_at = ngx_current_msec;
    entry->hash = hash;
    entry->epoch = shm->epoch;
    entry->size = (uint32_t) size;
    entry->id_len = (uint16_t) id->len;
    entry->kind = (uint8_t) kind;
    entry->used = 0;
    if (size != 0) {
        ngx_memcpy(entry->data, block, size);
    }
    ngx_memcpy(entry->data + size, id->data, id->len);

    link = &shm->buckets[hash & (shm->nbuckets - 1)];
    entry->next = *link;
    *link = entry;
    shm->stats.entries++;

done:

    ngx_shmtx_unlock(&slab->mutex);
}


void
ngx_http_dff_route_cache_forget(ngx_shm_zone_t *zone, dff_route_kind_t kind, ngx_str_t *id)
{
    ngx_slab_pool_t              *slab;
    ngx_http_dff_route_shm_t     *shm;
    ngx_http_dff_route_entry_t  **link;

    slab = zone->data;
    shm = slab->data;

    ngx_shmtx_lock(&slab->mutex);

    shm->changes++;

    link = ngx_http_dff_route_locate(shm, ngx_http_dff_route_hash(kind, id), kind, id);
    if (*link != NULL) {
        ngx_http_dff_route_remove(slab, shm, link);
    }

    ngx_shmtx_unlock(&slab->mutex);
}


void
ngx_http_dff_route_cache_forget_all(ngx_shm_zone_t *zone)
{
    ngx_slab_pool_t           *slab;
    ngx_http_dff_route_shm_t  *shm;

    slab = zone->data;
    shm = slab->data;

    ngx_shmtx_lock(&slab->mutex);

    /* the entries are void now, and leave when eviction or their id comes by */
    shm->changes++;
    shm->epoch++;

    ngx_shmtx_unlock(&slab->mutex);
}


void
ngx_http_dff_route_cache_stats(ngx_shm_zone_t *zone, ngx_http_dff_route_cache_stats_t *stats)
{
    ngx_slab_pool_t           *slab;
    ngx_http_dff_route_shm_t  *shm;

    slab = zone->data;
    shm = slab->data;

    ngx_shmtx_lock(&slab->mutex);
    *stats = shm->stats;
    ngx_shmtx_unlock(&slab->mutex);
}


static uint32_t
ngx_http_dff_route_hash(dff_route_kind_t kind, ngx_str_t *id)
{
    return ngx_murmur_hash2(id->data, id->len) ^ ((uint32_t) kind * 0x9e3779b9u);
}


/* The link that points to the entry, or the NULL at the end of its chain. */
static ngx_http_dff_route_entry_t **
ngx_http_dff_route_locate(ngx_http_dff_route_shm_t *shm, uint32_t hash, dff_route_kind_t kind,
    ngx_str_t *id)
{
    ngx_http_dff_route_entry_t  *entry, **link;

    link = &shm->buckets[hash & (shm->nbuckets - 1)];

    for (entry = *link; entry != NULL; link = &entry->next, entry = *link) {

        if (entry->hash == hash
            && entry->kind == kind
            && entry->id_len == id->len
            && ngx_memcmp(entry->data + entry->size, id->data, id->len) == 0)
        {
            break;
        }
    }

    return link;
}


static void
ngx_http_dff_route_remove(ngx_slab_pool_t *slab, ngx_http_dff_route_shm_t *shm,
    ngx_http_dff_route_entry_t **link)
{
    ngx_http_dff_route_entry_t  *entry;

    entry = *link;
    *link = entry->next;
    shm->stats.entries--;
    ngx_slab_free_locked(slab, entry);
}


/* Makes room in a bucket for one entry. Ids are chosen by strangers, who can find any number of
 * them that meet in one bucket: each lookup would walk over all of these, under the lock. */
static void
ngx_http_dff_route_shorten(ngx_slab_pool_t *slab, ngx_http_dff_route_shm_t *shm,
    ngx_http_dff_route_entry_t **link)
{
    ngx_uint_t  n;

    for (n = 1; *link != NULL && n < NGX_HTTP_DFF_ROUTE_CHAIN_MAX; n++) {
        link = &(*link)->next;
    }

    while (*link != NULL) {
        ngx_http_dff_route_remove(slab, shm, link);
        shm->stats.evictions++;
    }
}


/*
 * Goes on round the buckets from where it last stopped: what was used since is
 * spared once, the first bucket with something to drop ends the scan. Returns how
 * many entries went.
 */
static ngx_uint_t
ngx_http_dff_route_evict(ngx_slab_pool_t *slab, ngx_http_dff_route_shm_t *shm)
{
    ngx_uint_t                    scanned, evicted;
    ngx_http_dff_route_entry_t  **link;

    evicted = 0;

    for (scanned = 0; evicted == 0 && scanned < NGX_HTTP_DFF_ROUTE_EVICT_SCAN; scanned++) {

        shm->hand = (shm->hand + 1) & (shm->nbuckets - 1);
        link = &shm->buckets[shm->hand];

        while (*link != NULL) {
            if ((*link)->used && (*link)->epoch == shm->epoch) {
                (*link)->used = 0;
                link = &(*link)->next;
                continue;
            }

            ngx_http_dff_route_remove(slab, shm, link);
            shm->stats.evictions++;
            evicted++;
        }
    }

    return evicted;
}
