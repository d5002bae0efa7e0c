/*
 * The steps of one turn of the loop: every start of a job, and every finish whose
 * reply is only pushed to its producer, go to Redis as one script (DFF_LUA_TURN),
 * since the price of a script is its call and not what it does. Each step is still
 * done wholly or not at all, and has an answer of its own.
 *
 * A step's object (a run, an answer) belongs to its owner and stays where it is
 * until its function was called, which happens exactly once: with the integer of
 * the step, with an error of Redis for the whole script (then it is unknown whether
 * the step was done), or with NULL when the connection broke. Runs in the master.
 */
#ifndef DFF_TURN_H
#define DFF_TURN_H

#include "master/dff_outbox.h"

typedef struct dff_turn_s dff_turn_t;

dff_turn_t *dff_turn_new(dff_master_t *master);
void dff_turn_free(dff_turn_t *turn);

/* DFF_ERROR: Redis is away, or there is no memory; the function will not be called. */
int dff_turn_start(dff_turn_t *turn, dff_run_t *run);
int dff_turn_finish(dff_turn_t *turn, dff_answer_t *answer);

/* The end of a turn, before the connections are written to. */
void dff_turn_settle(dff_turn_t *turn);

#endif
