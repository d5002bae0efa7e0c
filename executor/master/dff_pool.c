/* The worker pool. Runs in the master. */
#include "dff_pool.h"

#include <stdio.h>
#include <stdlib.h>

#include "dff_envelope.h"
#include "dff_time.h"

#include "master/dff_elastic.h"
#include "master/dff_run.h"
#include "master/dff_worker_proc.h"
#include "master/dff_zygote_proc.h"

#include "dff_banned.h"

#define DFF_POOL_BACKOFF_MIN_MS   100
#define DFF_POOL_BACKOFF_MAX_MS  5000

/* --- groups --------------------------------------------------------------- */

int
dff_pool_groups(const dff_config_t *cfg, const char *only, unsigned masks[10], dff_err_t *err)
{
    unsigned wanted[10], mask = 0, served = 0;
    int      i, n, kept = 0;

    n = dff_config_worker_groups(cfg->worker_groups, masks, err);
    if (n < 0)
        return dff_err_wrap(err, "_WORKER_GROUPS");
    if (only == NULL)
        return n;

    i = dff_config_worker_groups(only, wanted, err);
    if (i < 0)
        return dff_err_wrap(err, "--groups");
    while (i-- > 0)
        mask |= wanted[i];

    for (i = 0; i < n; i++) {
        served |= masks[i];
        if ((masks[i] & mask) != 0)
            masks[kept++] = masks[i] & mask;
    }
    if ((mask & ~served) != 0)
        return dff_err_set(err, DFF_E_SYS, "--groups %s names a queue that _WORKER_GROUPS (%s) "
                           "does not have", only, cfg->worker_groups);
    return kept;
}

/* "1-6", "0,3": for logs and the heartbeat. */
static void
dff_group_name(dff_group_t *group)
{
    char  *at = group->name;
    size_t left = sizeof(group->name);
    int    first, last, n;

    for (first = 0; first < DFF_QUEUE_COUNT; first = last + 1) {
        last = first;
        if ((group->queues & (1u << first)) == 0)
            continue;
        while (last + 1 < DFF_QUEUE_COUNT && (group->queues & (1u << (last + 1))) != 0)
            last++;
        n = snprintf(at, left, first == last ? "%s%d" : "%s%d-%d", at == group->name ? "" : ",",
                     first, last);
        if (n < 0 || (size_t) n >= left)
            return;
        at += n;
        left -= (size_t) n;
    }
}

dff_pool_t *
dff_pool_new(dff_master_t *master, dff_err_t *err)
{
    dff_pool_t *pool = calloc(1, sizeof(*pool));
    unsigned    masks[10];
    int         i;

    if (pool == NULL) {
        (void) dff_err_set(err, DFF_E_SYS, "out of memory");
        return NULL;
    }
    pool->master = master;
    pool->ngroups = dff_pool_groups(master->cfg, master->options.groups, masks, err);
    if (pool->ngroups < 0) {
        free(pool);
        return NULL;
    }

    for (i = 0; i < pool->ngroups; i++) {
        dff_group_t *group = &pool->groups[i];

        group->master = master;
        group->queues = masks[i];
        dff_elastic_init_group(group);
        TAILQ_INIT(&group->workers);
        TAILQ_INIT(&group->idle);
        TAILQ_INIT(&group->waiting);
        TAILQ_INIT(&group->started);
        dff_group_name(group);
    }
    pool->forking = true;
    return pool;
}

void
dff_pool_free(dff_pool_t *pool)
{
    dff_worker_proc_t *worker;
    int                i;

    if (pool == NULL)
        return;
    for (i = 0; i < pool->ngroups; i++) {
        while ((worker = TAILQ_FIRST(&pool->groups[i].workers)) != NULL)
            dff_worker_proc_discard(worker);
    }
    free(pool);
}

int
dff_group_places(const dff_group_t *group)
{
    /* With room for more workers one job always waits to tell that they are needed. */
    if (group->ahead > 0)
        return group->target + (group->full ? 0 : group->ahead);
    return group->target + (group->target < group->ceiling && !group->full);
}

int
dff_group_room(const dff_group_t *group)
{
    int room = dff_group_places(group) - group->held;

    return room > 0 ? room : 0;
}

/* --- giving jobs to workers ----------------------------------------------- */

static void
dff_group_dispatch(dff_group_t *group)
{
    dff_worker_proc_t *worker;
    dff_run_t         *run;
    int64_t            since_ms, now_ms = 0;

    while ((worker = TAILQ_FIRST(&group->idle)) != NULL) {
        run = TAILQ_FIRST(&group->started);
        if (run != NULL) {
            TAILQ_REMOVE(&group->started, run, line);
            dff_run_send(run, worker);
            continue;
        }
        run = TAILQ_FIRST(&group->waiting);
        if (run == NULL)
            return;
        if (dff_run_expired(run))
            continue;
        since_ms = run->waits_since_ms;
        if (dff_run_start(run, worker) != DFF_OK)
            return;          /* Redis is away */
        if (now_ms == 0)
            now_ms = dff_time_monotonic_ms();
        dff_elastic_started(group, since_ms, now_ms);
    }
    if (!TAILQ_EMPTY(&group->waiting))
        dff_elastic_watch(group->master->elastic);
}

/* --- keeping the number of workers ---------------------------------------- */

static void
dff_group_fork(dff_group_t *group, dff_pool_t *pool)
{
    int64_t now_ms, backoff_ms;

    if (group->live >= group->target || !pool->forking
        || !dff_zygote_proc_up(group->master->zygote))
        return;

    now_ms = dff_time_monotonic_ms();
    if (group->young_deaths > 0 && group->fork_after_ms == 0) {
        backoff_ms = (int64_t) DFF_POOL_BACKOFF_MIN_MS
                     << (group->young_deaths < 7 ? group->young_deaths - 1 : 6);
        if (backoff_ms > DFF_POOL_BACKOFF_MAX_MS)
            backoff_ms = DFF_POOL_BACKOFF_MAX_MS;
        group->fork_after_ms = now_ms + backoff_ms;
    }
    if (now_ms < group->fork_after_ms)
        return;
    group->fork_after_ms = 0;

    while (group->live < group->target) {
        if (dff_worker_proc_new(group, ++pool->last_tag) == NULL) {
            group->young_deaths++;      /* no descriptors, no memory: not in each turn again */
            return;
        }
    }
}

void
dff_pool_settle(dff_pool_t *pool)
{
    dff_group_t *group;

    for (group = pool->groups; group < pool->groups + pool->ngroups; group++) {
        if (group->live < group->target)
            dff_group_fork(group, pool);
        dff_group_dispatch(group);
    }
}

/* --- news of workers ------------------------------------------------------ */

void
dff_pool_forked(dff_pool_t *pool, uint32_t tag, pid_t pid, dff_str_t error)
{
    dff_worker_proc_t *worker;
    int                i;

    for (i = 0; i < pool->ngroups; i++) {
        TAILQ_FOREACH(worker, &pool->groups[i].workers, all) {
            if (worker->tag == tag) {
                dff_worker_proc_forked(worker, pid, error);
                return;
            }
        }
    }
}

void
dff_pool_child_exit(dff_pool_t *pool, pid_t pid, int status, uint64_t peak_rss_kib)
{
    dff_worker_proc_t *worker;
    int                i;

    for (i = 0; i < pool->ngroups; i++) {
        TAILQ_FOREACH(worker, &pool->groups[i].workers, all) {
            if (worker->pid == pid && !worker->has_status) {
                dff_worker_proc_exited(worker, status, peak_rss_kib);
                return;
            }
        }
    }
}

void
dff_pool_zygote_gone(dff_pool_t *pool, const struct dff_zygote_proc_s *zygote)
{
    dff_worker_proc_t *worker, *next;
    int                i;

    for (i = 0; i < pool->ngroups; i++) {
        for (worker = TAILQ_FIRST(&pool->groups[i].workers); worker != NULL; worker = next) {
            next = TAILQ_NEXT(worker, all);
            if (worker->state == DFF_WORKER_FORKING && worker->zygote == zygote)
                dff_worker_proc_discard(worker);
        }
    }
}

void
dff_pool_recycle(dff_pool_t *pool)
{
    dff_worker_proc_t *worker, *next;
    int                i;

    for (i = 0; i < pool->ngroups; i++) {
        for (worker = TAILQ_FIRST(&pool->groups[i].workers); worker != NULL; worker = next) {
            next = TAILQ_NEXT(worker, all);
            dff_worker_proc_leave(worker);
        }
    }
}

void
dff_pool_stop(dff_pool_t *pool, bool kill)
{
    dff_worker_proc_t *worker, *next;
    int                i;

    if (pool->master->state >= DFF_MASTER_ENDING || kill)
        pool->forking = false;
    for (i = 0; i < pool->ngroups; i++) {
        for (worker = TAILQ_FIRST(&pool->groups[i].workers); worker != NULL; worker = next) {
            next = TAILQ_NEXT(worker, all);
            dff_worker_proc_leave(worker);
            if (worker->state == DFF_WORKER_FORKING)
                dff_worker_proc_discard(worker);
            else if (kill)
                dff_worker_proc_kill(worker, "the executor ends at once");
        }
    }
}

bool
dff_pool_empty(const dff_pool_t *pool)
{
    int i;

    for (i = 0; i < pool->ngroups; i++) {
        if (!TAILQ_EMPTY(&pool->groups[i].workers))
            return false;
    }
    return true;
}
