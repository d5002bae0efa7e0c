/*
 * The master's end of a worker's socket: frames out, as far as the socket takes
 * them, and frames in. Runs in the master.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "master/dff_published.h"
#include "master/dff_run.h"
#include "master/dff_worker_proc.h"

#include "dff_banned.h"

#define DFF_WORKER_READ_SIZE  65536
#define DFF_WORKER_KEEP_SIZE  (1u << 20)    /* a larger empty buffer is given back */

/* --- writing -------------------------------------------------------------- */

int
dff_worker_proc_send(dff_worker_proc_t *worker, struct iovec *iov, int count)
{
    struct msghdr msg = { .msg_iov = iov, .msg_iovlen = (size_t) count };
    ssize_t       n = 0;
    int           i;

    if (worker->has_eof)
        return DFF_ERROR;
    if (worker->out.len == 0) {
        n = sendmsg(worker->fd, &msg, MSG_NOSIGNAL);
        /* A dead worker shows at the reading side, with its last words. */
        if (n < 0 && errno != EAGAIN && errno != EINTR)
            return DFF_ERROR;
        if (n < 0)
            n = 0;
    }

    for (i = 0; i < count; i++) {
        size_t sent = (size_t) n < iov[i].iov_len ? (size_t) n : iov[i].iov_len;

        n -= (ssize_t) sent;
        if (sent < iov[i].iov_len)
            dff_buf_add(&worker->out, (char *) iov[i].iov_base + sent, iov[i].iov_len - sent);
    }
    if (dff_buf_failed(&worker->out))
        dff_worker_proc_kill(worker, "no memory to send it a job");
    else if (worker->out.len > 0)
        (void) event_add(worker->write_event, NULL);
    return DFF_OK;
}

void
dff_worker_proc_on_writable(evutil_socket_t fd, short what, void *ctx)
{
    dff_worker_proc_t *worker = ctx;
    ssize_t            n;

    (void) what;
    n = send(fd, worker->out.data, worker->out.len, MSG_NOSIGNAL);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n < 0)
        dff_buf_clear(&worker->out);
    else
        dff_buf_consume(&worker->out, (size_t) n);

    if (worker->out.len > 0)
        return;
    (void) event_del(worker->write_event);
    if (worker->out.size > DFF_WORKER_KEEP_SIZE)
        dff_buf_release(&worker->out);
}

/* --- reading -------------------------------------------------------------- */

static void
dff_worker_result(dff_worker_proc_t *worker, uint64_t seq, dff_str_t payload)
{
    dff_run_t *run = worker->run;
    uint32_t   flags;
    dff_str_t  reply, log_text;

    if (dff_frame_get_u32(&payload, &flags) != DFF_OK
        || dff_frame_get_str(&payload, &reply) != DFF_OK
        || dff_frame_get_str(&payload, &log_text) != DFF_OK) {
        dff_worker_proc_kill(worker, "it sent a RESULT that is too short");
        return;
    }

    /* Of a job that has been answered: the kill was on its way. */
    if (run == NULL || run->state != DFF_RUN_RUNNING || run->seq != seq)
        return;
    if ((flags & DFF_RESULT_RECYCLE) != 0)
        worker->recycle = worker->spent = true;
    worker->wants = NULL;
    dff_run_result(run, reply, log_text);
}

static void
dff_worker_frame(dff_worker_proc_t *worker, const dff_frame_head_t *head, dff_str_t payload)
{
    dff_str_t id;

    switch (head->type) {
    case DFF_FRAME_READY:
        dff_worker_proc_ready(worker);
        return;
    case DFF_FRAME_NEED_SCRIPT:
        if (dff_frame_get_str(&payload, &id) == DFF_OK) {
            dff_published_need(worker->master->published, worker, id);
            return;
        }
        break;
    case DFF_FRAME_RESULT:
        dff_worker_result(worker, head->seq, payload);
        return;
    default:
        break;
    }
    dff_worker_proc_kill(worker, "it sent a frame that no worker sends");
}

/* Handles the whole frames of bytes; returns how many bytes they were. */
static size_t
dff_worker_frames(dff_worker_proc_t *worker, dff_str_t bytes)
{
    dff_frame_head_t head;
    dff_str_t        payload, rest = bytes;
    dff_err_t        err;
    int              rc;

    while ((rc = dff_frame_peek(rest, &head, &payload, &err)) == 1) {
        dff_worker_frame(worker, &head, payload);
        rest.data += sizeof(head) + head.size;
        rest.len -= sizeof(head) + head.size;
    }
    if (rc == DFF_ERROR) {
        dff_worker_proc_kill(worker, err.message);
        return bytes.len;
    }
    return bytes.len - rest.len;
}

/* Room for the rest of the frame that the buffer begins with. */
static size_t
dff_worker_missing(const dff_worker_proc_t *worker)
{
    dff_frame_head_t head;
    size_t           whole;

    if (worker->in.len < sizeof(head))
        return DFF_WORKER_READ_SIZE;
    memcpy(&head, worker->in.data, sizeof(head));
    whole = sizeof(head) + head.size;
    return whole > worker->in.len + DFF_WORKER_READ_SIZE ? whole - worker->in.len
                                                         : DFF_WORKER_READ_SIZE;
}

void
dff_worker_proc_on_readable(evutil_socket_t fd, short what, void *ctx)
{
    dff_worker_proc_t *worker = ctx;
    char               small[DFF_WORKER_READ_SIZE];
    size_t             room = sizeof(small), used;
    char              *at = small;
    ssize_t            n;

    (void) what;
    if (worker->in.len > 0) {
        room = dff_worker_missing(worker);
        at = dff_buf_reserve(&worker->in, room);
        if (at == NULL) {
            dff_worker_proc_kill(worker, "no memory for its result");
            dff_worker_proc_eof(worker);
            return;
        }
    }

    n = recv(fd, at, room, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        dff_worker_proc_eof(worker);
        return;
    }

    if (at == small) {
        used = dff_worker_frames(worker, (dff_str_t) { small, (size_t) n });
        dff_buf_add(&worker->in, small + used, (size_t) n - used);
        return;
    }
    worker->in.len += (size_t) n;
    used = dff_worker_frames(worker, (dff_str_t) { worker->in.data, worker->in.len });
    dff_buf_consume(&worker->in, used);
    if (worker->in.len == 0 && worker->in.size > DFF_WORKER_KEEP_SIZE)
        dff_buf_release(&worker->in);
}
