/*
 * Rows of a statement in memory. Runs in dffctl and the api processes.
 */
#include "store/dff_db.h"

#include <stdlib.h>
#include <string.h>

#include "dff_banned.h"

typedef struct {            /* what dff_db_query collects */
    dff_db_rows_t *rows;
    size_t         cells_size;    /* allocated cells */
    size_t         bytes_size, bytes_len;
} dff_db_collect_t;


/* Grows *memory to hold need elements; *size is what it holds. */
static int
dff_db_grow(void **memory, size_t *size, size_t need, size_t element)
{
    size_t more = *size == 0 ? 64 : *size;
    void  *grown;

    if (need <= *size) {
        return DFF_OK;
    }
    while (more < need) {
        more *= 2;
    }
    grown = reallocarray(*memory, more, element);
    if (grown == NULL) {
        return DFF_ERROR;
    }
    *memory = grown;
    *size = more;
    return DFF_OK;
}


/* While the bytes grow they move, so that cells hold offsets until the end. */
static int
dff_db_collect(void *ctx, const dff_str_t *columns, size_t ncolumns, dff_err_t *err)
{
    dff_db_collect_t *collect = ctx;
    dff_db_rows_t    *rows = collect->rows;
    size_t            first = rows->nrows * ncolumns;

    rows->ncolumns = ncolumns;
    if (dff_db_grow((void **) &rows->cells, &collect->cells_size, first + ncolumns,
                    sizeof(*rows->cells)) != DFF_OK)
    {
        return dff_err_set(err, DFF_E_SYS, "out of memory for rows");
    }

    for (size_t i = 0; i < ncolumns; i++) {
        dff_str_t *cell = &rows->cells[first + i];

        *cell = DFF_STR_NULL;
        if (columns[i].data == NULL) {
            continue;
        }
        if (dff_db_grow((void **) &rows->bytes, &collect->bytes_size,
                        collect->bytes_len + columns[i].len + 2, 1) != DFF_OK)
        {
            return dff_err_set(err, DFF_E_SYS, "out of memory for rows");
        }
        /* Offset + 1, so that the first cell is not NULL. */
        cell->data = (const char *) (uintptr_t) (collect->bytes_len + 1);
        cell->len = columns[i].len;
        memcpy(rows->bytes + collect->bytes_len, columns[i].data, columns[i].len);
        rows->bytes[collect->bytes_len + columns[i].len] = '\0';
        collect->bytes_len += columns[i].len + 1;
    }
    rows->nrows++;
    return DFF_OK;
}


int
dff_db_query(dff_db_t *db, const char *sql, const dff_db_value_t *args, size_t nargs,
    dff_db_rows_t *rows, dff_err_t *err)
{
    dff_db_collect_t collect = { .rows = rows };

    *rows = (dff_db_rows_t) { 0 };
    if (dff_db_each(db, sql, args, nargs, dff_db_collect, &collect, err) != DFF_OK) {
        dff_db_rows_release(rows);
        return DFF_ERROR;
    }
    for (size_t i = 0; i < rows->nrows * rows->ncolumns; i++) {
        if (rows->cells[i].data != NULL) {
            rows->cells[i].data = rows->bytes + ((uintptr_t) rows->cells[i].data - 1);
        }
    }
    return DFF_OK;
}


void
dff_db_rows_release(dff_db_rows_t *rows)
{
    free(rows->cells);
    free(rows->bytes);
    *rows = (dff_db_rows_t) { 0 };
}


int64_t
dff_db_number(dff_str_t cell)
{
    char text[32];

    if (cell.data == NULL || cell.len >= sizeof(text)) {
        return 0;
    }
    memcpy(text, cell.data, cell.len);
    text[cell.len] = '\0';
    return strtoll(text, NULL, 10);
}
