/* How a run ends: with an answer, or back in its queue. Runs in the master. */
#include "dff_run_internal.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "dff_form.h"
#include "dff_time.h"

#include "master/dff_outbox.h"
#include "master/dff_pool.h"
#include "master/dff_published.h"
#include "master/dff_recovery.h"
#include "master/dff_worker_proc.h"

#include "dff_banned.h"

void
dff_run_free(dff_run_t *run)
{
    if (run->state == DFF_RUN_CLAIMED)
        TAILQ_REMOVE(&run->group->waiting, run, line);
    else if (run->state == DFF_RUN_STARTED)
        TAILQ_REMOVE(&run->group->started, run, line);
    dff_published_leave(run->master->published, run);
    if (run->worker != NULL)
        dff_worker_proc_release(run->worker);
    run->group->held--;
    TAILQ_REMOVE(&run->master->runs, run, all);
    free(run);
}

/* Ends the run with an answer that the master makes itself; box: of a worker that ran it. */
static void
dff_run_fail_with_log(dff_run_t *run, const dff_black_box_t *box, dff_status_t status,
    const char *etype, const char *einfo)
{
    bool              started = run->state >= DFF_RUN_STARTED;
    dff_buf_t         log = DFF_BUF_INIT;
    dff_answer_conf_t conf = {
        .kind = started ? DFF_ANSWER_FINISH : DFF_ANSWER_DROP,
        .status = status,
        .careful = run->careful,
        .life = run->life,
        .job = &run->job,
        .envelope = started ? DFF_STR("") : (dff_str_t) { run->envelope, run->size },
    };

    dff_black_box_end_of_log(box, &log);
    /* A stranger's bytes: MySQL takes no row with others. */
    if (dff_form_is_utf8((dff_str_t) { log.data, log.len }))
        conf.log = (dff_str_t) { log.data, log.len };
    dff_outbox_add_failure(run->master->outbox, &conf, run->started_at_ms, etype, einfo);
    dff_buf_release(&log);
    dff_run_free(run);
}

void
dff_run_fail(dff_run_t *run, dff_status_t status, const char *etype, const char *einfo)
{
    dff_run_fail_with_log(run, NULL, status, etype, einfo);
}

/* --- from the worker ------------------------------------------------------ */

static void
dff_run_log(const dff_run_t *run, dff_status_t status, dff_str_t text)
{
    dff_log_t      *log = &run->master->log;
    dff_log_level_t level = status == DFF_STATUS_SUCCESS ? DFF_LOG_INFO : DFF_LOG_ERROR;
    char            id[DFF_TASK_ID_MAX + 1];

    if (text.len == 0 || !dff_log_on(log, level))
        return;
    (void) snprintf(id, sizeof(id), "%.*s", (int) run->job.id.len, run->job.id.data);
    dff_log_write(log, level, id, "%.*s: %.*s", (int) run->job.func_id.len,
                  run->job.func_id.data, (int) text.len, text.data);
}

void
dff_run_result(dff_run_t *run, dff_str_t reply, dff_str_t log_text)
{
    dff_reply_t       decoded;
    dff_err_t         err;
    dff_answer_conf_t conf = {
        .kind = DFF_ANSWER_FINISH, .careful = run->careful, .life = run->life, .job = &run->job,
        .reply = reply,
    };

    if (dff_reply_decode(reply, &decoded, &err) != DFF_OK || !dff_str_eq(decoded.id, run->job.id)
        || decoded.status < DFF_STATUS_SUCCESS || decoded.status > DFF_STATUS_TIMEOUT) {
        dff_worker_proc_kill(run->worker, "it sent an unreadable reply");
        dff_run_fail(run, DFF_STATUS_LOST, "WorkerLostError",
                     "WorkerLostError: the worker sent an unreadable reply");
        return;
    }
    dff_run_log(run, decoded.status, log_text);
    conf.status = decoded.status;
    conf.log = log_text;
    dff_outbox_add(run->master->outbox, &conf);
    dff_run_free(run);
}

void
dff_run_timer(dff_run_t *run)
{
    dff_master_t      *master = run->master;
    dff_worker_proc_t *worker = run->worker;
    union sigval       value = { .sival_int = (int) (run->seq & 0x7fffffff) };
    char               why[64];

    if (!run->soft_sent) {
        /* The worker compares the number, so a late signal hits no other job. */
        run->soft_sent = true;
        (void) sigqueue(worker->pid, SIGUSR1, value);
        dff_worker_proc_set_timer(worker, master->cfg->func_extra_timeout_to_kill_s * 1000);
        return;
    }

    (void) snprintf(why, sizeof(why), "over its limit of %d s", dff_run_timeout_s(run));
    dff_worker_proc_kill(worker, why);
    dff_run_fail_with_log(run, worker->box, DFF_STATUS_TIMEOUT, "SoftTimeLimitExceeded",
                          "raise SoftTimeLimitExceeded()\n"
                          "billiard.exceptions.SoftTimeLimitExceeded: SoftTimeLimitExceeded()");
}

/* --- lost ----------------------------------------------------------------- */

void
dff_run_worker_lost(dff_run_t *run, const char *how)
{
    const dff_black_box_t *box = run->worker->box;
    char                   einfo[256];

    run->worker = NULL;
    if (run->job.retry_on_lost) {
        dff_run_move(run, DFF_RUN_RETRYING);
        dff_run_ask_retry(run, DFF_LUA_BY_SHA);
        return;
    }
    (void) snprintf(einfo, sizeof(einfo), "WorkerLostError: %s", how);
    dff_run_fail_with_log(run, box, DFF_STATUS_LOST, "WorkerLostError", einfo);
}

static void
dff_run_on_retry(redisAsyncContext *ac, void *reply_ptr, void *data)
{
    dff_run_t  *run = data;
    redisReply *reply = reply_ptr;

    (void) ac;
    run->asked = false;
    if (dff_lua_unknown_script(reply)) {
        dff_run_ask_retry(run, DFF_LUA_TEXT);
        return;
    }
    if (reply == NULL || reply->type != REDIS_REPLY_INTEGER)
        return;            /* asked again later */
    if (reply->integer == 2) {
        dff_run_fail(run, DFF_STATUS_LOST, "WorkerLostError", "WorkerLostError: its worker died, "
                     "and so it did in all of its " DFF_RETRY_MAX " starts");
        return;
    }
    dff_run_free(run);     /* 1: queued again; 0: it has been, or another node did it */
}

void
dff_run_ask_retry(dff_run_t *run, dff_lua_form_t form)
{
    run->asked = dff_recovery_retry(run->master, DFF_STR(""), &run->job,
                                    (dff_str_t) { run->envelope, run->size }, form,
                                    dff_run_on_retry, run) == DFF_OK;
}
