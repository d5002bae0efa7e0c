/*
 * Fills in the names of a call.
 */
#include "dff_call_names.h"

#include "dff_id.h"

#include "dff_banned.h"

typedef enum {
    NAME_NAME, NAME_FILE, NAME_DOC, NAME_PACKAGE, NAME_SPEC, NAME_LOADER, NAME_BUILTINS,
    NAME_DFF, NAME_DEBUG, NAME_ROOT_TASK_ID, NAME_TASK_ID, NAME_SCRIPT_SET_ID, NAME_SCRIPT_ID,
    NAME_FUNC_ID, NAME_FUNC_NAME, NAME_FUNC_CHAIN, NAME_ORIGIN, NAME_ORIGIN_ID, NAME_EXEC_MODE,
    NAME_START_TIME, NAME_START_TIME_MS, NAME_TRIGGER_TIME, NAME_TRIGGER_TIME_MS, NAME_CRONTAB,
    NAME_CRONTAB_DELAY, NAME_QUEUE, NAME_TRACE_ID, NAME_HTTP_REQUEST, NAME_COUNT
} dff_call_name_t;

static const char *const dff_call_name_text[] = {
    [NAME_NAME] = "__name__",
    [NAME_FILE] = "__file__",
    [NAME_DOC] = "__doc__",
    [NAME_PACKAGE] = "__package__",
    [NAME_SPEC] = "__spec__",
    [NAME_LOADER] = "__loader__",
    [NAME_BUILTINS] = "__builtins__",
    [NAME_DFF] = "DFF",
    [NAME_DEBUG] = "_DFF_DEBUG",
    [NAME_ROOT_TASK_ID] = "_DFF_ROOT_TASK_ID",
    [NAME_TASK_ID] = "_DFF_TASK_ID",
    [NAME_SCRIPT_SET_ID] = "_DFF_SCRIPT_SET_ID",
    [NAME_SCRIPT_ID] = "_DFF_SCRIPT_ID",
    [NAME_FUNC_ID] = "_DFF_FUNC_ID",
    [NAME_FUNC_NAME] = "_DFF_FUNC_NAME",
    [NAME_FUNC_CHAIN] = "_DFF_FUNC_CHAIN",
    [NAME_ORIGIN] = "_DFF_ORIGIN",
    [NAME_ORIGIN_ID] = "_DFF_ORIGIN_ID",
    [NAME_EXEC_MODE] = "_DFF_EXEC_MODE",
    [NAME_START_TIME] = "_DFF_START_TIME",
    [NAME_START_TIME_MS] = "_DFF_START_TIME_MS",
    [NAME_TRIGGER_TIME] = "_DFF_TRIGGER_TIME",
    [NAME_TRIGGER_TIME_MS] = "_DFF_TRIGGER_TIME_MS",
    [NAME_CRONTAB] = "_DFF_CRONTAB",
    [NAME_CRONTAB_DELAY] = "_DFF_CRONTAB_DELAY",
    [NAME_QUEUE] = "_DFF_QUEUE",
    [NAME_TRACE_ID] = "_DFF_TRACE_ID",
    [NAME_HTTP_REQUEST] = "_DFF_HTTP_REQUEST",
};
_Static_assert(sizeof(dff_call_name_text) / sizeof(dff_call_name_text[0]) == NAME_COUNT,
               "a text for each name");

/* Interned, set once by dff_call_names_new; constant afterwards. */
static PyObject *dff_call_name[NAME_COUNT];
static PyObject *dff_call_origin[DFF_ORIGIN_COUNT];
static PyObject *dff_call_mode[DFF_EXEC_COUNT];
static PyObject *dff_call_request_key;
static PyObject *dff_call_request_text;
static PyObject *dff_call_no_args;

/* Of the call before, whose values the dict still has; a worker has one dict. */
static struct {
    PyObject        *func_id;         /* NULL: the ids are to be set anew */
    char             func[DFF_FUNC_ID_MAX];
    size_t           func_len;
    bool             has_origin;      /* what follows is in the dict */
    dff_origin_t     origin;
    dff_exec_mode_t  mode;
    int              queue;
    char             origin_id[DFF_TASK_ID_MAX];
    size_t           origin_id_len;
    bool             has_crontab;
} dff_call_last;

static int
dff_call_names_intern(void)
{
    for (int i = 0; i < NAME_COUNT; i++) {
        dff_call_name[i] = PyUnicode_InternFromString(dff_call_name_text[i]);
        if (dff_call_name[i] == NULL)
            return -1;
    }
    for (int i = 0; i < DFF_ORIGIN_COUNT; i++) {
        dff_call_origin[i] = PyUnicode_InternFromString(dff_origin_name((dff_origin_t) i));
        if (dff_call_origin[i] == NULL)
            return -1;
    }
    for (int i = 0; i < DFF_EXEC_COUNT; i++) {
        dff_call_mode[i] = PyUnicode_InternFromString(dff_exec_mode_name((dff_exec_mode_t) i));
        if (dff_call_mode[i] == NULL)
            return -1;
    }
    dff_call_request_key = PyUnicode_InternFromString("headers");
    dff_call_request_text = PyUnicode_InternFromString("_text");
    dff_call_no_args = PyTuple_New(0);
    return dff_call_request_key == NULL || dff_call_request_text == NULL
           || dff_call_no_args == NULL ? -1 : 0;
}

static inline int
dff_call_names_set(PyObject *names, dff_call_name_t name, PyObject *value)
{
    return PyDict_SetItem(names, dff_call_name[name], value);
}

static inline int
dff_call_names_take(PyObject *names, dff_call_name_t name, PyObject *value)
{
    return dff_py_dict_take(names, dff_call_name[name], value);
}

PyObject *
dff_call_names_new(const dff_python_t *py)
{
    PyObject *names = PyDict_New();

    if (names == NULL || dff_call_names_intern() != 0)
        goto failed;
    /* All of them now and none ever removed: the dict stays one that is copied
     * in one piece. */
    for (int i = 0; i < NAME_COUNT; i++) {
        if (dff_call_names_set(names, (dff_call_name_t) i, Py_None) != 0)
            goto failed;
    }
    if (dff_call_names_take(names, NAME_PACKAGE, PyUnicode_FromString("")) != 0
        || dff_call_names_set(names, NAME_DFF, py->dff) != 0
        || dff_call_names_set(names, NAME_LOADER, py->loader) != 0
        || dff_call_names_set(names, NAME_BUILTINS, PyEval_GetBuiltins()) != 0)
    {
        goto failed;
    }
    return names;

failed:
    Py_XDECREF(names);
    return NULL;
}

/* The functions that led here and, last, this one; new reference. */
static PyObject *
dff_call_names_chain(dff_str_t ids, PyObject *func_id)
{
    PyObject *chain = PyList_New(0);

    while (chain != NULL && ids.len > 0) {
        const char *comma = memchr(ids.data, ',', ids.len);
        size_t      len = comma == NULL ? ids.len : (size_t) (comma - ids.data);
        PyObject   *id = dff_py_str((dff_str_t) { ids.data, len });

        if (id == NULL || PyList_Append(chain, id) != 0)
            Py_CLEAR(chain);
        Py_XDECREF(id);
        len += comma != NULL;
        ids = (dff_str_t) { ids.data + len, ids.len - len };
    }
    if (chain != NULL && PyList_Append(chain, func_id) != 0)
        Py_CLEAR(chain);
    return chain;
}

/* Ids of the function and its parts: as the call before left them, most often. */
static int
dff_call_names_set_func(PyObject *names, const dff_job_t *job)
{
    dff_str_t   script = dff_id_func_script(job->func_id);
    dff_str_t   set = script, func = DFF_STR_NULL;
    const char *sep = memmem(script.data, script.len, "__", 2);
    PyObject   *func_id = dff_py_str(job->func_id);

    if (sep != NULL)
        set.len = (size_t) (sep - script.data);
    if (job->func_id.len > script.len) {
        func.data = job->func_id.data + script.len + 1;
        func.len = job->func_id.len - script.len - 1;
    }
    if (func_id == NULL
        || dff_call_names_set(names, NAME_FUNC_ID, func_id) != 0
        || dff_call_names_take(names, NAME_SCRIPT_ID, dff_py_str(script)) != 0
        || dff_call_names_take(names, NAME_SCRIPT_SET_ID, dff_py_str(set)) != 0
        || dff_call_names_take(names, NAME_FUNC_NAME, dff_py_str(func)) != 0)
    {
        Py_XDECREF(func_id);
        return -1;
    }
    Py_XSETREF(dff_call_last.func_id, func_id);
    return 0;
}

static int
dff_call_names_set_origin(PyObject *names, const dff_job_t *job)
{
    if (dff_call_names_set(names, NAME_DEBUG,
                           job->origin == DFF_ORIGIN_DEBUG ? Py_True : Py_False) != 0
        || dff_call_names_set(names, NAME_ORIGIN, dff_call_origin[job->origin]) != 0
        || dff_call_names_set(names, NAME_EXEC_MODE, dff_call_mode[job->exec_mode]) != 0
        || dff_call_names_take(names, NAME_QUEUE, PyLong_FromLong(job->queue)) != 0)
    {
        return -1;
    }
    return dff_call_names_take(names, NAME_ORIGIN_ID, dff_py_str(job->origin_id));
}

static inline bool
dff_call_last_is(const char *text, size_t len, dff_str_t now)
{
    return len == now.len && (len == 0 || memcmp(text, now.data, len) == 0);
}

static bool
dff_call_last_has_func(const dff_job_t *job)
{
    return dff_call_last.func_id != NULL
           && dff_call_last_is(dff_call_last.func, dff_call_last.func_len, job->func_id);
}

static bool
dff_call_last_has_origin(const dff_job_t *job)
{
    return dff_call_last.has_origin && dff_call_last.origin == job->origin
           && dff_call_last.mode == job->exec_mode && dff_call_last.queue == job->queue
           && dff_call_last_is(dff_call_last.origin_id, dff_call_last.origin_id_len,
                               job->origin_id);
}

/* What calls of the same link have in common is set when it differs from the last. */
static int
dff_call_names_set_common(PyObject *names, const dff_job_t *job)
{
    if (!dff_call_last_has_func(job)) {
        Py_CLEAR(dff_call_last.func_id);
        if (dff_call_names_set_func(names, job) != 0)
            return -1;
        memcpy(dff_call_last.func, job->func_id.data, job->func_id.len);
        dff_call_last.func_len = job->func_id.len;
    }
    if (dff_call_last_has_origin(job))
        return 0;
    dff_call_last.has_origin = false;
    if (dff_call_names_set_origin(names, job) != 0)
        return -1;
    dff_call_last.has_origin = true;
    dff_call_last.origin = job->origin;
    dff_call_last.mode = job->exec_mode;
    dff_call_last.queue = job->queue;
    dff_call_last.origin_id_len = job->origin_id.len;
    if (job->origin_id.len > 0)
        memcpy(dff_call_last.origin_id, job->origin_id.data, job->origin_id.len);
    return 0;
}

/* What each call has for itself. */
static int
dff_call_names_set_ids(PyObject *names, const dff_job_t *job)
{
    PyObject *task_id = dff_py_str(job->id);
    PyObject *root_id = task_id == NULL ? NULL
        : job->root_task_id.len == 0 ? Py_NewRef(task_id) : dff_py_str(job->root_task_id);
    int       rc = -1;

    if (root_id != NULL
        && dff_call_names_set(names, NAME_TASK_ID, task_id) == 0
        && dff_call_names_set(names, NAME_ROOT_TASK_ID, root_id) == 0
        && dff_call_names_take(names, NAME_TRACE_ID, dff_py_str(job->trace_id)) == 0
        && dff_call_names_take(names, NAME_FUNC_CHAIN,
                               dff_call_names_chain(job->chain, dff_call_last.func_id)) == 0)
    {
        rc = 0;
    }
    Py_XDECREF(root_id);
    Py_XDECREF(task_id);
    return rc;
}

static int
dff_call_names_set_times(PyObject *names, const dff_job_t *job, int64_t started_at_ms)
{
    int64_t trigger_ms = job->triggered_at_ms > 0 ? job->triggered_at_ms
                         : job->queued_at_ms > 0 ? job->queued_at_ms : started_at_ms;

    if (dff_call_names_take(names, NAME_START_TIME, PyLong_FromLongLong(started_at_ms / 1000)) != 0
        || dff_call_names_take(names, NAME_START_TIME_MS, PyLong_FromLongLong(started_at_ms)) != 0
        || dff_call_names_take(names, NAME_TRIGGER_TIME,
                               PyLong_FromLongLong(trigger_ms / 1000)) != 0)
    {
        return -1;
    }
    return dff_call_names_take(names, NAME_TRIGGER_TIME_MS, PyLong_FromLongLong(trigger_ms));
}

/* dff_call_names_end has left None in both. */
static int
dff_call_names_set_crontab(PyObject *names, const dff_job_t *job)
{
    if (job->crontab.len == 0)
        return 0;
    dff_call_last.has_crontab = true;
    if (dff_call_names_take(names, NAME_CRONTAB, dff_py_str(job->crontab)) != 0)
        return -1;
    return dff_call_names_take(names, NAME_CRONTAB_DELAY, PyLong_FromLong(job->crontab_delay_s));
}

/* An HttpRequest that has the text and will parse it when the script touches it;
 * new reference. Its __init__ is left out: this is done for every call. */
static PyObject *
dff_call_names_request(const dff_python_t *py, const dff_job_t *job)
{
    PyTypeObject *type = (PyTypeObject *) py->request_type;
    PyObject     *text = PyBytes_FromStringAndSize(NULL, (Py_ssize_t) dff_job_request_size(job));
    PyObject     *value = NULL;

    if (text != NULL) {
        (void) dff_job_request_write(PyBytes_AS_STRING(text), job);
        value = type->tp_new(type, dff_call_no_args, NULL);
    }
    if (value != NULL
        && (PyDict_SetItem(value, dff_call_request_key, Py_None) != 0
            || PyObject_SetAttr(value, dff_call_request_text, text) != 0))
    {
        Py_CLEAR(value);
    }
    Py_XDECREF(text);
    return value;
}

static int
dff_call_names_set_request(PyObject *names, const dff_python_t *py, const dff_job_t *job)
{
    if (job->request.len == 0)
        return dff_call_names_set(names, NAME_HTTP_REQUEST, Py_None);
    return dff_call_names_take(names, NAME_HTTP_REQUEST, dff_call_names_request(py, job));
}

int
dff_call_names_begin(PyObject *names, const dff_python_t *py, const dff_job_t *job,
    int64_t started_at_ms)
{
    if (dff_call_names_set_common(names, job) != 0
        || dff_call_names_set_ids(names, job) != 0
        || dff_call_names_set_times(names, job, started_at_ms) != 0
        || dff_call_names_set_crontab(names, job) != 0)
    {
        return -1;
    }
    return dff_call_names_set_request(names, py, job);
}

void
dff_call_names_end(PyObject *names)
{
    if (dff_call_names_set(names, NAME_FUNC_CHAIN, Py_None) != 0
        || dff_call_names_set(names, NAME_HTTP_REQUEST, Py_None) != 0)
    {
        PyErr_Clear();
    }
    if (!dff_call_last.has_crontab)
        return;
    dff_call_last.has_crontab = false;
    if (dff_call_names_set(names, NAME_CRONTAB, Py_None) != 0
        || dff_call_names_set(names, NAME_CRONTAB_DELAY, Py_None) != 0)
    {
        PyErr_Clear();
    }
}
