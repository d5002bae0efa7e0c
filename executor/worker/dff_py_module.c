/*
 * Functions of _dff. In the zygote, where no worker is yet, they do what an
 * ordinary Python process would.
 */
#include "dff_py_module.h"

#include "dff_guard.h"
#include "dff_module.h"
#include "dff_version.h"

#include "dff_banned.h"

/* --- DFF.API during a call ------------------------------------------------- */

static PyObject *
dff_py_identity(PyObject *self, PyObject *function)
{
    (void) self;
    return Py_NewRef(function);
}

static PyMethodDef dff_py_identity_method = {
    "export", dff_py_identity, METH_O, "Returns the function as it is."
};

/* self: the identity function. Arguments are looked at when a script is published
 * (dff_runtime/check.py); a call pays for none of it. */
static PyObject *
dff_py_api(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *names)
{
    (void) args;
    (void) nargs;
    (void) names;
    return Py_NewRef(self);
}

static PyMethodDef dff_py_api_method = {
    "API", (PyCFunction) (void (*)(void)) dff_py_api, METH_FASTCALL | METH_KEYWORDS,
    "API(title, **options): exports the decorated function."
};

/* --- the call's log ---------------------------------------------------------- */

/* The text of str as UTF-8 in a new bytes object; lone surrogates as \udxxx. */
static PyObject *
dff_py_utf8(PyObject *str)
{
    return PyUnicode_AsEncodedString(str, "utf-8", "backslashreplace");
}

typedef void (*dff_py_log_fn)(dff_call_log_t *log, dff_str_t text);

static int
dff_py_to_log(PyObject *str, dff_py_log_fn add)
{
    dff_worker_t *worker = dff_worker_self();
    PyObject     *bytes;

    if (worker == NULL)
        return 0;
    if (PyUnicode_IS_READY(str) && PyUnicode_IS_ASCII(str)) {
        add(&worker->log, (dff_str_t) { (const char *) PyUnicode_1BYTE_DATA(str),
                                        (size_t) PyUnicode_GET_LENGTH(str) });
        return 0;
    }
    bytes = dff_py_utf8(str);
    if (bytes == NULL)
        return -1;
    add(&worker->log, (dff_str_t) { PyBytes_AS_STRING(bytes), (size_t) PyBytes_GET_SIZE(bytes) });
    Py_DECREF(bytes);
    return 0;
}

static PyObject *
dff_py_write(PyObject *self, PyObject *text)
{
    (void) self;
    if (!PyUnicode_Check(text)) {
        return PyErr_Format(PyExc_TypeError, "write() argument must be str, not %s",
                            Py_TYPE(text)->tp_name);
    }
    if (dff_py_to_log(text, dff_call_log_write) != 0)
        return NULL;
    return PyLong_FromSsize_t(PyUnicode_GET_LENGTH(text));
}

static PyObject *
dff_py_log(PyObject *self, PyObject *message)
{
    PyObject *text = PyObject_Str(message);
    int       rc;

    (void) self;
    if (text == NULL)
        return NULL;
    rc = dff_py_to_log(text, dff_call_log_line);
    Py_DECREF(text);
    if (rc != 0)
        return NULL;
    Py_RETURN_NONE;
}

/* --- scripts ------------------------------------------------------------------ */

static PyObject *
dff_py_import(PyObject *self, PyObject *args, PyObject *options)
{
    static char  *names[] = { "name", "globals", "locals", "fromlist", "level", NULL };
    dff_worker_t *worker = dff_worker_self();
    PyObject     *name, *globals = NULL, *locals = NULL, *fromlist = NULL;
    int           level = 0;

    (void) self;
    if (!PyArg_ParseTupleAndKeywords(args, options, "U|OOOi:__import__", names, &name, &globals,
                                     &locals, &fromlist, &level))
    {
        return NULL;
    }
    if (worker == NULL)
        return PyImport_ImportModuleLevelObject(name, globals, locals, fromlist, level);
    return dff_module_import_statement(worker, name, globals, locals, fromlist, level);
}

/* The module of a script, or None when there is no such script. */
static PyObject *
dff_py_import_script(PyObject *self, PyObject *id)
{
    dff_worker_t *worker = dff_worker_self();
    PyObject     *module = NULL;

    (void) self;
    if (!PyUnicode_Check(id))
        return PyErr_Format(PyExc_TypeError, "the id of a script must be a str");
    if (worker != NULL && !worker->plain_import)
        module = dff_module_import(worker, id);
    if (module == NULL && !PyErr_Occurred())
        Py_RETURN_NONE;
    return module;
}

/* The source of a script that this worker has, or None. */
static PyObject *
dff_py_source(PyObject *self, PyObject *id)
{
    dff_worker_t      *worker = dff_worker_self();
    dff_live_script_t *script = NULL;
    PyObject          *text;
    int                same = 0;

    (void) self;
    if (worker == NULL)
        Py_RETURN_NONE;
    if (worker->running != NULL)
        same = PyObject_RichCompareBool(id, worker->running->id, Py_EQ);
    if (same > 0)
        script = (dff_live_script_t *) Py_NewRef(worker->running);
    else if (same == 0 && worker->drafts != NULL)
        script = dff_script_cache_get(worker->drafts, id);
    if (same == 0 && script == NULL && !PyErr_Occurred())
        script = dff_script_cache_get(worker->scripts, id);
    if (script == NULL) {
        if (PyErr_Occurred())
            return NULL;
        Py_RETURN_NONE;
    }
    text = Py_NewRef(script->text);
    Py_DECREF(script);
    return text;
}

/* The call's log so far. */
static PyObject *
dff_py_log_text(PyObject *self, PyObject *nothing)
{
    dff_worker_t *worker = dff_worker_self();

    (void) self;
    (void) nothing;
    if (worker == NULL || worker->log.text.len == 0)
        return PyUnicode_FromString("");
    return PyUnicode_DecodeUTF8(worker->log.text.data, (Py_ssize_t) worker->log.text.len,
                                "replace");
}

/* The names of the running call: a dict that is only to be read. */
static PyObject *
dff_py_names(PyObject *self, PyObject *nothing)
{
    dff_worker_t *worker = dff_worker_self();

    (void) self;
    (void) nothing;
    if (worker == NULL || worker->names == NULL)
        return PyDict_New();
    return Py_NewRef(worker->names);
}

/* finish() of dff_runtime is to be called when this call ends. */
static PyObject *
dff_py_needs_finish(PyObject *self, PyObject *nothing)
{
    dff_worker_t *worker = dff_worker_self();

    (void) self;
    (void) nothing;
    if (worker != NULL)
        worker->needs_finish = true;
    Py_RETURN_NONE;
}

/* guard(function, flag): see dff_guard.h. */
static PyObject *
dff_py_guard(PyObject *self, PyObject *args)
{
    PyObject *function;
    unsigned  flag;

    (void) self;
    if (!PyArg_ParseTuple(args, "OI:guard", &function, &flag))
        return NULL;
    return dff_guard_new(function, flag);
}

/* watch(object, flag): see dff_guard.h. */
static PyObject *
dff_py_watch(PyObject *self, PyObject *args)
{
    PyObject *object;
    unsigned  flag;

    (void) self;
    if (!PyArg_ParseTuple(args, "OI:watch", &object, &flag)
        || dff_guard_watch(object, flag) != 0)
    {
        return NULL;
    }
    Py_RETURN_NONE;
}

/* From now on nobody can set an attribute of the class, which all scripts share. */
static PyObject *
dff_py_seal(PyObject *self, PyObject *type)
{
    (void) self;
    if (!PyType_Check(type))
        return PyErr_Format(PyExc_TypeError, "only a class can be sealed");
    ((PyTypeObject *) type)->tp_flags |= Py_TPFLAGS_IMMUTABLETYPE;
    PyType_Modified((PyTypeObject *) type);
    Py_RETURN_NONE;
}

static PyMethodDef dff_py_methods[] = {
    { "write", dff_py_write, METH_O, "write(text): to the call's log, as a stream." },
    { "log", dff_py_log, METH_O, "log(message): a line of the call's log." },
    { "import_", (PyCFunction) (void (*)(void)) dff_py_import, METH_VARARGS | METH_KEYWORDS,
      "__import__ that knows scripts." },
    { "import_script", dff_py_import_script, METH_O, "import_script(id): its module, or None." },
    { "source", dff_py_source, METH_O, "source(id): the text of a script, or None." },
    { "log_text", dff_py_log_text, METH_NOARGS, "log_text(): the call's log so far." },
    { "names", dff_py_names, METH_NOARGS, "names(): those of the running call, read only." },
    { "needs_finish", dff_py_needs_finish, METH_NOARGS, "needs_finish(): the call has an end." },
    { "guard", dff_py_guard, METH_VARARGS, "guard(function, flag): notes that it was called." },
    { "watch", dff_py_watch, METH_VARARGS, "watch(object, flag): notes that it changed." },
    { "seal", dff_py_seal, METH_O, "seal(type): its attributes stay as they are." },
    { NULL, NULL, 0, NULL },
};

static struct PyModuleDef dff_py_module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_dff",
    .m_doc = "What the worker offers to dff_runtime.",
    .m_size = -1,
    .m_methods = dff_py_methods,
};

PyObject *
dff_py_module_new(void)
{
    PyObject *module = PyModule_Create(&dff_py_module);
    PyObject *identity = PyCFunction_New(&dff_py_identity_method, NULL);
    PyObject *api = identity == NULL ? NULL : PyCFunction_New(&dff_py_api_method, identity);

    if (module == NULL || api == NULL || dff_guard_init() != 0
        || PyModule_AddObjectRef(module, "API", api) != 0
        || PyModule_AddIntConstant(module, "STDERR", DFF_WORKER_STDERR) != 0
        || PyModule_AddStringConstant(module, "VERSION", DFF_VERSION) != 0)
    {
        Py_CLEAR(module);
    }
    Py_XDECREF(api);
    Py_XDECREF(identity);
    return module;
}
