/* Jobs that are started: see the header. */
#include "api/rest/dff_func_start.h"

#include <stdio.h>
#include <stdlib.h>

#include "dff_keys.h"
#include "dff_time.h"
#include "store/dff_caller.h"

#include "dff_banned.h"


/* Into the set of jobs that are due later. */
static int
dff_func_delay(dff_web_call_t *call, dff_job_t *job, int64_t eta_ms, dff_err_t *err)
{
    dff_api_t  *api = call->web->api;
    size_t      size = dff_job_size(job);
    char       *envelope = malloc(size + 1);
    redisReply *waiting;
    long long   count;
    int         rc;

    if (envelope == NULL) {
        return dff_err_set(err, DFF_E_SYS, "out of memory");
    }
    size = (size_t) (dff_job_write(envelope, job) - envelope);
    waiting = dff_rcmd_run(api->rcmd, err, "ZCARD " DFF_KEY_DELAYED);
    count = waiting != NULL && waiting->type == REDIS_REPLY_INTEGER ? waiting->integer : 0;
    if (waiting == NULL) {
        rc = DFF_ERROR;
    } else if (count >= api->cfg->worker_queue_limit) {
        rc = dff_err_set(err, DFF_E_WORKER_QUEUE_CONGESTION, "%lld jobs wait for their time",
                         count);
    } else {
        rc = dff_rcmd_do(api->rcmd, err, "ZADD " DFF_KEY_DELAYED " %lld %b", (long long) eta_ms,
                         envelope, size);
    }
    if (waiting != NULL) {
        freeReplyObject(waiting);
    }
    free(envelope);
    return rc;
}


/* The marker that func-result finds until the task has ended. */
static void
dff_func_mark(dff_web_call_t *call, const dff_job_t *job, int64_t eta_ms)
{
    dff_reply_t marker = { .id = job->id, .status = DFF_STATUS_QUEUED };
    dff_api_t  *api = call->web->api;
    int64_t     left_s = (eta_ms - job->queued_at_ms) / 1000
        + (int64_t) job->timeout_s * DFF_FUNC_EXPIRES;
    size_t      size = dff_reply_size(&marker);
    char       *text = malloc(size + 1);
    dff_key_t   key;

    if (text != NULL) {
        size = (size_t) (dff_reply_write(text, &marker) - text);
        dff_key_result(key, job->id);
        /* Without it the task is 404 until it ends; nothing worse. */
        (void) dff_rcmd_do(api->rcmd, NULL, "SET %s %b NX EX %lld", key, text, size,
                           (long long) (api->cfg->worker_result_expires_s + left_s));
    }
    free(text);
}


int
dff_func_start(dff_web_call_t *call, dff_job_t *job, int64_t eta_ms, dff_err_t *err)
{
    dff_api_t *api = call->web->api;
    char       made[DFF_ID_SIZE];

    if (eta_ms == 0) {
        return dff_caller_start(api->rcmd, api->cfg, job, call->task_id, err);
    }
    if (dff_id_make(&api->ids, made, "task-") == 0) {
        return dff_err_set(err, DFF_E_SYS, "the kernel gives no random bytes");
    }
    (void) snprintf(call->task_id, sizeof(call->task_id), "%s", made);
    job->id = dff_str_from(call->task_id);
    job->queued_at_ms = dff_time_now_ms();
    dff_caller_expiry(job, 0);
    if (dff_func_delay(call, job, eta_ms, err) != DFF_OK) {
        return DFF_ERROR;
    }
    dff_func_mark(call, job, eta_ms);
    return DFF_OK;
}


int
dff_func_find_job(dff_web_call_t *call, dff_str_t func_id, dff_func_config_t *config,
    dff_job_t *job, dff_err_t *err)
{
    *job = (dff_job_t) {
        .func_id = func_id, .trace_id = dff_str_from(call->req.trace_id),
        .kwargs = DFF_STR("{}"),
    };
    if (dff_func_find(call->web->api->db, func_id.data, config, &job->script_version, err)
        == DFF_OK)
    {
        return DFF_OK;
    }
    return err->reason == DFF_E_CLIENT_NOT_FOUND || err->reason == DFF_E_CLIENT_BAD_REQUEST
        ? dff_web_not_found(call, err, "func", func_id) : DFF_ERROR;
}
