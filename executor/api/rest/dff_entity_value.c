/* From the values of a body to those of MySQL's columns, and what MySQL says about them. */
#include "api/rest/dff_entity.h"

#include <stdio.h>
#include <stdlib.h>

#include "dff_iso.h"
#include "dff_time.h"

#include "dff_banned.h"


int
dff_write_set(dff_write_t *write, const char *column, dff_db_value_t value, dff_err_t *err)
{
    size_t i = 0;

    while (i < write->nvalues && strcmp(write->values[i].column, column) != 0) {
        i++;
    }
    if (i == DFF_ENTITY_VALUES_MAX) {
        return dff_err_set(err, DFF_E_SYS, "too many columns of %s", write->entity->noun);
    }
    write->values[i].column = column;
    write->values[i].value = value;
    write->nvalues = i == write->nvalues ? i + 1 : write->nvalues;
    return DFF_OK;
}


const dff_db_value_t *
dff_write_get(const dff_write_t *write, const char *column)
{
    for (size_t i = 0; i < write->nvalues; i++) {
        if (strcmp(write->values[i].column, column) == 0) {
            return &write->values[i].value;
        }
    }
    return NULL;
}


static int
dff_entity_compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *) a, *(const char *const *) b);
}


/* The strings of an array, sorted, each once. */
static int
dff_entity_strings(dff_arena_t *arena, dff_str_t array, const char ***items, size_t *count,
    dff_err_t *err)
{
    dff_json_array_t  it;
    dff_json_member_t member;
    size_t            n = 0, unique = 0;
    const char      **list;

    (void) dff_json_array_open(&it, array);     /* the shape was checked */
    while (dff_json_array_next(&it, &member, NULL) == 1) {
        n++;
    }
    list = dff_arena_alloc(arena, (n + 1) * sizeof(*list));
    if (list == NULL) {
        return dff_err_set(err, DFF_E_SYS, "out of memory");
    }
    (void) dff_json_array_open(&it, array);
    for (n = 0; dff_json_array_next(&it, &member, NULL) == 1; n++) {
        list[n] = dff_json_decoded(arena, member.value).data;
        if (list[n] == NULL) {
            return dff_err_set(err, DFF_E_SYS, "out of memory");
        }
    }
    qsort(list, n, sizeof(*list), dff_entity_compare);
    for (size_t i = 0; i < n; i++) {
        if (unique == 0 || strcmp(list[unique - 1], list[i]) != 0) {
            list[unique++] = list[i];
        }
    }
    *items = list;
    *count = unique;
    return DFF_OK;
}


/* As a JSON array, or with commas. */
static int
dff_entity_store_strings(dff_arena_t *arena, const dff_column_t *column, dff_str_t array,
    dff_db_value_t *value, dff_err_t *err)
{
    bool         commas = column->cell == DFF_CELL_LIST;
    dff_buf_t    out = DFF_BUF_INIT;
    const char **items = NULL;
    const char  *text;
    size_t       count = 0;

    if (dff_entity_strings(arena, array, &items, &count, err) != DFF_OK) {
        return DFF_ERROR;
    }
    dff_buf_add_str(&out, commas ? DFF_STR("") : DFF_STR("["));
    for (size_t i = 0; i < count; i++) {
        dff_buf_add_str(&out, i == 0 ? DFF_STR("") : DFF_STR(","));
        if (!commas) {
            dff_buf_add_json_string(&out, dff_str_from(items[i]));
        } else if (strchr(items[i], ',') != NULL) {
            dff_buf_release(&out);
            return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST, "data.%s has a comma in an element",
                               column->prop.name);
        } else {
            dff_buf_add_str(&out, dff_str_from(items[i]));
        }
    }
    dff_buf_add_str(&out, commas ? DFF_STR("") : DFF_STR("]"));
    text = dff_buf_failed(&out) ? NULL
        : dff_arena_copy(arena, (dff_str_t) { out.data, out.len });
    dff_buf_release(&out);
    *value = DFF_DB_VALUE_TEXT(dff_str_from(text));
    return text == NULL ? dff_err_set(err, DFF_E_SYS, "out of memory") : DFF_OK;
}


static int
dff_entity_store_time(dff_arena_t *arena, dff_str_t text, dff_db_value_t *value, dff_err_t *err)
{
    char    iso[DFF_TIME_ISO_SIZE];
    int64_t time_ms = 0;
    size_t  len;
    char   *copy;

    (void) dff_iso_read(text, &(dff_tz_t) { 0 }, &time_ms);      /* the shape was checked */
    len = dff_time_iso_utc(iso, time_ms);
    iso[sizeof("2021-10-14") - 1] = ' ';
    copy = dff_arena_copy(arena, (dff_str_t) { iso, len - 1 });
    *value = DFF_DB_VALUE_TEXT(dff_str_from(copy));
    return copy == NULL ? dff_err_set(err, DFF_E_SYS, "out of memory") : DFF_OK;
}


static int
dff_entity_convert(dff_web_call_t *call, const dff_column_t *column,
    const dff_json_member_t *member, dff_db_value_t *value, dff_err_t *err)
{
    int64_t number = 0;

    if (member->type == DFF_JSON_NULL && column->prop.type != DFF_PROP_FREE) {
        *value = DFF_DB_VALUE_NULL;
        return DFF_OK;
    }
    switch (column->prop.type) {
    case DFF_PROP_STR:
        *value = DFF_DB_VALUE_TEXT(dff_json_decoded(&call->arena, member->value));
        return value->text.data != NULL ? DFF_OK : dff_err_set(err, DFF_E_SYS, "out of memory");
    case DFF_PROP_TIME:
        return dff_entity_store_time(&call->arena, dff_json_decoded(&call->arena, member->value),
                                     value, err);
    case DFF_PROP_INT:
        (void) dff_json_int64(member->value, &number);
        *value = DFF_DB_VALUE_INT(number);
        return DFF_OK;
    case DFF_PROP_BOOL:
        *value = DFF_DB_VALUE_INT(member->type == DFF_JSON_TRUE);
        return DFF_OK;
    case DFF_PROP_STRS:
        return dff_entity_store_strings(&call->arena, column, member->value, value, err);
    case DFF_PROP_FREE:
        *value = DFF_DB_VALUE_TEXT(member->type == DFF_JSON_NULL ? DFF_STR("{}")
                                   : member->value);
        return DFF_OK;
    default:
        *value = DFF_DB_VALUE_TEXT(member->value);
        return DFF_OK;
    }
}


int
dff_entity_take_values(dff_web_call_t *call, dff_write_t *write, dff_err_t *err)
{
    const dff_entity_t *entity = write->entity;

    for (size_t i = 0; i < entity->ncolumns; i++) {
        const dff_column_t *column = &entity->columns[i];
        dff_json_member_t   member;
        dff_db_value_t      value;

        /* The id is the row's name and stands by itself. */
        if ((column->prop.ops & write->op) == 0 || column->sql != NULL
            || strcmp(column->prop.name, "id") == 0
            || !dff_member_get(write->data, column->prop.name, &member))
        {
            continue;
        }
        if (column->store != NULL) {
            if (column->store(call, write, column, &member, err) != DFF_OK) {
                return DFF_ERROR;
            }
            continue;
        }
        if (dff_entity_convert(call, column, &member, &value, err) != DFF_OK
            || dff_write_set(write, column->prop.name, value, err) != DFF_OK)
        {
            return DFF_ERROR;
        }
    }
    return DFF_OK;
}


int
dff_entity_made_id(dff_web_call_t *call, const dff_entity_t *entity, dff_str_t *id,
    dff_err_t *err)
{
    char   made[DFF_ID_SIZE];
    size_t len = dff_id_make(&call->web->api->ids, made, entity->id_prefix);
    size_t wanted = strlen(entity->id_prefix) + (entity->id_long ? 16 : 12);

    if (len < wanted) {
        return dff_err_set(err, DFF_E_SYS, "the kernel gives no random bytes");
    }
    id->data = dff_arena_copy(&call->arena, (dff_str_t) { made, wanted });
    id->len = wanted;
    return id->data != NULL ? DFF_OK : dff_err_set(err, DFF_E_SYS, "out of memory");
}


/* The word in quotes behind a mark of MySQL's message; of "table.KEY" the key. */
static dff_str_t
dff_entity_quoted(const char *message, const char *mark)
{
    const char *at = strstr(message, mark), *end, *dot;

    if (at == NULL) {
        return DFF_STR("");
    }
    at += strlen(mark);
    end = strchr(at, '\'');
    if (end == NULL) {
        return DFF_STR("");
    }
    dot = memchr(at, '.', (size_t) (end - at));
    at = dot == NULL ? at : dot + 1;
    return (dff_str_t) { at, (size_t) (end - at) };
}


int
dff_entity_translate(dff_web_call_t *call, const dff_entity_t *entity, dff_err_t *err)
{
    char      message[DFF_ERR_MESSAGE_SIZE];
    dff_str_t name;

    if (call->answer.sub_reason != NULL || call->answer.detail.len > 0
        || strstr(err->message, "MySQL at ") == NULL)
    {
        return DFF_ERROR;       /* said by us */
    }
    memcpy(message, err->message, sizeof(message));
    if (err->reason == DFF_E_CLIENT_DUPLICATED) {
        name = dff_entity_quoted(message, "for key '");
        if (entity->duplicated != NULL && dff_str_eq(name, DFF_STR("ID"))) {
            return dff_web_refuse(call, err, DFF_E_BIZ_CONDITION, entity->duplicated, NULL,
                                  "There is a %s with this ID already", entity->noun);
        }
        return dff_web_refuse(call, err, DFF_E_CLIENT_DUPLICATED,
                              entity->duplicated_key != NULL
                              && dff_str_eq(name, dff_str_from(entity->duplicated_key))
                              ? entity->duplicated_key_sub : NULL,
                              json_pack("{s:s%}", "key", name.data, name.len),
                              "There is a %s with this %.*s already", entity->noun,
                              (int) name.len, name.data);
    }
    if (err->reason == DFF_E_CLIENT_BAD_REQUEST) {
        name = dff_entity_quoted(message, "for column '");
        return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST, "data.%.*s does not fit its column",
                           (int) name.len, name.data);
    }
    return DFF_ERROR;
}
