/*
 * The master process of dff-executor: claims jobs from Redis, hands them to
 * workers, keeps their time limits, and pushes their replies. It never runs
 * Python and never blocks; everything happens on one libevent loop.
 *
 * dff_master_t is the context of the process. Its parts (connections, claims,
 * pool, zygote, ...) are nouns of their own files and get the context, because
 * most of what they do ends in another part. A turn of the loop runs the
 * callbacks, which only change state, and then dff_master_settle(): workers are
 * given jobs, free places are claimed for, and each Redis connection is written
 * to once.
 */
#ifndef DFF_MASTER_H
#define DFF_MASTER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

#include <event2/event.h>

#include "dff_config.h"
#include "dff_keys.h"
#include "dff_log.h"
#include "dff_node.h"

#include "master/dff_lua.h"
#include "redis/dff_redis_link.h"

typedef struct {
    const char *config_path;     /* NULL: defaults and environment only */
    const char *groups;          /* NULL: all of _WORKER_GROUPS */
    bool        daemon;
} dff_master_options_t;

/* Runs until a signal ends it; returns the exit status. */
int dff_master_run(const dff_master_options_t *options);
/* --check: says on stderr what is wrong with the configuration. */
int dff_master_check(const dff_master_options_t *options);

typedef enum {
    DFF_MASTER_CONNECTING,    /* no Redis yet */
    DFF_MASTER_RECOVERING,    /* gives back what an earlier life had claimed */
    DFF_MASTER_SERVING,
    DFF_MASTER_DRAINING,      /* claims nothing; what runs may end */
    DFF_MASTER_ENDING,        /* workers, zygote and our keys go */
    DFF_MASTER_ENDED
} dff_master_state_t;

/* Since the start of the process; in the heartbeat. */
typedef struct {
    uint64_t claimed, started, success, failure, timeout, expired, lost;
    uint64_t refused_late;       /* results of jobs that had been given to another node */
    uint64_t bad;                /* envelopes that nobody can read */
    uint64_t worker_restarts;    /* workers replaced after a death that was not wanted */
    uint64_t workers_added, workers_retired;    /* of the extra ones */
    uint64_t given_back;         /* claimed jobs, because all workers were busy */
} dff_counters_t;

/* Of Redis: dff_life.h. */
typedef struct {
    unsigned number;            /* 1 for the first, 0: there was none yet; another one, too, when
                                   we were away from it for so long that others may have taken
                                   our jobs over */
    unsigned ours_since;        /* nobody has taken one that was started in this or a later one */
    int64_t  doubt_until_ms;    /* monotonic; 0: what it holds is what we know */
    char     run_id[DFF_REDIS_RUN_ID_SIZE];
} dff_life_t;

typedef struct dff_master_s  dff_master_t;
typedef struct dff_run_s     dff_run_t;
typedef struct dff_group_s   dff_group_t;
typedef struct dff_worker_proc_s dff_worker_proc_t;

TAILQ_HEAD(dff_runs_s, dff_run_s);

struct dff_master_s {
    struct event_base    *base;
    dff_config_t         *cfg;          /* replaced at a reload: keep no pointer into it */
    dff_log_t             log;
    dff_master_options_t  options;
    dff_master_state_t    state;
    bool                  hurry;        /* a second SIGTERM came */
    bool                  fence_refused;    /* Redis does not let us cut nodes off; in the log */
    int                   exit_status;

    char                  node[DFF_NODE_NAME_MAX + 1];
    dff_key_t             key_claimed, key_started, key_node;
    size_t                key_claimed_len, key_started_len, key_node_len;
    char                  client[DFF_NODE_NAME_MAX + 16];   /* dff_fence.h */

    dff_lua_t             lua;
    dff_redis_t          *redis;
    dff_redis_link_t     *command;      /* all commands that do not block */
    dff_life_t            life;

    struct dff_runs_s     runs;         /* every job we hold, until its answer is made */
    uint64_t              last_seq;

    struct dff_pool_s         *pool;
    struct dff_zygote_proc_s  *zygote;
    struct dff_api_procs_s    *api;
    struct dff_claim_s        *claim;
    struct dff_node_claim_s   *node_claim;
    struct dff_clean_s        *clean;
    struct dff_published_s    *published;
    struct dff_outbox_s       *outbox;
    struct dff_turn_s         *turn;
    struct dff_recent_s       *recent;      /* of callers that wait */
    struct dff_recent_s       *quiet;       /* those that nobody waits for */
    struct dff_recent_s       *former;      /* both, of former lives of Redis */
    struct dff_changes_s      *changes;
    struct dff_heartbeat_s    *heartbeat;
    struct dff_recovery_s     *recovery;
    struct dff_sweep_s        *sweep;
    struct dff_node_watch_s   *node_watch;
    struct dff_delayed_s      *delayed;
    struct dff_elastic_s      *elastic;

    dff_counters_t        counters;
    int64_t               started_at_ms;    /* Unix time */
    bool                  served;       /* the node's keys in Redis are ours */
    bool                  giving_back;  /* DRAINING: a round of it is under way */
    bool                  round_ended;  /* one has, if only as Redis is away: what is not given
                                         * back stays in claimed:<node> for others to find */
    bool                  refused;      /* at the last one, Redis took not all that we write */
    bool                  left;         /* ENDING: our keys are gone */
    int64_t               give_up_ms;   /* monotonic: end of the waiting in DRAINING, ENDING */

    int                   lock_fd;      /* run_path/dff-executor.pid */
    char                  exe_folder[512];
    struct event         *signals[6];
    struct event         *tick;         /* every second */
};

/* Recovery at start has ended: begin to claim. */
void dff_master_recovered(dff_master_t *master);
/* A signal: no more jobs, end when the running ones have ended. */
void dff_master_drain(dff_master_t *master);
/* DRAINING: what is claimed goes back to its queues. Again every second: Redis may have been
 * away, or have refused. */
void dff_master_give_back(dff_master_t *master);
/* End of a turn of the loop, and every second: is there still something to wait for? */
void dff_master_settle_end(dff_master_t *master);
void dff_master_tick_end(dff_master_t *master);
/* The loop is over and every control socket closed: waits, for seconds at most, until the
 * children have ended by that, so that nothing of a node that was stopped still runs. */
void dff_master_wait_children(dff_master_t *master);
/* The one place where the state changes; states are only gone through forwards. */
void dff_master_move(dff_master_t *master, dff_master_state_t state);
/* Cannot go on: logged as ERROR, ends the process with status 1. */
void dff_master_fail(dff_master_t *master, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static inline dff_str_t
dff_master_node(const dff_master_t *master)
{
    return dff_str_from(master->node);
}

#endif
