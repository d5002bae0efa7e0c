/* Recovery of jobs whose master is gone: rounds of it, and claimed jobs. Runs in the master. */
#include "dff_recovery.h"

#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dff_time.h"

#include "master/dff_fence.h"

#include "dff_banned.h"

#define DFF_GIVE_BACK_COUNT    100      /* jobs for each run of the script: it must be short */
#define DFF_RESCUE_MS         5000      /* from the cut to the last look at a node's jobs */
#define DFF_PREDECESSOR_MS   12000      /* a heartbeat that nobody renews is gone by then */

/* One round for one node. */
typedef struct dff_rescue_s {
    LIST_ENTRY(dff_rescue_s) all;
    dff_master_t  *master;
    bool           own;                 /* no look at the heartbeat: it is ours */
    bool           claimed_only;
    bool           forget;              /* takes the node off dff:nodes at the end */
    dff_recovery_done_fn done;
    void          *ctx;
    bool           whole;               /* nothing has broken it off */
    size_t         moved;
    int64_t        cut_ms;              /* monotonic: its master was cut off from Redis */
    char           node[DFF_NODE_NAME_MAX + 1];
} dff_rescue_t;

struct dff_recovery_s {
    dff_master_t              *master;
    bool                       looking;           /* GET node:<node> is on its way */
    int64_t                    predecessor_ms;    /* monotonic: seen first; 0: not */
    LIST_HEAD(, dff_rescue_s)  rescues;
};

static void dff_rescue_give_back(dff_rescue_t *rescue, dff_lua_form_t form);
static void dff_rescue_read_started(dff_rescue_t *rescue);

dff_recovery_t *
dff_recovery_new(dff_master_t *master)
{
    dff_recovery_t *recovery = calloc(1, sizeof(*recovery));

    if (recovery == NULL)
        return NULL;
    recovery->master = master;
    LIST_INIT(&recovery->rescues);
    return recovery;
}

void
dff_recovery_free(dff_recovery_t *recovery)
{
    dff_rescue_t *rescue;

    if (recovery == NULL)
        return;
    while ((rescue = LIST_FIRST(&recovery->rescues)) != NULL) {
        LIST_REMOVE(rescue, all);
        free(rescue);
    }
    free(recovery);
}

/* --- one node ------------------------------------------------------------- */

static void
dff_rescue_end(dff_rescue_t *rescue)
{
    dff_recovery_done_fn done = rescue->done;
    void                *ctx = rescue->ctx;
    bool                 whole = rescue->whole;

    if (rescue->moved > 0)
        dff_log_warn(&rescue->master->log, NULL, "%zu claimed jobs of node %s are back in their "
                     "queues", rescue->moved, rescue->node);
    LIST_REMOVE(rescue, all);
    free(rescue);
    if (done != NULL)
        done(ctx, whole);
}

static dff_rescue_t *
dff_rescue_new(dff_recovery_t *recovery, dff_str_t node, bool own, dff_recovery_done_fn done,
    void *ctx)
{
    dff_rescue_t *rescue = calloc(1, sizeof(*rescue));

    if (rescue == NULL)
        return NULL;
    rescue->master = recovery->master;
    rescue->own = own;
    rescue->done = done;
    rescue->ctx = ctx;
    (void) snprintf(rescue->node, sizeof(rescue->node), "%.*s", (int) node.len, node.data);
    LIST_INSERT_HEAD(&recovery->rescues, rescue, all);
    return rescue;
}

static void
dff_rescue_on_cut(void *ctx, bool cut)
{
    dff_rescue_t *rescue = ctx;

    rescue->cut_ms = dff_time_monotonic_ms();
    if (cut)
        dff_rescue_give_back(rescue, DFF_LUA_BY_SHA);
    else
        dff_rescue_end(rescue);
}

/* Of another process under our name, too: one that was paused, say. */
static void
dff_rescue_begin(dff_rescue_t *rescue)
{
    dff_fence_node(rescue->master, dff_str_from(rescue->node), dff_rescue_on_cut, rescue);
}

/* A round that took long (we were paused ourselves) ends: the node may have come back,
 * and have gone again, through a connection that nobody has closed. */
static bool
dff_rescue_is_stale(const dff_rescue_t *rescue)
{
    return !rescue->own && dff_time_monotonic_ms() - rescue->cut_ms > DFF_RESCUE_MS;
}

/* At the end of a master it is asked every second: said once. */
static void
dff_rescue_say_refused(const dff_rescue_t *rescue, const char *text)
{
    dff_master_t *master = rescue->master;

    if (!rescue->claimed_only)
        dff_log_warn(&master->log, NULL, "recovery of node %s: %s", rescue->node, text);
    else if (!master->refused)
        dff_log_warn(&master->log, NULL, "Redis refuses to take claimed jobs back: %s", text);
}

static void
dff_rescue_on_give_back(redisAsyncContext *ac, void *reply_ptr, void *data)
{
    dff_rescue_t *rescue = data;
    redisReply   *reply = reply_ptr;

    (void) ac;
    if (dff_lua_unknown_script(reply)) {
        dff_rescue_give_back(rescue, DFF_LUA_TEXT);
        return;
    }
    if (reply == NULL || reply->type != REDIS_REPLY_INTEGER || reply->integer < 0) {
        if (reply != NULL && reply->type == REDIS_REPLY_ERROR)
            dff_rescue_say_refused(rescue, reply->str);
        dff_rescue_end(rescue);
        return;
    }
    rescue->moved += (size_t) reply->integer;
    if (reply->integer == DFF_GIVE_BACK_COUNT) {
        dff_rescue_give_back(rescue, DFF_LUA_BY_SHA);
    } else if (rescue->claimed_only) {
        rescue->whole = true;
        dff_rescue_end(rescue);
    } else {
        dff_rescue_read_started(rescue);
    }
}

static void
dff_rescue_give_back(dff_rescue_t *rescue, dff_lua_form_t form)
{
    dff_master_t  *master = rescue->master;
    dff_str_t      node = dff_str_from(rescue->node);
    dff_lua_call_t call;
    dff_key_t      claimed, heartbeat, queue;
    size_t         prefix_len = dff_key_queue(queue, 0) - 1;
    char           count[16];
    int            count_len = snprintf(count, sizeof(count), "%d", DFF_GIVE_BACK_COUNT);

    dff_lua_begin(&call);
    dff_lua_key(&call, claimed, dff_key_claimed(claimed, node));
    dff_lua_key(&call, DFF_KEY_BAD, sizeof(DFF_KEY_BAD) - 1);
    if (!rescue->own)
        dff_lua_key(&call, heartbeat, dff_key_node(heartbeat, node));
    dff_lua_arg(&call, queue, prefix_len);
    dff_lua_arg(&call, count, (size_t) count_len);
    dff_lua_arg(&call, DFF_BAD_KEEP, sizeof(DFF_BAD_KEEP) - 1);
    if (dff_rescue_is_stale(rescue)
        || dff_lua_run(&master->lua, DFF_LUA_GIVE_BACK, form, &call, master->command,
                       dff_rescue_on_give_back, rescue) != DFF_OK)
        dff_rescue_end(rescue);
}

static void
dff_rescue_forget(dff_rescue_t *rescue)
{
    dff_str_t      node = dff_str_from(rescue->node);
    dff_lua_call_t call;
    dff_key_t      claimed, started, heartbeat;

    dff_lua_begin(&call);
    dff_lua_key(&call, DFF_KEY_NODES, sizeof(DFF_KEY_NODES) - 1);
    dff_lua_key(&call, claimed, dff_key_claimed(claimed, node));
    dff_lua_key(&call, started, dff_key_started(started, node));
    dff_lua_key(&call, heartbeat, dff_key_node(heartbeat, node));
    dff_lua_arg(&call, node.data, node.len);
    /* When it still has jobs, the next round comes here again. */
    (void) dff_lua_run(&rescue->master->lua, DFF_LUA_FORGET_NODE, DFF_LUA_TEXT, &call,
                       rescue->master->command, NULL, NULL);
}

static void
dff_rescue_on_started(redisAsyncContext *ac, void *reply_ptr, void *data)
{
    dff_rescue_t *rescue = data;
    redisReply   *reply = reply_ptr, **pair;
    dff_str_t     node = rescue->own ? DFF_STR("") : dff_str_from(rescue->node);
    char          why[DFF_NODE_NAME_MAX + 64];
    size_t        i;

    (void) ac;
    if (reply == NULL || reply->type != REDIS_REPLY_ARRAY) {
        dff_rescue_end(rescue);
        return;
    }
    (void) snprintf(why, sizeof(why), "node %s was lost while it ran the function", rescue->node);
    for (i = 0; i + 1 < reply->elements; i += 2) {
        pair = &reply->element[i];
        dff_recovery_end_started(rescue->master, node,
                                 (dff_str_t) { pair[0]->str, (size_t) pair[0]->len },
                                 (dff_str_t) { pair[1]->str, (size_t) pair[1]->len }, why);
    }
    if (rescue->forget)
        dff_rescue_forget(rescue);
    rescue->whole = true;
    dff_rescue_end(rescue);
}

static void
dff_rescue_read_started(dff_rescue_t *rescue)
{
    dff_key_t   key;
    size_t      key_len = dff_key_started(key, dff_str_from(rescue->node));
    const char *argv[] = { "HGETALL", key };
    size_t      argvlen[] = { 7, key_len };

    if (dff_rescue_is_stale(rescue)
        || dff_redis_link_command(rescue->master->command, dff_rescue_on_started, rescue, 2, argv,
                                  argvlen) != DFF_OK)
        dff_rescue_end(rescue);
}

void
dff_recovery_node(dff_recovery_t *recovery, dff_str_t node, bool forget, dff_recovery_done_fn done,
    void *ctx)
{
    dff_rescue_t *rescue = dff_rescue_new(recovery, node, false, done, ctx);

    if (rescue == NULL) {
        done(ctx, false);
        return;
    }
    rescue->forget = forget;
    dff_rescue_begin(rescue);
}

void
dff_recovery_give_back_own(dff_recovery_t *recovery, dff_recovery_done_fn done, void *ctx)
{
    dff_rescue_t *rescue = dff_rescue_new(recovery, dff_master_node(recovery->master), true, done,
                                          ctx);

    if (rescue == NULL) {
        if (done != NULL)
            done(ctx, false);
        return;
    }
    rescue->claimed_only = true;
    dff_rescue_give_back(rescue, DFF_LUA_BY_SHA);
}

int
dff_recovery_give_back_one(dff_master_t *master, const dff_job_t *job, dff_str_t envelope)
{
    dff_lua_call_t call;
    dff_key_t      queue;

    dff_lua_begin(&call);
    dff_lua_key(&call, master->key_claimed, master->key_claimed_len);
    if (job != NULL)
        dff_lua_key(&call, queue, dff_key_queue_at(queue, job->queue, job->node));
    else
        dff_lua_key(&call, DFF_KEY_BAD, sizeof(DFF_KEY_BAD) - 1);
    dff_lua_arg(&call, envelope.data, envelope.len);
    if (job == NULL)
        dff_lua_arg(&call, DFF_BAD_KEEP, sizeof(DFF_BAD_KEEP) - 1);
    return dff_lua_run(&master->lua, job != NULL ? DFF_LUA_GIVE_BACK_ONE : DFF_LUA_BAD,
                       DFF_LUA_TEXT, &call, master->command, NULL, NULL);
}

/* --- our own last life ---------------------------------------------------- */

static void
dff_recovery_own_done(void *ctx, bool whole)
{
    dff_recovery_t *recovery = ctx;

    (void) whole;       /* of what Redis has refused the rest is found by the sweep */

    /* A round that broke off is begun again when Redis is back. */
    if (dff_redis_link_ready(recovery->master->command))
        dff_master_recovered(recovery->master);
}

/* Is the writer of this heartbeat a process that has ended on this machine? */
static bool
dff_recovery_writer_is_dead(dff_str_t heartbeat, char *who, size_t who_size)
{
    json_t     *doc = json_loadb(heartbeat.data, heartbeat.len, 0, NULL);
    const char *host = json_string_value(json_object_get(doc, "host"));
    json_int_t  pid = json_integer_value(json_object_get(doc, "pid"));
    char        our_host[256] = "";
    bool        dead;

    (void) gethostname(our_host, sizeof(our_host) - 1);
    (void) snprintf(who, who_size, "pid %lld on host %s", (long long) pid,
                    host == NULL ? "?" : host);
    /* Our own pid: a container that was started again. */
    dead = host == NULL
           || (strcmp(host, our_host) == 0
               && (pid <= 0 || pid == getpid()
                   || (kill((pid_t) pid, 0) != 0 && errno == ESRCH)));
    json_decref(doc);
    return dead;
}

static void
dff_recovery_on_heartbeat(redisAsyncContext *ac, void *reply_ptr, void *data)
{
    dff_recovery_t *recovery = data;
    dff_master_t   *master = recovery->master;
    redisReply     *reply = reply_ptr;
    dff_rescue_t   *rescue;
    int64_t         now_ms = dff_time_monotonic_ms();
    char            who[320];

    (void) ac;
    recovery->looking = false;
    if (reply == NULL || master->state != DFF_MASTER_RECOVERING)
        return;

    if (reply->type == REDIS_REPLY_STRING
        && !dff_recovery_writer_is_dead((dff_str_t) { reply->str, (size_t) reply->len }, who,
                                        sizeof(who))) {
        if (recovery->predecessor_ms == 0) {
            recovery->predecessor_ms = now_ms;
            dff_log_warn(&master->log, NULL, "node %s has a heartbeat of %s; waiting for it to "
                         "run out", master->node, who);
        } else if (now_ms - recovery->predecessor_ms > DFF_PREDECESSOR_MS) {
            dff_master_fail(master, "node name %s is in use by %s; give each executor its own "
                            "_NODE_NAME", master->node, who);
        }
        return;                     /* asked again by the tick */
    }

    rescue = dff_rescue_new(recovery, dff_master_node(master), true, dff_recovery_own_done,
                            recovery);
    if (rescue == NULL)
        dff_master_fail(master, "no memory to recover");
    else
        dff_rescue_begin(rescue);
}

void
dff_recovery_own(dff_recovery_t *recovery)
{
    dff_master_t *master = recovery->master;
    const char   *argv[] = { "GET", master->key_node };
    size_t        argvlen[] = { 3, master->key_node_len };

    if (recovery->looking || !LIST_EMPTY(&recovery->rescues))
        return;
    recovery->looking = dff_redis_link_command(master->command, dff_recovery_on_heartbeat,
                                               recovery, 2, argv, argvlen) == DFF_OK;
}

void
dff_recovery_tick(dff_recovery_t *recovery)
{
    if (recovery->master->state == DFF_MASTER_RECOVERING)
        dff_recovery_own(recovery);
}
