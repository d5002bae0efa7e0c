/* Jobs that were pushed and their replies: see the header. */
#include "api/dff_replies.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "dff_buf.h"
#include "dff_keys.h"
#include "dff_ledger.h"
#include "dff_time.h"

#include "dff_banned.h"

#define DFF_REPLIES_STOCK      16       /* BRPOPs outstanding */
#define DFF_REPLIES_LOW         8
#define DFF_REPLIES_SILENCE_MS  8000    /* more than the 5 s that a BRPOP blocks */
#define DFF_REPLIES_BUCKETS    256      /* a power of two */
#define DFF_REPLIES_ASK_BATCH   64      /* task ids in one message */

struct dff_wait_s {
    LIST_ENTRY(dff_wait_s) line;
    dff_replies_t *replies;
    dff_reply_fn   fn;                  /* NULL: cancelled before the push was acknowledged */
    void          *ctx;
    struct event  *deadline;
    bool           keep_late;
    bool           pushing;             /* the answer to the push is to come */
    bool           unknown;             /* it never came */
    bool           withdrawing;         /* likewise for LREM: the queue was too long */
    bool           ended;               /* fn was called, or must not be */
    int            queue;
    char           task_id[DFF_TASK_ID_MAX + 1];
    size_t         size;
    char           envelope[];
};

LIST_HEAD(dff_waits_s, dff_wait_s);

struct dff_replies_s {
    dff_api_t         *api;
    dff_redis_link_t  *link;
    char               producer[DFF_ID_SIZE];
    dff_key_t          key;
    size_t             key_len;
    int                outstanding;
    int64_t            heard_ms;        /* monotonic */
    bool               was_ready;
    bool               logged;          /* that Redis refuses */
    struct event      *reask;
    size_t             reask_round;
    size_t             count;           /* of waits that have not ended */
    struct dff_waits_s waits[DFF_REPLIES_BUCKETS];
};

/* ms between a reconnect and the questions; masters keep a reply for 10 s, and may come
 * back later than we do. */
static const int dff_replies_ask_after_ms[] = { 1, 500, 1000, 2000, 4000 };

static void dff_replies_ready(void *ctx);
static void dff_replies_on_reask(evutil_socket_t fd, short what, void *ctx);

/* --- waits ------------------------------------------------------------------ */

static struct dff_waits_s *
dff_replies_bucket(dff_replies_t *replies, dff_str_t task_id)
{
    uint32_t hash = 2166136261u;
    size_t   i;

    for (i = 0; i < task_id.len; i++)
        hash = (hash ^ (unsigned char) task_id.data[i]) * 16777619u;
    return &replies->waits[hash & (DFF_REPLIES_BUCKETS - 1)];
}

static dff_wait_t *
dff_replies_find(dff_replies_t *replies, dff_str_t task_id)
{
    dff_wait_t *wait;

    LIST_FOREACH(wait, dff_replies_bucket(replies, task_id), line) {
        if (!wait->ended && dff_str_eq(dff_str_from(wait->task_id), task_id))
            return wait;
    }
    return NULL;
}

/* Redis may still have a callback for it: then that frees it. */
static void
dff_wait_free(dff_wait_t *wait)
{
    if (wait->pushing || wait->withdrawing || !wait->ended)
        return;
    LIST_REMOVE(wait, line);
    event_free(wait->deadline);
    free(wait);
}

static void
dff_wait_end(dff_wait_t *wait, const dff_reply_t *reply, const dff_err_t *err)
{
    dff_reply_fn fn = wait->fn;
    void        *ctx = wait->ctx;

    if (wait->ended)
        return;
    wait->ended = true;
    wait->replies->count--;
    (void) evtimer_del(wait->deadline);
    dff_wait_free(wait);
    if (fn != NULL)
        fn(ctx, reply, err);
}

void
dff_wait_cancel(dff_wait_t *wait)
{
    wait->fn = NULL;
    dff_wait_end(wait, NULL, NULL);
}

const char *
dff_wait_task_id(const dff_wait_t *wait)
{
    return wait->task_id;
}

bool
dff_replies_busy(const dff_replies_t *replies)
{
    return replies->count > 0;
}

/* --- late results ------------------------------------------------------------- */

static void
dff_replies_store(dff_replies_t *replies, dff_str_t task_id, dff_str_t bytes, bool marker)
{
    dff_api_t  *api = replies->api;
    dff_key_t   key;
    char        ttl[24];
    const char *argv[] = { "SET", key, bytes.data, "EX", ttl, "NX" };
    size_t      len[] = { 3, 0, bytes.len, 2, 0, 2 };

    len[1] = dff_key_result(key, task_id);
    len[4] = (size_t) snprintf(ttl, sizeof(ttl), "%lld",
                               (long long) api->cfg->worker_result_expires_s);
    /* Not sent: func-result does not know the task, as after its expiry. */
    (void) dff_redis_link_command(api->command, NULL, NULL, marker ? 6 : 5, argv, len);
}

static void
dff_replies_mark(dff_replies_t *replies, const dff_wait_t *wait)
{
    dff_reply_t marker = { .id = dff_str_from(wait->task_id), .status = DFF_STATUS_QUEUED };
    char       *bytes = malloc(dff_reply_size(&marker) + 1);

    if (bytes == NULL)
        return;
    dff_replies_store(replies, marker.id, (dff_str_t) {
        bytes, (size_t) (dff_reply_write(bytes, &marker) - bytes) }, true);
    free(bytes);
}

static void
dff_wait_on_deadline(evutil_socket_t fd, short what, void *ctx)
{
    dff_wait_t *wait = ctx;
    dff_err_t   err;

    (void) fd;
    (void) what;
    if (wait->pushing || wait->unknown) {
        (void) dff_err_set(&err, DFF_E_SYS_CACHE, "Redis has not answered; whether %s runs is "
                           "unknown", wait->task_id);
    } else {
        (void) dff_err_set(&err, DFF_E_API_TIMEOUT, "no answer from %s in time", wait->task_id);
    }
    if (wait->keep_late)
        dff_replies_mark(wait->replies, wait);
    dff_wait_end(wait, NULL, &err);
}

/* --- pushing -------------------------------------------------------------------- */

static void
dff_wait_on_withdrawn(redisAsyncContext *ac, void *reply_ptr, void *data)
{
    dff_wait_t *wait = data;
    redisReply *reply = reply_ptr;
    dff_err_t   err;

    (void) ac;
    wait->withdrawing = false;
    /* 0: a worker has it already. */
    if (reply != NULL && reply->type == REDIS_REPLY_INTEGER && reply->integer == 1) {
        (void) dff_err_set(&err, DFF_E_WORKER_QUEUE_CONGESTION, "queue %d has %lld jobs, the "
                           "limit (_WORKER_QUEUE_LIMIT)", wait->queue,
                           (long long) wait->replies->api->cfg->worker_queue_limit);
        if (!wait->ended) {
            dff_wait_end(wait, NULL, &err);
            return;
        }
    }
    dff_wait_free(wait);
}

static void
dff_wait_withdraw(dff_wait_t *wait)
{
    dff_key_t   key;
    const char *argv[] = { "EVAL", DFF_LEDGER_WITHDRAW, "1", key, wait->envelope };
    size_t      len[] = { 4, sizeof(DFF_LEDGER_WITHDRAW) - 1, 1, 0, wait->size };

    len[3] = dff_key_queue(key, wait->queue);
    wait->withdrawing = dff_redis_link_command(wait->replies->api->command, dff_wait_on_withdrawn,
                                               wait, 5, argv, len) == DFF_OK;
}

static void
dff_wait_on_pushed(redisAsyncContext *ac, void *reply_ptr, void *data)
{
    dff_wait_t *wait = data;
    redisReply *reply = reply_ptr;
    dff_err_t   err;

    (void) ac;
    wait->pushing = false;
    if (reply == NULL) {
        wait->unknown = true;         /* the reply may still come: the deadline decides */
    } else if (reply->type == REDIS_REPLY_ERROR) {
        (void) dff_err_set(&err, DFF_E_SYS_CACHE, "Redis refused the job: %s", reply->str);
        if (!wait->ended) {
            dff_wait_end(wait, NULL, &err);
            return;
        }
    } else if (reply->type == REDIS_REPLY_INTEGER
               && reply->integer > wait->replies->api->cfg->worker_queue_limit) {
        dff_wait_withdraw(wait);
    }
    dff_wait_free(wait);
}

static int
dff_wait_push(dff_wait_t *wait)
{
    dff_key_t   key;
    const char *argv[] = { "EVAL", DFF_LEDGER_PUSH, "1", key, wait->envelope };
    size_t      len[] = { 4, sizeof(DFF_LEDGER_PUSH) - 1, 1, 0, wait->size };

    len[3] = dff_key_queue(key, wait->queue);
    if (dff_redis_link_command(wait->replies->api->command, dff_wait_on_pushed, wait, 5, argv,
                               len) != DFF_OK)
        return DFF_ERROR;
    wait->pushing = true;
    return DFF_OK;
}

static dff_wait_t *
dff_wait_new(dff_replies_t *replies, const dff_job_t *job, int wait_ms)
{
    struct timeval after = { wait_ms / 1000, wait_ms % 1000 * 1000 };
    size_t         size = dff_job_size(job);
    dff_wait_t    *wait = calloc(1, sizeof(*wait) + size + 1);

    if (wait == NULL)
        return NULL;
    wait->replies = replies;
    wait->queue = job->queue;
    wait->size = (size_t) (dff_job_write(wait->envelope, job) - wait->envelope);
    (void) snprintf(wait->task_id, sizeof(wait->task_id), "%.*s", (int) job->id.len,
                    job->id.data);
    wait->deadline = evtimer_new(replies->api->base, dff_wait_on_deadline, wait);
    if (wait->deadline == NULL || evtimer_add(wait->deadline, &after) != 0) {
        if (wait->deadline != NULL)
            event_free(wait->deadline);
        free(wait);
        return NULL;
    }
    LIST_INSERT_HEAD(dff_replies_bucket(replies, job->id), wait, line);
    replies->count++;
    return wait;
}

static int
dff_replies_fill_job(dff_replies_t *replies, dff_job_t *job, int wait_ms, char id[DFF_ID_SIZE],
    dff_err_t *err)
{
    if (job->id.len == 0) {
        if (dff_id_make(&replies->api->ids, id, "task-") == 0)
            return dff_err_set(err, DFF_E_SYS, "the kernel gives no random bytes");
        job->id = dff_str_from(id);
    }
    job->producer = dff_str_from(replies->producer);
    job->queued_at_ms = dff_time_now_ms();
    job->wait_until_ms = job->queued_at_ms + wait_ms;
    if (job->expires_at_ms == 0)
        job->expires_at_ms = job->wait_until_ms;
    return dff_job_check(job, err);
}

dff_wait_t *
dff_replies_call(dff_replies_t *replies, dff_job_t *job, int wait_ms, bool keep_late,
    dff_reply_fn fn, void *ctx, dff_err_t *err)
{
    char        id[DFF_ID_SIZE];
    dff_wait_t *wait;

    if (replies->count >= DFF_REPLIES_WAITING_MAX) {
        (void) dff_err_set(err, DFF_E_WORKER_QUEUE_CONGESTION, "%d calls wait in this process "
                           "already", DFF_REPLIES_WAITING_MAX);
        return NULL;
    }
    if (dff_replies_fill_job(replies, job, wait_ms, id, err) != DFF_OK)
        return NULL;
    wait = dff_wait_new(replies, job, wait_ms);
    job->producer = DFF_STR_NULL;
    if (job->id.data == id)
        job->id = DFF_STR_NULL;
    if (wait == NULL) {
        (void) dff_err_set(err, DFF_E_SYS, "out of memory for a job");
        return NULL;
    }
    if (dff_wait_push(wait) != DFF_OK) {
        dff_wait_cancel(wait);
        (void) dff_err_set(err, DFF_E_SYS_CACHE, "there is no connection to Redis");
        return NULL;
    }
    wait->keep_late = keep_late;
    wait->fn = fn;
    wait->ctx = ctx;
    return wait;
}

/* --- the list ------------------------------------------------------------------- */

static void
dff_replies_take(dff_replies_t *replies, dff_str_t bytes)
{
    dff_reply_t reply;
    dff_err_t   err;
    dff_wait_t *wait;

    if (dff_reply_decode(bytes, &reply, &err) != DFF_OK) {
        dff_log_error(&replies->api->log, NULL, "a reply was dropped: %s", err.message);
        return;
    }
    wait = dff_replies_find(replies, reply.id);
    if (wait != NULL)
        dff_wait_end(wait, &reply, NULL);
    else
        dff_replies_store(replies, reply.id, bytes, false);
}

static void dff_replies_fill(dff_replies_t *replies);

static void
dff_replies_on_pop(redisAsyncContext *ac, void *reply_ptr, void *data)
{
    dff_replies_t *replies = data;
    redisReply    *reply = reply_ptr, *value;

    (void) ac;
    replies->outstanding--;
    if (reply == NULL)
        return;
    replies->heard_ms = dff_time_monotonic_ms();
    if (reply->type == REDIS_REPLY_ERROR) {
        /* No busy loop: dff_replies_watch fills again. */
        if (!replies->logged)
            dff_log_error(&replies->api->log, NULL, "BRPOP of replies: %s", reply->str);
        replies->logged = true;
        return;
    }
    replies->logged = false;
    if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 2) {
        value = reply->element[1];
        dff_replies_take(replies, (dff_str_t) { value->str, (size_t) value->len });
    }
    if (replies->outstanding <= DFF_REPLIES_LOW)
        dff_replies_fill(replies);
}

static void
dff_replies_fill(dff_replies_t *replies)
{
    const char *argv[] = { "BRPOP", replies->key, "5" };
    size_t      len[] = { 5, replies->key_len, 1 };

    while (replies->outstanding < DFF_REPLIES_STOCK) {
        if (dff_redis_link_command(replies->link, dff_replies_on_pop, replies, 3, argv, len)
            != DFF_OK)
            return;
        replies->outstanding++;
    }
}

static void
dff_replies_reask_later(dff_replies_t *replies)
{
    const size_t   rounds = sizeof(dff_replies_ask_after_ms) / sizeof(dff_replies_ask_after_ms[0]);
    struct timeval after = { 0, 0 };
    int            ms;

    if (replies->reask_round >= rounds)
        return;
    ms = dff_replies_ask_after_ms[replies->reask_round++];
    after.tv_sec = ms / 1000;
    after.tv_usec = ms % 1000 * 1000;
    (void) evtimer_add(replies->reask, &after);
}

static void
dff_replies_ready(void *ctx)
{
    dff_replies_t *replies = ctx;

    replies->outstanding = 0;
    replies->heard_ms = dff_time_monotonic_ms();
    dff_replies_fill(replies);
    if (replies->was_ready) {
        replies->reask_round = 0;
        dff_replies_reask_later(replies);
    }
    replies->was_ready = true;
}

static void
dff_replies_publish(dff_replies_t *replies, dff_buf_t *text)
{
    const char *argv[] = { "PUBLISH", DFF_CHANNEL_CHANGED, text->data };
    size_t      len[] = { 7, sizeof(DFF_CHANNEL_CHANGED) - 1, text->len };

    /* Not sent: the next round will, or the waits end by their deadlines. */
    if (!dff_buf_failed(text))
        (void) dff_redis_link_command(replies->api->command, NULL, NULL, 3, argv, len);
}

/* "reask <producer> <task> <task> …" for everything that still waits. */
static void
dff_replies_on_reask(evutil_socket_t fd, short what, void *ctx)
{
    dff_replies_t *replies = ctx;
    dff_buf_t      text = DFF_BUF_INIT;
    dff_wait_t    *wait;
    size_t         i, n = 0;

    (void) fd;
    (void) what;
    for (i = 0; i < DFF_REPLIES_BUCKETS; i++) {
        LIST_FOREACH(wait, &replies->waits[i], line) {
            if (wait->ended)
                continue;
            if (n == 0)
                dff_buf_addf(&text, "reask %s", replies->producer);
            dff_buf_addf(&text, " %s", wait->task_id);
            if (++n < DFF_REPLIES_ASK_BATCH)
                continue;
            dff_replies_publish(replies, &text);
            dff_buf_clear(&text);
            n = 0;
        }
    }
    if (n > 0)
        dff_replies_publish(replies, &text);
    dff_buf_release(&text);
    dff_replies_reask_later(replies);
}

void
dff_replies_watch(dff_api_t *api)
{
    dff_replies_t *replies = api->replies;

    if (!dff_redis_link_ready(replies->link))
        return;
    if (replies->outstanding > 0
        && dff_time_monotonic_ms() - replies->heard_ms > DFF_REPLIES_SILENCE_MS)
        dff_redis_link_drop(replies->link, "no answer to BRPOP in time");
    else
        dff_replies_fill(replies);
}

/* --- begin and end ----------------------------------------------------------------- */

dff_replies_t *
dff_replies_new(dff_api_t *api)
{
    dff_redis_link_conf_t conf = { .name = "api-replies", .ready = dff_replies_ready };
    dff_replies_t        *replies = calloc(1, sizeof(*replies));

    if (replies == NULL)
        return NULL;
    replies->api = api;
    conf.ctx = replies;
    if (dff_id_make(&api->ids, replies->producer, "api-") == 0)
        goto failed;
    replies->key_len = dff_key_reply(replies->key, dff_str_from(replies->producer));
    replies->reask = evtimer_new(api->base, dff_replies_on_reask, replies);
    if (replies->reask == NULL)
        goto failed;
    replies->link = dff_redis_link_new(api->redis, &conf);
    if (replies->link != NULL)
        return replies;

failed:
    dff_replies_free(replies);
    return NULL;
}

void
dff_replies_free(dff_replies_t *replies)
{
    dff_wait_t *wait;
    size_t      i;

    if (replies == NULL)
        return;
    dff_redis_link_free(replies->link);
    for (i = 0; i < DFF_REPLIES_BUCKETS; i++) {
        while ((wait = LIST_FIRST(&replies->waits[i])) != NULL) {
            wait->pushing = wait->withdrawing = false;
            wait->ended = true;
            dff_wait_free(wait);
        }
    }
    if (replies->reask != NULL)
        event_free(replies->reask);
    free(replies);
}
