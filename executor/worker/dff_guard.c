/*
 * Guards and what follows when one was touched.
 */
#include "dff_guard.h"

#include "dff_banned.h"

typedef struct {
    PyObject_HEAD
    vectorcallfunc call;
    PyObject      *function;
    unsigned       flag;
} dff_guard_t;

/* Flags of the guards that were called since the last restore. */
static unsigned dff_guard_touched;

/* Interned, set once in the zygote. */
static struct {
    PyObject *output;
    PyObject *error;
    PyObject *path;
} dff_guard_name;

static PyObject *
dff_guard_call(PyObject *self, PyObject *const *args, size_t nargs, PyObject *names)
{
    dff_guard_t *guard = (dff_guard_t *) self;

    dff_guard_touched |= guard->flag;
    return PyObject_Vectorcall(guard->function, args, nargs, names);
}

static void
dff_guard_dealloc(PyObject *self)
{
    Py_XDECREF(((dff_guard_t *) self)->function);
    Py_TYPE(self)->tp_free(self);
}

/* Name, docstring and the rest are those of the function. */
static PyObject *
dff_guard_getattr(PyObject *self, PyObject *name)
{
    return PyObject_GetAttr(((dff_guard_t *) self)->function, name);
}

static PyObject *
dff_guard_repr(PyObject *self)
{
    return PyObject_Repr(((dff_guard_t *) self)->function);
}

static PyTypeObject dff_guard_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "_dff.guard",
    .tp_basicsize = sizeof(dff_guard_t),
    .tp_dealloc = dff_guard_dealloc,
    .tp_vectorcall_offset = offsetof(dff_guard_t, call),
    .tp_call = PyVectorcall_Call,
    .tp_getattro = dff_guard_getattr,
    .tp_repr = dff_guard_repr,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL
                | Py_TPFLAGS_DISALLOW_INSTANTIATION,
};

int
dff_guard_init(void)
{
    dff_guard_name.output = PyUnicode_InternFromString("stdout");
    dff_guard_name.error = PyUnicode_InternFromString("stderr");
    dff_guard_name.path = PyUnicode_InternFromString("path");
    if (dff_guard_name.output == NULL || dff_guard_name.error == NULL
        || dff_guard_name.path == NULL)
    {
        return -1;
    }
    return PyType_Ready(&dff_guard_type);
}

PyObject *
dff_guard_new(PyObject *function, unsigned flag)
{
    dff_guard_t *guard = PyObject_New(dff_guard_t, &dff_guard_type);

    if (guard == NULL)
        return NULL;
    guard->call = dff_guard_call;
    guard->function = Py_NewRef(function);
    guard->flag = flag;
    return (PyObject *) guard;
}

void
dff_guard_clear(void)
{
    dff_guard_touched = 0;
}

/* sys.<name> is value again. -1: a Python exception is set. */
static int
dff_guard_sys(const dff_python_t *py, PyObject *name, PyObject *value)
{
    PyObject *now = PyDict_GetItemWithError(py->sys_names, name);

    if (now == value)
        return 0;
    return PyErr_Occurred() ? -1 : PyDict_SetItem(py->sys_names, name, value);
}

static bool
dff_guard_path_is_same(const dff_python_t *py)
{
    Py_ssize_t count = PyTuple_GET_SIZE(py->sys_path_items);

    if (PyList_GET_SIZE(py->sys_path) != count)
        return false;
    for (Py_ssize_t i = 0; i < count; i++) {
        if (PyList_GET_ITEM(py->sys_path, i) != PyTuple_GET_ITEM(py->sys_path_items, i))
            return false;
    }
    return true;
}

/* 1: more threads than the main one. -1: a Python exception is set. */
static int
dff_guard_threads(const dff_python_t *py)
{
    PyObject *count = PyObject_CallNoArgs(py->count_threads);
    long      threads;

    if (count == NULL)
        return -1;
    threads = PyLong_AsLong(count);
    Py_DECREF(count);
    return threads == -1 && PyErr_Occurred() ? -1 : threads > 0;
}

bool
dff_guard_restore(const dff_python_t *py)
{
    int recycle = dff_guard_threads(py);

    if (recycle >= 0
        && (dff_guard_sys(py, dff_guard_name.output, py->stream) != 0
            || dff_guard_sys(py, dff_guard_name.error, py->stream) != 0
            || dff_guard_sys(py, dff_guard_name.path, py->sys_path) != 0))
    {
        recycle = -1;
    }
    if (recycle >= 0 && !dff_guard_path_is_same(py)
        && PyList_SetSlice(py->sys_path, 0, PyList_GET_SIZE(py->sys_path), py->sys_path_items) != 0)
    {
        recycle = -1;
    }
    if (recycle == 0 && dff_guard_touched != 0) {
        PyObject *answer = PyObject_CallFunction(py->restore, "I", dff_guard_touched);

        recycle = answer == NULL ? -1 : PyObject_IsTrue(answer);
        Py_XDECREF(answer);
    }
    dff_guard_clear();

    /* What cannot even be looked at is not worth keeping. */
    PyErr_Clear();
    return recycle != 0;
}
