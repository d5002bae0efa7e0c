/* Records of tasks: see the header. */
#include "dff_task_record.h"

#include <stdlib.h>
#include <string.h>

#include "dff_time.h"

#include "master/dff_run.h"

#include "dff_banned.h"

static dff_str_t
dff_task_record_write(const dff_record_t *record)
{
    size_t size = dff_record_size(record);
    char  *bytes = malloc(size);

    if (bytes == NULL)
        return DFF_STR_NULL;
    return (dff_str_t) { bytes, (size_t) (dff_record_write(bytes, record) - bytes) };
}

/* Up to so many bytes, whole UTF-8 characters only. */
static dff_str_t
dff_task_record_cut(dff_str_t text, size_t max)
{
    if (text.len <= max)
        return text;
    while (max > 0 && ((unsigned char) text.data[max] & 0xc0) == 0x80)
        max--;
    text.len = max;
    return text;
}

dff_str_t
dff_task_record_of_answer(dff_master_t *master, const dff_answer_conf_t *conf)
{
    dff_record_t record;
    dff_reply_t  reply;
    dff_str_t    bytes;

    if (!dff_record_wanted(conf->job))
        return DFF_STR_NULL;
    dff_record_of_job(&record, conf->job);
    record.status = conf->status;
    if (dff_reply_decode(conf->reply, &reply, NULL) == DFF_OK) {
        record.started_at_ms = reply.started_at_ms;
        record.ended_at_ms = reply.ended_at_ms;
    }
    record.log = dff_task_record_cut(conf->log, DFF_RECORD_LOG_MAX);
    if (record.save_result && conf->reply.len > DFF_TASK_RECORD_REPLY_MAX) {
        dff_log_warn(&master->log, NULL, "the result of task %.*s has %zu bytes: too large to be "
                     "kept in MySQL; func-result has it for %lld s", (int) record.id.len,
                     record.id.data, conf->reply.len,
                     (long long) master->cfg->worker_result_expires_s);
        record.save_result = false;
        record.kwargs = DFF_STR_NULL;
    }
    if (record.save_result || record.status != DFF_STATUS_SUCCESS)
        record.reply = conf->reply;

    bytes = dff_task_record_write(&record);
    if (bytes.data == NULL)
        dff_log_error(&master->log, NULL, "no memory for the record of task %.*s",
                      (int) record.id.len, record.id.data);
    return bytes;
}

static void
dff_task_record_running(dff_run_t *run)
{
    const char  *argv[] = { "LPUSH", DFF_KEY_RECORDS, NULL };
    size_t       argvlen[] = { 5, sizeof(DFF_KEY_RECORDS) - 1, 0 };
    dff_record_t record;
    dff_str_t    bytes;

    dff_record_of_job(&record, &run->job);
    record.started_at_ms = run->started_at_ms;
    record.kwargs = DFF_STR_NULL;
    bytes = dff_task_record_write(&record);
    argv[2] = bytes.data;
    argvlen[2] = bytes.len;
    /* When it is lost, the record of the end says all of it. */
    if (bytes.data != NULL)
        (void) dff_redis_link_command(run->master->command, NULL, NULL, 3, argv, argvlen);
    free((char *) (uintptr_t) bytes.data);
}

void
dff_task_record_tick(dff_master_t *master)
{
    int64_t    before_ms = dff_time_now_ms() - DFF_TASK_RECORD_RUNNING_MS;
    dff_run_t *run;

    TAILQ_FOREACH(run, &master->runs, all) {
        if (run->state != DFF_RUN_RUNNING || run->recorded || run->started_at_ms > before_ms)
            continue;
        run->recorded = true;
        if (dff_record_wanted(&run->job))
            dff_task_record_running(run);
    }
}
