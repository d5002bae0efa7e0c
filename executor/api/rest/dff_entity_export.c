/* Lists as files: JSON or CSV, in UTF-8 or GBK. */
#include "api/rest/dff_entity.h"

#include <iconv.h>
#include <stdlib.h>

#include "dff_banned.h"


static void
dff_entity_add_csv(dff_buf_t *out, dff_str_t text)
{
    bool formula = text.len > 0 && strchr("=+-@", text.data[0]) != NULL;

    /* A spreadsheet must not run what a name begins with. */
    dff_buf_add_str(out, formula ? DFF_STR("\"'") : DFF_STR("\""));
    for (size_t i = 0; i < text.len; i++) {
        dff_buf_add(out, text.data + i, 1);
        if (text.data[i] == '"') {
            dff_buf_add(out, "\"", 1);
        }
    }
    dff_buf_add_str(out, DFF_STR("\""));
}


/* A cell's shown form: strings without their quotes, null as nothing. */
static int
dff_entity_csv_cell(dff_web_call_t *call, dff_buf_t *out, const dff_column_t *column,
    dff_str_t id, dff_str_t cell, dff_err_t *err)
{
    dff_buf_t shown = DFF_BUF_INIT;
    dff_str_t text;
    int       rc = dff_entity_add_cell(call, &shown, column, id, cell, err);

    text = (dff_str_t) { shown.data, shown.len };
    if (rc == DFF_OK && text.len > 1 && text.data[0] == '"') {
        text = dff_json_decoded(&call->arena, text);
    }
    if (rc == DFF_OK && !dff_str_eq(text, DFF_STR("null"))) {
        dff_entity_add_csv(out, text);
    }
    dff_buf_release(&shown);
    return rc;
}


static int
dff_entity_csv(dff_web_call_t *call, dff_buf_t *out, const dff_column_t *const *columns,
    size_t ncolumns, const dff_db_rows_t *rows, dff_err_t *err)
{
    dff_str_t id = DFF_STR("");

    for (size_t i = 0; i < ncolumns; i++) {
        dff_buf_addf(out, "%s%s", i == 0 ? "" : ",", columns[i]->prop.name);
    }
    dff_buf_add_str(out, DFF_STR("\r\n"));
    for (size_t row = 0; row < rows->nrows; row++) {
        for (size_t i = 0; i < ncolumns; i++) {
            if (strcmp(columns[i]->prop.name, "id") == 0) {
                id = dff_db_cell(rows, row, i);
            }
            dff_buf_add_str(out, i == 0 ? DFF_STR("") : DFF_STR(","));
            if (dff_entity_csv_cell(call, out, columns[i], id, dff_db_cell(rows, row, i), err)
                != DFF_OK)
            {
                return DFF_ERROR;
            }
        }
        dff_buf_add_str(out, DFF_STR("\r\n"));
    }
    return DFF_OK;
}


static int
dff_entity_json(dff_web_call_t *call, dff_buf_t *out, const dff_column_t *const *columns,
    size_t ncolumns, const dff_db_rows_t *rows, dff_err_t *err)
{
    dff_buf_add_str(out, DFF_STR("["));
    for (size_t row = 0; row < rows->nrows; row++) {
        dff_str_t id = DFF_STR("");

        for (size_t i = 0; i < ncolumns; i++) {
            id = strcmp(columns[i]->prop.name, "id") == 0 ? dff_db_cell(rows, row, i) : id;
        }
        dff_buf_add_str(out, row == 0 ? DFF_STR("{") : DFF_STR(",{"));
        for (size_t i = 0; i < ncolumns; i++) {
            dff_buf_addf(out, "%s\"%s\":", i == 0 ? "" : ",", columns[i]->prop.name);
            if (dff_entity_add_cell(call, out, columns[i], id, dff_db_cell(rows, row, i), err)
                != DFF_OK)
            {
                return DFF_ERROR;
            }
        }
        dff_buf_add_str(out, DFF_STR("}"));
    }
    dff_buf_add_str(out, DFF_STR("]"));
    return DFF_OK;
}


/* What GBK does not have becomes '?'. */
static int
dff_entity_to_gbk(dff_buf_t *content, dff_err_t *err)
{
    iconv_t   cd = iconv_open("GBK", "UTF-8");
    char     *in = content->data;
    size_t    left = content->len;
    dff_buf_t out = DFF_BUF_INIT;

    if (cd == (iconv_t) -1) {
        return dff_err_set(err, DFF_E_CLIENT_UNSUPPORTED, "This machine cannot write GBK");
    }
    while (left > 0) {
        size_t room = left * 2 + 16, before = room;
        char  *to = dff_buf_reserve(&out, room);

        if (to == NULL) {
            break;
        }
        if (iconv(cd, &in, &left, &to, &room) == (size_t) -1 && left > 0) {
            do {
                in++;
                left--;
            } while (left > 0 && ((unsigned char) *in & 0xc0) == 0x80);
            *to++ = '?';
            room--;
        }
        out.len += before - room;
    }
    (void) iconv_close(cd);
    dff_buf_release(content);
    *content = out;
    return dff_buf_failed(content) ? dff_err_set(err, DFF_E_SYS, "out of memory") : DFF_OK;
}


int
dff_entity_export(dff_web_call_t *call, const dff_column_t *const *columns, size_t ncolumns,
    const dff_db_rows_t *rows, dff_err_t *err)
{
    dff_buf_t *out = &call->answer.content;
    bool       csv = dff_str_eq(dff_web_query(&call->req, "export"), DFF_STR("csv"));
    bool       gbk = dff_str_eq(dff_web_query(&call->req, "charset"), DFF_STR("gbk"));
    int        rc;

    rc = csv ? dff_entity_csv(call, out, columns, ncolumns, rows, err)
             : dff_entity_json(call, out, columns, ncolumns, rows, err);
    if (rc == DFF_OK && gbk) {
        rc = dff_entity_to_gbk(out, err);
    }
    call->answer.content_type = csv
        ? (gbk ? "text/csv; charset=gbk" : "text/csv; charset=utf-8")
        : (gbk ? "application/json; charset=gbk" : "application/json; charset=utf-8");
    dff_web_answer_attachment(&call->answer, csv ? DFF_STR("list.csv") : DFF_STR("list.json"));
    return rc;
}
