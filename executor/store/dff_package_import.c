/* Packages into the database: see the header. */
#include "store/dff_package_import.h"

#include <string.h>

#include "dff_json.h"
#include "dff_member.h"
#include "store/dff_package_export.h"
#include "store/dff_unsynced.h"

#include "dff_banned.h"


/* A set goes with everything in it, unless somebody else has locked it or a script of it. */
static int
dff_import_remove_set(dff_import_t *import, dff_str_t id, dff_err_t *err)
{
    static const char *const statements[] = {
        "DELETE FROM func WHERE scriptSetId = ?", "DELETE FROM script WHERE scriptSetId = ?",
        "DELETE FROM script_set WHERE id = ?",
    };
    dff_db_value_t values[] = {
        DFF_DB_VALUE_TEXT(id), DFF_DB_VALUE_TEXT_OR_NULL(import->work.user_id),
        DFF_DB_VALUE_TEXT(id), DFF_DB_VALUE_TEXT_OR_NULL(import->work.user_id)
    };
    dff_db_rows_t  rows;
    bool           locked;

    if (dff_db_query(import->work.db, "SELECT id FROM script_set WHERE id = ? AND"
                     " lockedByUserId <> ? UNION SELECT id FROM script WHERE scriptSetId = ?"
                     " AND lockedByUserId <> ?", DFF_DB_ARGS(values), &rows, err) != DFF_OK)
    {
        return DFF_ERROR;
    }
    locked = rows.nrows > 0;
    dff_db_rows_release(&rows);
    if (locked) {
        import->locked_id = dff_str_from(dff_arena_copy(import->work.arena, id));
        return dff_err_set(err, DFF_E_BIZ_CONDITION, "Script set %.*s or a script of it is locked"
                           " by another user", (int) id.len, id.data);
    }
    if (dff_unsynced_mark_set(import->work.db, id, err) != DFF_OK) {
        return DFF_ERROR;
    }
    for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++) {
        if (dff_db_exec(import->work.db, statements[i], values, 1, NULL, err) != DFF_OK) {
            return DFF_ERROR;
        }
    }
    return DFF_OK;
}


static int
dff_import_remove_row(dff_import_t *import, dff_section_t section, dff_str_t id, dff_err_t *err)
{
    dff_db_value_t values[] = { DFF_DB_VALUE_TEXT(id) };
    dff_buf_t      sql = DFF_BUF_INIT;
    int            rc;

    if (section == DFF_SECTION_SETS) {
        return dff_import_remove_set(import, id, err);
    }
    dff_buf_addf(&sql, "DELETE FROM `%s` WHERE id = ?", dff_section_table(section));
    rc = dff_buf_failed(&sql) ? dff_err_set(err, DFF_E_SYS, "out of memory")
        : dff_db_exec(import->work.db, sql.data, DFF_DB_ARGS(values), NULL, err);
    dff_buf_release(&sql);
    return rc;
}


static int
dff_import_remove_all(dff_import_t *import, dff_err_t *err)
{
    dff_db_rows_t rows;
    int           rc = DFF_OK;

    if (dff_db_query(import->work.db, "SELECT id FROM script_set FOR UPDATE", NULL, 0, &rows,
                     err) != DFF_OK)
    {
        return DFF_ERROR;
    }
    for (size_t i = 0; rc == DFF_OK && i < rows.nrows; i++) {
        rc = dff_import_remove_set(import, dff_db_cell(&rows, i, 0), err);
    }
    dff_db_rows_release(&rows);
    return rc;
}


/* Marks what was put in: scripts by their sets, routes by themselves. */
static int
dff_import_mark(dff_import_t *import, dff_section_t section, dff_str_t id, dff_err_t *err)
{
    dff_db_t *db = import->work.db;

    switch (section) {
    case DFF_SECTION_LINKS:
        return dff_unsynced_mark(db, DFF_UNSYNCED_AUTH_LINK, id, err);
    case DFF_SECTION_BATCHES:
        return dff_unsynced_mark(db, DFF_UNSYNCED_BATCH, id, err);
    case DFF_SECTION_SCRIPTS:
        return dff_unsynced_mark(db, DFF_UNSYNCED_SCRIPT, id, err);
    default:
        return DFF_OK;
    }
}


static int
dff_import_row(dff_import_t *import, dff_section_t section, dff_str_t row, bool removes,
    dff_err_t *err)
{
    dff_str_t id = dff_member_text(import->work.arena, row, "id");

    if (removes)
        return dff_import_remove_row(import, section, id, err);
    return dff_section_insert(&import->work, section, row, err) == DFF_OK
        ? dff_import_mark(import, section, id, err) : DFF_ERROR;
}


static int
dff_import_rows(dff_import_t *import, dff_section_t section, bool removes, dff_err_t *err)
{
    dff_json_array_t  it;
    dff_json_member_t row, list;

    if (!dff_member_get(import->json, dff_section_name(section), &list)
        || dff_json_array_open(&it, list.value) != DFF_OK)
    {
        return DFF_OK;
    }
    while (dff_json_array_next(&it, &row, NULL) == 1) {
        if (dff_import_row(import, section, row.value, removes, err) != DFF_OK) {
            return DFF_ERROR;
        }
    }
    return DFF_OK;
}


static int
dff_import_body(dff_db_t *db, void *ctx, dff_err_t *err)
{
    dff_import_t *import = ctx;
    char          id[DFF_ID_SIZE];

    (void) db;
    if (dff_package_recover_point(&import->work, import->type, dff_str_from(import->note), id, err)
        != DFF_OK
        || (import->replaces_all && dff_import_remove_all(import, err) != DFF_OK))
        return DFF_ERROR;
    for (int i = 0; i < DFF_SECTION_COUNT; i++) {
        dff_section_t section = (dff_section_t) i;
        bool          in_set = section == DFF_SECTION_SCRIPTS || section == DFF_SECTION_FUNCS;

        if ((!in_set && dff_import_rows(import, section, true, err) != DFF_OK)
            || dff_import_rows(import, section, false, err) != DFF_OK)
            return DFF_ERROR;
    }
    return dff_package_remember(&import->work, DFF_PACKAGE_IMPORTED,
                                dff_member_text(import->work.arena, import->json, "note"),
                                dff_package_summary(import->work.arena, import->json), NULL, id,
                                err);
}


int
dff_import_run(dff_import_t *import, dff_err_t *err)
{
    dff_unsynced_work_t work;

    if (dff_db_transaction(import->work.db, dff_import_body, import, err) != DFF_OK)
        return DFF_ERROR;
    do {
        if (dff_unsynced_repair(import->work.db, import->work.rcmd, 0, &work, err) != DFF_OK)
            return dff_err_wrap(err, "the package is stored but not live");
    } while (work.more && work.done > 0);
    return DFF_OK;
}


int
dff_import_requirements(const dff_import_t *import, json_t **pkgs, dff_err_t *err)
{
    dff_json_array_t  it;
    dff_json_member_t row;
    json_t           *seen = json_object(), *list = json_array();

    (void) dff_json_array_open(&it, dff_member_value(import->json, "scriptSets"));
    while (dff_json_array_next(&it, &row, NULL) == 1) {
        const char *at = dff_member_text(import->work.arena, row.value, "requirements").data;

        while (at != NULL && *at != '\0') {
            size_t len = strcspn(at, "\r\n");
            char  *line = dff_arena_copy(import->work.arena, (dff_str_t) { at, len });

            if (line != NULL && len > 0 && json_object_get(seen, line) == NULL) {
                (void) json_object_set_new(seen, line, json_true());
                (void) json_array_append_new(list, json_string(line));
            }
            at += len;
            at += strspn(at, "\r\n");
        }
    }
    json_decref(seen);
    *pkgs = list;
    if (list == NULL) {
        return dff_err_set(err, DFF_E_SYS, "out of memory");
    }
    if (json_array_size(list) == 0) {
        json_decref(list);
        *pkgs = json_null();
    }
    return DFF_OK;
}


int
dff_import_diff(const dff_import_t *import, json_t **diff, dff_err_t *err)
{
    dff_json_array_t  it;
    dff_json_member_t row;
    json_t           *add = json_array(), *replace = json_array();

    (void) dff_json_array_open(&it, dff_member_value(import->json, "scriptSets"));
    while (dff_json_array_next(&it, &row, NULL) == 1) {
        dff_db_value_t values[] = {
            DFF_DB_VALUE_TEXT(dff_member_text(import->work.arena, row.value, "id"))
        };
        dff_db_rows_t  rows;

        if (dff_db_query(import->work.db, "SELECT id FROM script_set WHERE id = ?",
                         DFF_DB_ARGS(values), &rows, err) != DFF_OK)
        {
            json_decref(add);
            json_decref(replace);
            return DFF_ERROR;
        }
        (void) json_array_append_new(rows.nrows > 0 ? replace : add,
                                     json_loadb(row.value.data, row.value.len, 0, NULL));
        dff_db_rows_release(&rows);
    }
    *diff = json_pack("{s:o, s:o}", "add", json_array_size(add) > 0 ? json_incref(add)
                      : json_null(), "replace", json_array_size(replace) > 0
                      ? json_incref(replace) : json_null());
    json_decref(add);
    json_decref(replace);
    return DFF_OK;
}
