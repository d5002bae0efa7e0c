/*
 * The built-in module _dff: what C offers to our Python side (dff_runtime).
 * Scripts reach parts of it through DFF. Runs in the zygote and in workers.
 */
#ifndef DFF_PY_MODULE_H
#define DFF_PY_MODULE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

/* For PyImport_AppendInittab. New reference. */
PyObject *dff_py_module_new(void);

#endif
