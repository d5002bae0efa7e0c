/*
 * The JSON writer of results. Runs in a worker, GIL held.
 */
#include "dff_json_out_internal.h"

#include <datetime.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "dff_py_text.h"

#include "dff_banned.h"

#define DFF_JSON_OUT_SAFE_INT  9007199254740992.0   /* 2^53 */
#define DFF_JSON_OUT_SLICE     1024   /* items between two looks for the time limit */

/* Set once, before the first fork: decimal.Decimal. */
static PyObject *dff_json_out_decimal;

static int dff_json_out_value(dff_json_out_t *w, PyObject *value);

int
dff_json_out_init(PyObject *soft_limit_class)
{
    PyObject *module;

    PyDateTime_IMPORT;
    if (PyDateTimeAPI == NULL)
        return -1;
    module = PyImport_ImportModule("decimal");
    if (module == NULL)
        return -1;
    dff_json_out_decimal = PyObject_GetAttrString(module, "Decimal");
    Py_DECREF(module);
    dff_json_out_fail_init(soft_limit_class);
    return dff_json_out_decimal == NULL ? -1 : 0;
}

/* --- scalars ------------------------------------------------------------ */

static inline void
dff_json_out_literal(dff_json_out_t *w, const char *text, size_t len)
{
    dff_buf_add(w->out, text, len);
}

/* Writes the str that repr gives as a JSON string. */
static int
dff_json_out_repr(dff_json_out_t *w, PyObject *value)
{
    PyObject *text = PyObject_Repr(value);

    if (text == NULL)
        return dff_json_out_fail_raised(w, w->depth, "its repr");
    dff_py_text_add_json(w->out, text);
    Py_DECREF(text);
    return 0;
}

static int
dff_json_out_int(dff_json_out_t *w, PyObject *value)
{
    int       overflow;
    long long number = PyLong_AsLongLongAndOverflow(value, &overflow);
    PyObject *text;

    if (overflow == 0) {
        char  digits[24];
        char *at = digits + sizeof(digits);
        unsigned long long rest = number < 0 ? 0 - (unsigned long long) number
                                             : (unsigned long long) number;

        do {
            *--at = (char) ('0' + rest % 10);
            rest /= 10;
        } while (rest > 0);
        if (number < 0)
            *--at = '-';
        dff_buf_add(w->out, at, (size_t) (digits + sizeof(digits) - at));
        return 0;
    }

    text = PyLong_Type.tp_repr(value);      /* not that of a subclass, an enum say */
    if (text == NULL)
        return dff_json_out_fail_raised(w, w->depth, "its text");
    dff_py_text_add(w->out, text);
    Py_DECREF(text);
    return 0;
}

static int
dff_json_out_float(dff_json_out_t *w, double number)
{
    char *text;

    if (!isfinite(number)) {
        dff_json_out_literal(w, "null", 4);
        return 0;
    }
    if (fabs(number) <= DFF_JSON_OUT_SAFE_INT && number == floor(number)) {
        dff_buf_addf(w->out, "%lld", (long long) number);
        return 0;
    }
    text = PyOS_double_to_string(number, 'r', 0, Py_DTSF_ADD_DOT_0, NULL);
    if (text == NULL)
        return -1;
    dff_buf_add(w->out, text, strlen(text));
    PyMem_Free(text);
    return 0;
}

/* The str that a method without arguments returns; new reference. */
static PyObject *
dff_json_out_call_text(PyObject *value, const char *method)
{
    PyObject *text = PyObject_CallMethod(value, method, NULL);

    if (text != NULL && !PyUnicode_Check(text)) {
        PyErr_Format(PyExc_TypeError, "%s() did not return a str", method);
        Py_CLEAR(text);
    }
    return text;
}

static int
dff_json_out_time(dff_json_out_t *w, PyObject *value)
{
    PyObject *text = dff_json_out_call_text(value, "isoformat");

    if (text == NULL)
        return dff_json_out_fail_raised(w, w->depth, "its isoformat");
    dff_py_text_add_json(w->out, text);
    Py_DECREF(text);
    return 0;
}

/* The methods of Decimal itself: what a subclass has to say need not be a number. */
static int
dff_json_out_decimal_number(dff_json_out_t *w, PyObject *value)
{
    PyObject *finite = PyObject_CallMethod(dff_json_out_decimal, "is_finite", "O", value);
    PyObject *text = NULL;
    int       is_finite = finite == NULL ? -1 : PyObject_IsTrue(finite);

    Py_XDECREF(finite);
    if (is_finite == 0) {
        dff_json_out_literal(w, "null", 4);
        return 0;
    }
    if (is_finite == 1)
        text = PyObject_CallMethod(dff_json_out_decimal, "__str__", "O", value);
    if (text == NULL)
        return dff_json_out_fail_raised(w, w->depth, "its text");
    dff_py_text_add(w->out, text);
    Py_DECREF(text);
    return 0;
}

/* Whatever is neither a plain scalar nor a container. */
static int
dff_json_out_other(dff_json_out_t *w, PyObject *value)
{
    int rc;

    if (PyDateTime_Check(value) || PyDate_Check(value) || PyTime_Check(value))
        return dff_json_out_time(w, value);
    rc = PyObject_IsInstance(value, dff_json_out_decimal);
    if (rc < 0)
        return dff_json_out_fail_raised(w, w->depth, "its class");
    return rc == 1 ? dff_json_out_decimal_number(w, value) : dff_json_out_repr(w, value);
}

/* --- containers --------------------------------------------------------- */

static int
dff_json_out_enter(dff_json_out_t *w, PyObject *container)
{
    if (w->depth == DFF_JSON_OUT_DEPTH)
        return dff_json_out_fail_deep(w, container);
    w->path[w->depth] = (dff_json_out_step_t) { .container = container };
    w->depth++;
    return 0;
}

/* Before each item: separators, and at times the bounds. */
static int
dff_json_out_next(dff_json_out_t *w, bool first)
{
    if (!first)
        dff_json_out_literal(w, ",", 1);
    if (w->out->len > w->limit)
        return dff_json_out_fail_deep(w, NULL);
    if (++w->items % DFF_JSON_OUT_SLICE == 0)
        return PyErr_CheckSignals();
    return 0;
}

static int
dff_json_out_sequence(dff_json_out_t *w, PyObject *sequence)
{
    dff_json_out_step_t *step;

    if (dff_json_out_enter(w, sequence) != 0)
        return -1;
    step = &w->path[w->depth - 1];

    dff_json_out_literal(w, "[", 1);
    /* The size is read again each time: a repr may change the list. */
    for (; step->index < PySequence_Fast_GET_SIZE(sequence); step->index++) {
        PyObject *item;
        int       rc;

        if (dff_json_out_next(w, step->index == 0) != 0)
            return -1;
        if (step->index >= PySequence_Fast_GET_SIZE(sequence))
            break;
        item = Py_NewRef(PySequence_Fast_GET_ITEM(sequence, step->index));
        rc = dff_json_out_value(w, item);
        Py_DECREF(item);
        if (rc != 0)
            return -1;
    }
    dff_json_out_literal(w, "]", 1);
    w->depth--;
    return 0;
}

/* A key as json.dumps has it; what that refuses is written as its repr. */
static int
dff_json_out_key(dff_json_out_t *w, PyObject *key)
{
    int rc = 0;

    if (PyUnicode_Check(key)) {
        dff_py_text_add_json(w->out, key);
    } else if (key == Py_None || PyBool_Check(key) || PyLong_Check(key)) {
        dff_json_out_literal(w, "\"", 1);
        rc = dff_json_out_value(w, key);
        dff_json_out_literal(w, "\"", 1);
    } else if (PyFloat_Check(key)) {
        PyObject *text = PyFloat_Type.tp_repr(key);

        if (text == NULL)
            return -1;
        dff_py_text_add_json(w->out, text);
        Py_DECREF(text);
    } else {
        rc = dff_json_out_repr(w, key);
    }
    dff_json_out_literal(w, ":", 1);
    return rc;
}

static int
dff_json_out_member(dff_json_out_t *w, PyObject *key, PyObject *value, bool first)
{
    int rc;

    Py_INCREF(key);
    Py_INCREF(value);
    w->path[w->depth - 1].key = key;
    rc = dff_json_out_next(w, first);
    if (rc == 0)
        rc = dff_json_out_key(w, key);
    if (rc == 0)
        rc = dff_json_out_value(w, value);
    if (rc == 0)
        w->path[w->depth - 1].key = NULL;
    Py_DECREF(key);
    Py_DECREF(value);
    return rc;
}

static int
dff_json_out_exact_dict(dff_json_out_t *w, PyObject *dict)
{
    Py_ssize_t at = 0, size = PyDict_GET_SIZE(dict);
    PyObject  *key, *value;
    bool       first = true;

    while (PyDict_Next(dict, &at, &key, &value)) {
        if (dff_json_out_member(w, key, value, first) != 0)
            return -1;
        first = false;
        if (PyDict_GET_SIZE(dict) != size)
            return dff_json_out_fail(w, w->depth - 1, "the dict changed while it was written");
    }
    return 0;
}

/* A subclass says itself what its items are. */
static int
dff_json_out_dict_subclass(dff_json_out_t *w, PyObject *dict)
{
    PyObject *items = PyMapping_Items(dict);
    int       rc = 0;

    if (items == NULL)
        return dff_json_out_fail_raised(w, w->depth - 1, "its items");
    for (Py_ssize_t i = 0; rc == 0 && i < PyList_GET_SIZE(items); i++) {
        PyObject *item = PyList_GET_ITEM(items, i);

        if (!PyTuple_Check(item) || PyTuple_GET_SIZE(item) != 2)
            rc = dff_json_out_fail(w, w->depth - 1, "items() are not pairs");
        else
            rc = dff_json_out_member(w, PyTuple_GET_ITEM(item, 0), PyTuple_GET_ITEM(item, 1),
                                     i == 0);
    }
    Py_DECREF(items);
    return rc;
}

static int
dff_json_out_dict(dff_json_out_t *w, PyObject *dict)
{
    int rc;

    if (dff_json_out_enter(w, dict) != 0)
        return -1;
    dff_json_out_literal(w, "{", 1);
    rc = PyDict_CheckExact(dict) ? dff_json_out_exact_dict(w, dict)
                                 : dff_json_out_dict_subclass(w, dict);
    dff_json_out_literal(w, "}", 1);
    if (rc == 0)
        w->depth--;
    return rc;
}

static int
dff_json_out_value(dff_json_out_t *w, PyObject *value)
{
    if (value == Py_None) {
        dff_json_out_literal(w, "null", 4);
        return 0;
    }
    if (PyUnicode_Check(value)) {
        dff_py_text_add_json(w->out, value);
        return 0;
    }
    if (value == Py_True) {
        dff_json_out_literal(w, "true", 4);
        return 0;
    }
    if (value == Py_False) {
        dff_json_out_literal(w, "false", 5);
        return 0;
    }
    if (PyLong_Check(value))
        return dff_json_out_int(w, value);
    if (PyFloat_Check(value))
        return dff_json_out_float(w, PyFloat_AS_DOUBLE(value));
    if (PyDict_Check(value))
        return dff_json_out_dict(w, value);
    if (PyList_Check(value) || PyTuple_Check(value))
        return dff_json_out_sequence(w, value);
    return dff_json_out_other(w, value);
}

int
dff_json_out_write(dff_buf_t *out, PyObject *value, size_t limit)
{
    /* The path is written before it is read; clearing it would cost more than
     * a small result. */
    dff_json_out_t w;

    w.out = out;
    w.limit = limit;
    w.items = 0;
    w.depth = 0;

    if (dff_json_out_value(&w, value) != 0)
        return -1;
    if (dff_buf_failed(out)) {
        PyErr_NoMemory();
        return -1;
    }
    return out->len > limit ? dff_json_out_too_large(&w) : 0;
}
