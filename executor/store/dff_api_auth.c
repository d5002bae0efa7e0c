/*
 * API auths. Runs in dffctl and the api processes.
 */
#include "store/dff_api_auth.h"

#include <stdio.h>

#include "dff_buf.h"
#include "dff_envelope.h"
#include "store/dff_api_auth_config.h"
#include "store/dff_func.h"
#include "store/dff_sync.h"
#include "store/dff_unsynced.h"

#include "dff_banned.h"

typedef struct {            /* what the transactions work on */
    const dff_api_auth_request_t *request;
    dff_str_t                     id, secret;
    bool                          force;
} dff_api_auth_t;


static int
dff_api_auth_take_id(const dff_api_auth_request_t *request, dff_api_auth_result_t *result,
    dff_err_t *err)
{
    dff_id_source_t source;

    if (request->id == NULL) {
        dff_id_source_init(&source);
        return dff_id_make(&source, result->id, "apia-") != 0
            ? DFF_OK : dff_err_set(err, DFF_E_SYS, "the kernel gives no random bytes");
    }
    if (!dff_id_is_link(dff_str_from(request->id))) {
        return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST,
                           "\"%.128s\" is not an id: 1 to 64 of [0-9A-Za-z._-]", request->id);
    }
    (void) snprintf(result->id, sizeof(result->id), "%s", request->id);
    return DFF_OK;
}


static int
dff_api_auth_insert(dff_db_t *db, const dff_api_auth_t *auth, dff_str_t sealed, dff_err_t *err)
{
    dff_str_t      type = dff_str_from(dff_auth_type_name(auth->request->type));
    dff_db_value_t values[] = {
        DFF_DB_VALUE_TEXT(auth->id), DFF_DB_VALUE_TEXT_OR_NULL(dff_str_from(auth->request->name)),
        DFF_DB_VALUE_TEXT(type), DFF_DB_VALUE_TEXT(sealed),
    };

    if (dff_db_exec(db, "INSERT INTO api_auth (id, name, type, configJSON) VALUES (?, ?, ?, ?)",
                    DFF_DB_ARGS(values), NULL, err) == DFF_OK)
    {
        return DFF_OK;
    }
    if (err != NULL && err->reason == DFF_E_CLIENT_DUPLICATED) {
        dff_err_set(err, DFF_E_CLIENT_DUPLICATED, "API auth %s exists already",
                    auth->request->id);
    }
    return DFF_ERROR;
}


static int
dff_api_auth_change(dff_db_t *db, const dff_api_auth_t *auth, dff_str_t sealed, dff_err_t *err)
{
    dff_db_value_t values[] = {
        DFF_DB_VALUE_TEXT_OR_NULL(dff_str_from(auth->request->name)), DFF_DB_VALUE_TEXT(sealed),
        DFF_DB_VALUE_TEXT(auth->id),
    };

    return dff_db_exec(db, "UPDATE api_auth SET name = COALESCE(?, name), configJSON = ?"
                           " WHERE id = ?", DFF_DB_ARGS(values), NULL, err);
}


/* rows: type and config of the one that is changed; none: it is new. */
static int
dff_api_auth_store(dff_db_t *db, const dff_api_auth_t *auth, const dff_db_rows_t *rows,
    dff_err_t *err)
{
    const dff_api_auth_request_t *request = auth->request;
    dff_str_t                     stored = DFF_STR_NULL, text;
    dff_buf_t                     sealed = DFF_BUF_INIT;
    int                           rc = DFF_ERROR;

    if (rows->nrows > 0) {
        if (dff_auth_type_from(dff_db_cell(rows, 0, 0)) != (int) request->type) {
            return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST,
                               "API auth %s is of type %s, which cannot change", request->id,
                               dff_db_cell(rows, 0, 0).data);
        }
        stored = dff_db_cell(rows, 0, 1);
    }
    if (dff_api_auth_config_seal(&sealed, auth->secret, auth->id, request->type, request->config,
                                 stored, err) == DFF_OK)
    {
        text = (dff_str_t) { sealed.data, sealed.len };
        rc = rows->nrows > 0 ? dff_api_auth_change(db, auth, text, err)
                             : dff_api_auth_insert(db, auth, text, err);
    }
    dff_buf_release(&sealed);
    return rc;
}


static int
dff_api_auth_body(dff_db_t *db, void *ctx, dff_err_t *err)
{
    const dff_api_auth_t *auth = ctx;
    dff_db_value_t        id[] = { DFF_DB_VALUE_TEXT(auth->id) };
    dff_db_rows_t         rows = { 0 };
    int                   rc;

    if (auth->request->update
        && dff_db_query(db, "SELECT type, configJSON FROM api_auth WHERE id = ? FOR UPDATE",
                        DFF_DB_ARGS(id), &rows, err) != DFF_OK)
    {
        return DFF_ERROR;
    }
    rc = dff_api_auth_store(db, auth, &rows, err);
    dff_db_rows_release(&rows);
    return rc == DFF_OK ? dff_unsynced_mark(db, DFF_UNSYNCED_API_AUTH, auth->id, err) : rc;
}


/* A function must be published, as that of a link. */
static int
dff_api_auth_check_func(dff_db_t *db, const dff_api_auth_request_t *request, dff_err_t *err)
{
    char              func_id[DFF_FUNC_ID_MAX + 2];
    dff_func_config_t config;
    int               version;

    if (request->type != DFF_AUTH_FUNC) {
        return DFF_OK;
    }
    dff_api_auth_config_func(func_id, sizeof(func_id), request->config);
    return func_id[0] == '\0' ? DFF_OK      /* sealing says what is wrong */
                              : dff_func_find(db, func_id, &config, &version, err);
}


int
dff_api_auth_add(dff_db_t *db, dff_rcmd_t *rcmd, const dff_api_auth_request_t *request,
    dff_api_auth_result_t *result, dff_err_t *err)
{
    dff_api_auth_t   auth = {
        .request = request, .secret = dff_str_from(dff_db_config(db)->secret)
    };
    dff_sync_count_t count = { 0 };

    *result = (dff_api_auth_result_t) { 0 };
    if (request->name != NULL && strlen(request->name) > DFF_API_AUTH_TITLE_MAX) {
        return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST, "a name has at most %d bytes",
                           DFF_API_AUTH_TITLE_MAX);
    }
    if (dff_api_auth_take_id(request, result, err) != DFF_OK
        || dff_api_auth_check_func(db, request, err) != DFF_OK)
    {
        return DFF_ERROR;
    }
    auth.id = dff_str_from(result->id);
    if (dff_db_transaction(db, dff_api_auth_body, &auth, err) != DFF_OK) {
        return DFF_ERROR;
    }
    result->stored = true;
    if (dff_sync_api_auth(db, rcmd, result->id, &count, err) != DFF_OK) {
        return dff_err_wrap(err, "API auth %s is stored but not live", result->id);
    }
    return DFF_OK;
}


int
dff_api_auth_hold(dff_db_t *db, dff_str_t id, dff_err_t *err)
{
    dff_db_value_t values[] = { DFF_DB_VALUE_TEXT(id) };
    dff_db_rows_t  rows;
    bool           found;

    if (dff_db_query(db, "SELECT id FROM api_auth WHERE id = ? LOCK IN SHARE MODE",
                     DFF_DB_ARGS(values), &rows, err) != DFF_OK)
    {
        return DFF_ERROR;
    }
    found = rows.nrows > 0;
    dff_db_rows_release(&rows);
    return found ? DFF_OK
                 : dff_err_set(err, DFF_E_CLIENT_NOT_FOUND, "no such API auth: %.*s",
                               (int) (id.len > 128 ? 128 : id.len), id.data);
}


/* The row is locked first, so that no link comes to name it between count and delete. */
static int
dff_api_auth_delete_body(dff_db_t *db, void *ctx, dff_err_t *err)
{
    const dff_api_auth_t *auth = ctx;
    dff_db_value_t        id[] = {
        DFF_DB_VALUE_TEXT(auth->id), DFF_DB_VALUE_TEXT(auth->id)
    };
    dff_db_rows_t         rows;
    uint64_t              deleted;
    int64_t               links;

    if (dff_db_query(db, "SELECT id FROM api_auth WHERE id = ? FOR UPDATE", id, 1, &rows, err)
        != DFF_OK)
    {
        return DFF_ERROR;
    }
    dff_db_rows_release(&rows);
    if (dff_db_query(db, "SELECT (SELECT COUNT(*) FROM auth_link WHERE apiAuthId = ?)"
                         " + (SELECT COUNT(*) FROM batch WHERE apiAuthId = ?)",
                     DFF_DB_ARGS(id), &rows, err) != DFF_OK)
    {
        return DFF_ERROR;
    }
    links = dff_db_number(dff_db_cell(&rows, 0, 0));
    dff_db_rows_release(&rows);
    if (links > 0 && !auth->force) {
        return dff_err_set(err, DFF_E_BIZ_CONDITION, "%lld links need API auth %.*s",
                           (long long) links, (int) auth->id.len, auth->id.data);
    }
    if (dff_db_exec(db, "DELETE FROM api_auth WHERE id = ?", id, 1, &deleted, err) != DFF_OK) {
        return DFF_ERROR;
    }
    return deleted > 0 ? dff_unsynced_mark(db, DFF_UNSYNCED_API_AUTH, auth->id, err)
                       : dff_err_set(err, DFF_E_CLIENT_NOT_FOUND, "no such API auth: %.*s",
                                     (int) auth->id.len, auth->id.data);
}


int
dff_api_auth_delete(dff_db_t *db, dff_rcmd_t *rcmd, const char *id, bool force, bool *stored,
    dff_err_t *err)
{
    dff_api_auth_t   auth = { .id = dff_str_from(id), .force = force };
    dff_sync_count_t count = { 0 };

    *stored = false;
    if (!dff_id_is_link(auth.id)) {
        return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST,
                           "\"%.128s\" is not an id: 1 to 64 of [0-9A-Za-z._-]", id);
    }
    if (dff_db_transaction(db, dff_api_auth_delete_body, &auth, err) != DFF_OK) {
        return DFF_ERROR;
    }
    *stored = true;
    if (dff_sync_api_auth(db, rcmd, id, &count, err) != DFF_OK) {
        return dff_err_wrap(err, "API auth %s is deleted, but its links do not know", id);
    }
    return DFF_OK;
}


int
dff_api_auth_list(dff_db_t *db, int limit, dff_db_rows_t *rows, dff_err_t *err)
{
    dff_db_value_t values[] = { DFF_DB_VALUE_INT(limit) };

    return dff_db_query(db, "SELECT a.id, a.name, a.type, a.configJSON,"
                            " (SELECT COUNT(*) FROM auth_link l WHERE l.apiAuthId = a.id)"
                            " + (SELECT COUNT(*) FROM batch b WHERE b.apiAuthId = a.id)"
                            " FROM api_auth a ORDER BY a.seq DESC LIMIT ?",
                        DFF_DB_ARGS(values), rows, err);
}
