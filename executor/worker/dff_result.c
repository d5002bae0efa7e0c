/*
 * Writes results.
 */
#include "dff_result.h"

#include <openssl/evp.h>
#include <stdio.h>

#include "dff_download.h"
#include "dff_json_out.h"
#include "dff_py_text.h"

#include "dff_banned.h"

/* Below what the master's outbox holds while Redis is away (64 MB), with what is around it. */
#define DFF_RESULT_MAX  (60u << 20)
/* JSON of a DFF.RESP_LARGE_DATA: made in memory before it is a file. */
#define DFF_RESULT_LARGE_MAX  (1u << 30)
#define DFF_RESULT_ETAG_SIZE  16      /* bytes of the SHA-256 */

static int
dff_result_bounds(const dff_worker_t *worker)
{
    if (dff_buf_failed(&worker->body)) {
        PyErr_NoMemory();
        return -1;
    }
    if (worker->body.len > DFF_RESULT_MAX) {
        PyErr_Format(PyExc_ValueError, "result: larger than %u bytes; DFF.RESP_LARGE_DATA takes"
                     " more", DFF_RESULT_MAX);
        return -1;
    }
    return 0;
}

/* One more member of the control section, an object that is not empty. */
static void
dff_result_control_add(dff_worker_t *worker, const char *name, const char *value)
{
    if (worker->control.len > 0)
        worker->control.len--;
    dff_buf_addf(&worker->control, ",\"%s\":\"%s\"}", name, value);
}

/* What If-None-Match is compared with. Made here: nginx would have to stop for it. */
static int
dff_result_etag(dff_worker_t *worker)
{
    unsigned char sum[EVP_MAX_MD_SIZE];
    char          text[2 * DFF_RESULT_ETAG_SIZE + 1];
    unsigned      i;

    if (EVP_Digest(worker->body.data, worker->body.len, sum, NULL, EVP_sha256(), NULL) != 1) {
        PyErr_SetString(PyExc_RuntimeError, "no SHA-256 in this libcrypto");
        return -1;
    }
    for (i = 0; i < DFF_RESULT_ETAG_SIZE; i++)
        (void) snprintf(text + 2 * i, 3, "%02x", sum[i]);
    dff_result_control_add(worker, "etag", text);
    return 0;
}

/* DFF.RESP_LARGE_DATA(data, …): the bytes go to a file, its path to the control section. */
static int
dff_result_large(dff_worker_t *worker, PyObject *data)
{
    dff_download_t download;
    dff_str_t      bytes;
    Py_ssize_t     len;

    if (PyBytes_Check(data)) {
        bytes = (dff_str_t) { PyBytes_AS_STRING(data), (size_t) PyBytes_GET_SIZE(data) };
    } else {
        if (PyUnicode_Check(data))
            dff_py_text_add(&worker->body, data);
        else if (dff_json_out_write(&worker->body, data, DFF_RESULT_LARGE_MAX) != 0)
            return -1;
        if (dff_buf_failed(&worker->body)) {
            PyErr_NoMemory();
            return -1;
        }
        bytes = (dff_str_t) { worker->body.data, worker->body.len };
    }
    len = (Py_ssize_t) bytes.len;
    if (dff_download_write(worker->settings->resource_root, bytes, &download) != 0) {
        PyErr_Format(PyExc_OSError, "DFF.RESP_LARGE_DATA: %zd bytes could not be written: %s", len,
                     download.why);
        return -1;
    }
    dff_buf_clear(&worker->body);
    dff_result_control_add(worker, "file", download.path);
    return 0;
}

/* A flag of a DFF.RESP; -1: an exception is set. */
static int
dff_result_flag(PyObject *response, const char *name)
{
    PyObject *value = PyObject_GetAttrString(response, name);
    int       flag = value == NULL ? -1 : PyObject_IsTrue(value);

    Py_XDECREF(value);
    return flag;
}

/* DFF.RESP(data, …): the body is data, the control section says what it is. */
static int
dff_result_response(dff_worker_t *worker, PyObject *response)
{
    dff_buf_t *body = &worker->body;
    PyObject  *data = PyObject_GetAttrString(response, "data");
    PyObject  *control = PyObject_GetAttrString(response, "control");
    int        large = dff_result_flag(response, "is_large");
    int        etag = dff_result_flag(response, "has_etag");
    int        rc = -1;

    if (data == NULL || control == NULL || large < 0 || etag < 0)
        goto done;
    if (!PyUnicode_Check(control)) {
        PyErr_SetString(PyExc_TypeError, "the control of a DFF.RESP is not text");
        goto done;
    }
    dff_py_text_add(&worker->control, control);
    rc = 0;
    if (large)
        rc = dff_result_large(worker, data);
    else if (PyBytes_Check(data))
        dff_buf_add(body, PyBytes_AS_STRING(data), (size_t) PyBytes_GET_SIZE(data));
    else if (PyUnicode_Check(data))
        dff_py_text_add(body, data);
    else
        rc = dff_json_out_write(body, data, DFF_RESULT_MAX);
    if (rc == 0 && etag)
        rc = dff_result_etag(worker);

done:
    Py_XDECREF(control);
    Py_XDECREF(data);
    return rc;
}

static int
dff_result_repr(dff_worker_t *worker, PyObject *result, bool as_json)
{
    PyObject *text = PyObject_Repr(result);

    if (text == NULL)
        return -1;
    if (as_json)
        dff_py_text_add_json(&worker->body, text);
    else
        dff_py_text_add(&worker->body, text);
    Py_DECREF(text);
    return 0;
}

/* {"raw": value, "repr": text, "jsonDumps": text, without the last brace */
static int
dff_result_forms(dff_worker_t *worker, PyObject *result)
{
    dff_buf_t *body = &worker->body;
    dff_buf_t  json = DFF_BUF_INIT;
    int        rc = dff_json_out_write(&json, result, DFF_RESULT_MAX);

    if (rc == 0) {
        dff_buf_addf(body, "{\"raw\":");
        dff_buf_add(body, json.data, json.len);
        dff_buf_addf(body, ",\"repr\":");
        rc = dff_result_repr(worker, result, true);
        dff_buf_addf(body, ",\"jsonDumps\":\"");
        dff_buf_add_json_escaped(body, (dff_str_t) { json.data, json.len });
        dff_buf_addf(body, "\"");
    }
    dff_buf_release(&json);
    return rc;
}

static int
dff_result_all(dff_worker_t *worker, PyObject *result)
{
    int rc = dff_result_forms(worker, result);

    dff_buf_add(&worker->body, "}", 1);
    return rc;
}

/* All forms of a draft's result, null for what is false in Python; data and control of
 * a DFF.RESP apart. */
static int
dff_result_draft_forms(dff_worker_t *worker, PyObject *result)
{
    dff_buf_t *body = &worker->body;
    bool       is_response = (PyObject *) Py_TYPE(result) == worker->py.response_type;
    PyObject  *control = is_response ? PyObject_GetAttrString(result, "control") : NULL;
    PyObject  *data = is_response ? PyObject_GetAttrString(result, "data") : Py_NewRef(result);
    int        is_true = data == NULL ? -1 : PyObject_IsTrue(data);
    int        rc = is_true < 0 ? -1 : 0;

    if (is_true == 0)
        dff_buf_addf(body, "{\"raw\":null,\"repr\":null,\"jsonDumps\":null");
    else if (is_true == 1)
        rc = dff_result_forms(worker, data);
    dff_buf_addf(body, ",\"_responseControl\":");
    if (control != NULL && PyUnicode_Check(control))
        dff_py_text_add(body, control);
    else
        dff_buf_addf(body, "null");
    dff_buf_add(body, "}", 1);
    Py_XDECREF(data);
    Py_XDECREF(control);
    return PyErr_Occurred() ? -1 : rc;
}

int
dff_result_write_draft(dff_worker_t *worker, PyObject *check, PyObject *result)
{
    dff_buf_t *body = &worker->body;
    PyObject  *outcome = PyObject_CallMethod(check, "outcome", NULL);
    int        rc = outcome == NULL ? -1 : dff_json_out_write(body, outcome, DFF_RESULT_MAX);

    Py_XDECREF(outcome);
    if (rc == 0 && result != NULL) {
        body->len--;                               /* the object goes on */
        dff_buf_addf(body, ",\"funcResult\":");
        rc = dff_result_draft_forms(worker, result);
        dff_buf_add(body, "}", 1);
    }
    return rc == 0 ? dff_result_bounds(worker) : rc;
}

int
dff_result_write(dff_worker_t *worker, PyObject *result, dff_return_type_t type,
    dff_body_type_t *body_type)
{
    dff_buf_t *body = &worker->body;
    int        rc = 0;

    if ((PyObject *) Py_TYPE(result) == worker->py.response_type) {
        *body_type = DFF_BODY_RAW;
        rc = dff_result_response(worker, result);
        return rc == 0 ? dff_result_bounds(worker) : rc;
    }

    *body_type = DFF_BODY_JSON;
    switch (type) {
    case DFF_RETURN_REPR:
        *body_type = DFF_BODY_TEXT;
        rc = dff_result_repr(worker, result, false);
        break;
    case DFF_RETURN_JSON_DUMPS:
        *body_type = DFF_BODY_TEXT;
        rc = dff_json_out_write(body, result, DFF_RESULT_MAX);
        break;
    case DFF_RETURN_ALL:
        rc = dff_result_all(worker, result);
        break;
    default:
        if (PyUnicode_Check(result)) {
            *body_type = DFF_BODY_TEXT;
            dff_py_text_add(body, result);
        } else {
            rc = dff_json_out_write(body, result, DFF_RESULT_MAX);
        }
    }
    return rc == 0 ? dff_result_bounds(worker) : rc;
}

int
dff_result_write_verdict(dff_worker_t *worker, PyObject *result, dff_body_type_t *body_type)
{
    int verdict = (PyObject *) Py_TYPE(result) == worker->py.response_type
        ? 0 : PyObject_IsTrue(result);

    if (verdict < 0)
        return -1;
    *body_type = DFF_BODY_JSON;
    dff_buf_add_str(&worker->body, verdict ? DFF_STR("true") : DFF_STR("false"));
    return dff_result_bounds(worker);
}
