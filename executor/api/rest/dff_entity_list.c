/* Lists and single rows of entities. */
#include "api/rest/dff_entity.h"

#include <stdlib.h>

#include "dff_time.h"

#include "dff_banned.h"

#define DFF_ENTITY_PAGE_DEFAULT  10
#define DFF_ENTITY_PAGE_COOKIE   "xDFFPageSize"
#define DFF_ENTITY_UNPAGED_MAX   10000      /* rows of a list without pages */

typedef struct {            /* what of a list is wanted */
    const dff_column_t *columns[DFF_DB_MAX_COLUMNS];
    bool                shown[DFF_DB_MAX_COLUMNS];
    size_t              ncolumns;
    size_t              id;             /* index of column id */
    size_t              seq;            /* of seq */
    int64_t             size, number, marker;
    bool                descending;     /* by seq, for markers */
} dff_entity_page_t;

/* --- cells ----------------------------------------------------------------------------------- */

/* "2021-10-14 01:02:03.456" as ISO 8601. */
static void
dff_entity_add_time(dff_buf_t *out, dff_str_t cell)
{
    dff_buf_add_str(out, DFF_STR("\""));
    for (size_t i = 0; i < cell.len; i++) {
        dff_buf_add(out, cell.data[i] == ' ' ? "T" : cell.data + i, 1);
    }
    dff_buf_add_str(out, DFF_STR("Z\""));
}


static void
dff_entity_add_list(dff_buf_t *out, dff_str_t cell)
{
    dff_str_t item;
    bool      first = true;

    dff_buf_add_str(out, DFF_STR("["));
    while (cell.len > 0 && dff_list_next(&cell, &item)) {
        dff_buf_add_str(out, first ? DFF_STR("") : DFF_STR(","));
        dff_buf_add_json_string(out, item);
        first = false;
    }
    dff_buf_add_str(out, DFF_STR("]"));
}


int
dff_entity_add_cell(dff_web_call_t *call, dff_buf_t *out, const dff_column_t *column,
    dff_str_t id, dff_str_t cell, dff_err_t *err)
{
    if (column->show != NULL) {
        return column->show(call, out, id, cell, err);
    }
    if (cell.data == NULL) {
        dff_buf_add_str(out, DFF_STR("null"));
        return DFF_OK;
    }
    switch (column->cell) {
    case DFF_CELL_TEXT:
        dff_buf_add_json_string(out, cell);
        break;
    case DFF_CELL_INT:
        dff_buf_add_str(out, cell);
        break;
    case DFF_CELL_BOOL:
        dff_buf_add_str(out, dff_db_number(cell) != 0 ? DFF_STR("true") : DFF_STR("false"));
        break;
    case DFF_CELL_TIME:
        dff_entity_add_time(out, cell);
        break;
    case DFF_CELL_JSON:
        /* Somebody else may have written it. */
        dff_buf_add_str(out, dff_json_check(cell, &cell, NULL, NULL) == DFF_OK
                        ? cell : DFF_STR("null"));
        break;
    case DFF_CELL_LIST:
        dff_entity_add_list(out, cell);
        break;
    }
    return DFF_OK;
}

/* --- what is wanted -------------------------------------------------------------------------- */

/* "a,b" keeps these, "-a,b" and "-,a,b" all but these; the old spellings likewise. */
static bool
dff_entity_wants(dff_web_call_t *call, dff_str_t key)
{
    dff_str_t fields = dff_web_query(&call->req, "fields");
    dff_str_t picking = dff_web_query(&call->req, "fieldPicking");
    dff_str_t kicking = dff_web_query(&call->req, "fieldKicking");

    if ((call->endpoint->entity->flags & DFF_ENTITY_FIELDS) == 0) {
        return true;
    }
    if (fields.len > 0 && fields.data[0] == '-') {
        return !dff_list_has((dff_str_t) { fields.data + 1, fields.len - 1 }, key);
    }
    if (fields.len > 0) {
        return dff_list_has(fields, key);
    }
    return (picking.len == 0 || dff_list_has(picking, key))
        && (kicking.len == 0 || !dff_list_has(kicking, key));
}


static void
dff_entity_columns(dff_web_call_t *call, const dff_entity_t *entity, unsigned in, bool pick,
    dff_entity_page_t *page)
{
    for (size_t i = 0; i < entity->ncolumns; i++) {
        const dff_column_t *column = &entity->columns[i];
        const char         *name = column->prop.name;

        if ((column->in & in) == 0 || page->ncolumns == DFF_DB_MAX_COLUMNS) {
            continue;
        }
        if (strcmp(name, "id") == 0) {
            page->id = page->ncolumns;
        }
        if (strcmp(name, "seq") == 0) {
            page->seq = page->ncolumns;
        }
        page->shown[page->ncolumns] = !pick || dff_entity_wants(call, dff_str_from(name));
        page->columns[page->ncolumns++] = column;
    }
}

/* --- rows ------------------------------------------------------------------------------------ */

/* Of what extend() has made, what is wanted. */
static void
dff_entity_add_more(dff_web_call_t *call, dff_buf_t *out, const dff_buf_t *extra, bool first)
{
    dff_buf_t         object = DFF_BUF_INIT;
    dff_json_object_t it;
    dff_json_member_t member;

    dff_buf_add_str(&object, DFF_STR("{"));
    dff_buf_add(&object, extra->data + 1, extra->len - 1);      /* begins with a comma */
    dff_buf_add_str(&object, DFF_STR("}"));
    out->failed = out->failed || dff_buf_failed(&object);
    if (!out->failed
        && dff_json_object_open(&it, (dff_str_t) { object.data, object.len }) == DFF_OK)
    {
        while (dff_json_object_next(&it, &member, NULL) == 1) {
            if (dff_entity_wants(call, member.key)) {
                dff_buf_addf(out, "%s\"%.*s\":", first ? "" : ",", (int) member.key.len,
                             member.key.data);
                dff_buf_add_str(out, member.value);
                first = false;
            }
        }
    }
    dff_buf_release(&object);
}


static int
dff_entity_add_row(dff_web_call_t *call, dff_buf_t *out, const dff_entity_page_t *page,
    const dff_db_rows_t *rows, size_t row, const dff_buf_t *extra, dff_err_t *err)
{
    dff_str_t id = dff_db_cell(rows, row, page->id);
    bool      first = true;

    dff_buf_add_str(out, DFF_STR("{"));
    for (size_t i = 0; i < page->ncolumns; i++) {
        if (!page->shown[i]) {
            continue;
        }
        dff_buf_addf(out, "%s\"%s\":", first ? "" : ",", page->columns[i]->prop.name);
        first = false;
        if (dff_entity_add_cell(call, out, page->columns[i], id, dff_db_cell(rows, row, i), err)
            != DFF_OK)
        {
            return DFF_ERROR;
        }
    }
    if (extra != NULL && extra->len > 0) {
        dff_entity_add_more(call, out, extra, first);
    }
    dff_buf_add_str(out, DFF_STR("}"));
    return dff_buf_failed(out) ? dff_err_set(err, DFF_E_SYS, "out of memory") : DFF_OK;
}


static void
dff_entity_add_select(dff_buf_t *sql, const dff_entity_page_t *page)
{
    for (size_t i = 0; i < page->ncolumns; i++) {
        const dff_column_t *column = page->columns[i];

        dff_buf_add_str(sql, i == 0 ? DFF_STR("SELECT ") : DFF_STR(", "));
        if (column->sql != NULL) {
            dff_buf_add_str(sql, dff_str_from(column->sql));
        } else {
            dff_buf_addf(sql, "t.`%s`", column->prop.name);
        }
    }
}


static const dff_sort_t *
dff_entity_sort(const dff_entity_t *entity, dff_str_t name)
{
    for (size_t i = 0; i < entity->nsorts; i++) {
        if (dff_str_eq(name, dff_str_from(entity->sorts[i].name))) {
            return &entity->sorts[i];
        }
    }
    return NULL;
}


static int
dff_entity_add_order(dff_web_call_t *call, dff_statement_t *statement, dff_entity_page_t *page,
    dff_err_t *err)
{
    const dff_entity_t *entity = call->endpoint->entity;
    dff_str_t           sort = dff_web_query(&call->req, "sort"), item;
    dff_str_t           method = dff_web_query(&call->req, "orderMethod");
    bool                old = sort.len == 0, first = true;

    page->descending = strstr(entity->order, "DESC") != NULL;
    if (old) {
        sort = dff_web_query(&call->req, "orderBy");
    }
    dff_buf_add_str(&statement->sql, DFF_STR(" ORDER BY "));
    while (sort.len > 0 && dff_list_next(&sort, &item)) {
        bool              down = !old && item.len > 0 && item.data[0] == '-';
        const dff_sort_t *key;

        if (down) {
            item = (dff_str_t) { item.data + 1, item.len - 1 };
        }
        down = down || (old && dff_str_eq(method, DFF_STR("desc")));
        key = dff_entity_sort(entity, item);
        if (key == NULL) {
            return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST,
                               "query sort has an unknown key \"%.*s\"",
                               (int) (item.len > 64 ? 64 : item.len), item.data);
        }
        if (first) {
            page->descending = down;
        }
        dff_buf_addf(&statement->sql, "%s%s%s", first ? "" : ", ", key->sql, down ? " DESC" : "");
        first = false;
    }
    dff_buf_add_str(&statement->sql, first ? dff_str_from(entity->order) : DFF_STR(""));
    return DFF_OK;
}


static int64_t
dff_entity_query_number(dff_web_call_t *call, const char *name, int64_t fallback)
{
    dff_str_t text = dff_web_query(&call->req, name);
    int64_t   number;

    return text.data != NULL && dff_json_int64(text, &number) == DFF_OK ? number : fallback;
}


static void
dff_entity_paging(dff_web_call_t *call, dff_entity_page_t *page)
{
    int64_t cookie = DFF_ENTITY_PAGE_DEFAULT;

    if (dff_json_int64(dff_web_cookie(&call->req, DFF_ENTITY_PAGE_COOKIE), &cookie) != DFF_OK
        || cookie < 1 || cookie > 100)
    {
        cookie = DFF_ENTITY_PAGE_DEFAULT;
    }
    page->size = call->endpoint->entity->paging == DFF_PAGING_NONE
        ? DFF_ENTITY_UNPAGED_MAX : dff_entity_query_number(call, "pageSize", cookie);
    page->number = dff_entity_query_number(call, "pageNumber", 1);
    page->marker = dff_entity_query_number(call, "pageMarker", 0);
}

/* --- the statements -------------------------------------------------------------------------- */

static int
dff_entity_count(dff_web_call_t *call, int64_t *count, dff_err_t *err)
{
    dff_statement_t statement = { .sql = DFF_BUF_INIT };
    dff_db_rows_t   rows = { 0 };
    int             rc;

    dff_buf_add_str(&statement.sql, DFF_STR("SELECT COUNT(*)"));
    rc = dff_entity_add_from(call, &statement, true, err);
    if (rc == DFF_OK) {
        rc = dff_buf_failed(&statement.sql) ? dff_err_set(err, DFF_E_SYS, "out of memory")
            : dff_db_query(call->web->api->db, statement.sql.data, statement.values,
                           statement.nvalues, &rows, err);
    }
    if (rc == DFF_OK) {
        *count = dff_db_number(dff_db_cell(&rows, 0, 0));
    }
    dff_db_rows_release(&rows);
    dff_buf_release(&statement.sql);
    return rc;
}


static int
dff_entity_read_page(dff_web_call_t *call, dff_entity_page_t *page, dff_db_rows_t *rows,
    dff_err_t *err)
{
    dff_statement_t order = { .sql = DFF_BUF_INIT }, statement = { .sql = DFF_BUF_INIT };
    int             rc = DFF_ERROR;

    dff_entity_add_select(&statement.sql, page);
    if (dff_entity_add_order(call, &order, page, err) != DFF_OK
        || dff_entity_add_from(call, &statement, true, err) != DFF_OK)
    {
        goto done;
    }
    if (page->marker > 0) {
        dff_buf_addf(&statement.sql, " AND t.`seq` %c ?", page->descending ? '<' : '>');
        if (dff_statement_bind(&statement, DFF_DB_VALUE_INT(page->marker), err) != DFF_OK) {
            goto done;
        }
    }
    dff_buf_add(&statement.sql, order.sql.data, order.sql.len);
    dff_buf_add_str(&statement.sql, DFF_STR(" LIMIT ? OFFSET ?"));
    if (dff_statement_bind(&statement, DFF_DB_VALUE_INT(page->size), err) != DFF_OK
        || dff_statement_bind(&statement, DFF_DB_VALUE_INT((page->number - 1) * page->size), err)
           != DFF_OK)
    {
        goto done;
    }
    rc = dff_buf_failed(&statement.sql) ? dff_err_set(err, DFF_E_SYS, "out of memory")
        : dff_db_query(call->web->api->db, statement.sql.data, statement.values,
                       statement.nvalues, rows, err);

done:
    dff_buf_release(&order.sql);
    dff_buf_release(&statement.sql);
    return rc;
}


static int
dff_entity_page_info(dff_web_call_t *call, const dff_entity_page_t *page,
    const dff_db_rows_t *rows, dff_err_t *err)
{
    dff_buf_t *out = &call->answer.page_info;
    int64_t    total = 0;

    switch (call->endpoint->entity->paging) {
    case DFF_PAGING_NONE:
        return DFF_OK;
    case DFF_PAGING_NORMAL:
        if (dff_entity_count(call, &total, err) != DFF_OK) {
            return DFF_ERROR;
        }
        dff_buf_addf(out, "{\"pagingStyle\":\"normal\",\"pageSize\":%lld,\"count\":%zu,"
                     "\"totalCount\":%lld,\"pageNumber\":%lld,\"pageCount\":%lld,"
                     "\"isFirstPage\":%s}", (long long) page->size, rows->nrows,
                     (long long) total, (long long) page->number,
                     (long long) ((total + page->size - 1) / page->size),
                     page->number == 1 ? "true" : "false");
        return DFF_OK;
    case DFF_PAGING_MARKER:
        dff_buf_addf(out, "{\"pagingStyle\":\"marker\",\"pageSize\":%lld,\"count\":%zu,"
                     "\"pageMarkerField\":%s,\"pageMarker\":%s,\"isFirstPage\":%s}",
                     (long long) page->size, rows->nrows, rows->nrows == 0 ? "null" : "\"seq\"",
                     rows->nrows == 0 ? "null"
                     : dff_db_cell(rows, rows->nrows - 1, page->seq).data,
                     page->marker == 0 ? "true" : "false");
        return DFF_OK;
    }
    return DFF_OK;
}


/* The rows as a JSON array. */
static int
dff_entity_add_rows(dff_web_call_t *call, const dff_entity_page_t *page,
    const dff_db_rows_t *rows, dff_err_t *err)
{
    const dff_entity_t *entity = call->endpoint->entity;
    dff_buf_t          *out = &call->answer.data, *extras = NULL;
    int                 rc = DFF_OK;

    if (entity->extend != NULL && rows->nrows > 0) {
        extras = calloc(rows->nrows, sizeof(*extras));
        rc = extras == NULL ? dff_err_set(err, DFF_E_SYS, "out of memory")
                            : entity->extend(call, rows, page->id, extras, err);
    }
    dff_buf_add_str(out, DFF_STR("["));
    for (size_t i = 0; rc == DFF_OK && i < rows->nrows; i++) {
        dff_buf_add_str(out, i == 0 ? DFF_STR("") : DFF_STR(","));
        rc = dff_entity_add_row(call, out, page, rows, i, extras == NULL ? NULL : &extras[i],
                                err);
    }
    dff_buf_add_str(out, DFF_STR("]"));
    for (size_t i = 0; extras != NULL && i < rows->nrows; i++) {
        dff_buf_release(&extras[i]);
    }
    free(extras);
    return rc;
}


int
dff_entity_list(dff_web_call_t *call, dff_err_t *err)
{
    const dff_entity_t *entity = call->endpoint->entity;
    dff_entity_page_t   page = { .ncolumns = 0 };
    dff_db_rows_t       rows = { 0 };
    int                 rc;

    dff_entity_columns(call, entity, DFF_IN_LIST, true, &page);
    dff_entity_paging(call, &page);
    rc = dff_entity_read_page(call, &page, &rows, err);
    if (rc == DFF_OK && (entity->flags & DFF_ENTITY_EXPORT) != 0
        && dff_web_query(&call->req, "export").len > 0)
    {
        rc = dff_entity_export(call, page.columns, page.ncolumns, &rows, err);
    } else if (rc == DFF_OK) {
        rc = dff_entity_add_rows(call, &page, &rows, err);
        if (rc == DFF_OK) {
            rc = dff_entity_page_info(call, &page, &rows, err);
        }
    }
    dff_db_rows_release(&rows);
    return rc;
}


int
dff_entity_show(dff_web_call_t *call, const dff_entity_t *entity, unsigned in, dff_str_t id,
    dff_err_t *err)
{
    dff_db_value_t    values[] = { DFF_DB_VALUE_TEXT(id) };
    dff_entity_page_t page = { .ncolumns = 0 };
    dff_buf_t         sql = DFF_BUF_INIT;
    dff_db_rows_t     rows = { 0 };
    int               rc;

    dff_entity_columns(call, entity, in, false, &page);
    dff_entity_add_select(&sql, &page);
    dff_buf_addf(&sql, " FROM `%s` t%s WHERE t.`id` = ?", entity->table,
                 in == DFF_IN_LIST ? entity->joins : "");
    rc = dff_buf_failed(&sql) ? dff_err_set(err, DFF_E_SYS, "out of memory")
        : dff_db_query(call->web->api->db, sql.data, DFF_DB_ARGS(values), &rows, err);
    if (rc == DFF_OK) {
        rc = rows.nrows == 0 ? dff_web_not_found(call, err, entity->noun, id)
            : dff_entity_add_row(call, &call->answer.data, &page, &rows, 0, NULL, err);
    }
    dff_db_rows_release(&rows);
    dff_buf_release(&sql);
    return rc;
}


int
dff_entity_get(dff_web_call_t *call, dff_err_t *err)
{
    return dff_entity_show(call, call->endpoint->entity, DFF_IN_GET, call->params[0], err);
}
