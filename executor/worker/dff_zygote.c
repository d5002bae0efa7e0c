/*
 * The zygote's loop: forks workers when it is told to, and tells how they ended.
 */
#include "dff_zygote.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dff_frame.h"
#include "dff_privileges.h"
#include "dff_settings.h"
#include "dff_worker.h"
#include "dff_zygote_children.h"

#include "dff_banned.h"

#define DFF_ZYGOTE_READ_SIZE  (16u << 10)
#define DFF_ZYGOTE_NPROC      1000    /* of the user, as workers see it: a fork bomb's end */
#define DFF_ZYGOTE_FDS_MAX    64      /* descriptors whose FORK frame has not come yet */
#define DFF_ZYGOTE_FORK_FDS   2       /* of a FORK: socket, black box */

typedef struct {
    int                   control;
    int                   signals;       /* signalfd of SIGCHLD */
    sigset_t              signal_mask;   /* as it was: for the workers */
    dff_buf_t             in;
    dff_buf_t             out;
    int                   fds[DFF_ZYGOTE_FDS_MAX];
    size_t                nfds;
    dff_zygote_children_t children;
    dff_settings_t        settings;
    dff_worker_t          worker;        /* what the children begin with */
} dff_zygote_t;

/* --- frames ------------------------------------------------------------------- */

/* Keeps the descriptors that came with a message, in order: each FORK takes its own. */
static int
dff_zygote_take_fds(dff_zygote_t *zygote, struct msghdr *message, dff_err_t *err)
{
    struct cmsghdr *head;

    for (head = CMSG_FIRSTHDR(message); head != NULL; head = CMSG_NXTHDR(message, head)) {
        size_t count;

        if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS)
            continue;
        count = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; i++) {
            int fd;

            memcpy(&fd, CMSG_DATA(head) + i * sizeof(fd), sizeof(fd));
            if (zygote->nfds == DFF_ZYGOTE_FDS_MAX) {
                (void) close(fd);
                return dff_err_set(err, DFF_E_SYS, "more than %d descriptors without a FORK frame",
                                   DFF_ZYGOTE_FDS_MAX);
            }
            zygote->fds[zygote->nfds++] = fd;
        }
    }
    if (message->msg_flags & MSG_CTRUNC)
        return dff_err_set(err, DFF_E_SYS, "descriptors of a message were lost");
    return DFF_OK;
}

/* 1: bytes were added; 0: the master has closed. */
static int
dff_zygote_receive(dff_zygote_t *zygote, dff_err_t *err)
{
    union {
        struct cmsghdr align;
        char           bytes[CMSG_SPACE(sizeof(int) * DFF_ZYGOTE_FDS_MAX)];
    } control;
    struct iovec  iov = {
        .iov_base = dff_buf_reserve(&zygote->in, DFF_ZYGOTE_READ_SIZE),
        .iov_len = DFF_ZYGOTE_READ_SIZE,
    };
    struct msghdr message = {
        .msg_iov = &iov, .msg_iovlen = 1,
        .msg_control = control.bytes, .msg_controllen = sizeof(control.bytes),
    };
    ssize_t n;

    if (iov.iov_base == NULL)
        return dff_err_set(err, DFF_E_SYS, "no memory");
    do {
        n = recvmsg(zygote->control, &message, MSG_CMSG_CLOEXEC);
    } while (n == -1 && errno == EINTR);
    if (n == -1 && errno == ECONNRESET)
        return 0;
    if (n == -1)
        return dff_err_set(err, DFF_E_SYS, "recvmsg from the master: %s", strerror(errno));
    if (dff_zygote_take_fds(zygote, &message, err) != DFF_OK)
        return DFF_ERROR;
    zygote->in.len += (size_t) n;
    return n > 0;
}

static int
dff_zygote_send(dff_zygote_t *zygote, dff_err_t *err)
{
    size_t  at = 0;
    ssize_t n;

    if (dff_buf_failed(&zygote->out))
        return dff_err_set(err, DFF_E_SYS, "no memory for a frame");
    while (at < zygote->out.len) {
        n = send(zygote->control, zygote->out.data + at, zygote->out.len - at, MSG_NOSIGNAL);
        if (n >= 0)
            at += (size_t) n;
        else if (errno != EINTR)
            return dff_err_set(err, DFF_E_SYS, "send to the master: %s", strerror(errno));
    }
    dff_buf_clear(&zygote->out);
    return DFF_OK;
}

/* --- children ----------------------------------------------------------------- */

/* The limit is the worker's own, so that the zygote can fork whatever a script does.
 * Best effort: a smaller one is as good. */
static void
dff_zygote_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NPROC, &limit) != 0)
        return;
    if (limit.rlim_max > DFF_ZYGOTE_NPROC)
        limit.rlim_cur = limit.rlim_max = DFF_ZYGOTE_NPROC;
    (void) setrlimit(RLIMIT_NPROC, &limit);
}

/*
 * A worker begins. It keeps its socket, stderr (twice) and /dev/null, nothing else; it has
 * a process group of its own, so that what its scripts have started can be ended
 * with it. The order: no signal before its handlers are Python's, no Python before
 * the descriptors are right.
 */
static void
dff_zygote_child(dff_zygote_t *zygote, int sock, int box) __attribute__((noreturn));

static void
dff_zygote_child(dff_zygote_t *zygote, int sock, int box)
{
    (void) prctl(PR_SET_NAME, "dff-worker");
    (void) setpgid(0, 0);

    zygote->worker.log.box = dff_black_box_map(box);
    if (dup3(sock, DFF_WORKER_SOCKET, O_CLOEXEC) == -1
        || dup3(STDERR_FILENO, DFF_WORKER_STDERR, O_CLOEXEC) == -1
        || close_range(STDERR_FILENO + 1, DFF_WORKER_SOCKET - 1, 0) != 0
        || close_range(DFF_WORKER_STDERR + 1, ~0u, 0) != 0)
    {
        dprintf(STDERR_FILENO, "dff worker: descriptors: %s\n", strerror(errno));
        _exit(1);
    }
    dff_zygote_limit();
    dff_buf_release(&zygote->in);
    dff_buf_release(&zygote->out);
    dff_zygote_children_release(&zygote->children);

    PyOS_AfterFork_Child();
    (void) sigprocmask(SIG_SETMASK, &zygote->signal_mask, NULL);
    dff_worker_main(&zygote->worker, DFF_WORKER_SOCKET);
}

static pid_t
dff_zygote_fork(dff_zygote_t *zygote, int sock, int box)
{
    pid_t pid;

    PyOS_BeforeFork();
    pid = fork();
    if (pid == 0)
        dff_zygote_child(zygote, sock, box);
    PyOS_AfterFork_Parent();
    if (pid > 0)
        (void) setpgid(pid, pid);       /* in both: whoever comes first */
    return pid;
}

static int
dff_zygote_on_fork(dff_zygote_t *zygote, dff_str_t payload, dff_err_t *err)
{
    const char *problem = "";
    uint32_t    tag;
    size_t      begin;
    pid_t       pid;

    if (dff_frame_get_u32(&payload, &tag) != DFF_OK)
        return dff_err_set(err, DFF_E_SYS, "malformed FORK frame");
    if (zygote->nfds < DFF_ZYGOTE_FORK_FDS)
        return dff_err_set(err, DFF_E_SYS, "FORK frame without its descriptors");

    pid = dff_zygote_fork(zygote, zygote->fds[0], zygote->fds[1]);
    if (pid == -1) {
        problem = strerror(errno);
        pid = 0;
    } else if (dff_zygote_children_add(&zygote->children, pid) != DFF_OK) {
        (void) kill(pid, SIGKILL);      /* reaped with the others */
        problem = "no memory";
        pid = 0;
    }
    (void) close(zygote->fds[0]);
    (void) close(zygote->fds[1]);
    zygote->nfds -= DFF_ZYGOTE_FORK_FDS;
    memmove(zygote->fds, zygote->fds + DFF_ZYGOTE_FORK_FDS,
            zygote->nfds * sizeof(zygote->fds[0]));

    begin = dff_frame_begin(&zygote->out, DFF_FRAME_FORKED, 0);
    dff_frame_put_u32(&zygote->out, tag);
    dff_frame_put_u32(&zygote->out, (uint32_t) pid);
    dff_frame_put_str(&zygote->out, dff_str_from(problem));
    dff_frame_end(&zygote->out, begin);
    return DFF_OK;
}

/* Every ended child, with the rest of its process group: the group's number is
 * free for others only after the wait. An orphan of a script is no news to the master. */
static int
dff_zygote_reap(dff_zygote_t *zygote, dff_err_t *err)
{
    struct rusage usage;
    siginfo_t     info;
    int           status;
    size_t        begin;
    bool          reaped = false;

    for ( ;; ) {
        info.si_pid = 0;
        if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0)
            break;
        (void) kill(-info.si_pid, SIGKILL);
        if (wait4(info.si_pid, &status, 0, &usage) != info.si_pid)
            return dff_err_set(err, DFF_E_SYS, "wait for worker %d: %s", (int) info.si_pid,
                               strerror(errno));
        reaped = true;
        if (!dff_zygote_children_has(&zygote->children, info.si_pid))
            continue;
        dff_zygote_children_remove(&zygote->children, info.si_pid);

        begin = dff_frame_begin(&zygote->out, DFF_FRAME_CHILD_EXIT, 0);
        dff_frame_put_u32(&zygote->out, (uint32_t) info.si_pid);
        dff_frame_put_u32(&zygote->out, (uint32_t) status);
        dff_frame_put_u64(&zygote->out, (uint64_t) usage.ru_maxrss);
        dff_frame_end(&zygote->out, begin);
    }
    if (reaped)      /* once for all: each look reads all children */
        dff_zygote_children_end_orphans(&zygote->children);
    return DFF_OK;
}

/* --- start and loop ------------------------------------------------------------ */

/* stdin and stdout are /dev/null; a closed stderr would become someone's socket. */
static int
dff_zygote_stdio(int control_fd, dff_err_t *err)
{
    int fd;

    if (control_fd <= STDERR_FILENO)
        return dff_err_set(err, DFF_E_SYS, "the control socket must not be descriptor %d",
                           control_fd);
    fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (fd == -1 || dup2(fd, STDIN_FILENO) == -1 || dup2(fd, STDOUT_FILENO) == -1)
        return dff_err_set(err, DFF_E_SYS, "/dev/null as stdin and stdout: %s", strerror(errno));
    if (fcntl(STDERR_FILENO, F_GETFD) == -1 && dup2(fd, STDERR_FILENO) == -1)
        return dff_err_set(err, DFF_E_SYS, "/dev/null as stderr: %s", strerror(errno));
    if (fd > STDERR_FILENO)
        (void) close(fd);
    if (chdir("/") != 0)
        return dff_err_set(err, DFF_E_SYS, "chdir(/): %s", strerror(errno));
    if (fcntl(control_fd, F_SETFD, FD_CLOEXEC) == -1)
        return dff_err_set(err, DFF_E_SYS, "control socket %d: %s", control_fd, strerror(errno));
    return DFF_OK;
}

/* Called before any child exists, so that no SIGCHLD is missed. */
static int
dff_zygote_signals(dff_zygote_t *zygote, dff_err_t *err)
{
    sigset_t child;

    /* As an ordinary Python: a closed pipe is an exception. */
    if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
        return dff_err_set(err, DFF_E_SYS, "SIGPIPE: %s", strerror(errno));
    (void) sigemptyset(&child);
    (void) sigaddset(&child, SIGCHLD);
    if (sigprocmask(SIG_BLOCK, &child, &zygote->signal_mask) != 0)
        return dff_err_set(err, DFF_E_SYS, "sigprocmask: %s", strerror(errno));
    zygote->signals = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
    if (zygote->signals == -1)
        return dff_err_set(err, DFF_E_SYS, "signalfd: %s", strerror(errno));
    return DFF_OK;
}

/* Waits for the first frame. 0: the master has closed before it. */
static int
dff_zygote_read_settings(dff_zygote_t *zygote, dff_err_t *err)
{
    dff_frame_head_t head;
    dff_str_t        payload, json;
    int              rc;

    for ( ;; ) {
        rc = dff_frame_peek((dff_str_t) { zygote->in.data, zygote->in.len }, &head, &payload, err);
        if (rc != 0)
            break;
        rc = dff_zygote_receive(zygote, err);
        if (rc != 1)
            return rc;
    }
    if (rc < 0)
        return DFF_ERROR;
    if (head.type != DFF_FRAME_SETTINGS || dff_frame_get_str(&payload, &json) != DFF_OK)
        return dff_err_set(err, DFF_E_SYS, "the first frame is not SETTINGS but of type %u",
                           (unsigned) head.type);
    rc = dff_settings_read(&zygote->settings, json, err);
    dff_buf_consume(&zygote->in, sizeof(head) + head.size);
    return rc == DFF_OK ? 1 : DFF_ERROR;
}

/* The FORK frames that are complete. */
static int
dff_zygote_frames(dff_zygote_t *zygote, dff_err_t *err)
{
    dff_frame_head_t head;
    dff_str_t        payload;
    int              rc;

    for ( ;; ) {
        rc = dff_frame_peek((dff_str_t) { zygote->in.data, zygote->in.len }, &head, &payload, err);
        if (rc != 1)
            return rc;
        if (head.type != DFF_FRAME_FORK)
            return dff_err_set(err, DFF_E_SYS, "unexpected frame of type %u", (unsigned) head.type);
        if (dff_zygote_on_fork(zygote, payload, err) != DFF_OK)
            return DFF_ERROR;
        dff_buf_consume(&zygote->in, sizeof(head) + head.size);
    }
}

static int
dff_zygote_loop(dff_zygote_t *zygote, dff_err_t *err)
{
    enum { CONTROL, SIGNALS, POLLED };
    struct pollfd           polled[POLLED] = {
        [CONTROL] = { .fd = zygote->control, .events = POLLIN },
        [SIGNALS] = { .fd = zygote->signals, .events = POLLIN },
    };
    struct signalfd_siginfo drained;
    int                     rc;

    for ( ;; ) {
        if (dff_zygote_frames(zygote, err) != DFF_OK || dff_zygote_reap(zygote, err) != DFF_OK
            || dff_zygote_send(zygote, err) != DFF_OK)
        {
            return DFF_ERROR;
        }
        if (poll(polled, POLLED, -1) == -1) {
            if (errno == EINTR)
                continue;
            return dff_err_set(err, DFF_E_SYS, "poll: %s", strerror(errno));
        }
        while (polled[SIGNALS].revents != 0
               && read(zygote->signals, &drained, sizeof(drained)) == (ssize_t) sizeof(drained))
        {
            /* reaped above: several ends may have come as one signal */
        }
        if (polled[CONTROL].revents != 0) {
            rc = dff_zygote_receive(zygote, err);
            if (rc != 1)
                return rc;
        }
    }
}

/* 1: ready to fork; 0: the master has closed. */
static int
dff_zygote_start(dff_zygote_t *zygote, dff_err_t *err)
{
    int rc;

    if (dff_zygote_stdio(zygote->control, err) != DFF_OK)
        return DFF_ERROR;
    /* Away from the master's terminal and process group: Ctrl-C is the master's to
     * hear, which then lets the workers finish. */
    (void) setsid();
    (void) prctl(PR_SET_NAME, "dff-zygote");
    (void) prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);      /* see dff_zygote_children.h */
    rc = dff_zygote_read_settings(zygote, err);
    if (rc != 1)
        return rc;
    if (dff_privileges_drop(zygote->settings.worker_user, err) != DFF_OK
        || dff_zygote_signals(zygote, err) != DFF_OK
        || dff_python_start(&zygote->worker.py, &zygote->settings, err) != DFF_OK)
    {
        return DFF_ERROR;
    }
    zygote->worker.settings = &zygote->settings;
    return 1;
}

int
dff_zygote_main(int control_fd)
{
    dff_zygote_t zygote = {
        .control = control_fd,
        .signals = -1,
        .worker = { .sock = -1 },
    };
    dff_err_t err;
    int       rc;

    rc = dff_zygote_start(&zygote, &err);
    if (rc == 1)
        rc = dff_zygote_loop(&zygote, &err);
    if (rc != DFF_OK)
        dprintf(STDERR_FILENO, "dff zygote: %s\n", err.message);
    dff_zygote_children_end(&zygote.children);

    /* Not by exit(): the interpreter stays as it is, with nothing to be saved. */
    _exit(rc == DFF_OK ? 0 : 1);
}
