/*
 * Cuts a node off from Redis before its jobs are given away.
 *
 * A master starts and finishes its jobs with plain commands that ask no questions
 * (dff_turn.h). That is right as long as nobody else touches its jobs; whoever wants
 * to, first closes the connection that those commands come through. A master whose
 * connection has ended, for whatever reason, trusts nothing that it had under way: those
 * jobs go on with scripts that ask whether they are still its own (careful, in dff_run.h
 * and dff_outbox.h). So a node that was paused, or cut off, cannot report late what
 * others have answered meanwhile. Runs in the master.
 */
#ifndef DFF_FENCE_H
#define DFF_FENCE_H

#include "master/dff_master.h"

/* How the command connection of a node's master is called in Redis (CLIENT SETNAME). */
#define DFF_FENCE_CLIENT_PREFIX  "dff-master-"

void dff_fence_client_name(char *name, size_t size, dff_str_t node);

/* Closes every such connection but our own. done runs once: cut false when Redis did not
 * answer, or does not let us (then the node's jobs must stay where they are). */
typedef void (*dff_fence_done_fn)(void *ctx, bool cut);
void dff_fence_node(dff_master_t *master, dff_str_t node, dff_fence_done_fn done, void *ctx);

#endif
