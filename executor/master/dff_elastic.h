/*
 * Elastic groups: how many workers a group wants, and how many jobs it claims ahead.
 *
 * A group has _WORKER_CONCURRENCY workers. When all are busy and a claimed job has waited
 * for DFF_ELASTIC_WAIT_MS it gets more, at most doubling itself each time, up to its
 * ceiling and while there is memory (dff_elastic_memory.h). Extra workers that had nothing
 * to do for DFF_ELASTIC_IDLE_MS go.
 *
 * Claimed ahead is what would start within that same time: group->ahead grows with each job
 * that started soon after another, and is halved by one that waited longer. A group that is
 * full claims nothing; when its jobs have waited for DFF_ELASTIC_GIVE_BACK_MS, and another
 * node is alive, they go back to their queues. Times are monotonic. Runs in the master.
 */
#ifndef DFF_ELASTIC_H
#define DFF_ELASTIC_H

#include "master/dff_master.h"

#define DFF_ELASTIC_WAIT_MS         50
#define DFF_ELASTIC_GIVE_BACK_MS   200
#define DFF_ELASTIC_IDLE_MS      10000

typedef struct dff_elastic_s dff_elastic_t;

dff_elastic_t *dff_elastic_new(dff_master_t *master);
void dff_elastic_free(dff_elastic_t *elastic);

/* Workers that a group may have at most. */
int dff_elastic_ceiling(const dff_config_t *cfg);
/* A new group: its base, its ceiling, what it claims ahead. */
void dff_elastic_init_group(dff_group_t *group);

/* A job of the group waits and no worker is idle: looks at it in time. */
void dff_elastic_watch(dff_elastic_t *elastic);
/* A job goes to a worker after waiting in the group since then. */
void dff_elastic_started(dff_group_t *group, int64_t since_ms, int64_t now_ms);
/* Every second: extra workers that are not needed go. */
void dff_elastic_tick(dff_elastic_t *elastic);

#endif
