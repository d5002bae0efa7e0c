/* The heartbeat of this node. Runs in the master. */
#include "dff_heartbeat.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "dff_id.h"
#include "dff_time.h"
#include "dff_version.h"

#include "master/dff_api_proc.h"
#include "master/dff_changes.h"
#include "master/dff_pool.h"
#include "master/dff_worker_proc.h"

#include "dff_banned.h"

#define DFF_HEARTBEAT_EVERY_MS  2000
#define DFF_HEARTBEAT_TTL_S     "10"
#define DFF_HEARTBEAT_DEAD_MS   8000

struct dff_heartbeat_s {
    dff_master_t *master;
    int64_t       sent_ms;           /* monotonic */
    int64_t       unanswered_ms;     /* since when; 0: all were answered */
    int64_t       taken_ms;          /* when Redis has taken the last one */
    bool          told;              /* that it refuses them is in the log */
    char          boot_id[DFF_ID_SIZE];
    char          host[256];
};

dff_heartbeat_t *
dff_heartbeat_new(dff_master_t *master)
{
    dff_heartbeat_t *heartbeat = calloc(1, sizeof(*heartbeat));
    dff_id_source_t  source;

    if (heartbeat == NULL)
        return NULL;
    heartbeat->master = master;
    dff_id_source_init(&source);
    if (dff_id_make(&source, heartbeat->boot_id, "boot-") == 0
        || gethostname(heartbeat->host, sizeof(heartbeat->host) - 1) != 0) {
        free(heartbeat);
        return NULL;
    }
    return heartbeat;
}

void
dff_heartbeat_free(dff_heartbeat_t *heartbeat)
{
    free(heartbeat);
}

const char *
dff_heartbeat_boot_id(const dff_heartbeat_t *heartbeat)
{
    return heartbeat->boot_id;
}

int64_t
dff_heartbeat_taken_ms(const dff_heartbeat_t *heartbeat)
{
    return heartbeat->taken_ms;
}

static void
dff_heartbeat_counters(dff_buf_t *out, const dff_counters_t *c)
{
    const struct { const char *name; uint64_t value; } rows[] = {
        { "claimed", c->claimed },
        { "started", c->started },
        { "success", c->success },
        { "failure", c->failure },
        { "timeout", c->timeout },
        { "expired", c->expired },
        { "lost", c->lost },
        { "refused_late", c->refused_late },
        { "bad", c->bad },
        { "worker_restarts", c->worker_restarts },
        { "workers_added", c->workers_added },
        { "workers_retired", c->workers_retired },
        { "given_back", c->given_back },
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        dff_buf_addf(out, "%s\"%s\":%llu", i == 0 ? "" : ",", rows[i].name,
                     (unsigned long long) rows[i].value);
}

/* Workers and the zygote are forks of one another: the largest there has been of each. */
static void
dff_heartbeat_usage(dff_buf_t *out)
{
    struct rusage own = { 0 }, children = { 0 };

    (void) getrusage(RUSAGE_SELF, &own);
    (void) getrusage(RUSAGE_CHILDREN, &children);
    dff_buf_addf(out, ",\"rusage\":{\"maxrss\":%ld,\"childrenMaxrss\":%ld}", own.ru_maxrss,
                 children.ru_maxrss);
}

static void
dff_heartbeat_pids(dff_buf_t *out, const dff_group_t *group)
{
    const dff_worker_proc_t *worker;
    bool                     first = true;

    TAILQ_FOREACH(worker, &group->workers, all) {
        if (worker->pid > 0) {
            dff_buf_addf(out, "%s%d", first ? "" : ",", (int) worker->pid);
            first = false;
        }
    }
}

static void
dff_heartbeat_document(dff_heartbeat_t *heartbeat, dff_buf_t *out)
{
    dff_master_t *master = heartbeat->master;
    dff_pool_t   *pool = master->pool;
    int           i;

    dff_buf_add_str(out, DFF_STR("{\"node\":\""));
    dff_buf_add_json_escaped(out, dff_master_node(master));
    dff_buf_add_str(out, DFF_STR("\",\"host\":\""));
    dff_buf_add_json_escaped(out, dff_str_from(heartbeat->host));
    dff_buf_addf(out, "\",\"pid\":%d,\"version\":\"%s\",\"bootId\":\"%s\",\"startedAt\":%lld,"
                 "\"scriptsVersion\":%lld,\"draining\":%s,\"groups\":[", (int) getpid(),
                 DFF_VERSION, heartbeat->boot_id, (long long) master->started_at_ms,
                 dff_changes_last_version(master->changes),
                 master->state == DFF_MASTER_SERVING ? "false" : "true");
    for (i = 0; i < pool->ngroups; i++) {
        const dff_group_t *group = &pool->groups[i];

        dff_buf_addf(out, "%s{\"queues\":\"%s\",\"workers\":%d,\"busy\":%d,\"claimed\":%d,"
                     "\"base\":%d,\"max\":%d,\"pids\":[", i == 0 ? "" : ",", group->name,
                     group->live, group->busy, group->held - group->busy, group->base,
                     group->ceiling);
        dff_heartbeat_pids(out, group);
        dff_buf_add_str(out, DFF_STR("]}"));
    }
    dff_buf_add_str(out, DFF_STR("],\"api\":"));
    dff_api_procs_report(master->api, out);
    dff_buf_add_str(out, DFF_STR(",\"counters\":{"));
    dff_heartbeat_counters(out, &master->counters);
    dff_buf_add_str(out, DFF_STR("}"));
    dff_heartbeat_usage(out);
    dff_buf_add_str(out, DFF_STR("}"));
}

/* GET scripts:version, the last of the three commands. */
static void
dff_heartbeat_on_version(redisAsyncContext *ac, void *reply_ptr, void *data)
{
    dff_heartbeat_t *heartbeat = data;
    redisReply      *reply = reply_ptr;

    (void) ac;
    heartbeat->unanswered_ms = 0;
    if (reply == NULL)
        return;
    if (reply->type == REDIS_REPLY_STRING)
        dff_changes_scripts_version(heartbeat->master->changes, strtoll(reply->str, NULL, 10));
    else if (reply->type == REDIS_REPLY_NIL)
        dff_changes_scripts_version(heartbeat->master->changes, 0);
}

static void
dff_heartbeat_on_set(redisAsyncContext *ac, void *reply_ptr, void *data)
{
    dff_heartbeat_t *heartbeat = data;
    redisReply      *reply = reply_ptr;

    (void) ac;
    if (reply == NULL)
        return;
    if (reply->type == REDIS_REPLY_STATUS) {
        heartbeat->taken_ms = dff_time_monotonic_ms();
        heartbeat->told = false;
        return;
    }
    if (reply->type != REDIS_REPLY_ERROR || heartbeat->told
        || dff_redis_link_moved(heartbeat->master->command))
        return;
    heartbeat->told = true;
    dff_log_error(&heartbeat->master->log, NULL, "the heartbeat is refused by Redis: %s; tried "
                  "again every %d ms", reply->str, DFF_HEARTBEAT_EVERY_MS);
}

void
dff_heartbeat_now(dff_heartbeat_t *heartbeat)
{
    dff_master_t *master = heartbeat->master;
    dff_buf_t     json = DFF_BUF_INIT;

    if (master->state >= DFF_MASTER_ENDING || !dff_redis_link_ready(master->command))
        return;
    dff_heartbeat_document(heartbeat, &json);
    if (!dff_buf_failed(&json)) {
        const char *set[] = { "SET", master->key_node, json.data, "EX", DFF_HEARTBEAT_TTL_S };
        size_t      set_len[] = { 3, master->key_node_len, json.len, 2, 2 };
        const char *add[] = { "SADD", DFF_KEY_NODES, master->node };

        (void) dff_redis_link_command(master->command, dff_heartbeat_on_set, heartbeat, 5, set,
                                      set_len);
        (void) dff_redis_link_command(master->command, NULL, NULL, 3, add, NULL);
        heartbeat->sent_ms = dff_time_monotonic_ms();
        if (dff_redis_link_commandf(master->command, dff_heartbeat_on_version, heartbeat,
                                    "GET " DFF_KEY_SCRIPTS_VERSION) == DFF_OK
            && heartbeat->unanswered_ms == 0)
            heartbeat->unanswered_ms = heartbeat->sent_ms;
    }
    dff_buf_release(&json);
}

void
dff_heartbeat_tick(dff_heartbeat_t *heartbeat)
{
    int64_t now_ms = dff_time_monotonic_ms();

    if (heartbeat->unanswered_ms != 0
        && now_ms - heartbeat->unanswered_ms > DFF_HEARTBEAT_DEAD_MS
        && dff_redis_link_progresses(heartbeat->master->command))
        heartbeat->unanswered_ms = now_ms;
    if (heartbeat->unanswered_ms != 0
        && now_ms - heartbeat->unanswered_ms > DFF_HEARTBEAT_DEAD_MS) {
        dff_redis_link_drop(heartbeat->master->command, "no answer to the heartbeat in time");
        return;
    }
    if (now_ms - heartbeat->sent_ms >= DFF_HEARTBEAT_EVERY_MS - 100)
        dff_heartbeat_now(heartbeat);
}
