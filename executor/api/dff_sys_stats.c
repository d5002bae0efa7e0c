/* Samples: see the header. */
#include "api/dff_sys_stats.h"

#include <fcntl.h>
#include <jansson.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "dff_keys.h"
#include "dff_time.h"
#include "dff_tz.h"
#include "api/dff_proc_usage.h"
#include "api/http/dff_web.h"
#include "store/dff_cluster.h"

#include "dff_banned.h"

#define DFF_STATS_MIB         (1024.0 * 1024)
#define DFF_STATS_SCAN_STEPS  100       /* of 1,000 keys: more are not looked at */
#define DFF_STATS_ROUTES_MAX  512
#define DFF_STATS_ROUTES_S    86400

const dff_sys_stats_row_t dff_sys_stats_metrics[DFF_STATS_COUNT] = {
    [DFF_STATS_SERVER_CPU] = { "serverCPUPercent", true },
    [DFF_STATS_WORKER_CPU] = { "workerCPUPercent", true },
    [DFF_STATS_SERVER_RSS] = { "serverMemoryRSS", true },
    [DFF_STATS_HEAP_TOTAL] = { "serverMemoryHeapTotal", true },
    [DFF_STATS_HEAP_USED] = { "serverMemoryHeapUsed", true },
    [DFF_STATS_HEAP_EXTERNAL] = { "serverMemoryHeapExternal", true },
    [DFF_STATS_WORKER_PSS] = { "workerMemoryPSS", true },
    [DFF_STATS_DB_DISK] = { "dbDiskUsed", true },
    [DFF_STATS_CACHE_KEYS] = { "cacheDBKeyUsed", false },
    [DFF_STATS_CACHE_MEMORY] = { "cacheDBMemoryUsed", false },
    [DFF_STATS_QUEUES] = { "workerQueueLength", true },
    [DFF_STATS_PREFIXES] = { "cacheDBKeyCountByPrefix", true },
};

struct dff_sys_stats_s {
    int64_t          since_ms;      /* monotonic; 0: not measured yet */
    dff_proc_usage_t server, workers;       /* then */
    struct {
        const char *pattern;
        unsigned    count;          /* since they were handed over */
    }                routes[DFF_STATS_ROUTES_MAX];
    size_t           nroutes;
};


dff_sys_stats_t *
dff_sys_stats_new(void)
{
    return calloc(1, sizeof(dff_sys_stats_t));
}


void
dff_sys_stats_free(dff_sys_stats_t *stats)
{
    free(stats);
}


void
dff_sys_stats_count(dff_sys_stats_t *stats, const char *pattern)
{
    for (size_t i = 0; i < stats->nroutes; i++) {
        if (stats->routes[i].pattern == pattern) {
            stats->routes[i].count++;
            return;
        }
    }
    if (stats->nroutes < DFF_STATS_ROUTES_MAX) {
        stats->routes[stats->nroutes].pattern = pattern;
        stats->routes[stats->nroutes++].count = 1;
    }
}


void
dff_sys_stats_date(const dff_api_t *api, char date[16])
{
    char    text[DFF_TIME_ISO_SIZE];
    int64_t now_ms = dff_time_now_ms();

    (void) dff_time_iso(text, now_ms, dff_tz_offset(&api->web->tz, now_ms / 1000));
    (void) snprintf(date, 16, "%.10s", text);
}

/* --- handing over ---------------------------------------------------------------------------- */

/* values: an object of numbers by label, which it takes. */
static int
dff_sys_stats_push(dff_api_t *api, dff_sys_stats_metric_t metric, json_t *values, dff_err_t *err)
{
    json_t   *sample = json_pack("[I, o]", (json_int_t) dff_time_now_ms(), values);
    char     *text = sample == NULL ? NULL
        : json_dumps(sample, JSON_COMPACT | JSON_REAL_PRECISION(10));
    dff_key_t key;
    int       rc;

    json_decref(sample);
    if (text == NULL) {
        return dff_err_set(err, DFF_E_SYS, "out of memory");
    }
    dff_key_monitor(key, dff_sys_stats_metrics[metric].name);
    rc = dff_rcmd_append(api->rcmd, err, "LPUSH %s %s", key, text);
    rc = rc == DFF_OK ? dff_rcmd_append(api->rcmd, err, "LTRIM %s 0 %d", key,
                                        DFF_SYS_STATS_SAMPLES - 1) : rc;
    rc = rc == DFF_OK ? dff_rcmd_append(api->rcmd, err, "EXPIRE %s %d", key,
                                        DFF_SYS_STATS_KEPT_S) : rc;
    rc = rc == DFF_OK ? dff_rcmd_finish(api->rcmd, err) : rc;
    free(text);
    return rc;
}


static int
dff_sys_stats_push_one(dff_api_t *api, dff_sys_stats_metric_t metric, const char *label,
    double value, dff_err_t *err)
{
    return dff_sys_stats_push(api, metric, json_pack("{s:f}", label, value), err);
}


/* Whose turn is it? The lock ends shortly before the next sample is due. */
static bool
dff_sys_stats_turn(dff_api_t *api, const char *whose)
{
    dff_err_t   err;
    dff_key_t   key;
    redisReply *reply;
    bool        ours;

    dff_key_monitor_turn(key, dff_str_from(whose));
    reply = dff_rcmd_run(api->rcmd, &err, "SET %s %s NX EX %d", key, api->node,
                         DFF_SYS_STATS_EVERY_S - 1);
    ours = reply != NULL && reply->type == REDIS_REPLY_STATUS;
    if (reply != NULL) {
        freeReplyObject(reply);
    }
    return ours;
}

/* --- the node -------------------------------------------------------------------------------- */

static pid_t
dff_sys_stats_nginx(const dff_config_t *cfg)
{
    char    path[1024], text[32] = "";
    int     fd;
    ssize_t n = 0;

    if ((size_t) snprintf(path, sizeof(path), "%s/nginx.master.pid", cfg->run_path)
        < sizeof(path) && (fd = open(path, O_RDONLY | O_CLOEXEC)) != -1)
    {
        n = read(fd, text, sizeof(text) - 1);
        (void) close(fd);
    }
    return n > 0 ? (pid_t) strtol(text, NULL, 10) : 0;
}


static double
dff_sys_stats_percent(uint64_t before, uint64_t now, int64_t ms)
{
    double ticks = now > before ? (double) (now - before) : 0;      /* one that died took its own */

    return ms <= 0 ? 0 : ticks / (double) sysconf(_SC_CLK_TCK) / ((double) ms / 1000) * 100;
}


static int
dff_sys_stats_node(dff_api_t *api, dff_sys_stats_t *stats, dff_err_t *err)
{
    dff_proc_usage_t server, workers;
    struct mallinfo2 heap = mallinfo2();
    int64_t          now_ms = dff_time_monotonic_ms(), passed_ms = now_ms - stats->since_ms;

    dff_proc_usage(getppid(), dff_sys_stats_nginx(api->cfg), &server, &workers);

    const struct { dff_sys_stats_metric_t metric; double value; } values[] = {
        { DFF_STATS_SERVER_CPU,
          dff_sys_stats_percent(stats->server.ticks, server.ticks, passed_ms) },
        { DFF_STATS_WORKER_CPU,
          dff_sys_stats_percent(stats->workers.ticks, workers.ticks, passed_ms) },
        { DFF_STATS_SERVER_RSS, (double) server.rss / DFF_STATS_MIB },
        { DFF_STATS_HEAP_TOTAL, (double) heap.arena / DFF_STATS_MIB },
        { DFF_STATS_HEAP_USED, (double) heap.uordblks / DFF_STATS_MIB },
        { DFF_STATS_HEAP_EXTERNAL, (double) heap.hblkhd / DFF_STATS_MIB },
        { DFF_STATS_WORKER_PSS, (double) workers.own / DFF_STATS_MIB },
    };

    stats->server = server;
    stats->workers = workers;
    stats->since_ms = now_ms;
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        if (dff_sys_stats_push_one(api, values[i].metric, api->node, values[i].value, err)
            != DFF_OK)
        {
            return DFF_ERROR;
        }
    }
    return DFF_OK;
}

/* --- the cluster ----------------------------------------------------------------------------- */

static int
dff_sys_stats_tables(dff_api_t *api, dff_err_t *err)
{
    dff_db_rows_t rows;
    json_t       *sizes = json_object();

    if (dff_db_query(api->db, "SELECT table_name, COALESCE(data_length + index_length, 0)"
                     " FROM information_schema.tables WHERE table_schema = DATABASE()"
                     " ORDER BY table_name LIMIT 200", NULL, 0, &rows, err) != DFF_OK)
    {
        json_decref(sizes);
        return DFF_ERROR;
    }
    for (size_t i = 0; i < rows.nrows; i++) {
        (void) json_object_set_new(sizes, dff_db_cell(&rows, i, 0).data, json_real(
            (double) dff_db_number(dff_db_cell(&rows, i, 1)) / DFF_STATS_MIB));
    }
    dff_db_rows_release(&rows);
    return dff_sys_stats_push(api, DFF_STATS_DB_DISK, sizes, err);
}


static int
dff_sys_stats_queues(dff_api_t *api, dff_err_t *err)
{
    long long lengths[DFF_QUEUE_COUNT];
    json_t   *all;

    if (dff_cluster_queue_lengths(api->rcmd, lengths, err) != DFF_OK) {
        return DFF_ERROR;
    }
    all = json_object();
    for (int queue = 0; queue < DFF_QUEUE_COUNT; queue++) {
        (void) json_object_set_new(all, (char[]) { (char) ('0' + queue), '\0' },
                                   json_integer(lengths[queue]));
    }
    return dff_sys_stats_push(api, DFF_STATS_QUEUES, all, err);
}


static int
dff_sys_stats_redis(dff_api_t *api, dff_err_t *err)
{
    redisReply *reply = dff_rcmd_run(api->rcmd, err, "DBSIZE");
    const char *at;
    double      used;

    if (reply == NULL) {
        return DFF_ERROR;
    }
    used = reply->type == REDIS_REPLY_INTEGER ? (double) reply->integer : 0;
    freeReplyObject(reply);
    if (dff_sys_stats_push_one(api, DFF_STATS_CACHE_KEYS, "", used, err) != DFF_OK
        || (reply = dff_rcmd_run(api->rcmd, err, "INFO memory")) == NULL)
    {
        return DFF_ERROR;
    }
    at = reply->type == REDIS_REPLY_STRING ? strstr(reply->str, "used_memory:") : NULL;
    used = at == NULL ? 0 : strtod(at + sizeof("used_memory:") - 1, NULL);
    freeReplyObject(reply);
    return dff_sys_stats_push_one(api, DFF_STATS_CACHE_MEMORY, "", used / DFF_STATS_MIB, err);
}


/* "dff:route" of "dff:route:al:…". */
static void
dff_sys_stats_add_key(json_t *counts, const redisReply *key)
{
    char        prefix[64];
    const char *colon;

    if (key->type != REDIS_REPLY_STRING) {
        return;
    }
    colon = strchr(key->str, ':');
    colon = colon == NULL ? NULL : strchr(colon + 1, ':');
    (void) snprintf(prefix, sizeof(prefix), "%.*s",
                    (int) (colon == NULL ? key->len : (size_t) (colon - key->str)), key->str);
    if (json_object_size(counts) < 100 || json_object_get(counts, prefix) != NULL) {
        (void) json_object_set_new(counts, prefix, json_integer(
            json_integer_value(json_object_get(counts, prefix)) + 1));
    }
}


static int
dff_sys_stats_prefixes(dff_api_t *api, dff_err_t *err)
{
    json_t *counts = json_object();
    char    cursor[32] = "0";
    int     rc = DFF_OK, steps = 0;

    do {
        redisReply *reply = dff_rcmd_run(api->rcmd, err, "SCAN %s COUNT 1000", cursor);

        if (reply == NULL) {
            rc = DFF_ERROR;
            break;
        }
        if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 2
            && reply->element[0]->type == REDIS_REPLY_STRING
            && reply->element[1]->type == REDIS_REPLY_ARRAY)
        {
            (void) snprintf(cursor, sizeof(cursor), "%s", reply->element[0]->str);
            for (size_t i = 0; i < reply->element[1]->elements; i++) {
                dff_sys_stats_add_key(counts, reply->element[1]->element[i]);
            }
        } else {
            rc = dff_err_set(err, DFF_E_SYS_CACHE, "unexpected answer to SCAN");
        }
        freeReplyObject(reply);
    } while (rc == DFF_OK && strcmp(cursor, "0") != 0 && ++steps < DFF_STATS_SCAN_STEPS);
    if (rc != DFF_OK) {
        json_decref(counts);
        return rc;
    }
    return dff_sys_stats_push(api, DFF_STATS_PREFIXES, counts, err);
}

/* --- routes ---------------------------------------------------------------------------------- */

static int
dff_sys_stats_routes(dff_api_t *api, dff_sys_stats_t *stats, dff_err_t *err)
{
    char      date[16];
    dff_key_t key;
    int       rc = DFF_OK;

    dff_sys_stats_date(api, date);
    dff_key_monitor_routes(key, date);
    for (size_t i = 0; rc == DFF_OK && i < stats->nroutes; i++) {
        rc = dff_rcmd_append(api->rcmd, err, "HINCRBY %s %s %d", key, stats->routes[i].pattern,
                             (int) stats->routes[i].count);
    }
    rc = rc == DFF_OK ? dff_rcmd_append(api->rcmd, err, "EXPIRE %s %d", key, DFF_STATS_ROUTES_S)
                      : rc;
    rc = rc == DFF_OK ? dff_rcmd_finish(api->rcmd, err) : rc;
    stats->nroutes = rc == DFF_OK ? 0 : stats->nroutes;
    return rc;
}


void
dff_sys_stats_tick(dff_api_t *api)
{
    dff_sys_stats_t *stats = api->web->stats;
    dff_err_t        err = { 0 };
    int              rc = DFF_OK;

    if (stats->since_ms == 0) {     /* a percentage needs two looks */
        dff_proc_usage(getppid(), dff_sys_stats_nginx(api->cfg), &stats->server,
                       &stats->workers);
        stats->since_ms = dff_time_monotonic_ms();
        return;
    }
    if (stats->nroutes > 0) {
        rc = dff_sys_stats_routes(api, stats, &err);
    }
    if (rc == DFF_OK && dff_sys_stats_turn(api, api->node)) {
        rc = dff_sys_stats_node(api, stats, &err);
    }
    if (rc == DFF_OK && dff_sys_stats_turn(api, "")) {
        rc = dff_sys_stats_tables(api, &err);
        rc = rc == DFF_OK ? dff_sys_stats_queues(api, &err) : rc;
        rc = rc == DFF_OK ? dff_sys_stats_redis(api, &err) : rc;
        rc = rc == DFF_OK ? dff_sys_stats_prefixes(api, &err) : rc;
    }
    if (rc != DFF_OK) {
        dff_log_info(&api->log, NULL, "no sample of the statistics: %s", err.message);
    }
}
