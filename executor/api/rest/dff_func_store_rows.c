/* What scripts keep in DFF.STORE, for people: looked at and deleted, never written. */
#include "api/rest/dff_entity.h"
#include "api/rest/dff_routes.h"

#include "dff_banned.h"

static const dff_column_t dff_func_store_columns[] = {
    DFF_COLUMN_SEQ,
    { { "id", DFF_PROP_STR }, DFF_CELL_TEXT, DFF_IN_BOTH },
    { { "scope", DFF_PROP_STR }, DFF_CELL_TEXT, DFF_IN_BOTH },
    { { "key", DFF_PROP_STR }, DFF_CELL_TEXT, DFF_IN_BOTH },
    { { "valueJSON", DFF_PROP_ANY }, DFF_CELL_JSON, DFF_IN_GET },
    /* MySQL refuses JSON_TYPE() of what is none. */
    DFF_COLUMN_JOINED("type", "IF(JSON_VALID(t.valueJSON), JSON_TYPE(t.valueJSON), NULL)",
                      DFF_CELL_TEXT),
    { { "expireAt", DFF_PROP_INT }, DFF_CELL_INT, DFF_IN_BOTH },
    DFF_COLUMN_TIMES,
    DFF_COLUMN_JOINED("dataSize", "LENGTH(t.valueJSON)", DFF_CELL_INT),
};

static const dff_filter_t dff_func_store_filters[] = {
    { "id", DFF_FILTER_IN, "t.id", NULL },
    { "scope", DFF_FILTER_LIKE, "t.scope", NULL },
    { "key", DFF_FILTER_LIKE, "t.`key`", NULL },
};

static const dff_sort_t dff_func_store_sorts[] = {
    { "seq", "t.seq" }, { "scope", "t.scope" }, { "key", "t.`key`" },
    { "createTime", "t.createTime" }, { "updateTime", "t.updateTime" },
};

static const char *const dff_func_store_fuzzy[] = { "t.scope", "t.`key`", NULL };

static const dff_entity_t dff_func_store_entity = {
    .noun = "func store", .table = "func_store", .joins = "", DFF_ENTITY_TABLE(dff_func_store),
    .fuzzy = dff_func_store_fuzzy, .order = "t.seq DESC", .flags = DFF_ENTITY_EXPORT,
    /* Scripts do not see the others either; they are removed some time later. */
    .where = "(t.expireAt IS NULL OR t.expireAt > UNIX_TIMESTAMP())",
};

#define DFF_FUNC_STORES  "/api/v1/func-stores"

static const dff_endpoint_t dff_func_store_rows[] = {
    DFF_ROUTE_LIST(DFF_FUNC_STORES, "values of DFF.STORE", &dff_func_store_entity,
                   DFF_GENERAL_R, DFF_SIGN_IN_ANY),
    DFF_ROUTE_GET(DFF_FUNC_STORES, "a value of DFF.STORE", &dff_func_store_entity,
                  DFF_GENERAL_R, DFF_SIGN_IN_ANY),
    DFF_ROUTE_DELETE(DFF_FUNC_STORES, "a value of DFF.STORE", &dff_func_store_entity,
                     DFF_GENERAL_W, DFF_SIGN_IN_ANY),
};

const dff_endpoint_group_t dff_func_store_routes = DFF_ENDPOINTS(dff_func_store_rows);
