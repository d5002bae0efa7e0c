/*
 * One job in the worker: from the envelope to the RESULT frame.
 * Runs in the worker's main thread, GIL held.
 */
#ifndef DFF_CALL_H
#define DFF_CALL_H

#include "dff_worker.h"

/* Runs the job and leaves its RESULT frame in worker->out, whatever happens; no
 * Python exception is set after it. envelope stays valid throughout. */
void dff_call_run(dff_worker_t *worker, uint64_t seq, dff_str_t envelope);

#endif
