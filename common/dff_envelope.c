/*
 * Job envelopes and replies. Their heads are tables (dff_fields), the bytes around them
 * are dff_sections. On the way of every call, in every process.
 */
#include "dff_envelope.h"

#include <limits.h>
#include <stddef.h>

#include "dff_fields.h"
#include "dff_id.h"
#include "dff_node.h"
#include "dff_sections.h"

#include "dff_banned.h"

static const char *const dff_job_kinds[] = {
    [DFF_JOB_CALL] = "call", [DFF_JOB_CHECK] = "check", [DFF_JOB_FILE] = "file",
    [DFF_JOB_DRAFT] = "draft", [DFF_JOB_SYSTEM] = "system",
};

const char *const dff_origins[DFF_ORIGIN_COUNT] = {
    [DFF_ORIGIN_AUTH_LINK] = "authLink", [DFF_ORIGIN_BATCH] = "batch",
    [DFF_ORIGIN_CRONTAB] = "crontab", [DFF_ORIGIN_DIRECT] = "direct",
    [DFF_ORIGIN_DEBUG] = "debug", [DFF_ORIGIN_API_AUTH] = "apiAuth",
    [DFF_ORIGIN_INTEGRATION] = "integration",
};

const char *const dff_exec_modes[DFF_EXEC_COUNT] = {
    [DFF_EXEC_SYNC] = "sync", [DFF_EXEC_ASYNC] = "async", [DFF_EXEC_CRONTAB] = "crontab",
};

static const char *const dff_return_types[] = {
    [DFF_RETURN_RAW] = "raw", [DFF_RETURN_REPR] = "repr",
    [DFF_RETURN_JSON_DUMPS] = "jsonDumps", [DFF_RETURN_ALL] = "ALL",
};

const char *const dff_statuses[DFF_STATUS_COUNT] = {
    [DFF_STATUS_QUEUED] = "queued", [DFF_STATUS_SUCCESS] = "success",
    [DFF_STATUS_FAILURE] = "failure", [DFF_STATUS_TIMEOUT] = "timeout",
    [DFF_STATUS_EXPIRED] = "expired", [DFF_STATUS_LOST] = "lost",
};

static const char *const dff_body_types[] = {
    [DFF_BODY_JSON] = "json", [DFF_BODY_TEXT] = "text", [DFF_BODY_RAW] = "raw",
};

#define DFF_NAMES(names)  (sizeof(names) / sizeof((names)[0]))

_Static_assert(DFF_NAMES(dff_job_kinds) == DFF_JOB_KIND_COUNT, "a name for each job kind");
_Static_assert(DFF_NAMES(dff_origins) == DFF_ORIGIN_COUNT, "a name for each origin");
_Static_assert(DFF_NAMES(dff_exec_modes) == DFF_EXEC_COUNT, "a name for each mode");
_Static_assert(DFF_NAMES(dff_return_types) == DFF_RETURN_COUNT, "a name for each return type");
_Static_assert(DFF_NAMES(dff_statuses) == DFF_STATUS_COUNT, "a name for each status");
_Static_assert(DFF_NAMES(dff_body_types) == DFF_BODY_COUNT, "a name for each body type");

/* JSON name, member, flags; then what the kind needs. */
#define DFF_ROW(type, name, member, flags, kind, ...) \
    { DFF_FIELD_NAME(name), offsetof(type, member), (kind), (flags), __VA_ARGS__ }
#define DFF_JOB_STR(name, member, flags, max, check) \
    DFF_ROW(dff_job_t, name, member, flags, DFF_FIELD_STR, 1, max, NULL, check)
#define DFF_JOB_NUM(name, member, flags, kind, min, max) \
    DFF_ROW(dff_job_t, name, member, flags, kind, min, max, NULL, NULL)
#define DFF_JOB_ENUM(name, member, flags, names) \
    DFF_ROW(dff_job_t, name, member, flags, DFF_FIELD_ENUM, 0, DFF_NAMES(names) - 1, names, NULL)

/* The characters of a crontab, not its grammar: whoever triggers has parsed it. */
static bool
dff_job_is_crontab(dff_str_t text)
{
    size_t i;

    for (i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char) text.data[i];

        if (c < ' ' || c > '~' || c == '"' || c == '\\')
            return false;
    }
    return text.len > 0;
}

#define DFF_MUST  (DFF_FIELD_REQUIRED | DFF_FIELD_ALWAYS)

static const dff_field_t dff_job_rows[] = {
    DFF_JOB_ENUM("kind", kind, 0, dff_job_kinds),
    DFF_JOB_STR("id", id, DFF_MUST, DFF_TASK_ID_MAX, dff_id_is_link),
    DFF_JOB_STR("func", func_id, DFF_MUST, DFF_FUNC_ID_MAX, NULL),   /* see dff_job_check_func */
    DFF_JOB_NUM("queue", queue, DFF_MUST, DFF_FIELD_INT, 0, DFF_QUEUE_COUNT - 1),
    DFF_JOB_ENUM("origin", origin, DFF_FIELD_ALWAYS, dff_origins),
    DFF_JOB_STR("originId", origin_id, 0, DFF_TASK_ID_MAX, dff_id_is_link),
    DFF_JOB_ENUM("mode", exec_mode, 0, dff_exec_modes),
    DFF_JOB_ENUM("returnType", return_type, 0, dff_return_types),
    DFF_JOB_NUM("timeout", timeout_s, DFF_MUST, DFF_FIELD_INT, 1, DFF_TIMEOUT_MAX_S),
    DFF_JOB_NUM("maxMemory", max_memory_mb, 0, DFF_FIELD_INT, 0, INT_MAX),
    DFF_JOB_NUM("scriptVersion", script_version, 0, DFF_FIELD_INT, 0, INT_MAX),
    DFF_JOB_NUM("queuedAt", queued_at_ms, 0, DFF_FIELD_INT64, 0, INT64_MAX),
    DFF_JOB_NUM("expiresAt", expires_at_ms, 0, DFF_FIELD_INT64, 0, INT64_MAX),
    DFF_JOB_STR("producer", producer, 0, DFF_PRODUCER_MAX, dff_id_is_trace),
    DFF_JOB_NUM("waitUntil", wait_until_ms, 0, DFF_FIELD_INT64, 0, INT64_MAX),
    DFF_JOB_STR("trace", trace_id, 0, DFF_TRACE_ID_MAX, dff_id_is_trace),
    DFF_JOB_STR("cacheAs", cache_as, 0, DFF_TASK_ID_MAX, dff_id_is_link),
    DFF_JOB_NUM("cacheMs", cache_ms, 0, DFF_FIELD_INT64, 0, INT64_MAX),
    DFF_JOB_STR("root", root_task_id, 0, DFF_TASK_ID_MAX, dff_id_is_link),
    DFF_JOB_STR("chain", chain, 0, DFF_CHAIN_MAX, dff_id_is_chain),
    DFF_JOB_STR("crontab", crontab, 0, DFF_CRONTAB_MAX, dff_job_is_crontab),
    DFF_JOB_NUM("crontabDelay", crontab_delay_s, 0, DFF_FIELD_INT, 0, DFF_TIMEOUT_MAX_S),
    DFF_JOB_NUM("triggeredAt", triggered_at_ms, 0, DFF_FIELD_INT64, 0, INT64_MAX),
    DFF_JOB_STR("node", node, 0, DFF_NODE_NAME_MAX, dff_id_is_link),
    DFF_JOB_NUM("keep", keep_result, 0, DFF_FIELD_BOOL, 0, 1),
    DFF_JOB_NUM("save", save_result, 0, DFF_FIELD_BOOL, 0, 1),
    DFF_JOB_NUM("retryOnLost", retry_on_lost, 0, DFF_FIELD_BOOL, 0, 1),
    DFF_JOB_NUM("sharedSize", shared.size, 0, DFF_FIELD_INT64, 0, INT64_MAX),
    DFF_JOB_NUM("sharedAt", shared.at, 0, DFF_FIELD_INT64, 0, INT64_MAX),
};

#define DFF_REPLY_TIME(name, member) \
    DFF_ROW(dff_reply_t, name, member, 0, DFF_FIELD_INT64, 0, INT64_MAX, NULL, NULL)
#define DFF_REPLY_ENUM(name, member, flags, names) \
    DFF_ROW(dff_reply_t, name, member, flags, DFF_FIELD_ENUM, 0, DFF_NAMES(names) - 1, names, NULL)

static const dff_field_t dff_reply_rows[] = {
    DFF_ROW(dff_reply_t, "id", id, DFF_MUST, DFF_FIELD_STR, 1, DFF_TASK_ID_MAX, NULL,
        dff_id_is_link),
    DFF_REPLY_ENUM("status", status, DFF_MUST, dff_statuses),
    DFF_REPLY_ENUM("type", body_type, DFF_FIELD_ALWAYS, dff_body_types),
    DFF_REPLY_TIME("startedAt", started_at_ms),
    DFF_REPLY_TIME("endedAt", ended_at_ms),
};

_Static_assert(DFF_NAMES(dff_job_rows) <= DFF_FIELDS_MAX, "fields fit the table reader");

static const dff_fields_t dff_job_fields = DFF_FIELDS("job head", dff_job_rows);
static const dff_fields_t dff_reply_fields = DFF_FIELDS("reply head", dff_reply_rows);

static const dff_sections_t dff_envelope_job = { "DFF", "job envelope", &dff_job_fields, 3 };
static const dff_sections_t dff_envelope_reply = { "DFR", "reply", &dff_reply_fields, 3 };

/* The look of an object, not its grammar: who reads the section checks that. */
static int
dff_envelope_check_object(const char *noun, dff_str_t text, bool may_be_empty, dff_err_t *err)
{
    if (text.len == 0 && may_be_empty)
        return DFF_OK;
    if (text.len >= 2 && text.data[0] == '{' && text.data[text.len - 1] == '}')
        return DFF_OK;
    return dff_err_set(err, DFF_E_SYS, "%s is not a JSON object", noun);
}

static int
dff_job_check_shared(const dff_job_t *job, dff_err_t *err)
{
    if (job->shared.size <= (int64_t) job->kwargs.len
        && job->shared.at <= (int64_t) job->request.len)
        return DFF_OK;
    return dff_err_set(err, DFF_E_SYS, "job head: what is shared is not within kwargs and request");
}

/* What spans fields: func names a function, the script in a check, either in a draft. */
static int
dff_job_check_rest(const dff_job_t *job, dff_err_t *err)
{
    bool good = (job->kind != DFF_JOB_CHECK && dff_id_is_func(job->func_id))
                || ((job->kind == DFF_JOB_CHECK || job->kind == DFF_JOB_DRAFT)
                    && dff_id_is_script(job->func_id));

    if (!good) {
        return dff_err_set(err, DFF_E_SYS, "job head: \"func\" must be the id of a %s, got %.*s",
            job->kind == DFF_JOB_CHECK ? "script" : "function",
            (int) job->func_id.len, job->func_id.data);
    }
    if (dff_envelope_check_object("job kwargs", job->kwargs, false, err) != DFF_OK)
        return DFF_ERROR;
    if (dff_envelope_check_object("job request", job->request, true, err) != DFF_OK)
        return DFF_ERROR;
    return dff_job_check_shared(job, err);
}

int
dff_job_check(const dff_job_t *job, dff_err_t *err)
{
    if (dff_fields_check(&dff_job_fields, job, err) != DFF_OK)
        return DFF_ERROR;
    return dff_job_check_rest(job, err);
}

size_t
dff_job_size(const dff_job_t *job)
{
    const dff_str_t rest[] = { job->kwargs, job->request };

    return dff_sections_size(&dff_envelope_job, job, rest);
}

char *
dff_job_write(char *out, const dff_job_t *job)
{
    const dff_str_t rest[] = { job->kwargs, job->request };

    return dff_sections_write(&dff_envelope_job, out, job, rest);
}

int
dff_job_decode(dff_str_t envelope, dff_job_t *job, dff_err_t *err)
{
    dff_str_t rest[DFF_SECTIONS_MAX];

    memset(job, 0, sizeof(*job));
    if (dff_sections_read(&dff_envelope_job, envelope, job, rest, err) != DFF_OK)
        return DFF_ERROR;
    job->kwargs = rest[0];
    job->request = rest[1];
    return dff_job_check_rest(job, err);
}

size_t
dff_job_request_size(const dff_job_t *job)
{
    return job->request.len + (size_t) job->shared.size;
}

char *
dff_job_request_write(char *out, const dff_job_t *job)
{
    size_t          at = (size_t) job->shared.at, i;
    const dff_str_t parts[] = {
        { job->request.data, at },
        { job->kwargs.data, (size_t) job->shared.size },
        { job->request.data + at, job->request.len - at },
    };

    for (i = 0; i < DFF_NAMES(parts); i++) {
        if (parts[i].len > 0)
            memcpy(out, parts[i].data, parts[i].len);
        out += parts[i].len;
    }
    return out;
}

size_t
dff_reply_size(const dff_reply_t *reply)
{
    const dff_str_t rest[] = { reply->control, reply->body };

    return dff_sections_size(&dff_envelope_reply, reply, rest);
}

char *
dff_reply_write(char *out, const dff_reply_t *reply)
{
    const dff_str_t rest[] = { reply->control, reply->body };

    return dff_sections_write(&dff_envelope_reply, out, reply, rest);
}

int
dff_reply_decode(dff_str_t envelope, dff_reply_t *reply, dff_err_t *err)
{
    dff_str_t rest[DFF_SECTIONS_MAX];

    memset(reply, 0, sizeof(*reply));
    if (dff_sections_read(&dff_envelope_reply, envelope, reply, rest, err) != DFF_OK)
        return DFF_ERROR;
    reply->control = rest[0];
    reply->body = rest[1];
    return dff_envelope_check_object("reply control", reply->control, true, err);
}

const char *
dff_status_name(dff_status_t status)
{
    return (unsigned) status < DFF_STATUS_COUNT ? dff_statuses[status] : "unknown";
}

const char *
dff_origin_name(dff_origin_t origin)
{
    return (unsigned) origin < DFF_ORIGIN_COUNT ? dff_origins[origin] : "unknown";
}

const char *
dff_exec_mode_name(dff_exec_mode_t mode)
{
    return (unsigned) mode < DFF_EXEC_COUNT ? dff_exec_modes[mode] : "unknown";
}

const char *
dff_return_type_name(dff_return_type_t type)
{
    return (unsigned) type < DFF_RETURN_COUNT ? dff_return_types[type] : "unknown";
}

int
dff_return_type_from(dff_str_t text)
{
    int i;

    for (i = 0; i < DFF_RETURN_COUNT; i++) {
        if (dff_str_eq(text, dff_str_from(dff_return_types[i])))
            return i;
    }
    return -1;
}
