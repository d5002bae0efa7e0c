/* Emptying a queue: see the header. */
#include "store/dff_queue_clear.h"

#include <stdlib.h>

#include "dff_buf.h"
#include "dff_keys.h"
#include "dff_ledger.h"
#include "dff_record.h"
#include "dff_time.h"

#include "dff_banned.h"

#define DFF_QUEUE_BATCH       100
#define DFF_QUEUE_REPLY_TTL   60      /* docs/protocol.md, dff:reply:<producer> */

/* Takes one job out of its queue and tells its outcome, or does neither: a master
 * may have claimed it meanwhile. KEYS queue, reply list, result, records; ARGV envelope,
 * reply, TTL of the list, TTL of the result; TTL 0: not wanted; record; "": none. */
static const char dff_queue_drop[] =
    "if redis.call('LREM', KEYS[1], -1, ARGV[1]) == 0 then return 0 end "
    "if ARGV[3] ~= '0' then redis.call('LPUSH', KEYS[2], ARGV[2]) "
    "redis.call('EXPIRE', KEYS[2], ARGV[3]) end "
    "if ARGV[4] ~= '0' then redis.call('SET', KEYS[3], ARGV[2], 'EX', ARGV[4]) end "
    "if ARGV[5] ~= '' then redis.call('LPUSH', KEYS[4], ARGV[5]) end "
    DFF_LEDGER_END("ARGV[2]")
    "return 1";

static const char dff_queue_lost[] =
    "{\"etype\":\"TaskCleared\",\"einfoTEXT\":\"The queue was cleared by the operator before the "
    "task was started.\"}";


/* Of a job that leaves records: that it is lost. Empty: it leaves none. */
static void
dff_queue_record(dff_buf_t *out, const dff_job_t *job, const dff_reply_t *reply,
    dff_str_t bytes)
{
    dff_record_t record;
    char        *to;

    if (!dff_record_wanted(job)) {
        return;
    }
    dff_record_of_job(&record, job);
    record.status = reply->status;
    record.ended_at_ms = reply->ended_at_ms;
    record.reply = bytes;
    to = dff_buf_reserve(out, dff_record_size(&record));
    if (to != NULL) {
        out->len += (size_t) (dff_record_write(to, &record) - to);
    }
}


/* Appends the drop of one job. One that cannot be read is dropped without an answer. */
static int
dff_queue_append_drop(dff_rcmd_t *rcmd, const char *queue_key, dff_str_t envelope,
    int64_t result_ttl_s, dff_err_t *err)
{
    dff_job_t   job = { 0 };
    dff_reply_t reply = { 0 };
    bool        known = dff_job_decode(envelope, &job, NULL) == DFF_OK;
    bool        waited = known && job.producer.len > 0;
    bool        asked = known && (job.keep_result || !waited);
    dff_buf_t   record = DFF_BUF_INIT;
    dff_key_t   reply_key, result_key;
    char       *bytes;
    size_t      len;
    int         rc;

    if (!known) {
        job = (dff_job_t) { .id = DFF_STR("?") };
    }
    reply = (dff_reply_t) {
        .id = job.id, .status = DFF_STATUS_LOST, .body_type = DFF_BODY_JSON,
        .ended_at_ms = dff_time_now_ms(), .body = DFF_STR(dff_queue_lost)
    };
    bytes = malloc(dff_reply_size(&reply) + 1);
    if (bytes == NULL) {
        return dff_err_set(err, DFF_E_SYS, "out of memory");
    }
    len = (size_t) (dff_reply_write(bytes, &reply) - bytes);
    if (known) {
        dff_queue_record(&record, &job, &reply, (dff_str_t) { bytes, len });
    }
    dff_key_reply(reply_key, job.producer);
    dff_key_result(result_key, job.id);
    rc = dff_rcmd_append(rcmd, err, "EVAL %s 4 %s %s %s %s %b %b %d %lld %b",
                         dff_queue_drop, queue_key, reply_key, result_key, DFF_KEY_RECORDS,
                         DFF_RCMD_B(envelope), bytes, len, waited ? DFF_QUEUE_REPLY_TTL : 0,
                         asked ? (long long) result_ttl_s : 0,
                         record.data == NULL ? "" : record.data, record.len);
    dff_buf_release(&record);
    free(bytes);
    return rc;
}


/* The oldest jobs of a queue. *seen: how many there were, *dropped is added to. */
static int
dff_queue_clear_batch(dff_rcmd_t *rcmd, const char *key, int64_t result_ttl_s, long long most,
    size_t *seen, long long *dropped, dff_err_t *err)
{
    long long   count = most < DFF_QUEUE_BATCH ? most : DFF_QUEUE_BATCH;
    redisReply *jobs;
    int         rc = DFF_OK;

    jobs = dff_rcmd_run(rcmd, err, "LRANGE %s %lld -1", key, -count);
    if (jobs == NULL) {
        return DFF_ERROR;
    }
    *seen = jobs->elements;
    for (size_t i = jobs->elements; rc == DFF_OK && i-- > 0; ) {
        const redisReply *job = jobs->element[i];

        rc = dff_queue_append_drop(rcmd, key, (dff_str_t) { job->str, job->len }, result_ttl_s,
                                   err);
    }
    for (size_t i = 0; rc == DFF_OK && i < jobs->elements; i++) {
        redisReply *reply = dff_rcmd_next(rcmd, err);

        if (reply == NULL) {
            rc = DFF_ERROR;
            break;
        }
        *dropped += reply->type == REDIS_REPLY_INTEGER ? reply->integer : 0;
        freeReplyObject(reply);
    }
    if (rc != DFF_OK) {
        dff_rcmd_abandon(rcmd);
    }
    freeReplyObject(jobs);
    return rc;
}


int
dff_queue_clear(dff_rcmd_t *rcmd, int queue, dff_str_t node, int64_t result_ttl_s,
    long long *dropped, dff_err_t *err)
{
    dff_key_t   key;
    redisReply *length;
    long long   left;
    size_t      seen = 1;

    dff_key_queue_at(key, queue, node);
    length = dff_rcmd_run(rcmd, err, "LLEN %s", key);
    if (length == NULL) {
        return DFF_ERROR;
    }
    left = length->type == REDIS_REPLY_INTEGER ? length->integer : 0;
    freeReplyObject(length);
    while (left > 0 && seen > 0) {
        if (dff_queue_clear_batch(rcmd, key, result_ttl_s, left, &seen, dropped, err) != DFF_OK) {
            return DFF_ERROR;
        }
        left -= (long long) seen;
    }
    return DFF_OK;
}
