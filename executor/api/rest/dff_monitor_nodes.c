/*
 * The nodes of the cluster as their heartbeats tell, in the shapes that clients of the
 * original know from its task queue; and the clearing of queues.
 */
#include "api/rest/dff_routes.h"

#include <stdlib.h>
#include <sys/resource.h>

#include "store/dff_cluster.h"
#include "store/dff_queue_clear.h"

#include "dff_banned.h"

#define DFF_MONITOR_QUEUE_PREFIX  "workerQueue@"

/* The members that one live node has beside its name. */
typedef void (*dff_monitor_describe_fn)(const dff_web_call_t *call, json_t *out,
    const dff_cluster_node_t *node);


static const char *
dff_monitor_host(const dff_cluster_node_t *node)
{
    const char *host = json_string_value(json_object_get(node->heartbeat, "host"));

    return host == NULL ? "?" : host;
}


/* A list of the live nodes, by name. */
static int
dff_monitor_each_node(dff_web_call_t *call, dff_monitor_describe_fn describe, dff_err_t *err)
{
    dff_cluster_t nodes;
    json_t       *all = json_array();

    if (dff_cluster_list(call->web->api->rcmd, &nodes, err) != DFF_OK) {
        json_decref(all);
        return DFF_ERROR;
    }
    for (size_t i = 0; i < nodes.count; i++) {
        const dff_cluster_node_t *node = &nodes.items[i];
        json_t                   *one;

        if (node->heartbeat == NULL) {
            continue;       /* gone; who is gone answers no ping */
        }
        one = json_pack("{s:o}", "node", json_sprintf("%s@%s", node->name,
                                                      dff_monitor_host(node)));
        if (one != NULL) {
            describe(call, one, node);
        }
        (void) json_array_append_new(all, one);
    }
    dff_cluster_release(&nodes);
    return dff_web_reply(call, all, err);
}

/* --- ping ------------------------------------------------------------------------------------ */

static void
dff_monitor_describe_ping(const dff_web_call_t *call, json_t *out,
    const dff_cluster_node_t *node)
{
    (void) call;
    (void) node;
    (void) json_object_set_new(out, "ping", json_string("pong"));
}


static int
dff_monitor_ping(dff_web_call_t *call, dff_err_t *err)
{
    return dff_monitor_each_node(call, dff_monitor_describe_ping, err);
}

/* --- stats ----------------------------------------------------------------------------------- */

static int64_t
dff_monitor_sum(json_t *groups, const char *member)
{
    int64_t sum = 0;
    size_t  i;
    json_t *group;

    json_array_foreach(groups, i, group) {
        sum += json_integer_value(json_object_get(group, member));
    }
    return sum;
}


static json_t *
dff_monitor_pids(json_t *groups)
{
    json_t *all = json_array(), *group;
    size_t  i;

    json_array_foreach(groups, i, group) {
        json_t *pids = json_object_get(group, "pids");

        if (json_is_array(pids)) {
            (void) json_array_extend(all, pids);
        }
    }
    return all;
}


static void
dff_monitor_describe_stats(const dff_web_call_t *call, json_t *out,
    const dff_cluster_node_t *node)
{
    json_t *groups = json_object_get(node->heartbeat, "groups");
    json_t *counters = json_object_get(node->heartbeat, "counters");
    json_t *usage = json_object_get(node->heartbeat, "rusage");

    (void) json_object_set_new(out, "pid", json_incref(json_object_get(node->heartbeat, "pid")));
    (void) json_object_set_new(out, "pool", json_pack(
        "{s:o, s:I, s:I, s:{s:I, s:I}}", "processes", dff_monitor_pids(groups),
        "max-concurrency", (json_int_t) dff_monitor_sum(groups, "max"),
        "busy", (json_int_t) dff_monitor_sum(groups, "busy"), "writes",
        "raw", json_integer_value(json_object_get(counters, "started")),
        "all", json_integer_value(json_object_get(counters, "started"))));
    (void) json_object_set(out, "total", counters);
    (void) json_object_set_new(out, "rusage", json_pack(
        "{s:I, s:i, s:i, s:i}", "maxrss", json_integer_value(json_object_get(usage, "maxrss")),
        "ixrss", 0, "idrss", 0, "isrss", 0));     /* Linux keeps none of the three */
    (void) json_object_set_new(out, "broker", json_pack(
        "{s:s, s:o}", "transport", "redis", "virtual_host",
        json_sprintf("%d", (int) call->web->api->cfg->redis_database)));
}


static int
dff_monitor_stats(dff_web_call_t *call, dff_err_t *err)
{
    return dff_monitor_each_node(call, dff_monitor_describe_stats, err);
}

/* --- active queues --------------------------------------------------------------------------- */

static void
dff_monitor_describe_queues(const dff_web_call_t *call, json_t *out,
    const dff_cluster_node_t *node)
{
    json_t *queues = json_array();

    (void) call;
    for (int queue = 0; queue < DFF_QUEUE_COUNT; queue++) {
        if ((node->queues & (1u << queue)) != 0) {
            (void) json_array_append_new(queues, json_pack(
                "{s:o, s:o}", "name", json_sprintf(DFF_MONITOR_QUEUE_PREFIX "%d", queue),
                "shortName", json_sprintf("%d", queue)));
        }
    }
    (void) json_object_set_new(out, "activeQueues", queues);
}


static int
dff_monitor_queues(dff_web_call_t *call, dff_err_t *err)
{
    return dff_monitor_each_node(call, dff_monitor_describe_queues, err);
}

/* --- report ---------------------------------------------------------------------------------- */

static void
dff_monitor_describe_report(const dff_web_call_t *call, json_t *out,
    const dff_cluster_node_t *node)
{
    const char *version = json_string_value(json_object_get(node->heartbeat, "version"));
    char       *beat = json_dumps(node->heartbeat, JSON_INDENT(2));

    (void) call;
    (void) json_object_set_new(out, "report", json_sprintf(
        "DFF %s, node %s on %s\nclaimed: %lld, started: %lld\n%s", version == NULL ? "?" : version,
        node->name, dff_monitor_host(node), (long long) node->claimed, (long long) node->started,
        beat == NULL ? "" : beat));
    free(beat);
}


static int
dff_monitor_report(dff_web_call_t *call, dff_err_t *err)
{
    return dff_monitor_each_node(call, dff_monitor_describe_report, err);
}

/* --- clearing queues ------------------------------------------------------------------------- */

/* "3", or what get-active-queues calls it. -1: no queue. */
static int
dff_monitor_queue_number(const char *text)
{
    if (strncmp(text, DFF_MONITOR_QUEUE_PREFIX, sizeof(DFF_MONITOR_QUEUE_PREFIX) - 1) == 0) {
        text += sizeof(DFF_MONITOR_QUEUE_PREFIX) - 1;
    }
    return text[0] >= '0' && text[0] < '0' + DFF_QUEUE_COUNT && text[1] == '\0'
        ? text[0] - '0' : -1;
}


static int
dff_monitor_clear(dff_web_call_t *call, dff_err_t *err)
{
    dff_str_t body = call->req.body;
    json_t   *all = json_loadb(body.data, body.len, 0, NULL);
    json_t   *names = json_object_get(all, "workerQueues"), *name;
    unsigned  wanted = 0;
    long long dropped = 0;
    size_t    i;
    int       rc = DFF_OK;

    json_array_foreach(names, i, name) {        /* all of them first: nothing is half done */
        int queue = dff_monitor_queue_number(json_string_value(name));

        if (queue == -1) {
            rc = dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST,
                             "workerQueues[%zu] must be the number of a queue, 0 to %d", i,
                             DFF_QUEUE_COUNT - 1);
            break;
        }
        wanted |= 1u << queue;
    }
    json_decref(all);
    for (int queue = 0; rc == DFF_OK && queue < DFF_QUEUE_COUNT; queue++) {
        if ((wanted & (1u << queue)) != 0) {
            rc = dff_queue_clear(call->web->api->rcmd, queue, DFF_STR(""),
                                 call->web->api->cfg->worker_result_expires_s, &dropped, err);
        }
    }
    if (rc == DFF_OK) {
        dff_log_warn(&call->web->api->log, call->req.trace_id, "%s cleared queues: %lld jobs",
                     call->user.id, dropped);
    }
    return rc;
}


static const dff_prop_t dff_monitor_clear_props[] = {
    { "workerQueues", DFF_PROP_STRS, DFF_OP_BODY, DFF_OP_BODY, .min = 1, .max = DFF_QUEUE_COUNT },
};
static const dff_shape_t dff_monitor_clear_body = DFF_SHAPE(dff_monitor_clear_props);

/* --- what they answer ------------------------------------------------------------------------ */

#define DFF_MONITOR_NAME  DFF_ANSWERED("node", DFF_PROP_STR, .about = "name@host")

static const char *const dff_monitor_pongs[] = { "pong", NULL };
static const dff_prop_t  dff_monitor_ping_props[] = {
    DFF_MONITOR_NAME, DFF_ANSWERED("ping", DFF_PROP_STR, .names = dff_monitor_pongs),
};
DFF_ANSWER(dff_monitor_ping_answer, dff_monitor_ping_props, DFF_PROP_OBJECTS);

static const dff_prop_t dff_monitor_number = { .type = DFF_PROP_INT };
static const dff_prop_t dff_monitor_writes_props[] = {
    DFF_ANSWERED("raw", DFF_PROP_INT), DFF_ANSWERED("all", DFF_PROP_INT),
};
static const dff_shape_t dff_monitor_writes = DFF_SHAPE(dff_monitor_writes_props);
static const dff_prop_t  dff_monitor_pool_props[] = {
    DFF_ANSWERED("processes", DFF_PROP_LIST, .of = &dff_monitor_number),
    DFF_ANSWERED("max-concurrency", DFF_PROP_INT), DFF_ANSWERED("busy", DFF_PROP_INT),
    DFF_ANSWERED("writes", DFF_PROP_OBJECT, .shape = &dff_monitor_writes),
};
static const dff_shape_t dff_monitor_pool = DFF_SHAPE(dff_monitor_pool_props);
static const dff_prop_t  dff_monitor_usage_props[] = {
    DFF_ANSWERED("maxrss", DFF_PROP_INT, .about = "KiB"), DFF_ANSWERED("ixrss", DFF_PROP_INT),
    DFF_ANSWERED("idrss", DFF_PROP_INT), DFF_ANSWERED("isrss", DFF_PROP_INT),
};
static const dff_shape_t dff_monitor_usage = DFF_SHAPE(dff_monitor_usage_props);
static const dff_prop_t  dff_monitor_broker_props[] = {
    DFF_ANSWERED("transport", DFF_PROP_STR), DFF_ANSWERED("virtual_host", DFF_PROP_STR),
};
static const dff_shape_t dff_monitor_broker = DFF_SHAPE(dff_monitor_broker_props);
static const dff_prop_t  dff_monitor_stats_props[] = {
    DFF_MONITOR_NAME, DFF_ANSWERED("pid", DFF_PROP_INT),
    DFF_ANSWERED("pool", DFF_PROP_OBJECT, .shape = &dff_monitor_pool),
    DFF_ANSWERED("total", DFF_PROP_MAP, .of = &dff_monitor_number,
                 .about = "Counters since the node started"),
    DFF_ANSWERED("rusage", DFF_PROP_OBJECT, .shape = &dff_monitor_usage),
    DFF_ANSWERED("broker", DFF_PROP_OBJECT, .shape = &dff_monitor_broker),
};
DFF_ANSWER(dff_monitor_stats_answer, dff_monitor_stats_props, DFF_PROP_OBJECTS);

static const dff_prop_t dff_monitor_queue_props[] = {
    DFF_ANSWERED("name", DFF_PROP_STR), DFF_ANSWERED("shortName", DFF_PROP_STR),
};
static const dff_shape_t dff_monitor_queue = DFF_SHAPE(dff_monitor_queue_props);
static const dff_prop_t  dff_monitor_queues_props[] = {
    DFF_MONITOR_NAME,
    DFF_ANSWERED("activeQueues", DFF_PROP_OBJECTS, .shape = &dff_monitor_queue),
};
DFF_ANSWER(dff_monitor_queues_answer, dff_monitor_queues_props, DFF_PROP_OBJECTS);

static const dff_prop_t dff_monitor_report_props[] = {
    DFF_MONITOR_NAME, DFF_ANSWERED("report", DFF_PROP_STR),
};
DFF_ANSWER(dff_monitor_report_answer, dff_monitor_report_props, DFF_PROP_OBJECTS);

#define DFF_MONITOR_NODES(what, title, name) \
    { DFF_WEB_GET, "/api/v1/monitor/nodes/do/" what, title, DFF_SIGN_IN_ANY, DFF_GENERAL_R, \
      .handler = (name), .answer = &name##_answer }

static const dff_endpoint_t dff_monitor_node_rows[] = {
    DFF_MONITOR_NODES("ping", "Ping the nodes", dff_monitor_ping),
    DFF_MONITOR_NODES("get-stats", "Get statistics of the nodes", dff_monitor_stats),
    DFF_MONITOR_NODES("get-active-queues", "Get the queues of the nodes", dff_monitor_queues),
    DFF_MONITOR_NODES("get-report", "Get reports of the nodes", dff_monitor_report),
    { DFF_WEB_POST, "/api/v1/monitor/worker-queues/do/clear", "Clear queues", DFF_SIGN_IN_ANY,
      DFF_GENERAL_W, .body = &dff_monitor_clear_body, .handler = dff_monitor_clear,
      .answer = &dff_answer_null },
};

const dff_endpoint_group_t dff_monitor_node_routes = DFF_ENDPOINTS(dff_monitor_node_rows);
