/*
 * The nodes of a cluster as their heartbeats in Redis show them.
 * Runs in dffctl and the api processes.
 */
#ifndef DFF_CLUSTER_H
#define DFF_CLUSTER_H

#include <jansson.h>

#include "dff_envelope.h"
#include "dff_ledger.h"
#include "store/dff_rcmd.h"

typedef struct {
    char    *name;
    json_t  *heartbeat;     /* NULL: none, the node is gone; docs/protocol.md */
    unsigned queues;        /* bit n: serves queue n */
    int64_t  claimed, started;
} dff_cluster_node_t;

typedef struct {
    dff_cluster_node_t *items;
    size_t      count;
} dff_cluster_t;

/* All names of dff:nodes, alive or not. */
int dff_cluster_list(dff_rcmd_t *rcmd, dff_cluster_t *nodes, dff_err_t *err);
void dff_cluster_release(dff_cluster_t *nodes);      /* accepts a zeroed one */

/* DFF_OK when a live node serves the queue; err says what was found instead. */
int dff_cluster_check_queue(dff_rcmd_t *rcmd, int queue, dff_err_t *err);

/* Queues of jobs that only one node can run, with their lengths: {"1@node-a": 3}. The
 * caller owns the reference; NULL: err. Looks through all keys: for operators, not for
 * loops. */
json_t *dff_cluster_node_queues(dff_rcmd_t *rcmd, dff_err_t *err);

/* The rows of the ledger (dff_ledger.h). */
int dff_cluster_ledger(dff_rcmd_t *rcmd, int64_t rows[DFF_LEDGER_COUNT], dff_err_t *err);

/* Jobs with an eta that wait for their time. */
int dff_cluster_delayed(dff_rcmd_t *rcmd, int64_t *count, dff_err_t *err);

/* Jobs that wait in each queue. */
int dff_cluster_queue_lengths(dff_rcmd_t *rcmd, long long lengths[DFF_QUEUE_COUNT],
    dff_err_t *err);

#endif
