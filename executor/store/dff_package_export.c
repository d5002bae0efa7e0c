/* Packages out of the database: see the header. */
#include "store/dff_package_export.h"

#include <string.h>

#include "dff_json.h"
#include "dff_member.h"
#include "store/dff_package.h"

#include "dff_banned.h"

/* Rows that remember a package, or what was there before one. */
static const struct {
    const char *sql;
    const char *prefix;     /* of ids */
    bool        typed;
} dff_package_histories[] = {
    [DFF_PACKAGE_EXPORTED] = { "INSERT INTO script_set_export_history (id, note, summaryJSON)"
                               " VALUES (?, ?, ?)", "sseh-", false },
    [DFF_PACKAGE_IMPORTED] = { "INSERT INTO script_set_import_history (id, note, summaryJSON)"
                               " VALUES (?, ?, ?)", "ssih-", false },
    [DFF_PACKAGE_RECOVER] = { "INSERT INTO script_recover_point (id, note, exportData, type)"
                              " VALUES (?, ?, ?, ?)", "srpt-", true },
};


int
dff_package_collect(const dff_package_work_t *work, const dff_package_wanted_t *wanted,
    dff_buf_t *out, dff_err_t *err)
{
    const struct { dff_section_t section; bool is_wanted; dff_str_t ids; } more[] = {
        { DFF_SECTION_LINKS, wanted->links, wanted->sets },
        { DFF_SECTION_CRONTABS, wanted->crontabs, wanted->sets },
        { DFF_SECTION_BATCHES, wanted->batches, wanted->sets },
        { DFF_SECTION_SOURCES, wanted->sources.len > 2, wanted->sources },
        { DFF_SECTION_ENVS, wanted->envs.len > 2, wanted->envs },
    };

    dff_buf_add_str(out, DFF_STR("{"));
    for (int i = DFF_SECTION_SETS; i <= DFF_SECTION_FUNCS; i++) {
        if (dff_section_export(work, (dff_section_t) i, wanted->sets, out, err) != DFF_OK)
            return DFF_ERROR;
    }
    for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
        if (more[i].is_wanted
            && dff_section_export(work, more[i].section, more[i].ids, out, err) != DFF_OK)
            return DFF_ERROR;
    }
    dff_buf_add_str(out, DFF_STR(",\"note\":"));
    dff_buf_add_json_string(out, wanted->note);
    dff_buf_add_str(out, DFF_STR("}"));
    return dff_buf_failed(out) ? dff_err_set(err, DFF_E_SYS, "out of memory") : DFF_OK;
}


dff_str_t
dff_package_summary(dff_arena_t *arena, dff_str_t json)
{
    dff_json_object_t it;
    dff_json_member_t member;
    dff_buf_t         out = DFF_BUF_INIT;
    dff_str_t         text;

    dff_buf_add_str(&out, DFF_STR("{"));
    (void) dff_json_object_open(&it, json);     /* was checked */
    while (dff_json_object_next(&it, &member, NULL) == 1) {
        if (dff_str_eq(member.key, DFF_STR("scripts"))
            || dff_str_eq(member.key, DFF_STR("funcs")))
        {
            continue;
        }
        dff_buf_addf(&out, "%s\"", out.len == 1 ? "" : ",");
        dff_buf_add_str(&out, member.key);
        dff_buf_add_str(&out, DFF_STR("\":"));
        dff_buf_add_str(&out, member.value);
    }
    dff_buf_add_str(&out, DFF_STR("}"));
    text.data = dff_buf_failed(&out) ? NULL
        : dff_arena_copy(arena, (dff_str_t) { out.data, out.len });
    text.len = text.data == NULL ? 0 : out.len;
    dff_buf_release(&out);
    return text;
}


int
dff_package_remember(const dff_package_work_t *work, dff_package_history_t history,
    dff_str_t note, dff_str_t data, const char *type, char id[DFF_ID_SIZE], dff_err_t *err)
{
    const char    *prefix = dff_package_histories[history].prefix;
    dff_db_value_t values[4];
    size_t         count = 0;

    if (dff_id_make(work->ids, id, prefix) == 0)
        return dff_err_set(err, DFF_E_SYS, "the kernel gives no random bytes");
    id[strlen(prefix) + 12] = '\0';
    values[count++] = DFF_DB_VALUE_TEXT(dff_str_from(id));
    values[count++] = DFF_DB_VALUE_TEXT_OR_NULL(note);
    values[count++] = DFF_DB_VALUE_TEXT(data);
    if (dff_package_histories[history].typed)
        values[count++] = DFF_DB_VALUE_TEXT(dff_str_from(type));
    return dff_db_exec(work->db, dff_package_histories[history].sql, values, count, NULL, err);
}


int
dff_package_export(const dff_package_work_t *work, const dff_package_wanted_t *wanted,
    dff_str_t password, dff_buf_t *out, dff_err_t *err)
{
    dff_buf_t json = DFF_BUF_INIT;
    char      id[DFF_ID_SIZE];
    int       rc = dff_package_collect(work, wanted, &json, err);

    if (rc == DFF_OK)
        rc = dff_package_encode(out, (dff_str_t) { json.data, json.len }, password, err);
    if (rc == DFF_OK)
        rc = dff_package_remember(work, DFF_PACKAGE_EXPORTED, wanted->note,
                                  dff_package_summary(work->arena,
                                                      (dff_str_t) { json.data, json.len }),
                                  NULL, id, err);
    dff_buf_release(&json);
    return rc;
}


int
dff_package_recover_point(const dff_package_work_t *work, const char *type, dff_str_t note,
    char id[DFF_ID_SIZE], dff_err_t *err)
{
    dff_package_wanted_t all = { .note = note };
    dff_buf_t            json = DFF_BUF_INIT, text = DFF_BUF_INIT;
    int                  rc = dff_package_collect(work, &all, &json, err);

    if (rc == DFF_OK)
        rc = dff_package_encode(&text, (dff_str_t) { json.data, json.len }, DFF_STR(""), err);
    if (rc == DFF_OK)
        rc = dff_package_remember(work, DFF_PACKAGE_RECOVER, note,
                                  (dff_str_t) { text.data, text.len }, type, id, err);
    dff_buf_release(&json);
    dff_buf_release(&text);
    return rc;
}
