/*
 * The names that every script finds in its namespace: DFF, and _DFF_* of the
 * running call (scripting.md, "Names in every script").
 *
 * One dict of them is kept for the worker, filled for each call and copied into
 * the namespace of each script module. Runs in a worker, GIL held.
 */
#ifndef DFF_CALL_NAMES_H
#define DFF_CALL_NAMES_H

#include "dff_envelope.h"
#include "dff_python.h"

/* New dict with every name. NULL: a Python exception is set. */
PyObject *dff_call_names_new(const dff_python_t *py);

/* The names' values for this call. -1: a Python exception is set. */
int dff_call_names_begin(PyObject *names, const dff_python_t *py, const dff_job_t *job,
    int64_t started_at_ms);
/* Lets go of what may be large. */
void dff_call_names_end(PyObject *names);

#endif
