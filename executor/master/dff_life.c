/* What a life of Redis does not know of the one before: see the header. */
#include "dff_life.h"

#include <stdio.h>
#include <string.h>

#include "dff_time.h"

#include "master/dff_heartbeat.h"
#include "master/dff_outbox.h"
#include "master/dff_recent.h"
#include "master/dff_run.h"
#include "master/dff_runs.h"
#include "master/dff_started.h"
#include "master/dff_sweep.h"

#include "dff_banned.h"

/* Nobody takes the jobs of a node over whose heartbeat Redis took less than so long ago: it has
 * to be gone for longer (dff_node_watch.c). */
#define DFF_LIFE_OURS_MS  14000

/* No look at the answer, as the result may come before it: when it is not in our lists that is
 * learnt from its finish. */
static void
dff_life_remind(dff_run_t *run)
{
    if (run->state >= DFF_RUN_STARTED)
        (void) dff_started_again(run, NULL);
}

void
dff_life_ready(dff_master_t *master)
{
    dff_life_t *life = &master->life;
    const char *run_id = dff_redis_link_run_id(master->command);
    int64_t     now_ms = dff_time_monotonic_ms();
    bool        another = strcmp(life->run_id, run_id) != 0;
    bool        ours = now_ms - dff_heartbeat_taken_ms(master->heartbeat) < DFF_LIFE_OURS_MS;
    dff_run_t  *run;

    if (another || !ours)
        life->number++;
    if (!ours)
        life->ours_since = life->number;
    if (!another)
        return;
    (void) snprintf(life->run_id, sizeof(life->run_id), "%s", run_id);
    if (life->number == 1)
        return;

    life->doubt_until_ms = now_ms + DFF_LIFE_DOUBT_MS;
    dff_recent_move(master->former, master->recent);
    dff_recent_move(master->former, master->quiet);
    TAILQ_FOREACH(run, &master->runs, all)
        dff_life_remind(run);
}

bool
dff_life_knows(dff_master_t *master, const dff_job_t *job, dff_str_t envelope)
{
    dff_run_t *run;

    if (master->life.doubt_until_ms == 0)
        return false;
    if (dff_time_monotonic_ms() > master->life.doubt_until_ms) {
        master->life.doubt_until_ms = 0;
        return false;
    }

    run = dff_runs_find(master, job->id);
    /* On its way back to its queue: that may be where it came from. */
    if (run != NULL && run->state == DFF_RUN_RETRYING)
        return false;
    if (run != NULL) {
        dff_life_remind(run);
        return true;
    }
    if (dff_outbox_has(master->outbox, job->id)) {
        dff_sweep_soon(master->sweep);       /* finds it when its answer is acknowledged */
        return true;
    }
    return dff_life_answers(master, job, envelope);
}

bool
dff_life_answers(dff_master_t *master, const dff_job_t *job, dff_str_t envelope)
{
    const dff_answer_t *answer = dff_recent_find(master->former, job->id);
    dff_answer_conf_t   conf = {
        .kind = envelope.len > 0 ? DFF_ANSWER_DROP : DFF_ANSWER_FINISH,
        .careful = true, .again = true, .job = job, .envelope = envelope,
    };

    if (answer == NULL)
        return false;
    conf.status = answer->status;
    conf.reply = answer->reply;
    dff_outbox_add(master->outbox, &conf);
    return true;
}

bool
dff_life_forgot(const dff_master_t *master, unsigned life)
{
    return life != 0 && life != master->life.number && life >= master->life.ours_since;
}
