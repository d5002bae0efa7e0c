/*
 * Script modules and their imports.
 */
#include "dff_module.h"

#include <string.h>

#include "dff_call_names.h"
#include "dff_guard.h"
#include "dff_id.h"

#include "dff_banned.h"

/* Interned once; borrowed everywhere else. */
static struct {
    PyObject *name;
    PyObject *file;
} dff_module_key;

int
dff_module_init(dff_worker_t *worker)
{
    dff_module_key.name = PyUnicode_InternFromString("__name__");
    dff_module_key.file = PyUnicode_InternFromString("__file__");
    worker->scripts = PyDict_New();
    worker->open = PyList_New(0);
    worker->open_ids = PyList_New(0);
    worker->names = dff_call_names_new(&worker->py);
    return dff_module_key.name == NULL || dff_module_key.file == NULL || worker->scripts == NULL
           || worker->open == NULL || worker->open_ids == NULL || worker->names == NULL ? -1 : 0;
}

/* --- open, run, close ------------------------------------------------------- */

PyObject *
dff_module_open(dff_worker_t *worker, dff_live_script_t *script)
{
    PyObject *module = PyModule_NewObject(script->id);
    PyObject *namespace = module == NULL ? NULL : PyModule_GetDict(module);   /* borrowed */

    if (namespace == NULL)
        goto failed;
    /* Emptied first: an empty dict takes the names over as one block. */
    PyDict_Clear(namespace);
    if (PyDict_Update(namespace, worker->names) != 0
        || PyDict_SetItem(namespace, dff_module_key.name, script->id) != 0
        || PyDict_SetItem(namespace, dff_module_key.file, script->id) != 0
        || PyList_Append(worker->open, module) != 0
        || PyList_Append(worker->open_ids, script->id) != 0
        || PyDict_SetItem(PyImport_GetModuleDict(), script->id, module) != 0)
    {
        goto failed;
    }
    dff_guard_modules_ours();
    return module;

failed:
    Py_XDECREF(module);
    return NULL;
}

int
dff_module_run(PyObject *module, dff_live_script_t *script)
{
    PyObject *namespace = PyModule_GetDict(module);
    PyObject *code = dff_live_script_code(script);
    PyObject *result = code == NULL ? NULL : PyEval_EvalCode(code, namespace, namespace);

    if (result == NULL)
        return -1;
    Py_DECREF(result);
    return 0;
}

static void
dff_module_forget(PyObject *module, PyObject *id)
{
    PyObject *modules = PyImport_GetModuleDict();

    if (PyDict_GetItemWithError(modules, id) == module)
        (void) PyDict_DelItem(modules, id);
    PyErr_Clear();
}

/*
 * A namespace and its functions refer to each other, so without help the
 * collector would free them much later, with all their data. When each function
 * is held by the namespace alone, and the namespace by its functions alone,
 * nobody can see it being emptied.
 */
static bool
dff_module_is_ours_alone(PyObject *namespace)
{
    PyObject  *key, *value;
    Py_ssize_t at = 0, holders = 1;

    while (PyDict_Next(namespace, &at, &key, &value)) {
        if (!PyFunction_Check(value) || PyFunction_GET_GLOBALS(value) != namespace)
            continue;
        if (Py_REFCNT(value) != 1)
            return false;
        holders++;
    }
    return Py_REFCNT(namespace) == holders;
}

void
dff_module_close_all(dff_worker_t *worker)
{
    Py_ssize_t count = PyList_GET_SIZE(worker->open);

    dff_guard_modules_look();
    for (Py_ssize_t i = 0; i < count; i++)
        dff_module_forget(PyList_GET_ITEM(worker->open, i), PyList_GET_ITEM(worker->open_ids, i));

    /* In the order of opening: a script's namespace holds what it has imported. */
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *module = PyList_GET_ITEM(worker->open, i);
        PyObject *namespace = Py_NewRef(PyModule_GetDict(module));
        bool      shared = Py_REFCNT(module) != 1;

        (void) PyList_SetItem(worker->open, i, Py_NewRef(Py_None));   /* frees the module */
        if (!shared && dff_module_is_ours_alone(namespace))
            PyDict_Clear(namespace);
        else
            worker->is_cyclic = true;
        Py_DECREF(namespace);
    }
    if (PyList_SetSlice(worker->open, 0, count, NULL) != 0
        || PyList_SetSlice(worker->open_ids, 0, count, NULL) != 0)
    {
        PyErr_Clear();
    }
}

/* --- imports ---------------------------------------------------------------- */

dff_live_script_t *
dff_module_find_script(dff_worker_t *worker, PyObject *id, uint32_t min_version)
{
    dff_live_script_t *script;

    if (worker->drafts != NULL) {
        script = dff_script_cache_get(worker->drafts, id);
        if (script != NULL || PyErr_Occurred())
            return script;
    }
    script = dff_script_cache_get(worker->scripts, id);
    if (script != NULL && script->version >= min_version)
        return script;
    Py_XDECREF(script);
    if (PyErr_Occurred())
        return NULL;
    return dff_worker_ask_script(worker, id);
}

/* What else is in sys.modules under the id of a script is none of this call. */
static bool
dff_module_is_open(const dff_worker_t *worker, PyObject *module)
{
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(worker->open); i++) {
        if (PyList_GET_ITEM(worker->open, i) == module)
            return true;
    }
    return false;
}

PyObject *
dff_module_import(dff_worker_t *worker, PyObject *id)
{
    PyObject          *modules = PyImport_GetModuleDict();
    PyObject          *module = PyDict_GetItemWithError(modules, id);
    dff_live_script_t *script;

    if (module != NULL && dff_module_is_open(worker, module))
        return Py_NewRef(module);
    script = PyErr_Occurred() ? NULL : dff_module_find_script(worker, id, 0);
    if (script == NULL)
        return NULL;

    module = dff_module_open(worker, script);
    if (module != NULL && dff_module_run(module, script) != 0) {
        /* The next import of it in this call tries again, as Python has it. */
        PyObject *exception = dff_py_exception_take();

        dff_module_forget(module, id);
        Py_CLEAR(module);
        PyErr_SetObject((PyObject *) Py_TYPE(exception), exception);
        Py_DECREF(exception);
    }
    Py_DECREF(script);
    return module;
}

/* set__script with the importing module's set in front of "__script"; new
 * reference. NULL without an exception: the importer is no script. */
static PyObject *
dff_module_resolve_short(PyObject *name, PyObject *globals)
{
    PyObject   *importer, *set, *id;
    const char *utf8, *sep;
    Py_ssize_t  len;

    if (globals == NULL || !PyDict_Check(globals))
        return NULL;
    importer = PyDict_GetItemWithError(globals, dff_module_key.name);
    if (importer == NULL || !PyUnicode_Check(importer))
        return NULL;
    utf8 = PyUnicode_AsUTF8AndSize(importer, &len);
    if (utf8 == NULL)
        return NULL;
    if (!dff_id_is_script((dff_str_t) { utf8, (size_t) len }))
        return NULL;
    sep = strstr(utf8, "__");
    set = PyUnicode_FromStringAndSize(utf8, sep - utf8);
    if (set == NULL)
        return NULL;
    id = PyUnicode_Concat(set, name);
    Py_DECREF(set);
    return id;
}

/* The script that an import statement names; new reference. NULL without an
 * exception: the name cannot be a script's. */
static PyObject *
dff_module_resolve(PyObject *name, PyObject *globals)
{
    Py_ssize_t  len;
    const char *utf8 = PyUnicode_AsUTF8AndSize(name, &len);
    PyObject   *id;

    if (utf8 == NULL || len < 3 || strstr(utf8, "__") == NULL
        || (len > 3 && memcmp(utf8, "__", 2) == 0 && memcmp(utf8 + len - 2, "__", 2) == 0))
    {
        return NULL;                              /* __future__ and the like included */
    }
    if (memcmp(utf8, "__", 2) != 0)
        id = Py_NewRef(name);
    else
        id = dff_module_resolve_short(name, globals);
    if (id == NULL)
        return NULL;

    utf8 = PyUnicode_AsUTF8AndSize(id, &len);
    if (utf8 == NULL || !dff_id_is_script((dff_str_t) { utf8, (size_t) len }))
        Py_CLEAR(id);
    return id;
}

PyObject *
dff_module_import_statement(dff_worker_t *worker, PyObject *name, PyObject *globals,
    PyObject *locals, PyObject *fromlist, int level)
{
    PyObject *id, *module;
    bool      was_plain = worker->plain_import;
    bool      is_short;

    id = level == 0 && !was_plain && PyUnicode_Check(name) ? dff_module_resolve(name, globals)
                                                            : NULL;
    if (id == NULL) {
        if (PyErr_Occurred())
            return NULL;
        return PyImport_ImportModuleLevelObject(name, globals, locals, fromlist, level);
    }

    is_short = PyUnicode_READ_CHAR(name, 0) == '_' && PyUnicode_READ_CHAR(name, 1) == '_';
    module = dff_module_import(worker, id);
    if (module == NULL && !PyErr_Occurred() && is_short) {
        PyErr_Format(PyExc_ModuleNotFoundError, "No module named %R: no script %U is published",
                     name, id);
    } else if (module == NULL && !PyErr_Occurred()) {
        /* A package may have such a name too. The master has been asked already. */
        worker->plain_import = true;
        module = PyImport_ImportModuleLevelObject(name, globals, locals, fromlist, level);
        worker->plain_import = was_plain;
    }
    Py_DECREF(id);
    return module;
}
