/*
 * dffctl task show: what Redis and MySQL know of a task. Redis has its state and, for a
 * time, its result; MySQL what was saved, and of batches and crontabs a row with the log.
 */
#include "ctl/dff_ctl_outcome.h"

#include <inttypes.h>
#include <string.h>

#include "dff_id.h"
#include "dff_keys.h"
#include "dff_time.h"
#include "store/dff_cluster.h"

#include "dff_banned.h"

enum { DFF_CTL_TASK_JSON };

typedef struct {
    dff_buf_t      bytes;       /* of the reply */
    dff_reply_t    reply;
    bool           known;       /* there is a reply */
    bool           kept;        /* its body is the function's, not made of the row */
    bool           running;
    dff_task_row_t row;
    bool           has_row;
} dff_ctl_task_t;


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


/* The reply in Redis, if there is one. */
static int
dff_ctl_task_ask_redis(dff_ctl_t *ctl, dff_ctl_task_t *task)
{
    dff_key_t   key;
    redisReply *stored;

    dff_key_result(key, dff_str_from(ctl->words[0]));
    stored = dff_rcmd_run(ctl->rcmd, &ctl->err, "GET %s", key);
    if (stored == NULL) {
        return DFF_ERROR;
    }
    task->known = stored->type == REDIS_REPLY_STRING;
    if (task->known) {
        dff_buf_add(&task->bytes, stored->str, stored->len);
    }
    freeReplyObject(stored);
    return DFF_OK;
}


/* What MySQL has. Without MySQL what Redis has said is still worth telling. */
static int
dff_ctl_task_ask_mysql(dff_ctl_t *ctl, dff_ctl_task_t *task)
{
    dff_str_t id = dff_str_from(ctl->words[0]);
    int       rc;

    if (!task->known) {
        rc = dff_task_rows_reply(ctl->db, id, &task->bytes, &ctl->err);
        task->known = rc == DFF_OK;
        if (rc != DFF_OK && ctl->err.reason != DFF_E_CLIENT_NOT_FOUND) {
            return DFF_ERROR;
        }
    }
    rc = dff_task_rows_find(ctl->db, id, &task->row, &ctl->err);
    task->has_row = rc == DFF_OK;
    if (rc != DFF_OK && ctl->err.reason != DFF_E_CLIENT_NOT_FOUND) {
        if (!task->known) {
            return DFF_ERROR;
        }
        fprintf(stderr, "the log is not shown: %s\n", ctl->err.message);
    }
    return DFF_OK;
}


/* There is only a row: the result itself was not kept. */
static void
dff_ctl_task_of_row(dff_ctl_t *ctl, dff_ctl_task_t *task)
{
    const dff_task_row_t *row = &task->row;

    task->reply = (dff_reply_t) {
        .id = dff_str_from(ctl->words[0]), .status = DFF_STATUS_FAILURE,
        .body_type = DFF_BODY_TEXT, .body = row->einfo,
        .started_at_ms = row->started_at_ms, .ended_at_ms = row->ended_at_ms,
    };
    task->running = dff_str_eq(row->status, DFF_STR("pending"));
    if (task->running || dff_str_eq(row->status, DFF_STR("queued"))) {
        task->reply.status = DFF_STATUS_QUEUED;
    } else if (dff_str_eq(row->status, DFF_STR("success"))) {
        task->reply.status = DFF_STATUS_SUCCESS;
    }
    if (task->reply.status != DFF_STATUS_FAILURE) {
        task->reply.body_type = DFF_BODY_JSON;
        task->reply.body = DFF_STR("null");
    }
}


static int
dff_ctl_task_read(dff_ctl_t *ctl, dff_ctl_task_t *task)
{
    if (dff_ctl_task_ask_redis(ctl, task) != DFF_OK
        || dff_ctl_task_ask_mysql(ctl, task) != DFF_OK)
    {
        return DFF_ERROR;
    }
    if (dff_buf_failed(&task->bytes)) {
        return dff_err_set(&ctl->err, DFF_E_SYS, "out of memory");
    }
    if (!task->known && !task->has_row) {
        return dff_err_set(&ctl->err, DFF_E_CLIENT_NOT_FOUND,
                           "nothing is known of %s: no such task, answered in time, or its result "
                           "has expired (_WORKER_RESULT_EXPIRES, %" PRId64 " s) and was not saved",
                           ctl->words[0], ctl->cfg.worker_result_expires_s);
    }
    if (!task->known) {
        dff_ctl_task_of_row(ctl, task);
        return DFF_OK;
    }
    task->kept = true;
    if (dff_reply_decode((dff_str_t) { task->bytes.data, task->bytes.len }, &task->reply,
                         &ctl->err) != DFF_OK)
    {
        return DFF_ERROR;
    }
    return task->reply.status != DFF_STATUS_QUEUED ? DFF_OK
        : dff_ctl_task_is_running(ctl, ctl->words[0], &task->running);
}


static void
dff_ctl_task_line(const char *title, int64_t unix_ms)
{
    char text[DFF_TIME_ISO_SIZE] = "-";

    if (unix_ms != 0) {
        dff_time_iso_utc(text, unix_ms);
    }
    printf("%-8s %s\n", title, text);
}


static void
dff_ctl_task_print(const dff_ctl_task_t *task, const char *status)
{
    const dff_reply_t    *reply = &task->reply;
    const dff_task_row_t *row = &task->row;

    printf("status   %s\n", status);
    if (task->has_row) {
        printf("function %.*s\norigin   %.*s %.*s\n", (int) row->func_id.len, row->func_id.data,
               (int) row->origin.len, row->origin.data, (int) row->origin_id.len,
               row->origin_id.data);
        dff_ctl_task_line("queued", row->queued_at_ms);
    }
    dff_ctl_task_line("started", reply->started_at_ms);
    dff_ctl_task_line("ended", reply->ended_at_ms);
    if (reply->started_at_ms != 0 && reply->ended_at_ms != 0) {
        printf("took     %" PRId64 " ms\n", reply->ended_at_ms - reply->started_at_ms);
    }
    if (reply->status == DFF_STATUS_SUCCESS && !task->kept) {
        printf("result   (not kept)\n");
    } else if (reply->status != DFF_STATUS_QUEUED) {
        fputs(reply->status == DFF_STATUS_SUCCESS ? "result   " : "error    ", stdout);
        dff_ctl_print_text(stdout, reply->body.data, reply->body.len);
    }
    if (row->log.len > 0) {
        printf("log\n");
        dff_ctl_print_text(stdout, row->log.data, row->log.len);
    }
}


int
dff_ctl_task_show(dff_ctl_t *ctl)
{
    dff_ctl_task_t task = { .known = false };
    const char    *status;
    int            rc;

    if (strncmp(ctl->words[0], "task-", 5) != 0 || !dff_id_is_link(dff_str_from(ctl->words[0]))) {
        return dff_ctl_fail_with(ctl, DFF_E_CLIENT_BAD_REQUEST,
                                 "\"%.80s\" is not a task id like task-…", ctl->words[0]);
    }
    if (dff_ctl_task_read(ctl, &task) != DFF_OK) {
        rc = dff_ctl_fail(ctl);
        goto done;
    }
    rc = dff_ctl_outcomes[task.reply.status];
    status = task.running ? "running" : dff_status_name(task.reply.status);
    if (ctl->options[DFF_CTL_TASK_JSON] == NULL) {
        dff_ctl_task_print(&task, status);
    } else if (dff_ctl_outcome_json(&task.reply, status, task.has_row ? &task.row : NULL)
               != DFF_OK)
    {
        rc = dff_ctl_fail_with(ctl, DFF_E_SYS, "out of memory");
    }

done:
    dff_task_row_release(&task.row);
    dff_buf_release(&task.bytes);
    return rc;
}
