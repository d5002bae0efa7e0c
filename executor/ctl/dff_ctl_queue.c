/*
 * dffctl queue list|clear.
 */
#include "ctl/dff_ctl.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "dff_envelope.h"
#include "dff_keys.h"
#include "store/dff_cluster.h"
#include "store/dff_queue_clear.h"

#include "dff_banned.h"

enum { DFF_CTL_QUEUE_JSON };


int
dff_ctl_queue_list(dff_ctl_t *ctl)
{
    long long   lengths[DFF_QUEUE_COUNT];
    json_t     *of_nodes, *length;
    const char *name;

    if (dff_cluster_queue_lengths(ctl->rcmd, lengths, &ctl->err) != DFF_OK) {
        return dff_ctl_fail(ctl);
    }
    of_nodes = dff_cluster_node_queues(ctl->rcmd, &ctl->err);
    if (of_nodes == NULL) {
        return dff_ctl_fail(ctl);
    }
    if (ctl->options[DFF_CTL_QUEUE_JSON] != NULL) {
        printf("{");
        for (int queue = 0; queue < DFF_QUEUE_COUNT; queue++) {
            printf("%s\"%d\": %lld", queue == 0 ? "" : ", ", queue, lengths[queue]);
        }
        json_object_foreach(of_nodes, name, length) {
            printf(", \"%s\": %" JSON_INTEGER_FORMAT, name, json_integer_value(length));
        }
        printf("}\n");
    } else {
        printf("queue  jobs (limit %" PRId64 ")\n", ctl->cfg.worker_queue_limit);
        for (int queue = 0; queue < DFF_QUEUE_COUNT; queue++) {
            printf("%-5d  %lld\n", queue, lengths[queue]);
        }
        json_object_foreach(of_nodes, name, length) {
            printf("%-5s  %" JSON_INTEGER_FORMAT "\n", name, json_integer_value(length));
        }
    }
    json_decref(of_nodes);
    return DFF_CTL_OK;
}


static int
dff_ctl_queue_clear_one(dff_ctl_t *ctl, int queue, dff_str_t node)
{
    dff_key_t key;
    long long dropped = 0;

    dff_key_queue_at(key, queue, node);
    if (dff_queue_clear(ctl->rcmd, queue, node, ctl->cfg.worker_result_expires_s, &dropped,
                        &ctl->err) != DFF_OK)
    {
        return DFF_ERROR;
    }
    printf("queue %s: %lld jobs dropped\n", key + sizeof(DFF_KEY_PREFIX "queue:") - 1, dropped);
    return DFF_OK;
}


/* Queues of single nodes: the one of that name, or all. */
static int
dff_ctl_queue_clear_of_nodes(dff_ctl_t *ctl, const char *only)
{
    json_t     *queues = dff_cluster_node_queues(ctl->rcmd, &ctl->err), *length;
    const char *name;
    int         rc = queues == NULL ? DFF_ERROR : DFF_OK;

    json_object_foreach(queues, name, length) {
        const char *at = strchr(name, '@');

        if (rc == DFF_OK && at == name + 1 && (only == NULL || strcmp(only, name) == 0)) {
            rc = dff_ctl_queue_clear_one(ctl, name[0] - '0', dff_str_from(at + 1));
        }
    }
    json_decref(queues);
    return rc;
}


int
dff_ctl_queue_clear(dff_ctl_t *ctl)
{
    const char *which = ctl->words[0];
    int64_t     only = -1;
    bool        all = strcmp(which, "all") == 0;

    if (strchr(which, '@') != NULL) {
        return dff_ctl_queue_clear_of_nodes(ctl, which) == DFF_OK ? DFF_CTL_OK
                                                                  : dff_ctl_fail(ctl);
    }
    if (!all
        && dff_ctl_number(ctl, "N|all: N", which, 0, DFF_QUEUE_COUNT - 1, &only) != DFF_OK)
    {
        return dff_ctl_fail(ctl);
    }
    for (int queue = 0; queue < DFF_QUEUE_COUNT; queue++) {
        if ((all || only == queue)
            && dff_ctl_queue_clear_one(ctl, queue, DFF_STR("")) != DFF_OK)
        {
            return dff_ctl_fail(ctl);
        }
    }
    if (all && dff_ctl_queue_clear_of_nodes(ctl, NULL) != DFF_OK) {
        return dff_ctl_fail(ctl);
    }
    return DFF_CTL_OK;
}
