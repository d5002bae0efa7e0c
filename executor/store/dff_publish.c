/*
 * Publishing scripts. Runs in dffctl and the api processes.
 */
#include "store/dff_publish.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "dff_id.h"
#include "store/dff_caller.h"
#include "dff_digest.h"
#include "store/dff_unsynced.h"

#include "dff_banned.h"

#define DFF_PUBLISH_WAIT_MARGIN_S  5

/* Assignments take effect from left to right. */
#define DFF_PUBLISH_UPDATE_BOTH \
    "UPDATE script SET code = ?, codeMD5 = ?, codeDraft = code, codeDraftMD5 = codeMD5," \
    " title = COALESCE(?, title), publishVersion = publishVersion + 1 WHERE id = ?"
#define DFF_PUBLISH_UPDATE_CODE \
    "UPDATE script SET code = ?, codeMD5 = ?, title = COALESCE(?, title)," \
    " publishVersion = publishVersion + 1 WHERE id = ?"

int
dff_publish_expand_tabs(dff_str_t code, dff_buf_t *out, dff_err_t *err)
{
    const char *at = code.data, *end = code.data + code.len;

    while (at < end) {
        const char *tab = memchr(at, '\t', (size_t) (end - at));

        dff_buf_add(out, at, (size_t) ((tab == NULL ? end : tab) - at));
        if (tab == NULL) {
            break;
        }
        dff_buf_add_str(out, DFF_STR("    "));
        at = tab + 1;
    }
    dff_buf_add_str(out, DFF_STR(""));
    if (dff_buf_failed(out)) {
        return dff_err_set(err, DFF_E_SYS, "out of memory");
    }
    if (out->len > DFF_PUBLISH_CODE_MAX) {
        return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST,
                           "the script has %zu bytes, at most %u are allowed", out->len,
                           DFF_PUBLISH_CODE_MAX);
    }
    if (memchr(out->data, '\0', out->len) != NULL) {
        return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST, "the script has a NUL character");
    }
    return DFF_OK;
}


int
dff_publish_code(dff_arena_t *arena, dff_str_t given, dff_str_t *code, dff_str_t *md5,
    dff_err_t *err)
{
    char      digest[DFF_DIGEST_MD5_SIZE];
    dff_buf_t expanded = DFF_BUF_INIT;
    int       rc = dff_publish_expand_tabs(given, &expanded, err);

    if (rc == DFF_OK) {
        *code = (dff_str_t) {
            dff_arena_copy(arena, (dff_str_t) { expanded.data, expanded.len }),
            expanded.len
        };
        rc = code->data == NULL ? dff_err_set(err, DFF_E_SYS, "out of memory")
                                : dff_digest_md5(digest, *code, err);
    }
    if (rc == DFF_OK) {
        *md5 = dff_str_from(dff_arena_copy(arena, dff_str_from(digest)));
        rc = md5->data == NULL ? dff_err_set(err, DFF_E_SYS, "out of memory") : DFF_OK;
    }
    dff_buf_release(&expanded);
    return rc;
}


/* {"code":"…"}; also the proof that the code is UTF-8. NULL: err says why. */
static char *
dff_publish_kwargs(dff_str_t code, dff_err_t *err)
{
    json_t *kwargs = json_pack("{s:o}", "code", json_stringn(code.data, code.len));
    char   *text = kwargs == NULL ? NULL : json_dumps(kwargs, JSON_COMPACT);

    json_decref(kwargs);
    if (text == NULL) {
        dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST, "the script is not UTF-8 text");
    }
    return text;
}


static int
dff_publish_check_failed(const dff_reply_t *reply, dff_publish_result_t *result, dff_err_t *err)
{
    result->failure = strndup(reply->body.data, reply->body.len);
    (void) dff_caller_failed(reply, err);
    if (reply->status == DFF_STATUS_FAILURE && err != NULL) {
        err->reason = DFF_E_SCRIPT_PRE_CHECK;
    }
    return DFF_ERROR;
}


int
dff_publish_job(dff_publish_t *publish, dff_job_t *job, dff_err_t *err)
{
    publish->kwargs = dff_publish_kwargs((dff_str_t) { publish->code.data, publish->code.len },
                                         err);
    if (publish->kwargs == NULL) {
        return DFF_ERROR;
    }
    *job = (dff_job_t) {
        .kind = DFF_JOB_CHECK, .func_id = publish->script_id, .queue = publish->request->queue,
        .origin = DFF_ORIGIN_DEBUG, .timeout_s = DFF_PUBLISH_CHECK_TIMEOUT_S,
        .kwargs = dff_str_from(publish->kwargs),
    };
    return DFF_OK;
}


int
dff_publish_checked(dff_publish_t *publish, const dff_reply_t *reply, dff_err_t *err)
{
    return reply->status == DFF_STATUS_SUCCESS
        ? dff_func_parse(reply->body, publish->script_id, &publish->result->funcs, err)
        : dff_publish_check_failed(reply, publish->result, err);
}


static int
dff_publish_check(dff_rcmd_t *rcmd, const dff_config_t *cfg, dff_publish_t *publish,
    dff_err_t *err)
{
    dff_caller_call_t call = { 0 };
    dff_job_t         job;
    int               wait_s, rc;

    if (dff_publish_job(publish, &job, err) != DFF_OK) {
        return DFF_ERROR;
    }
    wait_s = DFF_PUBLISH_CHECK_TIMEOUT_S + (int) cfg->func_extra_timeout_to_kill_s
             + DFF_PUBLISH_WAIT_MARGIN_S;
    if (dff_caller_run(rcmd, cfg, &job, wait_s, &call, err) != DFF_OK) {
        rc = dff_err_wrap(err, "checking the script");
    } else {
        rc = dff_publish_checked(publish, &call.reply, err);
    }
    dff_caller_release(&call);
    return rc;
}


/* Locks the row of a script or its set; makes it when it is missing and may be. */
static int
dff_publish_ensure(dff_db_t *db, const dff_publish_t *publish, const char *select,
    const char *insert, dff_str_t id, const char *noun, dff_err_t *err)
{
    dff_db_value_t values[] = {
        DFF_DB_VALUE_TEXT(id), DFF_DB_VALUE_TEXT(publish->set_id)
    };
    dff_db_rows_t  rows;
    bool           exists;

    if (dff_db_query(db, select, values, 1, &rows, err) != DFF_OK) {
        return DFF_ERROR;
    }
    exists = rows.nrows > 0;
    dff_db_rows_release(&rows);
    if (exists) {
        return DFF_OK;
    }
    if (!publish->request->create) {
        return dff_err_set(err, DFF_E_CLIENT_NOT_FOUND, "no such %s: %.*s", noun, (int) id.len,
                           id.data);
    }
    return dff_db_exec(db, insert, DFF_DB_ARGS(values), NULL, err);
}


static int
dff_publish_insert_func(dff_db_t *db, const dff_publish_t *publish, const dff_func_t *func,
    dff_err_t *err)
{
    char           id[512];
    dff_db_value_t values[14];

    (void) snprintf(id, sizeof(id), "%.*s.%s", (int) publish->script_id.len,
                    publish->script_id.data, func->name);       /* lengths were checked */
    values[0] = DFF_DB_VALUE_TEXT(dff_str_from(id));
    values[1] = DFF_DB_VALUE_TEXT(publish->set_id);
    values[2] = DFF_DB_VALUE_TEXT(publish->script_id);
    values[3] = DFF_DB_VALUE_TEXT(dff_str_from(func->name));
    values[4] = DFF_DB_VALUE_TEXT_OR_NULL(dff_str_from(func->title));
    values[5] = DFF_DB_VALUE_TEXT_OR_NULL(dff_str_from(func->description));
    values[6] = DFF_DB_VALUE_TEXT(dff_str_from(func->definition));
    values[7] = DFF_DB_VALUE_TEXT(dff_str_from(func->args_json));
    values[8] = DFF_DB_VALUE_TEXT(dff_str_from(func->kwargs_json));
    values[9] = DFF_DB_VALUE_TEXT_OR_NULL(dff_str_from(func->extra_config_json));
    values[10] = DFF_DB_VALUE_TEXT(dff_str_from(func->category));
    values[11] = DFF_DB_VALUE_TEXT_OR_NULL(dff_str_from(func->integration));
    values[12] = DFF_DB_VALUE_TEXT(dff_str_from(func->tags_json));
    values[13] = DFF_DB_VALUE_INT(func->def_order);
    return dff_db_exec(db, "INSERT INTO func (id, scriptSetId, scriptId, name, title, description,"
                           " definition, argsJSON, kwargsJSON, extraConfigJSON, category,"
                           " integration, tagsJSON, defOrder)"
                           " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                       DFF_DB_ARGS(values), NULL, err);
}


static int
dff_publish_history(dff_db_t *db, const dff_publish_t *publish, dff_err_t *err)
{
    dff_id_source_t source;
    char            id[DFF_ID_SIZE];
    dff_db_value_t  values[3];

    dff_id_source_init(&source);
    if (dff_id_make(&source, id, "scph-") == 0) {
        return dff_err_set(err, DFF_E_SYS, "the kernel gives no random bytes");
    }
    values[0] = DFF_DB_VALUE_TEXT(dff_str_from(id));
    values[1] = DFF_DB_VALUE_TEXT_OR_NULL(dff_str_from(publish->request->note));
    values[2] = DFF_DB_VALUE_TEXT(publish->script_id);
    /* The code is copied inside the server. */
    return dff_db_exec(db, "INSERT INTO script_publish_history (id, scriptId,"
                           " scriptPublishVersion, scriptCode_cache, note)"
                           " SELECT ?, id, publishVersion, code, ? FROM script WHERE id = ?",
                       DFF_DB_ARGS(values), NULL, err);
}


static int
dff_publish_version(dff_db_t *db, const dff_publish_t *publish, dff_err_t *err)
{
    dff_db_value_t id[] = { DFF_DB_VALUE_TEXT(publish->script_id) };
    dff_db_rows_t  rows;

    if (dff_db_query(db, "SELECT publishVersion FROM script WHERE id = ?", DFF_DB_ARGS(id), &rows,
                     err) != DFF_OK)
    {
        return DFF_ERROR;
    }
    publish->result->version = rows.nrows == 0 ? 0 : (int) dff_db_number(dff_db_cell(&rows, 0, 0));
    dff_db_rows_release(&rows);
    return DFF_OK;
}


static int
dff_publish_body(dff_db_t *db, void *ctx, dff_err_t *err)
{
    const dff_publish_t *publish = ctx;
    dff_db_value_t       script[] = {
        DFF_DB_VALUE_TEXT(((dff_str_t) { publish->code.data, publish->code.len })),
        DFF_DB_VALUE_TEXT(dff_str_from(publish->md5)),
        DFF_DB_VALUE_TEXT_OR_NULL(dff_str_from(publish->request->title)),
        DFF_DB_VALUE_TEXT(publish->script_id),
    };

    if (dff_publish_ensure(db, publish, "SELECT id FROM script_set WHERE id = ? FOR UPDATE",
                           "INSERT INTO script_set (id, title) VALUES (?, ?)", publish->set_id,
                           "script set", err) != DFF_OK
        || dff_publish_ensure(db, publish, "SELECT id FROM script WHERE id = ? FOR UPDATE",
                              "INSERT INTO script (id, scriptSetId) VALUES (?, ?)",
                              publish->script_id, "script", err) != DFF_OK)
    {
        return DFF_ERROR;
    }
    if (publish->request->allow != NULL
        && publish->request->allow(db, publish->request->allow_ctx, err) != DFF_OK)
    {
        return DFF_ERROR;
    }

    if (dff_db_exec(db, publish->request->keep_draft ? DFF_PUBLISH_UPDATE_CODE
                        : DFF_PUBLISH_UPDATE_BOTH, DFF_DB_ARGS(script), NULL, err) != DFF_OK
        || dff_db_exec(db, "DELETE FROM func WHERE scriptId = ?", &script[3], 1, NULL, err)
           != DFF_OK)
    {
        return DFF_ERROR;
    }
    for (size_t i = 0; i < publish->result->funcs.count; i++) {
        if (dff_publish_insert_func(db, publish, &publish->result->funcs.items[i], err) != DFF_OK)
        {
            return DFF_ERROR;
        }
    }
    return dff_publish_history(db, publish, err) == DFF_OK
        && dff_unsynced_mark(db, DFF_UNSYNCED_SCRIPT, publish->script_id, err) == DFF_OK
        ? dff_publish_version(db, publish, err) : DFF_ERROR;
}


int
dff_publish_begin(dff_publish_t *publish, const dff_publish_request_t *request,
    dff_publish_result_t *result, dff_err_t *err)
{
    *result = (dff_publish_result_t) { 0 };
    *publish = (dff_publish_t) {
        .request = request, .result = result, .script_id = dff_str_from(request->script_id),
        .set_id = dff_id_script_set(dff_str_from(request->script_id)), .code = DFF_BUF_INIT,
    };
    if (!dff_id_is_script(publish->script_id)) {
        return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST,
                           "\"%.128s\" is not a script id like demo__basic (set, two underscores, "
                           "script; up to 64 of [A-Za-z0-9_])", request->script_id);
    }
    if (dff_publish_expand_tabs(request->code, &publish->code, err) != DFF_OK) {
        return DFF_ERROR;
    }
    return dff_digest_md5(publish->md5, (dff_str_t) { publish->code.data, publish->code.len },
                          err);
}


int
dff_publish_store(dff_db_t *db, dff_rcmd_t *rcmd, dff_publish_t *publish, dff_err_t *err)
{
    dff_publish_result_t *result = publish->result;
    const char           *id = publish->request->script_id;

    if (dff_db_transaction(db, dff_publish_body, publish, err) != DFF_OK) {
        return dff_err_wrap(err, "storing %s", id);
    }
    result->stored = true;
    return dff_sync_script(db, rcmd, id, &result->count, err) == DFF_OK ? DFF_OK
        : dff_err_wrap(err, "version %d of %s is stored but not live", result->version, id);
}


void
dff_publish_end(dff_publish_t *publish)
{
    free(publish->kwargs);
    dff_buf_release(&publish->code);
    *publish = (dff_publish_t) { 0 };
}


int
dff_publish_run(dff_db_t *db, dff_rcmd_t *rcmd, const dff_config_t *cfg,
    const dff_publish_request_t *request, dff_publish_result_t *result, dff_err_t *err)
{
    dff_publish_t publish;
    int           rc = DFF_ERROR;

    if (dff_publish_begin(&publish, request, result, err) == DFF_OK
        && dff_db_connect(db, err) == DFF_OK      /* before a worker is busied in vain */
        && dff_publish_check(rcmd, cfg, &publish, err) == DFF_OK)
    {
        rc = dff_publish_store(db, rcmd, &publish, err);
    }
    dff_publish_end(&publish);
    return rc;
}


void
dff_publish_release(dff_publish_result_t *result)
{
    dff_func_release(&result->funcs);
    free(result->failure);
    *result = (dff_publish_result_t) { 0 };
}


int
dff_publish_list(dff_db_t *db, dff_db_rows_t *rows, dff_err_t *err)
{
    return dff_db_query(db, "SELECT s.id, s.title, s.publishVersion,"
                            " (SELECT COUNT(*) FROM func f WHERE f.scriptId = s.id),"
                            " NOT (s.codeMD5 <=> s.codeDraftMD5), s.updateTime"
                            " FROM script s ORDER BY s.id", NULL, 0, rows, err);
}
