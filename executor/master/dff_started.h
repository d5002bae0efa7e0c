/*
 * What lies in started:<node>.
 *
 * A job that has started is not started again, so nobody needs its arguments any more: the
 * entry is its envelope with the head alone. It is whole when the job may be started again
 * after all (retryOnLost), or when the record of its end has the arguments (save). Runs in
 * the master.
 */
#ifndef DFF_STARTED_H
#define DFF_STARTED_H

#include "dff_buf.h"

#include "master/dff_run.h"

/* The run's own bytes, or written to buf (cleared first), whose owner keeps it until it is
 * sent. Without memory for that it is the whole envelope. */
dff_str_t dff_started_entry(const dff_run_t *run, dff_buf_t *buf);

/* Puts it there by the script that looks first; fn (may be NULL) gets 1: it is there, or 0: it
 * is in no list of ours. DFF_ERROR: Redis is away. */
int dff_started_again(dff_run_t *run, redisCallbackFn *fn);

#endif
