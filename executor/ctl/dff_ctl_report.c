/*
 * dffctl report: what somebody who helps wants to know of a node and its cluster, as text
 * or JSON. Says no secret and no name of a script.
 */
#include "ctl/dff_ctl.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "dff_envelope.h"
#include "dff_node.h"
#include "dff_time.h"
#include "dff_version.h"
#include "store/dff_cluster.h"

#include "dff_banned.h"

enum { DFF_CTL_REPORT_JSON };

#define DFF_CTL_REPORT_MIB  (1 << 20)

/* What is counted, in this order. */
static const struct {
    const char *name, *sql;
} dff_ctl_report_counts[] = {
    { "scriptSets", "SELECT COUNT(*) FROM script_set" },
    { "scripts", "SELECT COUNT(*) FROM script" },
    { "funcs", "SELECT COUNT(*) FROM func" },
    { "authLinks", "SELECT COUNT(*) FROM auth_link" },
    { "crontabConfigs", "SELECT COUNT(*) FROM crontab_config" },
    { "batches", "SELECT COUNT(*) FROM batch" },
    { "dataSources", "SELECT COUNT(*) FROM data_source" },
    { "envVariables", "SELECT COUNT(*) FROM env_variable" },
    { "fileServices", "SELECT COUNT(*) FROM file_service" },
    { "users", "SELECT COUNT(*) FROM user" },
};


static json_t *
dff_ctl_report_error(const dff_ctl_t *ctl)
{
    return json_pack("{s:s}", "error", ctl->err.message);
}


static json_t *
dff_ctl_report_system(void)
{
    struct utsname machine = { .machine = "" };
    long           pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);

    (void) uname(&machine);     /* "" is as good as any answer */
    return json_pack("{s:s, s:s, s:s, s:I, s:I}", "system", machine.sysname, "release",
                     machine.release, "machine", machine.machine, "processors",
                     (json_int_t) sysconf(_SC_NPROCESSORS_ONLN), "memoryMiB",
                     (json_int_t) pages * page / DFF_CTL_REPORT_MIB);
}


static json_t *
dff_ctl_report_disk(const char *path)
{
    struct statvfs st;

    if (statvfs(path, &st) != 0) {
        return json_pack("{s:s}", "path", path);
    }
    return json_pack("{s:s, s:I, s:I}", "path", path, "sizeMiB",
                     (json_int_t) (st.f_blocks * st.f_frsize / DFF_CTL_REPORT_MIB), "freeMiB",
                     (json_int_t) (st.f_bavail * st.f_frsize / DFF_CTL_REPORT_MIB));
}


static json_t *
dff_ctl_report_mysql(dff_ctl_t *ctl)
{
    json_t *counts;

    if (dff_db_connect(ctl->db, &ctl->err) != DFF_OK) {
        return dff_ctl_report_error(ctl);
    }
    counts = json_object();
    for (size_t i = 0; i < sizeof(dff_ctl_report_counts) / sizeof(dff_ctl_report_counts[0]); i++) {
        dff_db_rows_t rows;

        if (dff_db_query(ctl->db, dff_ctl_report_counts[i].sql, NULL, 0, &rows, &ctl->err)
            != DFF_OK)
        {
            json_decref(counts);
            return dff_ctl_report_error(ctl);
        }
        (void) json_object_set_new(counts, dff_ctl_report_counts[i].name,
                                   json_integer(dff_db_number(dff_db_cell(&rows, 0, 0))));
        dff_db_rows_release(&rows);
    }
    return json_pack("{s:s, s:o}", "version", dff_db_server_version(ctl->db), "counts", counts);
}


static json_t *
dff_ctl_report_queues(dff_ctl_t *ctl)
{
    long long lengths[DFF_QUEUE_COUNT];
    json_t   *queues;

    if (dff_cluster_queue_lengths(ctl->rcmd, lengths, &ctl->err) != DFF_OK) {
        return dff_ctl_report_error(ctl);
    }
    queues = json_object();
    for (int queue = 0; queue < DFF_QUEUE_COUNT; queue++) {
        (void) json_object_set_new(queues, (char[]) { (char) ('0' + queue), '\0' },
                                   json_integer(lengths[queue]));
    }
    return queues;
}


static json_t *
dff_ctl_report_nodes(dff_ctl_t *ctl)
{
    dff_cluster_t nodes;
    json_t       *all;

    if (dff_cluster_list(ctl->rcmd, &nodes, &ctl->err) != DFF_OK) {
        return dff_ctl_report_error(ctl);
    }
    all = json_object();
    for (size_t i = 0; i < nodes.count; i++) {
        const dff_cluster_node_t *node = &nodes.items[i];

        (void) json_object_set_new(all, node->name, node->heartbeat == NULL
            ? json_pack("{s:b}", "alive", 0)
            : json_pack("{s:b, s:I, s:I, s:O}", "alive", 1, "claimed",
                        (json_int_t) node->claimed, "started", (json_int_t) node->started,
                        "heartbeat", node->heartbeat));
    }
    dff_cluster_release(&nodes);
    return all;
}


static json_t *
dff_ctl_report_redis(dff_ctl_t *ctl)
{
    if (dff_rcmd_connect(ctl->rcmd, &ctl->err) != DFF_OK) {
        return dff_ctl_report_error(ctl);
    }
    return json_pack("{s:s, s:o, s:o}", "version", dff_rcmd_server_version(ctl->rcmd), "queues",
                     dff_ctl_report_queues(ctl), "nodes", dff_ctl_report_nodes(ctl));
}


/* "mysql.counts.scripts  3": a line for each value. */
static void
dff_ctl_report_print(json_t *value, const char *path)
{
    const char *name;
    json_t     *member;
    size_t      i;
    char        below[512];

    if (json_is_object(value)) {
        json_object_foreach(value, name, member) {
            (void) snprintf(below, sizeof(below), "%s%s%s", path, path[0] == '\0' ? "" : ".",
                            name);
            dff_ctl_report_print(member, below);
        }
    } else if (json_is_array(value)) {
        json_array_foreach(value, i, member) {
            (void) snprintf(below, sizeof(below), "%s[%zu]", path, i);
            dff_ctl_report_print(member, below);
        }
    } else {
        char       *text = json_is_string(value) ? NULL : json_dumps(value, JSON_ENCODE_ANY);
        const char *shown = json_is_string(value) ? json_string_value(value) : text;

        printf("%-44s  ", path);
        dff_ctl_print_text(stdout, shown == NULL ? "" : shown, shown == NULL ? 0 : strlen(shown));
        free(text);
    }
}


int
dff_ctl_report(dff_ctl_t *ctl)
{
    char    node[DFF_NODE_NAME_MAX + 1] = "?", now[DFF_TIME_ISO_SIZE];
    json_t *all;
    bool    good;

    (void) dff_node_name(&ctl->cfg, node, &ctl->err);       /* "?" is said then */
    (void) dff_time_iso_utc(now, dff_time_now_ms());
    all = json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:o}", "time", now, "version", DFF_VERSION,
                    "node", node, "system", dff_ctl_report_system(), "disk",
                    dff_ctl_report_disk(ctl->cfg.resource_root_path), "mysql",
                    dff_ctl_report_mysql(ctl), "redis", dff_ctl_report_redis(ctl));
    good = all != NULL && json_object_get(json_object_get(all, "mysql"), "error") == NULL
        && json_object_get(json_object_get(all, "redis"), "error") == NULL;
    if (ctl->options[DFF_CTL_REPORT_JSON] != NULL) {
        (void) json_dumpf(all, stdout, JSON_INDENT(2));
        putchar('\n');
    } else {
        dff_ctl_report_print(all, "");
    }
    json_decref(all);
    return good ? DFF_CTL_OK : DFF_CTL_FAILED;
}
