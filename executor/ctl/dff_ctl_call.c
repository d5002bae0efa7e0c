/*
 * dffctl call, task show: outcomes of functions.
 */
#include "ctl/dff_ctl.h"

#include <inttypes.h>
#include <string.h>

#include "dff_buf.h"
#include "dff_id.h"
#include "dff_json.h"
#include "dff_keys.h"
#include "dff_time.h"
#include "store/dff_caller.h"
#include "store/dff_cluster.h"
#include "store/dff_func.h"

#include "dff_banned.h"

enum { DFF_CTL_CALL_TIMEOUT, DFF_CTL_CALL_JSON };
enum { DFF_CTL_TASK_JSON };

#define DFF_CTL_CALL_QUEUE     1
#define DFF_CTL_CALL_MARGIN_S  5
#define DFF_CTL_CALL_EXPIRES   10      /* times the time limit; as of calls over HTTP */

static const int dff_ctl_outcomes[] = {      /* exit status of each outcome */
    [DFF_STATUS_QUEUED] = DFF_CTL_OK,
    [DFF_STATUS_SUCCESS] = DFF_CTL_OK,
    [DFF_STATUS_FAILURE] = DFF_CTL_FUNC_FAILED,
    [DFF_STATUS_TIMEOUT] = DFF_CTL_FUNC_TIMEOUT,
    [DFF_STATUS_EXPIRED] = DFF_CTL_FUNC_LOST,
    [DFF_STATUS_LOST] = DFF_CTL_FUNC_LOST,
};

_Static_assert(sizeof(dff_ctl_outcomes) / sizeof(dff_ctl_outcomes[0]) == DFF_STATUS_COUNT,
               "an exit status for each outcome");


static void
dff_ctl_call_add_string(dff_buf_t *out, dff_str_t text)
{
    dff_buf_add_str(out, DFF_STR("\""));
    dff_buf_add_json_escaped(out, text);
    dff_buf_add_str(out, DFF_STR("\""));
}


static void
dff_ctl_call_add_time(dff_buf_t *out, int64_t unix_ms)
{
    char text[DFF_TIME_ISO_SIZE];

    if (unix_ms == 0) {
        dff_buf_add_str(out, DFF_STR("null"));
        return;
    }
    dff_time_iso_utc(text, unix_ms);
    dff_ctl_call_add_string(out, dff_str_from(text));
}


/* Every digit of the function's result stays as it is: no tree is made of it. */
static int
dff_ctl_call_print_json(const dff_reply_t *reply, const char *status)
{
    bool      is_json = reply->body_type == DFF_BODY_JSON
                        || reply->status != DFF_STATUS_SUCCESS;
    dff_buf_t out = DFF_BUF_INIT;
    int       rc = DFF_OK;

    dff_buf_add_str(&out, DFF_STR("{\"taskId\": "));
    dff_ctl_call_add_string(&out, reply->id);
    dff_buf_addf(&out, ", \"status\": \"%s\", \"startTime\": ", status);
    dff_ctl_call_add_time(&out, reply->started_at_ms);
    dff_buf_add_str(&out, DFF_STR(", \"endTime\": "));
    dff_ctl_call_add_time(&out, reply->ended_at_ms);
    dff_buf_addf(&out, ", \"%s\": ",
                 reply->status == DFF_STATUS_SUCCESS ? "result" : "error");
    if (is_json && dff_json_check(reply->body, NULL, NULL, NULL) == DFF_OK) {
        dff_buf_add_str(&out, reply->body);
    } else {
        dff_ctl_call_add_string(&out, reply->body);
    }
    dff_buf_add_str(&out, DFF_STR("}\n"));

    if (dff_buf_failed(&out)) {
        rc = DFF_ERROR;
    } else {
        (void) fwrite(out.data, 1, out.len, stdout);        /* stdout is checked at the end */
    }
    dff_buf_release(&out);
    return rc;
}


/* Success: the result alone on stdout. Else the error on stderr. */
static void
dff_ctl_call_print(const dff_reply_t *reply)
{
    dff_err_t err;

    if (reply->status == DFF_STATUS_SUCCESS) {
        (void) fwrite(reply->body.data, 1, reply->body.len, stdout);
        putchar('\n');
        return;
    }
    (void) dff_caller_failed(reply, &err);
    fprintf(stderr, "%.*s: %s\n", (int) reply->id.len, reply->id.data,
            dff_status_name(reply->status));
    dff_ctl_print_text(stderr, err.message, strlen(err.message));
}


static int
dff_ctl_call_kwargs(dff_ctl_t *ctl, dff_job_t *job)
{
    dff_json_type_t type;
    dff_json_fail_t fail;

    job->kwargs = ctl->words[1] == NULL ? DFF_STR("{}") : dff_str_from(ctl->words[1]);
    if (dff_json_check(job->kwargs, &job->kwargs, &type, &fail) != DFF_OK) {
        return dff_err_set(&ctl->err, DFF_E_CLIENT_BAD_REQUEST,
                           "KWARGS is not JSON: line %zu, column %zu: %s", fail.line, fail.column,
                           fail.what);
    }
    return type == DFF_JSON_OBJECT
        ? DFF_OK : dff_err_set(&ctl->err, DFF_E_CLIENT_BAD_REQUEST,
                               "KWARGS must be a JSON object like {\"x\": 1}");
}


static int
dff_ctl_call_prepare(dff_ctl_t *ctl, dff_job_t *job)
{
    const dff_config_t *cfg = &ctl->cfg;
    dff_func_config_t   func;
    int64_t             timeout_s;

    if (dff_ctl_call_kwargs(ctl, job) != DFF_OK
        || dff_func_find(ctl->db, ctl->words[0], &func, &job->script_version, &ctl->err)
           != DFF_OK)
    {
        return DFF_ERROR;
    }
    timeout_s = func.timeout_s > 0 ? func.timeout_s : cfg->func_default_timeout_s;
    if (ctl->options[DFF_CTL_CALL_TIMEOUT] != NULL
        && dff_ctl_number(ctl, "--timeout", ctl->options[DFF_CTL_CALL_TIMEOUT],
                          cfg->func_min_timeout_s, cfg->func_max_timeout_s, &timeout_s) != DFF_OK)
    {
        return DFF_ERROR;
    }
    job->func_id = dff_str_from(ctl->words[0]);
    job->origin = DFF_ORIGIN_DIRECT;
    job->queue = func.queue >= 0 ? func.queue : DFF_CTL_CALL_QUEUE;
    job->timeout_s = (int) timeout_s;
    job->expires_at_ms = dff_time_now_ms() + timeout_s * 1000 * DFF_CTL_CALL_EXPIRES;
    job->max_memory_mb = func.max_memory_mb;
    job->retry_on_lost = func.retry_on_lost;
    return DFF_OK;
}


int
dff_ctl_call(dff_ctl_t *ctl)
{
    dff_job_t  job = { .kind = DFF_JOB_CALL };
    dff_caller_call_t call = { 0 };
    int        wait_s, rc;

    if (dff_ctl_call_prepare(ctl, &job) != DFF_OK) {
        return dff_ctl_fail(ctl);
    }
    wait_s = job.timeout_s + (int) ctl->cfg.func_extra_timeout_to_kill_s + DFF_CTL_CALL_MARGIN_S;
    if (dff_caller_run(ctl->rcmd, &ctl->cfg, &job, wait_s, &call, &ctl->err) != DFF_OK) {
        rc = dff_ctl_fail(ctl);
        if (ctl->err.reason == DFF_E_API_TIMEOUT) {
            fprintf(stderr, "`dffctl task show %s` tells its outcome later\n", call.task_id);
        }
        return rc;
    }

    rc = dff_ctl_outcomes[call.reply.status];
    if (ctl->options[DFF_CTL_CALL_JSON] == NULL) {
        dff_ctl_call_print(&call.reply);
    } else if (dff_ctl_call_print_json(&call.reply, dff_status_name(call.reply.status))
               != DFF_OK)
    {
        rc = dff_ctl_fail_with(ctl, DFF_E_SYS, "out of memory");
    }
    dff_caller_release(&call);
    return rc;
}


/* Is the task one of those that run on a node? */
static int
dff_ctl_task_is_running(dff_ctl_t *ctl, const char *task_id, bool *running)
{
    dff_cluster_t nodes;
    int           rc = DFF_OK;

    *running = false;
    if (dff_cluster_list(ctl->rcmd, &nodes, &ctl->err) != DFF_OK) {
        return DFF_ERROR;
    }
    for (size_t i = 0; i < nodes.count && !*running && rc == DFF_OK; i++) {
        dff_key_t   key;
        redisReply *reply;

        dff_key_started(key, dff_str_from(nodes.items[i].name));
        reply = dff_rcmd_run(ctl->rcmd, &ctl->err, "HEXISTS %s %s", key, task_id);
        if (reply == NULL) {
            rc = DFF_ERROR;
            break;
        }
        *running = reply->type == REDIS_REPLY_INTEGER && reply->integer == 1;
        freeReplyObject(reply);
    }
    dff_cluster_release(&nodes);
    return rc;
}


static int
dff_ctl_task_print(dff_ctl_t *ctl, const dff_reply_t *reply)
{
    const char *status = dff_status_name(reply->status);
    bool        running;
    char        started[DFF_TIME_ISO_SIZE] = "-", ended[DFF_TIME_ISO_SIZE] = "-";

    if (reply->status == DFF_STATUS_QUEUED) {
        if (dff_ctl_task_is_running(ctl, ctl->words[0], &running) != DFF_OK) {
            return dff_ctl_fail(ctl);
        }
        status = running ? "running" : status;
    }
    if (ctl->options[DFF_CTL_TASK_JSON] != NULL) {
        return dff_ctl_call_print_json(reply, status) == DFF_OK
            ? dff_ctl_outcomes[reply->status]
            : dff_ctl_fail_with(ctl, DFF_E_SYS, "out of memory");
    }

    if (reply->started_at_ms != 0) {
        dff_time_iso_utc(started, reply->started_at_ms);
    }
    if (reply->ended_at_ms != 0) {
        dff_time_iso_utc(ended, reply->ended_at_ms);
    }
    printf("status   %s\nstarted  %s\nended    %s\n", status, started, ended);
    if (reply->started_at_ms != 0 && reply->ended_at_ms != 0) {
        printf("took     %" PRId64 " ms\n", reply->ended_at_ms - reply->started_at_ms);
    }
    if (reply->status != DFF_STATUS_QUEUED) {
        fputs(reply->status == DFF_STATUS_SUCCESS ? "result   " : "error    ", stdout);
        dff_ctl_print_text(stdout, reply->body.data, reply->body.len);
    }
    return dff_ctl_outcomes[reply->status];
}


int
dff_ctl_task_show(dff_ctl_t *ctl)
{
    redisReply *stored;
    dff_reply_t reply;
    dff_key_t   key;
    int         rc;

    if (strncmp(ctl->words[0], "task-", 5) != 0 || !dff_id_is_link(dff_str_from(ctl->words[0]))) {
        return dff_ctl_fail_with(ctl, DFF_E_CLIENT_BAD_REQUEST,
                                 "\"%.80s\" is not a task id like task-…", ctl->words[0]);
    }
    dff_key_result(key, dff_str_from(ctl->words[0]));
    stored = dff_rcmd_run(ctl->rcmd, &ctl->err, "GET %s", key);
    if (stored == NULL) {
        return dff_ctl_fail(ctl);
    }

    if (stored->type != REDIS_REPLY_STRING) {
        rc = dff_ctl_fail_with(ctl, DFF_E_CLIENT_NOT_FOUND,
                               "nothing is known of %s: no such task, answered in time, or its "
                               "result has expired (_WORKER_RESULT_EXPIRES, %" PRId64 " s)",
                               ctl->words[0], ctl->cfg.worker_result_expires_s);
    } else if (dff_reply_decode((dff_str_t) { stored->str, stored->len }, &reply, &ctl->err)
               != DFF_OK)
    {
        rc = dff_ctl_fail(ctl);
    } else {
        rc = dff_ctl_task_print(ctl, &reply);
    }
    freeReplyObject(stored);
    return rc;
}
