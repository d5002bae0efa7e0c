/*
 * What is wrong with a result, and where in it. Runs in a worker, GIL held.
 */
#include "dff_json_out_internal.h"

#include <stdio.h>

#include "dff_py_text.h"

#include "dff_banned.h"

#define DFF_JSON_OUT_PATH_MAX  512

/* Set once, before the first fork: the exception of the time limit. */
static PyObject *dff_json_out_soft_limit;

void
dff_json_out_fail_init(PyObject *soft_limit_class)
{
    dff_json_out_soft_limit = Py_NewRef(soft_limit_class);
}

/* "result.a[3]["odd key"]", of the first depth steps. */
static void
dff_json_out_path(const dff_json_out_t *w, int depth, dff_buf_t *path)
{
    dff_buf_addf(path, "result");
    for (int i = 0; i < depth; i++) {
        const dff_json_out_step_t *step = &w->path[i];

        if (path->len > DFF_JSON_OUT_PATH_MAX) {
            dff_buf_addf(path, "...");
            return;
        }
        if (step->key == NULL) {
            dff_buf_addf(path, "[%zd]", step->index);
        } else if (PyUnicode_Check(step->key) && PyUnicode_IsIdentifier(step->key) == 1) {
            dff_buf_add(path, ".", 1);
            dff_py_text_add(path, step->key);
        } else if (PyUnicode_Check(step->key)) {
            dff_buf_add(path, "[", 1);
            dff_py_text_add_json(path, step->key);
            dff_buf_add(path, "]", 1);
        } else {
            PyObject *key = PyObject_Repr(step->key);

            dff_buf_add(path, "[", 1);
            if (key == NULL)
                PyErr_Clear();
            else
                dff_py_text_add(path, key);
            dff_buf_add(path, "]", 1);
            Py_XDECREF(key);
        }
    }
}

int
dff_json_out_fail(const dff_json_out_t *w, int depth, const char *what)
{
    dff_buf_t path = DFF_BUF_INIT;

    dff_json_out_path(w, depth, &path);
    if (dff_buf_failed(&path))
        PyErr_NoMemory();
    else
        PyErr_Format(PyExc_ValueError, "%s: %s", path.data, what);
    dff_buf_release(&path);
    return -1;
}

int
dff_json_out_fail_raised(const dff_json_out_t *w, int depth, const char *doing)
{
    PyObject *type, *value, *traceback;
    dff_buf_t what = DFF_BUF_INIT;

    if (PyErr_ExceptionMatches(PyExc_MemoryError)
        || PyErr_ExceptionMatches(dff_json_out_soft_limit)
        || !PyErr_ExceptionMatches(PyExc_Exception))
    {
        return -1;
    }
    PyErr_Fetch(&type, &value, &traceback);

    dff_buf_addf(&what, "%s raised %s", doing, ((PyTypeObject *) type)->tp_name);
    (void) dff_json_out_fail(w, depth, dff_buf_failed(&what) ? doing : what.data);
    dff_buf_release(&what);
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(traceback);
    return -1;
}

int
dff_json_out_too_large(const dff_json_out_t *w)
{
    char what[120];

    (void) snprintf(what, sizeof(what), "the result is larger than %zu bytes"
                    "; DFF.RESP_LARGE_DATA takes more", w->limit);
    return dff_json_out_fail(w, 0, what);
}

int
dff_json_out_fail_deep(const dff_json_out_t *w, PyObject *last)
{
    char what[80];

    for (int at = 1; at <= w->depth; at++) {
        PyObject *container = at < w->depth ? w->path[at].container : last;

        for (int above = 0; above < at; above++) {
            if (w->path[above].container == container)
                return dff_json_out_fail(w, at, "circular reference");
        }
    }
    if (last == NULL)
        return dff_json_out_too_large(w);
    (void) snprintf(what, sizeof(what), "nested deeper than %d levels", DFF_JSON_OUT_DEPTH);
    return dff_json_out_fail(w, w->depth, what);
}
