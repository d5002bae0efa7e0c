/*
 * The steps of one turn of the loop: every start of a job, and every finish, go to
 * Redis as plain commands between one MULTI and its EXEC. They ask no questions, since
 * what is in our keys is ours as long as this connection stands (dff_fence.h); what was
 * under way when it broke goes by the scripts of dff_lua.h instead. Two scripts for each
 * job, or one, would be most of the time that Redis spends on it.
 *
 * A step's object (a run, an answer) belongs to its owner and stays where it is until
 * it is told the outcome, which happens exactly once: dff_run_on_start, or one of the
 * dff_answer_* functions of dff_outbox.h. Runs in the master.
 */
#ifndef DFF_TURN_H
#define DFF_TURN_H

#include "master/dff_outbox.h"

typedef struct dff_turn_s dff_turn_t;

dff_turn_t *dff_turn_new(dff_master_t *master);
void dff_turn_free(dff_turn_t *turn);

/* DFF_ERROR: Redis is away, or there is no memory; nothing will be told. */
int dff_turn_start(dff_turn_t *turn, dff_run_t *run);
int dff_turn_finish(dff_turn_t *turn, dff_answer_t *answer);

/* The end of a turn, before the connections are written to. */
void dff_turn_settle(dff_turn_t *turn);

#endif
