/*
 * dffctl env set|list|delete.
 */
#include "ctl/dff_ctl.h"

#include <stdlib.h>
#include <string.h>

#include "store/dff_env.h"

#include "dff_banned.h"

#define DFF_CTL_ENV_VALUE_MAX  (1u << 20)      /* bytes, from standard input */

enum { DFF_CTL_ENV_TYPE, DFF_CTL_ENV_TITLE, DFF_CTL_ENV_DESCRIPTION };
enum { DFF_CTL_ENV_COLUMNS = 3 };


int
dff_ctl_env_set(dff_ctl_t *ctl)
{
    dff_env_request_t request = {
        .mode = DFF_ENV_PUT,
        .id = dff_str_from(ctl->words[0]),
        .value = dff_str_from(ctl->words[1]),
        .type = dff_str_from(ctl->options[DFF_CTL_ENV_TYPE]),
        .title = dff_str_from(ctl->options[DFF_CTL_ENV_TITLE]),
        .description = dff_str_from(ctl->options[DFF_CTL_ENV_DESCRIPTION]),
    };
    dff_buf_t         read = DFF_BUF_INIT;
    int               rc = DFF_OK;

    if (strcmp(ctl->words[1], "-") == 0) {
        rc = dff_ctl_read_file(ctl, "-", DFF_CTL_ENV_VALUE_MAX, &read);
        /* As a shell's $(…): the end of the line is not the value's. */
        request.value = (dff_str_t) { read.data == NULL ? "" : read.data, read.len };
        request.value.len -= read.len > 0 && read.data[read.len - 1] == '\n';
        if (rc == DFF_OK && read.len > DFF_CTL_ENV_VALUE_MAX) {
            rc = dff_err_set(&ctl->err, DFF_E_CLIENT_BAD_REQUEST, "a value has at most %u bytes",
                             DFF_CTL_ENV_VALUE_MAX);
        }
    }
    if (rc == DFF_OK) {
        rc = dff_env_set(ctl->db, &request, &ctl->err);
    }
    dff_buf_release(&read);
    return rc == DFF_OK ? DFF_CTL_OK : dff_ctl_fail(ctl);
}


typedef struct {            /* cells of the table, row by row */
    char **cells;
    size_t count, size;
} dff_ctl_env_table_t;


static int
dff_ctl_env_add(dff_ctl_env_table_t *table, dff_str_t text, dff_err_t *err)
{
    char *cell = text.data == NULL ? strdup("") : strndup(text.data, text.len);

    if (table->count == table->size) {
        size_t size = table->size == 0 ? 96 : table->size * 2;
        char **cells = reallocarray(table->cells, size, sizeof(*cells));

        if (cells == NULL) {
            free(cell);
            return dff_err_set(err, DFF_E_SYS, "out of memory");
        }
        table->cells = cells;
        table->size = size;
    }
    if (cell == NULL) {
        return dff_err_set(err, DFF_E_SYS, "out of memory");
    }
    table->cells[table->count++] = cell;
    return DFF_OK;
}


/* Without the value: operators keep tokens there, too. */
static int
dff_ctl_env_row(void *ctx, const dff_env_row_t *row, dff_err_t *err)
{
    return dff_ctl_env_add(ctx, row->id, err) == DFF_OK
        && dff_ctl_env_add(ctx, row->type, err) == DFF_OK ? dff_ctl_env_add(ctx, row->title, err)
                                                          : DFF_ERROR;
}


int
dff_ctl_env_list(dff_ctl_t *ctl)
{
    static const char *const titles[DFF_CTL_ENV_COLUMNS] = { "id", "type", "title" };
    dff_ctl_env_table_t      table = { 0 };
    int                      rc = DFF_CTL_OK;

    if (dff_env_each(ctl->db, dff_ctl_env_row, &table, &ctl->err) == DFF_OK) {
        dff_ctl_print_table(titles, DFF_CTL_ENV_COLUMNS, (const char *const *) table.cells,
                            table.count / DFF_CTL_ENV_COLUMNS);
    } else {
        rc = dff_ctl_fail(ctl);
    }
    for (size_t i = 0; i < table.count; i++) {
        free(table.cells[i]);
    }
    free(table.cells);
    return rc;
}


int
dff_ctl_env_delete(dff_ctl_t *ctl)
{
    return dff_env_delete(ctl->db, dff_str_from(ctl->words[0]), &ctl->err) == DFF_OK
        ? DFF_CTL_OK : dff_ctl_fail(ctl);
}
