/*
 * Starts the interpreter. Runs in the zygote.
 */
#include "dff_python.h"

#include <locale.h>

#include "dff_json_out.h"
#include "dff_py_module.h"
#include "dff_script_cache.h"
#include "dff_soft_limit.h"

#include "dff_banned.h"

/* Prefix of the Python that libpython belongs to. Not searched for: from the
 * executable's folder upwards another Python could be met first. */
#ifndef DFF_PYTHON_HOME
#define DFF_PYTHON_HOME  "/usr"
#endif

typedef struct {
    const char *name;
    size_t      offset;
} dff_python_hook_t;

#define HOOK(field)  { #field, offsetof(dff_python_t, field) }

/* Attributes of what dff_runtime.start() returns. */
static const dff_python_hook_t dff_python_hooks[] = {
    HOOK(dff), HOOK(loader), HOOK(describe), HOOK(report), HOOK(finish), HOOK(new_check),
    HOOK(run_task), HOOK(restore),
    HOOK(ctx_values), HOOK(response_type), HOOK(request_type), HOOK(soft_limit_class),
    HOOK(not_found_class), HOOK(scan_json), HOOK(collect), HOOK(count_threads), HOOK(stream),
    HOOK(sys_names), HOOK(sys_path), HOOK(sys_path_items), HOOK(module_names),
    HOOK(module_items),
};
_Static_assert(sizeof(dff_python_hooks) / sizeof(dff_python_hooks[0])
               == sizeof(dff_python_t) / sizeof(PyObject *), "a hook for each field");

static int
dff_python_status(PyStatus status, const char *doing, dff_err_t *err)
{
    if (!PyStatus_Exception(status))
        return DFF_OK;
    return dff_err_set(err, DFF_E_SYS, "%s: %s", doing,
                       status.err_msg == NULL ? "failed" : status.err_msg);
}

static int
dff_python_initialize(dff_err_t *err)
{
    PyPreConfig preconfig;
    PyConfig    config;
    PyStatus    status;
    int         rc = DFF_ERROR;

    PyPreConfig_InitIsolatedConfig(&preconfig);
    preconfig.utf8_mode = 1;     /* files and names are UTF-8, whatever LANG says */
    if (dff_python_status(Py_PreInitialize(&preconfig), "Python", err) != DFF_OK)
        return DFF_ERROR;
    if (PyImport_AppendInittab("_dff", dff_py_module_new) != 0)
        return dff_err_set(err, DFF_E_SYS, "no memory");

    PyConfig_InitIsolatedConfig(&config);
    config.install_signal_handlers = 0;
    config.write_bytecode = 0;
    config.faulthandler = 1;     /* a worker's segfault shows the script's line on stderr */
    status = PyConfig_SetBytesString(&config, &config.home, DFF_PYTHON_HOME);
    if (dff_python_status(status, "Python home", err) != DFF_OK)
        goto done;
    status = PyConfig_SetBytesString(&config, &config.executable, DFF_PYTHON_HOME "/bin/python3");
    if (dff_python_status(status, "Python executable", err) != DFF_OK)
        goto done;
    status = Py_InitializeFromConfig(&config);
    rc = dff_python_status(status, "start of Python in " DFF_PYTHON_HOME, err);

done:
    PyConfig_Clear(&config);
    return rc;
}

/* dff_runtime.start(settings) with our folder first on sys.path. */
static PyObject *
dff_python_runtime(const dff_settings_t *settings)
{
    PyObject *path = PySys_GetObject("path");       /* borrowed */
    PyObject *folder = dff_py_str(dff_str_from(settings->python_path));
    PyObject *module = NULL, *hooks = NULL;

    if (path == NULL)
        PyErr_SetString(PyExc_RuntimeError, "sys.path is missing");
    if (path == NULL || folder == NULL || PyList_Insert(path, 0, folder) != 0)
        goto done;
    module = PyImport_ImportModule("dff_runtime");
    if (module != NULL)
        hooks = PyObject_CallMethod(module, "start", "s", settings->text);

done:
    Py_XDECREF(module);
    Py_XDECREF(folder);
    return hooks;
}

static int
dff_python_take_hooks(dff_python_t *py, PyObject *hooks)
{
    for (size_t i = 0; i < sizeof(dff_python_hooks) / sizeof(dff_python_hooks[0]); i++) {
        PyObject *value = PyObject_GetAttrString(hooks, dff_python_hooks[i].name);

        if (value == NULL)
            return -1;
        memcpy((char *) py + dff_python_hooks[i].offset, &value, sizeof(value));
    }
    return 0;
}

/* Objects of the zygote are left alone by the collector of every worker: their
 * pages stay shared. */
static int
dff_python_freeze(void)
{
    PyObject *gc = PyImport_ImportModule("gc");
    PyObject *collected = NULL, *frozen = NULL;

    if (gc != NULL)
        collected = PyObject_CallMethod(gc, "collect", NULL);
    if (collected != NULL)
        frozen = PyObject_CallMethod(gc, "freeze", NULL);
    Py_XDECREF(frozen);
    Py_XDECREF(collected);
    Py_XDECREF(gc);
    return frozen == NULL ? -1 : 0;
}

int
dff_python_start(dff_python_t *py, const dff_settings_t *settings, dff_err_t *err)
{
    PyObject *hooks = NULL;
    int       rc = DFF_ERROR;

    /* What C code of packages prints and reads; Python itself has its UTF-8 mode. */
    (void) setlocale(LC_CTYPE, "C.UTF-8");
    if (dff_python_initialize(err) != DFF_OK)
        return DFF_ERROR;

    if (dff_script_cache_init() != 0)
        goto done;
    hooks = dff_python_runtime(settings);
    if (hooks == NULL || dff_python_take_hooks(py, hooks) != 0
        || dff_json_out_init(py->soft_limit_class) != 0
        || dff_soft_limit_init(py->soft_limit_class) != 0
        || dff_python_freeze() != 0)
    {
        goto done;
    }
    rc = DFF_OK;

done:
    if (rc != DFF_OK) {
        (void) dff_py_exception_err(err);
        (void) dff_err_wrap(err, "Python runtime in %s", settings->python_path);
    }
    Py_XDECREF(hooks);
    return rc;
}

/* --- helpers --------------------------------------------------------------- */

PyObject *
dff_py_str(dff_str_t utf8)
{
    return PyUnicode_DecodeUTF8(utf8.data == NULL ? "" : utf8.data, (Py_ssize_t) utf8.len, NULL);
}

int
dff_py_dict_take(PyObject *dict, PyObject *key, PyObject *value)
{
    int rc;

    if (value == NULL)
        return -1;
    rc = PyDict_SetItem(dict, key, value);
    Py_DECREF(value);
    return rc;
}

PyObject *
dff_py_exception_take(void)
{
#if PY_VERSION_HEX >= 0x030c0000
    return PyErr_GetRaisedException();
#else
    PyObject *type, *value, *traceback;

    PyErr_Fetch(&type, &value, &traceback);
    if (type == NULL)
        return NULL;
    PyErr_NormalizeException(&type, &value, &traceback);
    if (traceback != NULL)
        (void) PyException_SetTraceback(value, traceback);   /* fails for other types only */
    Py_XDECREF(traceback);
    Py_DECREF(type);
    return value;
#endif
}

int
dff_py_exception_err(dff_err_t *err)
{
    PyObject   *exception = dff_py_exception_take();
    PyObject   *text = exception == NULL ? NULL : PyObject_Str(exception);
    const char *utf8 = text == NULL ? NULL : PyUnicode_AsUTF8(text);

    (void) dff_err_set(err, DFF_E_SYS, "%s: %s",
                       exception == NULL ? "no exception" : Py_TYPE(exception)->tp_name,
                       utf8 == NULL ? "(no text)" : utf8);
    PyErr_Clear();
    Py_XDECREF(text);
    Py_XDECREF(exception);
    return DFF_ERROR;
}
