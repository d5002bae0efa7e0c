/*
 * dffctl api-auth add|list|delete.
 */
#include "ctl/dff_ctl.h"

#include <stdlib.h>
#include <string.h>

#include "store/dff_api_auth.h"
#include "store/dff_api_auth_config.h"
#include "store/dff_secret.h"

#include "dff_banned.h"

enum {
    DFF_CTL_AUTH_TYPE, DFF_CTL_AUTH_CONFIG, DFF_CTL_AUTH_NAME, DFF_CTL_AUTH_ID,
    DFF_CTL_AUTH_UPDATE
};
enum { DFF_CTL_AUTH_LIMIT };
enum { DFF_CTL_AUTH_FORCE };

#define DFF_CTL_AUTH_LIMIT_DEFAULT  1000
#define DFF_CTL_AUTH_LIMIT_MAX      1000000


static int
dff_ctl_api_auth_failed(const dff_ctl_t *ctl, bool stored)
{
    int rc = dff_ctl_fail(ctl);

    if (stored) {
        fputs("run `dffctl db publish-all` when Redis is back\n", stderr);
    }
    return rc;
}


int
dff_ctl_api_auth_add(dff_ctl_t *ctl)
{
    int                    type = dff_auth_type_from(dff_str_from(ctl->options[DFF_CTL_AUTH_TYPE]));
    const char            *config = ctl->options[DFF_CTL_AUTH_CONFIG];
    dff_api_auth_request_t request = {
        .id = ctl->options[DFF_CTL_AUTH_ID],
        .name = ctl->options[DFF_CTL_AUTH_NAME],
        .config = dff_str_from(config),
        .update = ctl->options[DFF_CTL_AUTH_UPDATE] != NULL
    };
    dff_api_auth_result_t  result;
    dff_buf_t              read = DFF_BUF_INIT;
    int                    rc;

    if (type < 0) {
        return dff_ctl_fail_with(ctl, DFF_E_CLIENT_BAD_REQUEST,
                                 "--type must be fixedField, httpBasic, httpDigest or func");
    }
    if (request.update && request.id == NULL) {
        return dff_ctl_fail_with(ctl, DFF_E_CLIENT_BAD_REQUEST, "--update needs --id");
    }
    request.type = (dff_auth_type_t) type;
    if (strcmp(config, "-") == 0) {
        if (dff_ctl_read_file(ctl, config, DFF_API_AUTH_CONFIG_MAX, &read) != DFF_OK) {
            rc = dff_ctl_fail(ctl);
            goto done;
        }
        request.config = (dff_str_t) { read.data == NULL ? "" : read.data, read.len };
    }
    if (dff_api_auth_add(ctl->db, ctl->rcmd, &request, &result, &ctl->err) != DFF_OK) {
        rc = dff_ctl_api_auth_failed(ctl, result.stored);
        if (ctl->err.reason == DFF_E_CLIENT_DUPLICATED) {
            fputs("--update changes an existing one\n", stderr);
        }
        goto done;
    }
    printf("%s\n", result.id);
    rc = DFF_CTL_OK;

done:
    dff_secret_wipe(&read);
    return rc;
}


/* Cells of one row; *told is what its config may say, which the caller frees. */
static int
dff_ctl_api_auth_cells(const dff_db_rows_t *rows, size_t i, const char **cells, char **told)
{
    dff_buf_t text = DFF_BUF_INIT;

    dff_api_auth_config_tell(&text, dff_db_cell(rows, i, 3));
    *told = dff_buf_take(&text, NULL);
    cells[0] = dff_db_cell(rows, i, 0).data;
    cells[1] = dff_db_cell(rows, i, 2).data;
    cells[2] = dff_db_cell(rows, i, 4).data;
    cells[3] = dff_db_cell(rows, i, 1).data;
    cells[4] = *told;
    return *told == NULL ? DFF_ERROR : DFF_OK;
}


int
dff_ctl_api_auth_list(dff_ctl_t *ctl)
{
    static const char *const titles[] = { "id", "type", "links", "name", "asks for" };
    enum { COLUMNS = sizeof(titles) / sizeof(titles[0]) };
    int64_t       limit = DFF_CTL_AUTH_LIMIT_DEFAULT;
    dff_db_rows_t rows = { 0 };
    const char  **cells = NULL;
    char        **told = NULL;
    int           rc = DFF_CTL_FAILED;

    if (ctl->options[DFF_CTL_AUTH_LIMIT] != NULL
        && dff_ctl_number(ctl, "--limit", ctl->options[DFF_CTL_AUTH_LIMIT], 1,
                          DFF_CTL_AUTH_LIMIT_MAX, &limit) != DFF_OK)
    {
        return dff_ctl_fail(ctl);
    }
    if (dff_api_auth_list(ctl->db, (int) limit, &rows, &ctl->err) != DFF_OK) {
        return dff_ctl_fail(ctl);
    }
    cells = calloc(rows.nrows * COLUMNS + 1, sizeof(*cells));
    told = calloc(rows.nrows + 1, sizeof(*told));
    for (size_t i = 0; cells != NULL && told != NULL && i < rows.nrows; i++) {
        if (dff_ctl_api_auth_cells(&rows, i, cells + i * COLUMNS, &told[i]) != DFF_OK) {
            goto done;
        }
    }
    if (cells != NULL && told != NULL) {
        dff_ctl_print_table(titles, COLUMNS, cells, rows.nrows);
        rc = DFF_CTL_OK;
    }

done:
    for (size_t i = 0; told != NULL && i < rows.nrows; i++) {
        free(told[i]);
    }
    free(told);
    free(cells);
    dff_db_rows_release(&rows);
    return rc == DFF_CTL_OK ? rc : dff_ctl_fail_with(ctl, DFF_E_SYS, "out of memory");
}


int
dff_ctl_api_auth_delete(dff_ctl_t *ctl)
{
    bool force = ctl->options[DFF_CTL_AUTH_FORCE] != NULL, stored;
    int  rc;

    if (dff_api_auth_delete(ctl->db, ctl->rcmd, ctl->words[0], force, &stored, &ctl->err)
        == DFF_OK)
    {
        return DFF_CTL_OK;
    }
    rc = dff_ctl_api_auth_failed(ctl, stored);
    if (ctl->err.reason == DFF_E_BIZ_CONDITION) {
        fputs("--force deletes it all the same; its links then refuse every call\n", stderr);
    }
    return rc;
}
