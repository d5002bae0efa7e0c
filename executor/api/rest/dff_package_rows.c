/* Packages of scripts: export, import, recover points. */
#include "api/rest/dff_package_table.h"
#include "api/rest/dff_routes.h"
#include "api/rest/dff_script_lock.h"
#include "api/rest/dff_upload.h"

#include <stdio.h>
#include <stdlib.h>

#include "dff_digest.h"
#include "dff_keys.h"
#include "dff_time.h"
#include "store/dff_package.h"
#include "store/dff_sync.h"

#include "dff_banned.h"

#define DFF_PACKAGE_CONFIRM_S  900
#define DFF_PACKAGE_OFFSET_S   (8 * 3600)      /* names of exports are at +08:00 */

typedef struct {            /* an import */
    dff_web_call_t *call;
    dff_str_t       json;           /* checked */
    const char     *type;           /* of the recover point: import, recover */
    const char     *note;
    bool            replaces_all;
} dff_import_t;

/* --- export ---------------------------------------------------------------------------------- */

/* {"scriptSets":[…],…,"note":…}; ids NULL: all sets. wants: which other sections. */
static int
dff_package_collect(dff_web_call_t *call, dff_str_t body, dff_buf_t *out, dff_str_t note,
    dff_err_t *err)
{
    static const struct { const char *key; dff_section_t section; bool ids; } more[] = {
        { "includeAuthLinks", DFF_SECTION_LINKS, false },
        { "includeCrontabConfigs", DFF_SECTION_CRONTABS, false },
        { "includeBatches", DFF_SECTION_BATCHES, false },
        { "dataSourceIds", DFF_SECTION_SOURCES, true },
        { "envVariableIds", DFF_SECTION_ENVS, true },
    };
    dff_str_t sets = body.data == NULL ? DFF_STR_NULL : dff_member_value(body, "scriptSetIds");

    dff_buf_add_str(out, DFF_STR("{"));
    for (int i = DFF_SECTION_SETS; i <= DFF_SECTION_FUNCS; i++) {
        if (dff_section_export(call, (dff_section_t) i, sets, out, err) != DFF_OK) {
            return DFF_ERROR;
        }
    }
    for (size_t i = 0; body.data != NULL && i < sizeof(more) / sizeof(more[0]); i++) {
        dff_str_t given = dff_member_value(body, more[i].key);

        if (more[i].ids ? given.len <= 2 : !dff_str_eq(given, DFF_STR("true"))) {
            continue;
        }
        if (dff_section_export(call, more[i].section, more[i].ids ? given : sets, out, err)
            != DFF_OK)
        {
            return DFF_ERROR;
        }
    }
    dff_buf_add_str(out, DFF_STR(",\"note\":"));
    dff_buf_add_json_string(out, note);
    dff_buf_add_str(out, DFF_STR("}"));
    return dff_buf_failed(out) ? dff_err_set(err, DFF_E_SYS, "out of memory") : DFF_OK;
}


/* The package without scripts and functions, in the arena. */
static dff_str_t
dff_package_summary(dff_web_call_t *call, dff_str_t json)
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
        : dff_arena_copy(&call->arena, (dff_str_t) { out.data, out.len });
    text.len = text.data == NULL ? 0 : out.len;
    dff_buf_release(&out);
    return text;
}


/* A row of a history or a recover point. */
static int
dff_package_remember(dff_web_call_t *call, const char *sql, const char *prefix, dff_str_t note,
    dff_str_t data, const char *type, char id[DFF_ID_SIZE], dff_err_t *err)
{
    dff_db_value_t values[4];
    size_t         count = 0;

    if (dff_id_make(&call->web->api->ids, id, prefix) == 0) {
        return dff_err_set(err, DFF_E_SYS, "the kernel gives no random bytes");
    }
    id[strlen(prefix) + 12] = '\0';
    values[count++] = DFF_DB_VALUE_TEXT(dff_str_from(id));
    values[count++] = DFF_DB_VALUE_TEXT_OR_NULL(note);
    values[count++] = DFF_DB_VALUE_TEXT(data);
    if (type != NULL) {
        values[count++] = DFF_DB_VALUE_TEXT(dff_str_from(type));
    }
    return dff_db_exec(call->web->api->db, sql, values, count, NULL, err);
}


static int
dff_package_export(dff_web_call_t *call, dff_err_t *err)
{
    dff_web_answer_t *answer = &call->answer;
    dff_str_t         note = dff_member_text(&call->arena, call->req.body, "note");
    dff_str_t         password = dff_member_text(&call->arena, call->req.body, "password");
    dff_buf_t         json = DFF_BUF_INIT;
    dff_time_civil_t  now;
    char              name[64], id[DFF_ID_SIZE];
    int               rc;

    rc = dff_package_collect(call, call->req.body, &json, note, err);
    if (rc == DFF_OK) {
        rc = dff_package_encode(&answer->content, (dff_str_t) { json.data, json.len }, password,
                                err);
    }
    if (rc == DFF_OK) {
        rc = dff_package_remember(call, "INSERT INTO script_set_export_history (id, note,"
                                  " summaryJSON) VALUES (?, ?, ?)", "sseh-", note,
                                  dff_package_summary(call, (dff_str_t) { json.data, json.len }),
                                  NULL, id, err);
    }
    dff_buf_release(&json);
    dff_time_split(dff_time_now_ms() / 1000 + DFF_PACKAGE_OFFSET_S, &now);
    (void) snprintf(name, sizeof(name), "dataflux-func-%04d%02d%02d_%02d%02d%02d.func-pkg",
                    now.year, now.month, now.day, now.hour, now.minute, now.second);
    answer->content_type = "application/octet-stream";
    dff_web_answer_attachment(answer, dff_str_from(name));
    return rc;
}

/* --- checking a package ---------------------------------------------------------------------- */

/* Is there a row with this id in a section? */
static bool
dff_package_has(dff_arena_t *arena, dff_str_t json, dff_section_t section, dff_str_t id)
{
    dff_json_array_t  it;
    dff_json_member_t row;

    if (dff_json_array_open(&it, dff_member_value(json, dff_section_name(section))) != DFF_OK) {
        return false;
    }
    while (dff_json_array_next(&it, &row, NULL) == 1) {
        if (dff_str_eq(dff_member_text(arena, row.value, "id"), id)) {
            return true;
        }
    }
    return false;
}


/* Scripts and functions belong to what the package has, and only to that. */
static int
dff_package_check_owner(dff_web_call_t *call, dff_str_t json, dff_section_t section,
    dff_str_t row, dff_err_t *err)
{
    dff_str_t id = dff_member_text(&call->arena, row, "id");
    dff_str_t set = dff_member_text(&call->arena, row, "scriptSetId");
    dff_str_t script = section == DFF_SECTION_FUNCS
        ? dff_member_text(&call->arena, row, "scriptId") : id;

    if (section != DFF_SECTION_SCRIPTS && section != DFF_SECTION_FUNCS) {
        return DFF_OK;
    }
    if (!dff_str_eq(dff_script_set_of(script), set)
        || (section == DFF_SECTION_FUNCS && !dff_str_eq(dff_id_func_script(id), script))
        || !dff_package_has(&call->arena, json, DFF_SECTION_SETS, set))
    {
        return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST,
                           "The package has %.*s in %s, which is of no script set in it",
                           (int) id.len, id.data, dff_section_name(section));
    }
    return DFF_OK;
}


static int
dff_package_check(dff_web_call_t *call, dff_str_t json, dff_err_t *err)
{
    dff_json_array_t  it;
    dff_json_member_t row, list;
    dff_json_type_t   type;

    if (dff_json_check(json, NULL, &type, NULL) != DFF_OK || type != DFF_JSON_OBJECT
        || !dff_member_get(json, "scriptSets", &list))
    {
        return dff_web_refuse(call, err, DFF_E_BIZ_CONDITION, "InvalidPassword", NULL,
                              "The password is wrong, or this is no package");
    }
    for (int i = 0; i < DFF_SECTION_COUNT; i++) {
        dff_section_t section = (dff_section_t) i;

        if (!dff_member_get(json, dff_section_name(section), &list)
            || list.type == DFF_JSON_NULL)
        {
            continue;
        }
        if (dff_json_array_open(&it, list.value) != DFF_OK) {
            return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST, "The package has no list in %s",
                               dff_section_name(section));
        }
        while (dff_json_array_next(&it, &row, NULL) == 1) {
            if (dff_section_check(section, row.value, err) != DFF_OK
                || dff_package_check_owner(call, json, section, row.value, err) != DFF_OK)
            {
                return DFF_ERROR;
            }
        }
    }
    return DFF_OK;
}

/* --- import ---------------------------------------------------------------------------------- */

/* Before anything is replaced: what is there, as a package without a password. */
static int
dff_import_recover_point(dff_web_call_t *call, const char *type, dff_str_t note,
    char id[DFF_ID_SIZE], dff_err_t *err)
{
    dff_buf_t json = DFF_BUF_INIT, text = DFF_BUF_INIT;
    int       rc = dff_package_collect(call, DFF_STR_NULL, &json, note, err);

    if (rc == DFF_OK) {
        rc = dff_package_encode(&text, (dff_str_t) { json.data, json.len }, DFF_STR(""), err);
    }
    if (rc == DFF_OK) {
        rc = dff_package_remember(call, "INSERT INTO script_recover_point (id, note, exportData,"
                                  " type) VALUES (?, ?, ?, ?)", "srpt-", note,
                                  (dff_str_t) { text.data, text.len }, type, id, err);
    }
    dff_buf_release(&json);
    dff_buf_release(&text);
    return rc;
}


/* A set goes with everything in it, unless somebody else has locked it or a script of it. */
static int
dff_import_remove_set(dff_web_call_t *call, dff_str_t id, dff_err_t *err)
{
    static const char *const statements[] = {
        "DELETE FROM func WHERE scriptSetId = ?", "DELETE FROM script WHERE scriptSetId = ?",
        "DELETE FROM script_set WHERE id = ?",
    };
    dff_db_value_t values[] = {
        DFF_DB_VALUE_TEXT(id), DFF_DB_VALUE_TEXT(dff_str_from(call->user.id)),
        DFF_DB_VALUE_TEXT(id), DFF_DB_VALUE_TEXT(dff_str_from(call->user.id))
    };
    dff_db_rows_t  rows;
    bool           locked;

    if (dff_db_query(call->web->api->db, "SELECT id FROM script_set WHERE id = ? AND"
                     " lockedByUserId <> ? UNION SELECT id FROM script WHERE scriptSetId = ?"
                     " AND lockedByUserId <> ?", DFF_DB_ARGS(values), &rows, err) != DFF_OK)
    {
        return DFF_ERROR;
    }
    locked = rows.nrows > 0;
    dff_db_rows_release(&rows);
    if (locked) {
        return dff_web_refuse(call, err, DFF_E_BIZ_CONDITION, "ModifyingScriptSetNotAllowed",
                              json_pack("{s:s%}", "id", id.data, id.len),
                              "A script set or a script of it is locked by another user");
    }
    for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++) {
        if (dff_db_exec(call->web->api->db, statements[i], values, 1, NULL, err) != DFF_OK) {
            return DFF_ERROR;
        }
    }
    return DFF_OK;
}


static int
dff_import_remove_row(dff_web_call_t *call, dff_section_t section, dff_str_t id, dff_err_t *err)
{
    dff_db_value_t values[] = { DFF_DB_VALUE_TEXT(id) };
    dff_buf_t      sql = DFF_BUF_INIT;
    int            rc;

    if (section == DFF_SECTION_SETS) {
        return dff_import_remove_set(call, id, err);
    }
    dff_buf_addf(&sql, "DELETE FROM `%s` WHERE id = ?", dff_section_table(section));
    rc = dff_buf_failed(&sql) ? dff_err_set(err, DFF_E_SYS, "out of memory")
        : dff_db_exec(call->web->api->db, sql.data, DFF_DB_ARGS(values), NULL, err);
    dff_buf_release(&sql);
    return rc;
}


static int
dff_import_remove_all(dff_web_call_t *call, dff_err_t *err)
{
    dff_db_rows_t rows;
    int           rc = DFF_OK;

    if (dff_db_query(call->web->api->db, "SELECT id FROM script_set FOR UPDATE", NULL, 0, &rows,
                     err) != DFF_OK)
    {
        return DFF_ERROR;
    }
    for (size_t i = 0; rc == DFF_OK && i < rows.nrows; i++) {
        rc = dff_import_remove_set(call, dff_db_cell(&rows, i, 0), err);
    }
    dff_db_rows_release(&rows);
    return rc;
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
        dff_str_t id = dff_member_text(&import->call->arena, row.value, "id");

        if ((removes ? dff_import_remove_row(import->call, section, id, err)
                     : dff_section_insert(import->call, section, row.value, err)) != DFF_OK)
        {
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
    if (dff_import_recover_point(import->call, import->type, dff_str_from(import->note), id, err)
        != DFF_OK
        || (import->replaces_all && dff_import_remove_all(import->call, err) != DFF_OK))
    {
        return DFF_ERROR;
    }
    for (int i = 0; i < DFF_SECTION_COUNT; i++) {
        dff_section_t section = (dff_section_t) i;
        bool          in_set = section == DFF_SECTION_SCRIPTS || section == DFF_SECTION_FUNCS;

        if ((!in_set && dff_import_rows(import, section, true, err) != DFF_OK)
            || dff_import_rows(import, section, false, err) != DFF_OK)
        {
            return DFF_ERROR;
        }
    }
    return dff_package_remember(import->call, "INSERT INTO script_set_import_history (id, note,"
                                " summaryJSON) VALUES (?, ?, ?)", "ssih-",
                                dff_member_text(&import->call->arena, import->json, "note"),
                                dff_package_summary(import->call, import->json), NULL, id, err);
}


/* Unique lines of what the sets require, as JSON; "null" when there are none. */
static int
dff_import_requirements(dff_import_t *import, json_t **pkgs, dff_err_t *err)
{
    dff_json_array_t  it;
    dff_json_member_t row;
    json_t           *seen = json_object(), *list = json_array();

    (void) dff_json_array_open(&it, dff_member_value(import->json, "scriptSets"));
    while (dff_json_array_next(&it, &row, NULL) == 1) {
        const char *at = dff_member_text(&import->call->arena, row.value, "requirements").data;

        while (at != NULL && *at != '\0') {
            size_t len = strcspn(at, "\r\n");
            char  *line = dff_arena_copy(&import->call->arena, (dff_str_t) { at, len });

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


static int
dff_import_run(dff_import_t *import, dff_err_t *err)
{
    dff_api_t       *api = import->call->web->api;
    dff_sync_count_t count;

    if (dff_db_transaction(api->db, dff_import_body, import, err) != DFF_OK) {
        return DFF_ERROR;
    }
    return dff_sync_all(api->db, api->rcmd, &count, err);
}


/* {"add":[…],"replace":[…]}: sets of the package that are not, and that are there. */
static int
dff_import_diff(dff_import_t *import, json_t **diff, dff_err_t *err)
{
    dff_json_array_t  it;
    dff_json_member_t row;
    json_t           *add = json_array(), *replace = json_array();

    (void) dff_json_array_open(&it, dff_member_value(import->json, "scriptSets"));
    while (dff_json_array_next(&it, &row, NULL) == 1) {
        dff_db_value_t values[] = {
            DFF_DB_VALUE_TEXT(dff_member_text(&import->call->arena, row.value, "id"))
        };
        dff_db_rows_t  rows;

        if (dff_db_query(import->call->web->api->db, "SELECT id FROM script_set WHERE id = ?",
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

/* --- where a package comes from -------------------------------------------------------------- */

static int
dff_import_decode(dff_web_call_t *call, dff_str_t text, dff_str_t password, dff_str_t *json,
    dff_err_t *err)
{
    dff_buf_t plain = DFF_BUF_INIT;
    int       rc = dff_package_decode(&plain, text, password, err);

    if (rc != DFF_OK && err->reason == DFF_E_BIZ_CONDITION) {
        call->answer.sub_reason = "InvalidPassword";
    }
    if (rc == DFF_OK) {
        json->data = dff_arena_copy(&call->arena, (dff_str_t) { plain.data, plain.len });
        json->len = plain.len;
        rc = json->data == NULL ? dff_err_set(err, DFF_E_SYS, "out of memory")
                                : dff_package_check(call, *json, err);
    }
    dff_buf_release(&plain);
    return rc;
}


static int
dff_import_from_point(dff_web_call_t *call, dff_str_t id, dff_str_t *json, dff_err_t *err)
{
    dff_db_value_t values[] = { DFF_DB_VALUE_TEXT(id) };
    dff_db_rows_t  rows;
    int            rc;

    if (dff_db_query(call->web->api->db, "SELECT exportData FROM script_recover_point"
                     " WHERE id = ?", DFF_DB_ARGS(values), &rows, err) != DFF_OK)
    {
        return DFF_ERROR;
    }
    if (rows.nrows == 0) {
        rc = dff_web_not_found(call, err, "script recover point", id);
    } else if (dff_db_cell(&rows, 0, 0).data == NULL) {
        rc = dff_err_set(err, DFF_E_CLIENT_UNSUPPORTED, "This recover point has no export");
    } else {
        rc = dff_import_decode(call, dff_db_cell(&rows, 0, 0), DFF_STR(""), json, err);
    }
    dff_db_rows_release(&rows);
    return rc;
}


/* The key of a confirmation, which is of one user. */
static int
dff_import_key(dff_web_call_t *call, dff_str_t confirm_id, dff_key_t key, dff_err_t *err)
{
    dff_str_t parts[] = { confirm_id, dff_str_from(call->user.id) };
    char      digest[DFF_DIGEST_SIZE_MAX];

    if (dff_digest_joined(digest, DFF_DIGEST_SHA256, parts, 2, err) != DFF_OK) {
        return DFF_ERROR;
    }
    (void) dff_key_api(key, DFF_KEY_IMPORT, dff_str_from(digest));
    return DFF_OK;
}


/* Imports, or with check_only waits for the confirmation. */
static int
dff_import_go(dff_import_t *import, bool check_only, dff_err_t *err)
{
    dff_web_call_t *call = import->call;
    json_t         *diff = NULL, *pkgs = json_null();
    char            confirm[DFF_ID_SIZE];
    dff_str_t       summary;
    dff_key_t       key;
    int             rc;

    if (dff_id_make(&call->web->api->ids, confirm, "import-") == 0) {
        return dff_err_set(err, DFF_E_SYS, "the kernel gives no random bytes");
    }
    if (dff_import_diff(import, &diff, err) != DFF_OK) {
        return DFF_ERROR;
    }
    if (check_only) {
        rc = dff_import_key(call, dff_str_from(confirm), key, err);
        if (rc == DFF_OK) {
            rc = dff_rcmd_do(call->web->api->rcmd, err, "SET %s %b EX %d", key,
                             import->json.data, import->json.len, DFF_PACKAGE_CONFIRM_S);
        }
    } else {
        rc = dff_import_run(import, err);
        if (rc == DFF_OK) {
            rc = dff_import_requirements(import, &pkgs, err);
        }
    }
    if (rc != DFF_OK) {
        json_decref(diff);
        return rc;
    }
    summary = dff_package_summary(call, import->json);
    return dff_web_reply(call, json_pack("{s:s, s:o, s:o, s:o}", "confirmId", confirm, "summary",
                                         json_loadb(summary.data, summary.len, 0, NULL), "diff",
                                         diff, "pkgs", pkgs), err);
}


static int
dff_import_upload(dff_web_call_t *call, dff_err_t *err)
{
    dff_import_t import = { .call = call, .type = "import" };
    dff_upload_t upload = { 0 };
    dff_str_t    password;
    char         note[512];
    bool         check_only;
    int          rc = dff_upload_read(call, &upload, err);

    if (rc == DFF_OK) {
        password = dff_upload_field(&upload, "password");
        rc = dff_import_decode(call, (dff_str_t) {
            upload.content.data == NULL ? "" : upload.content.data, upload.content.len },
            password.data == NULL ? DFF_STR("") : password, &import.json, err);
    }
    if (rc == DFF_OK) {
        (void) snprintf(note, sizeof(note), "Before the import of %.400s", upload.name.data);
        import.note = note;
        check_only = dff_web_query_bool(dff_upload_field(&upload, "checkOnly")) == 1;
        rc = dff_import_go(&import, check_only, err);
    }
    dff_upload_release(&upload);
    return rc;
}


static int
dff_package_import(dff_web_call_t *call, dff_err_t *err)
{
    dff_import_t import = {
        .call = call, .type = "recover", .note = "Before a recover point was restored",
        .replaces_all = true
    };
    dff_str_t    point;

    if (call->req.body_kind == DFF_WEB_BODY_MULTIPART) {
        return dff_import_upload(call, err);
    }
    if (call->req.body.data == NULL
        || dff_json_object_open(&(dff_json_object_t) { 0 }, call->req.body) != DFF_OK)
    {
        return dff_web_refuse(call, err, DFF_E_BIZ_CONDITION, "PackageNotProvided", NULL,
                              "No package was given");
    }
    if (dff_member_text(&call->arena, call->req.body, "packageInstallURL").len > 0) {
        return dff_err_set(err, DFF_E_CLIENT_UNSUPPORTED,
                           "This server fetches no packages; upload the file");
    }
    point = dff_member_text(&call->arena, call->req.body, "scriptRecoverPointId");
    if (point.len == 0) {
        return dff_web_refuse(call, err, DFF_E_BIZ_CONDITION, "PackageNotProvided", NULL,
                              "No package was given");
    }
    return dff_import_from_point(call, point, &import.json, err) == DFF_OK
        ? dff_import_go(&import, false, err) : DFF_ERROR;
}


/* Each confirmation is good once. */
static int
dff_package_confirm(dff_web_call_t *call, dff_err_t *err)
{
    dff_rcmd_t  *rcmd = call->web->api->rcmd;
    dff_import_t import = {
        .call = call, .type = "import", .note = "Before a confirmed import"
    };
    redisReply  *reply, *deleted;
    json_t      *pkgs = NULL;
    dff_key_t    key;

    if (dff_import_key(call, dff_member_text(&call->arena, call->req.body, "confirmId"), key, err)
        != DFF_OK
        || dff_rcmd_append(rcmd, err, "GET %s", key) != DFF_OK
        || dff_rcmd_append(rcmd, err, "DEL %s", key) != DFF_OK)
    {
        return DFF_ERROR;
    }
    reply = dff_rcmd_next(rcmd, err);
    deleted = reply == NULL ? NULL : dff_rcmd_next(rcmd, err);
    if (deleted != NULL && reply->type == REDIS_REPLY_STRING && deleted->integer == 1) {
        import.json.data = dff_arena_copy(&call->arena, (dff_str_t) { reply->str, reply->len });
        import.json.len = reply->len;
    }
    if (reply != NULL) {
        freeReplyObject(reply);
    }
    if (deleted == NULL) {
        return DFF_ERROR;
    }
    freeReplyObject(deleted);
    if (import.json.data == NULL) {
        return dff_web_refuse(call, err, DFF_E_BIZ_CONDITION, "ConfirmingImportTimeout", NULL,
                              "There is no such import to confirm, or not any more");
    }
    return dff_import_run(&import, err) == DFF_OK
        && dff_import_requirements(&import, &pkgs, err) == DFF_OK
        ? dff_web_reply(call, json_pack("{s:o}", "pkgs", pkgs), err) : DFF_ERROR;
}

/* --- recover points -------------------------------------------------------------------------- */

static const char *const dff_recover_types[] = { "import", "recover", "manual", "install", NULL };

static const dff_column_t dff_recover_columns[] = {
    DFF_COLUMN_SEQ,
    { { "id", DFF_PROP_STR }, DFF_CELL_TEXT, DFF_IN_BOTH },
    { { "type", DFF_PROP_STR }, DFF_CELL_TEXT, DFF_IN_BOTH },
    DFF_COLUMN_JOINED("hasTableDumpJSON", "0", DFF_CELL_BOOL),
    DFF_COLUMN_JOINED("hasExportData", "t.exportData IS NOT NULL", DFF_CELL_BOOL),
    { { "note", DFF_PROP_STR, DFF_OP_ADD, DFF_OP_ADD, .min = 1, .max = DFF_NOTE_MAX },
      DFF_CELL_TEXT, DFF_IN_BOTH },
    DFF_COLUMN_TIMES,
};
static const dff_filter_t dff_recover_filters[] = {
    { "id", DFF_FILTER_IN, "t.id", NULL },
    { "type", DFF_FILTER_IN, "t.type", dff_recover_types },
    { "note", DFF_FILTER_LIKE, "t.note", NULL },
};
static const dff_sort_t dff_recover_sorts[] = { { "seq", "t.seq" } };
static const char *const dff_recover_fuzzy[] = { "t.note", NULL };

static const dff_entity_t dff_recover_entity = {
    .noun = "script recover point", .table = "script_recover_point", .joins = "",
    DFF_ENTITY_TABLE(dff_recover), .fuzzy = dff_recover_fuzzy, .order = "t.seq DESC",
    .paging = DFF_PAGING_MARKER, .flags = DFF_ENTITY_FIELDS | DFF_ENTITY_EXPORT,
};


static int
dff_recover_add(dff_web_call_t *call, dff_err_t *err)
{
    dff_str_t note = dff_member_text(&call->arena, dff_web_data(call), "note");
    char      id[DFF_ID_SIZE];

    return dff_import_recover_point(call, "manual", note, id, err) == DFF_OK
        ? dff_web_reply(call, json_pack("{s:s}", "id", id), err) : DFF_ERROR;
}


static int
dff_recover_old(dff_web_call_t *call, dff_err_t *err)
{
    (void) call;
    return dff_err_set(err, DFF_E_CLIENT_UNSUPPORTED, "Dumps of tables are not restored; import"
                       " the recover point with script-sets/do/import");
}


#define DFF_PACKAGE_FLAG(name)  { name, DFF_PROP_BOOL, DFF_OP_BODY, .nullable = true }

static const dff_prop_t dff_package_export_props[] = {
    { "password", DFF_PROP_STR, DFF_OP_BODY, DFF_OP_BODY, .nullable = true, .max = 24,
      .about = "Keeps casual readers out, nobody else" },
    { "scriptSetIds", DFF_PROP_STRS, DFF_OP_BODY, DFF_OP_BODY, .min = 1, .max = 400 },
    { "dataSourceIds", DFF_PROP_STRS, DFF_OP_BODY, .max = 400 },
    { "envVariableIds", DFF_PROP_STRS, DFF_OP_BODY, .max = 400 },
    DFF_PACKAGE_FLAG("includeAuthLinks"), DFF_PACKAGE_FLAG("includeCrontabConfigs"),
    DFF_PACKAGE_FLAG("includeBatches"),
    { "note", DFF_PROP_STR, DFF_OP_BODY, DFF_OP_BODY, .min = 1, .max = DFF_NOTE_MAX },
};
static const dff_shape_t dff_package_export_body = DFF_SHAPE(dff_package_export_props);

static const dff_prop_t dff_package_confirm_props[] = {
    { "confirmId", DFF_PROP_STR, DFF_OP_BODY, DFF_OP_BODY, .min = 1, .max = 64 },
};
static const dff_shape_t dff_package_confirm_body = DFF_SHAPE(dff_package_confirm_props);

DFF_BODY_OF(dff_recover_add_body, dff_recover_columns, DFF_OP_ADD);

#define DFF_SCRIPT_SETS      "/api/v1/script-sets"
#define DFF_RECOVER_POINTS   "/api/v1/script-recover-points"

static const dff_endpoint_t dff_package_rows[] = {
    { DFF_WEB_POST, DFF_SCRIPT_SETS "/do/export", "Export script sets", DFF_SIGN_IN_ANY,
      DFF_GENERAL_W, .body = &dff_package_export_body, .handler = dff_package_export,
      .flags = DFF_ENDPOINT_RAW },
    { DFF_WEB_POST, DFF_SCRIPT_SETS "/do/import", "Import script sets", DFF_SIGN_IN_ANY,
      DFF_GENERAL_W, .handler = dff_package_import, .flags = DFF_ENDPOINT_UPLOAD },
    { DFF_WEB_POST, DFF_SCRIPT_SETS "/do/confirm-import", "Confirm an import", DFF_SIGN_IN_ANY,
      DFF_GENERAL_W, .body = &dff_package_confirm_body, .handler = dff_package_confirm },
    DFF_ROUTE_LIST(DFF_RECOVER_POINTS, "recover points", &dff_recover_entity, DFF_GENERAL_R,
                   DFF_SIGN_IN_ANY),
    { DFF_WEB_POST, DFF_RECOVER_POINTS "/do/add", "Add a recover point", DFF_SIGN_IN_ANY,
      DFF_GENERAL_W, .body = &dff_recover_add_body, .handler = dff_recover_add },
    { DFF_WEB_POST, DFF_RECOVER_POINTS "/:id/do/recover", "Restore an old recover point",
      DFF_SIGN_IN_ANY, DFF_GENERAL_W, .handler = dff_recover_old },
};

const dff_endpoint_group_t dff_package_routes = DFF_ENDPOINTS(dff_package_rows);
