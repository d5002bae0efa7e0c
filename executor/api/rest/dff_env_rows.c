/* Env variables, for scripts. */
#include "api/rest/dff_entity.h"
#include "api/rest/dff_routes.h"

#include "dff_banned.h"

static const char *const dff_env_types[] = {
    "string", "integer", "float", "boolean", "json", "commaArray", NULL
};

static const dff_column_t dff_env_columns[] = {
    DFF_COLUMN_SEQ,
    { { "id", DFF_PROP_STR, DFF_OP_ADD, DFF_OP_ADD, .max = 64, .check = dff_id_is_identifier,
        .expects = DFF_IDENTIFIER_EXPECTS }, DFF_CELL_TEXT, DFF_IN_BOTH },
    { { "title", DFF_PROP_STR, DFF_OP_ADD | DFF_OP_MODIFY, .nullable = true,
        .max = DFF_TITLE_MAX }, DFF_CELL_TEXT, DFF_IN_BOTH },
    { { "description", DFF_PROP_STR, DFF_OP_ADD | DFF_OP_MODIFY, .nullable = true,
        .max = DFF_NOTE_MAX }, DFF_CELL_TEXT, DFF_IN_BOTH },
    { { "valueTEXT", DFF_PROP_STR, DFF_OP_ADD | DFF_OP_MODIFY, .max = 4 << 20 }, DFF_CELL_TEXT,
      DFF_IN_BOTH },
    { { "autoTypeCasting", DFF_PROP_STR, DFF_OP_ADD | DFF_OP_MODIFY, .names = dff_env_types },
      DFF_CELL_TEXT, DFF_IN_BOTH },
    DFF_COLUMN_TIMES,
};


static int
dff_env_before(dff_web_call_t *call, dff_write_t *write, dff_err_t *err)
{
    (void) call;
    return write->op != DFF_OP_ADD || dff_write_get(write, "valueTEXT") != NULL ? DFF_OK
        : dff_write_set(write, "valueTEXT", DFF_DB_VALUE_TEXT(DFF_STR("")), err);
}


static const dff_filter_t dff_env_filters[] = { { "id", DFF_FILTER_IN, "t.id", NULL } };
static const dff_sort_t dff_env_sorts[] = { { "seq", "t.seq" }, { "id", "t.id" } };
static const char *const dff_env_fuzzy[] = {
    "t.id", "t.title", "t.description", "t.valueTEXT", NULL
};

static const dff_entity_t dff_env_entity = {
    .noun = "env variable", .table = "env_variable", .joins = "",
    DFF_ENTITY_TABLE(dff_env), .fuzzy = dff_env_fuzzy, .order = "t.id",
    .flags = DFF_ENTITY_FIELDS | DFF_ENTITY_EXPORT, .duplicated = "DuplicatedEnvVariableID",
    .before = dff_env_before,
};

DFF_BODY_OF(dff_env_add_body, dff_env_columns, DFF_OP_ADD);
DFF_BODY_OF(dff_env_modify_body, dff_env_columns, DFF_OP_MODIFY);

#define DFF_ENVS  "/api/v1/env-variables"

static const dff_endpoint_t dff_env_rows[] = {
    DFF_ROUTE_LIST(DFF_ENVS, "env variables", &dff_env_entity, DFF_GENERAL_R, DFF_SIGN_IN_ANY),
    DFF_ROUTE_ADD(DFF_ENVS, "an env variable", &dff_env_entity, DFF_GENERAL_W, DFF_SIGN_IN_ANY,
                  &dff_env_add_body),
    DFF_ROUTE_MODIFY(DFF_ENVS, "an env variable", &dff_env_entity, DFF_GENERAL_W,
                     DFF_SIGN_IN_ANY, &dff_env_modify_body),
    DFF_ROUTE_DELETE(DFF_ENVS, "an env variable", &dff_env_entity, DFF_GENERAL_W,
                     DFF_SIGN_IN_ANY),
};

const dff_endpoint_group_t dff_env_routes = DFF_ENDPOINTS(dff_env_rows);
