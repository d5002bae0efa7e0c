/*
 * Auth links. Runs in dffctl and the api processes.
 */
#include "store/dff_link.h"

#include <stdio.h>

#include "dff_json.h"
#include "store/dff_func.h"
#include "store/dff_sync.h"

#include "dff_banned.h"

typedef struct {
    const dff_link_request_t *request;
    dff_str_t                 id;
} dff_link_t;


static int
dff_link_check_kwargs(dff_str_t kwargs, dff_err_t *err)
{
    dff_json_type_t type;
    dff_json_fail_t fail;

    if (kwargs.data == NULL) {
        return DFF_OK;
    }
    if (kwargs.len > DFF_LINK_KWARGS_MAX) {
        return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST,
                           "fixed arguments have %zu bytes, at most %u are allowed", kwargs.len,
                           DFF_LINK_KWARGS_MAX);
    }
    if (dff_json_check(kwargs, NULL, &type, &fail) != DFF_OK) {
        return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST,
                           "fixed arguments are not JSON: line %zu, column %zu: %s", fail.line,
                           fail.column, fail.what);
    }
    if (type != DFF_JSON_OBJECT) {
        return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST,
                           "fixed arguments must be a JSON object like {\"x\": 1}");
    }
    return DFF_OK;
}


static int
dff_link_take_id(const dff_link_request_t *request, dff_link_result_t *result, dff_err_t *err)
{
    dff_id_source_t source;

    if (request->id == NULL) {
        dff_id_source_init(&source);
        return dff_id_make(&source, result->id, "auln-") != 0
            ? DFF_OK : dff_err_set(err, DFF_E_SYS, "the kernel gives no random bytes");
    }
    if (!dff_id_is_link(dff_str_from(request->id))) {
        return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST,
                           "\"%.128s\" is not a link id: 1 to 64 of [0-9A-Za-z._-]", request->id);
    }
    (void) snprintf(result->id, sizeof(result->id), "%s", request->id);
    return DFF_OK;
}


static int
dff_link_body(dff_db_t *db, void *ctx, dff_err_t *err)
{
    const dff_link_t *link = ctx;
    dff_db_value_t    values[] = {
        DFF_DB_VALUE_TEXT(link->id),
        DFF_DB_VALUE_TEXT(dff_str_from(link->request->func_id)),
        DFF_DB_VALUE_TEXT_OR_NULL(link->request->kwargs),
        DFF_DB_VALUE_TEXT_OR_NULL(link->request->kwargs),
    };

    if (link->request->update) {
        return dff_db_exec(db, "INSERT INTO auth_link (id, funcId, funcCallKwargsJSON)"
                               " VALUES (?, ?, COALESCE(?, '{}')) ON DUPLICATE KEY UPDATE"
                               " funcId = VALUES(funcId),"
                               " funcCallKwargsJSON = COALESCE(?, funcCallKwargsJSON)",
                           DFF_DB_ARGS(values), NULL, err);
    }
    if (dff_db_exec(db, "INSERT INTO auth_link (id, funcId, funcCallKwargsJSON)"
                        " VALUES (?, ?, COALESCE(?, '{}'))", values, 3, NULL, err) == DFF_OK)
    {
        return DFF_OK;
    }
    if (err != NULL && err->reason == DFF_E_CLIENT_DUPLICATED) {
        dff_err_set(err, DFF_E_CLIENT_DUPLICATED, "auth link %s exists already",
                    link->request->id);
    }
    return DFF_ERROR;
}


int
dff_link_add(dff_db_t *db, dff_rcmd_t *rcmd, const dff_link_request_t *request,
    dff_link_result_t *result, dff_err_t *err)
{
    dff_link_t        link = { .request = request };
    dff_func_config_t config;
    dff_sync_count_t  count = { 0 };
    int               version;

    *result = (dff_link_result_t) { 0 };
    if (dff_link_take_id(request, result, err) != DFF_OK
        || dff_link_check_kwargs(request->kwargs, err) != DFF_OK
        || dff_func_find(db, request->func_id, &config, &version, err) != DFF_OK)
    {
        return DFF_ERROR;
    }

    link.id = dff_str_from(result->id);
    if (dff_db_transaction(db, dff_link_body, &link, err) != DFF_OK) {
        return DFF_ERROR;
    }
    result->stored = true;
    if (dff_sync_link(db, rcmd, DFF_ROUTE_AUTH_LINK, result->id, &count, err) != DFF_OK) {
        return dff_err_wrap(err, "auth link %s is stored but not live", result->id);
    }
    return DFF_OK;
}


int
dff_link_list(dff_db_t *db, int limit, dff_db_rows_t *rows, dff_err_t *err)
{
    dff_db_value_t values[] = { DFF_DB_VALUE_INT(limit) };

    return dff_db_query(db, "SELECT l.id, l.funcId, l.funcCallKwargsJSON, l.isDisabled,"
                            " l.expireTime, f.id IS NOT NULL FROM auth_link l"
                            " LEFT JOIN func f ON f.id = l.funcId ORDER BY l.seq DESC LIMIT ?",
                        DFF_DB_ARGS(values), rows, err);
}
