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

/* The same for a draft: {"exportedAPIFuncs":…,"logMessages":…,"funcResult":…} by
 * check.outcome(); result NULL: only the body was run, and there is no funcResult. */
int dff_result_write_draft(dff_worker_t *worker, PyObject *check, PyObject *result);

/* The same for a function that an API auth asks: true or false, as Python sees its result.
 * A response (DFF.RESP) is false: who answers "403, go away" lets nobody in. */
int dff_result_write_verdict(dff_worker_t *worker, PyObject *result,
    dff_body_type_t *body_type);

#endif
