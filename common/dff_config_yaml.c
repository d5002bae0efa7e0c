/*
 * The events of libyaml, so that every finding has its line and column. Settings
 * are handed to the loader as text, CUSTOM_ values as JSON. Runs at start and
 * reload.
 */
#include "dff_config_table.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <yaml.h>

#include "dff_json.h"

#include "dff_banned.h"

#define DFF_YAML_DEPTH_MAX  32
#define DFF_YAML_SIZE_MAX   (1u << 20)
#define DFF_YAML_PLACE      1088
#define DFF_YAML_KEYS_MAX   1000     /* of one mapping */

typedef struct {
    dff_config_loader_t *loader;
    const char          *path;
    yaml_parser_t        parser;
    yaml_event_t         event;         /* the current one */
    bool                 has_event;
    char                 place[DFF_YAML_PLACE];   /* of the current event */
} dff_yaml_t;

static void
dff_yaml_set_place(dff_yaml_t *y, yaml_mark_t mark)
{
    (void) snprintf(y->place, sizeof(y->place), "%s:%zu:%zu", y->path, mark.line + 1,
        mark.column + 1);
}

static int
dff_yaml_refuse(dff_yaml_t *y, const char *text)
{
    dff_config_find(y->loader, DFF_CONFIG_ERROR, y->place, "%s", text);
    return DFF_ERROR;
}

/* The same for what does not keep the rest from being read, so that one run tells
 * of all that is wrong. */
static int
dff_yaml_complain(dff_yaml_t *y, const char *text)
{
    (void) dff_yaml_refuse(y, text);
    return DFF_OK;
}

/* Takes the next event; a syntax error is reported here. */
static int
dff_yaml_next(dff_yaml_t *y)
{
    yaml_parser_t *p = &y->parser;

    if (y->has_event)
        yaml_event_delete(&y->event);
    y->has_event = yaml_parser_parse(p, &y->event) != 0;
    if (y->has_event) {
        dff_yaml_set_place(y, y->event.start_mark);
        return DFF_OK;
    }
    if (p->error == YAML_READER_ERROR) {
        (void) snprintf(y->place, sizeof(y->place), "%s", y->path);
        dff_config_find(y->loader, DFF_CONFIG_ERROR, y->place, "bad YAML: byte %zu: %s",
            p->problem_offset, p->problem == NULL ? "cannot be read" : p->problem);
        return DFF_ERROR;
    }
    dff_yaml_set_place(y, p->problem_mark);
    dff_config_find(y->loader, DFF_CONFIG_ERROR, y->place, "bad YAML: %s%s%s",
        p->problem == NULL ? "no memory" : p->problem,
        p->context == NULL ? "" : ", ", p->context == NULL ? "" : p->context);
    return DFF_ERROR;
}

static dff_str_t
dff_yaml_scalar(const dff_yaml_t *y)
{
    return (dff_str_t) { (const char *) y->event.data.scalar.value, y->event.data.scalar.length };
}

/* A string whatever it looks like: quoted, a block, or tagged !!str. */
static bool
dff_yaml_is_quoted(const dff_yaml_t *y)
{
    const char *tag = (const char *) y->event.data.scalar.tag;

    if (tag != NULL)
        return strcmp(tag, YAML_STR_TAG) == 0 || strcmp(tag, "!") == 0;
    return y->event.data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
}

static bool
dff_yaml_is_null(const dff_yaml_t *y)
{
    dff_str_t text = dff_yaml_scalar(y);

    return !dff_yaml_is_quoted(y)
        && (text.len == 0 || dff_str_eq(text, DFF_STR("~"))
            || (text.len == 4 && strncasecmp(text.data, "null", 4) == 0));
}

static int
dff_yaml_scalar_good(dff_yaml_t *y)
{
    if (memchr(y->event.data.scalar.value, '\0', y->event.data.scalar.length) != NULL)
        return dff_yaml_refuse(y, "a value with a NUL character");
    return DFF_OK;
}

/* Passes over the value that begins with the current event. */
static int
dff_yaml_skip_value(dff_yaml_t *y)
{
    size_t depth = 0;

    for ( ;; ) {
        switch (y->event.type) {
        case YAML_SEQUENCE_START_EVENT:
        case YAML_MAPPING_START_EVENT:
            if (++depth > DFF_YAML_DEPTH_MAX)
                return dff_yaml_refuse(y, "nested too deeply");
            break;
        case YAML_SEQUENCE_END_EVENT:
        case YAML_MAPPING_END_EVENT:
            depth--;
            break;
        default:
            break;
        }
        if (depth == 0)
            return DFF_OK;
        if (dff_yaml_next(y) != DFF_OK)
            return DFF_ERROR;
    }
}

static int dff_yaml_json(dff_yaml_t *y, dff_buf_t *out, size_t depth);

/* A mapping's key as JSON; *seen has those before it, as "key"NUL "key"NUL. */
static int
dff_yaml_json_key(dff_yaml_t *y, dff_buf_t *out, dff_buf_t *seen)
{
    dff_str_t key;
    size_t    at;

    if (y->event.type != YAML_SCALAR_EVENT)
        return dff_yaml_refuse(y, "a key must be a text");
    if (dff_yaml_scalar_good(y) != DFF_OK)
        return DFF_ERROR;
    key = dff_yaml_scalar(y);
    for (at = 0; at < seen->len; at += strlen(seen->data + at) + 1) {
        if (strcmp(seen->data + at, key.data) == 0)
            (void) dff_yaml_complain(y, "the same key again");
    }
    dff_buf_add(seen, key.data, key.len + 1);
    dff_buf_add_str(out, DFF_STR("\""));
    dff_buf_add_json_escaped(out, key);
    dff_buf_add_str(out, DFF_STR("\":"));
    return dff_yaml_next(y);
}

/* A sequence or mapping; the current event is its start, at the end its end. */
static int
dff_yaml_json_nest(dff_yaml_t *y, dff_buf_t *out, size_t depth)
{
    bool         mapping = y->event.type == YAML_MAPPING_START_EVENT;
    yaml_event_type_t end = mapping ? YAML_MAPPING_END_EVENT : YAML_SEQUENCE_END_EVENT;
    dff_buf_t    seen = DFF_BUF_INIT;
    size_t       count = 0;
    int          rc = DFF_ERROR;

    if (depth >= DFF_YAML_DEPTH_MAX)
        return dff_yaml_refuse(y, "nested too deeply");
    dff_buf_add_str(out, mapping ? DFF_STR("{") : DFF_STR("["));
    for ( ;; ) {
        if (dff_yaml_next(y) != DFF_OK)
            goto done;
        if (y->event.type == end)
            break;
        if (count++ > 0)
            dff_buf_add_str(out, DFF_STR(","));
        if (mapping && count > DFF_YAML_KEYS_MAX) {
            (void) dff_yaml_refuse(y, "too many keys");
            goto done;
        }
        if (mapping && dff_yaml_json_key(y, out, &seen) != DFF_OK)
            goto done;
        if (dff_yaml_json(y, out, depth + 1) != DFF_OK)
            goto done;
    }
    dff_buf_add_str(out, mapping ? DFF_STR("}") : DFF_STR("]"));
    rc = DFF_OK;

done:
    dff_buf_release(&seen);
    return rc;
}

/* The value that begins with the current event, as JSON. */
static int
dff_yaml_json(dff_yaml_t *y, dff_buf_t *out, size_t depth)
{
    switch (y->event.type) {
    case YAML_SCALAR_EVENT:
        if (dff_yaml_scalar_good(y) != DFF_OK)
            return DFF_ERROR;
        dff_config_scalar_json(out, dff_yaml_scalar(y), dff_yaml_is_quoted(y));
        return DFF_OK;
    case YAML_SEQUENCE_START_EVENT:
    case YAML_MAPPING_START_EVENT:
        return dff_yaml_json_nest(y, out, depth);
    default:
        return dff_yaml_complain(y, "references (*name) are not supported, write the value out");
    }
}

static int
dff_yaml_custom(dff_yaml_t *y, const char *key)
{
    char      place[DFF_YAML_PLACE];
    dff_buf_t json = DFF_BUF_INIT;
    char     *text;

    memcpy(place, y->place, sizeof(place));
    if (dff_yaml_json(y, &json, 0) != DFF_OK) {
        dff_buf_release(&json);
        return DFF_ERROR;
    }
    text = dff_buf_take(&json, NULL);
    if (text == NULL) {
        dff_config_no_memory(y->loader);
        return DFF_ERROR;
    }
    return dff_config_take_custom(y->loader, key, place, text, true);
}

/* A part of a joined list; a comma inside would make two of it. */
static int
dff_yaml_join_scalar(dff_yaml_t *y, dff_buf_t *out)
{
    dff_str_t text;

    if (y->event.type != YAML_SCALAR_EVENT) {
        (void) dff_yaml_complain(y, "must be a single value here");
        return dff_yaml_skip_value(y);
    }
    if (dff_yaml_scalar_good(y) != DFF_OK)
        return DFF_ERROR;
    text = dff_yaml_scalar(y);
    if (text.len > 0 && memchr(text.data, ',', text.len) != NULL)
        return dff_yaml_complain(y, "no comma may be inside an item of a list");
    dff_buf_add_str(out, text);
    return DFF_OK;
}

/* A sequence as "a,b", a mapping as "a=1,b=2". */
static int
dff_yaml_join(dff_yaml_t *y, dff_buf_t *out)
{
    bool              mapping = y->event.type == YAML_MAPPING_START_EVENT;
    yaml_event_type_t end = mapping ? YAML_MAPPING_END_EVENT : YAML_SEQUENCE_END_EVENT;
    size_t            count = 0;

    for ( ;; ) {
        if (dff_yaml_next(y) != DFF_OK)
            return DFF_ERROR;
        if (y->event.type == end)
            return DFF_OK;
        if (count++ > 0)
            dff_buf_add_str(out, DFF_STR(","));
        if (dff_yaml_join_scalar(y, out) != DFF_OK)
            return DFF_ERROR;
        if (!mapping)
            continue;
        dff_buf_add_str(out, DFF_STR("="));
        if (dff_yaml_next(y) != DFF_OK || dff_yaml_join_scalar(y, out) != DFF_OK)
            return DFF_ERROR;
    }
}

static int
dff_yaml_setting_list(dff_yaml_t *y, size_t index)
{
    const dff_setting_t *row = dff_setting_at(index);
    bool                 mapping = y->event.type == YAML_MAPPING_START_EVENT;
    char                 place[DFF_YAML_PLACE], expected[256];
    dff_buf_t            joined = DFF_BUF_INIT;
    int                  rc = DFF_ERROR;

    memcpy(place, y->place, sizeof(place));
    if (row->type != DFF_SETTING_MAP && (mapping || row->type != DFF_SETTING_LIST)) {
        dff_setting_expects(row, expected, sizeof(expected));
        dff_config_find(y->loader, DFF_CONFIG_ERROR, place, "%s must be %s, got a %s", row->key,
            expected, mapping ? "mapping" : "list");
        return dff_yaml_skip_value(y);
    }
    if (dff_yaml_join(y, &joined) != DFF_OK)
        goto done;
    dff_buf_add(&joined, "", 0);
    if (dff_buf_failed(&joined)) {
        dff_config_no_memory(y->loader);
        goto done;
    }
    dff_config_take_setting(y->loader, index, place, joined.data, false);
    rc = DFF_OK;

done:
    dff_buf_release(&joined);
    return rc;
}

/* The current event is the value's first. A null leaves the default in force. */
static int
dff_yaml_setting(dff_yaml_t *y, size_t index)
{
    switch (y->event.type) {
    case YAML_SCALAR_EVENT:
        if (dff_yaml_scalar_good(y) != DFF_OK)
            return DFF_ERROR;
        if (!dff_yaml_is_null(y)) {
            dff_config_take_setting(y->loader, index, y->place, dff_yaml_scalar(y).data,
                dff_yaml_is_quoted(y));
        }
        return DFF_OK;
    case YAML_SEQUENCE_START_EVENT:
    case YAML_MAPPING_START_EVENT:
        return dff_yaml_setting_list(y, index);
    default:
        return dff_yaml_complain(y, "references (*name) are not supported, write the value out");
    }
}

static void
dff_yaml_unknown(dff_yaml_t *y, const char *place, const char *key)
{
    const dff_setting_t *near = dff_setting_nearest(key);

    if (near == NULL) {
        dff_config_find(y->loader, DFF_CONFIG_WARNING, place, "unknown key %.64s is ignored", key);
    } else {
        dff_config_find(y->loader, DFF_CONFIG_WARNING, place,
            "unknown key %.64s is ignored, did you mean %s?", key, near->key);
    }
}

/* A key and its value; the current event is the key. */
static int
dff_yaml_entry(dff_yaml_t *y)
{
    char   place[DFF_YAML_PLACE];
    char  *key;
    size_t index;
    int    rc = DFF_ERROR;

    if (y->event.type != YAML_SCALAR_EVENT)
        return dff_yaml_refuse(y, "a key must be a text");
    if (dff_yaml_scalar_good(y) != DFF_OK)
        return DFF_ERROR;
    memcpy(place, y->place, sizeof(place));
    key = strdup(dff_yaml_scalar(y).data);
    if (key == NULL) {
        dff_config_no_memory(y->loader);
        return DFF_ERROR;
    }

    index = dff_setting_find(key);
    if (dff_yaml_next(y) != DFF_OK)
        goto done;
    if (strncmp(key, "CUSTOM_", 7) == 0) {
        rc = dff_yaml_custom(y, key);
    } else if (index == DFF_SETTING_NONE) {
        dff_yaml_unknown(y, place, key);
        rc = dff_yaml_skip_value(y);
    } else if (!dff_config_first_time(y->loader, index, key, place)) {
        rc = dff_yaml_skip_value(y);
    } else {
        rc = dff_yaml_setting(y, index);
    }

done:
    free(key);
    return rc;
}

static int
dff_yaml_document(dff_yaml_t *y)
{
    do {                                  /* stream start, document start */
        if (dff_yaml_next(y) != DFF_OK)
            return DFF_ERROR;
        if (y->event.type == YAML_STREAM_END_EVENT)
            return DFF_OK;                /* nothing but comments */
    } while (y->event.type == YAML_STREAM_START_EVENT
             || y->event.type == YAML_DOCUMENT_START_EVENT);

    if (y->event.type == YAML_MAPPING_START_EVENT) {
        for ( ;; ) {
            if (dff_yaml_next(y) != DFF_OK)
                return DFF_ERROR;
            if (y->event.type == YAML_MAPPING_END_EVENT)
                break;
            if (dff_yaml_entry(y) != DFF_OK)
                return DFF_ERROR;
        }
    } else if (y->event.type != YAML_SCALAR_EVENT || !dff_yaml_is_null(y)) {
        return dff_yaml_refuse(y, "expected \"KEY: value\" lines");
    }

    if (dff_yaml_next(y) != DFF_OK || dff_yaml_next(y) != DFF_OK)   /* document end, stream end */
        return DFF_ERROR;
    if (y->event.type != YAML_STREAM_END_EVENT)
        return dff_yaml_refuse(y, "a second document, the file may have only one");
    return DFF_OK;
}

/* The whole file, bounded: a device or a log by mistake does not fill memory. */
static int
dff_yaml_read_file(dff_config_loader_t *loader, const char *path, dff_buf_t *bytes)
{
    FILE  *file = fopen(path, "re");
    char   chunk[8192];
    size_t n;
    int    rc = DFF_ERROR;

    if (file == NULL) {
        dff_config_find(loader, DFF_CONFIG_ERROR, path, "cannot be opened: %s", strerror(errno));
        return DFF_ERROR;
    }
    do {
        n = fread(chunk, 1, sizeof(chunk), file);
        dff_buf_add(bytes, chunk, n);
    } while (n > 0 && bytes->len <= DFF_YAML_SIZE_MAX);

    if (ferror(file)) {
        dff_config_find(loader, DFF_CONFIG_ERROR, path, "cannot be read: %s", strerror(errno));
    } else if (bytes->len > DFF_YAML_SIZE_MAX) {
        dff_config_find(loader, DFF_CONFIG_ERROR, path, "larger than %u bytes", DFF_YAML_SIZE_MAX);
    } else if (dff_buf_failed(bytes)) {
        dff_config_no_memory(loader);
    } else {
        rc = DFF_OK;
    }
    explicit_bzero(chunk, sizeof(chunk));
    (void) fclose(file);      /* only read from */
    return rc;
}

int
dff_config_read_yaml(dff_config_loader_t *loader, const char *path)
{
    dff_yaml_t y = { .loader = loader, .path = path };
    dff_buf_t  bytes = DFF_BUF_INIT;
    int        rc = DFF_ERROR;

    if (dff_yaml_read_file(loader, path, &bytes) != DFF_OK)
        goto done;
    if (yaml_parser_initialize(&y.parser) == 0) {
        dff_config_no_memory(loader);
        goto done;
    }
    yaml_parser_set_input_string(&y.parser, (const unsigned char *) bytes.data, bytes.len);
    rc = dff_yaml_document(&y);
    if (y.has_event)
        yaml_event_delete(&y.event);
    yaml_parser_delete(&y.parser);

done:
    if (bytes.data != NULL)
        explicit_bzero(bytes.data, bytes.len);
    dff_buf_release(&bytes);
    return rc;
}
