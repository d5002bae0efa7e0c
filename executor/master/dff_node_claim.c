/* Claiming of this node's own jobs: see the header. */
#include "dff_node_claim.h"

#include <stdlib.h>

#include "dff_envelope.h"

#include "master/dff_pool.h"
#include "master/dff_run.h"

#include "dff_banned.h"

typedef struct {
    dff_node_claim_t *claim;
    dff_group_t      *group;        /* NULL: not served */
    bool              maybe;        /* it may hold jobs */
    bool              asking;       /* an RPOPLPUSH is on its way */
    bool              again;        /* woken meanwhile: "empty" is no longer news */
    bool              logged;       /* Redis refuses */
    dff_key_t         key;
    size_t            key_len;
} dff_node_queue_t;

struct dff_node_claim_s {
    dff_master_t     *master;
    dff_node_queue_t  queues[DFF_QUEUE_COUNT];
};

dff_node_claim_t *
dff_node_claim_new(dff_master_t *master)
{
    dff_node_claim_t *claim = calloc(1, sizeof(*claim));
    int               i, queue;

    if (claim == NULL)
        return NULL;
    claim->master = master;
    for (i = 0; i < master->pool->ngroups; i++) {
        for (queue = 0; queue < DFF_QUEUE_COUNT; queue++) {
            dff_node_queue_t *q = &claim->queues[queue];

            if ((master->pool->groups[i].queues & (1u << queue)) == 0)
                continue;
            q->claim = claim;
            q->group = &master->pool->groups[i];
            q->key_len = dff_key_queue_at(q->key, queue, dff_master_node(master));
        }
    }
    return claim;
}

void
dff_node_claim_free(dff_node_claim_t *claim)
{
    free(claim);
}

static void
dff_node_claim_on_job(redisAsyncContext *ac, void *reply_ptr, void *data)
{
    dff_node_queue_t *q = data;
    dff_master_t     *master = q->claim->master;
    redisReply       *reply = reply_ptr;

    (void) ac;
    q->asking = false;
    /* What was claimed by a command without an answer is found by the sweep. */
    if (reply == NULL)
        return;
    if (reply->type == REDIS_REPLY_STRING) {
        /* Draining has begun meanwhile: it is among what is given back. */
        if (master->state == DFF_MASTER_SERVING)
            dff_run_claimed(master, q->group, (dff_str_t) { reply->str, (size_t) reply->len });
        return;
    }
    q->maybe = q->again;
    q->again = false;
    if (reply->type == REDIS_REPLY_ERROR && dff_redis_link_moved(master->command))
        return;
    if (reply->type == REDIS_REPLY_ERROR && !q->logged)
        dff_log_error(&master->log, NULL, "claiming from %s: %s; tried again every second", q->key,
                      reply->str);
    q->logged = reply->type == REDIS_REPLY_ERROR;
}

void
dff_node_claim_wake(dff_node_claim_t *claim, dff_str_t words)
{
    dff_node_queue_t *q;

    if (words.len != 1 || words.data[0] < '0' || words.data[0] > '9')
        return;
    q = &claim->queues[words.data[0] - '0'];
    q->maybe = true;
    q->again = q->asking;
}

void
dff_node_claim_tick(dff_node_claim_t *claim)
{
    int i;

    for (i = 0; i < DFF_QUEUE_COUNT; i++)
        claim->queues[i].maybe = true;
}

void
dff_node_claim_settle(dff_node_claim_t *claim)
{
    dff_master_t *master = claim->master;
    int           i;

    if (master->state != DFF_MASTER_SERVING)
        return;
    for (i = 0; i < DFF_QUEUE_COUNT; i++) {
        dff_node_queue_t *q = &claim->queues[i];
        const char       *argv[] = { "RPOPLPUSH", q->key, master->key_claimed };
        size_t            argvlen[] = { 9, q->key_len, master->key_claimed_len };

        if (q->group == NULL || !q->maybe || q->asking || dff_group_room(q->group) == 0)
            continue;
        q->asking = dff_redis_link_command(master->command, dff_node_claim_on_job, q, 3, argv,
                                           argvlen) == DFF_OK;
    }
}
