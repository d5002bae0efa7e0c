/* Running a crontab config now: see the header. */
#include "api/rest/dff_func_call.h"

#include "dff_time.h"
#include "api/rest/dff_func_start.h"

#include "dff_banned.h"

#define DFF_FUNC_CRONTAB_QUEUE  8

typedef struct {            /* texts in the arena; data NULL: none */
    dff_str_t func_id, kwargs;
    dff_str_t crontab;      /* the function's own goes before that of the config */
    dff_str_t delays;       /* of delayed_crontab: a list of s */
} dff_func_cron_t;


static dff_str_t
dff_func_cron_cell(dff_web_call_t *call, const dff_db_rows_t *rows, size_t column)
{
    return dff_str_from(dff_arena_copy(&call->arena, dff_db_cell(rows, 0, column)));
}


static int
dff_func_cron_read(dff_web_call_t *call, dff_func_cron_t *cron, dff_err_t *err)
{
    dff_db_value_t values[] = { DFF_DB_VALUE_TEXT(call->params[0]) };
    dff_db_rows_t  rows;
    dff_str_t      extra, fixed;

    *cron = (dff_func_cron_t) { 0 };
    if (dff_db_query(call->web->api->db, "SELECT c.funcId, c.funcCallKwargsJSON,"
                     " COALESCE(c.crontab, ''), COALESCE(f.extraConfigJSON, '{}')"
                     " FROM crontab_config c LEFT JOIN func f ON f.id = c.funcId WHERE c.id = ?",
                     DFF_DB_ARGS(values), &rows, err) != DFF_OK)
    {
        return DFF_ERROR;
    }
    if (rows.nrows == 0) {
        dff_db_rows_release(&rows);
        return dff_web_not_found(call, err, "crontab config", call->params[0]);
    }
    cron->func_id = dff_func_cron_cell(call, &rows, 0);
    cron->kwargs = dff_func_cron_cell(call, &rows, 1);
    cron->crontab = dff_func_cron_cell(call, &rows, 2);
    extra = dff_func_cron_cell(call, &rows, 3);
    dff_db_rows_release(&rows);
    if (cron->func_id.data == NULL || cron->kwargs.data == NULL || extra.data == NULL) {
        return dff_err_set(err, DFF_E_SYS, "out of memory");
    }
    fixed = dff_member_text(&call->arena, extra, "fixedCrontab");
    if (fixed.len > 0) {
        cron->crontab = fixed;
    }
    if (dff_member_is(extra, "delayedCrontab", DFF_JSON_ARRAY)) {
        cron->delays = dff_member_value(extra, "delayedCrontab");
    }
    return DFF_OK;
}


static int
dff_func_cron_start(dff_web_call_t *call, dff_job_t *job, int64_t delay_s, dff_err_t *err)
{
    int64_t due_ms = job->triggered_at_ms + delay_s * 1000;

    job->crontab_delay_s = (int) delay_s;
    job->expires_at_ms = due_ms + (int64_t) job->timeout_s * DFF_FUNC_EXPIRES * 1000;
    return dff_func_start(call, job, delay_s > 0 ? due_ms : 0, err);
}


/* Once for each delay of delayed_crontab, as when it is due by itself. */
static int
dff_func_cron_start_all(dff_web_call_t *call, dff_job_t *job, dff_str_t delays, dff_err_t *err)
{
    dff_json_array_t  it;
    dff_json_member_t delay;
    int64_t           delay_s;
    size_t            started = 0;

    if (delays.data != NULL && dff_json_array_open(&it, delays) == DFF_OK) {
        while (dff_json_array_next(&it, &delay, NULL) == 1) {
            if (dff_json_int64(delay.value, &delay_s) != DFF_OK || delay_s < 0
                || delay_s > DFF_TIMEOUT_MAX_S)
            {
                return dff_err_set(err, DFF_E_SYS, "delayedCrontab of %.*s has \"%.*s\"",
                                   (int) job->func_id.len, job->func_id.data,
                                   (int) delay.value.len, delay.value.data);
            }
            if (dff_func_cron_start(call, job, delay_s, err) != DFF_OK) {
                return dff_err_wrap(err, "after %zu of its delays were started", started);
            }
            started++;
        }
    }
    return started > 0 ? DFF_OK : dff_func_cron_start(call, job, 0, err);
}


/* Only what is asked for is run, by whom it is asked does not matter: it changes nothing
 * that its owner has not decided. */
int
dff_func_cron(dff_web_call_t *call, dff_err_t *err)
{
    dff_func_config_t config;
    dff_func_cron_t   cron;
    dff_job_t         job;

    if (dff_func_cron_read(call, &cron, err) != DFF_OK
        || dff_func_find_job(call, cron.func_id, &config, &job, err) != DFF_OK)
    {
        return DFF_ERROR;
    }
    job.origin = DFF_ORIGIN_CRONTAB;
    job.origin_id = call->params[0];
    job.exec_mode = DFF_EXEC_CRONTAB;
    job.crontab = cron.crontab;
    job.triggered_at_ms = dff_time_now_ms();
    job.queue = config.queue >= 0 ? config.queue : DFF_FUNC_CRONTAB_QUEUE;
    job.timeout_s = config.timeout_s > 0 ? config.timeout_s
        : (int) call->web->api->cfg->func_default_timeout_s;
    job.max_memory_mb = config.max_memory_mb;
    job.retry_on_lost = config.retry_on_lost;
    job.keep_result = true;
    job.kwargs = cron.kwargs;
    return dff_func_cron_start_all(call, &job, cron.delays, err);
}
