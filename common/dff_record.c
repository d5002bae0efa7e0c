/* Records of tasks: see the header. */
#include "dff_record.h"

#include <limits.h>
#include <stddef.h>

#include "dff_id.h"
#include "dff_sections.h"

#include "dff_banned.h"

#define DFF_RECORD_MUST  (DFF_FIELD_REQUIRED | DFF_FIELD_ALWAYS)

#define DFF_RECORD_STR(name, member, flags, max, check) \
    { DFF_FIELD_NAME(name), offsetof(dff_record_t, member), DFF_FIELD_STR, (flags), 1, max, NULL, \
      check }
#define DFF_RECORD_NUM(name, member, kind, max) \
    { DFF_FIELD_NAME(name), offsetof(dff_record_t, member), kind, 0, 0, max, NULL, NULL }
#define DFF_RECORD_ENUM(name, member, flags, names) \
    { DFF_FIELD_NAME(name), offsetof(dff_record_t, member), DFF_FIELD_ENUM, (flags), 0, \
      sizeof(names) / sizeof((names)[0]) - 1, names, NULL }

static const dff_field_t dff_record_rows[] = {
    DFF_RECORD_STR("id", id, DFF_RECORD_MUST, DFF_TASK_ID_MAX, dff_id_is_link),
    DFF_RECORD_STR("func", func_id, DFF_RECORD_MUST, DFF_FUNC_ID_MAX, dff_id_is_func),
    DFF_RECORD_ENUM("origin", origin, DFF_FIELD_ALWAYS, dff_origins),
    DFF_RECORD_STR("originId", origin_id, 0, DFF_TASK_ID_MAX, dff_id_is_link),
    DFF_RECORD_ENUM("mode", exec_mode, 0, dff_exec_modes),
    DFF_RECORD_ENUM("status", status, DFF_RECORD_MUST, dff_statuses),
    DFF_RECORD_NUM("scriptVersion", script_version, DFF_FIELD_INT, INT_MAX),
    DFF_RECORD_NUM("queuedAt", queued_at_ms, DFF_FIELD_INT64, INT64_MAX),
    DFF_RECORD_NUM("startedAt", started_at_ms, DFF_FIELD_INT64, INT64_MAX),
    DFF_RECORD_NUM("endedAt", ended_at_ms, DFF_FIELD_INT64, INT64_MAX),
    DFF_RECORD_NUM("save", save_result, DFF_FIELD_BOOL, 1),
};

static const dff_fields_t dff_record_fields = DFF_FIELDS("record head", dff_record_rows);
static const dff_sections_t dff_record_kind = { "DFT", "record", &dff_record_fields, 4 };

bool
dff_record_wanted(const dff_job_t *job)
{
    bool first = job->root_task_id.len == 0 || dff_str_eq(job->root_task_id, job->id);

    return job->kind == DFF_JOB_CALL
        && (job->save_result
            || (first && (job->origin == DFF_ORIGIN_BATCH
                          || job->origin == DFF_ORIGIN_CRONTAB)));
}

void
dff_record_of_job(dff_record_t *record, const dff_job_t *job)
{
    *record = (dff_record_t) {
        .id = job->id,
        .func_id = job->func_id,
        .origin_id = job->origin_id,
        .origin = job->origin,
        .exec_mode = job->exec_mode,
        .script_version = job->script_version,
        .status = DFF_STATUS_QUEUED,
        .queued_at_ms = job->queued_at_ms,
        .save_result = job->save_result,
        .kwargs = job->save_result ? job->kwargs : DFF_STR_NULL,
    };
}

size_t
dff_record_size(const dff_record_t *record)
{
    const dff_str_t rest[] = { record->kwargs, record->log, record->reply };

    return dff_sections_size(&dff_record_kind, record, rest);
}

char *
dff_record_write(char *out, const dff_record_t *record)
{
    const dff_str_t rest[] = { record->kwargs, record->log, record->reply };

    return dff_sections_write(&dff_record_kind, out, record, rest);
}

int
dff_record_decode(dff_str_t envelope, dff_record_t *record, dff_err_t *err)
{
    dff_str_t rest[DFF_SECTIONS_MAX];

    memset(record, 0, sizeof(*record));
    if (dff_sections_read(&dff_record_kind, envelope, record, rest, err) != DFF_OK)
        return DFF_ERROR;
    record->kwargs = rest[0];
    record->log = rest[1];
    record->reply = rest[2];
    return DFF_OK;
}
