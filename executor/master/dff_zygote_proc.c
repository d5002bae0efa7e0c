/* The zygote as the master sees it. Runs in the master. */
#include "dff_zygote_proc.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dff_frame.h"
#include "dff_time.h"

#include "master/dff_pool.h"
#include "master/dff_spawn.h"

#include "dff_banned.h"

#define DFF_ZYGOTE_BACKOFF_MIN_MS   100
#define DFF_ZYGOTE_BACKOFF_MAX_MS  5000
#define DFF_ZYGOTE_SOUND_MS       10000    /* lived that long: no backoff */

#define DFF_ZYGOTE_FDS  2           /* of a FORK: the worker's end, its black box */

/* A frame that the socket has not taken yet, with the descriptors that go with
 * its first byte. */
typedef struct dff_zygote_frame_s {
    TAILQ_ENTRY(dff_zygote_frame_s) line;
    int                             fds[DFF_ZYGOTE_FDS];    /* fds[0] -1: none */
    size_t                          len, sent;
    char                            bytes[];
} dff_zygote_frame_t;

struct dff_zygote_proc_s {
    dff_master_t  *master;
    pid_t          pid;                   /* 0: none */
    int            fd;                    /* -1: none */
    struct event  *read_event, *write_event;
    struct event  *timer;                 /* backoff */
    int            backoff_ms;
    int64_t        born_ms;
    bool           stopped;               /* or retired: is not started again */
    int            nworkers;              /* forked by it, or asked for */
    dff_zygote_proc_t *older;             /* retired ones, latest first */
    dff_buf_t      in;
    TAILQ_HEAD(, dff_zygote_frame_s) out;
};

static void dff_zygote_on_readable(evutil_socket_t fd, short what, void *ctx);
static void dff_zygote_on_writable(evutil_socket_t fd, short what, void *ctx);
static void dff_zygote_on_timer(evutil_socket_t fd, short what, void *ctx);

dff_zygote_proc_t *
dff_zygote_proc_new(dff_master_t *master)
{
    dff_zygote_proc_t *zygote = calloc(1, sizeof(*zygote));

    if (zygote == NULL)
        return NULL;
    zygote->master = master;
    zygote->fd = -1;
    zygote->backoff_ms = DFF_ZYGOTE_BACKOFF_MIN_MS;
    TAILQ_INIT(&zygote->out);
    zygote->timer = evtimer_new(master->base, dff_zygote_on_timer, zygote);
    if (zygote->timer == NULL) {
        free(zygote);
        return NULL;
    }
    return zygote;
}

static void
dff_zygote_frame_free(dff_zygote_proc_t *zygote, dff_zygote_frame_t *frame)
{
    int i;

    TAILQ_REMOVE(&zygote->out, frame, line);
    for (i = 0; i < DFF_ZYGOTE_FDS && frame->fds[0] >= 0; i++)
        (void) close(frame->fds[i]);
    free(frame);
}

/* Closes our end; the zygote, if there still is one, ends by that. */
static void
dff_zygote_close(dff_zygote_proc_t *zygote)
{
    dff_zygote_frame_t *frame;

    if (zygote->read_event != NULL)
        event_free(zygote->read_event);
    if (zygote->write_event != NULL)
        event_free(zygote->write_event);
    zygote->read_event = zygote->write_event = NULL;
    if (zygote->fd >= 0)
        (void) close(zygote->fd);
    zygote->fd = -1;
    zygote->pid = 0;
    dff_buf_clear(&zygote->in);
    while ((frame = TAILQ_FIRST(&zygote->out)) != NULL)
        dff_zygote_frame_free(zygote, frame);
}

void
dff_zygote_proc_free(dff_zygote_proc_t *zygote)
{
    dff_zygote_proc_t *older;

    for ( ; zygote != NULL; zygote = older) {
        older = zygote->older;
        dff_zygote_close(zygote);
        event_free(zygote->timer);
        dff_buf_release(&zygote->in);
        free(zygote);
    }
}

bool
dff_zygote_proc_up(const dff_zygote_proc_t *zygote)
{
    return zygote->fd >= 0;
}

/* --- starting ------------------------------------------------------------- */

/* The environment is made from nothing: what the master was started with may hold
 * passwords, and user code can read its own environment. */
static int
dff_zygote_spawn(dff_zygote_proc_t *zygote, int fd, pid_t *pid)
{
    char                 tz[128], number[16];
    char                *envp[] = { "PATH=/usr/bin:/bin", "LANG=C.UTF-8", tz, NULL };
    char                *argv[] = { "dff-executor", "--zygote", number, NULL };
    const dff_spawn_fd_t fds[] = { { fd, DFF_ZYGOTE_FD } };
    const dff_spawn_t    spawn = { argv, envp, fds, 1 };

    (void) snprintf(tz, sizeof(tz), "TZ=%s", zygote->master->cfg->timezone);
    (void) snprintf(number, sizeof(number), "%d", DFF_ZYGOTE_FD);
    return dff_spawn_self(&spawn, pid);
}

static void
dff_zygote_again_later(dff_zygote_proc_t *zygote)
{
    struct timeval after;

    if (zygote->stopped)
        return;
    after = (struct timeval) { zygote->backoff_ms / 1000, zygote->backoff_ms % 1000 * 1000 };
    (void) evtimer_add(zygote->timer, &after);
    zygote->backoff_ms *= 2;
    if (zygote->backoff_ms > DFF_ZYGOTE_BACKOFF_MAX_MS)
        zygote->backoff_ms = DFF_ZYGOTE_BACKOFF_MAX_MS;
}

static int
dff_zygote_queue(dff_zygote_proc_t *zygote, const dff_buf_t *bytes, int fd, int box)
{
    dff_zygote_frame_t *frame;

    if (dff_buf_failed(bytes) || (frame = malloc(sizeof(*frame) + bytes->len)) == NULL)
        return DFF_ERROR;
    frame->fds[0] = fd;
    frame->fds[1] = box;
    frame->len = bytes->len;
    frame->sent = 0;
    memcpy(frame->bytes, bytes->data, bytes->len);
    TAILQ_INSERT_TAIL(&zygote->out, frame, line);
    dff_zygote_on_writable(zygote->fd, 0, zygote);
    return DFF_OK;
}

static int
dff_zygote_send_settings(dff_zygote_proc_t *zygote, dff_err_t *err)
{
    dff_buf_t json = DFF_BUF_INIT, frame = DFF_BUF_INIT;
    size_t    begin;
    int       rc;

    rc = dff_zygote_settings(zygote->master->cfg, zygote->master->exe_folder, &json, err);
    if (rc == DFF_OK) {
        begin = dff_frame_begin(&frame, DFF_FRAME_SETTINGS, 0);
        dff_frame_put_str(&frame, (dff_str_t) { json.data, json.len });
        dff_frame_end(&frame, begin);
        rc = dff_zygote_queue(zygote, &frame, -1, -1);
        if (rc != DFF_OK)
            (void) dff_err_set(err, DFF_E_SYS, "out of memory");
    }
    dff_buf_release(&json);
    dff_buf_release(&frame);
    return rc;
}

void
dff_zygote_proc_start(dff_zygote_proc_t *zygote)
{
    dff_master_t *master = zygote->master;
    dff_err_t     err;
    int           pair[2] = { -1, -1 }, rc;

    zygote->stopped = false;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0
        || evutil_make_socket_nonblocking(pair[0]) != 0) {
        (void) dff_err_set(&err, DFF_E_SYS, "socketpair: %s", strerror(errno));
        goto failed;
    }
    rc = dff_zygote_spawn(zygote, pair[1], &zygote->pid);
    if (rc != 0) {
        (void) dff_err_set(&err, DFF_E_SYS, "posix_spawn of /proc/self/exe: %s", strerror(rc));
        zygote->pid = 0;
        goto failed;
    }
    (void) close(pair[1]);
    pair[1] = -1;
    zygote->fd = pair[0];
    pair[0] = -1;
    zygote->born_ms = dff_time_monotonic_ms();

    zygote->read_event = event_new(master->base, zygote->fd, EV_READ | EV_PERSIST,
                                   dff_zygote_on_readable, zygote);
    zygote->write_event = event_new(master->base, zygote->fd, EV_WRITE | EV_PERSIST,
                                    dff_zygote_on_writable, zygote);
    if (zygote->read_event == NULL || zygote->write_event == NULL
        || event_add(zygote->read_event, NULL) != 0) {
        (void) dff_err_set(&err, DFF_E_SYS, "out of memory");
        goto failed;
    }
    if (dff_zygote_send_settings(zygote, &err) != DFF_OK)
        goto failed;
    dff_log_info(&master->log, NULL, "zygote %d started", (int) zygote->pid);
    return;

failed:
    dff_log_error(&master->log, NULL, "the zygote cannot be started: %s", err.message);
    if (pair[0] >= 0)
        (void) close(pair[0]);
    if (pair[1] >= 0)
        (void) close(pair[1]);
    dff_zygote_close(zygote);
    dff_zygote_again_later(zygote);
}

static void
dff_zygote_on_timer(evutil_socket_t fd, short what, void *ctx)
{
    (void) fd;
    (void) what;
    dff_zygote_proc_start(ctx);
}

void
dff_zygote_proc_stop(dff_zygote_proc_t *zygote)
{
    for ( ; zygote != NULL; zygote = zygote->older) {
        zygote->stopped = true;
        (void) evtimer_del(zygote->timer);
        dff_zygote_close(zygote);
    }
}

void
dff_zygote_proc_restart(dff_master_t *master)
{
    dff_zygote_proc_t *zygote = dff_zygote_proc_new(master);

    if (zygote == NULL) {
        dff_log_error(&master->log, NULL, "no memory for a new zygote; the old one goes on");
        return;
    }
    zygote->older = master->zygote;
    zygote->older->stopped = true;
    (void) evtimer_del(zygote->older->timer);
    master->zygote = zygote;
    dff_zygote_proc_start(zygote);
}

void
dff_zygote_proc_hold(dff_zygote_proc_t *zygote, int change)
{
    zygote->nworkers += change;
}

void
dff_zygote_proc_tidy(dff_master_t *master)
{
    dff_zygote_proc_t **at = &master->zygote->older, *zygote;

    while ((zygote = *at) != NULL) {
        if (zygote->nworkers > 0) {
            at = &zygote->older;
            continue;
        }
        *at = zygote->older;
        zygote->older = NULL;
        dff_zygote_proc_free(zygote);
    }
}

/* --- dying ---------------------------------------------------------------- */

static void
dff_zygote_gone(dff_zygote_proc_t *zygote)
{
    if (dff_time_monotonic_ms() - zygote->born_ms > DFF_ZYGOTE_SOUND_MS)
        zygote->backoff_ms = DFF_ZYGOTE_BACKOFF_MIN_MS;
    dff_zygote_close(zygote);
    dff_pool_zygote_gone(zygote->master->pool, zygote);
    dff_zygote_again_later(zygote);
}

bool
dff_zygote_proc_exited(dff_master_t *master, pid_t pid, int status)
{
    dff_zygote_proc_t *zygote = master->zygote;

    while (zygote != NULL && zygote->pid != pid)
        zygote = zygote->older;
    if (zygote == NULL)
        return false;
    if (WIFSIGNALED(status))
        dff_log_error(&master->log, NULL, "zygote %d was killed by signal %d", (int) pid,
                      WTERMSIG(status));
    else
        dff_log_error(&master->log, NULL, "zygote %d exited with status %d", (int) pid,
                      WEXITSTATUS(status));
    dff_zygote_gone(zygote);
    return true;
}

/* --- frames --------------------------------------------------------------- */

static ssize_t
dff_zygote_sendmsg(int fd, dff_zygote_frame_t *frame)
{
    struct iovec  iov = { frame->bytes + frame->sent, frame->len - frame->sent };
    struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
    union {
        char           bytes[CMSG_SPACE(sizeof(frame->fds))];
        struct cmsghdr align;
    } control;

    if (frame->fds[0] >= 0 && frame->sent == 0) {
        struct cmsghdr *cmsg;

        memset(&control, 0, sizeof(control));
        msg.msg_control = control.bytes;
        msg.msg_controllen = sizeof(control.bytes);
        cmsg = CMSG_FIRSTHDR(&msg);
        cmsg->cmsg_level = SOL_SOCKET;
        cmsg->cmsg_type = SCM_RIGHTS;
        cmsg->cmsg_len = CMSG_LEN(sizeof(frame->fds));
        memcpy(CMSG_DATA(cmsg), frame->fds, sizeof(frame->fds));
    }
    return sendmsg(fd, &msg, MSG_NOSIGNAL);
}

static void
dff_zygote_on_writable(evutil_socket_t fd, short what, void *ctx)
{
    dff_zygote_proc_t  *zygote = ctx;
    dff_zygote_frame_t *frame;
    ssize_t             n;

    (void) what;
    while ((frame = TAILQ_FIRST(&zygote->out)) != NULL) {
        n = dff_zygote_sendmsg(fd, frame);
        if (n < 0) {
            if (errno == EAGAIN || errno == EINTR) {
                (void) event_add(zygote->write_event, NULL);
                return;
            }
            break;     /* a dead zygote shows at the reading side */
        }
        frame->sent += (size_t) n;
        if (frame->sent < frame->len)
            continue;
        dff_zygote_frame_free(zygote, frame);
    }
    (void) event_del(zygote->write_event);
}

int
dff_zygote_proc_fork(dff_zygote_proc_t *zygote, uint32_t tag, int fd, int box)
{
    dff_buf_t frame = DFF_BUF_INIT;
    size_t    begin;
    int       rc;

    if (zygote->fd < 0)
        return DFF_ERROR;
    begin = dff_frame_begin(&frame, DFF_FRAME_FORK, 0);
    dff_frame_put_u32(&frame, tag);
    dff_frame_end(&frame, begin);
    rc = dff_zygote_queue(zygote, &frame, fd, box);
    dff_buf_release(&frame);
    return rc;
}

static int
dff_zygote_frame(dff_zygote_proc_t *zygote, const dff_frame_head_t *head, dff_str_t payload)
{
    dff_pool_t *pool = zygote->master->pool;
    uint32_t    tag, pid, status;
    uint64_t    peak_rss_kib;
    dff_str_t   error;

    if (head->type == DFF_FRAME_FORKED && dff_frame_get_u32(&payload, &tag) == DFF_OK
        && dff_frame_get_u32(&payload, &pid) == DFF_OK
        && dff_frame_get_str(&payload, &error) == DFF_OK) {
        dff_pool_forked(pool, tag, (pid_t) pid, error);
        return DFF_OK;
    }
    if (head->type == DFF_FRAME_CHILD_EXIT && dff_frame_get_u32(&payload, &pid) == DFF_OK
        && dff_frame_get_u32(&payload, &status) == DFF_OK
        && dff_frame_get_u64(&payload, &peak_rss_kib) == DFF_OK) {
        dff_pool_child_exit(pool, (pid_t) pid, (int) status, peak_rss_kib);
        return DFF_OK;
    }
    return DFF_ERROR;
}

static void
dff_zygote_on_readable(evutil_socket_t fd, short what, void *ctx)
{
    dff_zygote_proc_t *zygote = ctx;
    dff_frame_head_t   head;
    dff_str_t          bytes, payload;
    char              *at = dff_buf_reserve(&zygote->in, 4096);
    ssize_t            n = at == NULL ? 0 : recv(fd, at, 4096, 0);
    int                rc;

    (void) what;
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        dff_log_error(&zygote->master->log, NULL, "zygote %d has closed its socket",
                      (int) zygote->pid);
        dff_zygote_gone(zygote);
        return;
    }

    zygote->in.len += (size_t) n;
    bytes = (dff_str_t) { zygote->in.data, zygote->in.len };
    while ((rc = dff_frame_peek(bytes, &head, &payload, NULL)) == 1) {
        rc = dff_zygote_frame(zygote, &head, payload);
        if (rc != DFF_OK)
            break;
        bytes.data += sizeof(head) + head.size;
        bytes.len -= sizeof(head) + head.size;
    }
    if (rc == DFF_ERROR) {
        dff_log_error(&zygote->master->log, NULL, "bug: zygote %d sent an unreadable frame",
                      (int) zygote->pid);
        (void) kill(zygote->pid, SIGKILL);
        dff_zygote_gone(zygote);
        return;
    }
    dff_buf_consume(&zygote->in, zygote->in.len - bytes.len);
}
