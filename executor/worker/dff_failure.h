/*
 * From an exception to what the caller is told (etype, einfoTEXT: calls.md) and
 * what goes into the log (the traceback). Runs in a worker, GIL held.
 */
#ifndef DFF_FAILURE_H
#define DFF_FAILURE_H

#include <stdbool.h>

#include "dff_worker.h"

typedef struct {
    bool      limit_reached;/* the soft time limit of this call */
    bool      is_of_text;   /* a script that came with the job: the body has the traceback */
    PyObject *check;        /* and what was exported and logged so far, by this; or NULL */
} dff_failure_t;

/*
 * Writes worker->body and appends to worker->log; exception is borrowed. Never
 * fails: with nothing else left it says the exception's class. No exception is
 * set after it. True: it was the time limit.
 */
bool dff_failure_write(dff_worker_t *worker, PyObject *exception, dff_failure_t how);

#endif
