/*
 * The end of the master: draining after a signal, giving back, leaving Redis, and
 * the limits to all waiting. Runs in the master.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "dff_time.h"

#include "master/dff_api_proc.h"
#include "master/dff_claim.h"
#include "master/dff_heartbeat.h"
#include "master/dff_master.h"
#include "master/dff_outbox.h"
#include "master/dff_pool.h"
#include "master/dff_recovery.h"
#include "master/dff_runs.h"

#include "dff_banned.h"

#define DFF_DRAIN_WITHOUT_REDIS_MS  10000   /* answers that nobody takes */
#define DFF_ENDING_MS                5000   /* workers that do not go, keys that stay */
#define DFF_LAST_CHILD_MS            5000   /* a zygote that is still loading Python */
#define DFF_LAST_CHILD_LOOK_NS    5000000

static const char *const dff_master_states[] = {
    [DFF_MASTER_CONNECTING] = "connecting",
    [DFF_MASTER_RECOVERING] = "recovering",
    [DFF_MASTER_SERVING] = "serving",
    [DFF_MASTER_DRAINING] = "draining",
    [DFF_MASTER_ENDING] = "ending",
    [DFF_MASTER_ENDED] = "ended",
};

void
dff_master_move(dff_master_t *master, dff_master_state_t state)
{
    if (state <= master->state)
        return;
    dff_log_info(&master->log, NULL, "state %s -> %s", dff_master_states[master->state],
                 dff_master_states[state]);
    master->state = state;
}

static void
dff_master_on_left(redisAsyncContext *ac, void *reply, void *data)
{
    (void) ac;
    (void) reply;
    ((dff_master_t *) data)->left = true;
}

/* The last words in Redis: nothing of ours stays but what could not be answered. */
static void
dff_master_leave_redis(dff_master_t *master)
{
    const char    *del[] = { "DEL", master->key_node };
    size_t         del_len[] = { 3, master->key_node_len };
    dff_lua_call_t call;

    /* Once more: a Redis 4.0 has no CLIENT ID, so a blocking command of ours may
     * have claimed after its connection was closed. */
    dff_recovery_give_back_own(master->recovery, NULL, NULL);
    (void) dff_redis_link_command(master->command, NULL, NULL, 2, del, del_len);
    dff_lua_begin(&call);
    dff_lua_key(&call, DFF_KEY_NODES, sizeof(DFF_KEY_NODES) - 1);
    dff_lua_key(&call, master->key_claimed, master->key_claimed_len);
    dff_lua_key(&call, master->key_started, master->key_started_len);
    dff_lua_arg(&call, master->node, strlen(master->node));
    if (dff_lua_run(&master->lua, DFF_LUA_FORGET_NODE, DFF_LUA_TEXT, &call, master->command,
                    dff_master_on_left, master) != DFF_OK)
        master->left = true;
}

static void
dff_master_end(dff_master_t *master)
{
    dff_master_move(master, DFF_MASTER_ENDING);
    master->give_up_ms = dff_time_monotonic_ms() + DFF_ENDING_MS;
    dff_claim_stop(master->claim);
    dff_pool_stop(master->pool, master->hurry);
    dff_api_procs_stop(master->api, master->hurry);
    /* Until we serve, what Redis has under our name may be a living node's. */
    if (master->served)
        dff_master_leave_redis(master);
    else
        master->left = true;
}

static void
dff_master_round_ended(dff_master_t *master, bool refused)
{
    master->giving_back = false;
    master->round_ended = true;
    master->refused = refused;
}

static void
dff_master_on_probe(redisAsyncContext *ac, void *reply_ptr, void *data)
{
    dff_master_t *master = data;
    redisReply   *reply = reply_ptr;
    bool          refused = reply != NULL && reply->type == REDIS_REPLY_ERROR;

    (void) ac;
    if (refused && !master->refused)
        dff_log_warn(&master->log, NULL, "Redis refuses what is still to be written: %s",
                     reply->str);
    dff_master_round_ended(master, refused);
}

/* Giving back begins with taking, so a Redis without memory does all of it, and refuses what
 * else is to be written for as long: that is learnt from a push. */
static void
dff_master_on_given_back(void *ctx, bool whole)
{
    dff_master_t *master = ctx;

    if (!whole || dff_redis_link_commandf(master->command, dff_master_on_probe, master,
                                          "LPUSHX " DFF_KEY_PROBE " 1") != DFF_OK)
        dff_master_round_ended(master, !whole);
}

void
dff_master_give_back(dff_master_t *master)
{
    if (master->giving_back)
        return;
    master->giving_back = true;
    dff_recovery_give_back_own(master->recovery, dff_master_on_given_back, master);
}

void
dff_master_drain(dff_master_t *master)
{
    dff_master_move(master, DFF_MASTER_DRAINING);
    if (!master->served) {
        /* Nothing was claimed. */
        dff_master_end(master);
        return;
    }
    dff_claim_stop(master->claim);
    dff_runs_forget_claimed(master);
    dff_master_give_back(master);
    dff_heartbeat_now(master->heartbeat);
}

void
dff_master_fail(dff_master_t *master, const char *fmt, ...)
{
    char    text[1200];
    va_list args;

    va_start(args, fmt);
    (void) vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    dff_log_error(&master->log, NULL, "%s", text);
    if (!master->log.to_stderr)
        (void) fprintf(stderr, "dff-executor: %s\n", text);
    master->exit_status = 1;
    if (master->state < DFF_MASTER_ENDING)
        dff_master_end(master);
}

static bool
dff_master_any_busy(const dff_master_t *master)
{
    int i;

    for (i = 0; i < master->pool->ngroups; i++) {
        if (master->pool->groups[i].busy > 0)
            return true;
    }
    return false;
}

/* DRAINING: a Redis that is away, or refuses, has its time from the end of the last worker;
 * those have their own time limits. */
static void
dff_master_bound_drain(dff_master_t *master, bool redis)
{
    if ((redis && !master->refused) || dff_master_any_busy(master))
        master->give_up_ms = 0;
    else if (master->give_up_ms == 0)
        master->give_up_ms = dff_time_monotonic_ms() + DFF_DRAIN_WITHOUT_REDIS_MS;
}

/* Is there nothing left to wait for? */
void
dff_master_settle_end(dff_master_t *master)
{
    bool redis = dff_redis_link_ready(master->command);

    if (master->state == DFF_MASTER_DRAINING) {
        dff_master_bound_drain(master, redis);
        if (!dff_runs_any(master) && dff_outbox_empty(master->outbox) && master->round_ended)
            dff_master_end(master);
        return;
    }
    if (master->state == DFF_MASTER_ENDING && dff_pool_empty(master->pool)
        && dff_api_procs_empty(master->api) && (master->left || !redis))
        dff_master_move(master, DFF_MASTER_ENDED);
}

/* Every second: what keeps the end waiting for too long. */
void
dff_master_tick_end(dff_master_t *master)
{
    if (master->state == DFF_MASTER_DRAINING)
        dff_master_give_back(master);
    if (master->give_up_ms == 0 || dff_time_monotonic_ms() < master->give_up_ms)
        return;
    if (master->state == DFF_MASTER_ENDING) {
        dff_pool_stop(master->pool, true);
        dff_api_procs_stop(master->api, true);
        dff_master_move(master, DFF_MASTER_ENDED);
        return;
    }
    if (master->state != DFF_MASTER_DRAINING)
        return;
    dff_log_error(&master->log, NULL, "Redis is away, or refuses: %zu results are not delivered, "
                  "%zu jobs are left to be recovered", dff_outbox_count(master->outbox),
                  dff_runs_count(master));
    master->exit_status = 1;
    dff_master_end(master);
}

void
dff_master_wait_children(dff_master_t *master)
{
    static const struct timespec look = { .tv_nsec = DFF_LAST_CHILD_LOOK_NS };

    int64_t give_up_ms = dff_time_monotonic_ms() + DFF_LAST_CHILD_MS;
    pid_t   pid;

    while ((pid = waitpid(-1, NULL, WNOHANG)) >= 0) {
        if (pid > 0)
            continue;
        if (dff_time_monotonic_ms() > give_up_ms) {
            dff_log_warn(&master->log, NULL, "a child process is still there after %d ms",
                         DFF_LAST_CHILD_MS);
            return;
        }
        (void) nanosleep(&look, NULL);
    }
}
