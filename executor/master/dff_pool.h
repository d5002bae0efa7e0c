/*
 * The worker pool: groups of workers, each serving its queues. A group has as
 * many workers as it wants (target, which dff_elastic.h moves); the ones that die
 * or leave are replaced, with a backoff when they do not even become ready. It has
 * places for a job for each worker and some ahead. Runs in the master.
 */
#ifndef DFF_POOL_H
#define DFF_POOL_H

#include "master/dff_master.h"

TAILQ_HEAD(dff_workers_s, dff_worker_proc_s);

struct dff_group_s {
    dff_master_t         *master;
    unsigned              queues;       /* bit n: queue n */
    char                  name[32];     /* "1-6" */
    int                   base;         /* workers wanted at least */
    int                   target;       /* workers wanted now */
    int                   ceiling;      /* and at most */
    int                   live;         /* workers that count for it */
    int                   ready;        /* of these: forked and able to take jobs */
    int                   busy;
    int                   held;         /* runs of this group */
    int                   ahead;        /* jobs claimed beyond one for each worker */
    bool                  full;         /* jobs wait and there will be no more workers */
    bool                  short_of_memory;
    int64_t               started_ms;   /* monotonic: the last start of a job */
    struct dff_workers_s  workers;      /* all, the leaving ones included */
    struct dff_workers_s  idle;         /* the last used first: its caches are warm */
    struct dff_runs_s     waiting;      /* CLAIMED */
    struct dff_runs_s     started;      /* STARTED */
    int                   young_deaths; /* in a row, without one becoming ready */
    int64_t               fork_after_ms;/* monotonic */
};

typedef struct dff_pool_s {
    dff_master_t *master;
    dff_group_t   groups[10];
    int           ngroups;
    uint32_t      last_tag;
    bool          forking;              /* the pool may fork */
} dff_pool_t;

/* Groups of the configuration, restricted to --groups. Says in err what is wrong. */
int dff_pool_groups(const dff_config_t *cfg, const char *only, unsigned masks[10], dff_err_t *err);

dff_pool_t *dff_pool_new(dff_master_t *master, dff_err_t *err);
void dff_pool_free(dff_pool_t *pool);

/* Jobs that the group may still claim. */
int dff_group_places(const dff_group_t *group);
int dff_group_room(const dff_group_t *group);

/* End of a turn of the loop: fork what is missing, give jobs to idle workers. */
void dff_pool_settle(dff_pool_t *pool);

/* From the zygote, or from wait4() for orphans of a dead one. */
void dff_pool_forked(dff_pool_t *pool, uint32_t tag, pid_t pid, dff_str_t error);
void dff_pool_child_exit(dff_pool_t *pool, pid_t pid, int status, uint64_t peak_rss_kib);
/* It has died: workers that it was asked for will not come. */
void dff_pool_zygote_gone(dff_pool_t *pool, const struct dff_zygote_proc_s *zygote);

/* Lets every worker go as soon as it has no job, and forks others. */
void dff_pool_recycle(dff_pool_t *pool);
/* Ends all: idle ones at once, the others by SIGKILL when kill is set. */
void dff_pool_stop(dff_pool_t *pool, bool kill);
bool dff_pool_empty(const dff_pool_t *pool);

#endif
