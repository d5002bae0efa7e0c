/* Shapes of JSON bodies: see the header. */
#include "api/http/dff_shape.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "dff_iso.h"
#include "dff_route_auth.h"

#include "dff_banned.h"

#define DFF_SHAPE_PATH_MAX  256
#define DFF_SHAPE_TIME_MAX  INT64_C(2145916800000)      /* 2038-01-01: TIMESTAMP ends then */

typedef struct {            /* one check */
    char       path[DFF_SHAPE_PATH_MAX];    /* of the value at hand: "data.users[2]" */
    size_t     path_len;
    dff_err_t *err;
} dff_shape_walk_t;

static int dff_shape_value(dff_shape_walk_t *walk, const dff_prop_t *prop,
    const dff_json_member_t *value);


size_t
dff_text_characters(dff_str_t text)
{
    size_t count = 0;

    for (size_t i = 0; i < text.len; i++) {
        count += ((unsigned char) text.data[i] & 0xc0) != 0x80;
    }
    return count;
}


static int
dff_shape_refuse(dff_shape_walk_t *walk, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static int
dff_shape_refuse(dff_shape_walk_t *walk, const char *fmt, ...)
{
    char    text[DFF_SHAPE_PATH_MAX];
    va_list args;

    va_start(args, fmt);
    (void) vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    return dff_err_set(walk->err, DFF_E_CLIENT_BAD_REQUEST, "%s %s",
                       walk->path_len == 0 ? "the body" : walk->path, text);
}


/* Adds to the path; returns its length before, for dff_shape_leave(). */
static size_t
dff_shape_enter(dff_shape_walk_t *walk, const char *fmt, const char *name, size_t index)
{
    size_t before = walk->path_len;
    int    len = fmt == NULL
        ? snprintf(walk->path + before, sizeof(walk->path) - before, "[%zu]", index)
        : snprintf(walk->path + before, sizeof(walk->path) - before, "%s%.64s", fmt, name);

    if (len > 0 && before + (size_t) len < sizeof(walk->path)) {
        walk->path_len += (size_t) len;
    }
    return before;
}


static void
dff_shape_leave(dff_shape_walk_t *walk, size_t before)
{
    walk->path_len = before;
    walk->path[before] = '\0';
}


static bool
dff_shape_named(const char *const *names, dff_str_t text)
{
    for ( ; names != NULL && *names != NULL; names++) {
        if (dff_str_eq(dff_str_from(*names), text)) {
            return true;
        }
    }
    return names == NULL;
}


/* "one of a, b, c" */
static int
dff_shape_refuse_name(dff_shape_walk_t *walk, const char *const *names)
{
    char   list[DFF_SHAPE_PATH_MAX / 2] = "";
    size_t at = 0;

    for (size_t i = 0; names[i] != NULL && at < sizeof(list); i++) {
        int len = snprintf(list + at, sizeof(list) - at, "%s%s", i == 0 ? "" : ", ", names[i]);

        at += len > 0 ? (size_t) len : 0;
    }
    return dff_shape_refuse(walk, "must be one of %s", list);
}


/* text: decoded. */
static int
dff_shape_text(dff_shape_walk_t *walk, const dff_prop_t *prop, dff_str_t text)
{
    size_t  count = dff_text_characters(text);
    size_t  max = prop->max == 0 ? DFF_SHAPE_TEXT_MAX : (size_t) prop->max;
    int64_t time_ms;

    if (memchr(text.len == 0 ? "" : text.data, '\0', text.len) != NULL) {
        return dff_shape_refuse(walk, "has a NUL character");
    }
    if (prop->type == DFF_PROP_TIME) {
        return dff_iso_read(text, &(dff_tz_t) { 0 }, &time_ms) == DFF_OK
            && time_ms >= 0 && time_ms < DFF_SHAPE_TIME_MAX
            ? DFF_OK : dff_shape_refuse(walk, "must be an ISO 8601 time from 1970 to 2037");
    }
    if (count < (size_t) prop->min || count > max) {
        return dff_shape_refuse(walk, "must have %zu to %zu characters, has %zu",
                                (size_t) prop->min, max, count);
    }
    if (!dff_shape_named(prop->names, text)) {
        return dff_shape_refuse_name(walk, prop->names);
    }
    if (prop->check != NULL && !prop->check(text)) {
        return dff_shape_refuse(walk, "must be %s", prop->expects);
    }
    return DFF_OK;
}


static int
dff_shape_string(dff_shape_walk_t *walk, const dff_prop_t *prop, const dff_json_member_t *value)
{
    dff_str_t text, raw = { value->value.data + 1, value->value.len - 2 };
    char     *room = NULL;
    int       rc;

    if (value->type != DFF_JSON_STRING) {
        return dff_shape_refuse(walk, "must be a string");
    }
    if (dff_json_plain_string(value->value, &text) != DFF_OK) {
        room = malloc(raw.len + 1);
        if (room == NULL) {
            return dff_err_set(walk->err, DFF_E_SYS, "out of memory");
        }
        text = (dff_str_t) { room, dff_json_unescape(raw, room) };
    }
    rc = dff_shape_text(walk, prop, text);
    free(room);
    return rc;
}


static int
dff_shape_number(dff_shape_walk_t *walk, const dff_prop_t *prop, const dff_json_member_t *value)
{
    int64_t number, max = prop->max == 0 ? INT64_MAX : prop->max;

    if (value->type != DFF_JSON_NUMBER) {
        return dff_shape_refuse(walk, "must be a number");
    }
    if (prop->type == DFF_PROP_NUMBER) {
        return DFF_OK;
    }
    if (dff_json_int64(value->value, &number) != DFF_OK || number < prop->min || number > max) {
        return dff_shape_refuse(walk, "must be an integer from %lld to %lld",
                                (long long) prop->min, (long long) max);
    }
    return DFF_OK;
}


/* The elements of STRS and OBJECTS. */
static int
dff_shape_list(dff_shape_walk_t *walk, const dff_prop_t *prop, const dff_json_member_t *value)
{
    dff_prop_t        element = *prop;
    dff_json_array_t  it;
    dff_json_member_t member;
    size_t            count = 0, max = prop->max == 0 ? SIZE_MAX : (size_t) prop->max;

    if (dff_json_array_open(&it, value->value) != DFF_OK) {
        return dff_shape_refuse(walk, "must be a list");
    }
    element.type = prop->type == DFF_PROP_STRS ? DFF_PROP_STR : DFF_PROP_OBJECT;
    element.min = prop->type == DFF_PROP_STRS ? 1 : 0;
    element.max = 0;
    element.nullable = false;
    for ( ; dff_json_array_next(&it, &member, NULL) == 1; count++) {
        size_t before = dff_shape_enter(walk, NULL, NULL, count);

        if (dff_shape_value(walk, &element, &member) != DFF_OK) {
            return DFF_ERROR;
        }
        dff_shape_leave(walk, before);
    }
    if (count < (size_t) prop->min || count > max) {
        return dff_shape_refuse(walk, "must have %zu to %zu elements, has %zu",
                                (size_t) prop->min, max, count);
    }
    return DFF_OK;
}


/* -1: no property of the operation has this name. */
static int
dff_shape_find(const dff_shape_t *shape, const dff_json_member_t *member)
{
    for (size_t i = 0; i < shape->count; i++) {
        const dff_prop_t *prop = dff_shape_prop(shape, i);

        if ((prop->ops & shape->op) != 0
            && dff_route_auth_is(member->key, dff_str_from(prop->name)))
        {
            return (int) i;
        }
    }
    return -1;
}


static int
dff_shape_object(dff_shape_walk_t *walk, const dff_shape_t *shape, dff_str_t text)
{
    dff_json_object_t it;
    dff_json_member_t member;
    uint64_t          seen = 0;

    if (dff_json_object_open(&it, text) != DFF_OK) {
        return dff_shape_refuse(walk, "must be a JSON object");
    }
    while (dff_json_object_next(&it, &member, NULL) == 1) {
        int    i = dff_shape_find(shape, &member);
        size_t before;

        if (i < 0) {
            return dff_shape_refuse(walk, "has an unknown key \"%.*s\"",
                                    (int) (member.key.len > 64 ? 64 : member.key.len),
                                    member.key.data);
        }
        before = dff_shape_enter(walk, walk->path_len == 0 ? "" : ".",
                                 dff_shape_prop(shape, (size_t) i)->name, 0);
        if ((seen & (UINT64_C(1) << i)) != 0) {
            return dff_shape_refuse(walk, "is there twice");
        }
        seen |= UINT64_C(1) << i;
        if (dff_shape_value(walk, dff_shape_prop(shape, (size_t) i), &member) != DFF_OK) {
            return DFF_ERROR;
        }
        dff_shape_leave(walk, before);
    }
    for (size_t i = 0; i < shape->count; i++) {
        const dff_prop_t *prop = dff_shape_prop(shape, i);

        if ((prop->required & prop->ops & shape->op) != 0 && (seen & (UINT64_C(1) << i)) == 0) {
            (void) dff_shape_enter(walk, walk->path_len == 0 ? "" : ".", prop->name, 0);
            return dff_shape_refuse(walk, "is missing");
        }
    }
    return DFF_OK;
}


static int
dff_shape_value(dff_shape_walk_t *walk, const dff_prop_t *prop, const dff_json_member_t *value)
{
    if (value->type == DFF_JSON_NULL
        && (prop->nullable || prop->type == DFF_PROP_FREE || prop->type == DFF_PROP_ANY))
    {
        return DFF_OK;
    }
    switch (prop->type) {
    case DFF_PROP_STR:
    case DFF_PROP_TIME:
        return dff_shape_string(walk, prop, value);
    case DFF_PROP_INT:
    case DFF_PROP_NUMBER:
        return dff_shape_number(walk, prop, value);
    case DFF_PROP_BOOL:
        return value->type == DFF_JSON_TRUE || value->type == DFF_JSON_FALSE
            ? DFF_OK : dff_shape_refuse(walk, "must be true or false");
    case DFF_PROP_STRS:
    case DFF_PROP_OBJECTS:
        return dff_shape_list(walk, prop, value);
    case DFF_PROP_OBJECT:
        return dff_shape_object(walk, prop->shape, value->value);
    case DFF_PROP_FREE:
        return value->type == DFF_JSON_OBJECT
            ? DFF_OK : dff_shape_refuse(walk, "must be a JSON object");
    case DFF_PROP_ANY:
        return DFF_OK;
    case DFF_PROP_NULL:
    case DFF_PROP_LIST:
    case DFF_PROP_MAP:
    case DFF_PROP_EITHER:
    case DFF_PROP_ROWS:
        break;
    }
    return dff_err_set(walk->err, DFF_E_SYS, "a property of no type");
}


int
dff_shape_check(const dff_shape_t *shape, dff_str_t text, dff_err_t *err)
{
    dff_shape_walk_t walk = { .err = err };

    return dff_shape_object(&walk, shape, text);
}
