/*
 * dffctl status: one JSON document is gathered, and printed as it is or as tables.
 */
#include "ctl/dff_ctl.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "dff_time.h"
#include "store/dff_cluster.h"
#include "store/dff_migrate.h"

#include "dff_banned.h"

enum { DFF_CTL_STATUS_JSON };


/* {"ok":true,"version":"…"} or {"ok":false,"error":"…"} */
static json_t *
dff_ctl_status_store(int rc, const char *version, const dff_err_t *err)
{
    return rc == DFF_OK ? json_pack("{s:b, s:s}", "ok", 1, "version", version)
                        : json_pack("{s:b, s:s}", "ok", 0, "error", err->message);
}


static json_t *
dff_ctl_status_mysql(dff_ctl_t *ctl)
{
    dff_migrations_t migrations = { 0 };
    char             folder[PATH_MAX];
    json_t          *all, *schema;
    int              rc, applied = 0;

    rc = dff_db_connect(ctl->db, &ctl->err);
    all = dff_ctl_status_store(rc, dff_db_server_version(ctl->db), &ctl->err);
    if (rc != DFF_OK) {
        return all;
    }

    dff_ctl_sql_folder(ctl, folder);
    rc = dff_migrate_load(&migrations, folder, &ctl->err);
    if (rc == DFF_OK) {
        rc = dff_migrate_check(&migrations, ctl->db, &ctl->err);
    }
    for (size_t i = 0; i < migrations.count; i++) {
        applied += migrations.items[i].state == DFF_MIGRATION_APPLIED;
    }
    schema = rc == DFF_OK
        ? json_pack("{s:b, s:i, s:i}", "ok", 1, "applied", applied, "known", migrations.newest)
        : json_pack("{s:b, s:i, s:i, s:s}", "ok", 0, "applied", applied, "known",
                    migrations.newest, "error", ctl->err.message);
    (void) json_object_set_new(all, "schema", schema);      /* NULL is seen as missing */
    dff_migrate_release(&migrations);
    return all;
}


static json_t *
dff_ctl_status_queues(dff_ctl_t *ctl)
{
    long long lengths[DFF_QUEUE_COUNT];
    json_t   *queues = json_array();

    if (dff_cluster_queue_lengths(ctl->rcmd, lengths, &ctl->err) != DFF_OK) {
        return queues;
    }
    for (int queue = 0; queue < DFF_QUEUE_COUNT; queue++) {
        (void) json_array_append_new(queues, json_integer(lengths[queue]));
    }
    return queues;
}


/* NULL when it cannot be had. */
static json_t *
dff_ctl_status_delayed(dff_ctl_t *ctl)
{
    int64_t count;

    return dff_cluster_delayed(ctl->rcmd, &count, &ctl->err) == DFF_OK ? json_integer(count) : NULL;
}


/* NULL when it cannot be had. */
static json_t *
dff_ctl_status_ledger(dff_ctl_t *ctl)
{
    int64_t rows[DFF_LEDGER_COUNT];
    json_t *ledger;

    if (dff_cluster_ledger(ctl->rcmd, rows, &ctl->err) != DFF_OK) {
        return NULL;
    }
    ledger = json_object();
    for (int row = 0; row < DFF_LEDGER_COUNT; row++) {
        (void) json_object_set_new(ledger, dff_ledger_name((dff_ledger_row_t) row),
                                   json_integer(rows[row]));
    }
    (void) json_object_set_new(ledger, "missing", json_integer(dff_ledger_missing(rows)));
    return ledger;
}


static json_t *
dff_ctl_status_nodes(dff_ctl_t *ctl)
{
    dff_cluster_t nodes;
    json_t       *all = json_array();

    if (dff_cluster_list(ctl->rcmd, &nodes, &ctl->err) != DFF_OK) {
        return all;
    }
    for (size_t i = 0; i < nodes.count; i++) {
        const dff_cluster_node_t *node = &nodes.items[i];
        json_t                   *one = json_pack(
            "{s:s, s:b, s:I, s:I}", "node", node->name, "alive", node->heartbeat != NULL,
            "claimed", (json_int_t) node->claimed, "started", (json_int_t) node->started);

        if (node->heartbeat != NULL) {
            (void) json_object_set(one, "heartbeat", node->heartbeat);
        }
        (void) json_array_append_new(all, one);
    }
    dff_cluster_release(&nodes);
    return all;
}


static bool
dff_ctl_status_is_ok(json_t *all)
{
    size_t  i;
    json_t *node;
    bool    alive = false;

    json_array_foreach(json_object_get(all, "nodes"), i, node) {
        alive = alive || json_is_true(json_object_get(node, "alive"));
    }
    return alive && json_is_true(json_object_get(json_object_get(all, "redis"), "ok"))
        && json_is_true(json_object_get(json_object_get(all, "mysql"), "ok"));
}


static void
dff_ctl_status_print_store(const char *name, json_t *store)
{
    const char *error = json_string_value(json_object_get(store, "error"));
    const char *version = json_string_value(json_object_get(store, "version"));
    json_t     *schema = json_object_get(store, "schema");

    if (error != NULL) {
        printf("%-6s  ERROR  %s\n", name, error);
        return;
    }
    printf("%-6s  ok     %s", name, version == NULL ? "" : version);
    if (schema != NULL) {
        error = json_string_value(json_object_get(schema, "error"));
        printf(", schema %" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT "%s%s",
               json_integer_value(json_object_get(schema, "applied")),
               json_integer_value(json_object_get(schema, "known")),
               error == NULL ? "" : ": ", error == NULL ? "" : error);
    }
    putchar('\n');
}


/* "queues 1-6: 3 of 5 workers busy (5 to 25)" for each group. */
static void
dff_ctl_status_print_groups(json_t *heartbeat)
{
    size_t  i;
    json_t *group;

    json_array_foreach(json_object_get(heartbeat, "groups"), i, group) {
        const char *queues = json_string_value(json_object_get(group, "queues"));

        printf("        queues %-6s %" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT
               " workers busy (%" JSON_INTEGER_FORMAT " to %" JSON_INTEGER_FORMAT ")\n",
               queues == NULL ? "?" : queues,
               json_integer_value(json_object_get(group, "busy")),
               json_integer_value(json_object_get(group, "workers")),
               json_integer_value(json_object_get(group, "base")),
               json_integer_value(json_object_get(group, "max")));
    }
}


/* An executor from before there were any says nothing of them. */
static void
dff_ctl_status_print_api(json_t *heartbeat)
{
    json_t *api = json_object_get(heartbeat, "api");

    if (api != NULL) {
        printf("        api            %" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT
               " processes ready, %" JSON_INTEGER_FORMAT " died\n",
               json_integer_value(json_object_get(api, "ready")),
               json_integer_value(json_object_get(api, "wanted")),
               json_integer_value(json_object_get(api, "restarts")));
    }
}


/* What became of Python workers since the executor was started. */
static void
dff_ctl_status_print_pool(json_t *heartbeat)
{
    json_t *counters = json_object_get(heartbeat, "counters");

    if (counters != NULL) {
        printf("        workers        %" JSON_INTEGER_FORMAT " died, %" JSON_INTEGER_FORMAT
               " added, %" JSON_INTEGER_FORMAT " retired since the start\n",
               json_integer_value(json_object_get(counters, "worker_restarts")),
               json_integer_value(json_object_get(counters, "workers_added")),
               json_integer_value(json_object_get(counters, "workers_retired")));
    }
}


static void
dff_ctl_status_print_node(json_t *node)
{
    json_t     *heartbeat = json_object_get(node, "heartbeat");
    const char *host = json_string_value(json_object_get(heartbeat, "host"));
    const char *version = json_string_value(json_object_get(heartbeat, "version"));

    printf("node    %-6s %s", heartbeat != NULL ? "alive" : "GONE",
           json_string_value(json_object_get(node, "node")));
    if (heartbeat != NULL) {
        int64_t started_ms = json_integer_value(json_object_get(heartbeat, "startedAt"));

        printf(" (host %s, pid %" JSON_INTEGER_FORMAT ", version %s, up %" PRId64 " s%s)",
               host == NULL ? "?" : host,
               json_integer_value(json_object_get(heartbeat, "pid")),
               version == NULL ? "?" : version, (dff_time_now_ms() - started_ms) / 1000,
               json_is_true(json_object_get(heartbeat, "draining")) ? ", draining" : "");
    }
    printf(": %" JSON_INTEGER_FORMAT " claimed, %" JSON_INTEGER_FORMAT " running\n",
           json_integer_value(json_object_get(node, "claimed")),
           json_integer_value(json_object_get(node, "started")));
    dff_ctl_status_print_groups(heartbeat);
    dff_ctl_status_print_pool(heartbeat);
    dff_ctl_status_print_api(heartbeat);
}


/* "jobs    9 accepted = 7 success + 1 failure + 1 running": rows of 0 are left out. */
static void
dff_ctl_status_print_ledger(json_t *ledger)
{
    json_int_t  missing = json_integer_value(json_object_get(ledger, "missing")), count;
    const char *sign = " =";

    printf("jobs    %" JSON_INTEGER_FORMAT " accepted",
           json_integer_value(json_object_get(ledger, "accepted")));
    for (int row = DFF_LEDGER_SUCCESS; row < DFF_LEDGER_COUNT; row++) {
        const char *name = dff_ledger_name((dff_ledger_row_t) row);

        count = json_integer_value(json_object_get(ledger, name));
        if (count != 0) {
            printf("%s %" JSON_INTEGER_FORMAT " %s", sign, count, name);
            sign = " +";
        }
    }
    if (missing != 0) {
        printf("; %" JSON_INTEGER_FORMAT " MISSING", missing);
    }
    putchar('\n');
}


static void
dff_ctl_status_print(json_t *all)
{
    size_t      i;
    const char *name;
    json_t     *node, *length, *nodes = json_object_get(all, "nodes");

    dff_ctl_status_print_store("Redis", json_object_get(all, "redis"));
    dff_ctl_status_print_store("MySQL", json_object_get(all, "mysql"));
    if (!json_is_true(json_object_get(json_object_get(all, "redis"), "ok"))) {
        printf("node    ?      of nodes and queues only Redis knows\n");
        return;
    }
    if (json_array_size(nodes) == 0) {
        printf("node    none   no executor runs\n");
    }
    json_array_foreach(nodes, i, node) {
        dff_ctl_status_print_node(node);
    }
    if (json_object_get(all, "ledger") != NULL) {
        dff_ctl_status_print_ledger(json_object_get(all, "ledger"));
    }
    printf("queues ");
    json_array_foreach(json_object_get(all, "queues"), i, length) {
        printf(" %zu:%" JSON_INTEGER_FORMAT, i, json_integer_value(length));
    }
    json_object_foreach(json_object_get(all, "nodeQueues"), name, length) {
        printf(" %s:%" JSON_INTEGER_FORMAT, name, json_integer_value(length));
    }
    if (json_integer_value(json_object_get(all, "delayed")) > 0) {
        printf(" delayed:%" JSON_INTEGER_FORMAT,
               json_integer_value(json_object_get(all, "delayed")));
    }
    putchar('\n');
}


int
dff_ctl_status(dff_ctl_t *ctl)
{
    json_t *all = json_object();
    int     rc = dff_rcmd_connect(ctl->rcmd, &ctl->err);
    bool    good;

    /* Out of memory shows as missing members; the exit status is 1 then. */
    (void) json_object_set_new(all, "redis", dff_ctl_status_store(
                                   rc, dff_rcmd_server_version(ctl->rcmd), &ctl->err));
    (void) json_object_set_new(all, "mysql", dff_ctl_status_mysql(ctl));
    (void) json_object_set_new(all, "nodes", rc == DFF_OK ? dff_ctl_status_nodes(ctl)
                                                          : json_array());
    (void) json_object_set_new(all, "queues", rc == DFF_OK ? dff_ctl_status_queues(ctl)
                                                           : json_array());
    if (rc == DFF_OK) {
        (void) json_object_set_new(all, "delayed", dff_ctl_status_delayed(ctl));
        (void) json_object_set_new(all, "ledger", dff_ctl_status_ledger(ctl));
        (void) json_object_set_new(all, "nodeQueues",
                                   dff_cluster_node_queues(ctl->rcmd, &ctl->err));
    }
    good = dff_ctl_status_is_ok(all);
    (void) json_object_set_new(all, "ok", json_boolean(good));

    if (ctl->options[DFF_CTL_STATUS_JSON] != NULL) {
        (void) json_dumpf(all, stdout, JSON_INDENT(2));
        putchar('\n');
    } else {
        dff_ctl_status_print(all);
    }
    json_decref(all);
    return good ? DFF_CTL_OK : DFF_CTL_FAILED;
}
