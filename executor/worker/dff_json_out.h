/*
 * Results of scripts as JSON, by the rules of calls.md ("Responses"): integral
 * floats up to 2^53 have no fraction, NaN and infinities are null, dates and
 * times ISO 8601, Decimals numbers, anything unknown its repr.
 *
 * Runs in a worker, GIL held. Calls Python code (repr, isoformat, items of dict
 * subclasses), which may do anything, raise SoftTimeLimitExceeded included.
 */
#ifndef DFF_JSON_OUT_H
#define DFF_JSON_OUT_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "dff_buf.h"

/* Imports what it needs; keeps a reference to the class, which always passes
 * through. -1: a Python exception is set. Runs in the zygote. */
int dff_json_out_init(PyObject *soft_limit_class);

/*
 * Appends value. -1: a Python exception is set, whose text names the part, as
 * in "result.a[3].b: circular reference"; what out got is to be dropped.
 * limit: bytes that out may have at the end.
 */
int dff_json_out_write(dff_buf_t *out, PyObject *value, size_t limit);

#endif
