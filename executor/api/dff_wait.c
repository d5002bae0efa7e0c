/* Jobs that were pushed, and who waits for them: see dff_replies.h. */
#include "api/dff_replies_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dff_ledger.h"
#include "dff_time.h"
#include "store/dff_caller.h"

#include "dff_banned.h"

static struct dff_waits_s *
dff_wait_bucket(dff_replies_t *replies, dff_str_t task_id)
{
    uint32_t hash = 2166136261u;
    size_t   i;

    for (i = 0; i < task_id.len; i++)
        hash = (hash ^ (unsigned char) task_id.data[i]) * 16777619u;
    return &replies->waits[hash & (DFF_REPLIES_BUCKETS - 1)];
}

dff_wait_t *
dff_wait_find(dff_replies_t *replies, dff_str_t task_id)
{
    dff_wait_t *wait;

    LIST_FOREACH(wait, dff_wait_bucket(replies, task_id), line) {
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

void
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

void
dff_wait_drop(dff_wait_t *wait)
{
    wait->pushing = wait->withdrawing = false;
    wait->ended = true;
    dff_wait_free(wait);
}

/* --- late results ------------------------------------------------------------- */

void
dff_wait_store(dff_replies_t *replies, dff_str_t task_id, dff_str_t bytes, bool marker)
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
dff_wait_mark(const dff_wait_t *wait)
{
    dff_reply_t marker = { .id = dff_str_from(wait->task_id), .status = DFF_STATUS_QUEUED };
    char       *bytes = malloc(dff_reply_size(&marker) + 1);

    if (bytes == NULL)
        return;
    dff_wait_store(wait->replies, marker.id, (dff_str_t) {
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
        dff_wait_mark(wait);
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
    LIST_INSERT_HEAD(dff_wait_bucket(replies, job->id), wait, line);
    replies->count++;
    return wait;
}

static int
dff_wait_fill_job(dff_replies_t *replies, dff_job_t *job, int wait_ms, char id[DFF_ID_SIZE],
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
    dff_caller_expiry(job, job->wait_until_ms);
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
    if (dff_wait_fill_job(replies, job, wait_ms, id, err) != DFF_OK)
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
