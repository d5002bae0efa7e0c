/* The api processes as the master sees them. Runs in the master. */
#include "dff_api_proc.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dff_api_fd.h"
#include "dff_time.h"

#include "master/dff_api_socket.h"
#include "master/dff_spawn.h"

#include "dff_banned.h"

#define DFF_API_BACKOFF_MIN_MS   100
#define DFF_API_BACKOFF_MAX_MS  5000
#define DFF_API_SOUND_MS       10000      /* lived that long: no backoff */
#define DFF_API_FD_MIN            16      /* as dff_spawn.h wants them */
#define DFF_API_KEPT               3      /* settings that come from us, not from the file */

typedef enum {
    DFF_API_STARTING,
    DFF_API_UP,            /* has said DFF_API_READY */
    DFF_API_LEAVING        /* its control socket is closed */
} dff_api_proc_state_t;

typedef struct dff_api_proc_s {
    TAILQ_ENTRY(dff_api_proc_s) all;
    dff_api_procs_t     *procs;
    dff_api_proc_state_t state;
    pid_t                pid;
    int                  fd;            /* control; -1: LEAVING */
    struct event        *read_event;
    int64_t              born_ms;       /* monotonic */
    int64_t              kill_at_ms;    /* LEAVING */
} dff_api_proc_t;

struct dff_api_procs_s {
    dff_master_t     *master;
    dff_api_sockets_t sockets;
    char            **envp;             /* of each process: ours, and then kept */
    char             *kept[DFF_API_KEPT];
    struct event     *timer;            /* backoff */
    int               backoff_ms;
    bool              stopped;
    uint64_t          restarts;         /* of those that died */
    TAILQ_HEAD(, dff_api_proc_s) all;
};

static void dff_api_procs_on_timer(evutil_socket_t fd, short what, void *ctx);

/* The environment is passed on: DFF_<KEY> overrides the file there as it does here. So does, as
 * the last one of a key counts, what the master goes on with until a restart, whatever the file
 * says by then: services.sock answers the workers' user alone, and files are told by node. */
static int
dff_api_procs_init_environment(dff_api_procs_t *procs, dff_err_t *err)
{
    const dff_config_t *cfg = procs->master->cfg;
    const char *const   settings[DFF_API_KEPT][2] = {
        { "_NODE_NAME", procs->master->node },
        { "_RUN_PATH", cfg->run_path },
        { "_WORKER_USER", cfg->worker_user },
    };
    size_t              ours = 0, i;

    while (environ[ours] != NULL)
        ours++;
    procs->envp = calloc(ours + DFF_API_KEPT + 1, sizeof(*procs->envp));
    if (procs->envp == NULL)
        return dff_err_set(err, DFF_E_SYS, "out of memory");
    memcpy(procs->envp, environ, ours * sizeof(*procs->envp));
    for (i = 0; i < DFF_API_KEPT; i++) {
        if (asprintf(&procs->kept[i], "DFF_%s=%s", settings[i][0], settings[i][1]) < 0) {
            procs->kept[i] = NULL;
            return dff_err_set(err, DFF_E_SYS, "out of memory");
        }
        procs->envp[ours + i] = procs->kept[i];
    }
    return DFF_OK;
}

dff_api_procs_t *
dff_api_procs_new(dff_master_t *master, dff_err_t *err)
{
    dff_api_procs_t *procs = calloc(1, sizeof(*procs));

    if (procs == NULL) {
        (void) dff_err_set(err, DFF_E_SYS, "out of memory");
        return NULL;
    }
    procs->master = master;
    procs->sockets = DFF_API_SOCKETS_INIT;
    procs->backoff_ms = DFF_API_BACKOFF_MIN_MS;
    procs->stopped = true;
    TAILQ_INIT(&procs->all);
    procs->timer = evtimer_new(master->base, dff_api_procs_on_timer, procs);
    if (procs->timer == NULL)
        (void) dff_err_set(err, DFF_E_SYS, "out of memory");
    else if (dff_api_procs_init_environment(procs, err) == DFF_OK
             && dff_api_sockets_open(&procs->sockets, master->cfg, err) == DFF_OK)
        return procs;
    dff_api_procs_free(procs);
    return NULL;
}

/* Closes our end of the control socket; the process leaves by that. */
static void
dff_api_proc_close(dff_api_proc_t *proc)
{
    if (proc->read_event != NULL)
        event_free(proc->read_event);
    proc->read_event = NULL;
    if (proc->fd >= 0)
        (void) close(proc->fd);
    proc->fd = -1;
}

static void
dff_api_proc_remove(dff_api_proc_t *proc)
{
    TAILQ_REMOVE(&proc->procs->all, proc, all);
    dff_api_proc_close(proc);
    free(proc);
}

void
dff_api_procs_free(dff_api_procs_t *procs)
{
    dff_api_proc_t *proc;
    size_t          i;

    if (procs == NULL)
        return;
    while ((proc = TAILQ_FIRST(&procs->all)) != NULL)
        dff_api_proc_remove(proc);
    if (procs->timer != NULL)
        event_free(procs->timer);
    dff_api_sockets_close(&procs->sockets, procs->master->cfg);
    for (i = 0; i < DFF_API_KEPT; i++)
        free(procs->kept[i]);
    free(procs->envp);
    free(procs);
}

/* --- starting ------------------------------------------------------------- */

static void
dff_api_procs_again_later(dff_api_procs_t *procs)
{
    struct timeval after = { procs->backoff_ms / 1000, procs->backoff_ms % 1000 * 1000 };

    if (procs->stopped)
        return;
    if (evtimer_pending(procs->timer, NULL))
        return;
    (void) evtimer_add(procs->timer, &after);
    procs->backoff_ms *= 2;
    if (procs->backoff_ms > DFF_API_BACKOFF_MAX_MS)
        procs->backoff_ms = DFF_API_BACKOFF_MAX_MS;
}

static void
dff_api_proc_on_readable(evutil_socket_t fd, short what, void *ctx)
{
    dff_api_proc_t *proc = ctx;
    char            byte;
    ssize_t         n = recv(fd, &byte, 1, 0);

    (void) what;
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n == 1 && byte == DFF_API_READY) {
        proc->state = DFF_API_UP;
        dff_log_info(&proc->procs->master->log, NULL, "api process %d serves", (int) proc->pid);
        return;
    }
    /* Its end: wait4() tells how. */
    (void) event_del(proc->read_event);
}

static int
dff_api_proc_spawn(dff_api_proc_t *proc, int control)
{
    const dff_api_procs_t *procs = proc->procs;
    char                  *path = (char *) procs->master->options.config_path;
    char                  *argv[] = { "dff-executor", "--api", "--config", path, NULL };
    const dff_spawn_fd_t   fds[] = {
        { procs->sockets.scgi, DFF_API_FD_SCGI },
        { procs->sockets.services, DFF_API_FD_SERVICES },
        { control, DFF_API_FD_CONTROL },
    };
    const dff_spawn_t      spawn = { argv, procs->envp, fds, sizeof(fds) / sizeof(fds[0]) };

    return dff_spawn_self(&spawn, &proc->pid);
}

static int
dff_api_proc_begin(dff_api_proc_t *proc, dff_err_t *err)
{
    dff_master_t *master = proc->procs->master;
    int           pair[2] = { -1, -1 }, high = -1, rc = DFF_ERROR, failed;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0
        || evutil_make_socket_nonblocking(pair[0]) != 0
        || (high = fcntl(pair[1], F_DUPFD_CLOEXEC, DFF_API_FD_MIN)) < 0) {
        (void) dff_err_set(err, DFF_E_SYS, "socketpair: %s", strerror(errno));
        goto done;
    }
    proc->read_event = event_new(master->base, pair[0], EV_READ | EV_PERSIST,
                                 dff_api_proc_on_readable, proc);
    if (proc->read_event == NULL || event_add(proc->read_event, NULL) != 0) {
        (void) dff_err_set(err, DFF_E_SYS, "out of memory");
        goto done;
    }
    failed = dff_api_proc_spawn(proc, high);
    if (failed != 0) {
        (void) dff_err_set(err, DFF_E_SYS, "posix_spawn of /proc/self/exe: %s", strerror(failed));
        goto done;
    }
    proc->fd = pair[0];
    pair[0] = -1;
    proc->born_ms = dff_time_monotonic_ms();
    rc = DFF_OK;

done:
    if (rc != DFF_OK && proc->read_event != NULL) {
        event_free(proc->read_event);
        proc->read_event = NULL;
    }
    if (pair[0] >= 0)
        (void) close(pair[0]);
    if (pair[1] >= 0)
        (void) close(pair[1]);
    if (high >= 0)
        (void) close(high);
    return rc;
}

static int
dff_api_procs_add(dff_api_procs_t *procs)
{
    dff_api_proc_t *proc = calloc(1, sizeof(*proc));
    dff_err_t       err;

    (void) dff_err_set(&err, DFF_E_SYS, "out of memory");
    if (proc != NULL) {
        proc->procs = procs;
        proc->fd = -1;
        if (dff_api_proc_begin(proc, &err) == DFF_OK) {
            TAILQ_INSERT_TAIL(&procs->all, proc, all);
            return DFF_OK;
        }
        free(proc);
    }
    dff_log_error(&procs->master->log, NULL, "an api process cannot be started: %s", err.message);
    return DFF_ERROR;
}

static int64_t
dff_api_procs_count(const dff_api_procs_t *procs, bool leaving)
{
    const dff_api_proc_t *proc;
    int64_t               count = 0;

    TAILQ_FOREACH(proc, &procs->all, all)
        count += leaving || proc->state != DFF_API_LEAVING;
    return count;
}

void
dff_api_procs_start(dff_api_procs_t *procs)
{
    procs->stopped = false;
    while (dff_api_procs_count(procs, false) < procs->master->cfg->api_processes) {
        if (dff_api_procs_add(procs) != DFF_OK) {
            dff_api_procs_again_later(procs);
            return;
        }
    }
}

static void
dff_api_procs_on_timer(evutil_socket_t fd, short what, void *ctx)
{
    dff_api_procs_t *procs = ctx;

    (void) fd;
    (void) what;
    if (!procs->stopped)
        dff_api_procs_start(procs);
}

/* --- ending --------------------------------------------------------------- */

static void
dff_api_procs_leave(dff_api_procs_t *procs)
{
    int64_t         kill_at_ms = dff_time_monotonic_ms() + DFF_API_LEAVE_MS;
    dff_api_proc_t *proc;

    TAILQ_FOREACH(proc, &procs->all, all) {
        if (proc->state == DFF_API_LEAVING)
            continue;
        proc->state = DFF_API_LEAVING;
        proc->kill_at_ms = kill_at_ms;
        dff_api_proc_close(proc);
    }
}

void
dff_api_procs_restart(dff_api_procs_t *procs)
{
    if (procs->stopped)
        return;
    dff_api_procs_leave(procs);
    dff_api_procs_start(procs);
}

void
dff_api_procs_stop(dff_api_procs_t *procs, bool hurry)
{
    dff_api_proc_t *proc;

    procs->stopped = true;
    (void) evtimer_del(procs->timer);
    dff_api_procs_leave(procs);
    if (!hurry)
        return;
    TAILQ_FOREACH(proc, &procs->all, all)
        (void) kill(proc->pid, SIGKILL);
}

bool
dff_api_procs_empty(const dff_api_procs_t *procs)
{
    return TAILQ_EMPTY(&procs->all);
}

void
dff_api_procs_tick(dff_api_procs_t *procs)
{
    int64_t         now_ms = dff_time_monotonic_ms();
    dff_api_proc_t *proc;

    TAILQ_FOREACH(proc, &procs->all, all) {
        if (proc->state != DFF_API_LEAVING || now_ms < proc->kill_at_ms)
            continue;
        dff_log_warn(&procs->master->log, NULL, "api process %d does not end within %d s: killed",
                     (int) proc->pid, DFF_API_LEAVE_MS / 1000);
        (void) kill(proc->pid, SIGKILL);
        proc->kill_at_ms = now_ms + DFF_API_LEAVE_MS;
    }
}

bool
dff_api_procs_exited(dff_api_procs_t *procs, pid_t pid, int status)
{
    dff_log_t      *log = &procs->master->log;
    dff_api_proc_t *proc;
    bool            wanted, sound;

    TAILQ_FOREACH(proc, &procs->all, all) {
        if (proc->pid == pid)
            break;
    }
    if (proc == NULL)
        return false;

    wanted = proc->state == DFF_API_LEAVING;
    sound = dff_time_monotonic_ms() - proc->born_ms > DFF_API_SOUND_MS;
    dff_api_proc_remove(proc);
    if (wanted)
        return true;
    if (WIFSIGNALED(status))
        dff_log_error(log, NULL, "api process %d was killed by signal %d", (int) pid,
                      WTERMSIG(status));
    else
        dff_log_error(log, NULL, "api process %d exited with status %d", (int) pid,
                      WEXITSTATUS(status));
    procs->restarts++;
    if (sound)
        procs->backoff_ms = DFF_API_BACKOFF_MIN_MS;
    dff_api_procs_again_later(procs);
    return true;
}

/* --- heartbeat ------------------------------------------------------------- */

void
dff_api_procs_report(const dff_api_procs_t *procs, dff_buf_t *out)
{
    const dff_api_proc_t *proc;
    const char           *comma = "";
    int                   ready = 0;

    TAILQ_FOREACH(proc, &procs->all, all)
        ready += proc->state == DFF_API_UP;
    dff_buf_addf(out, "{\"wanted\":%lld,\"ready\":%d,\"restarts\":%llu,\"pids\":[",
                 (long long) procs->master->cfg->api_processes, ready,
                 (unsigned long long) procs->restarts);
    TAILQ_FOREACH(proc, &procs->all, all) {
        dff_buf_addf(out, "%s%d", comma, (int) proc->pid);
        comma = ",";
    }
    dff_buf_add_str(out, DFF_STR("]}"));
}
