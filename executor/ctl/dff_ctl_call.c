/*
 * dffctl call.
 */
#include "ctl/dff_ctl_outcome.h"

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

#define DFF_CTL_CALL_QUEUE     1
#define DFF_CTL_CALL_MARGIN_S  5
#define DFF_CTL_CALL_EXPIRES   10      /* times the time limit; as of calls over HTTP */

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
    } else if (dff_ctl_outcome_json(&call.reply, dff_status_name(call.reply.status), NULL)
               != DFF_OK)
    {
        rc = dff_ctl_fail_with(ctl, DFF_E_SYS, "out of memory");
    }
    dff_caller_release(&call);
    return rc;
}
