/* Settings that are kept in the database. */
#include "api/rest/dff_entity.h"
#include "api/rest/dff_routes.h"

#include "dff_banned.h"

#define DFF_SYSTEM_CONFIG_SCHEMA  "upgrade.db.upgradeSeq"   /* ours: the version of the schema */

static const dff_column_t dff_system_config_columns[] = {
    DFF_COLUMN_SEQ,
    { { "id", DFF_PROP_STR }, DFF_CELL_TEXT, DFF_IN_BOTH },
    { { "value", DFF_PROP_STR, DFF_OP_MODIFY, DFF_OP_MODIFY }, DFF_CELL_TEXT, DFF_IN_BOTH },
    DFF_COLUMN_TIMES,
};

static const dff_filter_t dff_system_config_filters[] = {
    { "id", DFF_FILTER_IN, "t.id", NULL },
};

static const char *const dff_system_config_fuzzy[] = { "t.id", NULL };


static int
dff_system_config_check(dff_web_call_t *call, dff_str_t id, dff_err_t *err)
{
    if (dff_str_eq(id, DFF_STR(DFF_SYSTEM_CONFIG_SCHEMA))) {
        return dff_web_refuse(call, err, DFF_E_BIZ_CONDITION, NULL, NULL,
                              "%s is set by migrations only", DFF_SYSTEM_CONFIG_SCHEMA);
    }
    return DFF_OK;
}


static int
dff_system_config_remove(dff_web_call_t *call, dff_str_t id, dff_err_t *err)
{
    return dff_system_config_check(call, id, err);
}


static const dff_entity_t dff_system_config_entity = {
    .noun = "system config", .table = "system_config", .joins = "",
    .columns = dff_system_config_columns,
    .ncolumns = sizeof(dff_system_config_columns) / sizeof(dff_system_config_columns[0]),
    .filters = dff_system_config_filters, .nfilters = 1, .fuzzy = dff_system_config_fuzzy,
    .order = "t.seq DESC", .paging = DFF_PAGING_NONE, .flags = DFF_ENTITY_EXPORT,
    .remove = dff_system_config_remove,
};


/* What one run of the transaction finds and writes. */
typedef struct {
    dff_web_call_t *call;
    dff_str_t       value;
    json_t         *before;
} dff_system_config_set_t;


static int
dff_system_config_set_body(dff_db_t *db, void *ctx, dff_err_t *err)
{
    dff_system_config_set_t *set = ctx;
    dff_str_t                id = set->call->params[0];
    dff_db_value_t           values[] = {
        DFF_DB_VALUE_TEXT(id), DFF_DB_VALUE_TEXT(set->value)
    };
    dff_db_rows_t            rows;

    if (dff_db_query(db, "SELECT value FROM system_config WHERE id = ? FOR UPDATE", values, 1,
                     &rows, err) != DFF_OK)
    {
        return DFF_ERROR;
    }
    json_decref(set->before);
    set->before = rows.nrows == 0 ? json_null()
        : json_stringn(dff_db_cell(&rows, 0, 0).data, dff_db_cell(&rows, 0, 0).len);
    dff_db_rows_release(&rows);
    return dff_db_exec(db, "INSERT INTO system_config (id, value) VALUES (?, ?)"
                           " ON DUPLICATE KEY UPDATE value = VALUES(value)", DFF_DB_ARGS(values),
                       NULL, err);
}


static int
dff_system_config_set(dff_web_call_t *call, dff_err_t *err)
{
    dff_system_config_set_t set = {
        .call = call, .value = dff_member_text(&call->arena, dff_web_data(call), "value")
    };

    if (dff_system_config_check(call, call->params[0], err) != DFF_OK) {
        return DFF_ERROR;
    }
    if (call->params[0].len > 64) {
        return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST, "an id has at most 64 bytes");
    }
    if (dff_db_transaction(call->web->api->db, dff_system_config_set_body, &set, err) != DFF_OK) {
        json_decref(set.before);
        return dff_entity_translate(call, &dff_system_config_entity, err);
    }
    return dff_web_reply(call, json_pack("{s:o, s:s%}", "oldValue", set.before, "newValue",
                                         set.value.data, set.value.len), err);
}


DFF_BODY_OF(dff_system_config_set_shape, dff_system_config_columns, DFF_OP_MODIFY);

static const dff_prop_t dff_system_config_answer_props[] = {
    DFF_ANSWERED("oldValue", DFF_PROP_STR, .nullable = true, .about = "null when it is new"),
    DFF_ANSWERED("newValue", DFF_PROP_STR),
};
DFF_ANSWER(dff_system_config_set_answer, dff_system_config_answer_props, DFF_PROP_OBJECT);

#define DFF_SYSTEM_CONFIGS  "/api/v1/system-configs"

static const dff_endpoint_t dff_system_config_rows[] = {
    DFF_ROUTE_LIST(DFF_SYSTEM_CONFIGS, "system configs", &dff_system_config_entity,
                   DFF_SYSTEM_CONFIG_R, DFF_SIGN_IN_ANY),
    DFF_ROUTE_GET(DFF_SYSTEM_CONFIGS, "a system config", &dff_system_config_entity,
                  DFF_SYSTEM_CONFIG_R, DFF_SIGN_IN_ANY),
    { DFF_WEB_POST, DFF_SYSTEM_CONFIGS "/:id/do/set", "Set a system config", DFF_SIGN_IN_TOKEN,
      DFF_SYSTEM_CONFIG_W, .body = &dff_system_config_set_shape,
      .handler = dff_system_config_set, .entity = &dff_system_config_entity,
      .answer = &dff_system_config_set_answer },
    DFF_ROUTE_DELETE(DFF_SYSTEM_CONFIGS, "a system config", &dff_system_config_entity,
                     DFF_SYSTEM_CONFIG_W, DFF_SIGN_IN_TOKEN),
};

const dff_endpoint_group_t dff_system_config_routes = DFF_ENDPOINTS(dff_system_config_rows);
