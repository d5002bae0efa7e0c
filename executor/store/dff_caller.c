/*
 * Blocking calls through the queues. Runs in dffctl and the api processes.
 */
#include "store/dff_caller.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "dff_id.h"
#include "dff_keys.h"
#include "dff_ledger.h"
#include "dff_record.h"
#include "dff_time.h"
#include "store/dff_cluster.h"

#include "dff_banned.h"

#define DFF_CALLER_SLICE_S        2     /* between two looks at the nodes */
#define DFF_CALLER_EXPIRE_FACTOR  24    /* a job that nobody waits for expires after timeout x 24 */


static int
dff_caller_check_queue(dff_rcmd_t *rcmd, const dff_config_t *cfg, int queue, dff_err_t *err)
{
    redisReply *reply;
    dff_key_t   key;
    long long   length;

    if (dff_cluster_check_queue(rcmd, queue, err) != DFF_OK) {
        return DFF_ERROR;
    }

    dff_key_queue(key, queue);
    reply = dff_rcmd_run(rcmd, err, "LLEN %s", key);
    if (reply == NULL) {
        return DFF_ERROR;
    }
    length = reply->type == REDIS_REPLY_INTEGER ? reply->integer : 0;
    freeReplyObject(reply);
    if (length >= cfg->worker_queue_limit) {
        return dff_err_set(err, DFF_E_WORKER_QUEUE_CONGESTION,
                           "queue %d has %lld jobs, the limit (_WORKER_QUEUE_LIMIT) is %lld",
                           queue, length, (long long) cfg->worker_queue_limit);
    }
    return DFF_OK;
}


/* *length (may be NULL): of the queue, with the job in it. bytes (may be NULL): the
 * envelope, which the caller frees. */
static int
dff_caller_push(dff_rcmd_t *rcmd, const dff_job_t *job, long long *length, dff_str_t *bytes,
    dff_err_t *err)
{
    size_t      size = dff_job_size(job);
    char       *envelope = malloc(size + 1);
    redisReply *reply;
    dff_key_t   key;

    if (envelope == NULL) {
        return dff_err_set(err, DFF_E_SYS, "out of memory for a job of %zu bytes", size);
    }
    size = (size_t) (dff_job_write(envelope, job) - envelope);
    dff_key_queue(key, job->queue);
    reply = dff_rcmd_run(rcmd, err, "EVAL %s 1 %s %b", DFF_LEDGER_PUSH, key, envelope, size);
    if (reply == NULL) {
        free(envelope);
        return dff_err_wrap(err, "pushing %.*s (its state is unknown, it is not repeated)",
                            (int) job->id.len, job->id.data);
    }
    if (length != NULL) {
        *length = reply->integer;
    }
    freeReplyObject(reply);
    if (bytes == NULL) {
        free(envelope);
    } else {
        *bytes = (dff_str_t) { envelope, size };
    }
    return DFF_OK;
}


void
dff_caller_expiry(dff_job_t *job, int64_t otherwise_ms)
{
    if (job->expires_at_ms == DFF_CALLER_NEVER)
        job->expires_at_ms = 0;
    else if (job->expires_at_ms == 0)
        job->expires_at_ms = otherwise_ms;
}


/* func-result finds the task from its start; the result takes the marker's place. */
static int
dff_caller_mark(dff_rcmd_t *rcmd, const dff_config_t *cfg, const dff_job_t *job, dff_err_t *err)
{
    dff_reply_t marker = { .id = job->id, .status = DFF_STATUS_QUEUED };
    int64_t     left_s = job->timeout_s + (job->expires_at_ms == 0
        ? (int64_t) job->timeout_s * DFF_CALLER_EXPIRE_FACTOR
        : (job->expires_at_ms - job->queued_at_ms) / 1000);
    char       *bytes = malloc(dff_reply_size(&marker) + 1);
    size_t      size;
    dff_key_t   key;
    int         rc;

    if (bytes == NULL) {
        return dff_err_set(err, DFF_E_SYS, "out of memory");
    }
    size = (size_t) (dff_reply_write(bytes, &marker) - bytes);
    dff_key_result(key, job->id);
    rc = dff_rcmd_do(rcmd, err, "SET %s %b EX %lld NX", key, bytes, size,
                     (long long) (cfg->worker_result_expires_s + left_s));
    free(bytes);
    return rc;
}


/* The queue is over its limit: the job is taken back, unless a worker has it already. */
static int
dff_caller_withdraw(dff_rcmd_t *rcmd, const dff_config_t *cfg, const dff_job_t *job,
    long long length, dff_str_t envelope, dff_err_t *err)
{
    redisReply *reply;
    dff_key_t   key;
    bool        gone;

    dff_key_queue(key, job->queue);
    reply = dff_rcmd_run(rcmd, err, "EVAL %s 1 %s %b", DFF_LEDGER_WITHDRAW, key, envelope.data,
                         envelope.len);
    if (reply == NULL) {
        return dff_err_wrap(err, "%.*s is over the limit of its queue, and may run",
                            (int) job->id.len, job->id.data);
    }
    gone = reply->integer == 1;
    freeReplyObject(reply);
    if (!gone) {
        return DFF_OK;
    }
    dff_key_result(key, job->id);
    (void) dff_rcmd_do(rcmd, NULL, "DEL %s", key);      /* it has a TTL */
    return dff_err_set(err, DFF_E_WORKER_QUEUE_CONGESTION,
                       "queue %d has %lld jobs, the limit (_WORKER_QUEUE_LIMIT) is %lld",
                       job->queue, length - 1, (long long) cfg->worker_queue_limit);
}


/* That it is queued; when it is lost, the record of its end says all of it. */
static void
dff_caller_record(dff_rcmd_t *rcmd, const dff_job_t *job)
{
    dff_record_t record;
    char        *bytes;
    size_t       size;

    if (!dff_record_wanted(job)) {
        return;
    }
    dff_record_of_job(&record, job);
    record.kwargs = DFF_STR_NULL;
    bytes = malloc(dff_record_size(&record));
    if (bytes == NULL) {
        return;
    }
    size = (size_t) (dff_record_write(bytes, &record) - bytes);
    (void) dff_rcmd_do(rcmd, NULL, "LPUSH %s %b", DFF_KEY_RECORDS, bytes, size);
    free(bytes);
}


int
dff_caller_start(dff_rcmd_t *rcmd, const dff_config_t *cfg, dff_job_t *job,
    char task_id[DFF_TASK_ID_MAX + 1], dff_err_t *err)
{
    dff_id_source_t source;
    char            id[DFF_ID_SIZE];
    dff_str_t       envelope;
    long long       length;
    dff_err_t       check;
    int             rc = DFF_OK;

    dff_id_source_init(&source);
    if (dff_id_make(&source, id, "task-") == 0) {
        return dff_err_set(err, DFF_E_SYS, "the kernel gives no random bytes");
    }
    (void) snprintf(task_id, DFF_TASK_ID_MAX + 1, "%s", id);
    job->id = dff_str_from(task_id);
    job->keep_result = true;
    job->queued_at_ms = dff_time_now_ms();
    dff_caller_expiry(job, job->queued_at_ms
                      + (int64_t) job->timeout_s * DFF_CALLER_EXPIRE_FACTOR * 1000);
    if (dff_job_check(job, &check) != DFF_OK) {
        return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST, "%s", check.message);
    }
    /* The marker first: the result of a fast job must not be before it. */
    if (dff_caller_mark(rcmd, cfg, job, err) != DFF_OK
        || dff_caller_push(rcmd, job, &length, &envelope, err) != DFF_OK)
    {
        return DFF_ERROR;
    }
    if (length > cfg->worker_queue_limit) {
        rc = dff_caller_withdraw(rcmd, cfg, job, length, envelope, err);
    }
    if (rc == DFF_OK) {
        dff_caller_record(rcmd, job);
    }
    free((char *) envelope.data);
    return rc;
}


/* 1: call->reply is set. 0: nothing (for us) in this slice. */
static int
dff_caller_take(dff_rcmd_t *rcmd, const char *reply_key, int wait_s, dff_caller_call_t *call,
    dff_err_t *err)
{
    redisReply *popped;
    dff_str_t   bytes;

    if (dff_rcmd_brpop(rcmd, reply_key, wait_s, &popped, err) != DFF_OK) {
        return DFF_ERROR;
    }
    if (popped == NULL) {
        return 0;
    }

    call->bytes = malloc(popped->element[1]->len + 1);
    if (call->bytes == NULL) {
        freeReplyObject(popped);
        return dff_err_set(err, DFF_E_SYS, "out of memory for the reply");
    }
    bytes = (dff_str_t) { call->bytes, popped->element[1]->len };
    memcpy(call->bytes, popped->element[1]->str, bytes.len);
    freeReplyObject(popped);

    if (dff_reply_decode(bytes, &call->reply, err) != DFF_OK) {
        return dff_err_wrap(err, "reply to %s", call->task_id);
    }
    if (dff_str_eq(call->reply.id, dff_str_from(call->task_id))) {
        return 1;
    }
    free(call->bytes);
    call->bytes = NULL;
    return 0;
}


static int
dff_caller_wait(dff_rcmd_t *rcmd, const dff_job_t *job, const char *reply_key, int wait_s,
    dff_caller_call_t *call, dff_err_t *err)
{
    int64_t deadline_ms = dff_time_monotonic_ms() + (int64_t) wait_s * 1000;

    for ( ;; ) {
        int64_t left_ms = deadline_ms - dff_time_monotonic_ms();
        int     slice_s, got;

        if (left_ms <= 0) {
            return dff_err_set(err, DFF_E_API_TIMEOUT, "no answer from %s within %d s",
                               call->task_id, wait_s);
        }
        slice_s = left_ms > DFF_CALLER_SLICE_S * 1000 ? DFF_CALLER_SLICE_S : 1;
        got = dff_caller_take(rcmd, reply_key, slice_s, call, err);
        if (got == 1) {
            return DFF_OK;
        }
        if (got == DFF_ERROR) {
            return DFF_ERROR;
        }
        if (dff_cluster_check_queue(rcmd, job->queue, err) != DFF_OK) {
            return dff_err_wrap(err, "waiting for %s", call->task_id);
        }
    }
}


int
dff_caller_run(dff_rcmd_t *rcmd, const dff_config_t *cfg, dff_job_t *job, int wait_s,
    dff_caller_call_t *call, dff_err_t *err)
{
    dff_id_source_t source;
    char            task_id[DFF_ID_SIZE], producer[DFF_ID_SIZE];
    dff_key_t       reply_key;
    int             rc;

    *call = (dff_caller_call_t) { 0 };
    dff_id_source_init(&source);
    if (dff_id_make(&source, task_id, "task-") == 0
        || dff_id_make(&source, producer, "ctl-") == 0)
    {
        return dff_err_set(err, DFF_E_SYS, "the kernel gives no random bytes");
    }
    (void) snprintf(call->task_id, sizeof(call->task_id), "%s", task_id);

    if (dff_caller_check_queue(rcmd, cfg, job->queue, err) != DFF_OK) {
        return DFF_ERROR;
    }

    job->id = dff_str_from(call->task_id);
    job->producer = dff_str_from(producer);
    job->queued_at_ms = dff_time_now_ms();
    job->wait_until_ms = job->queued_at_ms + (int64_t) wait_s * 1000;
    dff_caller_expiry(job, job->wait_until_ms);
    dff_key_reply(reply_key, job->producer);

    if (dff_caller_push(rcmd, job, NULL, NULL, err) != DFF_OK) {
        return DFF_ERROR;
    }
    rc = dff_caller_wait(rcmd, job, reply_key, wait_s, call, err);
    if (rc != DFF_OK) {
        dff_caller_release(call);
        (void) snprintf(call->task_id, sizeof(call->task_id), "%s", task_id);
    }
    /* It has a TTL; a failure here costs nothing. */
    (void) dff_rcmd_do(rcmd, NULL, "DEL %s", reply_key);
    return rc;
}


void
dff_caller_release(dff_caller_call_t *call)
{
    free(call->bytes);
    *call = (dff_caller_call_t) { 0 };
}


int
dff_caller_failed(const dff_reply_t *reply, dff_err_t *err)
{
    dff_reason_t reason = reply->status == DFF_STATUS_TIMEOUT
        ? DFF_E_FUNC_TIMEOUT : DFF_E_FUNC_FAILED;
    json_t      *body = json_loadb(reply->body.data, reply->body.len, 0, NULL);
    const char  *etype = json_string_value(json_object_get(body, "etype"));
    const char  *text = json_string_value(json_object_get(body, "einfoTEXT"));

    if (etype == NULL && text == NULL) {
        dff_err_set(err, reason, "%s", dff_status_name(reply->status));
    } else {
        dff_err_set(err, reason, "%s", text != NULL && text[0] != '\0' ? text : etype);
    }
    json_decref(body);
    return DFF_ERROR;
}
