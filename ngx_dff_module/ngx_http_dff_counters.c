/* Counters in shared memory: see the header. */
#include "ngx_http_dff_counters.h"

#define NGX_HTTP_DFF_COUNTERS_LAYOUT  1       /* raise when a struct below changes */
#define NGX_HTTP_DFF_COUNTERS_SLOTS   512     /* nginx workers of two cycles */

/* Whole cache lines, so that workers do not share one. */
typedef struct {
    ngx_atomic_t             pid;             /* of the owner; 0: none */
    ngx_http_dff_counters_t  counters;
} __attribute__((aligned(64))) ngx_http_dff_counters_slot_t;

typedef struct {
    uint32_t                       layout;
    uint32_t                       slot_size;
    int64_t                        since_ms;  /* Unix time */
    ngx_http_dff_counters_slot_t  *slots;     /* in the zone, which keeps its address */
} ngx_http_dff_counters_shm_t;

static ngx_uint_t ngx_http_dff_counters_alive(ngx_http_dff_counters_slot_t *slot);
static void ngx_http_dff_counters_reset(ngx_http_dff_counters_t *counters);
static ngx_http_dff_call_outcome_e ngx_http_dff_counters_outcome(dff_reason_t reason,
    const char *sub);

const ngx_http_dff_bucket_t  ngx_http_dff_counters_buckets[NGX_HTTP_DFF_BUCKETS] = {
    { 1, "0.001" }, { 2, "0.002" }, { 5, "0.005" },
    { 10, "0.01" }, { 20, "0.02" }, { 50, "0.05" },
    { 100, "0.1" }, { 200, "0.2" }, { 500, "0.5" },
    { 1000, "1" }, { 2000, "2" }, { 5000, "5" },
    { 10000, "10" }, { 30000, "30" }, { 60000, "60" }, { 180000, "180" }
};

static const uint8_t  ngx_http_dff_counters_reasons[DFF_REASON_COUNT] = {
    [DFF_REASON_NONE] = NGX_HTTP_DFF_CALL_OK,
    [DFF_E_CLIENT_NOT_FOUND] = NGX_HTTP_DFF_CALL_CLIENT_ERROR,
    [DFF_E_CLIENT_BAD_REQUEST] = NGX_HTTP_DFF_CALL_CLIENT_ERROR,
    [DFF_E_CLIENT_DUPLICATED] = NGX_HTTP_DFF_CALL_CLIENT_ERROR,
    [DFF_E_CLIENT_UNSUPPORTED] = NGX_HTTP_DFF_CALL_CLIENT_ERROR,
    [DFF_E_BODY_TOO_LARGE] = NGX_HTTP_DFF_CALL_CLIENT_ERROR,
    [DFF_E_METHOD_NOT_ALLOWED] = NGX_HTTP_DFF_CALL_CLIENT_ERROR,
    [DFF_E_BIZ_CONDITION] = NGX_HTTP_DFF_CALL_CLIENT_ERROR,   /* by its sub-reason */
    [DFF_E_API_AUTH] = NGX_HTTP_DFF_CALL_AUTH,
    [DFF_E_USER_AUTH] = NGX_HTTP_DFF_CALL_AUTH,
    [DFF_E_USER_PRIVILEGE] = NGX_HTTP_DFF_CALL_AUTH,
    [DFF_E_USER_PASSWORD] = NGX_HTTP_DFF_CALL_AUTH,
    [DFF_E_USER_DISABLED] = NGX_HTTP_DFF_CALL_AUTH,
    [DFF_E_SYS] = NGX_HTTP_DFF_CALL_SYSTEM_ERROR,
    [DFF_E_SYS_CACHE] = NGX_HTTP_DFF_CALL_CACHE_UNAVAILABLE,
    [DFF_E_SYS_DB] = NGX_HTTP_DFF_CALL_SYSTEM_ERROR,
    [DFF_E_API_TIMEOUT] = NGX_HTTP_DFF_CALL_API_TIMEOUT,
    [DFF_E_SCRIPT_PRE_CHECK] = NGX_HTTP_DFF_CALL_FUNC_FAILED,
    [DFF_E_FUNC_FAILED] = NGX_HTTP_DFF_CALL_FUNC_FAILED,
    [DFF_E_FUNC_TIMEOUT] = NGX_HTTP_DFF_CALL_FUNC_TIMEOUT,
    [DFF_E_FUNC_RESULT_PARSING_FAILED] = NGX_HTTP_DFF_CALL_FUNC_FAILED,
    [DFF_E_WORKER_QUEUE_CONGESTION] = NGX_HTTP_DFF_CALL_CONGESTED
};

/* Ends of EBizCondition's sub-reasons, as in AuthLinkDisabled and BatchDisabled. */
static const struct {
    ngx_str_t                    end;
    ngx_http_dff_call_outcome_e  outcome;
} ngx_http_dff_counters_conditions[] = {
    { ngx_string("Disabled"), NGX_HTTP_DFF_CALL_LINK_DISABLED },
    { ngx_string("Expired"), NGX_HTTP_DFF_CALL_LINK_EXPIRED },
    { ngx_string("Throttling"), NGX_HTTP_DFF_CALL_THROTTLED }
};


ngx_int_t
ngx_http_dff_counters_init_zone(ngx_shm_zone_t *zone, void *old)
{
    ngx_time_t                   *now;
    ngx_slab_pool_t              *slab;
    ngx_http_dff_counters_shm_t  *shm;

    slab = (ngx_slab_pool_t *) zone->shm.addr;
    zone->data = slab;

    if (old != NULL || zone->shm.exists) {
        shm = slab->data;

        if (shm->layout != NGX_HTTP_DFF_COUNTERS_LAYOUT
            || shm->slot_size != sizeof(ngx_http_dff_counters_slot_t))
        {
            ngx_log_error(NGX_LOG_EMERG, zone->shm.log, 0,
                          "dff_metrics: the running nginx has layout %uD of %uD bytes, this "
                          "module needs %uD of %uD: restart instead of reload",
                          shm->layout, shm->slot_size,
                          (uint32_t) NGX_HTTP_DFF_COUNTERS_LAYOUT,
                          (uint32_t) sizeof(ngx_http_dff_counters_slot_t));
            return NGX_ERROR;
        }

        return NGX_OK;
    }

    shm = ngx_slab_calloc(slab, sizeof(ngx_http_dff_counters_shm_t));
    if (shm == NULL) {
        return NGX_ERROR;
    }

    shm->slots = ngx_slab_calloc(slab, NGX_HTTP_DFF_COUNTERS_SLOTS
                                       * sizeof(ngx_http_dff_counters_slot_t));
    if (shm->slots == NULL) {
        return NGX_ERROR;
    }

    now = ngx_timeofday();

    shm->layout = NGX_HTTP_DFF_COUNTERS_LAYOUT;
    shm->slot_size = sizeof(ngx_http_dff_counters_slot_t);
    shm->since_ms = (int64_t) now->sec * 1000 + (int64_t) now->msec;
    slab->data = shm;

    return NGX_OK;
}


ngx_http_dff_counters_t *
ngx_http_dff_counters_claim(ngx_shm_zone_t *zone, ngx_cycle_t *cycle)
{
    ngx_uint_t                     i;
    ngx_slab_pool_t               *slab = zone->data;
    ngx_http_dff_counters_shm_t   *shm = slab->data;
    ngx_http_dff_counters_slot_t  *slot;

    ngx_shmtx_lock(&slab->mutex);

    for (i = 0; i < NGX_HTTP_DFF_COUNTERS_SLOTS; i++) {
        slot = &shm->slots[i];

        if (!ngx_http_dff_counters_alive(slot) || slot->pid == (ngx_atomic_uint_t) ngx_pid) {
            ngx_http_dff_counters_reset(&slot->counters);
            slot->pid = (ngx_atomic_uint_t) ngx_pid;
            ngx_shmtx_unlock(&slab->mutex);
            return &slot->counters;
        }
    }

    ngx_shmtx_unlock(&slab->mutex);

    ngx_log_error(NGX_LOG_WARN, cycle->log, 0,
                  "dff_metrics: more than %d nginx workers: this one is not counted",
                  NGX_HTTP_DFF_COUNTERS_SLOTS);

    return ngx_pcalloc(cycle->pool, sizeof(ngx_http_dff_counters_t));
}


void
ngx_http_dff_counters_release(ngx_shm_zone_t *zone)
{
    ngx_uint_t                     i;
    ngx_slab_pool_t               *slab = zone->data;
    ngx_http_dff_counters_shm_t   *shm = slab->data;
    ngx_http_dff_counters_slot_t  *slot;

    for (i = 0; i < NGX_HTTP_DFF_COUNTERS_SLOTS; i++) {
        slot = &shm->slots[i];

        if (slot->pid == (ngx_atomic_uint_t) ngx_pid) {
            ngx_http_dff_counters_reset(&slot->counters);
            slot->pid = 0;
            return;
        }
    }
}


void
ngx_http_dff_counters_sum(ngx_shm_zone_t *zone, ngx_http_dff_counters_t *sum,
    ngx_uint_t *workers, int64_t *since_ms)
{
    uint64_t                      *from, *to;
    ngx_uint_t                     i, n;
    ngx_slab_pool_t               *slab = zone->data;
    ngx_http_dff_counters_t        part;
    ngx_http_dff_counters_shm_t   *shm = slab->data;
    ngx_http_dff_counters_slot_t  *slot;

    ngx_memzero(sum, sizeof(ngx_http_dff_counters_t));
    *workers = 0;
    *since_ms = shm->since_ms;

    to = (uint64_t *) sum;

    for (i = 0; i < NGX_HTTP_DFF_COUNTERS_SLOTS; i++) {
        slot = &shm->slots[i];
        from = (uint64_t *) &slot->counters;

        for (n = 0; n < sizeof(part) / sizeof(uint64_t); n++) {
            ((uint64_t *) &part)[n] = __atomic_load_n(&from[n], __ATOMIC_RELAXED);
        }

        if (ngx_http_dff_counters_alive(slot)) {
            (*workers)++;
        } else {
            ngx_http_dff_counters_reset(&part);
        }

        for (n = 0; n < sizeof(part) / sizeof(uint64_t); n++) {
            to[n] += ((uint64_t *) &part)[n];
        }
    }
}


/* Has it an owner, and is that still there? One that was killed did not release it. */
static ngx_uint_t
ngx_http_dff_counters_alive(ngx_http_dff_counters_slot_t *slot)
{
    ngx_pid_t  pid = (ngx_pid_t) slot->pid;

    return pid != 0 && (pid == ngx_pid || kill(pid, 0) == 0 || ngx_errno != NGX_ESRCH);
}


/* What describes the present. */
static void
ngx_http_dff_counters_reset(ngx_http_dff_counters_t *counters)
{
    ngx_uint_t  i;

    ngx_http_dff_counters_set(&counters->pending, 0);

    for (i = 0; i < NGX_HTTP_DFF_LINKS; i++) {
        ngx_http_dff_counters_set(&counters->links[i].up, 0);
    }
}


void
ngx_http_dff_counters_call(ngx_http_dff_counters_t *counters, dff_reason_t reason,
    const char *sub, ngx_msec_t cost)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_HTTP_DFF_BUCKETS; i++) {
        if (cost <= ngx_http_dff_counters_buckets[i].ms) {
            break;
        }
    }

    ngx_http_dff_counters_add(&counters->calls[ngx_http_dff_counters_outcome(reason, sub)], 1);
    ngx_http_dff_counters_add(&counters->duration[i], 1);
    ngx_http_dff_counters_add(&counters->duration_ms, cost);
}


void
ngx_http_dff_counters_gone(ngx_http_dff_counters_t *counters)
{
    ngx_http_dff_counters_add(&counters->calls[NGX_HTTP_DFF_CALL_CLIENT_GONE], 1);
}


static ngx_http_dff_call_outcome_e
ngx_http_dff_counters_outcome(dff_reason_t reason, const char *sub)
{
    size_t      len;
    ngx_str_t   end;
    ngx_uint_t  i;

    if (reason == DFF_E_BIZ_CONDITION && sub != NULL) {
        len = ngx_strlen(sub);

        for (i = 0;
             i < sizeof(ngx_http_dff_counters_conditions)
                 / sizeof(ngx_http_dff_counters_conditions[0]);
             i++)
        {
            end = ngx_http_dff_counters_conditions[i].end;

            if (len >= end.len && ngx_memcmp(sub + len - end.len, end.data, end.len) == 0) {
                return ngx_http_dff_counters_conditions[i].outcome;
            }
        }
    }

    return (ngx_http_dff_call_outcome_e) ngx_http_dff_counters_reasons[reason];
}
