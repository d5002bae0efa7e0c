/*
 * Scripts in a worker.
 */
#include "dff_script_cache.h"

#include "dff_banned.h"

static PyTypeObject dff_live_script_type;

static PyObject *dff_script_cache_compile;   /* builtins.compile */
static PyObject *dff_script_cache_lines;     /* linecache.cache */

static void
dff_live_script_dealloc(PyObject *self)
{
    dff_live_script_t *script = (dff_live_script_t *) self;

    Py_XDECREF(script->id);
    Py_XDECREF(script->text);
    Py_XDECREF(script->code);
    Py_TYPE(self)->tp_free(self);
}

/* Not tracked by the collector: nothing in it can refer back to it. */
static PyTypeObject dff_live_script_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "_dff.Script",
    .tp_basicsize = sizeof(dff_live_script_t),
    .tp_dealloc = dff_live_script_dealloc,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .tp_doc = "A script that this worker knows.",
};

int
dff_script_cache_init(void)
{
    PyObject *builtins = NULL, *linecache = NULL;
    int       rc = -1;

    if (PyType_Ready(&dff_live_script_type) != 0)
        return -1;
    builtins = PyImport_ImportModule("builtins");
    linecache = PyImport_ImportModule("linecache");
    if (builtins == NULL || linecache == NULL)
        goto done;
    dff_script_cache_compile = PyObject_GetAttrString(builtins, "compile");
    dff_script_cache_lines = PyObject_GetAttrString(linecache, "cache");
    if (dff_script_cache_compile != NULL && dff_script_cache_lines != NULL)
        rc = 0;

done:
    Py_XDECREF(builtins);
    Py_XDECREF(linecache);
    return rc;
}

dff_live_script_t *
dff_live_script_new(dff_str_t id, dff_str_t text, uint32_t version)
{
    dff_live_script_t *script = PyObject_New(dff_live_script_t, &dff_live_script_type);

    if (script == NULL)
        return NULL;
    script->code = NULL;
    script->version = version;
    script->id = PyUnicode_DecodeUTF8(id.data, (Py_ssize_t) id.len, NULL);
    script->text = PyUnicode_DecodeUTF8(text.data, (Py_ssize_t) text.len, NULL);
    if (script->id == NULL || script->text == NULL) {
        Py_DECREF(script);
        return NULL;
    }
    PyUnicode_InternInPlace(&script->id);
    return script;
}

PyObject *
dff_live_script_code(dff_live_script_t *script)
{
    if (script->code == NULL) {
        /* The builtin, for it does what a C string cannot: NUL and coding lines. */
        script->code = PyObject_CallFunction(dff_script_cache_compile, "OOsii", script->text,
                                             script->id, "exec", 0, 1 /* dont_inherit */);
    }
    return script->code;
}

int
dff_script_cache_forget_lines(PyObject *id)
{
    int has = PyDict_Contains(dff_script_cache_lines, id);

    return has == 1 ? PyDict_DelItem(dff_script_cache_lines, id) : has;
}

int
dff_script_cache_put(PyObject *cache, dff_live_script_t *script)
{
    if (dff_script_cache_forget_lines(script->id) != 0)
        return -1;
    return PyDict_SetItem(cache, script->id, (PyObject *) script);
}

int
dff_script_cache_drop(PyObject *cache, dff_str_t id)
{
    PyObject  *key = NULL, *entry;
    Py_ssize_t at = 0;
    int        rc = 0;

    if (id.len > 0) {
        key = PyUnicode_DecodeUTF8(id.data, (Py_ssize_t) id.len, NULL);
        if (key == NULL)
            return -1;
        rc = dff_script_cache_forget_lines(key);
        if (rc == 0 && PyDict_Contains(cache, key) == 1)
            rc = PyDict_DelItem(cache, key);
        Py_DECREF(key);
        return rc;
    }

    while (rc == 0 && PyDict_Next(cache, &at, &key, &entry))
        rc = dff_script_cache_forget_lines(key);
    PyDict_Clear(cache);
    return rc;
}

dff_live_script_t *
dff_script_cache_get(PyObject *cache, PyObject *id)
{
    PyObject *entry = PyDict_GetItemWithError(cache, id);

    return (dff_live_script_t *) Py_XNewRef(entry);
}
