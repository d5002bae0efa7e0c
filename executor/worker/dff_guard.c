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

/* --- what is looked at after each call --------------------------------------------- */

#define DFF_GUARD_WATCHED_MAX  48

/* A dict or list that calls leave alone, so that one number tells whether they did. */
typedef struct {
    PyObject *object;        /* borrowed: of the zygote, never freed */
    uint64_t  state;
    unsigned  flag;
} dff_guard_watched_t;

static dff_guard_watched_t dff_guard_watched[DFF_GUARD_WATCHED_MAX];
static size_t              dff_guard_nwatched;

#if PY_VERSION_HEX >= 0x030c0000
static int dff_guard_watcher = -1;

static int
dff_guard_on_dict(PyDict_WatchEvent event, PyObject *dict, PyObject *key, PyObject *value)
{
    (void) event;
    (void) key;
    (void) value;
    for (size_t i = 0; i < dff_guard_nwatched; i++) {
        if (dff_guard_watched[i].object == dict)
            dff_guard_touched |= dff_guard_watched[i].flag;
    }
    return 0;
}

/* The callback above tells of dicts. */
static inline uint64_t
dff_guard_state(PyObject *object)
{
    return PyList_Check(object) ? (uint64_t) PyList_GET_SIZE(object) : 0;
}
#else
static inline uint64_t
dff_guard_state(PyObject *object)
{
    return PyList_Check(object) ? (uint64_t) PyList_GET_SIZE(object)
                                : ((PyDictObject *) object)->ma_version_tag;
}
#endif

int
dff_guard_watch(PyObject *object, unsigned flag)
{
    if (!PyList_Check(object) && !PyDict_Check(object)) {
        PyErr_SetString(PyExc_TypeError, "a dict or a list can be watched");
        return -1;
    }
    if (dff_guard_nwatched == DFF_GUARD_WATCHED_MAX) {
        PyErr_SetString(PyExc_OverflowError, "too many objects to watch");
        return -1;
    }
#if PY_VERSION_HEX >= 0x030c0000
    if (dff_guard_watcher == -1)
        dff_guard_watcher = PyDict_AddWatcher(dff_guard_on_dict);
    if (PyDict_Check(object)
        && (dff_guard_watcher == -1 || PyDict_Watch(dff_guard_watcher, object) != 0))
    {
        return -1;
    }
#endif
    dff_guard_watched[dff_guard_nwatched++] = (dff_guard_watched_t) {
        .object = Py_NewRef(object), .flag = flag, .state = dff_guard_state(object),
    };
    return 0;
}

/* Flags of what is not as it was. */
static unsigned
dff_guard_look(void)
{
    unsigned flags = 0;

    for (size_t i = 0; i < dff_guard_nwatched; i++) {
        if (dff_guard_state(dff_guard_watched[i].object) != dff_guard_watched[i].state)
            flags |= dff_guard_watched[i].flag;
    }
    return flags;
}

void
dff_guard_clear(void)
{
    for (size_t i = 0; i < dff_guard_nwatched; i++)
        dff_guard_watched[i].state = dff_guard_state(dff_guard_watched[i].object);
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

/* The state of sys.modules as the worker itself has left it: while that stays, nobody
 * else has changed it, and there is nothing to look for. */
static uint64_t dff_guard_modules_state;
static bool     dff_guard_modules_touched;

static inline uint64_t
dff_guard_modules_now(void)
{
#if PY_VERSION_HEX >= 0x030c0000
    return 0;
#else
    return ((PyDictObject *) PyImport_GetModuleDict())->ma_version_tag;
#endif
}

void
dff_guard_modules_ours(void)
{
    dff_guard_modules_state = dff_guard_modules_now();
}

void
dff_guard_modules_look(void)
{
    dff_guard_modules_touched = PY_VERSION_HEX >= 0x030c0000
                                || dff_guard_modules_state != dff_guard_modules_now();
}

/* 1: a module that everybody imports is not in sys.modules, or another is under its
 * name. -1: a Python exception is set. */
static int
dff_guard_modules(const dff_python_t *py)
{
    PyObject  *modules = PyImport_GetModuleDict();
    Py_ssize_t count = PyTuple_GET_SIZE(py->module_names);

    if (!dff_guard_modules_touched)
        return 0;
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *module = PyDict_GetItemWithError(modules, PyTuple_GET_ITEM(py->module_names, i));

        if (module != PyTuple_GET_ITEM(py->module_items, i))
            return PyErr_Occurred() ? -1 : 1;
    }
    return 0;
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
    if (recycle == 0)
        recycle = dff_guard_modules(py);
    if (recycle == 0)
        dff_guard_touched |= dff_guard_look();
    if (recycle == 0 && dff_guard_touched != 0) {
        PyObject *answer = PyObject_CallFunction(py->restore, "I", dff_guard_touched);

        recycle = answer == NULL ? -1 : PyObject_IsTrue(answer);
        Py_XDECREF(answer);
        dff_guard_clear();
    }
    dff_guard_touched = 0;

    /* What cannot even be looked at is not worth keeping. */
    PyErr_Clear();
    return recycle != 0;
}
