/*
 * Describes the exceptions of scripts.
 */
#include "dff_failure.h"

#include "dff_json_out.h"
#include "dff_py_text.h"

#include "dff_banned.h"

/* A draft's log is in it. */
#define DFF_FAILURE_BODY_MAX  (64u << 20)

/* What the original's callers see, word by word; they look for it. */
#define DFF_FAILURE_LIMIT_BODY                                                      \
    "{\"etype\":\"SoftTimeLimitExceeded\","                                         \
    "\"einfoTEXT\":\"raise SoftTimeLimitExceeded()\\n"                              \
    "billiard.exceptions.SoftTimeLimitExceeded: SoftTimeLimitExceeded()\"}"

/* (body, traceback): the reply's body as a dict, and what the log gets. NULL without
 * an exception when they could not be had. */
static PyObject *
dff_failure_describe(dff_worker_t *worker, PyObject *exception, dff_failure_t how)
{
    PyObject *script_id = worker->running == NULL ? Py_None : worker->running->id;
    PyObject *texts;

    if (how.is_of_text) {
        texts = PyObject_CallFunctionObjArgs(worker->py.report, exception, script_id,
                                             how.check == NULL ? Py_None : how.check, NULL);
    } else {
        texts = PyObject_CallOneArg(worker->py.describe, exception);
    }
    if (texts == NULL)
        PyErr_Clear();
    return texts;
}

/* The description itself failed: no memory, most likely. */
static void
dff_failure_write_bare(dff_worker_t *worker, PyObject *exception)
{
    const char *name = Py_TYPE(exception)->tp_name;

    dff_buf_addf(&worker->body, "{\"etype\":\"");
    dff_buf_add_json_escaped(&worker->body, dff_str_from(name));
    dff_buf_addf(&worker->body, "\",\"einfoTEXT\":\"");
    dff_buf_add_json_escaped(&worker->body, dff_str_from(name));
    dff_buf_addf(&worker->body, "\"}");
    dff_call_log_block(&worker->log, dff_str_from(name));
}

/* Leaves the body empty when it cannot be written. */
static void
dff_failure_write_body(dff_worker_t *worker, PyObject *body)
{
    if (dff_json_out_write(&worker->body, body, DFF_FAILURE_BODY_MAX) == 0)
        return;
    PyErr_Clear();
    dff_buf_clear(&worker->body);
}

static void
dff_failure_log(dff_worker_t *worker, PyObject *traceback)
{
    dff_buf_t text = DFF_BUF_INIT;

    dff_py_text_add(&text, traceback);
    if (!dff_buf_failed(&text))
        dff_call_log_block(&worker->log, (dff_str_t) { text.data, text.len });
    dff_buf_release(&text);
}

bool
dff_failure_write(dff_worker_t *worker, PyObject *exception, dff_failure_t how)
{
    bool      is_limit = how.limit_reached
                         && PyErr_GivenExceptionMatches(exception, worker->py.soft_limit_class);
    PyObject *texts = dff_failure_describe(worker, exception, how);

    worker->is_cyclic = true;      /* tracebacks, frames and exceptions hold each other */
    dff_buf_clear(&worker->body);
    if (texts != NULL)
        dff_failure_log(worker, PyTuple_GET_ITEM(texts, 1));
    if (is_limit)
        dff_buf_add_str(&worker->body, DFF_STR(DFF_FAILURE_LIMIT_BODY));
    else if (texts != NULL)
        dff_failure_write_body(worker, PyTuple_GET_ITEM(texts, 0));
    if (worker->body.len == 0 || dff_buf_failed(&worker->body)) {
        dff_buf_clear(&worker->body);
        dff_failure_write_bare(worker, exception);
    }
    Py_XDECREF(texts);
    PyErr_Clear();
    return is_limit;
}
