/* Lists: the query of a request as SQL. */
#include "api/rest/dff_entity.h"

#include <stdlib.h>

#include "dff_banned.h"

#define DFF_ENTITY_ITEMS_MAX  200       /* of a comma list */

static const char *const dff_entity_methods[] = { "asc", "desc", NULL };
static const char *const dff_entity_exports[] = { "json", "csv", NULL };
static const char *const dff_entity_charsets[] = { "utf8", "gbk", NULL };

/* Keys of lists that are no filters, and when a list has them. */
typedef enum {
    DFF_KEY_ALWAYS, DFF_KEY_PAGED, DFF_KEY_NORMAL, DFF_KEY_MARKER, DFF_KEY_SORTED, DFF_KEY_FIELDS,
    DFF_KEY_FUZZY, DFF_KEY_FULLTEXT, DFF_KEY_EXPORT, DFF_KEY_COUNTS
} dff_entity_when_t;

static const struct {
    dff_prop_t        prop;
    dff_entity_when_t when;
} dff_entity_keys[] = {
    { { "pageSize", DFF_PROP_INT, DFF_OP_BODY, .min = 1, .max = 100 }, DFF_KEY_PAGED },
    { { "pageNumber", DFF_PROP_INT, DFF_OP_BODY, .min = 1, .max = 99999 }, DFF_KEY_NORMAL },
    { { "pageMarker", DFF_PROP_INT, DFF_OP_BODY, .min = 1 }, DFF_KEY_MARKER },
    { { "sort", DFF_PROP_STRS, DFF_OP_BODY, .about = "Sort keys, -key is descending" },
      DFF_KEY_SORTED },
    { { "orderBy", DFF_PROP_STR, DFF_OP_BODY, .about = "One sort key" }, DFF_KEY_SORTED },
    { { "orderMethod", DFF_PROP_STR, DFF_OP_BODY, .names = dff_entity_methods }, DFF_KEY_SORTED },
    { { "fields", DFF_PROP_STRS, DFF_OP_BODY, .about = "Only these keys; -a,b all but these" },
      DFF_KEY_FIELDS },
    { { "fieldPicking", DFF_PROP_STRS, DFF_OP_BODY }, DFF_KEY_FIELDS },
    { { "fieldKicking", DFF_PROP_STRS, DFF_OP_BODY }, DFF_KEY_FIELDS },
    { { "_fuzzySearch", DFF_PROP_STR, DFF_OP_BODY, .about = "A part of any of some columns" },
      DFF_KEY_FUZZY },
    { { "_fulltextSearchField", DFF_PROP_STR, DFF_OP_BODY }, DFF_KEY_FULLTEXT },
    { { "_fulltextSearchWord", DFF_PROP_STR, DFF_OP_BODY }, DFF_KEY_FULLTEXT },
    { { "export", DFF_PROP_STR, DFF_OP_BODY, .names = dff_entity_exports }, DFF_KEY_EXPORT },
    { { "charset", DFF_PROP_STR, DFF_OP_BODY, .names = dff_entity_charsets }, DFF_KEY_EXPORT },
    { { "_withTaskInfoCount", DFF_PROP_BOOL, DFF_OP_BODY }, DFF_KEY_COUNTS },
};

#define DFF_ENTITY_KEYS  (sizeof(dff_entity_keys) / sizeof(dff_entity_keys[0]))


static bool
dff_entity_has_key(const dff_entity_t *entity, dff_entity_when_t when)
{
    switch (when) {
    case DFF_KEY_ALWAYS: return true;
    case DFF_KEY_PAGED: return entity->paging != DFF_PAGING_NONE;
    case DFF_KEY_NORMAL: return entity->paging == DFF_PAGING_NORMAL;
    case DFF_KEY_MARKER: return entity->paging == DFF_PAGING_MARKER;
    case DFF_KEY_SORTED: return entity->nsorts > 0;
    case DFF_KEY_FIELDS: return (entity->flags & DFF_ENTITY_FIELDS) != 0;
    case DFF_KEY_FUZZY: return entity->fuzzy != NULL;
    case DFF_KEY_FULLTEXT: return entity->fulltext[0] != NULL;
    case DFF_KEY_EXPORT:
        return (entity->flags & (DFF_ENTITY_EXPORT | DFF_ENTITY_NO_EXPORT)) != 0;
    case DFF_KEY_COUNTS: return (entity->flags & DFF_ENTITY_COUNTS) != 0;
    }
    return false;
}


bool
dff_entity_filters(const dff_endpoint_t *endpoint)
{
    return endpoint->handler == dff_entity_list || endpoint->handler == dff_entity_modify_many
        || endpoint->handler == dff_entity_delete_many
        || (endpoint->flags & DFF_ENDPOINT_FILTERS) != 0;
}


bool
dff_entity_query_prop(const dff_endpoint_t *endpoint, size_t i, dff_prop_t *prop)
{
    static const dff_prop_type_t types[] = {
        [DFF_FILTER_IN] = DFF_PROP_STRS, [DFF_FILTER_LIKE] = DFF_PROP_STR,
        [DFF_FILTER_EQ] = DFF_PROP_STR, [DFF_FILTER_BOOL] = DFF_PROP_BOOL,
        [DFF_FILTER_TAGS] = DFF_PROP_STRS,
    };
    const dff_entity_t *entity = endpoint->entity;

    if (!dff_entity_filters(endpoint)) {
        return false;
    }
    if (i < entity->nfilters) {
        *prop = (dff_prop_t) {
            .name = entity->filters[i].name, .type = types[entity->filters[i].kind],
            .ops = DFF_OP_BODY, .names = entity->filters[i].names,
        };
        return true;
    }
    i -= entity->nfilters;
    for (size_t k = 0; k < DFF_ENTITY_KEYS; k++) {
        bool search = dff_entity_keys[k].when == DFF_KEY_FUZZY
            || dff_entity_keys[k].when == DFF_KEY_FULLTEXT;

        if (!dff_entity_has_key(entity, dff_entity_keys[k].when)
            || (endpoint->handler != dff_entity_list && !search))
        {
            continue;
        }
        if (i-- == 0) {
            *prop = dff_entity_keys[k].prop;
            return true;
        }
    }
    return false;
}

/* --- conditions ------------------------------------------------------------------------------ */

/* One condition for each item: "a AND b", or one for all: "x IN (?, ?)". */
static int
dff_entity_add_items(dff_statement_t *statement, const dff_filter_t *filter, dff_str_t list,
    dff_err_t *err)
{
    dff_buf_t *sql = &statement->sql;
    bool       tags = filter->kind == DFF_FILTER_TAGS;
    dff_str_t  item;
    size_t     count = 0;

    if (!tags) {
        dff_buf_addf(sql, "%s IN (", filter->sql);
    }
    while (dff_list_next(&list, &item)) {
        if (++count > DFF_ENTITY_ITEMS_MAX) {
            return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST,
                               "query %s has more than %d values", filter->name,
                               DFF_ENTITY_ITEMS_MAX);
        }
        if (tags) {
            dff_buf_addf(sql, "%sJSON_CONTAINS(COALESCE(%s, '[]'), JSON_QUOTE(?))",
                         count == 1 ? "" : " AND ", filter->sql);
        } else {
            dff_buf_add_str(sql, count == 1 ? DFF_STR("?") : DFF_STR(", ?"));
        }
        if (dff_statement_bind(statement, DFF_DB_VALUE_TEXT(item), err) != DFF_OK) {
            return DFF_ERROR;
        }
    }
    if (!tags) {
        dff_buf_add_str(sql, DFF_STR(")"));
    }
    return DFF_OK;
}


static int
dff_entity_add_filter(dff_statement_t *statement, const dff_filter_t *filter, dff_str_t value,
    dff_err_t *err)
{
    dff_buf_t *sql = &statement->sql;

    dff_buf_add_str(sql, DFF_STR(" AND "));
    statement->nfilters++;
    switch (filter->kind) {
    case DFF_FILTER_IN:
    case DFF_FILTER_TAGS:
        return dff_entity_add_items(statement, filter, value, err);
    case DFF_FILTER_LIKE:
        dff_buf_addf(sql, "LOCATE(?, %s) > 0", filter->sql);
        return dff_statement_bind(statement, DFF_DB_VALUE_TEXT(value), err);
    case DFF_FILTER_EQ:
        dff_buf_addf(sql, "%s = ?", filter->sql);
        return dff_statement_bind(statement, DFF_DB_VALUE_TEXT(value), err);
    case DFF_FILTER_BOOL:
        dff_buf_addf(sql, "%s = ?", filter->sql);
        return dff_statement_bind(statement, DFF_DB_VALUE_INT(dff_web_query_bool(value)), err);
    }
    return DFF_OK;
}


/* A part of any of the columns. */
static int
dff_entity_add_search(dff_statement_t *statement, const char *const *columns, dff_str_t value,
    dff_err_t *err)
{
    statement->nfilters++;
    for (size_t i = 0; columns[i] != NULL; i++) {
        dff_buf_addf(&statement->sql, "%sLOCATE(?, %s) > 0", i == 0 ? " AND (" : " OR ",
                     columns[i]);
        if (dff_statement_bind(statement, DFF_DB_VALUE_TEXT(value), err) != DFF_OK) {
            return DFF_ERROR;
        }
    }
    dff_buf_add_str(&statement->sql, DFF_STR(")"));
    return DFF_OK;
}


int
dff_entity_add_from(dff_web_call_t *call, dff_statement_t *statement, bool searches,
    dff_err_t *err)
{
    const dff_entity_t *entity = call->endpoint->entity;
    dff_str_t           fuzzy = dff_web_query(&call->req, "_fuzzySearch");
    dff_str_t           field = dff_web_query(&call->req, "_fulltextSearchField");
    dff_str_t           word = dff_web_query(&call->req, "_fulltextSearchWord");

    dff_buf_addf(&statement->sql, " FROM `%s` t%s WHERE %s", entity->table, entity->joins,
                 entity->where == NULL ? "1" : entity->where);
    for (size_t i = 0; i < entity->nfilters; i++) {
        const dff_filter_t *filter = &entity->filters[i];
        dff_str_t           value = dff_web_query(&call->req, filter->name);

        if (value.data == NULL || (value.len == 0 && filter->kind != DFF_FILTER_IN
                                   && filter->kind != DFF_FILTER_TAGS))
        {
            continue;
        }
        if (dff_entity_add_filter(statement, filter, value, err) != DFF_OK) {
            return DFF_ERROR;
        }
    }
    if (searches && entity->fuzzy != NULL && fuzzy.len > 0
        && dff_entity_add_search(statement, entity->fuzzy, fuzzy, err) != DFF_OK)
    {
        return DFF_ERROR;
    }
    if (searches && entity->fulltext[0] != NULL && field.len > 0 && word.len > 0
        && dff_entity_add_search(statement, entity->fulltext, word, err) != DFF_OK)
    {
        return DFF_ERROR;
    }
    return DFF_OK;
}
