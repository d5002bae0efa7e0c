/*
 * Runs jobs: what is around each kind of them.
 *
 *   names of the call -> module -> body of the script -> function -> result as
 *   bytes -> everything put back -> RESULT
 */
#include "dff_call.h"

#include "dff_call_kinds.h"
#include "dff_call_names.h"
#include "dff_failure.h"
#include "dff_guard.h"
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

/* --- around it -------------------------------------------------------------------- */

/* -1: a Python exception is set. */
static int
dff_call_write(dff_call_t *call, PyObject *result)
{
    if (call->job.origin == DFF_ORIGIN_API_AUTH)
        return dff_result_write_verdict(call->worker, result, &call->reply.body_type);
    if (call->job.kind == DFF_JOB_DRAFT) {
        call->reply.body_type = DFF_BODY_JSON;
        return dff_result_write_draft(call->worker, call->check,
                                      dff_call_is_body_alone(call) ? NULL : result);
    }
    return dff_result_write(call->worker, result, call->job.return_type, &call->reply.body_type);
}

/* What DFF.THREAD has started is waited for, as a part of the call; connections end.
 * -1: a Python exception is set. */
static int
dff_call_finish(dff_worker_t *worker, bool in_order)
{
    PyObject *done = PyObject_CallOneArg(worker->py.finish, in_order ? Py_True : Py_False);

    Py_XDECREF(done);
    return done == NULL ? -1 : 0;
}

/* Runs the job under its limits. NULL: its result is written. Else the exception
 * that it ended with; new reference. */
static PyObject *
dff_call_guarded(dff_call_t *call)
{
    struct rlimit previous;
    bool          memory_limited = false;
    PyObject     *result = NULL, *exception;

    dff_soft_limit_begin(call->seq, call->worker->log.box);
    if (call->job.max_memory_mb > 0) {
        memory_limited = dff_memory_limit_begin(call->job.max_memory_mb, &previous);
        if (!memory_limited)
            PyErr_SetFromErrno(PyExc_OSError);
    }
    if (!PyErr_Occurred())
        result = dff_call_kind_run(call);

    if (result != NULL && PyExceptionInstance_Check(result))
        PyErr_SetObject((PyObject *) Py_TYPE(result), result);
    else if (result != NULL
             && (!call->worker->needs_finish || dff_call_finish(call->worker, true) == 0))
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
    dff_failure_t how = { .limit_reached = call->limit_reached };

    if (dff_call_is_of_text(call)) {
        how.is_of_text = true;
        how.check = call->job.kind == DFF_JOB_DRAFT ? call->check : NULL;
    }
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

/* The lines of the published scripts are shown again from now on. */
static void
dff_call_forget_texts(dff_call_t *call)
{
    dff_worker_t *worker = call->worker;

    if ((worker->running != NULL && dff_script_cache_forget_lines(worker->running->id) != 0)
        || (worker->drafts != NULL && dff_script_cache_drop(worker->drafts, DFF_STR_NULL) != 0))
    {
        PyErr_Clear();
    }
    Py_CLEAR(worker->drafts);
    Py_CLEAR(call->check);
}

/* Frees what the call has made and puts back what it has changed. */
static void
dff_call_clean_up(dff_call_t *call)
{
    dff_worker_t *worker = call->worker;
    int64_t       took_ms = call->reply.ended_at_ms - call->reply.started_at_ms;
    PyObject     *done;

    if (worker->needs_finish) {
        worker->needs_finish = false;
        if (dff_call_finish(worker, false) != 0) {
            PyErr_Clear();
            call->recycle = true;
        }
    }
    dff_module_close_all(worker);
    dff_call_names_end(worker->names);
    if (dff_call_is_of_text(call))
        dff_call_forget_texts(call);
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
