/* Claiming jobs from the queues. Runs in the master. */
#include "dff_claim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dff_envelope.h"
#include "dff_time.h"

#include "master/dff_pool.h"
#include "master/dff_run.h"
#include "master/dff_sweep.h"

#include "dff_banned.h"

#define DFF_CLAIM_BLOCK_S      2        /* Redis answers nil after that */
#define DFF_CLAIM_WATCH_MS  4000        /* no answer for so long: the connection is dead */
#define DFF_CLAIM_WINDOW_MAX  32

typedef struct {
    dff_claim_t      *claim;
    dff_group_t      *group;
    dff_redis_link_t *link;
    int               queue;
    int               outstanding;      /* BRPOPLPUSH without an answer */
    int               window;           /* that many are kept while jobs come */
    int64_t           heard_ms;         /* monotonic: last answer, or first command */
    bool              failing;          /* Redis refuses; asked again in a second */
    bool              logged;           /* the refusal is */
    dff_redis_client_t client;          /* of a connection that Redis may still hold */
    dff_key_t         key;
    size_t            key_len;
} dff_claim_queue_t;

struct dff_claim_s {
    dff_master_t      *master;
    bool               stopped;
    dff_claim_queue_t  queues[DFF_QUEUE_COUNT];     /* group NULL: not served */
};

dff_claim_t *
dff_claim_new(dff_master_t *master)
{
    dff_claim_t *claim = calloc(1, sizeof(*claim));
    int          i, queue;

    if (claim == NULL)
        return NULL;
    claim->master = master;
    for (i = 0; i < master->pool->ngroups; i++) {
        for (queue = 0; queue < DFF_QUEUE_COUNT; queue++) {
            dff_claim_queue_t *q = &claim->queues[queue];

            if ((master->pool->groups[i].queues & (1u << queue)) == 0)
                continue;
            q->claim = claim;
            q->group = &master->pool->groups[i];
            q->queue = queue;
            q->window = 1;
            q->key_len = dff_key_queue(q->key, queue);
        }
    }
    return claim;
}

void
dff_claim_free(dff_claim_t *claim)
{
    int i;

    if (claim == NULL)
        return;
    for (i = 0; i < DFF_QUEUE_COUNT; i++)
        dff_redis_link_free(claim->queues[i].link);
    free(claim);
}

/* --- one queue ------------------------------------------------------------ */

static void
dff_claim_on_job(redisAsyncContext *ac, void *reply_ptr, void *data)
{
    dff_claim_queue_t *q = data;
    redisReply        *reply = reply_ptr;

    (void) ac;
    q->outstanding--;
    if (reply == NULL)
        return;
    q->heard_ms = dff_time_monotonic_ms();
    if (reply->type == REDIS_REPLY_ERROR && dff_redis_link_moved(q->link))
        return;
    if (reply->type == REDIS_REPLY_ERROR) {
        q->failing = true;
        if (!q->logged)
            dff_log_error(&q->claim->master->log, NULL, "claiming from queue %d: %s; tried again "
                          "every second", q->queue, reply->str);
        q->logged = true;
        return;
    }

    q->logged = false;
    if (reply->type == REDIS_REPLY_STRING) {
        q->window = q->window < DFF_CLAIM_WINDOW_MAX ? q->window * 2 : DFF_CLAIM_WINDOW_MAX;
        dff_run_claimed(q->claim->master, q->group,
                        (dff_str_t) { reply->str, (size_t) reply->len });
        return;
    }
    q->window = 1;
}

static void
dff_claim_ask(dff_claim_queue_t *q, int count)
{
    dff_master_t *master = q->claim->master;
    const char   *argv[] = { "BRPOPLPUSH", q->key, master->key_claimed, "2" };
    size_t        argvlen[] = { 10, q->key_len, master->key_claimed_len, 1 };

    _Static_assert(DFF_CLAIM_BLOCK_S == 2, "as in argv");
    if (q->outstanding == 0)
        q->heard_ms = dff_time_monotonic_ms();
    while (count-- > 0) {
        if (dff_redis_link_command(q->link, dff_claim_on_job, q, 4, argv, argvlen) != DFF_OK)
            return;
        q->outstanding++;
    }
}

/* Told by a connection that lives: all of them may have gone silent at once. */
static void
dff_claim_close_client(dff_claim_queue_t *q, dff_redis_link_t *living)
{
    if (dff_redis_client_close(&q->client, living))
        dff_sweep_soon(q->claim->master->sweep);        /* what it has claimed until now */
}

static void
dff_claim_ready(void *ctx)
{
    dff_claim_queue_t *q = ctx;

    dff_claim_close_client(q, q->link);
    dff_redis_client_note(&q->client, q->link);
    q->window = 1;
}

static void
dff_claim_lost(void *ctx)
{
    dff_claim_queue_t *q = ctx;

    /* Jobs whose answers were in that connection are in claimed:<node>. */
    dff_sweep_soon(q->claim->master->sweep);
}

/* --- all queues ----------------------------------------------------------- */

void
dff_claim_begin(dff_claim_t *claim)
{
    char name[32];
    int  i;

    for (i = 0; i < DFF_QUEUE_COUNT; i++) {
        dff_claim_queue_t    *q = &claim->queues[i];
        dff_redis_link_conf_t conf = {
            .name = name, .ready = dff_claim_ready, .lost = dff_claim_lost, .ctx = q
        };

        if (q->group == NULL || q->link != NULL)
            continue;
        (void) snprintf(name, sizeof(name), "queue-%d", i);
        q->link = dff_redis_link_new(claim->master->redis, &conf);
        if (q->link == NULL) {
            dff_master_fail(claim->master, "no memory for the connection of queue %d", i);
            return;
        }
    }
}

void
dff_claim_stop(dff_claim_t *claim)
{
    int i;

    claim->stopped = true;
    for (i = 0; i < DFF_QUEUE_COUNT; i++) {
        dff_claim_queue_t *q = &claim->queues[i];

        if (q->link == NULL)
            continue;
        dff_redis_link_free(q->link);
        q->link = NULL;
        dff_claim_close_client(q, claim->master->command);
    }
}

void
dff_claim_settle(dff_claim_t *claim)
{
    dff_pool_t *pool = claim->master->pool;
    int         i, count, room, outstanding[DFF_QUEUE_COUNT] = { 0 };

    /* Which life of Redis it is, and what that may not know, is learnt by the connection for
     * commands (dff_life.h); and nothing can be started without it. */
    if (claim->stopped || !dff_redis_link_ready(claim->master->command))
        return;
    for (i = 0; i < DFF_QUEUE_COUNT; i++) {
        if (claim->queues[i].group != NULL)
            outstanding[claim->queues[i].group - pool->groups] += claim->queues[i].outstanding;
    }

    for (i = 0; i < DFF_QUEUE_COUNT; i++) {
        dff_claim_queue_t *q = &claim->queues[i];

        /* Refill from half, not for every job: one write for many commands. */
        if (!dff_redis_link_ready(q->link) || q->failing || q->outstanding > q->window / 2)
            continue;
        room = dff_group_room(q->group);
        if (room == 0)
            continue;
        count = room - outstanding[q->group - pool->groups];
        if (count > q->window - q->outstanding)
            count = q->window - q->outstanding;
        if (count < 1)
            count = q->outstanding == 0;
        dff_claim_ask(q, count);
        outstanding[q->group - pool->groups] += count;
    }
}

void
dff_claim_distrust(dff_claim_t *claim)
{
    int i;

    for (i = 0; i < DFF_QUEUE_COUNT; i++) {
        if (claim->queues[i].link != NULL)
            dff_redis_link_drop(claim->queues[i].link, "the connection for commands has ended");
    }
}

void
dff_claim_watch(dff_claim_t *claim)
{
    int64_t now_ms = dff_time_monotonic_ms();
    int     i;

    for (i = 0; i < DFF_QUEUE_COUNT; i++) {
        dff_claim_queue_t *q = &claim->queues[i];

        q->failing = false;
        if (q->link == NULL || q->outstanding == 0 || now_ms - q->heard_ms <= DFF_CLAIM_WATCH_MS)
            continue;
        if (dff_redis_link_progresses(q->link))
            q->heard_ms = now_ms;
        else
            dff_redis_link_drop(q->link, "no answer to BRPOPLPUSH in time");
    }
}
