/* Recovery of a started job: queued again, or answered as lost. Runs in the master. */
#include "dff_recovery.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "master/dff_outbox.h"

#include "dff_banned.h"

/* A started job that may be started again, until the RETRY script has answered. */
typedef struct {
    dff_master_t *master;
    char          node[DFF_NODE_NAME_MAX + 1];    /* "": ours */
    char          why[128];
    dff_job_t     job;
    size_t        size;
    char          envelope[];
} dff_retry_t;

static void
dff_recovery_lost(dff_master_t *master, dff_str_t node, const dff_job_t *job, const char *why)
{
    dff_answer_conf_t conf = {
        .kind = DFF_ANSWER_FINISH, .status = DFF_STATUS_LOST, .careful = true, .job = job,
        .node = node,
    };
    char              einfo[192];

    (void) snprintf(einfo, sizeof(einfo), "WorkerLostError: %s", why);
    dff_log_error(&master->log, NULL, "task %.*s (%.*s, origin %.*s) is lost: %s",
                  (int) job->id.len, job->id.data, (int) job->func_id.len, job->func_id.data,
                  (int) job->origin_id.len, job->origin_id.data, why);
    /* When it started nobody knows any more; not before it was queued. */
    dff_outbox_add_failure(master->outbox, &conf, job->queued_at_ms, "WorkerLostError", einfo);
}

int
dff_recovery_retry(dff_master_t *master, dff_str_t node, const dff_job_t *job, dff_str_t envelope,
    dff_lua_form_t form, redisCallbackFn *fn, void *data)
{
    dff_lua_call_t call;
    dff_key_t      started, queue, attempts, heartbeat;

    dff_lua_begin(&call);
    dff_lua_key(&call, started,
                dff_key_started(started, node.len > 0 ? node : dff_master_node(master)));
    dff_lua_key(&call, queue, dff_key_queue_at(queue, job->queue, job->node));
    dff_lua_key(&call, attempts, dff_key_attempts(attempts, job->id));
    if (node.len > 0)
        dff_lua_key(&call, heartbeat, dff_key_node(heartbeat, node));
    dff_lua_arg(&call, job->id.data, job->id.len);
    dff_lua_arg(&call, envelope.data, envelope.len);
    dff_lua_arg(&call, DFF_RETRY_MAX, sizeof(DFF_RETRY_MAX) - 1);
    dff_lua_arg(&call, DFF_RETRY_TTL_S, sizeof(DFF_RETRY_TTL_S) - 1);
    return dff_lua_run(&master->lua, DFF_LUA_RETRY, form, &call, master->command, fn, data);
}

static void
dff_recovery_on_retry(redisAsyncContext *ac, void *reply_ptr, void *data)
{
    dff_retry_t *retry = data;
    redisReply  *reply = reply_ptr;

    (void) ac;
    /* No answer: the job is found again by the next round, or by the sweep. */
    if (reply != NULL && reply->type == REDIS_REPLY_INTEGER && reply->integer == 2)
        dff_recovery_lost(retry->master, dff_str_from(retry->node), &retry->job, retry->why);
    free(retry);
}

void
dff_recovery_end_started(dff_master_t *master, dff_str_t node, dff_str_t id, dff_str_t envelope,
    const char *why)
{
    dff_retry_t *retry = calloc(1, sizeof(*retry) + envelope.len + 1);
    dff_err_t    err;

    if (retry == NULL)
        return;                     /* found again later */
    retry->master = master;
    retry->size = envelope.len;
    memcpy(retry->envelope, envelope.data, envelope.len);
    (void) snprintf(retry->node, sizeof(retry->node), "%.*s", (int) node.len, node.data);
    (void) snprintf(retry->why, sizeof(retry->why), "%s", why);

    if (dff_job_decode((dff_str_t) { retry->envelope, retry->size }, &retry->job, &err) != DFF_OK) {
        dff_key_t   key;
        size_t      key_len = dff_key_started(key, node.len > 0 ? node : dff_master_node(master));
        const char *argv[] = { "HDEL", key, id.data };
        size_t      argvlen[] = { 4, key_len, id.len };

        dff_log_error(&master->log, NULL, "started job %.*s is unreadable: %s", (int) id.len,
                      id.data, err.message);
        (void) dff_redis_link_command(master->command, NULL, NULL, 3, argv, argvlen);
        free(retry);
        return;
    }
    if (retry->job.retry_on_lost) {
        if (dff_recovery_retry(master, node, &retry->job,
                               (dff_str_t) { retry->envelope, retry->size }, DFF_LUA_TEXT,
                               dff_recovery_on_retry, retry) != DFF_OK)
            free(retry);
        return;
    }
    dff_recovery_lost(master, node, &retry->job, why);
    free(retry);
}
