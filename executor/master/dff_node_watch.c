/* Watches the heartbeats of the other nodes. Runs in the master. */
#include "dff_node_watch.h"

#include <stdio.h>
#include <stdlib.h>

#include "dff_time.h"

#include "master/dff_recovery.h"

#include "dff_banned.h"

#define DFF_NODE_EVERY_MS   2000
#define DFF_NODE_GONE_MS   14000
/* Redis may hold connections of a node that is paused, or cut off, and serve what blocks on
 * them: jobs go on coming into claimed:<node>. No connection outlives this: Redis sends a
 * keepalive every 300 s. */
#define DFF_NODE_FORGET_MS 900000
#define DFF_NODES_MAX        256      /* more are looked at when these are forgotten */

typedef struct {
    dff_node_watch_t *watch;
    int64_t           gone_ms;        /* monotonic: found without heartbeat; 0: it has one */
    bool              alive;          /* at the last look */
    bool              told;           /* its death is in the log */
    bool              listed;         /* in dff:nodes, at the last look */
    bool              rescuing;
    char              name[DFF_NODE_NAME_MAX + 1];
} dff_node_t;

struct dff_node_watch_s {
    dff_master_t *master;
    int64_t       asked_ms;
    bool          asking;
    int           count;
    dff_node_t   *nodes[DFF_NODES_MAX];
};

dff_node_watch_t *
dff_node_watch_new(dff_master_t *master)
{
    dff_node_watch_t *watch = calloc(1, sizeof(*watch));

    if (watch != NULL)
        watch->master = master;
    return watch;
}

void
dff_node_watch_free(dff_node_watch_t *watch)
{
    if (watch == NULL)
        return;
    while (watch->count > 0)
        free(watch->nodes[--watch->count]);
    free(watch);
}

bool
dff_node_watch_any(const dff_node_watch_t *watch)
{
    int i;

    for (i = 0; i < watch->count; i++) {
        if (watch->nodes[i]->alive)
            return true;
    }
    return false;
}

static dff_node_t *
dff_node_get(dff_node_watch_t *watch, dff_str_t name)
{
    dff_node_t *node;
    int         i;

    for (i = 0; i < watch->count; i++) {
        if (dff_str_eq(dff_str_from(watch->nodes[i]->name), name))
            return watch->nodes[i];
    }
    if (watch->count == DFF_NODES_MAX || (node = calloc(1, sizeof(*node))) == NULL)
        return NULL;
    node->watch = watch;
    (void) snprintf(node->name, sizeof(node->name), "%.*s", (int) name.len, name.data);
    watch->nodes[watch->count++] = node;
    return node;
}

static void
dff_node_rescued(void *ctx, bool whole)
{
    (void) whole;       /* there is another round while the node is gone */
    ((dff_node_t *) ctx)->rescuing = false;
}

static void
dff_node_on_exists(redisAsyncContext *ac, void *reply_ptr, void *data)
{
    dff_node_t *node = data;
    redisReply *reply = reply_ptr;
    int64_t     now_ms = dff_time_monotonic_ms();

    (void) ac;
    if (reply == NULL || reply->type != REDIS_REPLY_INTEGER)
        return;
    node->alive = reply->integer == 1;
    if (node->alive) {
        node->gone_ms = 0;
        node->told = false;
        return;
    }
    if (node->gone_ms == 0) {
        node->gone_ms = now_ms;
        return;
    }
    if (now_ms - node->gone_ms < DFF_NODE_GONE_MS || node->rescuing)
        return;
    if (!node->told)
        dff_log_warn(&node->watch->master->log, NULL, "node %s is dead: no heartbeat; its jobs "
                     "are recovered", node->name);
    node->told = true;
    node->rescuing = true;
    dff_recovery_node(node->watch->master->recovery, dff_str_from(node->name),
                      now_ms - node->gone_ms > DFF_NODE_FORGET_MS, dff_node_rescued, node);
}

static void
dff_node_ask(dff_node_t *node)
{
    dff_key_t   key;
    size_t      key_len = dff_key_node(key, dff_str_from(node->name));
    const char *argv[] = { "EXISTS", key };
    size_t      argvlen[] = { 6, key_len };

    (void) dff_redis_link_command(node->watch->master->command, dff_node_on_exists, node, 2, argv,
                                  argvlen);
}

static void
dff_node_watch_on_members(redisAsyncContext *ac, void *reply_ptr, void *data)
{
    dff_node_watch_t *watch = data;
    redisReply       *reply = reply_ptr;
    dff_node_t       *node;
    size_t            i;
    int               n, kept = 0;

    (void) ac;
    watch->asking = false;
    if (reply == NULL || reply->type != REDIS_REPLY_ARRAY)
        return;

    for (n = 0; n < watch->count; n++)
        watch->nodes[n]->listed = false;
    for (i = 0; i < reply->elements; i++) {
        dff_str_t name = { reply->element[i]->str, (size_t) reply->element[i]->len };

        if (name.len == 0 || name.len > DFF_NODE_NAME_MAX
            || dff_str_eq(name, dff_master_node(watch->master)))
            continue;
        node = dff_node_get(watch, name);
        if (node != NULL)
            node->listed = true;
    }

    /* An answer for a node that is forgotten here may still be on its way only
     * for listed ones: EXISTS is asked below, and answered before the next look. */
    for (n = 0; n < watch->count; n++) {
        node = watch->nodes[n];
        if (!node->listed && !node->rescuing) {
            free(node);
            continue;
        }
        watch->nodes[kept++] = node;
        if (node->listed)
            dff_node_ask(node);
    }
    watch->count = kept;
}

void
dff_node_watch_tick(dff_node_watch_t *watch)
{
    int64_t now_ms = dff_time_monotonic_ms();

    if (watch->master->state != DFF_MASTER_SERVING || watch->asking
        || now_ms - watch->asked_ms < DFF_NODE_EVERY_MS - 100)
        return;
    watch->asked_ms = now_ms;
    watch->asking = dff_redis_link_commandf(watch->master->command, dff_node_watch_on_members,
                                            watch, "SMEMBERS " DFF_KEY_NODES) == DFF_OK;
}

void
dff_node_watch_reset(dff_node_watch_t *watch)
{
    int n;

    for (n = 0; n < watch->count; n++)
        watch->nodes[n]->gone_ms = 0;
}
