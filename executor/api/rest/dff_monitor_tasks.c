/*
 * Tasks that wait, are due later, or ran lately. The first two are looked up in Redis, up to
 * a number of jobs, so that a long queue costs no more than a short one; the last are those
 * that leave rows: of batches and crontabs, and with saved results.
 */
#include "api/rest/dff_routes.h"

#include <stdlib.h>

#include "dff_envelope.h"
#include "dff_keys.h"
#include "dff_time.h"

#include "dff_banned.h"

#define DFF_TASKS_SHOWN   20
#define DFF_TASKS_LOOKED  2000      /* jobs of a list that are compared with a pattern */
#define DFF_TASKS_KWARGS  4096      /* bytes; longer arguments are not shown */


/* Does text match, '*' being any characters? */
static bool
dff_tasks_match(dff_str_t pattern, dff_str_t text)
{
    size_t p = 0, t = 0, star = SIZE_MAX, mark = 0;

    while (t < text.len) {
        if (p < pattern.len && pattern.data[p] == '*') {
            star = p++;
            mark = t;
        } else if (p < pattern.len && pattern.data[p] == text.data[t]) {
            p++;
            t++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            t = ++mark;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.data[p] == '*') {
        p++;
    }
    return p == pattern.len;
}


typedef struct {
    dff_str_t pattern;      /* data NULL: all */
    json_t   *shown;
    int64_t   matched;      /* of those that were looked at */
} dff_tasks_t;


/* due_ms 0: now. */
static void
dff_tasks_take(dff_tasks_t *tasks, const redisReply *bytes, int64_t due_ms)
{
    dff_str_t  envelope = { bytes->str, bytes->len };
    dff_job_t  job;
    char       eta[DFF_TIME_ISO_SIZE];
    json_t    *kwargs;

    if (bytes->type != REDIS_REPLY_STRING || dff_job_decode(envelope, &job, NULL) != DFF_OK
        || (tasks->pattern.len > 0 && !dff_tasks_match(tasks->pattern, job.func_id)))
    {
        return;
    }
    tasks->matched++;
    if (json_array_size(tasks->shown) >= DFF_TASKS_SHOWN) {
        return;
    }
    kwargs = job.kwargs.len > DFF_TASKS_KWARGS ? json_null()
        : json_loadb(job.kwargs.data, job.kwargs.len, JSON_REJECT_DUPLICATES, NULL);
    /* The others carry scripts, or the password of somebody who signs in. */
    if (kwargs == NULL || job.kind != DFF_JOB_CALL || job.origin == DFF_ORIGIN_INTEGRATION) {
        json_decref(kwargs);
        kwargs = json_null();
    }
    (void) dff_time_iso_utc(eta, due_ms);
    (void) json_array_append_new(tasks->shown, json_pack(
        "{s:o, s:s, s:s%, s:s%, s:[], s:o, s:o}", "queue", json_sprintf("%d", job.queue),
        "origin", dff_origin_name(job.origin), "id", job.id.data, job.id.len,
        "task", job.func_id.data, job.func_id.len, "args", "kwargs", kwargs,
        "eta", due_ms == 0 ? json_null() : json_string(eta)));
}


static int
dff_tasks_reply(dff_web_call_t *call, dff_tasks_t *tasks, const char *member, int64_t total,
    dff_err_t *err)
{
    return dff_web_reply(call, json_pack(
        "{s:o, s:I}", member, tasks->shown, "totalCount",
        (json_int_t) (tasks->pattern.len > 0 ? tasks->matched : total)), err);
}


/* How many of a list are read: what is shown, unless they have to be looked through. */
static int
dff_tasks_wanted(const dff_tasks_t *tasks)
{
    return tasks->pattern.len > 0 ? DFF_TASKS_LOOKED : DFF_TASKS_SHOWN;
}

/* --- queued ---------------------------------------------------------------------------------- */

/* The next to run first. */
static int
dff_tasks_of_queue(dff_web_call_t *call, dff_tasks_t *tasks, int queue, int64_t *total,
    dff_err_t *err)
{
    dff_rcmd_t *rcmd = call->web->api->rcmd;
    dff_key_t   key;
    redisReply *jobs, *length;

    dff_key_queue(key, queue);
    length = dff_rcmd_run(rcmd, err, "LLEN %s", key);
    if (length == NULL) {
        return DFF_ERROR;
    }
    *total += length->type == REDIS_REPLY_INTEGER ? length->integer : 0;
    freeReplyObject(length);
    jobs = dff_rcmd_run(rcmd, err, "LRANGE %s %d -1", key, -dff_tasks_wanted(tasks));
    if (jobs == NULL) {
        return DFF_ERROR;
    }
    for (size_t i = jobs->type == REDIS_REPLY_ARRAY ? jobs->elements : 0; i-- > 0; ) {
        dff_tasks_take(tasks, jobs->element[i], 0);
    }
    freeReplyObject(jobs);
    return DFF_OK;
}


static int
dff_tasks_queued(dff_web_call_t *call, dff_err_t *err)
{
    dff_tasks_t tasks = { .pattern = dff_web_query(&call->req, "task"), .shown = json_array() };
    int64_t     total = 0;

    for (int queue = 0; queue < DFF_QUEUE_COUNT; queue++) {
        if (dff_tasks_of_queue(call, &tasks, queue, &total, err) != DFF_OK) {
            json_decref(tasks.shown);
            return DFF_ERROR;
        }
    }
    return dff_tasks_reply(call, &tasks, "queuedTasks", total, err);
}

/* --- scheduled ------------------------------------------------------------------------------- */

static int
dff_tasks_scheduled(dff_web_call_t *call, dff_err_t *err)
{
    dff_rcmd_t *rcmd = call->web->api->rcmd;
    dff_tasks_t tasks = { .pattern = dff_web_query(&call->req, "task"), .shown = json_array() };
    redisReply *count = dff_rcmd_run(rcmd, err, "ZCARD " DFF_KEY_DELAYED), *jobs = NULL;
    int64_t     total;

    if (count != NULL) {
        jobs = dff_rcmd_run(rcmd, err, "ZRANGE " DFF_KEY_DELAYED " 0 %d WITHSCORES",
                            dff_tasks_wanted(&tasks) - 1);
    }
    if (jobs == NULL) {
        freeReplyObject(count);
        json_decref(tasks.shown);
        return DFF_ERROR;
    }
    for (size_t i = 0; jobs->type == REDIS_REPLY_ARRAY && i + 1 < jobs->elements; i += 2) {
        dff_tasks_take(&tasks, jobs->element[i], (int64_t) strtod(jobs->element[i + 1]->str, NULL));
    }
    total = count->type == REDIS_REPLY_INTEGER ? count->integer : 0;
    freeReplyObject(count);
    freeReplyObject(jobs);
    return dff_tasks_reply(call, &tasks, "scheduledTasks", total, err);
}

/* --- recent ---------------------------------------------------------------------------------- */

#define DFF_TASKS_OF(table, origin) \
    "SELECT t.id, '" origin "', t.funcId, " \
    "CASE t.status WHEN 'success' THEN 'SUCCESS' WHEN 'queued' THEN 'PENDING' " \
    "WHEN 'pending' THEN 'PENDING' ELSE 'FAILURE' END AS status, t.queueTime, t.startTime, " \
    "t.endTime, t.createTime AS made FROM " table " t"

/* The newest of each table only: they have many rows, and seq is a key. */
#define DFF_TASKS_NEWEST  " ORDER BY t.seq DESC LIMIT 2000"

static const char dff_tasks_recent_sql[] =
    "SELECT * FROM ((" DFF_TASKS_OF("batch_task_info", "batch") DFF_TASKS_NEWEST ") UNION ALL ("
    DFF_TASKS_OF("crontab_task_info", "crontab") DFF_TASKS_NEWEST ") UNION ALL ("
    "SELECT t.id, COALESCE(t.origin, ''), t.funcId, t.status, NULL, FROM_UNIXTIME(t.startTime), "
    "FROM_UNIXTIME(t.endTime), t.createTime FROM task_result t WHERE COALESCE(t.origin, '') NOT IN "
    "('batch', 'crontab')" DFF_TASKS_NEWEST ")) AS tasks WHERE (? = '' OR tasks.status = ?) AND "
    "(? = '' OR tasks.funcId LIKE ? ESCAPE '|') ORDER BY tasks.made DESC";


/* A pattern with '*' as one of LIKE; in the arena. */
static dff_str_t
dff_tasks_like(dff_web_call_t *call, dff_str_t pattern)
{
    char  *room = dff_arena_alloc(&call->arena, 2 * pattern.len + 1);
    size_t len = 0;

    for (size_t i = 0; room != NULL && i < pattern.len; i++) {
        char c = pattern.data[i];

        if (c == '%' || c == '_' || c == '|') {
            room[len++] = '|';
        }
        room[len++] = c == '*' ? '%' : c;
    }
    return room == NULL ? DFF_STR("") : (dff_str_t) { room, len };
}


/* A timestamp of MySQL as ISO 8601, null for none. */
static json_t *
dff_tasks_time(dff_str_t cell)
{
    return cell.len < 19 ? json_null()
        : json_sprintf("%.10sT%.*sZ", cell.data, (int) cell.len - 11, cell.data + 11);
}


static int
dff_tasks_recent(dff_web_call_t *call, dff_err_t *err)
{
    dff_str_t      task = dff_web_query(&call->req, "task");
    dff_str_t      status = dff_web_query(&call->req, "status");
    dff_str_t      like = dff_tasks_like(call, task);
    dff_db_value_t values[] = {
        DFF_DB_VALUE_TEXT(status), DFF_DB_VALUE_TEXT(status), DFF_DB_VALUE_TEXT(task),
        DFF_DB_VALUE_TEXT(like)
    };
    dff_db_rows_t  rows;
    json_t        *shown;

    if (dff_db_query(call->web->api->db, dff_tasks_recent_sql, DFF_DB_ARGS(values), &rows, err)
        != DFF_OK)
    {
        return DFF_ERROR;
    }
    shown = json_array();
    for (size_t i = 0; i < rows.nrows && i < DFF_TASKS_SHOWN; i++) {
        (void) json_array_append_new(shown, json_pack(
            "{s:s, s:s, s:s?, s:s, s:o, s:o, s:o}", "id", dff_db_cell(&rows, i, 0).data,
            "origin", dff_db_cell(&rows, i, 1).data, "task", dff_db_cell(&rows, i, 2).data,
            "status", dff_db_cell(&rows, i, 3).data,
            "queueTime", dff_tasks_time(dff_db_cell(&rows, i, 4)),
            "startTime", dff_tasks_time(dff_db_cell(&rows, i, 5)),
            "endTime", dff_tasks_time(dff_db_cell(&rows, i, 6))));
    }
    shown = json_pack("{s:o, s:I}", "recentTasks", shown, "totalCount", (json_int_t) rows.nrows);
    dff_db_rows_release(&rows);
    return dff_web_reply(call, shown, err);
}


static const char *const dff_tasks_statuses[] = { "SUCCESS", "FAILURE", "PENDING", NULL };

static const dff_prop_t dff_tasks_props[] = {
    { "task", DFF_PROP_STR, DFF_OP_BODY, .max = DFF_FUNC_ID_MAX,
      .about = "Id of a function; * stands for any characters" },
    { "status", DFF_PROP_STR, DFF_OP_BODY, .names = dff_tasks_statuses },
};
static const dff_shape_t dff_tasks_query = { dff_tasks_props, 1, sizeof(dff_prop_t), DFF_OP_ALL };
static const dff_shape_t dff_tasks_recent_query = DFF_SHAPE(dff_tasks_props);

static const dff_prop_t dff_tasks_job_props[] = {
    DFF_ANSWERED("queue", DFF_PROP_STR), DFF_ANSWERED("origin", DFF_PROP_STR),
    DFF_ANSWERED("id", DFF_PROP_STR), DFF_ANSWERED("task", DFF_PROP_STR),
    DFF_ANSWERED("args", DFF_PROP_LIST),
    DFF_ANSWERED("kwargs", DFF_PROP_MAP, .nullable = true,
                 .about = "null: too long, or not to be seen"),
    DFF_ANSWERED("eta", DFF_PROP_TIME, .nullable = true, .about = "null: now"),
};
static const dff_shape_t dff_tasks_job = DFF_SHAPE(dff_tasks_job_props);
static const dff_prop_t  dff_tasks_task_props[] = {
    DFF_ANSWERED("id", DFF_PROP_STR), DFF_ANSWERED("origin", DFF_PROP_STR),
    DFF_ANSWERED("task", DFF_PROP_STR, .nullable = true),
    DFF_ANSWERED("status", DFF_PROP_STR, .names = dff_tasks_statuses),
    DFF_ANSWERED("queueTime", DFF_PROP_TIME, .nullable = true),
    DFF_ANSWERED("startTime", DFF_PROP_TIME, .nullable = true),
    DFF_ANSWERED("endTime", DFF_PROP_TIME, .nullable = true),
};
static const dff_shape_t dff_tasks_task = DFF_SHAPE(dff_tasks_task_props);

#define DFF_TASKS_ANSWER(name, member, rows) \
    static const dff_prop_t name##_props[] = { \
        DFF_ANSWERED(member, DFF_PROP_OBJECTS, .max = DFF_TASKS_SHOWN, .shape = (rows)), \
        DFF_ANSWERED("totalCount", DFF_PROP_INT), \
    }; \
    DFF_ANSWER(name##_answer, name##_props, DFF_PROP_OBJECT)
DFF_TASKS_ANSWER(dff_tasks_queued, "queuedTasks", &dff_tasks_job);
DFF_TASKS_ANSWER(dff_tasks_scheduled, "scheduledTasks", &dff_tasks_job);
DFF_TASKS_ANSWER(dff_tasks_recent, "recentTasks", &dff_tasks_task);

#define DFF_MONITOR_TASKS(what, title, name, query_) \
    { DFF_WEB_GET, "/api/v1/monitor/tasks/do/" what, title, DFF_SIGN_IN_ANY, DFF_GENERAL_R, \
      .query = (query_), .handler = (name), .answer = &name##_answer }

static const dff_endpoint_t dff_monitor_task_rows[] = {
    DFF_MONITOR_TASKS("list-queued", "List tasks that wait", dff_tasks_queued, &dff_tasks_query),
    DFF_MONITOR_TASKS("list-scheduled", "List tasks that are due later", dff_tasks_scheduled,
                      &dff_tasks_query),
    DFF_MONITOR_TASKS("list-recent", "List tasks that ran lately", dff_tasks_recent,
                      &dff_tasks_recent_query),
};

const dff_endpoint_group_t dff_monitor_task_routes = DFF_ENDPOINTS(dff_monitor_task_rows);
