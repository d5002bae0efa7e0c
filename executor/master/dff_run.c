/* A job from its claim to the worker that runs it; its end: dff_run_end.c. Runs in the master. */
#include "dff_run_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dff_id.h"
#include "dff_time.h"

#include "master/dff_life.h"
#include "master/dff_pool.h"
#include "master/dff_published.h"
#include "master/dff_recovery.h"
#include "master/dff_started.h"
#include "master/dff_turn.h"
#include "master/dff_worker_proc.h"

#include "dff_banned.h"

static const char *const dff_run_states[] = {
    [DFF_RUN_LOADING] = "loading",
    [DFF_RUN_CLAIMED] = "claimed",
    [DFF_RUN_STARTING] = "starting",
    [DFF_RUN_UNSURE] = "unsure",
    [DFF_RUN_STARTED] = "started",
    [DFF_RUN_RUNNING] = "running",
    [DFF_RUN_RETRYING] = "retrying",
};
_Static_assert(sizeof(dff_run_states) / sizeof(char *) == DFF_RUN_STATE_COUNT, "names");

#define S(state)  (1u << DFF_RUN_##state)

static const unsigned dff_run_moves[] = {
    [DFF_RUN_LOADING] = 0,
    [DFF_RUN_CLAIMED] = S(LOADING) | S(STARTING),
    [DFF_RUN_STARTING] = S(CLAIMED) | S(UNSURE),
    [DFF_RUN_UNSURE] = S(STARTING),
    [DFF_RUN_STARTED] = S(STARTING) | S(RUNNING),
    [DFF_RUN_RUNNING] = S(STARTING) | S(STARTED),
    [DFF_RUN_RETRYING] = S(RUNNING),
};

#undef S

static void dff_run_ask_start_again(dff_run_t *run);

void
dff_run_move(dff_run_t *run, dff_run_state_t state)
{
    if ((dff_run_moves[state] & (1u << run->state)) == 0) {
        dff_log_error(&run->master->log, NULL, "bug: task %.*s goes from %s to %s",
                      (int) run->job.id.len, run->job.id.data, dff_run_states[run->state],
                      dff_run_states[state]);
    }
    run->state = state;
}

/* --- claimed -------------------------------------------------------------- */

static void
dff_run_bad(dff_master_t *master, dff_str_t envelope, const char *why)
{
    dff_lua_call_t call;

    master->counters.bad++;
    dff_log_error(&master->log, NULL, "a job of %zu bytes is unreadable (%s); it is kept in %s",
                  envelope.len, why, DFF_KEY_BAD);
    dff_lua_begin(&call);
    dff_lua_key(&call, master->key_claimed, master->key_claimed_len);
    dff_lua_key(&call, DFF_KEY_BAD, sizeof(DFF_KEY_BAD) - 1);
    dff_lua_arg(&call, envelope.data, envelope.len);
    dff_lua_arg(&call, DFF_BAD_KEEP, sizeof(DFF_BAD_KEEP) - 1);
    /* Text form: it is rare, and so needs no second try. What a broken connection
     * leaves in claimed:<node> is found by the sweep. */
    (void) dff_lua_run(&master->lua, DFF_LUA_BAD, DFF_LUA_TEXT, &call, master->command, NULL,
                       NULL);
}

void
dff_run_claimed(dff_master_t *master, dff_group_t *group, dff_str_t envelope)
{
    dff_run_t *run = malloc(sizeof(*run) + envelope.len + 1);
    dff_err_t  err;

    master->counters.claimed++;
    if (run == NULL) {
        dff_log_error(&master->log, NULL, "no memory for a job of %zu bytes; it stays claimed",
                      envelope.len);
        return;
    }
    memset(run, 0, sizeof(*run));
    memcpy(run->envelope, envelope.data, envelope.len);
    run->envelope[envelope.len] = '\0';
    run->size = envelope.len;
    if (dff_job_decode((dff_str_t) { run->envelope, run->size }, &run->job, &err) != DFF_OK) {
        dff_run_bad(master, envelope, err.message);
        free(run);
        return;
    }
    if (dff_life_knows(master, &run->job, envelope)) {
        free(run);
        return;
    }

    run->master = master;
    run->group = group;
    run->state = DFF_RUN_LOADING;
    group->held++;
    TAILQ_INSERT_TAIL(&master->runs, run, all);
    if (dff_run_expired(run))
        return;
    if (run->job.kind != DFF_JOB_CALL || dff_published_want(master->published, run))
        dff_run_script_ready(run);
}

void
dff_run_script_ready(dff_run_t *run)
{
    dff_run_move(run, DFF_RUN_CLAIMED);
    run->waits_since_ms = dff_time_monotonic_ms();
    TAILQ_INSERT_TAIL(&run->group->waiting, run, line);
}

int
dff_run_give_back(dff_run_t *run)
{
    dff_master_t *master = run->master;

    /* A job of this node alone could be run nowhere else. */
    if (run->job.node.len > 0
        || dff_recovery_give_back_one(master, &run->job, (dff_str_t) { run->envelope, run->size })
           != DFF_OK)
        return DFF_ERROR;
    /* Should the connection break now the sweep finds it, as nobody's. */
    dff_run_free(run);
    return DFF_OK;
}

void
dff_run_script_missing(dff_run_t *run)
{
    dff_str_t script = dff_id_func_script(run->job.func_id);
    char      einfo[DFF_FUNC_ID_MAX + 96];

    (void) snprintf(einfo, sizeof(einfo), run->job.script_version > 0
                    ? "NotFoundException: script %.*s is not published (version %d)"
                    : "NotFoundException: script %.*s is not published", (int) script.len,
                    script.data, run->job.script_version);
    dff_run_fail(run, DFF_STATUS_FAILURE, "NotFoundException", einfo);
}

bool
dff_run_expired(dff_run_t *run)
{
    int64_t now_ms;
    char    einfo[128];

    if (run->job.expires_at_ms == 0)
        return false;
    now_ms = dff_time_now_ms();
    if (now_ms < run->job.expires_at_ms)
        return false;
    (void) snprintf(einfo, sizeof(einfo), "TaskExpired: the task waited %lld s in queue %d and "
                    "was not started", (long long) (now_ms - run->job.queued_at_ms) / 1000,
                    run->job.queue);
    dff_run_fail(run, DFF_STATUS_EXPIRED, "TaskExpired", einfo);
    return true;
}

/* --- starting ------------------------------------------------------------- */

int
dff_run_start(dff_run_t *run, dff_worker_proc_t *worker)
{
    if (!dff_redis_link_ready(run->master->command))
        return DFF_ERROR;
    TAILQ_REMOVE(&run->group->waiting, run, line);
    run->worker = worker;
    dff_worker_proc_reserve(worker, run);
    if (run->careful) {
        dff_run_ask_start_again(run);
        return DFF_OK;
    }
    dff_run_move(run, DFF_RUN_STARTING);
    if (dff_turn_start(run->master->turn, run) != DFF_OK)
        dff_run_move(run, DFF_RUN_UNSURE);
    return DFF_OK;
}

static void
dff_run_await_worker(dff_run_t *run)
{
    dff_run_move(run, DFF_RUN_STARTED);
    TAILQ_INSERT_TAIL(&run->group->started, run, line);
    if (run->master->hurry)
        dff_run_hurry(run);
}

/* Out of claimed:<node>, and nobody has it: what others do to our jobs begins with the end of
 * the connection that it was claimed under, and we have done nothing. */
static void
dff_run_vanished(dff_run_t *run)
{
    dff_log_warn(&run->master->log, NULL, "task %.*s was claimed, and is no more in Redis: taken "
                 "out by hand, or by another maxmemory-policy than noeviction",
                 (int) run->job.id.len, run->job.id.data);
    dff_run_move(run, DFF_RUN_STARTED);
    TAILQ_INSERT_TAIL(&run->group->started, run, line);
    dff_run_fail(run, DFF_STATUS_LOST, "WorkerLostError", "WorkerLostError: the job was taken out "
                 "of Redis before it was started");
}

void
dff_run_on_start(dff_run_t *run, const redisReply *reply)
{
    dff_worker_proc_t *worker = run->worker;

    if (reply == NULL || reply->type != REDIS_REPLY_INTEGER) {
        if (reply != NULL && !run->told)
            dff_log_warn(&run->master->log, NULL, "the start of a job was refused by Redis: %s; "
                         "it is tried again every second", reply->type == REDIS_REPLY_ERROR
                         ? reply->str : "odd reply");
        run->told = run->told || reply != NULL;
        dff_run_move(run, DFF_RUN_UNSURE);
        return;
    }
    if (reply->integer != 1 && !run->careful && run->master->state == DFF_MASTER_SERVING) {
        dff_run_vanished(run);
        return;
    }
    if (reply->integer != 1) {
        dff_run_free(run);       /* it was given to another node, or back */
        return;
    }

    run->careful = false;        /* this connection knows it as ours */
    run->life = run->master->life.number;
    run->master->counters.started++;
    if (worker != NULL) {
        dff_run_send(run, worker);
        return;
    }
    dff_run_await_worker(run);
}

static void
dff_run_on_start_again(redisAsyncContext *ac, void *reply, void *data)
{
    (void) ac;
    dff_run_on_start(data, reply);
}

static void
dff_run_ask_start_again(dff_run_t *run)
{
    dff_run_move(run, DFF_RUN_STARTING);
    if (dff_started_again(run, dff_run_on_start_again) != DFF_OK)
        dff_run_move(run, DFF_RUN_UNSURE);
}

/* --- running -------------------------------------------------------------- */

int
dff_run_timeout_s(const dff_run_t *run)
{
    return run->job.timeout_s > 0 ? run->job.timeout_s
                                  : (int) run->master->cfg->func_default_timeout_s;
}

/* The worker was dead already, or deaf: another one may have the job, without a doubt. */
static void
dff_run_not_sent(dff_run_t *run)
{
    dff_worker_proc_t *worker = run->worker;

    run->worker = NULL;
    dff_worker_proc_deaf(worker);
    dff_run_await_worker(run);
}

void
dff_run_send(dff_run_t *run, dff_worker_proc_t *worker)
{
    dff_master_t    *master = run->master;
    dff_buf_t        scripts = DFF_BUF_INIT;
    dff_frame_head_t head = {
        .version = DFF_FRAME_VERSION,
        .type = DFF_FRAME_JOB,
        .size = (uint32_t) run->size,
        .seq = ++master->last_seq,
    };
    struct iovec     iov[3];

    dff_run_move(run, DFF_RUN_RUNNING);
    run->worker = worker;
    run->seq = head.seq;
    run->started_at_ms = dff_time_now_ms();

    /* Unpublished between the claim and now. */
    if (run->slot != NULL && run->slot->script.code == NULL) {
        dff_run_script_missing(run);
        return;
    }
    dff_worker_scripts_prepare(&worker->scripts, master->published, run->slot, &scripts);
    if (dff_buf_failed(&scripts)) {
        dff_buf_release(&scripts);
        dff_run_fail(run, DFF_STATUS_FAILURE, "MemoryError", "MemoryError: no memory for the "
                     "script in the executor");
        return;
    }

    dff_black_box_begin(worker->box);
    dff_worker_proc_busy(worker, run);
    dff_worker_proc_set_timer(worker, (int64_t) dff_run_timeout_s(run) * 1000);
    iov[0] = (struct iovec) { scripts.data, scripts.len };
    iov[1] = (struct iovec) { &head, sizeof(head) };
    iov[2] = (struct iovec) { run->envelope, run->size };
    if (dff_worker_proc_send(worker, scripts.len > 0 ? iov : iov + 1, scripts.len > 0 ? 3 : 2)
        == DFF_OK)
        dff_published_leave(master->published, run);
    else
        dff_run_not_sent(run);
    dff_buf_release(&scripts);
}

/* --- from outside --------------------------------------------------------- */

void
dff_run_ask_again(dff_run_t *run)
{
    if (run->state == DFF_RUN_UNSURE)
        dff_run_ask_start_again(run);
    else if (run->state == DFF_RUN_RETRYING && !run->asked)
        dff_run_ask_retry(run, DFF_LUA_BY_SHA);
}

void
dff_run_forget_claimed(dff_run_t *run)
{
    if (run->state == DFF_RUN_LOADING || run->state == DFF_RUN_CLAIMED)
        dff_run_free(run);
}

void
dff_run_hurry(dff_run_t *run)
{
    if (run->state == DFF_RUN_STARTED)
        dff_run_fail(run, DFF_STATUS_LOST, "WorkerLostError",
                     "WorkerLostError: the executor was ended at once");
}
