/*
 * The lives of Redis, and what one does not know of the one before.
 *
 * A Redis that was started again, and a replica that was promoted, may have lost the last
 * writes: a job that a worker of ours has, or that was answered, may lie in its queue again, in
 * claimed:<node>, in started:<node>, or nowhere. This master knows better, as long as nobody
 * can have taken its jobs over meanwhile. So in a new life (another run_id)
 *
 *   - what our workers have is put into started:<node> again, if it lies in claimed:<node>;
 *   - what is claimed, or found by the sweep, is no new job when we hold it or have answered it:
 *     it is not started again, and its answer is given again, for the ledger;
 *   - a result is told although its job is in started:<node> no more.
 *
 * What another node claims from a queue to which a job has come back nobody can tell from a new
 * one; and of a job that waited nobody can tell whether it still does. Runs in the master.
 */
#ifndef DFF_LIFE_H
#define DFF_LIFE_H

#include "dff_envelope.h"

#include "master/dff_master.h"

/* Replies of a former life are kept for so long, and what is claimed is compared with them. */
#define DFF_LIFE_DOUBT_MS  300000

/* The connection for commands is READY; before anything is sent to it. */
void dff_life_ready(dff_master_t *master);
/* A job that was claimed is one that we know: it is seen to, and not started. */
bool dff_life_knows(dff_master_t *master, const dff_job_t *job, dff_str_t envelope);
/* The same of one that we do not hold. envelope: in claimed:<node>; empty: in started:<node>. */
bool dff_life_answers(dff_master_t *master, const dff_job_t *job, dff_str_t envelope);
/* Redis says that a job is not ours, which was started in that life (0: of another node). True:
 * it has forgotten it, and nobody else has it. */
bool dff_life_forgot(const dff_master_t *master, unsigned life);

#endif
