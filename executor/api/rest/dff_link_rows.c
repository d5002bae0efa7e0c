/* Auth links, batches and crontab configs: ways to call a function. */
#include "api/rest/dff_joined.h"

#include <stdlib.h>

#include "dff_config_table.h"
#include "dff_throttle.h"
#include "store/dff_link.h"
#include "store/dff_stat.h"
#include "store/dff_sync.h"

#include "dff_banned.h"

const char *const dff_link_origins[] = { "API", "UI", NULL };

#define DFF_LINK_CHANGES  (DFF_OP_WRITES)
#define DFF_LINK_SINGLE   (DFF_OP_ADDS | DFF_OP_MODIFY)

#define DFF_COLUMN_ID \
    { { "id", DFF_PROP_STR, DFF_OP_ADDS, .nullable = true, .max = 64, .check = dff_id_is_link, \
        .expects = DFF_LINK_ID_EXPECTS, .about = "Made when it is left out" }, \
      DFF_CELL_TEXT, DFF_IN_BOTH }
#define DFF_COLUMN_FUNC \
    { { "funcId", DFF_PROP_STR, DFF_LINK_CHANGES, DFF_OP_ADDS, .max = 256, \
        .check = dff_id_is_func, .expects = DFF_FUNC_EXPECTS }, DFF_CELL_TEXT, DFF_IN_BOTH }
#define DFF_COLUMN_KWARGS \
    { { "funcCallKwargsJSON", DFF_PROP_FREE, DFF_LINK_CHANGES, DFF_OP_ADDS, \
        .about = "Fixed arguments; INPUT_BY_CALLER lets the caller give one" }, \
      DFF_CELL_JSON, DFF_IN_BOTH }
#define DFF_COLUMN_TAGS \
    { { "tagsJSON", DFF_PROP_STRS, DFF_LINK_CHANGES, .nullable = true, .max = 100 }, \
      DFF_CELL_JSON, DFF_IN_BOTH }
#define DFF_COLUMN_API_AUTH \
    { { "apiAuthId", DFF_PROP_STR, DFF_LINK_CHANGES, .nullable = true, .max = 64 }, \
      DFF_CELL_TEXT, DFF_IN_BOTH }
#define DFF_COLUMN_EXPIRE \
    { { "expireTime", DFF_PROP_TIME, DFF_LINK_SINGLE, .nullable = true }, DFF_CELL_TIME, \
      DFF_IN_BOTH }
#define DFF_COLUMN_ORIGIN(ops_) \
    { { "origin", DFF_PROP_STR, (ops_), .names = dff_link_origins, \
        .about = "Overwritten: UI with the header X-Dff-Origin: DFF-UI, else API" }, \
      DFF_CELL_TEXT, DFF_IN_BOTH }
#define DFF_COLUMN_SHOWN \
    { { "showInDoc", DFF_PROP_BOOL, DFF_LINK_SINGLE }, DFF_CELL_BOOL, DFF_IN_BOTH }
#define DFF_COLUMN_DISABLED \
    { { "isDisabled", DFF_PROP_BOOL, DFF_LINK_CHANGES }, DFF_CELL_BOOL, DFF_IN_BOTH }
#define DFF_COLUMN_NOTE \
    { { "note", DFF_PROP_STR, DFF_LINK_CHANGES, .nullable = true, .max = DFF_NOTE_MAX }, \
      DFF_CELL_TEXT, DFF_IN_BOTH }
#define DFF_COLUMNS_API_AUTH \
    DFF_COLUMN_JOINED("apia_id", "apia.id", DFF_CELL_TEXT), \
    DFF_COLUMN_JOINED("apia_name", "apia.name", DFF_CELL_TEXT), \
    DFF_COLUMN_JOINED("apia_type", "apia.type", DFF_CELL_TEXT)
#define DFF_JOIN_API_AUTH  " LEFT JOIN api_auth apia ON apia.id = t.apiAuthId"


#define DFF_THROTTLE_PROP(name) \
    { name, DFF_PROP_INT, DFF_OP_ALL, .nullable = true, .min = 1, .max = DFF_THROTTLE_MAX_CALLS }

static const dff_prop_t dff_throttling_props[] = {
    DFF_THROTTLE_PROP("bySecond"), DFF_THROTTLE_PROP("byMinute"), DFF_THROTTLE_PROP("byHour"),
    DFF_THROTTLE_PROP("byDay"), DFF_THROTTLE_PROP("byMonth"), DFF_THROTTLE_PROP("byYear"),
};
static const dff_shape_t dff_throttling = DFF_SHAPE(dff_throttling_props);

static const dff_column_t dff_auth_link_columns[] = {
    DFF_COLUMN_SEQ, DFF_COLUMN_ID, DFF_COLUMN_FUNC, DFF_COLUMN_KWARGS, DFF_COLUMN_TAGS,
    DFF_COLUMN_API_AUTH, DFF_COLUMN_EXPIRE,
    { { "throttlingJSON", DFF_PROP_OBJECT, DFF_LINK_SINGLE, .nullable = true,
        .shape = &dff_throttling }, DFF_CELL_JSON, DFF_IN_BOTH },
    DFF_COLUMN_ORIGIN(DFF_OP_ADDS), DFF_COLUMN_SHOWN, DFF_COLUMN_DISABLED, DFF_COLUMN_NOTE,
    DFF_COLUMN_TIMES, DFF_COLUMNS_FUNC_BEGIN, DFF_COLUMNS_FUNC_ARGS, DFF_COLUMNS_FUNC_END,
    DFF_COLUMNS_SCRIPT, DFF_COLUMNS_API_AUTH,
};

static const dff_column_t dff_batch_columns[] = {
    DFF_COLUMN_SEQ, DFF_COLUMN_ID, DFF_COLUMN_FUNC, DFF_COLUMN_KWARGS, DFF_COLUMN_TAGS,
    DFF_COLUMN_API_AUTH, DFF_COLUMN_ORIGIN(0), DFF_COLUMN_SHOWN, DFF_COLUMN_DISABLED,
    DFF_COLUMN_NOTE, DFF_COLUMN_TIMES, DFF_COLUMNS_FUNC_BEGIN, DFF_COLUMNS_FUNC_ARGS,
    DFF_COLUMNS_FUNC_END, DFF_COLUMNS_SCRIPT, DFF_COLUMNS_API_AUTH,
};

static const dff_column_t dff_crontab_columns[] = {
    DFF_COLUMN_SEQ,
    { { "id", DFF_PROP_STR }, DFF_CELL_TEXT, DFF_IN_BOTH },
    DFF_COLUMN_FUNC, DFF_COLUMN_KWARGS,
    { { "crontab", DFF_PROP_STR, DFF_LINK_CHANGES, .nullable = true, .max = 64,
        .about = "Five fields; null: as the function's fixedCrontab says" },
      DFF_CELL_TEXT, DFF_IN_BOTH },
    DFF_COLUMN_TAGS,
    { { "saveResult", DFF_PROP_BOOL }, DFF_CELL_BOOL, DFF_IN_BOTH },
    { { "scope", DFF_PROP_STR, DFF_LINK_SINGLE, .max = 255 }, DFF_CELL_TEXT, DFF_IN_BOTH },
    { { "configMD5", DFF_PROP_STR }, DFF_CELL_TEXT, DFF_IN_BOTH },
    DFF_COLUMN_EXPIRE, DFF_COLUMN_ORIGIN(DFF_OP_ADD), DFF_COLUMN_DISABLED, DFF_COLUMN_NOTE,
    DFF_COLUMN_TIMES, DFF_COLUMNS_FUNC_BEGIN, DFF_COLUMNS_FUNC_END, DFF_COLUMNS_SCRIPT,
};

/* --- checks ---------------------------------------------------------------------------------- */

dff_str_t
dff_origin_of(const dff_web_call_t *call)
{
    return dff_str_eq(dff_web_header(&call->req, "HTTP_X_DFF_ORIGIN"), DFF_STR("DFF-UI"))
        ? DFF_STR("UI") : DFF_STR("API");
}


int
dff_hold_func(dff_web_call_t *call, dff_str_t id, dff_err_t *err)
{
    return dff_entity_hold(call, "SELECT id FROM func WHERE id = ?", "func", id, err);
}


/* The members of given over those of stored, in the arena. */
static int
dff_link_merge(dff_web_call_t *call, dff_str_t stored, dff_str_t given, dff_str_t *merged,
    dff_err_t *err)
{
    dff_json_object_t it;
    dff_json_member_t member, other;
    dff_buf_t         out = DFF_BUF_INIT;
    bool              first = true;
    const char       *copy;

    dff_buf_add_str(&out, DFF_STR("{"));
    for (int round = 0; round < 2; round++) {
        if (dff_json_object_open(&it, round == 0 ? stored : given) != DFF_OK) {
            continue;
        }
        while (dff_json_object_next(&it, &member, NULL) == 1) {
            dff_str_t key = dff_json_decoded(&call->arena, (dff_str_t) {
                member.key.data - 1, member.key.len + 2 });

            if (round == 0 && key.data != NULL && dff_member_get(given, key.data, &other)) {
                continue;
            }
            dff_buf_addf(&out, "%s\"", first ? "" : ",");
            dff_buf_add_str(&out, member.key);
            dff_buf_add_str(&out, DFF_STR("\":"));
            dff_buf_add_str(&out, member.value);
            first = false;
        }
    }
    dff_buf_add_str(&out, DFF_STR("}"));
    copy = dff_buf_failed(&out) ? NULL
        : dff_arena_copy(&call->arena, (dff_str_t) { out.data, out.len });
    *merged = (dff_str_t) { copy, out.len };
    dff_buf_release(&out);
    return copy == NULL ? dff_err_set(err, DFF_E_SYS, "out of memory") : DFF_OK;
}


static int
dff_link_merge_kwargs(dff_web_call_t *call, dff_write_t *write, const char *sql, dff_err_t *err)
{
    const dff_db_value_t *given = dff_write_get(write, "funcCallKwargsJSON");
    dff_db_value_t        values[] = { DFF_DB_VALUE_TEXT(write->id) };
    dff_str_t             merged;
    dff_db_rows_t         rows;
    int                   rc = DFF_OK;

    if (write->op != DFF_OP_MANY || given == NULL) {
        return DFF_OK;
    }
    if (dff_db_query(call->web->api->db, sql, DFF_DB_ARGS(values), &rows, err) != DFF_OK) {
        return DFF_ERROR;
    }
    if (rows.nrows > 0) {
        rc = dff_link_merge(call, dff_db_cell(&rows, 0, 0), given->text, &merged, err);
        if (rc == DFF_OK) {
            rc = dff_write_set(write, "funcCallKwargsJSON", DFF_DB_VALUE_TEXT(merged), err);
        }
    }
    dff_db_rows_release(&rows);
    return rc;
}


/* What links of all kinds have in common. */
static int
dff_link_check_common(dff_web_call_t *call, dff_write_t *write, const char *kwargs_sql,
    dff_err_t *err)
{
    const dff_db_value_t *func = dff_write_get(write, "funcId");
    const dff_db_value_t *kwargs;

    if (func != NULL && dff_hold_func(call, func->text, err) != DFF_OK) {
        return DFF_ERROR;
    }
    if (dff_link_merge_kwargs(call, write, kwargs_sql, err) != DFF_OK) {
        return DFF_ERROR;
    }
    kwargs = dff_write_get(write, "funcCallKwargsJSON");
    if (kwargs != NULL && kwargs->text.len > DFF_LINK_KWARGS_MAX) {
        return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST,
                           "data.funcCallKwargsJSON has %zu bytes, at most %u are allowed",
                           kwargs->text.len, DFF_LINK_KWARGS_MAX);
    }
    return (write->op & DFF_OP_ADDS) == 0 ? DFF_OK
        : dff_write_set(write, "origin", DFF_DB_VALUE_TEXT(dff_origin_of(call)), err);
}


static int
dff_link_check_api_auth(dff_web_call_t *call, dff_write_t *write, dff_err_t *err)
{
    const dff_db_value_t *auth = dff_write_get(write, "apiAuthId");

    if (auth == NULL || auth->type == DFF_DB_NULL) {
        return DFF_OK;
    }
    if (auth->text.len == 0) {
        return dff_write_set(write, "apiAuthId", DFF_DB_VALUE_NULL, err);
    }
    return dff_entity_hold(call, "SELECT id FROM api_auth WHERE id = ? LOCK IN SHARE MODE",
                           "API auth", auth->text, err);
}


static int
dff_auth_link_before(dff_web_call_t *call, dff_write_t *write, dff_err_t *err)
{
    return dff_link_check_common(call, write,
                                 "SELECT funcCallKwargsJSON FROM auth_link WHERE id = ?", err)
        == DFF_OK ? dff_link_check_api_auth(call, write, err) : DFF_ERROR;
}


static int
dff_batch_before(dff_web_call_t *call, dff_write_t *write, dff_err_t *err)
{
    return dff_link_check_common(call, write,
                                 "SELECT funcCallKwargsJSON FROM batch WHERE id = ?", err)
        == DFF_OK ? dff_link_check_api_auth(call, write, err) : DFF_ERROR;
}


/* A function that says itself when it runs is not overruled. */
static int
dff_crontab_fix(dff_web_call_t *call, dff_write_t *write, dff_err_t *err)
{
    const dff_db_value_t *func = dff_write_get(write, "funcId");
    dff_db_value_t        values[] = {
        func != NULL ? *func : DFF_DB_VALUE_NULL, DFF_DB_VALUE_TEXT(write->id)
    };
    dff_db_rows_t         rows;
    dff_str_t             extra;
    bool                  fixed = false;

    if (dff_db_query(call->web->api->db, "SELECT extraConfigJSON FROM func WHERE id ="
                     " COALESCE(?, (SELECT funcId FROM crontab_config WHERE id = ?))",
                     DFF_DB_ARGS(values), &rows, err) != DFF_OK)
    {
        return DFF_ERROR;
    }
    if (rows.nrows > 0) {
        extra = dff_db_cell(&rows, 0, 0);
        fixed = extra.data != NULL && dff_member_is(extra, "fixedCrontab", DFF_JSON_STRING);
    }
    dff_db_rows_release(&rows);
    return fixed ? dff_write_set(write, "crontab", DFF_DB_VALUE_NULL, err) : DFF_OK;
}


static int
dff_crontab_before(dff_web_call_t *call, dff_write_t *write, dff_err_t *err)
{
    const dff_db_value_t *crontab = dff_write_get(write, "crontab");

    if (crontab != NULL && crontab->type == DFF_DB_TEXT
        && (crontab->text.len == 0 || dff_check_crontab(crontab->text.data) != NULL))
    {
        return dff_web_refuse(call, err, DFF_E_CLIENT_BAD_REQUEST, "InvalidCronTabExpression",
                              json_pack("{s:s}", "crontab", crontab->text.data),
                              "data.crontab must be five fields: minute hour day month weekday");
    }
    if (dff_link_check_common(call, write,
                              "SELECT funcCallKwargsJSON FROM crontab_config WHERE id = ?", err)
        != DFF_OK)
    {
        return DFF_ERROR;
    }
    return dff_crontab_fix(call, write, err);
}

/* --- what Redis has to know ------------------------------------------------------------------ */

static int
dff_link_tell(dff_web_call_t *call, dff_route_kind_t kind, dff_str_t id, dff_err_t *err)
{
    dff_sync_count_t count = { 0 };
    const char      *copy = dff_arena_copy(&call->arena, id);

    return copy == NULL ? dff_err_set(err, DFF_E_SYS, "out of memory")
        : dff_sync_link(call->web->api->db, call->web->api->rcmd, kind, copy, &count, err);
}


static int
dff_auth_link_after(dff_web_call_t *call, unsigned op, dff_str_t id, dff_err_t *err)
{
    (void) op;
    return dff_link_tell(call, DFF_ROUTE_AUTH_LINK, id, err);
}


static int
dff_batch_after(dff_web_call_t *call, unsigned op, dff_str_t id, dff_err_t *err)
{
    (void) op;
    return dff_link_tell(call, DFF_ROUTE_BATCH, id, err);
}

/* --- what lists have more than columns ------------------------------------------------------- */

/* Statistics that nginx gathers, of all rows in one pipeline. */
static int
dff_auth_link_extend(dff_web_call_t *call, const dff_db_rows_t *rows, size_t id_column,
    dff_buf_t *extras, dff_err_t *err)
{
    dff_rcmd_t *rcmd = call->web->api->rcmd;

    for (size_t i = 0; i < rows->nrows; i++) {
        if (dff_stat_ask(rcmd, DFF_ROUTE_AUTH_LINK, dff_db_cell(rows, i, id_column), err)
            != DFF_OK)
        {
            return DFF_ERROR;
        }
    }
    for (size_t i = 0; i < rows->nrows; i++) {
        json_t *stat = dff_stat_take(rcmd, &call->web->tz, call->req.began_ms, err);
        char   *text = stat == NULL ? NULL : json_dumps(stat, JSON_COMPACT);

        json_decref(stat);
        if (text == NULL) {
            dff_rcmd_abandon(rcmd);
            return DFF_ERROR;
        }
        /* its members, without the braces */
        dff_buf_add_str(&extras[i], DFF_STR(","));
        dff_buf_add(&extras[i], text + 1, strlen(text) - 2);
        free(text);
    }
    return DFF_OK;
}


/* taskInfoCount, when it is asked for. */
static int
dff_link_count_tasks(dff_web_call_t *call, const char *sql, const dff_db_rows_t *rows,
    size_t id_column, dff_buf_t *extras, dff_err_t *err)
{
    if (dff_web_query_bool(dff_web_query(&call->req, "_withTaskInfoCount")) != 1) {
        return DFF_OK;
    }
    for (size_t i = 0; i < rows->nrows; i++) {
        dff_db_value_t values[] = { DFF_DB_VALUE_TEXT(dff_db_cell(rows, i, id_column)) };
        dff_db_rows_t  count;

        if (dff_db_query(call->web->api->db, sql, DFF_DB_ARGS(values), &count, err) != DFF_OK) {
            return DFF_ERROR;
        }
        dff_buf_addf(&extras[i], ",\"taskInfoCount\":%lld",
                     (long long) dff_db_number(dff_db_cell(&count, 0, 0)));
        dff_db_rows_release(&count);
    }
    return DFF_OK;
}


static int
dff_crontab_extend(dff_web_call_t *call, const dff_db_rows_t *rows, size_t id_column,
    dff_buf_t *extras, dff_err_t *err)
{
    return dff_link_count_tasks(call, "SELECT COUNT(*) FROM crontab_task_info"
                                " WHERE crontabConfigId = ?", rows, id_column, extras, err);
}


static int
dff_batch_extend(dff_web_call_t *call, const dff_db_rows_t *rows, size_t id_column,
    dff_buf_t *extras, dff_err_t *err)
{
    return dff_link_count_tasks(call, "SELECT COUNT(*) FROM batch_task_info WHERE batchId = ?",
                                rows, id_column, extras, err);
}

static const dff_prop_t dff_link_day_props[] = {
    DFF_ANSWERED("date", DFF_PROP_STR, .about = "2021-10-14"),
    DFF_ANSWERED("count", DFF_PROP_INT),
};
static const dff_shape_t dff_link_day = DFF_SHAPE(dff_link_day_props);
#define DFF_LINK_COST(name)  DFF_ANSWERED(name, DFF_PROP_INT, .nullable = true)
static const dff_prop_t  dff_link_cost_props[] = {
    DFF_ANSWERED("samples", DFF_PROP_INT), DFF_LINK_COST("min"), DFF_LINK_COST("max"),
    DFF_LINK_COST("avg"), DFF_LINK_COST("mid"), DFF_LINK_COST("p75"), DFF_LINK_COST("p95"),
    DFF_LINK_COST("p99"),
};
static const dff_shape_t dff_link_cost = DFF_SHAPE(dff_link_cost_props);
static const dff_prop_t  dff_link_calls = { .type = DFF_PROP_INT };
static const dff_prop_t  dff_auth_link_more_props[] = {
    DFF_ANSWERED("recentRunningCount", DFF_PROP_OBJECTS, .shape = &dff_link_day,
                 .about = "The last 7 days, today first"),
    DFF_ANSWERED("recentRunningStatus", DFF_PROP_MAP, .of = &dff_link_calls,
                 .about = "Outcomes of the last calls; total: of all"),
    DFF_ANSWERED("recentRunningCost", DFF_PROP_OBJECT, .shape = &dff_link_cost, .about = "ms"),
};
static const dff_shape_t dff_auth_link_more = DFF_SHAPE(dff_auth_link_more_props);
static const dff_prop_t  dff_link_more_props[] = {
    DFF_ANSWERED_MAYBE("taskInfoCount", DFF_PROP_INT, .about = "With _withTaskInfoCount"),
};
static const dff_shape_t dff_link_more = DFF_SHAPE(dff_link_more_props);

/* --- entities -------------------------------------------------------------------------------- */

#define DFF_LINK_FILTERS \
    { "id", DFF_FILTER_IN, "t.id", NULL }, DFF_FILTERS_FUNC, \
    { "origin", DFF_FILTER_IN, "t.origin", dff_link_origins }, \
    { "tags", DFF_FILTER_TAGS, "t.tagsJSON", NULL }

static const dff_filter_t dff_auth_link_filters[] = { DFF_LINK_FILTERS };
static const dff_filter_t dff_batch_filters[] = { DFF_LINK_FILTERS };
static const dff_filter_t dff_crontab_filters[] = {
    DFF_LINK_FILTERS, { "scope", DFF_FILTER_IN, "t.scope", NULL },
};

#define DFF_LINK_SORTS  { "seq", "t.seq" }, { "funcId", "t.funcId" }

static const dff_sort_t dff_auth_link_sorts[] = { DFF_LINK_SORTS };
static const dff_sort_t dff_batch_sorts[] = { DFF_LINK_SORTS };
static const dff_sort_t dff_crontab_sorts[] = { DFF_LINK_SORTS };

static const char *const dff_link_fuzzy[] = {
    "t.id", "t.funcId", "t.funcCallKwargsJSON", "t.tagsJSON", "t.note", "func.title",
    "func.description", "func.tagsJSON", NULL
};

static const dff_entity_t dff_auth_link_entity = {
    .noun = "auth link", .table = "auth_link",
    .joins = DFF_JOIN_FUNC DFF_JOIN_SCRIPT DFF_JOIN_API_AUTH,
    DFF_ENTITY_TABLE(dff_auth_link), .fuzzy = dff_link_fuzzy, .order = "t.seq DESC",
    .flags = DFF_ENTITY_FIELDS | DFF_ENTITY_NO_EXPORT, .id_prefix = "auln-",
    .url = "/api/v1/al/", .before = dff_auth_link_before, .after = dff_auth_link_after,
    .unsynced = DFF_UNSYNCED_AUTH_LINK, .extend = dff_auth_link_extend,
    .more = &dff_auth_link_more,
};

static const dff_entity_t dff_batch_entity = {
    .noun = "batch", .table = "batch",
    .joins = DFF_JOIN_FUNC DFF_JOIN_SCRIPT DFF_JOIN_API_AUTH,
    DFF_ENTITY_TABLE(dff_batch), .fuzzy = dff_link_fuzzy, .order = "t.seq DESC",
    .flags = DFF_ENTITY_FIELDS | DFF_ENTITY_NO_EXPORT | DFF_ENTITY_COUNTS, .id_prefix = "bat-",
    .url = "/api/v1/bat/", .before = dff_batch_before, .after = dff_batch_after,
    .unsynced = DFF_UNSYNCED_BATCH, .extend = dff_batch_extend,
    .more = &dff_link_more,
};

static const dff_entity_t dff_crontab_entity = {
    .noun = "crontab config", .table = "crontab_config",
    .joins = DFF_JOIN_FUNC DFF_JOIN_SCRIPT,
    DFF_ENTITY_TABLE(dff_crontab), .fuzzy = dff_link_fuzzy, .order = "t.seq DESC",
    .flags = DFF_ENTITY_FIELDS | DFF_ENTITY_NO_EXPORT | DFF_ENTITY_COUNTS, .id_prefix = "cron-",
    .before = dff_crontab_before, .extend = dff_crontab_extend,
    .more = &dff_link_more,
};

#define DFF_LINK_BODIES(name) \
    DFF_BODY_OF(name##_add_body, name##_columns, DFF_OP_ADD); \
    DFF_BODY_LIST_OF(name##_adds_body, name##_columns, DFF_OP_ADD_MANY); \
    DFF_BODY_OF(name##_modify_body, name##_columns, DFF_OP_MODIFY); \
    DFF_BODY_OF(name##_many_body, name##_columns, DFF_OP_MANY)

DFF_LINK_BODIES(dff_auth_link);
DFF_LINK_BODIES(dff_batch);
DFF_LINK_BODIES(dff_crontab);

#define DFF_LINK_ROUTES(base, one, many, name) \
    DFF_ROUTE_LIST(base, many, &name##_entity, DFF_GENERAL_R, DFF_SIGN_IN_ANY), \
    DFF_ROUTE_ADD(base, one, &name##_entity, DFF_GENERAL_W, DFF_SIGN_IN_ANY, \
                  &name##_add_body), \
    DFF_ROUTE_MODIFY(base, one, &name##_entity, DFF_GENERAL_W, DFF_SIGN_IN_ANY, \
                     &name##_modify_body), \
    DFF_ROUTE_DELETE(base, one, &name##_entity, DFF_GENERAL_W, DFF_SIGN_IN_ANY), \
    DFF_ROUTE_ADD_MANY(base, many, &name##_entity, DFF_GENERAL_W, DFF_SIGN_IN_ANY, \
                       &name##_adds_body), \
    DFF_ROUTE_MODIFY_MANY(base, many, &name##_entity, DFF_GENERAL_W, DFF_SIGN_IN_ANY, \
                          &name##_many_body), \
    DFF_ROUTE_DELETE_MANY(base, many, &name##_entity, DFF_GENERAL_W, DFF_SIGN_IN_ANY)

static const dff_endpoint_t dff_link_rows[] = {
    DFF_LINK_ROUTES("/api/v1/auth-links", "an auth link", "auth links", dff_auth_link),
    DFF_LINK_ROUTES("/api/v1/batches", "a batch", "batches", dff_batch),
    DFF_LINK_ROUTES("/api/v1/crontab-configs", "a crontab config", "crontab configs",
                    dff_crontab),
};

const dff_endpoint_group_t dff_link_routes = DFF_ENDPOINTS(dff_link_rows);
