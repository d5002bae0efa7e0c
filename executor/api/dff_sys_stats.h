/*
 * Samples of what the node and the cluster need: processor and memory of the processes,
 * sizes of tables, keys and queues, and how often each route is asked for. One api process of
 * a node, and one of the cluster, takes one every DFF_SYS_STATS_EVERY_S; a lock in Redis that
 * ends by itself says which. They are lists in Redis, docs/protocol.md.
 */
#ifndef DFF_SYS_STATS_H
#define DFF_SYS_STATS_H

#include "api/dff_api.h"

#define DFF_SYS_STATS_TICK_MS   10000
#define DFF_SYS_STATS_EVERY_S   300
#define DFF_SYS_STATS_KEPT_S    (3 * 86400)
#define DFF_SYS_STATS_NODES     16      /* of more nodes less is kept */
#define DFF_SYS_STATS_SAMPLES   (DFF_SYS_STATS_KEPT_S / DFF_SYS_STATS_EVERY_S * DFF_SYS_STATS_NODES)

/* What there are samples of: parts of the keys, and of the answers. */
typedef enum {
    DFF_STATS_SERVER_CPU, DFF_STATS_WORKER_CPU, DFF_STATS_SERVER_RSS, DFF_STATS_HEAP_TOTAL,
    DFF_STATS_HEAP_USED, DFF_STATS_HEAP_EXTERNAL, DFF_STATS_WORKER_PSS, DFF_STATS_DB_DISK,
    DFF_STATS_CACHE_KEYS, DFF_STATS_CACHE_MEMORY, DFF_STATS_QUEUES, DFF_STATS_PREFIXES,
    DFF_STATS_COUNT
} dff_sys_stats_metric_t;

typedef struct {
    const char *name;
    bool        labelled;       /* a series for each label, else one only */
} dff_sys_stats_row_t;

extern const dff_sys_stats_row_t dff_sys_stats_metrics[DFF_STATS_COUNT];

typedef struct dff_sys_stats_s dff_sys_stats_t;

/* NULL: no memory. */
dff_sys_stats_t *dff_sys_stats_new(void);
void dff_sys_stats_free(dff_sys_stats_t *stats);

/* A row of dff_api_tasks. */
void dff_sys_stats_tick(dff_api_t *api);

/* A route was asked for; pattern is constant text. */
void dff_sys_stats_count(dff_sys_stats_t *stats, const char *pattern);
/* "2021-10-14" of now, in TIMEZONE: the last part of the key of counts. */
void dff_sys_stats_date(const dff_api_t *api, char date[16]);

#endif
