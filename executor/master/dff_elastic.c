/* Elastic groups: see the header. */
#include "dff_elastic.h"

#include <stdlib.h>

#include "dff_time.h"

#include "master/dff_elastic_memory.h"
#include "master/dff_node_watch.h"
#include "master/dff_pool.h"
#include "master/dff_run.h"
#include "master/dff_worker_proc.h"

#include "dff_banned.h"

/* Extra workers by default, for each one of _WORKER_CONCURRENCY. On top of it: that many
 * slow calls leave a whole ordinary group for the fast ones. */
#define DFF_ELASTIC_EXTRAS  4

struct dff_elastic_s {
    dff_master_t *master;
    struct event *timer;            /* pending while a job waits and no worker is idle */
};

static void dff_elastic_on_timer(evutil_socket_t fd, short what, void *ctx);

dff_elastic_t *
dff_elastic_new(dff_master_t *master)
{
    dff_elastic_t *elastic = calloc(1, sizeof(*elastic));

    if (elastic == NULL)
        return NULL;
    elastic->master = master;
    elastic->timer = evtimer_new(master->base, dff_elastic_on_timer, elastic);
    if (elastic->timer == NULL) {
        free(elastic);
        return NULL;
    }
    return elastic;
}

void
dff_elastic_free(dff_elastic_t *elastic)
{
    if (elastic == NULL)
        return;
    event_free(elastic->timer);
    free(elastic);
}

int
dff_elastic_ceiling(const dff_config_t *cfg)
{
    return (int) (cfg->worker_max_concurrency > 0 ? cfg->worker_max_concurrency
                  : cfg->worker_concurrency * (1 + DFF_ELASTIC_EXTRAS));
}

void
dff_elastic_init_group(dff_group_t *group)
{
    const dff_config_t *cfg = group->master->cfg;

    group->base = group->target = (int) cfg->worker_concurrency;
    group->ceiling = dff_elastic_ceiling(cfg);
    group->ahead = group->base * (int) (cfg->worker_prefetch_multiplier - 1);
}

/* --- claiming ahead ------------------------------------------------------- */

void
dff_elastic_started(dff_group_t *group, int64_t since_ms, int64_t now_ms)
{
    int most = group->target * (int) (group->master->cfg->worker_prefetch_multiplier - 1);

    if (now_ms - since_ms > DFF_ELASTIC_WAIT_MS)
        group->ahead /= 2;
    else if (now_ms - group->started_ms <= DFF_ELASTIC_WAIT_MS && group->ahead < most)
        group->ahead++;
    group->started_ms = now_ms;
}

/* The newest first, so that the oldest is the next that is taken from the queue. */
static void
dff_elastic_give_back(dff_group_t *group)
{
    dff_master_t *master = group->master;
    dff_run_t    *run, *older;
    int           count = 0;

    for (run = TAILQ_LAST(&group->waiting, dff_runs_s); run != NULL; run = older) {
        older = TAILQ_PREV(run, dff_runs_s, line);
        count += dff_run_give_back(run) == DFF_OK;
    }
    master->counters.given_back += (uint64_t) count;
    if (count > 0)
        dff_log_info(&master->log, NULL, "group %s: all %d workers are busy; %d claimed jobs are "
                     "back in their queues, for another node", group->name, group->live, count);
}

/* --- more workers --------------------------------------------------------- */

static bool
dff_elastic_may_grow(dff_group_t *group)
{
    const char *why = NULL;
    bool        may = group->target < group->ceiling;

    if (may && !dff_elastic_memory_left(group->master, &why)) {
        may = false;
        if (!group->short_of_memory)
            dff_log_warn(&group->master->log, NULL, "group %s stays at %d workers although jobs "
                         "wait: %s", group->name, group->target, why);
    }
    group->short_of_memory = why != NULL;
    return may;
}

static void
dff_elastic_grow(dff_group_t *group, int64_t now_ms)
{
    dff_run_t *run;
    int        wanted = 0, room = group->ceiling - group->target, coming = 0;

    TAILQ_FOREACH(run, &group->waiting, line) {
        if (now_ms - run->waits_since_ms < DFF_ELASTIC_WAIT_MS || wanted >= group->ceiling)
            break;
        wanted++;
    }
    /* Those that are being forked, or will be. */
    coming = group->target - group->ready;
    if (coming > 0)
        wanted -= coming;
    /* At most twice as many at a time: a short halt of everything looks like slow jobs. */
    if (wanted > group->target)
        wanted = group->target;
    if (wanted > room)
        wanted = room;
    if (wanted <= 0)
        return;
    group->target += wanted;
    group->master->counters.workers_added += (uint64_t) wanted;
    dff_log_info(&group->master->log, NULL, "group %s: jobs wait; %d more workers, %d in all",
                 group->name, wanted, group->target);
}

/* True when it is to be looked at again soon. */
static bool
dff_elastic_look(dff_group_t *group, int64_t now_ms)
{
    dff_master_t *master = group->master;
    dff_run_t    *first = TAILQ_FIRST(&group->waiting);

    group->full = false;
    if (first == NULL || !TAILQ_EMPTY(&group->idle))
        return false;
    if (now_ms - first->waits_since_ms < DFF_ELASTIC_WAIT_MS)
        return true;
    if (dff_elastic_may_grow(group)) {
        dff_elastic_grow(group, now_ms);
        return true;
    }

    group->full = true;
    if (now_ms - first->waits_since_ms >= DFF_ELASTIC_GIVE_BACK_MS
        && dff_node_watch_any(master->node_watch) && dff_redis_link_ready(master->command)) {
        group->ahead = 0;
        dff_elastic_give_back(group);
    }
    return true;
}

static void
dff_elastic_on_timer(evutil_socket_t fd, short what, void *ctx)
{
    dff_elastic_t *elastic = ctx;
    dff_pool_t    *pool = elastic->master->pool;
    int64_t        now_ms = dff_time_monotonic_ms();
    bool           again = false;
    int            i;

    (void) fd;
    (void) what;
    for (i = 0; i < pool->ngroups; i++)
        again |= dff_elastic_look(&pool->groups[i], now_ms);
    if (again)
        dff_elastic_watch(elastic);
}

void
dff_elastic_watch(dff_elastic_t *elastic)
{
    static const struct timeval after = { 0, DFF_ELASTIC_WAIT_MS * 1000 };

    if (elastic->master->state == DFF_MASTER_SERVING && !evtimer_pending(elastic->timer, NULL))
        (void) evtimer_add(elastic->timer, &after);
}

/* --- fewer workers -------------------------------------------------------- */

void
dff_elastic_tick(dff_elastic_t *elastic)
{
    dff_pool_t        *pool = elastic->master->pool;
    int64_t            long_ago_ms = dff_time_monotonic_ms() - DFF_ELASTIC_IDLE_MS;
    dff_worker_proc_t *worker;
    dff_group_t       *group;

    for (group = pool->groups; group < pool->groups + pool->ngroups; group++) {
        /* The last used is the first of the idle ones. */
        while (group->target > group->base
               && (worker = TAILQ_LAST(&group->idle, dff_workers_s)) != NULL
               && worker->idle_since_ms < long_ago_ms) {
            group->target--;
            elastic->master->counters.workers_retired++;
            dff_worker_proc_leave(worker);
        }
    }
}
