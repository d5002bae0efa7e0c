/* Forms as JSON: see the header. */
#include "api/http/dff_web_form.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>

#include "dff_form.h"

#include "dff_banned.h"


int
dff_web_hex(dff_str_t text, size_t at)
{
    int value = 0;

    if (text.len < 2 || at > text.len - 2) {
        return -1;
    }
    for (size_t i = at; i < at + 2; i++) {
        char c = text.data[i];
        int  digit = c >= '0' && c <= '9' ? c - '0'
            : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : -1;

        if (digit < 0) {
            return -1;
        }
        value = value * 16 + digit;
    }
    return value;
}


/* The next key of "a[b][]": "a", "b", "". False: the end, or (bad) no such name. */
static bool
dff_web_form_key(dff_str_t *name, bool first, dff_str_t *key, bool *bad)
{
    const char *end = dff_str_end(*name), *stop;

    if (name->len == 0) {
        *bad = first;
        return false;
    }
    if (!first) {
        stop = memchr(name->data, ']', name->len);
        if (name->data[0] != '[' || stop == NULL) {
            *bad = true;
            return false;
        }
        *key = (dff_str_t) { name->data + 1, (size_t) (stop - name->data) - 1 };
        *name = (dff_str_t) { stop + 1, (size_t) (end - stop) - 1 };
        return true;
    }
    stop = memchr(name->data, '[', name->len);
    stop = stop == NULL || stop == name->data ? end : stop;
    *key = (dff_str_t) { name->data, (size_t) (stop - name->data) };
    *name = (dff_str_t) { stop, (size_t) (end - stop) };
    return true;
}


/* Takes value in any case. An array takes what has no key, an object each key once. */
static int
dff_web_form_put(json_t *parent, const char *key, json_t *value)
{
    if (json_is_array(parent) && key[0] == '\0') {
        return json_array_append_new(parent, value);
    }
    if (json_is_object(parent) && json_object_get(parent, key) == NULL) {
        return json_object_set_new(parent, key, value);
    }
    json_decref(value);
    return -1;
}


static int
dff_web_form_add(dff_arena_t *arena, json_t *root, const dff_form_field_t *field, dff_err_t *err)
{
    dff_str_t   name = field->name, next = { 0 };
    const char *key = NULL;
    json_t     *parent = root, *child;
    bool        bad = name.len == 0 || memchr(name.data, '\0', name.len) != NULL;

    if (!bad && dff_web_form_key(&name, true, &next, &bad)) {
        key = dff_arena_copy(arena, next);
    }
    for (int depth = 0; !bad && dff_web_form_key(&name, false, &next, &bad); depth++) {
        child = key == NULL ? NULL : json_object_get(parent, key);
        if (child == NULL) {
            child = next.len == 0 ? json_array() : json_object();
            bad = key == NULL || dff_web_form_put(parent, key, child) != 0;
        }
        bad = bad || depth == DFF_WEB_FORM_DEPTH_MAX;
        parent = child;
        key = dff_arena_copy(arena, next);
    }
    if (bad || key == NULL
        || dff_web_form_put(parent, key, json_stringn(field->value.len == 0 ? ""
                                                      : field->value.data, field->value.len)) != 0)
    {
        return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST,
                           "Invalid request body: the form's field \"%.*s\" has no place",
                           (int) (field->name.len > 64 ? 64 : field->name.len), field->name.data);
    }
    return DFF_OK;
}


static int
dff_web_form_fill(dff_arena_t *arena, json_t *root, dff_str_t text, char *room, dff_err_t *err)
{
    dff_form_t       form;
    dff_form_field_t field;
    dff_form_fail_t  fail;
    int              more;

    dff_form_open(&form, text, room);
    while ((more = dff_form_next(&form, &field, &fail)) == 1) {
        if (dff_web_form_add(arena, root, &field, err) != DFF_OK) {
            return DFF_ERROR;
        }
    }
    return more == 0 ? DFF_OK
        : dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST,
                      "Invalid request body: no form: %s at byte %zu", fail.what, fail.byte);
}


int
dff_web_form_json(dff_arena_t *arena, dff_str_t form, dff_str_t *json, dff_err_t *err)
{
    json_t *root = json_object();
    char   *room = dff_arena_alloc(arena, form.len), *text = NULL;
    int     rc = DFF_ERROR;

    if (root == NULL || room == NULL) {
        dff_err_set(err, DFF_E_SYS, "out of memory");
        goto done;
    }
    if (dff_web_form_fill(arena, root, form, room, err) != DFF_OK) {
        goto done;
    }
    text = json_dumps(root, JSON_COMPACT);
    *json = dff_str_from(text == NULL ? NULL : dff_arena_copy(arena, dff_str_from(text)));
    rc = json->data != NULL ? DFF_OK : dff_err_set(err, DFF_E_SYS, "out of memory");

done:
    free(text);
    json_decref(root);
    return rc;
}
