/*
 * Reading and writing records by their tables. On the way of every call, so:
 * fields are expected in the table's order, and writing is a few copies each.
 */
#include "dff_fields.h"

#include <inttypes.h>
#include <stdio.h>

#include "dff_json.h"

#include "dff_banned.h"

#define DFF_FIELD_QUOTE_MAX    64     /* bytes of a bad value in a message */
#define DFF_FIELD_NUMBER_SIZE  20     /* "-9223372036854775808" */

_Static_assert(sizeof(int) == sizeof(dff_field_kind_t), "enums are stored as int");

/* The name without its quotes and colon. */
static dff_str_t
dff_field_name(const dff_field_t *row)
{
    return (dff_str_t) { row->quoted + 1, row->quoted_len - 3 };
}

static void *
dff_field_at(const dff_field_t *row, void *record)
{
    return (char *) record + row->offset;
}

static dff_str_t
dff_field_str(const dff_field_t *row, const void *record)
{
    dff_str_t str;

    memcpy(&str, (const char *) record + row->offset, sizeof(str));
    return str;
}

/* The value of any kind that is a number, a bool or an enum. */
static int64_t
dff_field_number(const dff_field_t *row, const void *record)
{
    const char *at = (const char *) record + row->offset;
    int64_t     wide;
    int         narrow;
    bool        flag;

    if (row->kind == DFF_FIELD_INT64) {
        memcpy(&wide, at, sizeof(wide));
        return wide;
    }
    if (row->kind == DFF_FIELD_BOOL) {
        memcpy(&flag, at, sizeof(flag));
        return flag;
    }
    memcpy(&narrow, at, sizeof(narrow));
    return narrow;
}

static bool
dff_field_is_text(const dff_field_t *row)
{
    switch (row->kind) {
    case DFF_FIELD_STR:
    case DFF_FIELD_OBJECT:
    case DFF_FIELD_ARRAY:
    case DFF_FIELD_STRING:
    case DFF_FIELD_NUMBER:
        return true;
    default:
        return false;
    }
}

/* What is refused, and what was expected in its place. */
static int
dff_field_refuse(const dff_fields_t *fields, const dff_field_t *row, dff_str_t value,
    dff_err_t *err)
{
    static const char *const expected[] = {
        [DFF_FIELD_BOOL] = "true or false", [DFF_FIELD_ENUM] = "one of the known names",
        [DFF_FIELD_OBJECT] = "an object", [DFF_FIELD_ARRAY] = "an array",
        [DFF_FIELD_STRING] = "a string", [DFF_FIELD_NUMBER] = "a number",
        [DFF_FIELD_VERSION] = "",
    };
    dff_str_t   name = dff_field_name(row);
    int         shown = (int) (value.len > DFF_FIELD_QUOTE_MAX ? DFF_FIELD_QUOTE_MAX : value.len);
    const char *more = value.len > DFF_FIELD_QUOTE_MAX ? "…" : "";

    switch (row->kind) {
    case DFF_FIELD_VERSION:
        return dff_err_set(err, DFF_E_SYS, "%s: version %.*s%s is not supported, this build "
            "reads version %" PRId64, fields->noun, shown, value.data, more, row->max);
    case DFF_FIELD_STR:
        return dff_err_set(err, DFF_E_SYS, "%s: \"%.*s\" must be a well-formed string of up to %"
            PRId64 " bytes, got %.*s%s", fields->noun, (int) name.len, name.data, row->max,
            shown, value.data, more);
    case DFF_FIELD_INT:
    case DFF_FIELD_INT64:
        return dff_err_set(err, DFF_E_SYS, "%s: \"%.*s\" must be an integer from %" PRId64 " to %"
            PRId64 ", got %.*s%s", fields->noun, (int) name.len, name.data, row->min, row->max,
            shown, value.data, more);
    default:
        return dff_err_set(err, DFF_E_SYS, "%s: \"%.*s\" must be %s, got %.*s%s", fields->noun,
            (int) name.len, name.data, expected[row->kind], shown, value.data, more);
    }
}

static bool
dff_field_str_good(const dff_field_t *row, dff_str_t text)
{
    return text.len > 0 && (int64_t) text.len <= row->max
        && (row->check == NULL || row->check(text));
}

static bool
dff_field_number_good(const dff_field_t *row, int64_t number)
{
    if (row->kind == DFF_FIELD_VERSION)
        return number == row->max;
    return row->kind == DFF_FIELD_BOOL || (number >= row->min && number <= row->max);
}

static bool
dff_field_read_enum(const dff_field_t *row, dff_str_t text, int *value)
{
    int64_t i;

    for (i = 0; i <= row->max; i++) {
        if (dff_str_eq(text, dff_str_from(row->names[i]))) {
            *value = (int) i;
            return true;
        }
    }
    return false;
}

/* Stores a value at its place in the record; false when the row does not allow it. */
static bool
dff_field_read(const dff_field_t *row, const dff_json_member_t *member, void *record)
{
    static const dff_json_type_t types[] = {
        [DFF_FIELD_STR] = DFF_JSON_STRING, [DFF_FIELD_INT] = DFF_JSON_NUMBER,
        [DFF_FIELD_INT64] = DFF_JSON_NUMBER, [DFF_FIELD_BOOL] = DFF_JSON_TRUE,
        [DFF_FIELD_ENUM] = DFF_JSON_STRING, [DFF_FIELD_OBJECT] = DFF_JSON_OBJECT,
        [DFF_FIELD_ARRAY] = DFF_JSON_ARRAY, [DFF_FIELD_STRING] = DFF_JSON_STRING,
        [DFF_FIELD_NUMBER] = DFF_JSON_NUMBER, [DFF_FIELD_VERSION] = DFF_JSON_NUMBER,
    };
    void     *at = dff_field_at(row, record);
    dff_str_t text = member->value;
    int64_t   number;
    int       narrow;
    bool      flag = member->type == DFF_JSON_TRUE;

    if (row->kind == DFF_FIELD_OBJECT && member->type == DFF_JSON_NULL) {
        memcpy(at, &DFF_STR_NULL, sizeof(dff_str_t));
        return true;
    }
    if (member->type != types[row->kind]
        && !(row->kind == DFF_FIELD_BOOL && member->type == DFF_JSON_FALSE))
    {
        return false;
    }

    switch (row->kind) {
    case DFF_FIELD_BOOL:
        memcpy(at, &flag, sizeof(flag));
        return true;
    case DFF_FIELD_STR:
        if (dff_json_plain_string(text, &text) != DFF_OK || !dff_field_str_good(row, text))
            return false;
        memcpy(at, &text, sizeof(text));
        return true;
    case DFF_FIELD_ENUM:
        if (dff_json_plain_string(text, &text) != DFF_OK
            || !dff_field_read_enum(row, text, &narrow))
        {
            return false;
        }
        memcpy(at, &narrow, sizeof(narrow));
        return true;
    case DFF_FIELD_INT64:
        if (dff_json_int64(text, &number) != DFF_OK || !dff_field_number_good(row, number))
            return false;
        memcpy(at, &number, sizeof(number));
        return true;
    case DFF_FIELD_INT:
    case DFF_FIELD_VERSION:
        if (dff_json_int64(text, &number) != DFF_OK || !dff_field_number_good(row, number))
            return false;
        narrow = (int) number;
        memcpy(at, &narrow, sizeof(narrow));
        return true;
    default:
        memcpy(at, &text, sizeof(text));
        return true;
    }
}

/* *next: where the search begins; writers keep the table's order, so that the
 * first row looked at is nearly always the right one. */
static const dff_field_t *
dff_fields_find(const dff_fields_t *fields, const dff_json_member_t *member, size_t *next)
{
    const dff_field_t *row;
    size_t             i, at = *next;

    if (member->key_escaped)
        return NULL;
    for (i = 0; i < fields->count; i++, at++) {
        if (at >= fields->count)
            at = 0;
        row = &fields->rows[at];
        if (dff_str_eq(dff_field_name(row), member->key)) {
            *next = at + 1;
            return row;
        }
    }
    return NULL;
}

int
dff_fields_read(const dff_fields_t *fields, dff_str_t object, void *record, dff_err_t *err)
{
    dff_json_object_t  it;
    dff_json_member_t  member;
    dff_json_fail_t    fail;
    const dff_field_t *row;
    uint32_t           seen = 0, bit;
    size_t             i, next = 0;
    int                rc;

    if (dff_json_object_open(&it, object) != DFF_OK)
        return dff_err_set(err, DFF_E_SYS, "%s is not a JSON object", fields->noun);

    while ((rc = dff_json_object_next(&it, &member, &fail)) == 1) {
        row = dff_fields_find(fields, &member, &next);
        if (row == NULL)
            continue;
        bit = UINT32_C(1) << (row - fields->rows);
        if (seen & bit) {
            return dff_err_set(err, DFF_E_SYS, "%s: \"%.*s\" stands there twice", fields->noun,
                (int) member.key.len, member.key.data);
        }
        seen |= bit;
        if (!dff_field_read(row, &member, record))
            return dff_field_refuse(fields, row, member.value, err);
    }
    if (rc == DFF_ERROR) {
        return dff_err_set(err, DFF_E_SYS, "%s, byte %zu: %s", fields->noun, fail.offset,
            fail.what);
    }

    for (i = 0; i < fields->count; i++) {
        row = &fields->rows[i];
        if ((row->flags & DFF_FIELD_REQUIRED) && !(seen & UINT32_C(1) << i)) {
            return dff_err_set(err, DFF_E_SYS, "%s: \"%.*s\" is missing", fields->noun,
                (int) dff_field_name(row).len, dff_field_name(row).data);
        }
    }
    return DFF_OK;
}

/* Does the writer leave it out? */
static bool
dff_field_is_left_out(const dff_field_t *row, const void *record)
{
    if (row->flags & DFF_FIELD_ALWAYS)
        return false;
    return dff_field_is_text(row) ? dff_field_str(row, record).len == 0
                                  : dff_field_number(row, record) == 0;
}

int
dff_fields_check(const dff_fields_t *fields, const void *record, dff_err_t *err)
{
    const dff_field_t *row;
    char               digits[DFF_FIELD_NUMBER_SIZE + 1];
    int64_t            number;
    size_t             i;
    int                n;

    for (i = 0; i < fields->count; i++) {
        row = &fields->rows[i];
        if (dff_field_is_left_out(row, record))
            continue;
        if (row->kind == DFF_FIELD_STR && !dff_field_str_good(row, dff_field_str(row, record)))
            return dff_field_refuse(fields, row, dff_field_str(row, record), err);
        if (dff_field_is_text(row))
            continue;
        number = dff_field_number(row, record);
        if (!dff_field_number_good(row, number)) {
            n = snprintf(digits, sizeof(digits), "%" PRId64, number);
            return dff_field_refuse(fields, row, (dff_str_t) { digits, n < 0 ? 0 : (size_t) n },
                err);
        }
    }
    return DFF_OK;
}

static size_t
dff_field_number_size(int64_t number)
{
    uint64_t rest = number < 0 ? -(uint64_t) number : (uint64_t) number;
    size_t   size = number < 0 ? 2 : 1;

    for (rest /= 10; rest > 0; rest /= 10)
        size++;
    return size;
}

static char *
dff_field_write_number(char *out, int64_t number)
{
    uint64_t rest = number < 0 ? -(uint64_t) number : (uint64_t) number;
    char    *end = out + dff_field_number_size(number), *p = end;

    do {
        *--p = (char) ('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (number < 0)
        *out = '-';
    return end;
}

static const char *
dff_field_enum_name(const dff_field_t *row, const void *record)
{
    int64_t value = dff_field_number(row, record);

    return row->names[value < 0 || value > row->max ? 0 : value];
}

/* The value as it is written, when it is text; data NULL: a number. */
static dff_str_t
dff_field_text(const dff_field_t *row, const void *record, bool *quotes)
{
    dff_str_t text;

    *quotes = row->kind == DFF_FIELD_STR || row->kind == DFF_FIELD_ENUM;
    switch (row->kind) {
    case DFF_FIELD_BOOL:
        return dff_field_number(row, record) ? DFF_STR("true") : DFF_STR("false");
    case DFF_FIELD_ENUM:
        return dff_str_from(dff_field_enum_name(row, record));
    case DFF_FIELD_INT:
    case DFF_FIELD_INT64:
    case DFF_FIELD_VERSION:
        return DFF_STR_NULL;
    default:
        text = dff_field_str(row, record);
        if (row->kind == DFF_FIELD_OBJECT && text.len == 0)
            return DFF_STR("null");
        return text.data == NULL ? DFF_STR("") : text;
    }
}

size_t
dff_fields_size(const dff_fields_t *fields, const void *record)
{
    const dff_field_t *row;
    dff_str_t          text;
    bool               quotes, any = false;
    size_t             i, size = 0;

    for (i = 0; i < fields->count; i++) {
        row = &fields->rows[i];
        if (dff_field_is_left_out(row, record))
            continue;
        text = dff_field_text(row, record, &quotes);
        size += row->quoted_len + (any ? 1 : 0) + (quotes ? 2 : 0);
        size += text.data == NULL ? dff_field_number_size(dff_field_number(row, record))
                                  : text.len;
        any = true;
    }
    return size + 2;
}

char *
dff_fields_write(const dff_fields_t *fields, char *out, const void *record)
{
    const dff_field_t *row;
    dff_str_t          text;
    bool               quotes, any = false;
    size_t             i;

    *out++ = '{';
    for (i = 0; i < fields->count; i++) {
        row = &fields->rows[i];
        if (dff_field_is_left_out(row, record))
            continue;
        text = dff_field_text(row, record, &quotes);
        if (any)
            *out++ = ',';
        any = true;
        memcpy(out, row->quoted, row->quoted_len);
        out += row->quoted_len;
        if (text.data == NULL) {
            out = dff_field_write_number(out, dff_field_number(row, record));
            continue;
        }
        if (quotes)
            *out++ = '"';
        memcpy(out, text.data, text.len);
        out += text.len;
        if (quotes)
            *out++ = '"';
    }
    *out++ = '}';
    return out;
}
