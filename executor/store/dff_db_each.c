/*
 * Statements with rows, which are handed over one by one. Runs in dffctl and the api
 * processes.
 */
#include "store/dff_db_internal.h"

#include <stdlib.h>

#include "dff_banned.h"

#define DFF_DB_FIRST_CELL_SIZE  256

/* The columns of a running statement: buffers grow to the widest cell. */
typedef struct {
    MYSQL_BIND     binds[DFF_DB_MAX_COLUMNS];
    unsigned long  lengths[DFF_DB_MAX_COLUMNS];
    dff_my_bool_t  nulls[DFF_DB_MAX_COLUMNS];
    dff_my_bool_t  errors[DFF_DB_MAX_COLUMNS];
    unsigned       count;
} dff_db_columns_t;


static void
dff_db_columns_release(dff_db_columns_t *columns)
{
    for (unsigned i = 0; i < columns->count; i++) {
        free(columns->binds[i].buffer);
    }
    free(columns);
}


/* Every column is fetched as text, whatever its type is. */
static dff_db_columns_t *
dff_db_columns_new(unsigned count)
{
    dff_db_columns_t *columns = calloc(1, sizeof(*columns));

    if (columns == NULL) {
        return NULL;
    }
    columns->count = count;
    for (unsigned i = 0; i < count; i++) {
        MYSQL_BIND *bind = &columns->binds[i];

        bind->buffer_type = MYSQL_TYPE_STRING;
        bind->buffer_length = DFF_DB_FIRST_CELL_SIZE;
        bind->buffer = malloc(DFF_DB_FIRST_CELL_SIZE);
        bind->length = &columns->lengths[i];
        bind->is_null = &columns->nulls[i];
        bind->error = &columns->errors[i];
        if (bind->buffer == NULL) {
            dff_db_columns_release(columns);
            return NULL;
        }
    }
    return columns;
}


/* Cells of the row at hand that did not fit are fetched again into more room;
 * later rows use it, too (the binding is renewed). */
static int
dff_db_widen(dff_db_t *db, MYSQL_STMT *stmt, dff_db_columns_t *columns, dff_err_t *err)
{
    bool widened = false;

    for (unsigned i = 0; i < columns->count; i++) {
        MYSQL_BIND *bind = &columns->binds[i];
        void       *more;

        if (columns->nulls[i] || columns->lengths[i] <= bind->buffer_length) {
            continue;
        }
        more = realloc(bind->buffer, columns->lengths[i]);
        if (more == NULL) {
            return dff_err_set(err, DFF_E_SYS, "out of memory for a cell of %lu bytes",
                               columns->lengths[i]);
        }
        bind->buffer = more;
        bind->buffer_length = columns->lengths[i];
        if (mysql_stmt_fetch_column(stmt, bind, i, 0) != 0) {
            return dff_db_fail_stmt(db, stmt, err);
        }
        widened = true;
    }

    if (widened && mysql_stmt_bind_result(stmt, columns->binds) != 0) {
        return dff_db_fail_stmt(db, stmt, err);
    }
    return DFF_OK;
}


static int
dff_db_fetch_all(dff_db_t *db, MYSQL_STMT *stmt, dff_db_columns_t *columns, dff_db_row_fn row,
    void *ctx, dff_err_t *err)
{
    dff_str_t cells[DFF_DB_MAX_COLUMNS];

    for ( ;; ) {
        int fetched = mysql_stmt_fetch(stmt);

        if (fetched == MYSQL_NO_DATA) {
            return DFF_OK;
        }
        if (fetched == 1) {
            return dff_db_fail_stmt(db, stmt, err);
        }
        if (dff_db_widen(db, stmt, columns, err) != DFF_OK) {
            return DFF_ERROR;
        }
        for (unsigned i = 0; i < columns->count; i++) {
            cells[i] = columns->nulls[i]
                ? DFF_STR_NULL
                : (dff_str_t) { columns->binds[i].buffer, columns->lengths[i] };
        }
        if (row(ctx, cells, columns->count, err) != DFF_OK) {
            return DFF_ERROR;
        }
    }
}


int
dff_db_each(dff_db_t *db, const char *sql, const dff_db_value_t *args, size_t nargs,
    dff_db_row_fn row, void *ctx, dff_err_t *err)
{
    MYSQL_STMT       *stmt;
    dff_db_columns_t *columns = NULL;
    unsigned          count;
    int               rc = DFF_ERROR;

    stmt = dff_db_start(db, sql, args, nargs, err);
    if (stmt == NULL) {
        return DFF_ERROR;
    }

    count = mysql_stmt_field_count(stmt);
    if (count == 0 || count > DFF_DB_MAX_COLUMNS) {
        dff_err_set(err, DFF_E_SYS, "a statement with 1 to %d columns was expected: %.80s",
                    DFF_DB_MAX_COLUMNS, sql);
        goto done;
    }
    columns = dff_db_columns_new(count);
    if (columns == NULL) {
        dff_err_set(err, DFF_E_SYS, "out of memory");
        goto done;
    }
    if (mysql_stmt_bind_result(stmt, columns->binds) != 0) {
        (void) dff_db_fail_stmt(db, stmt, err);
        goto done;
    }
    rc = dff_db_fetch_all(db, stmt, columns, row, ctx, err);

done:
    (void) mysql_stmt_close(stmt);       /* drops rows that were not fetched */
    if (columns != NULL) {
        dff_db_columns_release(columns);
    }
    return rc;
}
