/*
 * Entities: what the management API lists, gets, adds, modifies and deletes, each described
 * by one table of columns, filters and sort keys. There is one implementation of each
 * operation; what an entity has of its own (checks, ids, telling Redis) is in its hooks.
 *
 * SQL is put together from the tables only; everything from outside is a bound value.
 * Runs in the api processes.
 */
#ifndef DFF_ENTITY_H
#define DFF_ENTITY_H

#include "api/http/dff_web.h"
#include "api/http/dff_web_query.h"
#include "store/dff_statement.h"
#include "store/dff_unsynced.h"

typedef enum {              /* how a stored value is shown */
    DFF_CELL_TEXT, DFF_CELL_INT, DFF_CELL_BOOL, DFF_CELL_TIME,
    DFF_CELL_JSON,          /* stored as text, shown as JSON */
    DFF_CELL_LIST           /* stored with commas, shown as an array */
} dff_cell_t;

#define DFF_IN_LIST  1u
#define DFF_IN_GET   2u
#define DFF_IN_BOTH  (DFF_IN_LIST | DFF_IN_GET)

typedef struct dff_column_s dff_column_t;
typedef struct dff_entity_s dff_entity_t;
typedef struct dff_write_s dff_write_t;

struct dff_column_s {
    dff_prop_t  prop;       /* first: shapes of bodies are made of columns */
    dff_cell_t  cell;
    unsigned    in;         /* answers that have it */
    const char *sql;        /* what is selected; NULL: the column of this name */
    /* Adds the shown form to out, when it is not that of cell. */
    int       (*show)(dff_web_call_t *call, dff_buf_t *out, dff_str_t id, dff_str_t cell,
                      dff_err_t *err);
    /* Sets the stored form, when it is not that of the type. value: its text in the body. */
    int       (*store)(dff_web_call_t *call, dff_write_t *write, const dff_column_t *column,
                       const dff_json_member_t *value, dff_err_t *err);
};

typedef enum {
    DFF_FILTER_IN,          /* a comma list, any of them */
    DFF_FILTER_LIKE,        /* a part of it */
    DFF_FILTER_EQ, DFF_FILTER_BOOL,
    DFF_FILTER_TAGS         /* a JSON array that has all of a comma list */
} dff_filter_kind_t;

typedef struct {
    const char        *name;
    dff_filter_kind_t  kind;
    const char        *sql;
    const char *const *names;       /* allowed values, ends with NULL; NULL: any */
} dff_filter_t;

typedef struct {
    const char *name, *sql;
} dff_sort_t;

typedef enum { DFF_PAGING_NORMAL, DFF_PAGING_MARKER, DFF_PAGING_NONE } dff_paging_t;

#define DFF_ENTITY_FIELDS  1u       /* accepts "fields" */
#define DFF_ENTITY_EXPORT  2u       /* "export" works */
#define DFF_ENTITY_NO_EXPORT  4u    /* is accepted, and ignored */
#define DFF_ENTITY_COUNTS  8u       /* _withTaskInfoCount */

struct dff_entity_s {
    const char         *noun;       /* of 404: "auth link" */
    const char         *table;
    const char         *joins;      /* of lists; "" or " LEFT JOIN …"; the table is t */
    const dff_column_t *columns;
    size_t              ncolumns;
    const dff_filter_t *filters;
    size_t              nfilters;
    const dff_sort_t   *sorts;
    size_t              nsorts;
    const char *const  *fuzzy;      /* ends with NULL */
    const char         *fulltext[4];        /* _fulltextSearchField FULL_TEXT; or none */
    const char         *where;      /* always; NULL: none */
    const char         *order;      /* default */
    dff_paging_t        paging;
    unsigned            flags;

    const char         *id_prefix;  /* of made ids; NULL: the id is given */
    bool                id_long;    /* 16 characters instead of 12 */
    const char         *url;        /* "/api/v1/al/": added to answers; NULL: none */
    const char         *duplicated; /* sub-reason of EBizCondition for an id that is there */
    const char         *duplicated_key, *duplicated_key_sub;    /* and of another unique key */

    dff_unsynced_kind_t unsynced;   /* what after() tells Redis: each change is marked */

    /* Inside the transaction, values set: checks, and sets more values. */
    int (*before)(dff_web_call_t *call, dff_write_t *write, dff_err_t *err);
    /* Inside the transaction, the row is locked: checks, and deletes what depends on it. */
    int (*remove)(dff_web_call_t *call, dff_str_t id, dff_err_t *err);
    /* After the commit: what else has to know. */
    int (*after)(dff_web_call_t *call, unsigned op, dff_str_t id, dff_err_t *err);
    /* Members of a list that are no columns: adds ",\"name\":value" for each row to extras,
     * as more says. */
    const dff_shape_t *more;
    int (*extend)(dff_web_call_t *call, const dff_db_rows_t *rows, size_t id_column,
                  dff_buf_t *extras, dff_err_t *err);
};

/* The tables NAME_columns, NAME_filters and NAME_sorts. */
#define DFF_ENTITY_TABLE(name) \
    .columns = name##_columns, .ncolumns = sizeof(name##_columns) / sizeof(name##_columns[0]), \
    .filters = name##_filters, .nfilters = sizeof(name##_filters) / sizeof(name##_filters[0]), \
    .sorts = name##_sorts, .nsorts = sizeof(name##_sorts) / sizeof(name##_sorts[0])

#define DFF_ENTITY_VALUES_MAX  32

/* A row that is written. */
struct dff_write_s {
    const dff_entity_t *entity;
    unsigned            op;         /* DFF_OP_ADD, DFF_OP_MODIFY, DFF_OP_MANY, … */
    dff_str_t           data;       /* text of an object */
    dff_str_t           id;
    struct {
        const char    *column;
        dff_db_value_t value;
    } values[DFF_ENTITY_VALUES_MAX];
    size_t              nvalues;
};

/* Sets or replaces the value of a column. */
int dff_write_set(dff_write_t *write, const char *column, dff_db_value_t value, dff_err_t *err);
/* What is set for a column; NULL: nothing. */
const dff_db_value_t *dff_write_get(const dff_write_t *write, const char *column);

/* --- handlers -------------------------------------------------------------------------------- */

int dff_entity_list(dff_web_call_t *call, dff_err_t *err);
int dff_entity_get(dff_web_call_t *call, dff_err_t *err);
int dff_entity_add(dff_web_call_t *call, dff_err_t *err);
int dff_entity_modify(dff_web_call_t *call, dff_err_t *err);
int dff_entity_delete(dff_web_call_t *call, dff_err_t *err);
int dff_entity_add_many(dff_web_call_t *call, dff_err_t *err);
int dff_entity_modify_many(dff_web_call_t *call, dff_err_t *err);
int dff_entity_delete_many(dff_web_call_t *call, dff_err_t *err);

/* --- parts of them, for entities with handlers of their own ---------------------------------- */

/* data: one row by its id, with the columns of in. 404 when there is none. */
int dff_entity_show(dff_web_call_t *call, const dff_entity_t *entity, unsigned in, dff_str_t id,
    dff_err_t *err);
/* Adds or modifies one row and tells who has to know; write->id is set. */
int dff_entity_store(dff_web_call_t *call, dff_write_t *write, dff_err_t *err);
int dff_entity_remove(dff_web_call_t *call, const dff_entity_t *entity, dff_str_t id,
    dff_err_t *err);
/* Of table or view rows by an id: does one exist? 404 of noun when not. lock: it is locked. */
int dff_entity_hold(dff_web_call_t *call, const char *sql, const char *noun, dff_str_t id,
    dff_err_t *err);

/* --- for the check of queries ---------------------------------------------------------------- */

/* Does the route take the filters of its entity? */
bool dff_entity_filters(const dff_endpoint_t *endpoint);
bool dff_entity_query_prop(const dff_endpoint_t *endpoint, size_t i, dff_prop_t *prop);

/* --- internal to dff_entity*.c --------------------------------------------------------------- */

/* Sets the values that write->data has for the operation. */
int dff_entity_take_values(dff_web_call_t *call, dff_write_t *write, dff_err_t *err);
/* Adds " FROM … WHERE …" with the filters and searches of the query. */
int dff_entity_add_from(dff_web_call_t *call, dff_statement_t *statement, bool searches,
    dff_err_t *err);
/* Adds ",\"name\":value" or "\"name\":value" for a cell. */
int dff_entity_add_cell(dff_web_call_t *call, dff_buf_t *out, const dff_column_t *column,
    dff_str_t id, dff_str_t cell, dff_err_t *err);
/* Rows as text for a download. */
int dff_entity_export(dff_web_call_t *call, const dff_column_t *const *columns, size_t ncolumns,
    const dff_db_rows_t *rows, dff_err_t *err);
/* Turns an error of MySQL about a value into what the API says. */
int dff_entity_translate(dff_web_call_t *call, const dff_entity_t *entity, dff_err_t *err);
int dff_entity_made_id(dff_web_call_t *call, const dff_entity_t *entity, dff_str_t *id,
    dff_err_t *err);
/* data of /auth/profile/do/get */
int dff_entity_profile(dff_web_call_t *call, dff_err_t *err);

#endif
