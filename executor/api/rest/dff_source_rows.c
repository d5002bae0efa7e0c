/* Data sources of scripts. Their secrets are sealed by the store (store/dff_source.h). */
#include "api/rest/dff_entity.h"
#include "api/rest/dff_routes.h"

#include "api/rest/dff_source_try.h"
#include "store/dff_source.h"

#include "dff_banned.h"

#define DFF_SOURCE_RESERVED  "dataflux_"

static const char *const dff_source_types[] = {
    "df_dataway", "df_datakit", "dff_sidecar", "influxdb", "mysql", "redis", "memcached",
    "clickhouse", "oracle", "sqlserver", "postgresql", "mongodb", "elasticsearch", "nsq", "mqtt",
    "http", NULL
};


static int
dff_source_show(dff_web_call_t *call, dff_buf_t *out, dff_str_t id, dff_str_t cell,
    dff_err_t *err)
{
    (void) call;
    (void) id;
    (void) err;
    dff_source_tell(out, cell);
    return DFF_OK;
}


/* Sealed in the hook, which knows the type. */
static int
dff_source_store(dff_web_call_t *call, dff_write_t *write, const dff_column_t *column,
    const dff_json_member_t *value, dff_err_t *err)
{
    (void) call;
    return dff_write_set(write, column->prop.name, DFF_DB_VALUE_TEXT(value->value), err);
}


static const dff_column_t dff_source_columns[] = {
    DFF_COLUMN_SEQ,
    { { "id", DFF_PROP_STR, DFF_OP_ADD, DFF_OP_ADD, .max = 64, .check = dff_id_is_identifier,
        .expects = DFF_IDENTIFIER_EXPECTS }, DFF_CELL_TEXT, DFF_IN_BOTH },
    { { "title", DFF_PROP_STR, DFF_OP_ADD | DFF_OP_MODIFY, .nullable = true,
        .max = DFF_TITLE_MAX }, DFF_CELL_TEXT, DFF_IN_BOTH },
    { { "description", DFF_PROP_STR, DFF_OP_ADD | DFF_OP_MODIFY, .nullable = true,
        .max = DFF_NOTE_MAX }, DFF_CELL_TEXT, DFF_IN_BOTH },
    { { "type", DFF_PROP_STR, DFF_OP_ADD, DFF_OP_ADD, .names = dff_source_types },
      DFF_CELL_TEXT, DFF_IN_BOTH },
    { { "configJSON", DFF_PROP_FREE, DFF_OP_ADD | DFF_OP_MODIFY, DFF_OP_ADD },
      DFF_CELL_JSON, DFF_IN_BOTH, NULL, dff_source_show, dff_source_store },
    { { "isBuiltin", DFF_PROP_BOOL }, DFF_CELL_BOOL, DFF_IN_BOTH },
    DFF_COLUMN_TIMES,
};


static int
dff_source_seal(dff_web_call_t *call, dff_write_t *write, dff_str_t type, dff_str_t stored,
    dff_err_t *err)
{
    dff_source_request_t request = {
        .mode = stored.data == NULL ? DFF_SOURCE_ADD : DFF_SOURCE_MODIFY, .id = write->id,
        .type = type, .config = dff_write_get(write, "configJSON")->text,
    };
    dff_buf_t            sealed = DFF_BUF_INIT;
    const char          *copy;
    int                  rc;

    rc = dff_source_config_seal(&sealed, dff_str_from(call->web->api->cfg->secret), &request,
                                type, stored, err);
    if (rc == DFF_OK) {
        copy = dff_arena_copy(&call->arena, (dff_str_t) { sealed.data, sealed.len });
        rc = copy == NULL ? dff_err_set(err, DFF_E_SYS, "out of memory")
            : dff_write_set(write, "configJSON",
                            DFF_DB_VALUE_TEXT(((dff_str_t) { copy, sealed.len })), err);
    } else if (err->reason == DFF_E_CLIENT_BAD_REQUEST) {
        call->answer.sub_reason = "InvalidDataSourceConfigJSON";
        dff_buf_clear(&call->answer.detail);
        dff_source_fields(&call->answer.detail, type);
    }
    dff_buf_release(&sealed);
    return rc;
}


/* What is there: whether it is ours to keep, and what a new config is sealed with. *type
 * (may be NULL): its type, in the arena; data NULL when there is no such data source. */
static int
dff_source_check_stored(dff_web_call_t *call, dff_str_t id, dff_write_t *write, const char *sub,
    dff_str_t *type, dff_err_t *err)
{
    dff_db_value_t values[] = { DFF_DB_VALUE_TEXT(id) };
    dff_db_rows_t  rows;
    int            rc = DFF_OK;

    if (dff_db_query(call->web->api->db, "SELECT type, configJSON, isBuiltin FROM data_source"
                     " WHERE id = ?", DFF_DB_ARGS(values), &rows, err) != DFF_OK)
    {
        return DFF_ERROR;
    }
    if (type != NULL) {
        *type = rows.nrows == 0 ? DFF_STR_NULL
            : dff_str_from(dff_arena_copy(&call->arena, dff_db_cell(&rows, 0, 0)));
    }
    if (rows.nrows > 0 && dff_db_number(dff_db_cell(&rows, 0, 2)) != 0) {
        rc = dff_web_refuse(call, err, DFF_E_BIZ_CONDITION, sub, NULL,
                            "A built-in data source stays as it is");
    } else if (rows.nrows > 0 && write != NULL && dff_write_get(write, "configJSON") != NULL) {
        rc = dff_source_seal(call, write, dff_db_cell(&rows, 0, 0), dff_db_cell(&rows, 0, 1),
                             err);
    }
    dff_db_rows_release(&rows);
    return rc;
}


static int
dff_source_before(dff_web_call_t *call, dff_write_t *write, dff_err_t *err)
{
    if (write->op != DFF_OP_ADD) {
        return dff_source_check_stored(call, write->id, write,
                                       "ModifyingBuiltinDataSourceNotAllowed", NULL, err);
    }
    if (write->id.len >= sizeof(DFF_SOURCE_RESERVED) - 1
        && memcmp(write->id.data, DFF_SOURCE_RESERVED, sizeof(DFF_SOURCE_RESERVED) - 1) == 0)
    {
        return dff_web_refuse(call, err, DFF_E_BIZ_CONDITION, "ReservedDataSourceIDPrefix", NULL,
                              "Ids that begin with " DFF_SOURCE_RESERVED " are reserved");
    }
    return dff_source_seal(call, write, dff_write_get(write, "type")->text, DFF_STR_NULL, err);
}


static int
dff_source_remove(dff_web_call_t *call, dff_str_t id, dff_err_t *err)
{
    return dff_source_check_stored(call, id, NULL, "DeletingBuiltinDataSourceNotAllowed", NULL,
                                   err);
}


/* The generic handlers behind a test of the connection, which cannot be in their
 * transaction: what was there may be another by then, and is checked again. */

static int
dff_source_add(dff_web_call_t *call, dff_err_t *err)
{
    dff_write_t    write = {
        .entity = call->endpoint->entity, .op = DFF_OP_ADD, .data = dff_web_data(call),
    };
    dff_db_value_t values[1];
    dff_db_rows_t  rows;
    bool           there;

    write.id = dff_member_text(&call->arena, write.data, "id");
    values[0] = DFF_DB_VALUE_TEXT(write.id);
    if (dff_entity_take_values(call, &write, err) != DFF_OK
        || dff_db_query(call->web->api->db, "SELECT seq FROM data_source WHERE id = ?",
                        DFF_DB_ARGS(values), &rows, err) != DFF_OK)
    {
        return DFF_ERROR;
    }
    there = rows.nrows > 0;
    dff_db_rows_release(&rows);
    if (there) {
        return dff_web_refuse(call, err, DFF_E_BIZ_CONDITION, write.entity->duplicated, NULL,
                              "There is a data source with this id");
    }
    return dff_source_before(call, &write, err) != DFF_OK ? DFF_ERROR
        : dff_source_try_config(call, write.id, dff_write_get(&write, "type")->text,
                                dff_write_get(&write, "configJSON")->text, dff_entity_add, err);
}


static int
dff_source_modify(dff_web_call_t *call, dff_err_t *err)
{
    dff_write_t write = {
        .entity = call->endpoint->entity, .op = DFF_OP_MODIFY, .data = dff_web_data(call),
        .id = call->params[0],
    };
    dff_str_t   type;

    if (dff_entity_take_values(call, &write, err) != DFF_OK
        || dff_source_check_stored(call, write.id, &write, "ModifyingBuiltinDataSourceNotAllowed",
                                   &type, err) != DFF_OK)
    {
        return DFF_ERROR;
    }
    if (type.data == NULL) {
        return dff_web_not_found(call, err, write.entity->noun, write.id);
    }
    return dff_write_get(&write, "configJSON") == NULL ? dff_entity_modify(call, err)
        : dff_source_try_config(call, write.id, type, dff_write_get(&write, "configJSON")->text,
                                dff_entity_modify, err);
}


static const dff_filter_t dff_source_filters[] = {
    { "id", DFF_FILTER_IN, "t.id", NULL },
    { "type", DFF_FILTER_IN, "t.type", dff_source_types },
};
static const dff_sort_t dff_source_sorts[] = { { "id", "t.id" }, { "seq", "t.seq" } };
static const char *const dff_source_fuzzy[] = { "t.id", "t.title", "t.description", NULL };

static const dff_entity_t dff_source_entity = {
    .noun = "data source", .table = "data_source", .joins = "", DFF_ENTITY_TABLE(dff_source),
    .fuzzy = dff_source_fuzzy, .order = "t.isBuiltin DESC, t.seq",
    .flags = DFF_ENTITY_FIELDS | DFF_ENTITY_EXPORT, .duplicated = "DuplicatedDataSourceID",
    .before = dff_source_before, .remove = dff_source_remove,
};

DFF_BODY_OF(dff_source_add_body, dff_source_columns, DFF_OP_ADD);
DFF_BODY_OF(dff_source_modify_body, dff_source_columns, DFF_OP_MODIFY);

static const char *const dff_source_checked[] = { "OK", NULL };
static const dff_prop_t  dff_source_test_props[] = {
    DFF_ANSWERED("checkResult", DFF_PROP_STR, .names = dff_source_checked),
};
DFF_ANSWER(dff_source_test_answer, dff_source_test_props, DFF_PROP_OBJECT);

static const dff_prop_t dff_source_query_answer = {
    .type = DFF_PROP_ANY, .about = "What the server answered: rows, a value, a text"
};

#define DFF_SOURCES  "/api/v1/data-sources"

static const dff_endpoint_t dff_source_rows[] = {
    DFF_ROUTE_LIST(DFF_SOURCES, "data sources", &dff_source_entity, DFF_GENERAL_R,
                   DFF_SIGN_IN_ANY),
    { DFF_WEB_POST, DFF_SOURCES "/do/add", "Add a data source", DFF_SIGN_IN_ANY, DFF_GENERAL_W,
      .body = &dff_source_add_body, .handler = dff_source_add, .entity = &dff_source_entity,
      .flags = DFF_ENDPOINT_SECRET, .answer = &dff_answer_id },
    { DFF_WEB_POST, DFF_SOURCES "/:id/do/modify", "Modify a data source", DFF_SIGN_IN_ANY,
      DFF_GENERAL_W, .body = &dff_source_modify_body, .handler = dff_source_modify,
      .entity = &dff_source_entity, .flags = DFF_ENDPOINT_SECRET, .answer = &dff_answer_id },
    { DFF_WEB_GET, DFF_SOURCES "/:id/do/test", "Test the connection of a data source",
      DFF_SIGN_IN_ANY, DFF_GENERAL_W, .handler = dff_source_test,
      .answer = &dff_source_test_answer },
    { DFF_WEB_POST, DFF_SOURCES "/:id/do/query", "Query a data source", DFF_SIGN_IN_ANY,
      DFF_GENERAL_W, .body = &dff_source_query_body, .handler = dff_source_query,
      .answer = &dff_source_query_answer },
    DFF_ROUTE_DELETE(DFF_SOURCES, "a data source", &dff_source_entity, DFF_GENERAL_W,
                     DFF_SIGN_IN_ANY),
};

const dff_endpoint_group_t dff_source_routes = DFF_ENDPOINTS(dff_source_rows);
