/* API auths: who may call a link. */
#include "api/rest/dff_joined.h"

#include <stdlib.h>

#include "dff_auth_proof.h"
#include "store/dff_api_auth_config.h"
#include "store/dff_sync.h"

#include "dff_banned.h"

static const char *const dff_api_auth_types[] = {
    "fixedField", "httpBasic", "httpDigest", "func", NULL
};
static const char *const dff_api_auth_locations[] = { "header", "query", "body", NULL };

static const dff_prop_t dff_api_auth_field_props[] = {
    { "location", DFF_PROP_STR, DFF_OP_ALL, DFF_OP_ALL, .names = dff_api_auth_locations },
    { "name", DFF_PROP_STR, DFF_OP_ALL, DFF_OP_ALL, .min = 1, .max = 256 },
    { "value", DFF_PROP_STR, DFF_OP_ALL, DFF_OP_ALL, .min = 1, .max = 4096 },
};
static const dff_shape_t dff_api_auth_field = DFF_SHAPE(dff_api_auth_field_props);

static const dff_prop_t dff_api_auth_user_props[] = {
    { "username", DFF_PROP_STR, DFF_OP_ALL, DFF_OP_ALL, .min = 1, .max = 256 },
    { "password", DFF_PROP_STR, DFF_OP_ALL, .nullable = true, .max = 4096,
      .about = "Left out when modifying: the stored one stays" },
};
static const dff_shape_t dff_api_auth_user = DFF_SHAPE(dff_api_auth_user_props);

static const dff_prop_t dff_api_auth_config_props[] = {
    { "fields", DFF_PROP_OBJECTS, DFF_OP_ALL, .nullable = true, .shape = &dff_api_auth_field },
    { "users", DFF_PROP_OBJECTS, DFF_OP_ALL, .nullable = true, .shape = &dff_api_auth_user },
    { "funcId", DFF_PROP_STR, DFF_OP_ALL, .nullable = true, .max = 256 },
};
static const dff_shape_t dff_api_auth_config = DFF_SHAPE(dff_api_auth_config_props);


/* Names stay, secrets go: no key of a sealed one is shown. */
static int
dff_api_auth_show(dff_web_call_t *call, dff_buf_t *out, dff_str_t id, dff_str_t cell,
    dff_err_t *err)
{
    static const char *const lists[] = { "fields", "users" };
    json_t *config = json_loadb(cell.data, cell.len, 0, NULL), *row;
    char   *text;
    size_t  i;

    (void) call;
    (void) id;
    for (size_t k = 0; k < 2; k++) {
        json_array_foreach(json_object_get(config, lists[k]), i, row) {
            (void) json_object_del(row, "passwordCipher");     /* not there: as good */
            (void) json_object_del(row, "valueCipher");
        }
    }
    text = config == NULL ? NULL : json_dumps(config, JSON_COMPACT);
    json_decref(config);
    dff_buf_add_str(out, text == NULL ? DFF_STR("null") : dff_str_from(text));
    free(text);
    return dff_buf_failed(out) ? dff_err_set(err, DFF_E_SYS, "out of memory") : DFF_OK;
}


/* Sealed in the hook, which knows the type. */
static int
dff_api_auth_store(dff_web_call_t *call, dff_write_t *write, const dff_column_t *column,
    const dff_json_member_t *value, dff_err_t *err)
{
    (void) call;
    return dff_write_set(write, column->prop.name, DFF_DB_VALUE_TEXT(value->value), err);
}


static const dff_column_t dff_api_auth_columns[] = {
    DFF_COLUMN_SEQ,
    { { "id", DFF_PROP_STR }, DFF_CELL_TEXT, DFF_IN_BOTH },
    { { "name", DFF_PROP_STR, DFF_OP_ADD | DFF_OP_MODIFY, .nullable = true,
        .max = DFF_TITLE_MAX }, DFF_CELL_TEXT, DFF_IN_BOTH },
    { { "type", DFF_PROP_STR, DFF_OP_ADD, DFF_OP_ADD, .names = dff_api_auth_types },
      DFF_CELL_TEXT, DFF_IN_BOTH },
    { { "configJSON", DFF_PROP_OBJECT, DFF_OP_ADD | DFF_OP_MODIFY, DFF_OP_ADD,
        .shape = &dff_api_auth_config }, DFF_CELL_JSON, DFF_IN_BOTH, NULL, dff_api_auth_show,
      dff_api_auth_store },
    { { "note", DFF_PROP_STR, DFF_OP_ADD | DFF_OP_MODIFY, .nullable = true,
        .max = DFF_NOTE_MAX }, DFF_CELL_TEXT, DFF_IN_BOTH },
    DFF_COLUMN_TIMES, DFF_COLUMNS_FUNC_BEGIN, DFF_COLUMNS_FUNC_END, DFF_COLUMNS_SCRIPT,
};


/* Checks and seals what is given; stored: the config that it replaces, or empty. */
static int
dff_api_auth_seal(dff_web_call_t *call, dff_write_t *write, dff_str_t type, dff_str_t stored,
    dff_err_t *err)
{
    dff_str_t   given = dff_write_get(write, "configJSON")->text;
    dff_str_t   func = dff_member_text(&call->arena, given, "funcId");
    dff_buf_t   sealed = DFF_BUF_INIT;
    const char *copy;
    int         kind = dff_auth_type_from(type), rc;

    if (kind < 0) {
        return dff_err_set(err, DFF_E_SYS, "an API auth of no known type");
    }
    if (kind == DFF_AUTH_FUNC && func.len > 0 && dff_hold_func(call, func, err) != DFF_OK) {
        return DFF_ERROR;
    }
    rc = dff_api_auth_config_seal(&sealed, dff_str_from(call->web->api->cfg->secret), write->id,
                                  (dff_auth_type_t) kind, given, stored, err);
    if (rc == DFF_OK) {
        copy = dff_arena_copy(&call->arena, (dff_str_t) { sealed.data, sealed.len });
        rc = copy == NULL ? dff_err_set(err, DFF_E_SYS, "out of memory")
            : dff_write_set(write, "configJSON",
                            DFF_DB_VALUE_TEXT(((dff_str_t) { copy, sealed.len })), err);
    }
    dff_buf_release(&sealed);
    return rc;
}


static int
dff_api_auth_before(dff_web_call_t *call, dff_write_t *write, dff_err_t *err)
{
    dff_db_value_t values[] = { DFF_DB_VALUE_TEXT(write->id) };
    dff_db_rows_t  rows;
    int            rc = DFF_OK;

    if (dff_write_get(write, "configJSON") == NULL) {
        return DFF_OK;
    }
    if (write->op == DFF_OP_ADD) {
        return dff_api_auth_seal(call, write, dff_write_get(write, "type")->text, DFF_STR(""),
                                 err);
    }
    if (dff_db_query(call->web->api->db, "SELECT type, configJSON FROM api_auth WHERE id = ?",
                     DFF_DB_ARGS(values), &rows, err) != DFF_OK)
    {
        return DFF_ERROR;
    }
    if (rows.nrows > 0) {
        rc = dff_api_auth_seal(call, write, dff_db_cell(&rows, 0, 0), dff_db_cell(&rows, 0, 1),
                               err);
    }
    dff_db_rows_release(&rows);
    return rc;
}


static int
dff_api_auth_remove(dff_web_call_t *call, dff_str_t id, dff_err_t *err)
{
    dff_db_value_t values[] = { DFF_DB_VALUE_TEXT(id), DFF_DB_VALUE_TEXT(id) };
    dff_db_rows_t  rows;
    int64_t        links;

    if (dff_db_query(call->web->api->db,
                     "SELECT (SELECT COUNT(*) FROM auth_link WHERE apiAuthId = ?)"
                     " + (SELECT COUNT(*) FROM batch WHERE apiAuthId = ?)", DFF_DB_ARGS(values),
                     &rows, err) != DFF_OK)
    {
        return DFF_ERROR;
    }
    links = dff_db_number(dff_db_cell(&rows, 0, 0));
    dff_db_rows_release(&rows);
    return links == 0 ? DFF_OK
        : dff_web_refuse(call, err, DFF_E_BIZ_CONDITION, NULL,
                         json_pack("{s:I}", "links", (json_int_t) links),
                         "%lld links need this API auth", (long long) links);
}


static int
dff_api_auth_after(dff_web_call_t *call, unsigned op, dff_str_t id, dff_err_t *err)
{
    dff_sync_count_t count = { 0 };
    const char      *copy = dff_arena_copy(&call->arena, id);

    (void) op;
    return copy == NULL ? dff_err_set(err, DFF_E_SYS, "out of memory")
        : dff_sync_api_auth(call->web->api->db, call->web->api->rcmd, copy, &count, err);
}


static const dff_filter_t dff_api_auth_filters[] = {
    { "id", DFF_FILTER_IN, "t.id", NULL },
    { "type", DFF_FILTER_IN, "t.type", dff_api_auth_types },
    { "name", DFF_FILTER_LIKE, "t.name", NULL },
    { "note", DFF_FILTER_LIKE, "t.note", NULL },
};

static const dff_sort_t dff_api_auth_sorts[] = { { "id", "t.id" }, { "seq", "t.seq" } };

static const char *const dff_api_auth_fuzzy[] = {
    "t.id", "t.name", "t.configJSON", "t.note", NULL
};

static const dff_entity_t dff_api_auth_entity = {
    .noun = "API auth", .table = "api_auth",
    .joins = " LEFT JOIN func ON t.type = 'func' AND func.id ="
             " JSON_UNQUOTE(JSON_EXTRACT(t.configJSON, '$.funcId'))" DFF_JOIN_SCRIPT,
    DFF_ENTITY_TABLE(dff_api_auth), .fuzzy = dff_api_auth_fuzzy, .order = "t.seq",
    .flags = DFF_ENTITY_FIELDS | DFF_ENTITY_EXPORT, .id_prefix = "apia-",
    .before = dff_api_auth_before, .remove = dff_api_auth_remove, .after = dff_api_auth_after,
    .unsynced = DFF_UNSYNCED_API_AUTH,
};

DFF_BODY_OF(dff_api_auth_add_body, dff_api_auth_columns, DFF_OP_ADD);
DFF_BODY_OF(dff_api_auth_modify_body, dff_api_auth_columns, DFF_OP_MODIFY);

#define DFF_API_AUTHS  "/api/v1/api-auth"

static const dff_endpoint_t dff_api_auth_rows[] = {
    DFF_ROUTE_LIST(DFF_API_AUTHS, "API auths", &dff_api_auth_entity, DFF_GENERAL_R,
                   DFF_SIGN_IN_ANY),
    { DFF_WEB_POST, DFF_API_AUTHS "/do/add", "Add an API auth", DFF_SIGN_IN_ANY, DFF_GENERAL_W,
      .body = &dff_api_auth_add_body, .handler = dff_entity_add,
      .entity = &dff_api_auth_entity, .flags = DFF_ENDPOINT_SECRET,
      .answer = &dff_answer_id },
    { DFF_WEB_POST, DFF_API_AUTHS "/:id/do/modify", "Modify an API auth", DFF_SIGN_IN_ANY,
      DFF_GENERAL_W, .body = &dff_api_auth_modify_body, .handler = dff_entity_modify,
      .entity = &dff_api_auth_entity, .flags = DFF_ENDPOINT_SECRET,
      .answer = &dff_answer_id },
    DFF_ROUTE_DELETE(DFF_API_AUTHS, "an API auth", &dff_api_auth_entity, DFF_GENERAL_W,
                     DFF_SIGN_IN_ANY),
};

const dff_endpoint_group_t dff_api_auth_routes = DFF_ENDPOINTS(dff_api_auth_rows);
