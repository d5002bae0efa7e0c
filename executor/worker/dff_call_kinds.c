/*
 * The kinds of jobs, a function for each.
 */
#include "dff_call_kinds.h"

#include "dff_call_names.h"
#include "dff_file.h"
#include "dff_id.h"
#include "dff_module.h"

#include "dff_banned.h"

/* --- arguments ---------------------------------------------------------------- */

/* JSON text -> object, by Python's own scanner; new reference. */
static PyObject *
dff_call_parse(const dff_call_t *call, dff_str_t json)
{
    PyObject  *text, *pair = NULL, *zero, *value = NULL;
    Py_ssize_t end;

    if (json.len == 2 && memcmp(json.data, "{}", 2) == 0)
        return PyDict_New();
    text = dff_py_str(json);
    if (text == NULL)
        return NULL;
    zero = PyLong_FromLong(0);
    if (zero != NULL)
        pair = PyObject_CallFunctionObjArgs(call->worker->py.scan_json, text, zero, NULL);
    Py_XDECREF(zero);
    if (pair != NULL) {
        value = Py_NewRef(PyTuple_GET_ITEM(pair, 0));
        end = PyLong_AsSsize_t(PyTuple_GET_ITEM(pair, 1));
        if (end != PyUnicode_GET_LENGTH(text)) {
            Py_CLEAR(value);
            PyErr_SetString(PyExc_ValueError, "arguments: text after the JSON value");
        }
        Py_DECREF(pair);
    } else if (PyErr_ExceptionMatches(PyExc_StopIteration)) {
        PyErr_SetString(PyExc_ValueError, "arguments: not a JSON value");
    }
    Py_DECREF(text);
    return value;
}

/* The job's arguments as a dict; new reference. */
static PyObject *
dff_call_arguments(const dff_call_t *call)
{
    PyObject *kwargs = dff_call_parse(call, call->job.kwargs);

    if (kwargs != NULL && !PyDict_CheckExact(kwargs)) {
        Py_CLEAR(kwargs);
        PyErr_SetString(PyExc_ValueError, "arguments: not a JSON object");
    }
    return kwargs;
}

/* --- a call ----------------------------------------------------------------------- */

/* The module of the call's script with its body run; new reference. dff: what this
 * script gets as DFF, NULL for the ordinary one, which those it imports get. */
static PyObject *
dff_call_open(dff_call_t *call, PyObject *dff)
{
    dff_worker_t *worker = call->worker;
    PyObject     *module;

    if (dff_call_names_begin(worker->names, &worker->py, &call->job,
                             call->reply.started_at_ms) != 0)
    {
        return NULL;
    }
    module = dff_module_open(worker, worker->running);
    if (module == NULL)
        return NULL;
    if ((dff != NULL && PyDict_SetItemString(PyModule_GetDict(module), "DFF", dff) != 0)
        || dff_module_run(module, worker->running) != 0)
    {
        Py_CLEAR(module);
    }
    return module;
}

/* worker->running = the script that the job names. -1: an exception is set. */
static int
dff_call_find_script(dff_call_t *call)
{
    dff_worker_t      *worker = call->worker;
    uint32_t           wanted = (uint32_t) call->job.script_version;
    PyObject          *id = dff_py_str(dff_id_func_script(call->job.func_id));
    dff_live_script_t *script;

    if (id == NULL)
        return -1;
    script = dff_module_find_script(worker, id, wanted);
    if (script == NULL && !PyErr_Occurred()) {
        PyErr_Format(worker->py.not_found_class, "script %U is not published", id);
    } else if (script != NULL && script->version < wanted) {
        PyErr_Format(worker->py.not_found_class,
                     "script %U: version %u is wanted, %u is the newest", id, wanted,
                     script->version);
        Py_CLEAR(script);
    }
    Py_DECREF(id);
    worker->running = script;
    return script == NULL ? -1 : 0;
}

/* The function that the job names; new reference. */
static PyObject *
dff_call_function(const dff_call_t *call, PyObject *module)
{
    dff_str_t func_id = call->job.func_id;
    dff_str_t script = dff_id_func_script(func_id);
    dff_str_t name = DFF_STR_NULL;
    PyObject *key, *function;

    if (func_id.len > script.len) {
        name.data = func_id.data + script.len + 1;
        name.len = func_id.len - script.len - 1;
    }
    key = dff_py_str(name);
    if (key == NULL)
        return NULL;
    function = Py_XNewRef(PyDict_GetItemWithError(PyModule_GetDict(module), key));
    if (function == NULL ? !PyErr_Occurred() : !PyCallable_Check(function)) {
        Py_CLEAR(function);
        PyErr_Format(call->worker->py.not_found_class, "script %U has no function \"%U\"",
                     call->worker->running->id, key);
    }
    Py_DECREF(key);
    return function;
}

/* A CALL: the function's result; new reference. */
static PyObject *
dff_call_call(dff_call_t *call)
{
    PyObject *module = NULL, *function = NULL, *kwargs = NULL, *result = NULL;

    if (dff_call_find_script(call) != 0)
        return NULL;
    kwargs = dff_call_arguments(call);
    if (kwargs != NULL)
        module = dff_call_open(call, NULL);
    if (module != NULL)
        function = dff_call_function(call, module);
    if (function != NULL)
        result = PyObject_VectorcallDict(function, NULL, 0, kwargs);

    Py_XDECREF(function);
    Py_XDECREF(module);
    Py_XDECREF(kwargs);
    return result;
}

/* The script of id with this text, as version 0; new reference. */
static dff_live_script_t *
dff_call_text_script(PyObject *id, PyObject *code)
{
    Py_ssize_t  id_len, code_len;
    const char *id_utf8, *code_utf8;

    if (!PyUnicode_Check(id) || !PyUnicode_Check(code)) {
        PyErr_SetString(PyExc_ValueError, "the text of a script is not a string");
        return NULL;
    }
    id_utf8 = PyUnicode_AsUTF8AndSize(id, &id_len);
    code_utf8 = id_utf8 == NULL ? NULL : PyUnicode_AsUTF8AndSize(code, &code_len);
    if (code_utf8 == NULL)
        return NULL;
    return dff_live_script_new((dff_str_t) { id_utf8, (size_t) id_len },
                               (dff_str_t) { code_utf8, (size_t) code_len }, 0);
}

/* The module of worker->running, its body run with a DFF that notes what it exports
 * in call->check; new reference. */
static PyObject *
dff_call_open_text(dff_call_t *call)
{
    PyObject *dff, *module;

    call->check = PyObject_CallOneArg(call->worker->py.new_check, call->worker->running->id);
    dff = call->check == NULL ? NULL : PyObject_GetAttrString(call->check, "dff");
    module = dff == NULL ? NULL : dff_call_open(call, dff);
    Py_XDECREF(dff);
    return module;
}

/* --- a check ------------------------------------------------------------------------ */

/* worker->running = the text that came with the job. */
static int
dff_call_take_text(dff_call_t *call)
{
    PyObject *kwargs = dff_call_arguments(call);
    PyObject *code = kwargs == NULL ? NULL : PyDict_GetItemString(kwargs, "code");  /* borrowed */
    PyObject *id = code == NULL ? NULL : dff_py_str(call->job.func_id);

    if (id != NULL)
        call->worker->running = dff_call_text_script(id, code);
    else if (!PyErr_Occurred())
        PyErr_SetString(PyExc_ValueError, "a check needs {\"code\": text}");
    Py_XDECREF(id);
    Py_XDECREF(kwargs);
    return call->worker->running == NULL ? -1 : 0;
}

/* A CHECK: {"funcs": rows}; new reference. */
static PyObject *
dff_call_check(dff_call_t *call)
{
    PyObject *module = NULL, *rows = NULL, *result = NULL;

    if (dff_call_take_text(call) == 0)
        module = dff_call_open_text(call);
    if (module != NULL)
        rows = PyObject_CallMethod(call->check, "rows", "O", PyModule_GetDict(module));
    if (rows != NULL)
        result = Py_BuildValue("{sO}", "funcs", rows);

    Py_XDECREF(rows);
    Py_XDECREF(module);
    return result;
}

/* --- a draft ------------------------------------------------------------------------ */

/* worker->drafts = the scripts of {"<id>": text, …}. */
static int
dff_call_take_drafts(dff_worker_t *worker, PyObject *texts)
{
    PyObject  *id, *code;
    Py_ssize_t at = 0;

    worker->drafts = PyDict_New();
    if (worker->drafts == NULL)
        return -1;
    while (PyDict_Next(texts, &at, &id, &code)) {
        dff_live_script_t *script = dff_call_text_script(id, code);
        int                rc = script == NULL
                                ? -1 : dff_script_cache_put(worker->drafts, script);

        Py_XDECREF(script);
        if (rc != 0)
            return -1;
    }
    return 0;
}

/* worker->running = the draft of the script that the job names. */
static int
dff_call_find_draft(dff_call_t *call)
{
    PyObject *id = dff_py_str(dff_id_func_script(call->job.func_id));

    if (id == NULL)
        return -1;
    call->worker->running = dff_script_cache_get(call->worker->drafts, id);
    if (call->worker->running == NULL && !PyErr_Occurred())
        PyErr_Format(PyExc_ValueError, "a draft of %U without its text", id);
    Py_DECREF(id);
    return call->worker->running == NULL ? -1 : 0;
}

/* Takes the job's texts; *kwargs: the function's arguments, new reference. */
static int
dff_call_take_draft(dff_call_t *call, PyObject **kwargs)
{
    PyObject *outer = dff_call_arguments(call);
    PyObject *texts = outer == NULL ? NULL : PyDict_GetItemString(outer, "scripts");
    PyObject *inner = outer == NULL ? NULL : PyDict_GetItemString(outer, "kwargs");
    int       rc = -1;

    if (texts != NULL && PyDict_CheckExact(texts) && inner != NULL && PyDict_CheckExact(inner))
        rc = dff_call_take_drafts(call->worker, texts);
    else if (!PyErr_Occurred())
        PyErr_SetString(PyExc_ValueError,
                        "a draft needs {\"scripts\": {id: text}, \"kwargs\": {…}}");
    *kwargs = rc == 0 ? Py_NewRef(inner) : NULL;
    Py_XDECREF(outer);
    return rc == 0 ? dff_call_find_draft(call) : -1;
}

/* A DRAFT: what the function returned, None when only the body is run; new reference. */
static PyObject *
dff_call_draft(dff_call_t *call)
{
    PyObject *kwargs = NULL, *module = NULL, *rows = NULL, *function = NULL, *result = NULL;

    if (dff_call_take_draft(call, &kwargs) == 0)
        module = dff_call_open_text(call);
    if (module != NULL)
        rows = PyObject_CallMethod(call->check, "rows", "O", PyModule_GetDict(module));
    if (rows != NULL && dff_call_is_body_alone(call))
        result = Py_NewRef(Py_None);
    else if (rows != NULL)
        function = dff_call_function(call, module);
    if (function != NULL)
        result = PyObject_VectorcallDict(function, NULL, 0, kwargs);

    Py_XDECREF(function);
    Py_XDECREF(rows);
    Py_XDECREF(module);
    Py_XDECREF(kwargs);
    return result;
}

/* --- a task of ours ----------------------------------------------------------------- */

/* A SYSTEM: what the task returned; new reference. */
static PyObject *
dff_call_system(dff_call_t *call)
{
    PyObject *kwargs = dff_call_arguments(call);
    PyObject *name = kwargs == NULL ? NULL : dff_py_str(call->job.func_id);
    PyObject *result = NULL;

    if (name != NULL)
        result = PyObject_CallFunctionObjArgs(call->worker->py.run_task, name, kwargs, NULL);
    Py_XDECREF(name);
    Py_XDECREF(kwargs);
    return result;
}

/* --- all kinds ---------------------------------------------------------------------- */

/* A FILE: bytes, which need no writing; always NULL. */
static PyObject *
dff_call_file(dff_call_t *call)
{
    if (dff_file_read(call->worker, &call->job) == 0)
        call->reply.body_type = DFF_BODY_RAW;
    return NULL;
}

static PyObject *(*const dff_call_kinds[DFF_JOB_KIND_COUNT])(dff_call_t *call) = {
    [DFF_JOB_CALL] = dff_call_call,
    [DFF_JOB_CHECK] = dff_call_check,
    [DFF_JOB_FILE] = dff_call_file,
    [DFF_JOB_DRAFT] = dff_call_draft,
    [DFF_JOB_SYSTEM] = dff_call_system,
};

PyObject *
dff_call_kind_run(dff_call_t *call)
{
    return dff_call_kinds[call->job.kind](call);
}
