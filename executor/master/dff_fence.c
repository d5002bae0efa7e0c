/* Cuts a node off from Redis: see the header. Runs in the master. */
#include "dff_fence.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dff_banned.h"

typedef struct {
    dff_master_t      *master;
    dff_fence_done_fn  done;
    void              *ctx;
    int                due;        /* answers to CLIENT KILL, and one for the list itself */
    bool               failed;
    char               client[sizeof(DFF_FENCE_CLIENT_PREFIX) + DFF_NODE_NAME_MAX];
} dff_fence_t;

void
dff_fence_client_name(char *name, size_t size, dff_str_t node)
{
    (void) snprintf(name, size, DFF_FENCE_CLIENT_PREFIX "%.*s", (int) node.len, node.data);
}

static void
dff_fence_answered(dff_fence_t *fence, const redisReply *reply)
{
    if (reply == NULL || reply->type == REDIS_REPLY_ERROR) {
        /* Of each node that is gone, every few seconds: a right that is missing is told once. */
        if (reply != NULL && !fence->master->fence_refused)
            dff_log_error(&fence->master->log, NULL, "%s cannot be cut off, so its jobs stay where "
                          "they are: %s", fence->client, reply->str);
        fence->master->fence_refused = fence->master->fence_refused || reply != NULL;
        fence->failed = true;
    }
    if (--fence->due > 0)
        return;
    if (!fence->failed)
        fence->master->fence_refused = false;
    fence->done(fence->ctx, !fence->failed);
    free(fence);
}

static void
dff_fence_on_kill(redisAsyncContext *ac, void *reply, void *data)
{
    (void) ac;
    dff_fence_answered(data, reply);
}

/* The value of a field " name=value " of a line of CLIENT LIST. */
static dff_str_t
dff_fence_field(dff_str_t line, const char *name)
{
    size_t      len = strlen(name);
    const char *at = line.data, *end = line.data + line.len, *stop;

    while (at < end) {
        stop = memchr(at, ' ', (size_t) (end - at));
        if (stop == NULL)
            stop = end;
        if ((size_t) (stop - at) >= len && memcmp(at, name, len) == 0)
            return (dff_str_t) { at + len, (size_t) (stop - at) - len };
        at = stop + 1;
    }
    return DFF_STR("");
}

/* Our own connection is spared: the default of this form of CLIENT KILL. */
static void
dff_fence_kill(dff_fence_t *fence, dff_str_t line)
{
    dff_str_t   id = dff_fence_field(line, "id=");
    const char *argv[] = { "CLIENT", "KILL", "ID", id.data };
    size_t      argvlen[] = { 6, 4, 2, id.len };

    if (!dff_str_eq(dff_fence_field(line, "name="), dff_str_from(fence->client)))
        return;
    if (dff_redis_link_command(fence->master->command, dff_fence_on_kill, fence, 4, argv, argvlen)
        == DFF_OK)
        fence->due++;
    else
        fence->failed = true;
}

static void
dff_fence_on_list(redisAsyncContext *ac, void *reply_ptr, void *data)
{
    dff_fence_t *fence = data;
    redisReply  *reply = reply_ptr;
    const char  *at, *end, *stop;

    (void) ac;
    if (reply != NULL && reply->type != REDIS_REPLY_ERROR) {
        at = reply->str;
        end = at == NULL ? NULL : at + reply->len;
        while (at < end && (stop = memchr(at, '\n', (size_t) (end - at))) != NULL) {
            dff_fence_kill(fence, (dff_str_t) { at, (size_t) (stop - at) });
            at = stop + 1;
        }
    }
    dff_fence_answered(fence, reply);
}

void
dff_fence_node(dff_master_t *master, dff_str_t node, dff_fence_done_fn done, void *ctx)
{
    dff_fence_t *fence = calloc(1, sizeof(*fence));

    if (fence == NULL) {
        done(ctx, false);
        return;
    }
    fence->master = master;
    fence->done = done;
    fence->ctx = ctx;
    fence->due = 1;
    dff_fence_client_name(fence->client, sizeof(fence->client), node);
    if (dff_redis_link_commandf(master->command, dff_fence_on_list, fence, "CLIENT LIST")
        != DFF_OK)
        dff_fence_answered(fence, NULL);
}
