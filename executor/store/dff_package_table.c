/* Sections of packages: see the header. */
#include "store/dff_package_table.h"

#include "dff_iso.h"
#include "dff_json.h"
#include "dff_member.h"
#include "dff_time.h"
#include "store/dff_publish.h"
#include "store/dff_source.h"
#include "store/dff_statement.h"

#include "dff_banned.h"

typedef enum {
    DFF_PART_TEXT, DFF_PART_INT, DFF_PART_BOOL, DFF_PART_TIME, DFF_PART_JSON, DFF_PART_SOURCE
} dff_part_t;

#define DFF_PART_MUST  1u      /* neither missing nor null */

typedef struct {
    const char *name;
    dff_part_t  part;
    unsigned    flags;
    bool      (*check)(dff_str_t text);
} dff_section_part_t;

#define DFF_SECTION_PARTS_MAX  16

static const struct {
    const char        *name, *table, *scope;
    dff_section_part_t parts[DFF_SECTION_PARTS_MAX];
} dff_sections[DFF_SECTION_COUNT] = {
    [DFF_SECTION_SETS] = { "scriptSets", "script_set", "id", {
        { "id", DFF_PART_TEXT, DFF_PART_MUST, dff_id_is_identifier }, { "title", DFF_PART_TEXT },
        { "description", DFF_PART_TEXT }, { "requirements", DFF_PART_TEXT } } },
    [DFF_SECTION_SCRIPTS] = { "scripts", "script", "scriptSetId", {
        { "id", DFF_PART_TEXT, DFF_PART_MUST, dff_id_is_script },
        { "scriptSetId", DFF_PART_TEXT, DFF_PART_MUST, dff_id_is_identifier },
        { "title", DFF_PART_TEXT }, { "description", DFF_PART_TEXT },
        { "publishVersion", DFF_PART_INT, DFF_PART_MUST }, { "type", DFF_PART_TEXT },
        { "code", DFF_PART_TEXT } } },
    [DFF_SECTION_FUNCS] = { "funcs", "func", "scriptSetId", {
        { "id", DFF_PART_TEXT, DFF_PART_MUST, dff_id_is_func },
        { "scriptSetId", DFF_PART_TEXT, DFF_PART_MUST, dff_id_is_identifier },
        { "scriptId", DFF_PART_TEXT, DFF_PART_MUST, dff_id_is_script },
        { "name", DFF_PART_TEXT, DFF_PART_MUST, dff_id_is_identifier }, { "title", DFF_PART_TEXT },
        { "description", DFF_PART_TEXT }, { "definition", DFF_PART_TEXT },
        { "argsJSON", DFF_PART_JSON }, { "kwargsJSON", DFF_PART_JSON },
        { "extraConfigJSON", DFF_PART_JSON }, { "category", DFF_PART_TEXT },
        { "integration", DFF_PART_TEXT }, { "tagsJSON", DFF_PART_JSON },
        { "defOrder", DFF_PART_INT } } },
    [DFF_SECTION_LINKS] = { "authLinks", "auth_link", "SUBSTRING_INDEX(funcId, '__', 1)", {
        { "id", DFF_PART_TEXT, DFF_PART_MUST, dff_id_is_link },
        { "funcId", DFF_PART_TEXT, DFF_PART_MUST, dff_id_is_func },
        { "funcCallKwargsJSON", DFF_PART_JSON, DFF_PART_MUST },
        { "expireTime", DFF_PART_TIME }, { "throttlingJSON", DFF_PART_JSON },
        { "origin", DFF_PART_TEXT }, { "showInDoc", DFF_PART_BOOL },
        { "isDisabled", DFF_PART_BOOL }, { "note", DFF_PART_TEXT } } },
    [DFF_SECTION_CRONTABS] = { "crontabConfigs", "crontab_config",
                               "SUBSTRING_INDEX(funcId, '__', 1)", {
        { "id", DFF_PART_TEXT, DFF_PART_MUST, dff_id_is_link },
        { "funcId", DFF_PART_TEXT, DFF_PART_MUST, dff_id_is_func },
        { "funcCallKwargsJSON", DFF_PART_JSON, DFF_PART_MUST }, { "crontab", DFF_PART_TEXT },
        { "tagsJSON", DFF_PART_JSON }, { "saveResult", DFF_PART_BOOL },
        { "scope", DFF_PART_TEXT }, { "expireTime", DFF_PART_TIME },
        { "origin", DFF_PART_TEXT }, { "isDisabled", DFF_PART_BOOL },
        { "note", DFF_PART_TEXT } } },
    [DFF_SECTION_BATCHES] = { "batches", "batch", "SUBSTRING_INDEX(funcId, '__', 1)", {
        { "id", DFF_PART_TEXT, DFF_PART_MUST, dff_id_is_link },
        { "funcId", DFF_PART_TEXT, DFF_PART_MUST, dff_id_is_func },
        { "funcCallKwargsJSON", DFF_PART_JSON, DFF_PART_MUST }, { "tagsJSON", DFF_PART_JSON },
        { "origin", DFF_PART_TEXT }, { "showInDoc", DFF_PART_BOOL },
        { "isDisabled", DFF_PART_BOOL }, { "note", DFF_PART_TEXT } } },
    [DFF_SECTION_SOURCES] = { "dataSources", "data_source", "id", {
        { "id", DFF_PART_TEXT, DFF_PART_MUST, dff_id_is_identifier }, { "title", DFF_PART_TEXT },
        { "description", DFF_PART_TEXT }, { "type", DFF_PART_TEXT, DFF_PART_MUST },
        { "configJSON", DFF_PART_SOURCE, DFF_PART_MUST } } },
    [DFF_SECTION_ENVS] = { "envVariables", "env_variable", "id", {
        { "id", DFF_PART_TEXT, DFF_PART_MUST, dff_id_is_identifier }, { "title", DFF_PART_TEXT },
        { "description", DFF_PART_TEXT }, { "valueTEXT", DFF_PART_TEXT, DFF_PART_MUST },
        { "autoTypeCasting", DFF_PART_TEXT } } },
};

#define DFF_PARTS(section) \
    const dff_section_part_t *part = dff_sections[section].parts; part->name != NULL; part++


const char *
dff_section_name(dff_section_t section)
{
    return dff_sections[section].name;
}


const char *
dff_section_table(dff_section_t section)
{
    return dff_sections[section].table;
}

/* --- exports --------------------------------------------------------------------------------- */

static void
dff_section_add_cell(dff_buf_t *out, const dff_section_part_t *part, dff_str_t cell)
{
    char text[DFF_TIME_ISO_SIZE];

    if (cell.data == NULL) {
        dff_buf_add_str(out, DFF_STR("null"));
        return;
    }
    switch (part->part) {
    case DFF_PART_TEXT:
        dff_buf_add_json_string(out, cell);
        break;
    case DFF_PART_INT:
        dff_buf_add_str(out, cell);
        break;
    case DFF_PART_BOOL:
        dff_buf_add_str(out, dff_db_number(cell) != 0 ? DFF_STR("true") : DFF_STR("false"));
        break;
    case DFF_PART_TIME:
        if (cell.len < sizeof(text) - 1) {
            memcpy(text, cell.data, cell.len);
            text[sizeof("2021-10-14") - 1] = 'T';
            dff_buf_addf(out, "\"%.*sZ\"", (int) cell.len, text);
        }
        break;
    case DFF_PART_JSON:
        dff_buf_add_str(out, dff_json_check(cell, &cell, NULL, NULL) == DFF_OK
                        ? cell : DFF_STR("null"));
        break;
    case DFF_PART_SOURCE:
        dff_source_tell(out, cell);     /* no secret leaves with a package */
        break;
    }
}


/* The statement and its values: of those of ids, or all. */
static int
dff_section_select(const dff_package_work_t *work, dff_section_t section, dff_str_t ids,
    dff_statement_t *statement, dff_err_t *err)
{
    dff_json_array_t  it;
    dff_json_member_t member;
    const char       *comma = "";

    for (DFF_PARTS(section)) {
        dff_buf_addf(&statement->sql, "%s`%s`", comma[0] == '\0' ? "SELECT " : ", ", part->name);
        comma = ",";
    }
    dff_buf_addf(&statement->sql, " FROM `%s`", dff_sections[section].table);
    if (ids.data != NULL && dff_json_array_open(&it, ids) == DFF_OK) {
        dff_buf_addf(&statement->sql, " WHERE %s IN (", dff_sections[section].scope);
        while (dff_json_array_next(&it, &member, NULL) == 1) {
            dff_buf_add_str(&statement->sql, DFF_STR("?, "));
            if (dff_statement_bind(statement, DFF_DB_VALUE_TEXT(
                    dff_json_decoded(work->arena, member.value)), err) != DFF_OK)
            {
                return DFF_ERROR;
            }
        }
        dff_buf_add_str(&statement->sql, DFF_STR("NULL)"));
    }
    dff_buf_add_str(&statement->sql, DFF_STR(" ORDER BY id"));
    return dff_buf_failed(&statement->sql) ? dff_err_set(err, DFF_E_SYS, "out of memory")
                                           : DFF_OK;
}


int
dff_section_export(const dff_package_work_t *work, dff_section_t section, dff_str_t ids,
    dff_buf_t *out, dff_err_t *err)
{
    dff_statement_t statement = { .sql = DFF_BUF_INIT };
    dff_db_rows_t   rows = { 0 };
    int             rc = dff_section_select(work, section, ids, &statement, err);

    if (rc == DFF_OK) {
        rc = dff_db_query(work->db, statement.sql.data, statement.values,
                          statement.nvalues, &rows, err);
    }
    dff_buf_release(&statement.sql);
    dff_buf_addf(out, "%s\"%s\":[", out->len > 1 ? "," : "", dff_sections[section].name);
    for (size_t i = 0; rc == DFF_OK && i < rows.nrows; i++) {
        size_t column = 0;

        dff_buf_add_str(out, i == 0 ? DFF_STR("{") : DFF_STR(",{"));
        for (DFF_PARTS(section)) {
            dff_buf_addf(out, "%s\"%s\":", column == 0 ? "" : ",", part->name);
            dff_section_add_cell(out, part, dff_db_cell(&rows, i, column++));
        }
        dff_buf_add_str(out, DFF_STR("}"));
    }
    dff_buf_add_str(out, DFF_STR("]"));
    dff_db_rows_release(&rows);
    return rc;
}

/* --- imports --------------------------------------------------------------------------------- */

static int
dff_section_refuse(dff_section_t section, const char *name, const char *wanted, dff_err_t *err)
{
    return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST, "The package has a row in %s whose %s %s",
                       dff_sections[section].name, name, wanted);
}


static int
dff_section_check_part(dff_section_t section, const dff_section_part_t *part,
    const dff_json_member_t *member, dff_err_t *err)
{
    dff_arena_t arena = { NULL };
    dff_str_t   text;
    int64_t     number;
    bool        good = true;

    if (member->type == DFF_JSON_NULL) {
        return (part->flags & DFF_PART_MUST) == 0 ? DFF_OK
            : dff_section_refuse(section, part->name, "is null", err);
    }
    switch (part->part) {
    case DFF_PART_TEXT:
    case DFF_PART_TIME:
        good = member->type == DFF_JSON_STRING;
        text = good ? dff_json_decoded(&arena, member->value) : DFF_STR_NULL;
        good = good && text.data != NULL && memchr(text.data, '\0', text.len) == NULL
            && (part->check == NULL || part->check(text))
            && (part->part == DFF_PART_TEXT
                || dff_iso_read(text, &(dff_tz_t) { 0 }, &number) == DFF_OK);
        break;
    case DFF_PART_INT:
        good = member->type == DFF_JSON_NUMBER && dff_json_int64(member->value, &number)
            == DFF_OK && number >= 0 && number <= INT32_MAX;
        break;
    case DFF_PART_BOOL:
        good = member->type == DFF_JSON_TRUE || member->type == DFF_JSON_FALSE
            || member->type == DFF_JSON_NUMBER;
        break;
    case DFF_PART_JSON:
    case DFF_PART_SOURCE:
        if (member->type == DFF_JSON_STRING) {
            text = dff_json_decoded(&arena, member->value);
            good = text.data != NULL && dff_json_check(text, NULL, NULL, NULL) == DFF_OK;
        }
        break;
    }
    dff_arena_release(&arena);
    return good ? DFF_OK : dff_section_refuse(section, part->name, "is not allowed", err);
}


int
dff_section_check(dff_section_t section, dff_str_t row, dff_err_t *err)
{
    dff_json_object_t it;
    dff_json_member_t member;

    if (dff_json_object_open(&it, row) != DFF_OK) {
        return dff_section_refuse(section, "place", "has no object", err);
    }
    for (DFF_PARTS(section)) {
        if (dff_member_get(row, part->name, &member)) {
            if (dff_section_check_part(section, part, &member, err) != DFF_OK) {
                return DFF_ERROR;
            }
        } else if ((part->flags & DFF_PART_MUST) != 0) {
            return dff_section_refuse(section, part->name, "is missing", err);
        }
    }
    return DFF_OK;
}


static int
dff_section_value(const dff_package_work_t *work, const dff_section_part_t *part,
    const dff_json_member_t *member, dff_db_value_t *value)
{
    char      iso[DFF_TIME_ISO_SIZE];
    dff_str_t text = member->type == DFF_JSON_STRING
        ? dff_json_decoded(work->arena, member->value) : member->value;
    int64_t   number = 0;
    size_t    len;

    if (member->type == DFF_JSON_NULL) {
        *value = DFF_DB_VALUE_NULL;
        return DFF_OK;
    }
    switch (part->part) {
    case DFF_PART_INT:
        (void) dff_json_int64(member->value, &number);     /* was checked */
        *value = DFF_DB_VALUE_INT(number);
        return DFF_OK;
    case DFF_PART_BOOL:
        (void) dff_json_int64(member->value, &number);     /* true is not a number */
        *value = DFF_DB_VALUE_INT(member->type == DFF_JSON_TRUE || number != 0);
        return DFF_OK;
    case DFF_PART_TIME:
        (void) dff_iso_read(text, &(dff_tz_t) { 0 }, &number);
        len = dff_time_iso_utc(iso, number);
        iso[sizeof("2021-10-14") - 1] = ' ';
        text = dff_str_from(dff_arena_copy(work->arena, (dff_str_t) { iso, len - 1 }));
        break;
    default:
        break;
    }
    *value = DFF_DB_VALUE_TEXT(text);
    return text.data != NULL ? DFF_OK : DFF_ERROR;
}


/* A script has its code twice, with their MD5. */
static int
dff_section_add_code(const dff_package_work_t *work, dff_statement_t *statement, dff_str_t row,
    dff_err_t *err)
{
    dff_str_t given = dff_member_text(work->arena, row, "code"), code, md5;

    if (dff_publish_code(work->arena, given.data == NULL ? DFF_STR("") : given, &code, &md5, err)
        != DFF_OK)
    {
        return DFF_ERROR;
    }
    dff_buf_add_str(&statement->sql, DFF_STR(", code, codeMD5, codeDraft, codeDraftMD5"));
    for (int i = 0; i < 2; i++) {
        (void) dff_statement_bind(statement, DFF_DB_VALUE_TEXT(code), NULL);    /* few */
        (void) dff_statement_bind(statement, DFF_DB_VALUE_TEXT(md5), NULL);
    }
    return DFF_OK;
}


int
dff_section_insert(const dff_package_work_t *work, dff_section_t section, dff_str_t row,
    dff_err_t *err)
{
    dff_statement_t   statement = { .sql = DFF_BUF_INIT };
    dff_json_member_t member;
    dff_db_value_t    value;
    int               rc = DFF_OK;

    dff_buf_addf(&statement.sql, "INSERT INTO `%s` (", dff_sections[section].table);
    for (DFF_PARTS(section)) {
        bool code = section == DFF_SECTION_SCRIPTS && strcmp(part->name, "code") == 0;

        if (code || !dff_member_get(row, part->name, &member)
            || (member.type == DFF_JSON_NULL && part->part == DFF_PART_BOOL))
        {
            continue;
        }
        if (dff_section_value(work, part, &member, &value) != DFF_OK) {
            rc = dff_err_set(err, DFF_E_SYS, "out of memory");
        }
        dff_buf_addf(&statement.sql, "%s`%s`", statement.nvalues == 0 ? "" : ", ", part->name);
        (void) dff_statement_bind(&statement, value, NULL);     /* few */
    }
    if (rc == DFF_OK && section == DFF_SECTION_SCRIPTS) {
        rc = dff_section_add_code(work, &statement, row, err);
    }
    dff_buf_add_str(&statement.sql, DFF_STR(") VALUES ("));
    for (size_t i = 0; i < statement.nvalues; i++) {
        dff_buf_add_str(&statement.sql, i == 0 ? DFF_STR("?") : DFF_STR(", ?"));
    }
    dff_buf_add_str(&statement.sql, DFF_STR(")"));
    if (rc == DFF_OK) {
        rc = dff_buf_failed(&statement.sql) ? dff_err_set(err, DFF_E_SYS, "out of memory")
            : dff_db_exec(work->db, statement.sql.data, statement.values,
                          statement.nvalues, NULL, err);
    }
    dff_buf_release(&statement.sql);
    return rc;
}
