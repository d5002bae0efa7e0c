/*
 * dffctl source add|list|delete.
 */
#include "ctl/dff_ctl.h"

#include <stdlib.h>
#include <string.h>

#include "store/dff_secret.h"
#include "store/dff_source.h"

#include "dff_banned.h"

#define DFF_CTL_SOURCE_LIMIT_DEFAULT  1000
#define DFF_CTL_SOURCE_LIMIT_MAX      1000000

enum {
    DFF_CTL_SOURCE_TYPE, DFF_CTL_SOURCE_CONFIG, DFF_CTL_SOURCE_TITLE,
    DFF_CTL_SOURCE_DESCRIPTION, DFF_CTL_SOURCE_UPDATE
};
enum { DFF_CTL_SOURCE_LIMIT };


int
dff_ctl_source_add(dff_ctl_t *ctl)
{
    const char          *config = ctl->options[DFF_CTL_SOURCE_CONFIG];
    bool                 update = ctl->options[DFF_CTL_SOURCE_UPDATE] != NULL;
    dff_source_request_t request = {
        .mode = update ? DFF_SOURCE_MODIFY : DFF_SOURCE_ADD,
        .id = dff_str_from(ctl->words[0]),
        .type = dff_str_from(ctl->options[DFF_CTL_SOURCE_TYPE]),
        .config = dff_str_from(config),
        .title = dff_str_from(ctl->options[DFF_CTL_SOURCE_TITLE]),
        .description = dff_str_from(ctl->options[DFF_CTL_SOURCE_DESCRIPTION]),
    };
    dff_buf_t            read = DFF_BUF_INIT;
    int                  rc = DFF_OK;

    if (!update && (request.type.data == NULL || config == NULL)) {
        return dff_ctl_fail_with(ctl, DFF_E_CLIENT_BAD_REQUEST, "%s is missing",
                                 config == NULL ? "--config" : "--type");
    }
    if (update && request.type.data != NULL) {
        return dff_ctl_fail_with(ctl, DFF_E_CLIENT_BAD_REQUEST,
                                 "the type of a data source cannot change: --type and --update");
    }
    if (config != NULL && strcmp(config, "-") == 0) {
        rc = dff_ctl_read_file(ctl, config, DFF_SOURCE_CONFIG_MAX, &read);
        request.config = (dff_str_t) { read.data == NULL ? "" : read.data, read.len };
    }
    if (rc == DFF_OK) {
        rc = dff_source_set(ctl->db, &request, &ctl->err);
    }
    dff_secret_wipe(&read);
    if (rc == DFF_OK) {
        return DFF_CTL_OK;
    }
    rc = dff_ctl_fail(ctl);
    if (ctl->err.reason == DFF_E_CLIENT_DUPLICATED) {
        fputs("--update changes an existing one\n", stderr);
    }
    return rc;
}


static int
dff_ctl_source_print(const dff_db_rows_t *rows)
{
    static const char *const titles[] = { "id", "type", "title", "config" };
    enum { COLUMNS = sizeof(titles) / sizeof(titles[0]) };
    const char **cells = calloc(rows->nrows * COLUMNS + 1, sizeof(*cells));
    char       **told = calloc(rows->nrows + 1, sizeof(*told));
    int          rc = cells == NULL || told == NULL ? DFF_ERROR : DFF_OK;

    for (size_t i = 0; rc == DFF_OK && i < rows->nrows; i++) {
        dff_buf_t text = DFF_BUF_INIT;

        dff_source_tell(&text, dff_db_cell(rows, i, 3));
        told[i] = dff_buf_take(&text, NULL);
        rc = told[i] == NULL ? DFF_ERROR : DFF_OK;
        for (size_t k = 0; k + 1 < COLUMNS; k++) {
            cells[i * COLUMNS + k] = dff_db_cell(rows, i, k).data;
        }
        cells[i * COLUMNS + COLUMNS - 1] = told[i];
    }
    if (rc == DFF_OK) {
        dff_ctl_print_table(titles, COLUMNS, cells, rows->nrows);
    }
    for (size_t i = 0; told != NULL && i < rows->nrows; i++) {
        free(told[i]);
    }
    free(told);
    free(cells);
    return rc;
}


int
dff_ctl_source_list(dff_ctl_t *ctl)
{
    int64_t       limit = DFF_CTL_SOURCE_LIMIT_DEFAULT;
    dff_db_rows_t rows;
    int           rc;

    if (ctl->options[DFF_CTL_SOURCE_LIMIT] != NULL
        && dff_ctl_number(ctl, "--limit", ctl->options[DFF_CTL_SOURCE_LIMIT], 1,
                          DFF_CTL_SOURCE_LIMIT_MAX, &limit) != DFF_OK)
    {
        return dff_ctl_fail(ctl);
    }
    if (dff_source_list(ctl->db, (int) limit, &rows, &ctl->err) != DFF_OK) {
        return dff_ctl_fail(ctl);
    }
    rc = dff_ctl_source_print(&rows);
    dff_db_rows_release(&rows);
    return rc == DFF_OK ? DFF_CTL_OK : dff_ctl_fail_with(ctl, DFF_E_SYS, "out of memory");
}


int
dff_ctl_source_delete(dff_ctl_t *ctl)
{
    return dff_source_delete(ctl->db, dff_str_from(ctl->words[0]), &ctl->err) == DFF_OK
        ? DFF_CTL_OK : dff_ctl_fail(ctl);
}
