/*
 * Nodes and their heartbeats. Runs in dffctl and the api processes.
 */
#include "store/dff_cluster.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dff_buf.h"
#include "dff_config.h"
#include "dff_keys.h"

#include "dff_banned.h"


/* The queues of all groups in a heartbeat; a group that cannot be read has none. */
static unsigned
dff_cluster_queues(json_t *heartbeat)
{
    unsigned queues = 0;
    size_t   i;
    json_t  *group;

    json_array_foreach(json_object_get(heartbeat, "groups"), i, group) {
        const char *text = json_string_value(json_object_get(group, "queues"));
        unsigned    masks[DFF_QUEUE_COUNT];

        if (text != NULL && dff_config_worker_groups(text, masks, NULL) == 1) {
            queues |= masks[0];
        }
    }
    return queues;
}


static int
dff_cluster_by_name(const void *a, const void *b)
{
    return strcmp(((const dff_cluster_node_t *) a)->name, ((const dff_cluster_node_t *) b)->name);
}


static int
dff_cluster_ask(dff_rcmd_t *rcmd, const char *name, dff_err_t *err)
{
    dff_str_t node = dff_str_from(name);
    dff_key_t beat, claimed, started;

    dff_key_node(beat, node);
    dff_key_claimed(claimed, node);
    dff_key_started(started, node);
    if (dff_rcmd_append(rcmd, err, "GET %s", beat) != DFF_OK
        || dff_rcmd_append(rcmd, err, "LLEN %s", claimed) != DFF_OK)
    {
        return DFF_ERROR;
    }
    return dff_rcmd_append(rcmd, err, "HLEN %s", started);
}


static int
dff_cluster_answer(dff_rcmd_t *rcmd, dff_cluster_node_t *node, dff_err_t *err)
{
    int64_t    *numbers[] = { &node->claimed, &node->started };
    redisReply *reply = dff_rcmd_next(rcmd, err);

    if (reply == NULL) {
        return DFF_ERROR;
    }
    if (reply->type == REDIS_REPLY_STRING) {
        node->heartbeat = json_loadb(reply->str, reply->len, 0, NULL);
        node->queues = dff_cluster_queues(node->heartbeat);
    }
    freeReplyObject(reply);

    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        reply = dff_rcmd_next(rcmd, err);
        if (reply == NULL) {
            return DFF_ERROR;
        }
        *numbers[i] = reply->type == REDIS_REPLY_INTEGER ? reply->integer : 0;
        freeReplyObject(reply);
    }
    return DFF_OK;
}


int
dff_cluster_list(dff_rcmd_t *rcmd, dff_cluster_t *nodes, dff_err_t *err)
{
    redisReply *names;
    int         rc = DFF_ERROR;

    *nodes = (dff_cluster_t) { 0 };
    names = dff_rcmd_run(rcmd, err, "SMEMBERS " DFF_KEY_NODES);
    if (names == NULL) {
        return DFF_ERROR;
    }

    nodes->items = calloc(names->elements + 1, sizeof(*nodes->items));
    if (nodes->items == NULL) {
        dff_err_set(err, DFF_E_SYS, "out of memory");
        goto done;
    }
    for (size_t i = 0; i < names->elements; i++) {
        if (names->element[i]->type != REDIS_REPLY_STRING) {
            continue;
        }
        nodes->items[nodes->count].name = strdup(names->element[i]->str);
        if (nodes->items[nodes->count].name == NULL) {
            dff_err_set(err, DFF_E_SYS, "out of memory");
            goto done;
        }
        nodes->count++;
    }
    if (nodes->count > 0) {
        qsort(nodes->items, nodes->count, sizeof(*nodes->items), dff_cluster_by_name);
    }

    for (size_t i = 0; i < nodes->count; i++) {
        if (dff_cluster_ask(rcmd, nodes->items[i].name, err) != DFF_OK) {
            goto done;
        }
    }
    for (size_t i = 0; i < nodes->count; i++) {
        if (dff_cluster_answer(rcmd, &nodes->items[i], err) != DFF_OK) {
            goto done;
        }
    }
    rc = DFF_OK;

done:
    freeReplyObject(names);
    if (rc != DFF_OK) {
        dff_rcmd_abandon(rcmd);
        dff_cluster_release(nodes);
    }
    return rc;
}


void
dff_cluster_release(dff_cluster_t *nodes)
{
    for (size_t i = 0; i < nodes->count; i++) {
        free(nodes->items[i].name);
        json_decref(nodes->items[i].heartbeat);
    }
    free(nodes->items);
    *nodes = (dff_cluster_t) { 0 };
}


int
dff_cluster_check_queue(dff_rcmd_t *rcmd, int queue, dff_err_t *err)
{
    dff_cluster_t nodes;
    size_t      alive = 0;
    bool        served = false;

    if (dff_cluster_list(rcmd, &nodes, err) != DFF_OK) {
        return dff_err_wrap(err, "looking for a live node");
    }
    for (size_t i = 0; i < nodes.count; i++) {
        alive += nodes.items[i].heartbeat != NULL;
        served = served || (nodes.items[i].queues & (1u << queue)) != 0;
    }
    dff_cluster_release(&nodes);

    if (served) {
        return DFF_OK;
    }
    if (alive == 0) {
        return dff_err_set(err, DFF_E_FUNC_FAILED, "no executor is alive (no heartbeat in "
                           DFF_KEY_PREFIX "node:*): start one with `dffctl start executor`");
    }
    return dff_err_set(err, DFF_E_FUNC_FAILED, "none of the %zu live nodes serves queue %d: "
                       "see _WORKER_GROUPS", alive, queue);
}


int
dff_cluster_queue_lengths(dff_rcmd_t *rcmd, long long lengths[DFF_QUEUE_COUNT],
    dff_err_t *err)
{
    for (int queue = 0; queue < DFF_QUEUE_COUNT; queue++) {
        dff_key_t key;

        dff_key_queue(key, queue);
        if (dff_rcmd_append(rcmd, err, "LLEN %s", key) != DFF_OK) {
            return DFF_ERROR;
        }
    }
    for (int queue = 0; queue < DFF_QUEUE_COUNT; queue++) {
        redisReply *reply = dff_rcmd_next(rcmd, err);

        if (reply == NULL) {
            dff_rcmd_abandon(rcmd);
            return DFF_ERROR;
        }
        lengths[queue] = reply->type == REDIS_REPLY_INTEGER ? reply->integer : 0;
        freeReplyObject(reply);
    }
    return DFF_OK;
}


int
dff_cluster_delayed(dff_rcmd_t *rcmd, int64_t *count, dff_err_t *err)
{
    redisReply *reply = dff_rcmd_run(rcmd, err, "ZCARD " DFF_KEY_DELAYED);

    if (reply == NULL) {
        return DFF_ERROR;
    }
    *count = reply->type == REDIS_REPLY_INTEGER ? reply->integer : 0;
    freeReplyObject(reply);
    return DFF_OK;
}


int
dff_cluster_ledger(dff_rcmd_t *rcmd, int64_t rows[DFF_LEDGER_COUNT], dff_err_t *err)
{
    redisReply *reply = dff_rcmd_run(rcmd, err, "EVAL %s 0", DFF_LEDGER_READ);
    int         row, rc = DFF_OK;

    if (reply == NULL) {
        return DFF_ERROR;
    }
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != DFF_LEDGER_COUNT) {
        rc = dff_err_set(err, DFF_E_SYS_CACHE, "the ledger cannot be read: %s",
                         reply->type == REDIS_REPLY_ERROR ? reply->str : "odd reply");
    }
    for (row = 0; rc == DFF_OK && row < DFF_LEDGER_COUNT; row++) {
        rows[row] = reply->element[row]->integer;
    }
    freeReplyObject(reply);
    return rc;
}


/* Adds the length of each key of one SCAN reply. */
static int
dff_cluster_node_queue_lengths(dff_rcmd_t *rcmd, const redisReply *keys, json_t *queues,
    dff_err_t *err)
{
    static const char prefix[] = DFF_KEY_PREFIX "queue:";

    for (size_t i = 0; i < keys->elements; i++) {
        const redisReply *key = keys->element[i];
        redisReply       *length;

        if (key->type != REDIS_REPLY_STRING || (size_t) key->len < sizeof(prefix)) {
            continue;
        }
        length = dff_rcmd_run(rcmd, err, "LLEN %b", key->str, (size_t) key->len);
        if (length == NULL) {
            return DFF_ERROR;
        }
        if (length->type == REDIS_REPLY_INTEGER && length->integer > 0) {
            (void) json_object_set_new(queues, key->str + sizeof(prefix) - 1,
                                       json_integer(length->integer));
        }
        freeReplyObject(length);
    }
    return DFF_OK;
}


json_t *
dff_cluster_node_queues(dff_rcmd_t *rcmd, dff_err_t *err)
{
    json_t *queues = json_object();
    char    cursor[32] = "0";
    int     rc = DFF_OK;

    do {
        redisReply *reply = dff_rcmd_run(rcmd, err, "SCAN %s MATCH " DFF_KEY_PREFIX
                                         "queue:*@* COUNT 5000", cursor);

        if (reply == NULL) {
            rc = DFF_ERROR;
            break;
        }
        if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2
            || reply->element[0]->type != REDIS_REPLY_STRING
            || reply->element[1]->type != REDIS_REPLY_ARRAY)
        {
            rc = dff_err_set(err, DFF_E_SYS_CACHE, "unexpected answer to SCAN");
        } else {
            (void) snprintf(cursor, sizeof(cursor), "%s", reply->element[0]->str);
            rc = dff_cluster_node_queue_lengths(rcmd, reply->element[1], queues, err);
        }
        freeReplyObject(reply);
    } while (rc == DFF_OK && strcmp(cursor, "0") != 0);

    if (rc != DFF_OK) {
        json_decref(queues);
        return NULL;
    }
    return queues;
}
