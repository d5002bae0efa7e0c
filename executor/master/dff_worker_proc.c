/* One worker process as the master sees it. Runs in the master. */
#include "dff_worker_proc.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dff_time.h"

#include "master/dff_pool.h"
#include "master/dff_run.h"
#include "master/dff_zygote_proc.h"

#include "dff_banned.h"

static const char *const dff_worker_states[] = {
    [DFF_WORKER_FORKING] = "forking",
    [DFF_WORKER_IDLE] = "idle",
    [DFF_WORKER_RESERVED] = "reserved",
    [DFF_WORKER_BUSY] = "busy",
    [DFF_WORKER_LEAVING] = "leaving",
    [DFF_WORKER_KILLED] = "killed",
    [DFF_WORKER_DYING] = "dying",
};
_Static_assert(sizeof(dff_worker_states) / sizeof(char *) == DFF_WORKER_STATE_COUNT, "names");

#define S(state)  (1u << DFF_WORKER_##state)

/* From which states a state may be entered. */
static const unsigned dff_worker_moves[] = {
    [DFF_WORKER_FORKING] = 0,
    [DFF_WORKER_IDLE] = S(FORKING) | S(RESERVED) | S(BUSY),
    [DFF_WORKER_RESERVED] = S(IDLE),
    [DFF_WORKER_BUSY] = S(RESERVED) | S(IDLE),
    [DFF_WORKER_LEAVING] = S(FORKING) | S(IDLE) | S(RESERVED) | S(BUSY),
    [DFF_WORKER_KILLED] = S(FORKING) | S(IDLE) | S(RESERVED) | S(BUSY) | S(LEAVING),
    [DFF_WORKER_DYING] = ~0u,
};

#undef S

static void dff_worker_on_timer(evutil_socket_t fd, short what, void *ctx);

static bool
dff_worker_is_ready(dff_worker_state_t state)
{
    return state >= DFF_WORKER_IDLE && state <= DFF_WORKER_BUSY;
}

/* The one place where the state changes; keeps the group's numbers. */
static void
dff_worker_move(dff_worker_proc_t *worker, dff_worker_state_t state)
{
    dff_group_t *group = worker->group;
    bool         was_counted = worker->counted;

    if ((dff_worker_moves[state] & (1u << worker->state)) == 0) {
        dff_log_error(&worker->master->log, NULL, "bug: worker %d goes from %s to %s",
                      (int) worker->pid, dff_worker_states[worker->state],
                      dff_worker_states[state]);
    }

    if (worker->state == DFF_WORKER_IDLE)
        TAILQ_REMOVE(&group->idle, worker, idle);
    if (state == DFF_WORKER_IDLE) {
        TAILQ_INSERT_HEAD(&group->idle, worker, idle);
        worker->idle_since_ms = dff_time_monotonic_ms();
    }
    group->ready += dff_worker_is_ready(state) - dff_worker_is_ready(worker->state);
    group->busy += (state == DFF_WORKER_BUSY) - (worker->state == DFF_WORKER_BUSY);
    worker->counted = state <= DFF_WORKER_BUSY;
    group->live += worker->counted - was_counted;
    worker->state = state;
}

/* --- making and freeing --------------------------------------------------- */

static void
dff_worker_free(dff_worker_proc_t *worker)
{
    dff_group_t *group = worker->group;

    if (worker->state == DFF_WORKER_IDLE)
        TAILQ_REMOVE(&group->idle, worker, idle);
    group->live -= worker->counted;
    group->busy -= worker->state == DFF_WORKER_BUSY;
    group->ready -= dff_worker_is_ready(worker->state);
    TAILQ_REMOVE(&group->workers, worker, all);
    dff_zygote_proc_hold(worker->zygote, -1);

    if (worker->read_event != NULL)
        event_free(worker->read_event);
    if (worker->write_event != NULL)
        event_free(worker->write_event);
    if (worker->timer != NULL)
        event_free(worker->timer);
    dff_black_box_unmap(worker->box);
    (void) close(worker->fd);
    dff_buf_release(&worker->in);
    dff_buf_release(&worker->out);
    dff_worker_scripts_release(&worker->scripts);
    free(worker);
}

dff_worker_proc_t *
dff_worker_proc_new(dff_group_t *group, uint32_t tag)
{
    dff_master_t      *master = group->master;
    dff_worker_proc_t *worker;
    dff_err_t          err;
    int                pair[2], box;

    worker = calloc(1, sizeof(*worker));
    if (worker == NULL)
        return NULL;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
        dff_log_error(&master->log, NULL, "socketpair for a worker: %s", strerror(errno));
        free(worker);
        return NULL;
    }
    if (dff_black_box_make(&box, &err) != DFF_OK) {
        dff_log_error(&master->log, NULL, "a worker: %s", err.message);
        (void) close(pair[0]);
        (void) close(pair[1]);
        free(worker);
        return NULL;
    }

    worker->master = master;
    worker->box = dff_black_box_map(box);
    worker->group = group;
    worker->zygote = master->zygote;
    dff_zygote_proc_hold(worker->zygote, 1);
    worker->tag = tag;
    worker->fd = pair[0];
    worker->state = DFF_WORKER_FORKING;
    TAILQ_INSERT_TAIL(&group->workers, worker, all);
    worker->read_event = event_new(master->base, worker->fd, EV_READ | EV_PERSIST,
                                   dff_worker_proc_on_readable, worker);
    worker->write_event = event_new(master->base, worker->fd, EV_WRITE | EV_PERSIST,
                                    dff_worker_proc_on_writable, worker);
    worker->timer = evtimer_new(master->base, dff_worker_on_timer, worker);

    /* Only our end: the worker's own end blocks. */
    if (worker->read_event == NULL || worker->write_event == NULL || worker->timer == NULL
        || evutil_make_socket_nonblocking(pair[0]) != 0 || event_add(worker->read_event, NULL) != 0
        || dff_zygote_proc_fork(worker->zygote, tag, pair[1], box) != DFF_OK) {
        (void) close(pair[1]);
        (void) close(box);
        dff_worker_free(worker);
        return NULL;
    }
    worker->counted = true;
    group->live++;
    dff_worker_proc_set_timer(worker, DFF_WORKER_READY_MS);
    return worker;
}

void
dff_worker_proc_discard(dff_worker_proc_t *worker)
{
    dff_worker_free(worker);
}

void
dff_worker_proc_set_timer(dff_worker_proc_t *worker, int64_t ms)
{
    struct timeval after = { ms / 1000, (ms % 1000) * 1000 };

    (void) evtimer_add(worker->timer, &after);
}

/* --- death ---------------------------------------------------------------- */

static void
dff_worker_describe_end(const dff_worker_proc_t *worker, char *text, size_t size)
{
    int status = worker->wait_status;

    if (!worker->has_status)
        (void) snprintf(text, size, "closed its socket");
    else if (WIFSIGNALED(status))
        (void) snprintf(text, size, "was killed by signal %d (SIG%s)", WTERMSIG(status),
                        sigabbrev_np(WTERMSIG(status)) != NULL
                        ? sigabbrev_np(WTERMSIG(status)) : "?");
    else
        (void) snprintf(text, size, "exited with status %d", WEXITSTATUS(status));
}

/* What it runs, while the run is still there. */
static void
dff_worker_note_run(dff_worker_proc_t *worker)
{
    const dff_run_t *run = worker->run;
    size_t           len = strlen(worker->evidence);

    if (run == NULL || run->state != DFF_RUN_RUNNING || worker->task_id[0] != '\0')
        return;
    (void) snprintf(worker->task_id, sizeof(worker->task_id), "%.*s", (int) run->job.id.len,
                    run->job.id.data);
    (void) snprintf(worker->evidence + len, sizeof(worker->evidence) - len,
                    "%sit ran %.*s (task %s, origin %.*s) for %lld ms", len > 0 ? "; " : "",
                    (int) run->job.func_id.len, run->job.func_id.data, worker->task_id,
                    (int) run->job.origin_id.len, run->job.origin_id.data,
                    (long long) (dff_time_now_ms() - run->started_at_ms));
}

/* Everything that is known of its end, in one event. */
static void
dff_worker_log_end(const dff_worker_proc_t *worker, const char *how)
{
    dff_buf_t box = DFF_BUF_INIT;
    bool      ran = worker->task_id[0] != '\0';

    if (ran)
        dff_black_box_tell(worker->box, &box);
    dff_log_error(&worker->master->log, ran ? worker->task_id : NULL,
                  "worker %d of group %s %s; peak RSS %llu KiB%s%s%.*s", (int) worker->pid,
                  worker->group->name, how, (unsigned long long) worker->peak_rss_kib,
                  worker->evidence[0] != '\0' ? "; " : "", worker->evidence, (int) box.len,
                  box.len > 0 ? box.data : "");
    dff_buf_release(&box);
}

static void
dff_worker_dead(dff_worker_proc_t *worker)
{
    dff_master_t *master = worker->master;
    dff_group_t  *group = worker->group;
    dff_run_t    *run = worker->run;
    bool          wanted = worker->recycle || master->state >= DFF_MASTER_ENDING;
    bool          killed = worker->evidence[0] != '\0' && !master->hurry;
    char          how[96], full[160];

    dff_worker_describe_end(worker, how, sizeof(how));
    if (!worker->has_status && worker->pid > 0)
        (void) kill(worker->pid, SIGKILL);       /* deaf to us, whatever it still does */

    if (!worker->ready)
        group->young_deaths++;
    dff_worker_note_run(worker);
    if (killed || worker->task_id[0] != '\0' || (!wanted && run == NULL))
        dff_worker_log_end(worker, how);
    if (!wanted)
        master->counters.worker_restarts++;

    worker->run = NULL;
    if (run != NULL) {
        (void) snprintf(full, sizeof(full), "worker %d %s", (int) worker->pid, how);
        dff_run_worker_lost(run, full);
    }
    dff_worker_free(worker);
}

/* A job that it was to have and has not got goes to another. */
static void
dff_worker_let_go(dff_worker_proc_t *worker)
{
    if (worker->run == NULL || worker->run->state == DFF_RUN_RUNNING)
        return;
    worker->run->worker = NULL;
    worker->run = NULL;
}

/* One half of the death is there; waits a moment for the other. */
static void
dff_worker_half_dead(dff_worker_proc_t *worker)
{
    if (worker->has_eof && worker->has_status) {
        dff_worker_dead(worker);
        return;
    }
    dff_worker_let_go(worker);
    if (worker->state != DFF_WORKER_DYING)
        dff_worker_move(worker, DFF_WORKER_DYING);
    dff_worker_proc_set_timer(worker, DFF_WORKER_HALVES_MS);
}

void
dff_worker_proc_deaf(dff_worker_proc_t *worker)
{
    worker->run = NULL;
    dff_worker_half_dead(worker);
}

void
dff_worker_proc_eof(dff_worker_proc_t *worker)
{
    worker->has_eof = true;
    (void) event_del(worker->read_event);
    (void) event_del(worker->write_event);
    dff_worker_half_dead(worker);
}

void
dff_worker_proc_exited(dff_worker_proc_t *worker, int status, uint64_t peak_rss_kib)
{
    worker->has_status = true;
    worker->wait_status = status;
    worker->peak_rss_kib = peak_rss_kib;
    dff_worker_half_dead(worker);
}

/* With all that its scripts have started: what that takes of the processors would hold
 * up its end. */
static void
dff_worker_end(dff_worker_proc_t *worker)
{
    (void) evtimer_del(worker->timer);
    dff_worker_let_go(worker);
    dff_worker_move(worker, DFF_WORKER_KILLED);

    /* Without a pid the end of the socket has to do. */
    if (worker->pid > 0) {
        (void) kill(-worker->pid, SIGKILL);
        (void) kill(worker->pid, SIGKILL);      /* it may have left its group */
    } else {
        (void) shutdown(worker->fd, SHUT_RDWR);
    }
}

void
dff_worker_proc_kill(dff_worker_proc_t *worker, const char *why)
{
    if (worker->state >= DFF_WORKER_KILLED)
        return;
    (void) snprintf(worker->evidence, sizeof(worker->evidence), "%s", why);
    dff_worker_note_run(worker);
    dff_worker_end(worker);
}

/* --- states --------------------------------------------------------------- */

static void
dff_worker_check_ready(dff_worker_proc_t *worker)
{
    if (worker->state != DFF_WORKER_FORKING || !worker->ready || worker->pid == 0)
        return;
    worker->group->young_deaths = 0;
    (void) evtimer_del(worker->timer);
    dff_worker_move(worker, DFF_WORKER_IDLE);
    if (worker->recycle)
        dff_worker_proc_leave(worker);
}

void
dff_worker_proc_ready(dff_worker_proc_t *worker)
{
    worker->ready = true;
    dff_worker_check_ready(worker);
}

void
dff_worker_proc_forked(dff_worker_proc_t *worker, pid_t pid, dff_str_t error)
{
    if (pid == 0) {
        dff_log_error(&worker->master->log, NULL, "fork of a worker for group %s: %.*s",
                      worker->group->name, (int) error.len, error.data);
        worker->group->young_deaths++;
        dff_worker_free(worker);
        return;
    }
    worker->pid = pid;
    dff_worker_check_ready(worker);
}

void
dff_worker_proc_reserve(dff_worker_proc_t *worker, dff_run_t *run)
{
    worker->run = run;
    dff_worker_move(worker, DFF_WORKER_RESERVED);
}

void
dff_worker_proc_busy(dff_worker_proc_t *worker, dff_run_t *run)
{
    worker->run = run;
    dff_worker_move(worker, DFF_WORKER_BUSY);
}

void
dff_worker_proc_release(dff_worker_proc_t *worker)
{
    worker->run = NULL;
    if (worker->state != DFF_WORKER_RESERVED && worker->state != DFF_WORKER_BUSY)
        return;                             /* on its way out already */
    (void) evtimer_del(worker->timer);
    dff_worker_move(worker, DFF_WORKER_IDLE);
    if (worker->spent)
        dff_worker_end(worker);
    else if (worker->recycle)
        dff_worker_proc_leave(worker);
}

void
dff_worker_proc_leave(dff_worker_proc_t *worker)
{
    dff_frame_head_t head = { .version = DFF_FRAME_VERSION, .type = DFF_FRAME_EXIT };
    struct iovec     iov = { &head, sizeof(head) };

    worker->recycle = true;
    if (worker->state != DFF_WORKER_IDLE)
        return;
    dff_worker_move(worker, DFF_WORKER_LEAVING);
    (void) dff_worker_proc_send(worker, &iov, 1);
    dff_worker_proc_set_timer(worker, DFF_WORKER_EXIT_MS);
}

static void
dff_worker_on_timer(evutil_socket_t fd, short what, void *ctx)
{
    dff_worker_proc_t *worker = ctx;

    (void) fd;
    (void) what;
    switch (worker->state) {
    case DFF_WORKER_FORKING:
        dff_worker_proc_kill(worker, "it did not become ready in time");
        break;
    case DFF_WORKER_BUSY:
        dff_run_timer(worker->run);
        break;
    case DFF_WORKER_LEAVING:
        dff_worker_proc_kill(worker, "it did not exit in time");
        break;
    case DFF_WORKER_DYING:
        dff_worker_dead(worker);
        break;
    default:
        break;
    }
}
