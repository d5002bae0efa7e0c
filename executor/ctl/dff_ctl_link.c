/*
 * dffctl link and batch add|modify|show|list: the same handlers, by the first word of the
 * command. A batch has fewer options, so they are looked up by name.
 */
#include "ctl/dff_ctl.h"

#include <stdlib.h>
#include <string.h>

#include "dff_iso.h"
#include "dff_time.h"
#include "store/dff_link.h"
#include "store/dff_stat.h"

#include "dff_banned.h"

enum {      /* columns of dff_link_get() and, up to API_AUTH, dff_link_list() */
    DFF_CTL_LINK_ROW_ID, DFF_CTL_LINK_ROW_FUNC, DFF_CTL_LINK_ROW_KWARGS,
    DFF_CTL_LINK_ROW_DISABLED, DFF_CTL_LINK_ROW_EXPIRE, DFF_CTL_LINK_ROW_PUBLISHED,
    DFF_CTL_LINK_ROW_API_AUTH, DFF_CTL_LINK_ROW_THROTTLING, DFF_CTL_LINK_ROW_SHOWN
};

#define DFF_CTL_LINK_LIMIT_DEFAULT  1000
#define DFF_CTL_LINK_LIMIT_MAX      1000000


static dff_route_kind_t
dff_ctl_link_kind(const dff_ctl_t *ctl)
{
    return strncmp(ctl->command->name, "batch ", 6) == 0 ? DFF_ROUTE_BATCH : DFF_ROUTE_AUTH_LINK;
}


/* Of a pair of flags, of which at most one may be given. */
static int
dff_ctl_link_flag(dff_ctl_t *ctl, const char *yes, const char *no, dff_link_flag_t *flag)
{
    bool is_yes = dff_ctl_option(ctl, yes) != NULL, is_no = dff_ctl_option(ctl, no) != NULL;

    if (is_yes && is_no) {
        return dff_err_set(&ctl->err, DFF_E_CLIENT_BAD_REQUEST, "%s and %s exclude each other",
                           yes, no);
    }
    *flag = is_yes ? DFF_LINK_YES : is_no ? DFF_LINK_NO : DFF_LINK_KEEP;
    return DFF_OK;
}


static int
dff_ctl_link_expire(dff_ctl_t *ctl, dff_link_request_t *request)
{
    const char *text = dff_ctl_option(ctl, "--expire");
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


/* What add and modify set alike. */
static int
dff_ctl_link_settings(dff_ctl_t *ctl, dff_link_request_t *request)
{
    request->kind = dff_ctl_link_kind(ctl);
    request->kwargs = dff_str_from(dff_ctl_option(ctl, "--kwargs"));
    request->api_auth = dff_ctl_option(ctl, "--api-auth");
    request->throttling = dff_str_from(dff_ctl_option(ctl, "--throttling"));
    if (dff_ctl_link_flag(ctl, "--disabled", "--enabled", &request->disabled) != DFF_OK
        || dff_ctl_link_flag(ctl, "--show-in-doc", "--hide-in-doc", &request->show_in_doc)
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
        printf("%s  /api/v1/%s/%s\n", result->id,
               dff_route_kind_name(dff_ctl_link_kind(ctl)), result->id);
        return DFF_CTL_OK;
    }
    rc = dff_ctl_fail(ctl);
    if (result->stored) {
        fputs("run `dffctl db publish-all` when Redis is back\n", stderr);
    } else if (ctl->err.reason == DFF_E_CLIENT_DUPLICATED) {
        fputs("--update changes an existing one\n", stderr);
    }
    return rc;
}


int
dff_ctl_link_add(dff_ctl_t *ctl)
{
    dff_link_request_t request = {
        .id = dff_ctl_option(ctl, "--id"),
        .func_id = ctl->words[0],
        .update = dff_ctl_option(ctl, "--update") != NULL
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
        .id = ctl->words[0], .func_id = dff_ctl_option(ctl, "--func")
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

    link = json_pack("{s:s, s:s, s:s, s:o, s:s?, s:s?, s:o, s:b}",
                     "id", dff_db_cell(rows, 0, DFF_CTL_LINK_ROW_ID).data,
                     "funcId", dff_db_cell(rows, 0, DFF_CTL_LINK_ROW_FUNC).data,
                     "state", dff_ctl_link_state(rows, 0),
                     "funcCallKwargsJSON", dff_ctl_link_json(rows, DFF_CTL_LINK_ROW_KWARGS),
                     "expireTime", dff_db_cell(rows, 0, DFF_CTL_LINK_ROW_EXPIRE).data,
                     "apiAuthId", dff_db_cell(rows, 0, DFF_CTL_LINK_ROW_API_AUTH).data,
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
        { "API auth", dff_ctl_link_cell(rows, 0, DFF_CTL_LINK_ROW_API_AUTH, "none") },
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
    stat = dff_stat_ask(ctl->rcmd, dff_ctl_link_kind(ctl), id, &ctl->err) == DFF_OK
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

    if (dff_link_get(ctl->db, dff_ctl_link_kind(ctl), ctl->words[0], &rows, &ctl->err) != DFF_OK) {
        return dff_ctl_fail(ctl);
    }
    if (rows.nrows == 0) {
        rc = dff_ctl_fail_with(ctl, DFF_E_CLIENT_NOT_FOUND, "no such %s: %.64s",
                               dff_ctl_link_kind(ctl) == DFF_ROUTE_BATCH ? "batch" : "auth link",
                               ctl->words[0]);
        goto done;
    }
    stat = dff_ctl_link_stat(ctl, dff_db_cell(&rows, 0, DFF_CTL_LINK_ROW_ID));
    if (stat == NULL) {
        rc = dff_ctl_fail(ctl);
    } else if (dff_ctl_option(ctl, "--json") != NULL) {
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
    static const char *const titles[] = {
        "id", "function", "state", "expires (UTC)", "API auth", "arguments"
    };
    enum { COLUMNS = sizeof(titles) / sizeof(titles[0]) };
    const char   *asked = dff_ctl_option(ctl, "--limit");
    int64_t       limit = DFF_CTL_LINK_LIMIT_DEFAULT;
    dff_db_rows_t rows;
    const char  **cells;

    if (asked != NULL
        && dff_ctl_number(ctl, "--limit", asked, 1, DFF_CTL_LINK_LIMIT_MAX, &limit) != DFF_OK)
    {
        return dff_ctl_fail(ctl);
    }
    if (dff_link_list(ctl->db, dff_ctl_link_kind(ctl), (int) limit, &rows, &ctl->err) != DFF_OK) {
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
        row[4] = dff_ctl_link_cell(&rows, i, DFF_CTL_LINK_ROW_API_AUTH, NULL);
        row[5] = dff_ctl_link_cell(&rows, i, DFF_CTL_LINK_ROW_KWARGS, NULL);
    }
    dff_ctl_print_table(titles, COLUMNS, cells, rows.nrows);
    free(cells);
    dff_db_rows_release(&rows);
    return DFF_CTL_OK;
}
