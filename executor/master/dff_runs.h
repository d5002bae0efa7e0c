/*
 * All runs of a master (dff_run.h), in the order of their claims: master->runs. What
 * happens to all of them at once happens here. Runs in the master.
 */
#ifndef DFF_RUNS_H
#define DFF_RUNS_H

#include "master/dff_master.h"

/* Asks again about what had no answer; when Redis is back, and every second. */
void dff_runs_ask_again(dff_master_t *master);
/* The connection for commands has ended: each may have been given away. */
void dff_runs_careful(dff_master_t *master);
/* Forgets those that are still in claimed:<node>: they are given back there. */
void dff_runs_forget_claimed(dff_master_t *master);
/* There will be no workers: ends as lost what has started and has none yet. */
void dff_runs_hurry(dff_master_t *master);
/* Is there one whose answer is still to come? */
bool dff_runs_any(const dff_master_t *master);
size_t dff_runs_count(const dff_master_t *master);
/* NULL: there is none with this id. */
dff_run_t *dff_runs_find(const dff_master_t *master, dff_str_t task_id);
bool dff_runs_known(const dff_master_t *master, dff_str_t task_id);
/* At the end of the master: frees them, and tells nobody. */
void dff_runs_release(dff_master_t *master);

#endif
