/*
 * Python strings as UTF-8 bytes: plain, or as JSON strings. Lone surrogates,
 * which UTF-8 has no bytes for, become U+FFFD. Runs in a worker, GIL held; no
 * Python exception is ever set (a failed allocation shows in the buffer).
 */
#ifndef DFF_PY_TEXT_H
#define DFF_PY_TEXT_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "dff_buf.h"

void dff_py_text_add(dff_buf_t *out, PyObject *str);
/* With quotes, escaped. */
void dff_py_text_add_json(dff_buf_t *out, PyObject *str);

#endif
