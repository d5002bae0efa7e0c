/* Publishing: see the header. The draft is read, checked by a worker, and stored as it was
 * read; a draft that is saved meanwhile stays a draft. */
#include "api/rest/dff_script_publish.h"

#include <stdlib.h>

#include "api/rest/dff_script_lock.h"
#include "store/dff_caller.h"
#include "store/dff_publish.h"

#include "dff_banned.h"

#define DFF_SCRIPT_WAIT_MARGIN_MS  5000
#define DFF_SCRIPT_AUTO_RUN_QUEUE  1

typedef struct {            /* a publish that waits; in the arena */
    dff_web_call_t       *call;
    dff_publish_request_t request;
    dff_publish_result_t  result;
    dff_publish_t         publish;
    bool                  force;
} dff_script_publish_t;


static void
dff_script_publish_release(void *state)
{
    dff_script_publish_t *work = state;

    dff_publish_end(&work->publish);
    dff_publish_release(&work->result);
}


int
dff_script_failed(dff_web_call_t *call, const dff_reply_t *reply, dff_str_t id,
    dff_reason_t failure, dff_err_t *err)
{
    dff_json_member_t trace;
    dff_buf_t        *detail = &call->answer.detail;
    dff_reason_t      reason;

    if (reply == NULL) {
        if (err->reason == DFF_E_API_TIMEOUT) {
            err->reason = DFF_E_SYS_ASYNC_TASK_TIMEOUT;
        }
        return DFF_ERROR;
    }
    reason = reply->status == DFF_STATUS_FAILURE ? failure
        : reply->status == DFF_STATUS_TIMEOUT ? DFF_E_FUNC_TIMEOUT : DFF_E_FUNC_FAILED;
    (void) dff_caller_failed(reply, err);
    err->reason = reason;
    dff_buf_add_str(detail, DFF_STR("{\"id\":"));
    dff_buf_add_json_string(detail, id);
    for (size_t i = 0; i < 3; i++) {
        static const char *const keys[] = { "etype", "einfoTEXT", "traceInfo" };

        if (dff_json_check(reply->body, NULL, NULL, NULL) == DFF_OK
            && dff_member_get(reply->body, keys[i], &trace))
        {
            dff_buf_addf(detail, ",\"%s\":", keys[i]);
            dff_buf_add_str(detail, trace.value);
        }
    }
    dff_buf_add_str(detail, DFF_STR("}"));
    return DFF_ERROR;
}


/* Inside the transaction: locks of others, and whether there is anything to publish. */
static int
dff_script_publish_allow(dff_db_t *db, void *ctx, dff_err_t *err)
{
    dff_script_publish_t *work = ctx;
    dff_str_t             id = dff_str_from(work->request.script_id);
    dff_db_value_t        values[] = { DFF_DB_VALUE_TEXT(id) };
    dff_db_rows_t         rows;
    bool                  same;

    if (dff_script_lock_script(work->call, id, "ModifyingScriptNotAllowed", NULL, err)
        != DFF_OK)
    {
        return DFF_ERROR;
    }
    if (work->force) {
        return DFF_OK;
    }
    if (dff_db_query(db, "SELECT codeMD5 FROM script WHERE id = ?", DFF_DB_ARGS(values), &rows,
                     err) != DFF_OK)
    {
        return DFF_ERROR;
    }
    same = rows.nrows > 0
        && dff_str_eq(dff_db_cell(&rows, 0, 0), dff_str_from(work->publish.md5));
    dff_db_rows_release(&rows);
    return !same ? DFF_OK
        : dff_web_refuse(work->call, err, DFF_E_BIZ_CONDITION, "ScriptNotEdited", NULL,
                         "The script has not been edited since it was published");
}


/* {"id":…,"publishVersion":…,"exportedAPIFuncs":[…]}: texts that are JSON stay as they are. */
static int
dff_script_publish_reply(dff_script_publish_t *work, dff_err_t *err)
{
    dff_buf_t *out = &work->call->answer.data;

    dff_buf_add_str(out, DFF_STR("{\"id\":"));
    dff_buf_add_json_string(out, dff_str_from(work->request.script_id));
    dff_buf_addf(out, ",\"publishVersion\":%d,\"exportedAPIFuncs\":[", work->result.version);
    for (size_t i = 0; i < work->result.funcs.count; i++) {
        const dff_func_t *func = &work->result.funcs.items[i];
        const struct { const char *key, *text, *json; } members[] = {
            { "name", func->name, NULL }, { "title", func->title, NULL },
            { "description", func->description, NULL },
            { "definition", func->definition, NULL },
            { "extraConfig", NULL, func->extra_config_json },
            { "category", func->category, NULL }, { "tags", NULL, func->tags_json },
            { "args", NULL, func->args_json }, { "kwargs", NULL, func->kwargs_json },
            { "integration", func->integration, NULL },
        };

        dff_buf_add_str(out, i == 0 ? DFF_STR("{") : DFF_STR(",{"));
        for (size_t k = 0; k < sizeof(members) / sizeof(members[0]); k++) {
            dff_buf_addf(out, "\"%s\":", members[k].key);
            if (members[k].text != NULL) {
                dff_buf_add_json_string(out, dff_str_from(members[k].text));
            } else {
                dff_buf_add_str(out, members[k].json == NULL ? DFF_STR("null")
                                : dff_str_from(members[k].json));
            }
            dff_buf_add_str(out, DFF_STR(","));
        }
        dff_buf_addf(out, "\"defOrder\":%d}", func->def_order);
    }
    dff_buf_add_str(out, DFF_STR("]}"));
    return dff_buf_failed(out) ? dff_err_set(err, DFF_E_SYS, "out of memory") : DFF_OK;
}


/* Functions that run by themselves when their script is published. */
static void
dff_script_publish_auto_run(dff_script_publish_t *work)
{
    dff_api_t *api = work->call->web->api;

    for (size_t i = 0; i < work->result.funcs.count; i++) {
        const dff_func_t *func = &work->result.funcs.items[i];
        dff_str_t         extra = dff_str_from(func->extra_config_json), config;
        char              id[DFF_FUNC_ID_MAX + 2], task_id[DFF_TASK_ID_MAX + 1];
        dff_err_t         err;

        if (func->integration == NULL || strcmp(func->integration, "autoRun") != 0
            || extra.len == 0)
        {
            continue;
        }
        config = dff_member_value(extra, "integrationConfig");
        if (config.data == NULL || !dff_member_is(config, "onPublish", DFF_JSON_TRUE)) {
            continue;
        }
        (void) snprintf(id, sizeof(id), "%s.%s", work->request.script_id, func->name);

        dff_job_t job = {
            .func_id = dff_str_from(id), .origin = DFF_ORIGIN_INTEGRATION,
            .exec_mode = DFF_EXEC_ASYNC, .queue = DFF_SCRIPT_AUTO_RUN_QUEUE,
            .timeout_s = (int) api->cfg->func_default_timeout_s, .kwargs = DFF_STR("{}"),
            .script_version = work->result.version,
            .trace_id = dff_str_from(work->call->req.trace_id),
        };
        if (dff_caller_start(api->rcmd, api->cfg, &job, task_id, &err) != DFF_OK) {
            dff_log_warn(&api->log, work->call->req.trace_id, "%s does not run: %s", id,
                         err.message);
        }
    }
}


static int
dff_script_publish_resume(dff_web_call_t *call, const dff_reply_t *reply, dff_err_t *err)
{
    dff_script_publish_t *work = call->state;
    dff_str_t             id = dff_str_from(work->request.script_id);

    if (reply == NULL || reply->status != DFF_STATUS_SUCCESS) {
        return dff_script_failed(call, reply, id, DFF_E_SCRIPT_PRE_CHECK, err);
    }
    if (dff_publish_checked(&work->publish, reply, err) != DFF_OK) {
        if (err->reason == DFF_E_CLIENT_DUPLICATED) {
            /* "function plus is exported more than once" */
            dff_str_t name = { err->message + sizeof("function ") - 1, 0 };

            name.len = strcspn(name.data, " ");
            name.data = dff_arena_copy(&call->arena, name);
            return dff_web_refuse(call, err, DFF_E_CLIENT_DUPLICATED, NULL,
                                  json_pack("{s:s%}", "funcName", name.data, name.len),
                                  "The script exports function %.*s more than once",
                                  (int) name.len, name.data);
        }
        return DFF_ERROR;
    }
    if (dff_publish_store(call->web->api->db, call->web->api->rcmd, &work->publish, err)
        != DFF_OK)
    {
        return DFF_ERROR;
    }
    dff_script_publish_auto_run(work);
    return dff_script_publish_reply(work, err);
}


/* The draft as it is now, in the arena. */
static int
dff_script_publish_read(dff_web_call_t *call, dff_str_t id, dff_str_t *draft, dff_err_t *err)
{
    dff_db_value_t values[] = { DFF_DB_VALUE_TEXT(id) };
    dff_db_rows_t  rows;
    int            rc = DFF_OK;

    if (dff_db_query(call->web->api->db, "SELECT codeDraft FROM script WHERE id = ?",
                     DFF_DB_ARGS(values), &rows, err) != DFF_OK)
    {
        return DFF_ERROR;
    }
    if (rows.nrows == 0) {
        rc = dff_web_not_found(call, err, "script", id);
    } else {
        draft->len = dff_db_cell(&rows, 0, 0).len;
        draft->data = dff_arena_copy(&call->arena, dff_db_cell(&rows, 0, 0));
        rc = draft->data == NULL ? dff_err_set(err, DFF_E_SYS, "out of memory") : DFF_OK;
    }
    dff_db_rows_release(&rows);
    return rc;
}


int
dff_script_publish(dff_web_call_t *call, dff_err_t *err)
{
    dff_script_publish_t *work = dff_arena_alloc(&call->arena, sizeof(*work));
    dff_str_t             id = call->params[0], draft, data = dff_web_data(call);
    dff_job_t             job;

    if (work == NULL) {
        return dff_err_set(err, DFF_E_SYS, "out of memory");
    }
    if (dff_script_publish_read(call, id, &draft, err) != DFF_OK) {
        return DFF_ERROR;
    }
    *work = (dff_script_publish_t) {
        .call = call, .force = dff_member_is(call->req.body, "force", DFF_JSON_TRUE),
    };
    work->request = (dff_publish_request_t) {
        .script_id = id.data, .code = draft, .queue = DFF_SCRIPT_DEBUG_QUEUE,
        .note = data.data == NULL ? NULL : dff_member_text(&call->arena, data, "note").data,
        .keep_draft = true, .allow = dff_script_publish_allow, .allow_ctx = work,
    };
    call->state = work;
    call->release = dff_script_publish_release;
    /* Asked twice: before a worker is busied, and in the transaction, which decides. */
    if (dff_publish_begin(&work->publish, &work->request, &work->result, err) != DFF_OK
        || dff_db_transaction(call->web->api->db, dff_script_publish_allow, work, err) != DFF_OK
        || dff_publish_job(&work->publish, &job, err) != DFF_OK)
    {
        return DFF_ERROR;
    }
    return dff_web_run(call, &job, (job.timeout_s
                       + (int) call->web->api->cfg->func_extra_timeout_to_kill_s) * 1000
                       + DFF_SCRIPT_WAIT_MARGIN_MS, dff_script_publish_resume, err);
}
