/*
 * dffctl link add|list, batch add|list.
 */
#include "ctl/dff_ctl.h"

#include <stdlib.h>

#include "store/dff_link.h"

#include "dff_banned.h"

enum { DFF_CTL_LINK_ID, DFF_CTL_LINK_KWARGS, DFF_CTL_LINK_UPDATE, DFF_CTL_LINK_API_AUTH };
enum { DFF_CTL_LINK_LIMIT };

#define DFF_CTL_LINK_LIMIT_DEFAULT  1000
#define DFF_CTL_LINK_LIMIT_MAX      1000000


static int
dff_ctl_link_add_kind(dff_ctl_t *ctl, dff_route_kind_t kind)
{
    dff_link_request_t request = {
        .kind = kind,
        .id = ctl->options[DFF_CTL_LINK_ID],
        .func_id = ctl->words[0],
        .kwargs = dff_str_from(ctl->options[DFF_CTL_LINK_KWARGS]),
        .api_auth = ctl->options[DFF_CTL_LINK_API_AUTH],
        .update = ctl->options[DFF_CTL_LINK_UPDATE] != NULL
    };
    dff_link_result_t  result;
    int                rc;

    if (request.update && request.id == NULL) {
        return dff_ctl_fail_with(ctl, DFF_E_CLIENT_BAD_REQUEST, "--update needs --id");
    }
    if (dff_link_add(ctl->db, ctl->rcmd, &request, &result, &ctl->err) == DFF_OK) {
        printf("%s  /api/v1/%s/%s\n", result.id, dff_route_kind_name(kind), result.id);
        return DFF_CTL_OK;
    }

    rc = dff_ctl_fail(ctl);
    if (result.stored) {
        fputs("run `dffctl db publish-all` when Redis is back\n", stderr);
    } else if (ctl->err.reason == DFF_E_CLIENT_DUPLICATED) {
        fputs("--update changes an existing one\n", stderr);
    }
    return rc;
}


static int
dff_ctl_link_list_kind(dff_ctl_t *ctl, dff_route_kind_t kind)
{
    static const char *const titles[] = {
        "id", "function", "state", "expires (UTC)", "API auth", "arguments"
    };
    enum { COLUMNS = sizeof(titles) / sizeof(titles[0]) };
    int64_t       limit = DFF_CTL_LINK_LIMIT_DEFAULT;
    dff_db_rows_t rows;
    const char  **cells;

    if (ctl->options[DFF_CTL_LINK_LIMIT] != NULL
        && dff_ctl_number(ctl, "--limit", ctl->options[DFF_CTL_LINK_LIMIT], 1,
                          DFF_CTL_LINK_LIMIT_MAX, &limit) != DFF_OK)
    {
        return dff_ctl_fail(ctl);
    }
    if (dff_link_list(ctl->db, kind, (int) limit, &rows, &ctl->err) != DFF_OK) {
        return dff_ctl_fail(ctl);
    }
    cells = calloc(rows.nrows * COLUMNS + 1, sizeof(*cells));
    if (cells == NULL) {
        dff_db_rows_release(&rows);
        return dff_ctl_fail_with(ctl, DFF_E_SYS, "out of memory");
    }
    for (size_t i = 0; i < rows.nrows; i++) {
        const char **row = cells + i * COLUMNS;

        row[0] = dff_db_cell(&rows, i, 0).data;
        row[1] = dff_db_cell(&rows, i, 1).data;
        row[2] = dff_db_number(dff_db_cell(&rows, i, 5)) == 0 ? "function gone"
            : dff_db_number(dff_db_cell(&rows, i, 3)) != 0 ? "disabled" : "ok";
        row[3] = dff_db_cell(&rows, i, 4).data == NULL ? "never" : dff_db_cell(&rows, i, 4).data;
        row[4] = dff_db_cell(&rows, i, 6).data;
        row[5] = dff_db_cell(&rows, i, 2).data;
    }
    dff_ctl_print_table(titles, COLUMNS, cells, rows.nrows);
    free(cells);
    dff_db_rows_release(&rows);
    return DFF_CTL_OK;
}


int
dff_ctl_link_add(dff_ctl_t *ctl)
{
    return dff_ctl_link_add_kind(ctl, DFF_ROUTE_AUTH_LINK);
}


int
dff_ctl_link_list(dff_ctl_t *ctl)
{
    return dff_ctl_link_list_kind(ctl, DFF_ROUTE_AUTH_LINK);
}


int
dff_ctl_batch_add(dff_ctl_t *ctl)
{
    return dff_ctl_link_add_kind(ctl, DFF_ROUTE_BATCH);
}


int
dff_ctl_batch_list(dff_ctl_t *ctl)
{
    return dff_ctl_link_list_kind(ctl, DFF_ROUTE_BATCH);
}
