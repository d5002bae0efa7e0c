/*
 * Watches the other nodes: one whose heartbeat is gone for DFF_NODE_GONE_MS is
 * dead, and its jobs are recovered. With the heartbeat's TTL and our period this
 * is within 30 s of its last sign of life. Runs in the master.
 */
#ifndef DFF_NODE_WATCH_H
#define DFF_NODE_WATCH_H

#include "master/dff_master.h"

typedef struct dff_node_watch_s dff_node_watch_t;

dff_node_watch_t *dff_node_watch_new(dff_master_t *master);
void dff_node_watch_free(dff_node_watch_t *watch);
/* Is another node alive, as far as is known? */
bool dff_node_watch_any(const dff_node_watch_t *watch);
/* Every second. */
void dff_node_watch_tick(dff_node_watch_t *watch);
/* Redis was away: heartbeats may be missing because of that alone. */
void dff_node_watch_reset(dff_node_watch_t *watch);

#endif
