/*
 * The interpreter of this process, and the Python objects that C needs at hand.
 *
 * Started once in the zygote, isolated from the environment; every worker
 * inherits it by fork. Our Python side (package dff_runtime) hands over an
 * object with one attribute for each row of the table in dff_python.c.
 */
#ifndef DFF_PYTHON_H
#define DFF_PYTHON_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "dff_settings.h"
#include "dff_str.h"

/* All owned, none NULL after dff_python_start. */
typedef struct {
    PyObject *dff;               /* the DFF object of scripts */
    PyObject *loader;            /* __loader__ of script modules: knows their source */
    PyObject *describe;          /* describe(exception) -> texts, see dff_failure.c */
    PyObject *report;            /* report(exception, script_id, check) -> the same of a text */
    PyObject *finish;            /* finish(in_order): threads and connections of the call end */
    PyObject *new_check;         /* new_check(script_id) -> the DFF of a check, and its rows */
    PyObject *run_task;          /* run_task(name, kwargs) -> the result of a task of ours */
    PyObject *restore;           /* restore(touched) -> True: replace the worker */
    PyObject *ctx_values;        /* dict behind DFF.CTX */
    PyObject *response_type;     /* what DFF.RESP returns */
    PyObject *request_type;      /* HttpRequest: see dff_call_names.c */
    PyObject *soft_limit_class;  /* SoftTimeLimitExceeded */
    PyObject *not_found_class;   /* NotFoundException */
    PyObject *scan_json;         /* scan_json(text, index) -> value, end */
    PyObject *collect;           /* gc.collect */
    PyObject *count_threads;     /* threads that Python code started */
    PyObject *stream;            /* sys.stdout and sys.stderr of scripts */
    PyObject *sys_names;         /* the dict of module sys */
    PyObject *sys_path;          /* the list */
    PyObject *sys_path_items;    /* tuple: what belongs in it */
    PyObject *module_names;      /* tuple: modules that must stay in sys.modules */
    PyObject *module_items;      /* tuple: they themselves, in the same order */
} dff_python_t;

/* Everything up to a state that is worth forking. Runs in the zygote, without
 * threads. DFF_ERROR: err has the Python exception's text. */
int dff_python_start(dff_python_t *py, const dff_settings_t *settings, dff_err_t *err);

/* Helpers: NULL or -1 means that a Python exception is set, unless it says else. */

/* New reference. */
PyObject *dff_py_str(dff_str_t utf8);
/* dict[key] = value; takes the reference to value, NULL being passed on as -1. */
int dff_py_dict_take(PyObject *dict, PyObject *key, PyObject *value);
/* The pending exception as one object with its traceback; none is set after. New
 * reference, NULL when none was set. */
PyObject *dff_py_exception_take(void);
/* Moves the pending exception into err as "Type: text". Always DFF_ERROR. */
int dff_py_exception_err(dff_err_t *err);

#endif
