/* The samples of dff_sys_stats.h as series, and what the node runs on. */
#include "api/rest/dff_routes.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "dff_keys.h"
#include "dff_time.h"
#include "api/dff_sys_stats.h"

#include "dff_banned.h"

#define DFF_STATS_BUCKET_MS  600000

/* The averages of one label: sums are added up newest first, and turned at the end. */
typedef struct {
    double  sum;
    int     count;
    int64_t bucket_ms;
} dff_stats_bucket_t;


static double
dff_stats_round(double value)
{
    return round(value * 100) / 100;
}


/* Puts the average of a label's bucket in front of its series. */
static void
dff_stats_close(json_t *series, const char *label, const dff_stats_bucket_t *bucket)
{
    json_t *of_label = json_object_get(series, label);

    if (of_label == NULL) {
        of_label = json_array();
        (void) json_object_set_new(series, label, of_label);
    }
    (void) json_array_insert_new(of_label, 0, json_pack(
        "[I, f]", (json_int_t) bucket->bucket_ms,
        dff_stats_round(bucket->sum / bucket->count)));
}


/* {label: {"at","sum","count"}} while it is read: samples come newest first. */
static void
dff_stats_sample(json_t *series, json_t *open, json_t *sample, int64_t oldest_ms)
{
    int64_t     at_ms = json_integer_value(json_array_get(sample, 0));
    int64_t     bucket_ms = at_ms - at_ms % DFF_STATS_BUCKET_MS;
    const char *label;
    json_t     *value;

    if (at_ms < oldest_ms) {
        return;
    }
    json_object_foreach(json_array_get(sample, 1), label, value) {
        json_t            *held = json_object_get(open, label);
        dff_stats_bucket_t bucket = {
            json_real_value(json_object_get(held, "sum")),
            (int) json_integer_value(json_object_get(held, "count")),
            json_integer_value(json_object_get(held, "at")),
        };

        if (bucket.count > 0 && bucket.bucket_ms != bucket_ms) {
            dff_stats_close(series, label, &bucket);
            bucket.sum = bucket.count = 0;
        }
        (void) json_object_set_new(open, label, json_pack(
            "{s:f, s:i, s:I}", "sum", bucket.sum + json_number_value(value), "count",
            bucket.count + 1, "at", (json_int_t) bucket_ms));
    }
}


/* The series of one metric by label. NULL: err. */
static json_t *
dff_stats_series(dff_web_call_t *call, dff_sys_stats_metric_t metric, dff_err_t *err)
{
    int64_t     oldest_ms = dff_time_now_ms() - (int64_t) DFF_SYS_STATS_KEPT_S * 1000;
    dff_key_t   key;
    redisReply *samples;
    json_t     *series, *open, *held;
    const char *label;

    dff_key_monitor(key, dff_sys_stats_metrics[metric].name);
    samples = dff_rcmd_run(call->web->api->rcmd, err, "LRANGE %s 0 -1", key);
    if (samples == NULL) {
        return NULL;
    }
    series = json_object();
    open = json_object();
    for (size_t i = 0; samples->type == REDIS_REPLY_ARRAY && i < samples->elements; i++) {
        json_t *sample = json_loadb(samples->element[i]->str, samples->element[i]->len, 0, NULL);

        dff_stats_sample(series, open, sample, oldest_ms);
        json_decref(sample);
    }
    json_object_foreach(open, label, held) {
        dff_stats_close(series, label, &(dff_stats_bucket_t) {
            json_real_value(json_object_get(held, "sum")),
            (int) json_integer_value(json_object_get(held, "count")),
            json_integer_value(json_object_get(held, "at")) });
    }
    json_decref(open);
    freeReplyObject(samples);
    return series;
}

/* --- routes ---------------------------------------------------------------------------------- */

typedef struct {
    const char *pattern;
    long long   count;
} dff_stats_route_t;


static int
dff_stats_by_count(const void *a, const void *b)
{
    const dff_stats_route_t *one = a, *two = b;

    return one->count != two->count ? (one->count < two->count ? 1 : -1)
                                    : strcmp(one->pattern, two->pattern);
}


static json_t *
dff_stats_routes(dff_web_call_t *call, dff_err_t *err)
{
    char               date[16];
    dff_key_t          key;
    redisReply        *pairs;
    dff_stats_route_t *routes;
    size_t             count = 0;
    json_t            *all;

    dff_sys_stats_date(call->web->api, date);
    dff_key_monitor_routes(key, date);
    pairs = dff_rcmd_run(call->web->api->rcmd, err, "HGETALL %s", key);
    if (pairs == NULL) {
        return NULL;
    }
    routes = dff_arena_alloc(&call->arena, (pairs->elements / 2 + 1) * sizeof(*routes));
    for (size_t i = 0; routes != NULL && i + 1 < pairs->elements; i += 2) {
        routes[count].pattern = pairs->element[i]->str;
        routes[count++].count = strtoll(pairs->element[i + 1]->str, NULL, 10);
    }
    if (count > 0) {
        qsort(routes, count, sizeof(*routes), dff_stats_by_count);
    }
    all = json_array();
    for (size_t i = 0; i < count; i++) {
        (void) json_array_append_new(all, json_pack("[s, I]", routes[i].pattern,
                                                    (json_int_t) routes[i].count));
    }
    freeReplyObject(pairs);
    return all;
}

/* --- sys-stats ------------------------------------------------------------------------------- */

static int
dff_stats_get(dff_web_call_t *call, dff_err_t *err)
{
    json_t *all = json_object(), *routes;

    for (int metric = 0; metric < DFF_STATS_COUNT; metric++) {
        json_t *series = dff_stats_series(call, (dff_sys_stats_metric_t) metric, err);

        if (series == NULL) {
            json_decref(all);
            return DFF_ERROR;
        }
        if (!dff_sys_stats_metrics[metric].labelled) {
            json_t *only = json_object_get(series, "");

            only = only == NULL ? json_array() : json_incref(only);
            json_decref(series);
            series = only;
        }
        (void) json_object_set_new(all, dff_sys_stats_metrics[metric].name, series);
    }
    routes = dff_stats_routes(call, err);
    if (routes == NULL) {
        json_decref(all);
        return DFF_ERROR;
    }
    (void) json_object_set_new(all, "matchedRouteCount", routes);
    return dff_web_reply(call, json_pack("{s:s, s:o}", "hostname", call->web->api->node,
                                         "sysStats", all), err);
}


static int
dff_stats_clear(dff_web_call_t *call, dff_err_t *err)
{
    dff_key_t keys[DFF_STATS_COUNT + 1];
    char      date[16];
    json_t   *cleared = json_array();

    for (int metric = 0; metric < DFF_STATS_COUNT; metric++) {
        dff_key_monitor(keys[metric], dff_sys_stats_metrics[metric].name);
    }
    dff_sys_stats_date(call->web->api, date);
    dff_key_monitor_routes(keys[DFF_STATS_COUNT], date);
    for (int i = 0; i <= DFF_STATS_COUNT; i++) {
        redisReply *reply = dff_rcmd_run(call->web->api->rcmd, err, "DEL %s", keys[i]);

        if (reply == NULL) {
            json_decref(cleared);
            return DFF_ERROR;
        }
        if (reply->type == REDIS_REPLY_INTEGER && reply->integer > 0) {
            (void) json_array_append_new(cleared, json_string(keys[i]));
        }
        freeReplyObject(reply);
    }
    return dff_web_reply(call, json_pack("{s:I, s:o}", "clearCount",
                                         (json_int_t) json_array_size(cleared), "clearKeys",
                                         cleared), err);
}

/* --- server-environment ---------------------------------------------------------------------- */

/* "model name : …" of the first processor; null where /proc/cpuinfo has none. */
static json_t *
dff_stats_cpu_model(void)
{
    FILE   *file = fopen("/proc/cpuinfo", "re");
    char    line[512];
    json_t *model = NULL;

    while (file != NULL && model == NULL && fgets(line, sizeof(line), file) != NULL) {
        char *colon = strchr(line, ':');

        if (colon != NULL && strncmp(line, "model name", 10) == 0) {
            model = json_stringn(colon + 2, strcspn(colon + 2, "\n"));
        }
    }
    if (file != NULL) {
        (void) fclose(file);
    }
    return model == NULL ? json_null() : model;
}


static int
dff_stats_environment(dff_web_call_t *call, dff_err_t *err)
{
    dff_api_t      *api = call->web->api;
    struct utsname  machine = { .machine = "" };
    dff_err_t       away;
    const char     *mysql = NULL, *redis = NULL;

    (void) uname(&machine);     /* "" is as good as any answer */
    if (dff_db_connect(api->db, &away) == DFF_OK) {
        mysql = dff_db_server_version(api->db);
    }
    if (dff_rcmd_connect(api->rcmd, &away) == DFF_OK) {
        redis = dff_rcmd_server_version(api->rcmd);
    }
    return dff_web_reply(call, json_pack(
        "{s:s, s:s, s:s, s:o, s:I, s:n, s:{}, s:s?, s:s?}", "osArch", machine.machine, "osType",
        machine.sysname, "osRelease", machine.release, "cpuModel", dff_stats_cpu_model(),
        "cpuCores", (json_int_t) sysconf(_SC_NPROCESSORS_ONLN), "nodeVersion", "nodePackages",
        "mysqlVersion", mysql, "redisVersion", redis), err);
}


/* --- what they answer ------------------------------------------------------------------------ */

static const dff_prop_t dff_stats_number = { .type = DFF_PROP_NUMBER };
static const dff_prop_t dff_stats_point = {
    .type = DFF_PROP_LIST, .min = 2, .max = 2, .of = &dff_stats_number, .about = "Unix ms, value"
};
static const dff_prop_t dff_stats_points = { .type = DFF_PROP_LIST, .of = &dff_stats_point };

static const dff_prop_t  dff_stats_route_value_props[] = {
    { "pattern", DFF_PROP_STR }, { "count", DFF_PROP_INT },
};
static const dff_shape_t dff_stats_route_values = DFF_SHAPE(dff_stats_route_value_props);
static const dff_prop_t  dff_stats_route_value = {
    .type = DFF_PROP_EITHER, .shape = &dff_stats_route_values
};
static const dff_prop_t  dff_stats_route = {
    .type = DFF_PROP_LIST, .min = 2, .max = 2, .of = &dff_stats_route_value,
    .about = "Pattern, requests of today"
};

/* As dff_sys_stats_metrics has them. */
#define DFF_STATS_OF(name, label) \
    DFF_ANSWERED(name, DFF_PROP_MAP, .of = &dff_stats_points, .about = "By " label)

static const dff_prop_t dff_stats_props[] = {
    DFF_STATS_OF("serverCPUPercent", "host; %"), DFF_STATS_OF("workerCPUPercent", "host; %"),
    DFF_STATS_OF("serverMemoryRSS", "host; MiB"),
    DFF_STATS_OF("serverMemoryHeapTotal", "host; MiB"),
    DFF_STATS_OF("serverMemoryHeapUsed", "host; MiB"),
    DFF_STATS_OF("serverMemoryHeapExternal", "host; MiB"),
    DFF_STATS_OF("workerMemoryPSS", "host; MiB"), DFF_STATS_OF("dbDiskUsed", "table; MiB"),
    DFF_ANSWERED("cacheDBKeyUsed", DFF_PROP_LIST, .of = &dff_stats_point),
    DFF_ANSWERED("cacheDBMemoryUsed", DFF_PROP_LIST, .of = &dff_stats_point, .about = "MiB"),
    DFF_STATS_OF("workerQueueLength", "queue"),
    DFF_STATS_OF("cacheDBKeyCountByPrefix", "prefix of keys"),
    DFF_ANSWERED("matchedRouteCount", DFF_PROP_LIST, .of = &dff_stats_route),
};
static const dff_shape_t dff_stats_all = DFF_SHAPE(dff_stats_props);
static const dff_prop_t  dff_stats_get_props[] = {
    DFF_ANSWERED("hostname", DFF_PROP_STR),
    DFF_ANSWERED("sysStats", DFF_PROP_OBJECT, .shape = &dff_stats_all),
};
DFF_ANSWER(dff_stats_get_answer, dff_stats_get_props, DFF_PROP_OBJECT);

static const dff_prop_t dff_stats_clear_props[] = {
    DFF_ANSWERED("clearCount", DFF_PROP_INT), DFF_ANSWERED("clearKeys", DFF_PROP_STRS),
};
DFF_ANSWER(dff_stats_clear_answer, dff_stats_clear_props, DFF_PROP_OBJECT);

static const dff_prop_t dff_stats_environment_props[] = {
    DFF_ANSWERED("osArch", DFF_PROP_STR), DFF_ANSWERED("osType", DFF_PROP_STR),
    DFF_ANSWERED("osRelease", DFF_PROP_STR),
    DFF_ANSWERED("cpuModel", DFF_PROP_STR, .nullable = true),
    DFF_ANSWERED("cpuCores", DFF_PROP_INT),
    DFF_ANSWERED("nodeVersion", DFF_PROP_NULL, .about = "There is no Node.js here"),
    DFF_ANSWERED("nodePackages", DFF_PROP_MAP),
    DFF_ANSWERED("mysqlVersion", DFF_PROP_STR, .nullable = true),
    DFF_ANSWERED("redisVersion", DFF_PROP_STR, .nullable = true),
};
DFF_ANSWER(dff_stats_environment_answer, dff_stats_environment_props, DFF_PROP_OBJECT);

static const dff_endpoint_t dff_monitor_stat_rows[] = {
    { DFF_WEB_GET, "/api/v1/monitor/sys-stats/do/get", "Get statistics of the system",
      DFF_SIGN_IN_ANY, DFF_GENERAL_R, .handler = dff_stats_get,
      .answer = &dff_stats_get_answer },
    { DFF_WEB_GET | DFF_WEB_POST, "/api/v1/monitor/sys-stats/do/clear",
      "Clear statistics of the system", DFF_SIGN_IN_ANY, DFF_GENERAL_W,
      .handler = dff_stats_clear, .answer = &dff_stats_clear_answer },
    { DFF_WEB_GET, "/api/v1/monitor/server-environment/do/get", "Get what the node runs on",
      DFF_SIGN_IN_ANY, DFF_GENERAL_R, .handler = dff_stats_environment,
      .answer = &dff_stats_environment_answer },
};

const dff_endpoint_group_t dff_monitor_stat_routes = DFF_ENDPOINTS(dff_monitor_stat_rows);
