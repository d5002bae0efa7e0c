/*
 * Auth links and batches. Runs in dffctl and the api processes.
 */
#include "store/dff_link.h"

#include <stdio.h>

#include "dff_json.h"
#include "dff_throttle.h"
#include "dff_time.h"
#include "store/dff_api_auth.h"
#include "store/dff_func.h"
#include "store/dff_sync.h"
#include "store/dff_unsynced.h"

#include "dff_banned.h"

typedef enum {      /* settings, each changed by a statement of its own */
    DFF_LINK_SET_API_AUTH, DFF_LINK_SET_DISABLED, DFF_LINK_SET_SHOWN, DFF_LINK_SET_EXPIRE,
    DFF_LINK_SET_THROTTLING, DFF_LINK_SET_COUNT
} dff_link_set_t;

#define DFF_LINK_INSERT(table) \
    "INSERT INTO " table " (id, funcId, funcCallKwargsJSON) VALUES (?, ?, COALESCE(?, '{}'))"

#define DFF_LINK_SET(table, column)  "UPDATE " table " SET " column " = ? WHERE id = ?"

#define DFF_LINK_SELECT(expire) \
    "SELECT l.id, l.funcId, l.funcCallKwargsJSON, l.isDisabled, " expire "," \
    " f.id IS NOT NULL, l.apiAuthId"
#define DFF_LINK_FROM(table)  " FROM " table " l LEFT JOIN func f ON f.id = l.funcId"

#define DFF_LINK_STATEMENTS(table, expire, throttling) \
    .insert = DFF_LINK_INSERT(table), \
    .upsert = DFF_LINK_INSERT(table) " ON DUPLICATE KEY UPDATE funcId = VALUES(funcId)," \
              " funcCallKwargsJSON = COALESCE(?, funcCallKwargsJSON)", \
    .lock = "SELECT seq FROM " table " WHERE id = ? FOR UPDATE", \
    .modify = "UPDATE " table " SET funcId = COALESCE(?, funcId)," \
              " funcCallKwargsJSON = COALESCE(?, funcCallKwargsJSON) WHERE id = ?", \
    .get = DFF_LINK_SELECT(expire) ", " throttling ", l.showInDoc" \
           DFF_LINK_FROM(table) " WHERE l.id = ?", \
    .list = DFF_LINK_SELECT(expire) DFF_LINK_FROM(table) " ORDER BY l.seq DESC LIMIT ?", \
    .set[DFF_LINK_SET_API_AUTH] = DFF_LINK_SET(table, "apiAuthId"), \
    .set[DFF_LINK_SET_DISABLED] = DFF_LINK_SET(table, "isDisabled"), \
    .set[DFF_LINK_SET_SHOWN] = DFF_LINK_SET(table, "showInDoc")

static const struct {
    const char *noun, *id_prefix;
    const char *insert, *upsert, *lock, *modify, *get, *list;
    const char *set[DFF_LINK_SET_COUNT];        /* NULL: there is no such setting */
} dff_link_kinds[] = {
    [DFF_ROUTE_AUTH_LINK] = {
        .noun = "auth link", .id_prefix = "auln-",
        DFF_LINK_STATEMENTS("auth_link", "l.expireTime", "l.throttlingJSON"),
        .set[DFF_LINK_SET_EXPIRE] = DFF_LINK_SET("auth_link", "expireTime"),
        .set[DFF_LINK_SET_THROTTLING] = DFF_LINK_SET("auth_link", "throttlingJSON"),
    },
    [DFF_ROUTE_BATCH] = {
        .noun = "batch", .id_prefix = "bat-", DFF_LINK_STATEMENTS("batch", "NULL", "NULL"),
    },
};

_Static_assert(sizeof(dff_link_kinds) / sizeof(dff_link_kinds[0]) == DFF_ROUTE_KIND_COUNT,
               "statements for each kind");

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
dff_link_check(const dff_link_request_t *request, dff_err_t *err)
{
    dff_throttle_t throttle;

    if (request->expires
        && (request->expire_ms < 0 || request->expire_ms >= DFF_LINK_EXPIRE_MAX))
    {
        return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST,
                           "the time of expiry must be from 1970 to 2037");
    }
    if (request->throttling.len > DFF_LINK_KWARGS_MAX) {
        return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST, "throttling has %zu bytes, at most %u "
                           "are allowed", request->throttling.len, DFF_LINK_KWARGS_MAX);
    }
    if (dff_throttle_read(&throttle, request->throttling, err) != DFF_OK) {
        return DFF_ERROR;
    }
    return dff_link_check_kwargs(request->kwargs, err);
}


/* "2021-10-14 01:02:03.456", in UTC as the session is. */
static dff_str_t
dff_link_time(char text[DFF_TIME_ISO_SIZE], int64_t unix_ms)
{
    size_t len = dff_time_iso_utc(text, unix_ms);

    text[sizeof("2021-10-14") - 1] = ' ';
    return (dff_str_t) { text, len - 1 };
}


/* The settings that were given; what both ways of changing a link do last. */
static int
dff_link_set(dff_db_t *db, const dff_link_t *link, dff_err_t *err)
{
    const dff_link_request_t *request = link->request;
    dff_str_t                 api_auth = dff_str_from(request->api_auth);
    char                      expire[DFF_TIME_ISO_SIZE];

    const struct {
        bool           given;
        dff_db_value_t value;
    } rows[DFF_LINK_SET_COUNT] = {
        [DFF_LINK_SET_API_AUTH] = { request->api_auth != NULL,
            api_auth.len == 0 ? DFF_DB_VALUE_NULL : DFF_DB_VALUE_TEXT(api_auth) },
        [DFF_LINK_SET_DISABLED] = { request->disabled != DFF_LINK_KEEP,
            DFF_DB_VALUE_INT(request->disabled == DFF_LINK_YES) },
        [DFF_LINK_SET_SHOWN] = { request->show_in_doc != DFF_LINK_KEEP,
            DFF_DB_VALUE_INT(request->show_in_doc == DFF_LINK_YES) },
        [DFF_LINK_SET_EXPIRE] = { request->expires,
            request->expire_ms == 0 ? DFF_DB_VALUE_NULL
                : DFF_DB_VALUE_TEXT(dff_link_time(expire, request->expire_ms)) },
        [DFF_LINK_SET_THROTTLING] = { request->throttling.data != NULL,
            request->throttling.len == 0 ? DFF_DB_VALUE_NULL
                : DFF_DB_VALUE_TEXT(request->throttling) },
    };

    if (api_auth.len > 0 && dff_api_auth_hold(db, api_auth, err) != DFF_OK) {
        return DFF_ERROR;
    }
    for (size_t i = 0; i < DFF_LINK_SET_COUNT; i++) {
        dff_db_value_t values[] = { rows[i].value, DFF_DB_VALUE_TEXT(link->id) };

        if (!rows[i].given) {
            continue;
        }
        if (dff_link_kinds[request->kind].set[i] == NULL) {
            return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST, "a %s has no such setting",
                               dff_link_kinds[request->kind].noun);
        }
        if (dff_db_exec(db, dff_link_kinds[request->kind].set[i], DFF_DB_ARGS(values), NULL, err)
            != DFF_OK)
        {
            return DFF_ERROR;
        }
    }
    return dff_unsynced_mark(db, dff_unsynced_link_kind(request->kind), link->id, err);
}


static int
dff_link_insert(dff_db_t *db, void *ctx, dff_err_t *err)
{
    const dff_link_t         *link = ctx;
    const dff_link_request_t *request = link->request;
    dff_db_value_t            values[] = {
        DFF_DB_VALUE_TEXT(link->id),
        DFF_DB_VALUE_TEXT(dff_str_from(request->func_id)),
        DFF_DB_VALUE_TEXT_OR_NULL(request->kwargs),
        DFF_DB_VALUE_TEXT_OR_NULL(request->kwargs),
    };

    if (request->update) {
        return dff_db_exec(db, dff_link_kinds[request->kind].upsert, DFF_DB_ARGS(values), NULL,
                           err);
    }
    if (dff_db_exec(db, dff_link_kinds[request->kind].insert, values, 3, NULL, err) == DFF_OK) {
        return DFF_OK;
    }
    if (err != NULL && err->reason == DFF_E_CLIENT_DUPLICATED) {
        dff_err_set(err, DFF_E_CLIENT_DUPLICATED, "%s %s exists already",
                    dff_link_kinds[request->kind].noun, request->id);
    }
    return DFF_ERROR;
}


static int
dff_link_body(dff_db_t *db, void *ctx, dff_err_t *err)
{
    return dff_link_insert(db, ctx, err) == DFF_OK ? dff_link_set(db, ctx, err) : DFF_ERROR;
}


static int
dff_link_modify_body(dff_db_t *db, void *ctx, dff_err_t *err)
{
    const dff_link_t *link = ctx;
    dff_db_value_t    values[] = {
        DFF_DB_VALUE_TEXT_OR_NULL(dff_str_from(link->request->func_id)),
        DFF_DB_VALUE_TEXT_OR_NULL(link->request->kwargs),
        DFF_DB_VALUE_TEXT(link->id),
    };
    dff_db_rows_t     rows;
    size_t            found;

    if (dff_db_query(db, dff_link_kinds[link->request->kind].lock, &values[2], 1, &rows, err)
        != DFF_OK)
    {
        return DFF_ERROR;
    }
    found = rows.nrows;
    dff_db_rows_release(&rows);
    if (found == 0) {
        return dff_err_set(err, DFF_E_CLIENT_NOT_FOUND, "no such %s: %s",
                           dff_link_kinds[link->request->kind].noun, link->id.data);
    }
    if (dff_db_exec(db, dff_link_kinds[link->request->kind].modify, DFF_DB_ARGS(values), NULL,
                    err) != DFF_OK)
    {
        return DFF_ERROR;
    }
    return dff_link_set(db, link, err);
}


/* MySQL first, then the route. */
static int
dff_link_store(dff_db_t *db, dff_rcmd_t *rcmd, dff_db_body_fn body, dff_link_t *link,
    dff_link_result_t *result, dff_err_t *err)
{
    dff_route_kind_t kind = link->request->kind;
    dff_sync_count_t count = { 0 };

    link->id = dff_str_from(result->id);
    if (dff_db_transaction(db, body, link, err) != DFF_OK) {
        return DFF_ERROR;
    }
    result->stored = true;
    if (dff_sync_link(db, rcmd, kind, result->id, &count, err) != DFF_OK) {
        return dff_err_wrap(err, "%s %s is stored but not live", dff_link_kinds[kind].noun,
                            result->id);
    }
    return DFF_OK;
}


int
dff_link_add(dff_db_t *db, dff_rcmd_t *rcmd, const dff_link_request_t *request,
    dff_link_result_t *result, dff_err_t *err)
{
    dff_link_t        link = { .request = request };
    dff_func_config_t config;
    int               version;

    *result = (dff_link_result_t) { 0 };
    if (dff_link_take_id(request, result, err) != DFF_OK
        || dff_link_check(request, err) != DFF_OK
        || dff_func_find(db, request->func_id, &config, &version, err) != DFF_OK)
    {
        return DFF_ERROR;
    }
    return dff_link_store(db, rcmd, dff_link_body, &link, result, err);
}


int
dff_link_modify(dff_db_t *db, dff_rcmd_t *rcmd, const dff_link_request_t *request,
    dff_link_result_t *result, dff_err_t *err)
{
    dff_link_t        link = { .request = request };
    dff_func_config_t config;
    int               version;

    *result = (dff_link_result_t) { 0 };
    if (dff_link_take_id(request, result, err) != DFF_OK
        || dff_link_check(request, err) != DFF_OK)
    {
        return DFF_ERROR;
    }
    if (request->func_id != NULL
        && dff_func_find(db, request->func_id, &config, &version, err) != DFF_OK)
    {
        return DFF_ERROR;
    }
    return dff_link_store(db, rcmd, dff_link_modify_body, &link, result, err);
}


int
dff_link_get(dff_db_t *db, dff_route_kind_t kind, const char *id, dff_db_rows_t *rows,
    dff_err_t *err)
{
    dff_db_value_t values[] = { DFF_DB_VALUE_TEXT(dff_str_from(id)) };

    return dff_db_query(db, dff_link_kinds[kind].get, DFF_DB_ARGS(values), rows, err);
}


int
dff_link_list(dff_db_t *db, dff_route_kind_t kind, int limit, dff_db_rows_t *rows,
    dff_err_t *err)
{
    dff_db_value_t values[] = { DFF_DB_VALUE_INT(limit) };

    return dff_db_query(db, dff_link_kinds[kind].list, DFF_DB_ARGS(values), rows, err);
}
