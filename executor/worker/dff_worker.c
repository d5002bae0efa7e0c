/*
 * The loop of a worker: frames in, frames out.
 */
#include "dff_worker.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dff_call.h"
#include "dff_guard.h"
#include "dff_module.h"

#include "dff_banned.h"

#define DFF_WORKER_READ_SIZE    (64u << 10)
#define DFF_WORKER_BUFFER_KEEP  (1u << 20)   /* larger buffers are given back after a job */

typedef enum { DFF_WORKER_GO_ON, DFF_WORKER_IS_ANSWER } dff_worker_step_t;

static dff_worker_t *dff_worker_of_process;

dff_worker_t *
dff_worker_self(void)
{
    return dff_worker_of_process;
}

/* --- the end ---------------------------------------------------------------- */

/* The master is gone, or talks nonsense: there is nobody to work for. */
static void
dff_worker_exit(int status, const char *fmt, ...) __attribute__((noreturn, format(printf, 2, 3)));

static void
dff_worker_exit(int status, const char *fmt, ...)
{
    va_list args;

    if (fmt != NULL) {
        va_start(args, fmt);
        dprintf(STDERR_FILENO, "dff worker %d: ", (int) getpid());
        vdprintf(STDERR_FILENO, fmt, args);
        dprintf(STDERR_FILENO, "\n");
        va_end(args);
    }
    _exit(status);
}

/* In a process that a script has forked: it must neither answer for the worker
 * nor keep its socket open when the worker dies. */
static void
dff_worker_after_fork(void)
{
    dff_worker_t *worker = dff_worker_of_process;

    if (worker == NULL || worker->sock == -1)
        return;
    (void) close(worker->sock);
    worker->sock = -1;
    worker->is_fork = true;
}

/* --- bytes ------------------------------------------------------------------ */

/* A recv() that blocks is also woken when the master reads our last RESULT, since that makes
 * room to write: a switch to this process and back for each call. poll() tells them apart. */
static int
dff_worker_wait(int sock)
{
    struct pollfd ready = { .fd = sock, .events = POLLIN };

    return poll(&ready, 1, -1);
}

static void
dff_worker_receive(dff_worker_t *worker)
{
    char   *room;
    ssize_t n;

    if (worker->in_at == worker->in.len) {
        dff_buf_clear(&worker->in);
        worker->in_at = 0;
    }
    room = dff_buf_reserve(&worker->in, DFF_WORKER_READ_SIZE);
    if (room == NULL)
        dff_worker_exit(1, "no memory for a frame of the master");

    /* A time limit that comes meanwhile stays pending, and is raised when the script
     * that waits for another one goes on. */
    do {
        Py_BEGIN_ALLOW_THREADS
        n = dff_worker_wait(worker->sock) == -1
            ? -1 : recv(worker->sock, room, DFF_WORKER_READ_SIZE, 0);
        Py_END_ALLOW_THREADS
    } while (n == -1 && errno == EINTR);

    if (n == 0)
        dff_worker_exit(0, NULL);
    if (n < 0)
        dff_worker_exit(errno == ECONNRESET ? 0 : 1, "read from the master: %s", strerror(errno));
    worker->in.len += (size_t) n;
}

static void
dff_worker_send(dff_worker_t *worker)
{
    size_t  at = 0;
    ssize_t n;

    while (at < worker->out.len) {
        Py_BEGIN_ALLOW_THREADS
        n = send(worker->sock, worker->out.data + at, worker->out.len - at, MSG_NOSIGNAL);
        Py_END_ALLOW_THREADS
        if (n >= 0)
            at += (size_t) n;
        else if (errno == EPIPE || errno == ECONNRESET)
            dff_worker_exit(0, NULL);
        else if (errno != EINTR)
            dff_worker_exit(1, "write to the master: %s", strerror(errno));
    }
    if (worker->out.size > DFF_WORKER_BUFFER_KEEP)
        dff_buf_release(&worker->out);
    else
        dff_buf_clear(&worker->out);
}

/* The next frame; *payload lies in worker->in until the next receive. */
static void
dff_worker_next_frame(dff_worker_t *worker, dff_frame_head_t *head, dff_str_t *payload)
{
    dff_err_t err;
    int       rc;

    for ( ;; ) {
        dff_str_t bytes = { worker->in.data + worker->in_at, worker->in.len - worker->in_at };

        rc = bytes.len == 0 ? 0 : dff_frame_peek(bytes, head, payload, &err);
        if (rc == 1)
            break;
        if (rc != 0)
            dff_worker_exit(1, "%s", err.message);
        dff_worker_receive(worker);
    }
    worker->in_at += sizeof(*head) + head->size;
}

/* --- frames ----------------------------------------------------------------- */

static void
dff_worker_malformed(const dff_frame_head_t *head) __attribute__((noreturn));

static void
dff_worker_malformed(const dff_frame_head_t *head)
{
    dff_worker_exit(1, "malformed or unexpected frame of type %u", (unsigned) head->type);
}

/* A script that cannot be kept (no memory, not UTF-8) is as good as not sent: the
 * next call of it asks again. */
static void
dff_worker_on_script(dff_worker_t *worker, const dff_frame_head_t *head, dff_str_t payload,
    dff_str_t *id)
{
    dff_live_script_t *script;
    dff_str_t          code;
    uint32_t           version;

    if (dff_frame_get_u32(&payload, &version) != DFF_OK
        || dff_frame_get_str(&payload, id) != DFF_OK
        || dff_frame_get_str(&payload, &code) != DFF_OK)
    {
        dff_worker_malformed(head);
    }
    script = dff_live_script_new(*id, code, version);
    if (script == NULL || dff_script_cache_put(worker->scripts, script) != 0)
        PyErr_Clear();
    Py_XDECREF(script);
}

static void
dff_worker_on_drop(dff_worker_t *worker, const dff_frame_head_t *head, dff_str_t payload,
    dff_str_t *id)
{
    if (dff_frame_get_str(&payload, id) != DFF_OK)
        dff_worker_malformed(head);
    if (dff_script_cache_drop(worker->scripts, *id) != 0)
        PyErr_Clear();
}

/* The job's bytes stay where they are, in a buffer of their own: what the master
 * sends during the call goes to the other one. */
static dff_str_t
dff_worker_set_aside(dff_worker_t *worker, dff_str_t payload)
{
    dff_buf_t other = worker->job_bytes;

    worker->job_bytes = worker->in;
    worker->in = other;
    dff_buf_clear(&worker->in);
    dff_buf_add(&worker->in, worker->job_bytes.data + worker->in_at,
                worker->job_bytes.len - worker->in_at);
    if (dff_buf_failed(&worker->in))
        dff_worker_exit(1, "no memory for a frame of the master");
    worker->in_at = 0;
    return payload;
}

static void
dff_worker_on_job(dff_worker_t *worker, const dff_frame_head_t *head, dff_str_t payload)
{
    payload = dff_worker_set_aside(worker, payload);

    PyThread_release_lock(worker->talk);
    dff_call_run(worker, head->seq, payload);
    if (worker->is_fork)
        _exit(0);                /* the script's own fork has come out of its function */
    if (!PyThread_acquire_lock(worker->talk, NOWAIT_LOCK)) {
        Py_BEGIN_ALLOW_THREADS
        (void) PyThread_acquire_lock(worker->talk, WAIT_LOCK);
        Py_END_ALLOW_THREADS
    }
    dff_worker_send(worker);

    if (worker->job_bytes.size > DFF_WORKER_BUFFER_KEEP)
        dff_buf_release(&worker->job_bytes);
}

/* wanted: the script being asked for, or empty. */
static dff_worker_step_t
dff_worker_step(dff_worker_t *worker, dff_str_t wanted)
{
    dff_frame_head_t head;
    dff_str_t        payload, id = DFF_STR_NULL;

    dff_worker_next_frame(worker, &head, &payload);
    switch (head.type) {
    case DFF_FRAME_SCRIPT:
        dff_worker_on_script(worker, &head, payload, &id);
        break;
    case DFF_FRAME_NO_SCRIPT:
    case DFF_FRAME_DROP:
        dff_worker_on_drop(worker, &head, payload, &id);
        if (head.type == DFF_FRAME_DROP)
            return DFF_WORKER_GO_ON;
        break;
    case DFF_FRAME_JOB:
        if (wanted.len > 0)
            dff_worker_malformed(&head);
        dff_worker_on_job(worker, &head, payload);
        return DFF_WORKER_GO_ON;
    case DFF_FRAME_EXIT:
        worker->exiting = true;
        return DFF_WORKER_GO_ON;
    default:
        dff_worker_malformed(&head);
    }
    return wanted.len > 0 && dff_str_eq(id, wanted) ? DFF_WORKER_IS_ANSWER : DFF_WORKER_GO_ON;
}

dff_live_script_t *
dff_worker_ask_script(dff_worker_t *worker, PyObject *id)
{
    Py_ssize_t  len;
    const char *utf8 = PyUnicode_AsUTF8AndSize(id, &len);
    dff_str_t   wanted;
    size_t      begin;

    if (utf8 == NULL || worker->sock == -1)
        return NULL;
    wanted = (dff_str_t) { utf8, (size_t) len };

    Py_BEGIN_ALLOW_THREADS
    (void) PyThread_acquire_lock(worker->talk, WAIT_LOCK);
    Py_END_ALLOW_THREADS
    begin = dff_frame_begin(&worker->out, DFF_FRAME_NEED_SCRIPT, 0);
    dff_frame_put_str(&worker->out, wanted);
    dff_frame_end(&worker->out, begin);
    dff_worker_send(worker);
    while (dff_worker_step(worker, wanted) != DFF_WORKER_IS_ANSWER) {
        /* what else came has been handled */
    }
    PyThread_release_lock(worker->talk);

    return dff_script_cache_get(worker->scripts, id);
}

/* --- start ------------------------------------------------------------------ */

static void
dff_worker_ready(dff_worker_t *worker)
{
    size_t begin = dff_frame_begin(&worker->out, DFF_FRAME_READY, 0);

    dff_frame_put_u32(&worker->out, (uint32_t) getpid());
    dff_frame_end(&worker->out, begin);
    if (dff_buf_failed(&worker->out))
        dff_worker_exit(1, "no memory");
    dff_worker_send(worker);
}

void
dff_worker_main(dff_worker_t *worker, int sock)
{
    worker->sock = sock;
    dff_worker_of_process = worker;
    worker->talk = PyThread_allocate_lock();
    if (worker->talk == NULL || pthread_atfork(NULL, NULL, dff_worker_after_fork) != 0
        || dff_module_init(worker) != 0)
    {
        dff_worker_exit(1, "no memory");
    }
    dff_guard_clear();
    (void) PyThread_acquire_lock(worker->talk, WAIT_LOCK);
    dff_worker_ready(worker);

    while (!worker->exiting)
        (void) dff_worker_step(worker, DFF_STR_NULL);
    dff_worker_exit(0, NULL);
}
