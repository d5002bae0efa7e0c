/* All runs of a master: see the header. */
#include "dff_runs.h"

#include <stdlib.h>

#include "master/dff_run.h"

#include "dff_banned.h"

/* What is done to a run may free it. */
static void
dff_runs_each(dff_master_t *master, void (*fn)(dff_run_t *run))
{
    dff_run_t *run, *next;

    for (run = TAILQ_FIRST(&master->runs); run != NULL; run = next) {
        next = TAILQ_NEXT(run, all);
        fn(run);
    }
}

void
dff_runs_ask_again(dff_master_t *master)
{
    if (dff_redis_link_ready(master->command))
        dff_runs_each(master, dff_run_ask_again);
}

void
dff_runs_forget_claimed(dff_master_t *master)
{
    dff_runs_each(master, dff_run_forget_claimed);
}

void
dff_runs_hurry(dff_master_t *master)
{
    dff_runs_each(master, dff_run_hurry);
}

void
dff_runs_careful(dff_master_t *master)
{
    dff_run_t *run;

    TAILQ_FOREACH(run, &master->runs, all)
        run->careful = true;
}

bool
dff_runs_any(const dff_master_t *master)
{
    return !TAILQ_EMPTY(&master->runs);
}

size_t
dff_runs_count(const dff_master_t *master)
{
    const dff_run_t *run;
    size_t           count = 0;

    TAILQ_FOREACH(run, &master->runs, all)
        count++;
    return count;
}

dff_run_t *
dff_runs_find(const dff_master_t *master, dff_str_t task_id)
{
    dff_run_t *run;

    TAILQ_FOREACH(run, &master->runs, all) {
        if (dff_str_eq(run->job.id, task_id))
            return run;
    }
    return NULL;
}

bool
dff_runs_known(const dff_master_t *master, dff_str_t task_id)
{
    return dff_runs_find(master, task_id) != NULL;
}

void
dff_runs_release(dff_master_t *master)
{
    dff_run_t *run;

    while ((run = TAILQ_FIRST(&master->runs)) != NULL) {
        TAILQ_REMOVE(&master->runs, run, all);
        free(run);
    }
}
