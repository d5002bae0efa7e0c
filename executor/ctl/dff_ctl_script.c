/*
 * dffctl script publish|list.
 */
#include "ctl/dff_ctl.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "store/dff_publish.h"

#include "dff_banned.h"

enum { DFF_CTL_PUBLISH_ID, DFF_CTL_PUBLISH_TITLE, DFF_CTL_PUBLISH_NOTE };

#define DFF_CTL_PUBLISH_QUEUE  0     /* the system's: not behind calls */


/* The worker's report in full: dff_err_t cuts long tracebacks. */
static void
dff_ctl_script_print_failure(const char *failure)
{
    json_t     *body = failure == NULL ? NULL : json_loads(failure, 0, NULL);
    const char *text = json_string_value(json_object_get(body, "einfoTEXT"));

    if (text != NULL) {
        dff_ctl_print_text(stderr, text, strlen(text));
    }
    json_decref(body);
}


static int
dff_ctl_script_refused(const dff_ctl_t *ctl, const dff_publish_result_t *result)
{
    if (result->failure != NULL) {
        fprintf(stderr, "dffctl %s: %s was refused (%s), nothing is changed:\n",
                ctl->command->name, ctl->words[0], dff_err_row(ctl->err.reason)->reason);
        dff_ctl_script_print_failure(result->failure);
        return DFF_CTL_FAILED;
    }
    if (result->stored) {
        (void) dff_ctl_fail(ctl);
        fputs("run `dffctl db publish-all` when Redis is back\n", stderr);
        return DFF_CTL_FAILED;
    }
    return dff_ctl_fail(ctl);
}


int
dff_ctl_script_publish(dff_ctl_t *ctl)
{
    dff_publish_request_t request = {
        .script_id = ctl->options[DFF_CTL_PUBLISH_ID],
        .title = ctl->options[DFF_CTL_PUBLISH_TITLE],
        .note = ctl->options[DFF_CTL_PUBLISH_NOTE],
        .queue = DFF_CTL_PUBLISH_QUEUE,
        .create = true
    };
    dff_publish_result_t  result = { 0 };
    dff_buf_t             code = DFF_BUF_INIT;
    int                   rc;

    if (dff_ctl_read_file(ctl, ctl->words[0], DFF_PUBLISH_CODE_MAX, &code) != DFF_OK) {
        rc = dff_ctl_fail(ctl);
        goto done;
    }
    request.code = (dff_str_t) { code.data == NULL ? "" : code.data, code.len };

    if (dff_publish_run(ctl->db, ctl->rcmd, &ctl->cfg, &request, &result, &ctl->err) != DFF_OK) {
        rc = dff_ctl_script_refused(ctl, &result);
        goto done;
    }

    /* Somebody else's later version may be the live one by now. */
    printf("published %s version %d: %zu functions, %zu routes\n", request.script_id,
           result.version, result.funcs.count, result.count.routes);
    for (size_t i = 0; i < result.funcs.count; i++) {
        printf("  ");
        dff_ctl_print_text(stdout, result.funcs.items[i].definition,
                           strlen(result.funcs.items[i].definition));
    }
    rc = DFF_CTL_OK;

done:
    dff_publish_release(&result);
    dff_buf_release(&code);
    return rc;
}


int
dff_ctl_script_list(dff_ctl_t *ctl)
{
    static const char *const titles[] = {
        "id", "version", "functions", "draft", "updated (UTC)", "title"
    };
    enum { COLUMNS = sizeof(titles) / sizeof(titles[0]) };
    dff_db_rows_t rows;
    const char  **cells;

    if (dff_publish_list(ctl->db, &rows, &ctl->err) != DFF_OK) {
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
        row[1] = dff_db_cell(&rows, i, 2).data;
        row[2] = dff_db_cell(&rows, i, 3).data;
        row[3] = dff_db_number(dff_db_cell(&rows, i, 4)) != 0 ? "edited" : "-";
        row[4] = dff_db_cell(&rows, i, 5).data;
        row[5] = dff_db_cell(&rows, i, 1).data;
    }
    dff_ctl_print_table(titles, COLUMNS, cells, rows.nrows);
    free(cells);
    dff_db_rows_release(&rows);
    return DFF_CTL_OK;
}
