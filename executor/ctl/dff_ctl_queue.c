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
#include "dff_time.h"
#include "store/dff_cluster.h"

#include "dff_banned.h"

enum { DFF_CTL_QUEUE_JSON };

#define DFF_CTL_QUEUE_BATCH       100
#define DFF_CTL_QUEUE_REPLY_TTL   60      /* docs/protocol.md, dff:reply:<producer> */

/* Takes one job out of its queue and tells its outcome, or does neither: a master
 * may have claimed it meanwhile. KEYS queue, reply list, result; ARGV envelope,
 * reply, TTL of the list, TTL of the result; TTL 0: not wanted. */
static const char dff_ctl_queue_drop[] =
    "if redis.call('LREM', KEYS[1], -1, ARGV[1]) == 0 then return 0 end "
    "if ARGV[3] ~= '0' then redis.call('LPUSH', KEYS[2], ARGV[2]) "
    "redis.call('EXPIRE', KEYS[2], ARGV[3]) end "
    "if ARGV[4] ~= '0' then redis.call('SET', KEYS[3], ARGV[2], 'EX', ARGV[4]) end "
    "return 1";

static const char dff_ctl_queue_lost[] =
    "{\"etype\":\"TaskCleared\",\"einfoTEXT\":\"The queue was cleared by the operator before the "
    "task was started.\"}";


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


/* Appends the drop of one job. One that cannot be read is dropped without an answer. */
static int
dff_ctl_queue_append_drop(dff_ctl_t *ctl, const char *queue_key, dff_str_t envelope)
{
    dff_job_t   job = { 0 };
    dff_reply_t reply = { 0 };
    bool        known = dff_job_decode(envelope, &job, NULL) == DFF_OK;
    bool        waited = known && job.producer.len > 0;
    bool        asked = known && (job.keep_result || !waited);
    dff_key_t   reply_key, result_key;
    char       *bytes;
    size_t      len;
    int         rc;

    if (!known) {
        job = (dff_job_t) { .id = DFF_STR("?") };
    }
    reply = (dff_reply_t) {
        .id = job.id, .status = DFF_STATUS_LOST, .body_type = DFF_BODY_JSON,
        .ended_at_ms = dff_time_now_ms(), .body = DFF_STR(dff_ctl_queue_lost)
    };
    bytes = malloc(dff_reply_size(&reply) + 1);
    if (bytes == NULL) {
        return dff_err_set(&ctl->err, DFF_E_SYS, "out of memory");
    }
    len = (size_t) (dff_reply_write(bytes, &reply) - bytes);
    dff_key_reply(reply_key, job.producer);
    dff_key_result(result_key, job.id);
    rc = dff_rcmd_append(ctl->rcmd, &ctl->err, "EVAL %s 3 %s %s %s %b %b %d %lld",
                         dff_ctl_queue_drop, queue_key, reply_key, result_key,
                         DFF_RCMD_B(envelope), bytes, len, waited ? DFF_CTL_QUEUE_REPLY_TTL : 0,
                         asked ? (long long) ctl->cfg.worker_result_expires_s : 0);
    free(bytes);
    return rc;
}


/* The oldest jobs of a queue. *seen: how many there were, *dropped is added to. */
static int
dff_ctl_queue_clear_batch(dff_ctl_t *ctl, const char *key, long long most, size_t *seen,
    long long *dropped)
{
    long long   count = most < DFF_CTL_QUEUE_BATCH ? most : DFF_CTL_QUEUE_BATCH;
    redisReply *jobs;
    int         rc = DFF_OK;

    jobs = dff_rcmd_run(ctl->rcmd, &ctl->err, "LRANGE %s %lld -1", key, -count);
    if (jobs == NULL) {
        return DFF_ERROR;
    }
    *seen = jobs->elements;
    for (size_t i = jobs->elements; rc == DFF_OK && i-- > 0; ) {
        const redisReply *job = jobs->element[i];

        rc = dff_ctl_queue_append_drop(ctl, key, (dff_str_t) { job->str, job->len });
    }
    for (size_t i = 0; rc == DFF_OK && i < jobs->elements; i++) {
        redisReply *reply = dff_rcmd_next(ctl->rcmd, &ctl->err);

        if (reply == NULL) {
            rc = DFF_ERROR;
            break;
        }
        *dropped += reply->type == REDIS_REPLY_INTEGER ? reply->integer : 0;
        freeReplyObject(reply);
    }
    if (rc != DFF_OK) {
        dff_rcmd_abandon(ctl->rcmd);
    }
    freeReplyObject(jobs);
    return rc;
}


/* As many jobs as there are now: those that come meanwhile stay. */
static int
dff_ctl_queue_clear_one(dff_ctl_t *ctl, int queue, dff_str_t node, long long length)
{
    dff_key_t key;
    long long left = length, dropped = 0;
    size_t    seen = 1;

    dff_key_queue_at(key, queue, node);
    while (left > 0 && seen > 0) {
        if (dff_ctl_queue_clear_batch(ctl, key, left, &seen, &dropped) != DFF_OK) {
            return DFF_ERROR;
        }
        left -= (long long) seen;
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
            rc = dff_ctl_queue_clear_one(ctl, name[0] - '0', dff_str_from(at + 1),
                                         json_integer_value(length));
        }
    }
    json_decref(queues);
    return rc;
}


int
dff_ctl_queue_clear(dff_ctl_t *ctl)
{
    const char *which = ctl->words[0];
    long long   lengths[DFF_QUEUE_COUNT];
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
    if (dff_cluster_queue_lengths(ctl->rcmd, lengths, &ctl->err) != DFF_OK) {
        return dff_ctl_fail(ctl);
    }
    for (int queue = 0; queue < DFF_QUEUE_COUNT; queue++) {
        if ((all || only == queue)
            && dff_ctl_queue_clear_one(ctl, queue, DFF_STR(""), lengths[queue]) != DFF_OK)
        {
            return dff_ctl_fail(ctl);
        }
    }
    if (all && dff_ctl_queue_clear_of_nodes(ctl, NULL) != DFF_OK) {
        return dff_ctl_fail(ctl);
    }
    return DFF_CTL_OK;
}
