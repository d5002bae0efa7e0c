/*
 * Claiming of jobs that only this node can run (queue:<n>@<node>): calls whose uploaded
 * files lie here, where the resource folder is not shared.
 *
 * They are rare, so they get no connections of their own on which a BRPOPLPUSH blocks
 * (one for each queue, on every node): who pushes one publishes `wake <n>` on
 * dff:wake:<node>, and the queue is asked with RPOPLPUSH on the command connection, until
 * it is empty or the group has no room. All queues are asked every second, too, for a
 * message that was lost. Runs in the master.
 */
#ifndef DFF_NODE_CLAIM_H
#define DFF_NODE_CLAIM_H

#include "master/dff_master.h"

typedef struct dff_node_claim_s dff_node_claim_t;

dff_node_claim_t *dff_node_claim_new(dff_master_t *master);
void dff_node_claim_free(dff_node_claim_t *claim);

/* words: the number of a queue. */
void dff_node_claim_wake(dff_node_claim_t *claim, dff_str_t words);
/* Every second. */
void dff_node_claim_tick(dff_node_claim_t *claim);
/* End of a turn of the loop. */
void dff_node_claim_settle(dff_node_claim_t *claim);

#endif
