/*
 * Exported functions. Runs in dffctl and the api processes.
 */
#include "store/dff_func.h"

#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "dff_envelope.h"
#include "dff_id.h"
#include "dff_json.h"

#include "dff_banned.h"

typedef enum {
    DFF_FUNC_TEXT, DFF_FUNC_TEXT_OR_NULL, DFF_FUNC_ARRAY, DFF_FUNC_OBJECT
} dff_func_kind_t;

/* Members of a function's row that are texts; max counts characters, as the
 * columns do, 0: as long as the answer allows. */
static const struct {
    const char     *name;
    size_t          offset;
    dff_func_kind_t kind;
    size_t          max;
} dff_func_members[] = {
    { "name", offsetof(dff_func_t, name), DFF_FUNC_TEXT, 64 },
    { "title", offsetof(dff_func_t, title), DFF_FUNC_TEXT_OR_NULL, 256 },
    { "description", offsetof(dff_func_t, description), DFF_FUNC_TEXT_OR_NULL, 16000 },
    { "definition", offsetof(dff_func_t, definition), DFF_FUNC_TEXT, 16000 },
    { "args", offsetof(dff_func_t, args_json), DFF_FUNC_ARRAY, 0 },
    { "kwargs", offsetof(dff_func_t, kwargs_json), DFF_FUNC_OBJECT, 0 },
    { "extraConfig", offsetof(dff_func_t, extra_config_json), DFF_FUNC_OBJECT, 0 },
    { "category", offsetof(dff_func_t, category), DFF_FUNC_TEXT, 64 },
    { "tags", offsetof(dff_func_t, tags_json), DFF_FUNC_ARRAY, 0 },
    { "integration", offsetof(dff_func_t, integration), DFF_FUNC_TEXT_OR_NULL, 64 },
};

#define DFF_FUNC_MEMBER_COUNT  (sizeof(dff_func_members) / sizeof(dff_func_members[0]))


static char **
dff_func_member(dff_func_t *func, size_t i)
{
    return (char **) (void *) ((char *) func + dff_func_members[i].offset);
}


static size_t
dff_func_characters(const char *text)
{
    size_t count = 0;

    for ( ; *text != '\0'; text++) {
        count += ((unsigned char) *text & 0xc0) != 0x80;      /* not a continuation byte */
    }
    return count;
}


/* Copies a value; *out stays NULL for a JSON null. */
static int
dff_func_take_value(const dff_json_member_t *member, size_t i, char **out, dff_err_t *err)
{
    dff_func_kind_t kind = dff_func_members[i].kind;
    dff_json_type_t expected = kind == DFF_FUNC_ARRAY ? DFF_JSON_ARRAY
        : kind == DFF_FUNC_OBJECT ? DFF_JSON_OBJECT : DFF_JSON_STRING;
    dff_str_t       value = member->value;

    if (member->type == DFF_JSON_NULL && kind == DFF_FUNC_TEXT_OR_NULL) {
        return DFF_OK;
    }
    if (member->type != expected || *out != NULL) {
        return dff_err_set(err, DFF_E_SYS, "check answer: member \"%s\" is not as expected",
                           dff_func_members[i].name);
    }

    *out = malloc(value.len + 1);
    if (*out == NULL) {
        return dff_err_set(err, DFF_E_SYS, "out of memory");
    }
    if (expected == DFF_JSON_STRING) {
        size_t len = dff_json_unescape((dff_str_t) { value.data + 1, value.len - 2 }, *out);

        (*out)[len] = '\0';
        if (strlen(*out) != len) {
            return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST, "%s has a NUL character",
                               dff_func_members[i].name);
        }
        return DFF_OK;
    }
    memcpy(*out, value.data, value.len);
    (*out)[value.len] = '\0';
    return DFF_OK;
}


static int
dff_func_take_member(const dff_json_member_t *member, dff_func_t *func, dff_err_t *err)
{
    int64_t number;

    for (size_t i = 0; i < DFF_FUNC_MEMBER_COUNT; i++) {
        if (dff_str_eq(member->key, dff_str_from(dff_func_members[i].name))) {
            return dff_func_take_value(member, i, dff_func_member(func, i), err);
        }
    }
    if (dff_str_eq(member->key, DFF_STR("defOrder"))) {
        if (dff_json_int64(member->value, &number) != DFF_OK || number < 0 || number > INT_MAX) {
            return dff_err_set(err, DFF_E_SYS, "check answer: bad defOrder");
        }
        func->def_order = (int) number;
    }
    return DFF_OK;      /* a newer worker may tell more */
}


static int
dff_func_check(dff_func_t *func, dff_str_t script_id, dff_err_t *err)
{
    dff_func_config_t config;
    char              id[2 * DFF_FUNC_ID_MAX];
    int               len;

    for (size_t i = 0; i < DFF_FUNC_MEMBER_COUNT; i++) {
        const char *text = *dff_func_member(func, i);
        size_t      max = dff_func_members[i].max;

        if (text == NULL) {
            if (dff_func_members[i].kind == DFF_FUNC_TEXT_OR_NULL
                || dff_func_member(func, i) == &func->extra_config_json)
            {
                continue;
            }
            return dff_err_set(err, DFF_E_SYS, "check answer: member \"%s\" is missing",
                               dff_func_members[i].name);
        }
        if (max != 0 && dff_func_characters(text) > max) {
            return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST,
                               "function %.64s: %s has %zu characters, at most %zu are allowed",
                               func->name, dff_func_members[i].name, dff_func_characters(text),
                               max);
        }
    }

    len = snprintf(id, sizeof(id), "%.*s.%s", (int) script_id.len, script_id.data, func->name);
    if (len < 0 || (size_t) len >= sizeof(id)
        || !dff_id_is_func((dff_str_t) { id, (size_t) len }))
    {
        return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST,
                           "function %s: a name must be [A-Za-z_][A-Za-z0-9_]*, up to 64 "
                           "characters", func->name);
    }

    if (func->extra_config_json != NULL && strcmp(func->extra_config_json, "{}") == 0) {
        free(func->extra_config_json);
        func->extra_config_json = NULL;
    }
    if (dff_func_config_read(dff_str_from(func->extra_config_json), &config, err) != DFF_OK) {
        return dff_err_wrap(err, "function %s", func->name);
    }
    return DFF_OK;
}


static int
dff_func_parse_one(dff_str_t row, dff_str_t script_id, dff_func_t *func, dff_err_t *err)
{
    dff_json_object_t it;
    dff_json_member_t member;
    dff_json_fail_t   fail;
    int               more;

    if (dff_json_object_open(&it, row) != DFF_OK) {
        return dff_err_set(err, DFF_E_SYS, "check answer: a function is not an object");
    }
    while ((more = dff_json_object_next(&it, &member, &fail)) == 1) {
        if (dff_func_take_member(&member, func, err) != DFF_OK) {
            return DFF_ERROR;
        }
    }
    if (more != 0) {
        return dff_err_set(err, DFF_E_SYS, "check answer: %s", fail.what);
    }
    return dff_func_check(func, script_id, err);
}


/* Takes the next element from the front of array, the text of an array that was
 * checked before, without its '['. false: none is left. */
static bool
dff_func_next_element(dff_str_t *array, dff_str_t *element)
{
    const char *at = array->data, *end = array->data + array->len, *begin;
    int         depth = 0;
    bool        quoted = false;

    while (at < end && strchr(" \t\r\n,", *at) != NULL) {
        at++;
    }
    if (at == end || *at == ']') {
        return false;
    }

    for (begin = at; at < end; at++) {
        if (quoted) {
            if (*at == '\\') {
                at++;       /* whatever is escaped does not end the string */
            } else {
                quoted = *at != '"';
            }
            continue;
        }
        if (depth == 0 && (*at == ',' || *at == ']')) {
            break;
        }
        quoted = *at == '"';
        depth += (*at == '{' || *at == '[') - (*at == '}' || *at == ']');
    }
    *element = (dff_str_t) { begin, (size_t) (at - begin) };
    *array = (dff_str_t) { at, (size_t) (end - at) };
    return true;
}


static int
dff_func_add(dff_funcs_t *funcs, dff_str_t row, dff_str_t script_id, dff_err_t *err)
{
    dff_func_t *items, *func;

    if (funcs->count == DFF_FUNCS_MAX) {
        return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST,
                           "a script may export %d functions at most", DFF_FUNCS_MAX);
    }
    items = reallocarray(funcs->items, funcs->count + 1, sizeof(*items));
    if (items == NULL) {
        return dff_err_set(err, DFF_E_SYS, "out of memory");
    }
    funcs->items = items;
    func = &items[funcs->count++];
    *func = (dff_func_t) { 0 };

    if (dff_func_parse_one(row, script_id, func, err) != DFF_OK) {
        return DFF_ERROR;
    }
    for (size_t i = 0; i + 1 < funcs->count; i++) {
        if (strcmp(items[i].name, func->name) == 0) {
            return dff_err_set(err, DFF_E_CLIENT_DUPLICATED,
                               "function %s is exported more than once", func->name);
        }
    }
    return DFF_OK;
}


/* The text between '[' and the end of member "funcs". */
static int
dff_func_find_array(dff_str_t answer, dff_str_t *array, dff_err_t *err)
{
    dff_json_object_t it;
    dff_json_member_t member;
    dff_json_fail_t   fail = { .what = "not an object" };
    int               more;

    if (dff_json_object_open(&it, answer) != DFF_OK) {
        return dff_err_set(err, DFF_E_SYS, "check answer: %s", fail.what);
    }
    while ((more = dff_json_object_next(&it, &member, &fail)) == 1) {
        if (dff_str_eq(member.key, DFF_STR("funcs")) && member.type == DFF_JSON_ARRAY) {
            *array = (dff_str_t) { member.value.data + 1, member.value.len - 1 };
            return DFF_OK;
        }
    }
    return dff_err_set(err, DFF_E_SYS, "check answer: %s", more == 0 ? "no \"funcs\"" : fail.what);
}


int
dff_func_parse(dff_str_t answer, dff_str_t script_id, dff_funcs_t *funcs, dff_err_t *err)
{
    dff_str_t array = DFF_STR_NULL, element;

    *funcs = (dff_funcs_t) { 0 };
    if (dff_func_find_array(answer, &array, err) != DFF_OK) {
        return DFF_ERROR;
    }
    while (dff_func_next_element(&array, &element)) {
        if (dff_func_add(funcs, element, script_id, err) != DFF_OK) {
            dff_func_release(funcs);
            return DFF_ERROR;
        }
    }
    return DFF_OK;
}


void
dff_func_release(dff_funcs_t *funcs)
{
    for (size_t i = 0; i < funcs->count; i++) {
        for (size_t k = 0; k < DFF_FUNC_MEMBER_COUNT; k++) {
            free(*dff_func_member(&funcs->items[i], k));
        }
    }
    free(funcs->items);
    *funcs = (dff_funcs_t) { 0 };
}


static int
dff_func_config_int(json_t *json, const char *key, int min, int *out, dff_err_t *err)
{
    json_t *value = json_object_get(json, key);

    if (value == NULL || json_is_null(value)) {
        return DFF_OK;
    }
    if (!json_is_integer(value) || json_integer_value(value) < min
        || json_integer_value(value) > INT_MAX)
    {
        return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST,
                           "extraConfig.%s must be an integer of %d or more", key, min);
    }
    *out = (int) json_integer_value(value);
    return DFF_OK;
}


int
dff_func_config_read(dff_str_t json, dff_func_config_t *config, dff_err_t *err)
{
    json_t *tree, *cache;
    int     rc = DFF_ERROR;

    *config = (dff_func_config_t) { .queue = -1 };
    if (json.len == 0) {
        return DFF_OK;
    }
    tree = json_loadb(json.data, json.len, 0, NULL);
    if (!json_is_object(tree)) {
        dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST, "extraConfig is not a JSON object");
        goto done;
    }

    if (dff_func_config_int(tree, "timeout", 0, &config->timeout_s, err) != DFF_OK
        || dff_func_config_int(tree, "apiTimeout", 0, &config->api_timeout_s, err) != DFF_OK
        || dff_func_config_int(tree, "queue", 0, &config->queue, err) != DFF_OK
        || dff_func_config_int(tree, "maxMemory", 0, &config->max_memory_mb, err) != DFF_OK)
    {
        goto done;
    }
    if (config->queue >= DFF_QUEUE_COUNT) {
        dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST, "extraConfig.queue must be 0 to %d, is %d",
                    DFF_QUEUE_COUNT - 1, config->queue);
        goto done;
    }
    cache = json_object_get(tree, "cacheResult");
    config->cache_result_s = json_is_number(cache) ? json_number_value(cache) : 0;
    config->retry_on_lost = json_is_true(json_object_get(tree, "retryOnLost"));
    rc = DFF_OK;

done:
    json_decref(tree);
    return rc;
}


int
dff_func_find(dff_db_t *db, const char *func_id, dff_func_config_t *config, int *script_version,
    dff_err_t *err)
{
    dff_db_value_t values[] = { DFF_DB_VALUE_TEXT(dff_str_from(func_id)) };
    dff_db_rows_t  rows;
    int            rc = DFF_ERROR;

    if (!dff_id_is_func(values[0].text)) {
        return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST,
                           "\"%.256s\" is not a function id like demo__basic.plus", func_id);
    }
    if (dff_db_query(db, "SELECT f.extraConfigJSON, s.publishVersion FROM func f"
                         " JOIN script s ON s.id = f.scriptId WHERE f.id = ?",
                     DFF_DB_ARGS(values), &rows, err) != DFF_OK)
    {
        return DFF_ERROR;
    }
    if (rows.nrows == 0) {
        dff_err_set(err, DFF_E_CLIENT_NOT_FOUND, "no such function: %s (see `dffctl script list`)",
                    func_id);
        goto done;
    }
    *script_version = (int) dff_db_number(dff_db_cell(&rows, 0, 1));
    rc = dff_func_config_read(dff_db_cell(&rows, 0, 0), config, err);

done:
    dff_db_rows_release(&rows);
    return rc;
}


typedef struct {
    dff_buf_t *out;
    size_t     count;
} dff_func_rows_t;


/* A column of a row as a JSON member: a string or null, or JSON text as it is. */
static void
dff_func_add_member(dff_buf_t *out, const char *key, dff_str_t value, const char *json_if_null)
{
    dff_buf_addf(out, "%s\"%s\":", out->data[out->len - 1] == '{' ? "" : ",", key);
    if (value.data == NULL) {
        dff_buf_add_str(out, dff_str_from(json_if_null == NULL ? "null" : json_if_null));
        return;
    }
    if (json_if_null != NULL) {
        dff_buf_add_str(out, value);
        return;
    }
    dff_buf_add_str(out, DFF_STR("\""));
    dff_buf_add_json_escaped(out, value);
    dff_buf_add_str(out, DFF_STR("\""));
}


static int
dff_func_add_row(void *ctx, const dff_str_t *columns, size_t ncolumns, dff_err_t *err)
{
    /* In the order of the columns below; json: what stands for NULL in a column
     * that is JSON text. */
    static const struct { const char *key, *json; } members[] = {
        { "name", NULL }, { "title", NULL }, { "description", NULL }, { "definition", NULL },
        { "args", "[]" }, { "kwargs", "{}" }, { "extraConfig", "{}" }, { "category", NULL },
        { "tags", "[]" }, { "integration", NULL }, { "defOrder", "0" },
    };
    dff_func_rows_t *rows = ctx;

    (void) ncolumns;
    dff_buf_add_str(rows->out, rows->count++ == 0 ? DFF_STR("{") : DFF_STR(",{"));
    if (dff_buf_failed(rows->out)) {
        return dff_err_set(err, DFF_E_SYS, "out of memory");
    }
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        dff_func_add_member(rows->out, members[i].key, columns[i], members[i].json);
    }
    dff_buf_add_str(rows->out, DFF_STR("}"));
    return DFF_OK;
}


int
dff_func_rows_json(dff_db_t *db, dff_str_t script_id, dff_buf_t *out, dff_err_t *err)
{
    dff_db_value_t  values[] = { DFF_DB_VALUE_TEXT(script_id) };
    dff_func_rows_t rows = { .out = out };

    dff_buf_add_str(out, DFF_STR("["));
    if (dff_db_each(db, "SELECT name, title, description, definition, argsJSON, kwargsJSON,"
                        " extraConfigJSON, category, tagsJSON, integration, defOrder"
                        " FROM func WHERE scriptId = ? ORDER BY defOrder, seq",
                    DFF_DB_ARGS(values), dff_func_add_row, &rows, err) != DFF_OK)
    {
        return DFF_ERROR;
    }
    dff_buf_add_str(out, DFF_STR("]"));
    return dff_buf_failed(out) ? dff_err_set(err, DFF_E_SYS, "out of memory") : DFF_OK;
}
