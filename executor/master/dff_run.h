/*
 * A run: one job from its claim to the moment when its answer is in the outbox
 * (or when the job turned out to be another's, or was given back).
 *
 *   CLAIMED -> STARTING -> RUNNING -> answered
 *
 * The envelope is kept as it came from Redis, in the run's one allocation; job
 * points into it. The group counts its runs (held) against its places. Runs in
 * the master.
 */
#ifndef DFF_RUN_H
#define DFF_RUN_H

#include "dff_envelope.h"

#include "master/dff_master.h"

typedef enum {
    DFF_RUN_LOADING,     /* in claimed:<node>; its script is on its way from Redis */
    DFF_RUN_CLAIMED,     /* in claimed:<node>; waits for an idle worker */
    DFF_RUN_STARTING,    /* its start is on its way; a worker is reserved */
    DFF_RUN_UNSURE,      /* the connection broke while STARTING: ask again */
    DFF_RUN_STARTED,     /* in started:<node>, but the reserved worker is gone */
    DFF_RUN_RUNNING,     /* in started:<node>; a worker has it */
    DFF_RUN_RETRYING,    /* its worker died; on its way back to its queue */
    DFF_RUN_STATE_COUNT
} dff_run_state_t;

struct dff_run_s {
    TAILQ_ENTRY(dff_run_s)     all;         /* master->runs */
    TAILQ_ENTRY(dff_run_s)     line;        /* LOADING: script's; CLAIMED, STARTED: group's */
    dff_master_t              *master;
    dff_group_t               *group;
    dff_worker_proc_t         *worker;      /* STARTING, UNSURE (may be NULL), RUNNING */
    struct dff_published_slot_s  *slot;        /* pinned until the job is with a worker */
    dff_run_state_t            state;
    bool                       asked;       /* RETRYING: the command is on its way */
    bool                       soft_sent;
    bool                       told;        /* that Redis refuses its start is in the log */
    unsigned                   life;        /* of Redis, in which its start was acknowledged */
    bool                       careful;     /* the connection that it came through has ended, so
                                               it may have been given away: dff_fence.h */
    bool                       reloaded;    /* its script was asked for once more */
    bool                       recorded;    /* that it runs has been told: dff_task_record.h */
    uint64_t                   seq;
    int64_t                    started_at_ms;     /* Unix time */
    int64_t                    waits_since_ms;    /* monotonic; CLAIMED */
    dff_job_t                  job;
    size_t                     size;        /* bytes of the envelope */
    char                       envelope[];
};

/* A BRPOPLPUSH has brought bytes (copied). Unreadable ones go to dff:bad. */
void dff_run_claimed(dff_master_t *master, dff_group_t *group, dff_str_t envelope);
/* Its script is there (pinned), or is published by nobody. */
void dff_run_script_ready(dff_run_t *run);
void dff_run_script_missing(dff_run_t *run);

/* CLAIMED -> STARTING with an idle worker. DFF_ERROR: Redis is away, nothing changed. */
int dff_run_start(dff_run_t *run, dff_worker_proc_t *worker);
/* CLAIMED: back to its queue, for another node. DFF_ERROR: it stays. */
int dff_run_give_back(dff_run_t *run);
/* The answer to its start: 1, 0, an error, or NULL: see dff_turn.h. */
void dff_run_on_start(dff_run_t *run, const redisReply *reply);
/* STARTED -> RUNNING. */
void dff_run_send(dff_run_t *run, dff_worker_proc_t *worker);
/* True when it waited too long in its queue; it is answered and gone then. */
bool dff_run_expired(dff_run_t *run);

/* From the worker: */
void dff_run_result(dff_run_t *run, dff_str_t reply, dff_str_t log_text);
void dff_run_timer(dff_run_t *run);
/* The worker that ran it is dead; how: "was killed by signal 9 (SIGKILL)". */
void dff_run_worker_lost(dff_run_t *run, const char *how);

/* What dff_runs.h does to each; the last two end a run that is in such a state. */
void dff_run_ask_again(dff_run_t *run);
void dff_run_forget_claimed(dff_run_t *run);
void dff_run_hurry(dff_run_t *run);

#endif
