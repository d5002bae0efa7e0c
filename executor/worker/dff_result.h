/*
 * What a function returned, as the sections of a reply: the body in the return
 * type that the job asks for, and for a DFF.RESP the control section.
 * Runs in a worker, GIL held.
 */
#ifndef DFF_RESULT_H
#define DFF_RESULT_H

#include "dff_envelope.h"
#include "dff_worker.h"

/* Writes worker->body and worker->control. -1: a Python exception is set. */
int dff_result_write(dff_worker_t *worker, PyObject *result, dff_return_type_t type,
    dff_body_type_t *body_type);

#endif
