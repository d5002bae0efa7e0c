/*
 * dffctl link add|modify|show|list.
 */
#include "ctl/dff_ctl.h"

#include <stdlib.h>
#include <string.h>

#include "dff_iso.h"
#include "dff_time.h"
#include "store/dff_link.h"
#include "store/dff_stat.h"

#include "dff_banned.h"

enum {      /* DFF_CTL_LINK_SETTINGS, then each command's own */
    DFF_CTL_LINK_KWARGS, DFF_CTL_LINK_EXPIRE, DFF_CTL_LINK_THROTTLING, DFF_CTL_LINK_DISABLED,
    DFF_CTL_LINK_ENABLED, DFF_CTL_LINK_SHOW, DFF_CTL_LINK_HIDE, DFF_CTL_LINK_SETTINGS
};
enum { DFF_CTL_LINK_ID = DFF_CTL_LINK_SETTINGS, DFF_CTL_LINK_UPDATE };
enum { DFF_CTL_LINK_FUNC = DFF_CTL_LINK_SETTINGS };
enum { DFF_CTL_LINK_JSON };
enum { DFF_CTL_LINK_LIMIT };

enum {      /* columns of dff_link_get() and, up to GONE, dff_link_list() */
    DFF_CTL_LINK_ROW_ID, DFF_CTL_LINK_ROW_FUNC, DFF_CTL_LINK_ROW_KWARGS,
    DFF_CTL_LINK_ROW_DISABLED, DFF_CTL_LINK_ROW_EXPIRE, DFF_CTL_LINK_ROW_PUBLISHED,
    DFF_CTL_LINK_ROW_THROTTLING, DFF_CTL_LINK_ROW_SHOWN
};

#define DFF_CTL_LINK_LIMIT_DEFAULT  1000
#define DFF_CTL_LINK_LIMIT_MAX      1000000


/* Of a pair of flags, of which at most one may be given. */
static int
dff_ctl_link_flag(dff_ctl_t *ctl, int yes, int no, dff_link_flag_t *flag)
{
    const dff_ctl_option_t *options = ctl->command->options;

    if (ctl->options[yes] != NULL && ctl->options[no] != NULL) {
        return dff_err_set(&ctl->err, DFF_E_CLIENT_BAD_REQUEST, "%s and %s exclude each other",
                           options[yes].name, options[no].name);
    }
    *flag = ctl->options[yes] != NULL ? DFF_LINK_YES
        : ctl->options[no] != NULL ? DFF_LINK_NO : DFF_LINK_KEEP;
    return DFF_OK;
}


static int
dff_ctl_link_expire(dff_ctl_t *ctl, dff_link_request_t *request)
{
    const char *text = ctl->options[DFF_CTL_LINK_EXPIRE];
    dff_tz_t    tz;
    int         rc;

    request->expires = text != NULL;
    if (text == NULL || text[0] == '\0') {
        return DFF_OK;
    }
    if (dff_tz_init(&tz, ctl->cfg.timezone, &ctl->err) != DFF_OK) {
        return DFF_ERROR;
    }
    rc = dff_iso_read(dff_str_from(text), &tz, &request->expire_ms);
    dff_tz_release(&tz);
    if (rc != DFF_OK) {
        dff_err_set(&ctl->err, DFF_E_CLIENT_BAD_REQUEST, "--expire must be an ISO 8601 time like "
                    "2021-10-14T09:02:03+08:00, got \"%.60s\"", text);
    }
    return rc;
}


/* What DFF_CTL_LINK_SETTINGS says. */
static int
dff_ctl_link_settings(dff_ctl_t *ctl, dff_link_request_t *request)
{
    request->kwargs = dff_str_from(ctl->options[DFF_CTL_LINK_KWARGS]);
    request->throttling = dff_str_from(ctl->options[DFF_CTL_LINK_THROTTLING]);
    if (dff_ctl_link_flag(ctl, DFF_CTL_LINK_DISABLED, DFF_CTL_LINK_ENABLED, &request->disabled)
            != DFF_OK
        || dff_ctl_link_flag(ctl, DFF_CTL_LINK_SHOW, DFF_CTL_LINK_HIDE, &request->show_in_doc)
           != DFF_OK)
    {
        return DFF_ERROR;
    }
    return dff_ctl_link_expire(ctl, request);
}


/* How storing a link ended. */
static int
dff_ctl_link_stored(dff_ctl_t *ctl, int rc, const dff_link_result_t *result)
{
    if (rc == DFF_OK) {
        printf("%s  /api/v1/al/%s\n", result->id, result->id);
        return DFF_CTL_OK;
    }
    rc = dff_ctl_fail(ctl);
    if (result->stored) {
        fputs("run `dffctl db publish-all` when Redis is back\n", stderr);
    } else if (ctl->err.reason == DFF_E_CLIENT_DUPLICATED) {
        fputs("--update changes an existing link\n", stderr);
    }
    return rc;
}


int
dff_ctl_link_add(dff_ctl_t *ctl)
{
    dff_link_request_t request = {
        .id = ctl->options[DFF_CTL_LINK_ID],
        .func_id = ctl->words[0],
        .update = ctl->options[DFF_CTL_LINK_UPDATE] != NULL
    };
    dff_link_result_t  result;

    if (request.update && request.id == NULL) {
        return dff_ctl_fail_with(ctl, DFF_E_CLIENT_BAD_REQUEST, "--update needs --id");
    }
    if (dff_ctl_link_settings(ctl, &request) != DFF_OK) {
        return dff_ctl_fail(ctl);
    }
    return dff_ctl_link_stored(ctl, dff_link_add(ctl->db, ctl->rcmd, &request, &result, &ctl->err),
                               &result);
}


int
dff_ctl_link_modify(dff_ctl_t *ctl)
{
    dff_link_request_t request = {
        .id = ctl->words[0], .func_id = ctl->options[DFF_CTL_LINK_FUNC]
    };
    dff_link_result_t  result;

    if (dff_ctl_link_settings(ctl, &request) != DFF_OK) {
        return dff_ctl_fail(ctl);
    }
    return dff_ctl_link_stored(ctl, dff_link_modify(ctl->db, ctl->rcmd, &request, &result,
                                                    &ctl->err), &result);
}


static const char *
dff_ctl_link_state(const dff_db_rows_t *rows, size_t row)
{
    return dff_db_number(dff_db_cell(rows, row, DFF_CTL_LINK_ROW_PUBLISHED)) == 0
        ? "function gone"
        : dff_db_number(dff_db_cell(rows, row, DFF_CTL_LINK_ROW_DISABLED)) != 0 ? "disabled"
        : "ok";
}


static const char *
dff_ctl_link_cell(const dff_db_rows_t *rows, size_t row, size_t column, const char *none)
{
    const char *text = dff_db_cell(rows, row, column).data;

    return text == NULL ? none : text;
}


/* A JSON column; NULL: JSON null. */
static json_t *
dff_ctl_link_json(const dff_db_rows_t *rows, size_t column)
{
    dff_str_t text = dff_db_cell(rows, 0, column);

    return text.data == NULL ? json_null() : json_loadb(text.data, text.len, 0, NULL);
}


static int
dff_ctl_link_print_json(dff_ctl_t *ctl, const dff_db_rows_t *rows, json_t *stat)
{
    json_t *link;
    char   *text = NULL;

    link = json_pack("{s:s, s:s, s:s, s:o, s:s?, s:o, s:b}",
                     "id", dff_db_cell(rows, 0, DFF_CTL_LINK_ROW_ID).data,
                     "funcId", dff_db_cell(rows, 0, DFF_CTL_LINK_ROW_FUNC).data,
                     "state", dff_ctl_link_state(rows, 0),
                     "funcCallKwargsJSON", dff_ctl_link_json(rows, DFF_CTL_LINK_ROW_KWARGS),
                     "expireTime", dff_db_cell(rows, 0, DFF_CTL_LINK_ROW_EXPIRE).data,
                     "throttlingJSON", dff_ctl_link_json(rows, DFF_CTL_LINK_ROW_THROTTLING),
                     "showInDoc", dff_db_number(dff_db_cell(rows, 0, DFF_CTL_LINK_ROW_SHOWN)) != 0);
    if (json_object_update(link, stat) == 0) {
        text = json_dumps(link, JSON_INDENT(2));
    }
    json_decref(link);
    if (text == NULL) {
        return dff_ctl_fail_with(ctl, DFF_E_SYS, "out of memory");
    }
    puts(text);
    free(text);
    return DFF_CTL_OK;
}


/* {"a":1,"b":null} as "a 1, b -". */
static void
dff_ctl_link_print_members(const char *title, const json_t *object)
{
    const char *name, *comma = "";
    json_t     *value;

    printf("%s", title);
    json_object_foreach((json_t *) (uintptr_t) object, name, value) {
        if (json_is_integer(value)) {
            printf("%s%s %lld", comma, name, (long long) json_integer_value(value));
        } else {
            printf("%s%s -", comma, name);
        }
        comma = ", ";
    }
    putchar('\n');
}


static void
dff_ctl_link_print(const dff_db_rows_t *rows, const json_t *stat)
{
    json_t *day;
    size_t  i;

    const struct { const char *title, *text; } lines[] = {
        { "link", dff_ctl_link_cell(rows, 0, DFF_CTL_LINK_ROW_ID, "") },
        { "function", dff_ctl_link_cell(rows, 0, DFF_CTL_LINK_ROW_FUNC, "") },
        { "state", dff_ctl_link_state(rows, 0) },
        { "expires (UTC)", dff_ctl_link_cell(rows, 0, DFF_CTL_LINK_ROW_EXPIRE, "never") },
        { "throttling", dff_ctl_link_cell(rows, 0, DFF_CTL_LINK_ROW_THROTTLING, "none") },
        { "in document", dff_db_number(dff_db_cell(rows, 0, DFF_CTL_LINK_ROW_SHOWN)) != 0
                         ? "yes" : "no" },
        { "arguments", dff_ctl_link_cell(rows, 0, DFF_CTL_LINK_ROW_KWARGS, "{}") },
    };

    for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        printf("%-15s", lines[i].title);
        dff_ctl_print_text(stdout, lines[i].text, strlen(lines[i].text));
    }
    json_array_foreach(json_object_get(stat, "recentRunningCount"), i, day) {
        printf("%-15s%s  %lld\n", i == 0 ? "calls" : "",
               json_string_value(json_object_get(day, "date")),
               (long long) json_integer_value(json_object_get(day, "count")));
    }
    dff_ctl_link_print_members("last calls     ", json_object_get(stat, "recentRunningStatus"));
    dff_ctl_link_print_members("cost (ms)      ", json_object_get(stat, "recentRunningCost"));
}


static json_t *
dff_ctl_link_stat(dff_ctl_t *ctl, dff_str_t id)
{
    json_t  *stat;
    dff_tz_t tz;

    if (dff_tz_init(&tz, ctl->cfg.timezone, &ctl->err) != DFF_OK) {
        return NULL;
    }
    stat = dff_stat_ask(ctl->rcmd, DFF_ROUTE_AUTH_LINK, id, &ctl->err) == DFF_OK
        ? dff_stat_take(ctl->rcmd, &tz, dff_time_now_ms(), &ctl->err) : NULL;
    dff_tz_release(&tz);
    return stat;
}


int
dff_ctl_link_show(dff_ctl_t *ctl)
{
    dff_db_rows_t rows;
    json_t       *stat = NULL;
    int           rc;

    if (dff_link_get(ctl->db, ctl->words[0], &rows, &ctl->err) != DFF_OK) {
        return dff_ctl_fail(ctl);
    }
    if (rows.nrows == 0) {
        rc = dff_ctl_fail_with(ctl, DFF_E_CLIENT_NOT_FOUND, "no such auth link: %.64s",
                               ctl->words[0]);
        goto done;
    }
    stat = dff_ctl_link_stat(ctl, dff_db_cell(&rows, 0, DFF_CTL_LINK_ROW_ID));
    if (stat == NULL) {
        rc = dff_ctl_fail(ctl);
    } else if (ctl->options[DFF_CTL_LINK_JSON] != NULL) {
        rc = dff_ctl_link_print_json(ctl, &rows, stat);
    } else {
        dff_ctl_link_print(&rows, stat);
        rc = DFF_CTL_OK;
    }

done:
    json_decref(stat);
    dff_db_rows_release(&rows);
    return rc;
}


int
dff_ctl_link_list(dff_ctl_t *ctl)
{
    static const char *const titles[] = { "id", "function", "state", "expires (UTC)", "arguments" };
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
    if (dff_link_list(ctl->db, (int) limit, &rows, &ctl->err) != DFF_OK) {
        return dff_ctl_fail(ctl);
    }
    cells = calloc(rows.nrows * COLUMNS + 1, sizeof(*cells));
    if (cells == NULL) {
        dff_db_rows_release(&rows);
        return dff_ctl_fail_with(ctl, DFF_E_SYS, "out of memory");
    }
    for (size_t i = 0; i < rows.nrows; i++) {
        const char **row = cells + i * COLUMNS;

        row[0] = dff_ctl_link_cell(&rows, i, DFF_CTL_LINK_ROW_ID, NULL);
        row[1] = dff_ctl_link_cell(&rows, i, DFF_CTL_LINK_ROW_FUNC, NULL);
        row[2] = dff_ctl_link_state(&rows, i);
        row[3] = dff_ctl_link_cell(&rows, i, DFF_CTL_LINK_ROW_EXPIRE, "never");
        row[4] = dff_ctl_link_cell(&rows, i, DFF_CTL_LINK_ROW_KWARGS, NULL);
    }
    dff_ctl_print_table(titles, COLUMNS, cells, rows.nrows);
    free(cells);
    dff_db_rows_release(&rows);
    return DFF_CTL_OK;
}
