/*
 * Auth links and batches. Runs in dffctl and the api processes.
 */
#include "store/dff_link.h"

#include <stdio.h>

#include "dff_json.h"
#include "store/dff_api_auth.h"
#include "store/dff_func.h"
#include "store/dff_sync.h"

#include "dff_banned.h"

#define DFF_LINK_INSERT(table) \
    "INSERT INTO " table " (id, funcId, funcCallKwargsJSON, apiAuthId)" \
    " VALUES (?, ?, COALESCE(?, '{}'), ?)"

/* The last two values: kwargs again, and whether apiAuthId is to change. */
#define DFF_LINK_UPSERT(table) \
    DFF_LINK_INSERT(table) " ON DUPLICATE KEY UPDATE funcId = VALUES(funcId)," \
    " funcCallKwargsJSON = COALESCE(?, funcCallKwargsJSON)," \
    " apiAuthId = IF(?, VALUES(apiAuthId), apiAuthId)"

#define DFF_LINK_LIST(table, expire) \
    "SELECT l.id, l.funcId, l.funcCallKwargsJSON, l.isDisabled, " expire "," \
    " f.id IS NOT NULL, l.apiAuthId FROM " table " l" \
    " LEFT JOIN func f ON f.id = l.funcId ORDER BY l.seq DESC LIMIT ?"

static const struct {
    const char *noun, *id_prefix;
    const char *insert, *upsert, *list;
} dff_link_kinds[] = {
    [DFF_ROUTE_AUTH_LINK] = {
        "auth link", "auln-", DFF_LINK_INSERT("auth_link"), DFF_LINK_UPSERT("auth_link"),
        DFF_LINK_LIST("auth_link", "l.expireTime")
    },
    [DFF_ROUTE_BATCH] = {
        "batch", "bat-", DFF_LINK_INSERT("batch"), DFF_LINK_UPSERT("batch"),
        DFF_LINK_LIST("batch", "NULL")
    },
};

_Static_assert(sizeof(dff_link_kinds) / sizeof(dff_link_kinds[0]) == DFF_ROUTE_KIND_COUNT,
               "a row for each kind");

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
        return dff_id_make(&source, result->id, dff_link_kinds[request->kind].id_prefix) != 0
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
    const dff_link_t         *link = ctx;
    const dff_link_request_t *request = link->request;
    dff_str_t                 api_auth = dff_str_from(request->api_auth);
    dff_db_value_t            values[] = {
        DFF_DB_VALUE_TEXT(link->id),
        DFF_DB_VALUE_TEXT(dff_str_from(request->func_id)),
        DFF_DB_VALUE_TEXT_OR_NULL(request->kwargs),
        api_auth.len == 0 ? DFF_DB_VALUE_NULL : DFF_DB_VALUE_TEXT(api_auth),
        DFF_DB_VALUE_TEXT_OR_NULL(request->kwargs),
        DFF_DB_VALUE_INT(request->api_auth != NULL),
    };

    if (api_auth.len > 0 && dff_api_auth_hold(db, api_auth, err) != DFF_OK) {
        return DFF_ERROR;
    }
    if (request->update) {
        return dff_db_exec(db, dff_link_kinds[request->kind].upsert, DFF_DB_ARGS(values), NULL,
                           err);
    }
    if (dff_db_exec(db, dff_link_kinds[request->kind].insert, values, 4, NULL, err) == DFF_OK) {
        return DFF_OK;
    }
    if (err != NULL && err->reason == DFF_E_CLIENT_DUPLICATED) {
        dff_err_set(err, DFF_E_CLIENT_DUPLICATED, "%s %s exists already",
                    dff_link_kinds[request->kind].noun, request->id);
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
    if (dff_sync_link(db, rcmd, request->kind, result->id, &count, err) != DFF_OK) {
        return dff_err_wrap(err, "%s %s is stored but not live",
                            dff_link_kinds[request->kind].noun, result->id);
    }
    return DFF_OK;
}


int
dff_link_list(dff_db_t *db, dff_route_kind_t kind, int limit, dff_db_rows_t *rows,
    dff_err_t *err)
{
    dff_db_value_t values[] = { DFF_DB_VALUE_INT(limit) };

    return dff_db_query(db, dff_link_kinds[kind].list, DFF_DB_ARGS(values), rows, err);
}
