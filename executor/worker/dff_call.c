/*
 * Runs jobs: a function of a script, or the check of a script's text.
 *
 *   names of the call -> module -> body of the script -> function -> result as
 *   bytes -> everything put back -> RESULT
 */
#include "dff_call.h"

#include "dff_call_names.h"
#include "dff_envelope.h"
#include "dff_failure.h"
#include "dff_file.h"
#include "dff_guard.h"
#include "dff_id.h"
#include "dff_memory.h"
#include "dff_module.h"
#include "dff_result.h"
#include "dff_soft_limit.h"
#include "dff_time.h"

#include "dff_banned.h"

#define DFF_CALL_RSS_EVERY    32    /* jobs between two looks at the memory */
#define DFF_CALL_LONG_MS      10    /* looked at after each job that took longer */
#define DFF_CALL_COLLECT_MS   50    /* all generations are collected after those */
#define DFF_CALL_BODY_KEEP    (1u << 20)

typedef struct {
    dff_worker_t *worker;
    dff_job_t     job;
    dff_reply_t   reply;
    uint64_t      seq;
    bool          limit_reached;
    bool          recycle;
} dff_call_t;

/* --- arguments ---------------------------------------------------------------- */

/* JSON text -> object, by Python's own scanner; new reference. */
static PyObject *
dff_call_parse(const dff_call_t *call, dff_str_t json)
{
    PyObject  *text, *pair, *value = NULL;
    Py_ssize_t end;

    if (json.len == 2 && memcmp(json.data, "{}", 2) == 0)
        return PyDict_New();
    text = dff_py_str(json);
    if (text == NULL)
        return NULL;
    pair = PyObject_CallFunction(call->worker->py.scan_json, "Oi", text, 0);
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

/* --- what a job runs ------------------------------------------------------------ */

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

/* worker->running = the text that came with the job, as version 0. */
static int
dff_call_take_text(dff_call_t *call)
{
    PyObject   *kwargs = dff_call_arguments(call);
    PyObject   *code = kwargs == NULL ? NULL : PyDict_GetItemString(kwargs, "code");  /* borrowed */
    const char *utf8 = NULL;
    Py_ssize_t  len;

    if (code != NULL && PyUnicode_Check(code))
        utf8 = PyUnicode_AsUTF8AndSize(code, &len);
    if (utf8 != NULL) {
        call->worker->running = dff_live_script_new(dff_id_func_script(call->job.func_id),
                                                    (dff_str_t) { utf8, (size_t) len }, 0);
    } else if (!PyErr_Occurred()) {
        PyErr_SetString(PyExc_ValueError, "a check needs {\"code\": text}");
    }
    Py_XDECREF(kwargs);
    return call->worker->running == NULL ? -1 : 0;
}

/* A CHECK: {"funcs": rows}; new reference. */
static PyObject *
dff_call_check(dff_call_t *call)
{
    PyObject *check = NULL, *dff = NULL, *module = NULL, *rows = NULL, *result = NULL;

    if (dff_call_take_text(call) != 0)
        return NULL;
    check = PyObject_CallOneArg(call->worker->py.new_check, call->worker->running->id);
    if (check != NULL)
        dff = PyObject_GetAttrString(check, "dff");
    if (dff != NULL)
        module = dff_call_open(call, dff);
    if (module != NULL)
        rows = PyObject_CallMethod(check, "rows", "O", PyModule_GetDict(module));
    if (rows != NULL)
        result = Py_BuildValue("{sO}", "funcs", rows);

    Py_XDECREF(rows);
    Py_XDECREF(module);
    Py_XDECREF(dff);
    Py_XDECREF(check);
    return result;
}

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
};

/* --- around it -------------------------------------------------------------------- */

/* -1: a Python exception is set. */
static int
dff_call_write(dff_call_t *call, PyObject *result)
{
    if (call->job.origin == DFF_ORIGIN_API_AUTH)
        return dff_result_write_verdict(call->worker, result, &call->reply.body_type);
    return dff_result_write(call->worker, result, call->job.return_type, &call->reply.body_type);
}

/* Runs the job under its limits. NULL: its result is written. Else the exception
 * that it ended with; new reference. */
static PyObject *
dff_call_guarded(dff_call_t *call)
{
    struct rlimit previous;
    bool          memory_limited = false;
    PyObject     *result = NULL, *exception;

    dff_soft_limit_begin(call->seq);
    if (call->job.max_memory_mb > 0) {
        memory_limited = dff_memory_limit_begin(call->job.max_memory_mb, &previous);
        if (!memory_limited)
            PyErr_SetFromErrno(PyExc_OSError);
    }
    if (!PyErr_Occurred())
        result = dff_call_kinds[call->job.kind](call);

    if (result != NULL && PyExceptionInstance_Check(result))
        PyErr_SetObject((PyObject *) Py_TYPE(result), result);
    else if (result != NULL)
        (void) dff_call_write(call, result);      /* -1: the exception below */
    Py_XDECREF(result);
    exception = dff_py_exception_take();

    if (memory_limited && !dff_memory_limit_end(&previous))
        call->recycle = true;
    call->limit_reached = dff_soft_limit_end();
    return exception;
}

/* As above, in a context of its own: a context variable (the decimal module's
 * precision is one) that the call sets is gone after it. */
static PyObject *
dff_call_in_context(dff_call_t *call)
{
    PyObject *context = PyContext_CopyCurrent();
    PyObject *exception;

    if (context == NULL || PyContext_Enter(context) != 0) {
        Py_XDECREF(context);
        return dff_py_exception_take();
    }
    exception = dff_call_guarded(call);
    if (PyContext_Exit(context) != 0) {
        PyErr_Clear();
        call->recycle = true;
    }
    Py_DECREF(context);
    return exception;
}

static void
dff_call_outcome(dff_call_t *call, PyObject *exception)
{
    dff_failure_t how = {
        .limit_reached = call->limit_reached,
        .is_check = call->job.kind == DFF_JOB_CHECK,
    };

    call->reply.ended_at_ms = dff_time_now_ms();
    if (exception == NULL) {
        call->reply.status = DFF_STATUS_SUCCESS;
        return;
    }
    dff_buf_clear(&call->worker->control);
    call->reply.body_type = DFF_BODY_JSON;
    call->reply.status = dff_failure_write(call->worker, exception, how) ? DFF_STATUS_TIMEOUT
                                                                         : DFF_STATUS_FAILURE;
}

/* Frees what the call has made and puts back what it has changed. */
static void
dff_call_clean_up(dff_call_t *call)
{
    dff_worker_t *worker = call->worker;
    int64_t       took_ms = call->reply.ended_at_ms - call->reply.started_at_ms;
    PyObject     *done;

    dff_module_close_all(worker);
    dff_call_names_end(worker->names);
    if (worker->running != NULL && call->job.kind == DFF_JOB_CHECK
        && dff_script_cache_forget_lines(worker->running->id) != 0)
    {
        PyErr_Clear();
    }
    Py_CLEAR(worker->running);
    PyDict_Clear(worker->py.ctx_values);

    if (worker->is_cyclic) {
        done = PyObject_CallFunction(worker->py.collect, "i",
                                     took_ms >= DFF_CALL_COLLECT_MS ? 2 : 1);
        if (done == NULL)
            PyErr_Clear();
        Py_XDECREF(done);
        worker->is_cyclic = false;
    }
    if (dff_guard_restore(&worker->py))
        call->recycle = true;
    dff_call_log_finish(&worker->log);
}

/* Is the worker due for replacement by its age or size? */
static bool
dff_call_is_due(const dff_call_t *call)
{
    const dff_settings_t *settings = call->worker->settings;
    int64_t               jobs = call->worker->jobs_done;
    dff_memory_t          memory;

    if (settings->max_tasks_per_child > 0 && jobs >= settings->max_tasks_per_child)
        return true;
    if (settings->max_rss_mb == 0)
        return false;
    if (jobs % DFF_CALL_RSS_EVERY != 0
        && call->reply.ended_at_ms - call->reply.started_at_ms < DFF_CALL_LONG_MS)
    {
        return false;
    }
    return dff_memory_read(&memory) && memory.resident_bytes >> 20 > (size_t) settings->max_rss_mb;
}

/* --- the RESULT ------------------------------------------------------------------- */

static void
dff_call_write_frame(dff_call_t *call)
{
    dff_worker_t *worker = call->worker;
    dff_buf_t    *out = &worker->out;
    size_t        begin, size;
    char         *room;

    call->reply.body = (dff_str_t) { worker->body.data, worker->body.len };
    call->reply.control = (dff_str_t) { worker->control.data, worker->control.len };
    size = dff_reply_size(&call->reply);

    begin = dff_frame_begin(out, DFF_FRAME_RESULT, call->seq);
    dff_frame_put_u32(out, call->recycle ? DFF_RESULT_RECYCLE : 0);
    dff_frame_put_u32(out, (uint32_t) size);
    room = dff_buf_reserve(out, size);
    if (room != NULL) {
        (void) dff_reply_write(room, &call->reply);
        out->len += size;
    }
    dff_frame_put_str(out, (dff_str_t) { worker->log.text.data, worker->log.text.len });
    dff_frame_end(out, begin);
}

static void
dff_call_write_frame_or_failure(dff_call_t *call)
{
    dff_worker_t *worker = call->worker;

    dff_call_write_frame(call);
    if (!dff_buf_failed(&worker->out))
        return;

    /* No memory for the frame beside the body: let go of the large and say so. */
    dff_buf_release(&worker->out);
    dff_buf_release(&worker->body);
    dff_buf_release(&worker->control);
    dff_buf_release(&worker->log.text);
    dff_buf_addf(&worker->body, "{\"etype\":\"MemoryError\",\"einfoTEXT\":\"MemoryError\"}");
    call->reply.status = DFF_STATUS_FAILURE;
    call->reply.body_type = DFF_BODY_JSON;
    call->recycle = true;
    dff_call_write_frame(call);
}

void
dff_call_run(dff_worker_t *worker, uint64_t seq, dff_str_t envelope)
{
    dff_call_t call = { .worker = worker, .seq = seq };
    dff_err_t  err;
    PyObject  *exception;

    dff_buf_clear(&worker->body);
    dff_buf_clear(&worker->control);
    dff_call_log_clear(&worker->log);
    call.reply.started_at_ms = dff_time_now_ms();

    if (dff_job_decode(envelope, &call.job, &err) == DFF_OK) {
        exception = dff_call_in_context(&call);
    } else {
        call.job = (dff_job_t) { .id = DFF_STR("") };
        PyErr_SetString(PyExc_ValueError, err.message);
        exception = dff_py_exception_take();
    }
    call.reply.id = call.job.id;
    dff_call_outcome(&call, exception);
    Py_XDECREF(exception);
    dff_call_clean_up(&call);

    worker->jobs_done++;
    call.recycle = call.recycle || dff_call_is_due(&call);
    dff_call_write_frame_or_failure(&call);
    if (worker->body.size > DFF_CALL_BODY_KEEP)
        dff_buf_release(&worker->body);
}
