/*
 * The config of an API auth: from what is given to what is stored. Runs in dffctl and the
 * api processes.
 */
#include "store/dff_api_auth_config.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "dff_envelope.h"
#include "dff_id.h"
#include "store/dff_secret.h"

#include "dff_banned.h"

#define DFF_API_AUTH_VALUE_MAX  4096    /* bytes of a password or value */

typedef enum { DFF_PART_NAME, DFF_PART_LOCATION, DFF_PART_SECRET } dff_part_t;

typedef struct {            /* a key of a row */
    const char *key;
    dff_part_t  part;
    const char *cipher;     /* DFF_PART_SECRET: its key when it is sealed */
} dff_part_row_t;

/* What the rows of a type's list have; func has no list. */
typedef struct {
    const char    *list;
    dff_part_row_t parts[4];
    const char    *refused;     /* characters that its names must not have */
    bool           unique;      /* one row for a name */
    bool           keeps;       /* a row without its secret keeps the stored one */
} dff_list_t;

#define DFF_LIST_USERS \
    { "users", { { "username", DFF_PART_NAME, NULL }, \
                 { "password", DFF_PART_SECRET, "passwordCipher" } }, ":", true, true }

static const dff_list_t dff_lists[] = {
    [DFF_AUTH_FIXED_FIELD] = {
        "fields", { { "location", DFF_PART_LOCATION, NULL }, { "name", DFF_PART_NAME, NULL },
                    { "value", DFF_PART_SECRET, "valueCipher" } }, "", false, false
    },
    [DFF_AUTH_HTTP_BASIC] = DFF_LIST_USERS,
    [DFF_AUTH_HTTP_DIGEST] = DFF_LIST_USERS,
    [DFF_AUTH_FUNC] = { NULL },
};

_Static_assert(sizeof(dff_lists) / sizeof(dff_lists[0]) == DFF_AUTH_TYPE_COUNT,
               "a list for each type");

static const char *const dff_auth_config_keys[] = { "fields", "users", "funcId" };

#define DFF_AUTH_CONFIG_KEYS  (sizeof(dff_auth_config_keys) / sizeof(dff_auth_config_keys[0]))

typedef struct {            /* a config that is being sealed */
    dff_str_t         secret, id;
    dff_auth_type_t   type;
    const dff_list_t *list;
    json_t           *stored;   /* the form that is replaced, or NULL */
} dff_seal_t;


static dff_str_t
dff_auth_config_str(const json_t *value)
{
    return json_is_string(value)
        ? (dff_str_t) { json_string_value(value), json_string_length(value) } : DFF_STR_NULL;
}


dff_str_t
dff_auth_config_get(const json_t *object, const char *key)
{
    return dff_auth_config_str(json_object_get(object, key));
}


void
dff_auth_config_context(dff_buf_t *out, dff_str_t id, const json_t *row)
{
    dff_str_t location = dff_auth_config_get(row, "location");

    dff_buf_add_str(out, id);
    dff_buf_add_str(out, DFF_STR(" "));
    dff_buf_add_str(out, location.len == 0 ? DFF_STR("user") : location);
    dff_buf_add_str(out, DFF_STR(" "));
    dff_buf_add_str(out, dff_auth_config_get(row, location.len == 0 ? "username" : "name"));
}

/* --- checking what is given ------------------------------------------------------------ */

static int
dff_auth_config_text(const json_t *row, const char *key, size_t max, const char *refused,
    dff_str_t *text, dff_err_t *err)
{
    const json_t *value = json_object_get(row, key);

    *text = dff_auth_config_str(value);
    if (value == NULL || !json_is_string(value)) {
        return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST, "\"%s\" must be a text", key);
    }
    if (text->len == 0 || text->len > max) {
        return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST,
                           "\"%s\" must have 1 to %zu bytes, has %zu", key, max, text->len);
    }
    for (size_t i = 0; i < text->len; i++) {
        if ((unsigned char) text->data[i] < 0x20 || text->data[i] == 0x7f
            || strchr(refused, text->data[i]) != NULL)
        {
            return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST, "\"%s\" has a %s", key,
                               strchr(refused, text->data[i]) != NULL
                               ? "character that is not allowed" : "control character");
        }
    }
    return DFF_OK;
}


/* RFC 9110: names of headers are tokens, in any case of letters; we compare lower case. */
static int
dff_auth_config_header(json_t *row, dff_err_t *err)
{
    char      lower[DFF_ROUTE_AUTH_NAME_MAX + 1];
    dff_str_t name = dff_auth_config_get(row, "name");

    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];

        lower[i] = c >= 'A' && c <= 'Z' ? (char) (c | 0x20) : c;
        if ((unsigned char) c >= 0x7f || strchr(" \"(),/:;<=>?@[\\]{}", c) != NULL) {
            return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST,
                               "\"name\" is not the name of a header: %.64s", name.data);
        }
    }
    return json_object_set_new(row, "name", json_stringn(lower, name.len)) == 0
        ? DFF_OK : dff_err_set(err, DFF_E_SYS, "out of memory");
}


/* Only keys of the table. The sealed ones are ours to write, never to be given. */
static int
dff_auth_config_known_keys(const dff_list_t *list, json_t *row, dff_err_t *err)
{
    const char *key;
    json_t     *value;

    json_object_foreach(row, key, value) {
        bool known = false;

        for (const dff_part_row_t *part = list->parts; part->key != NULL; part++) {
            known = known || strcmp(part->key, key) == 0;
        }
        if (!known) {
            return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST, "unknown key \"%.64s\"", key);
        }
    }
    return DFF_OK;
}


/* The row of the replaced form with this name, or NULL. */
static json_t *
dff_auth_config_stored_row(const dff_seal_t *seal, dff_str_t name)
{
    json_t *rows = json_object_get(seal->stored, seal->list->list), *row;
    size_t  i;

    json_array_foreach(rows, i, row) {
        if (dff_str_eq(dff_auth_config_get(row, "username"), name)) {
            return row;
        }
    }
    return NULL;
}

/* --- sealing ------------------------------------------------------------------------------ */

static int
dff_auth_config_seal_text(const dff_seal_t *seal, json_t *row, const dff_part_row_t *part,
    dff_str_t plain, dff_err_t *err)
{
    dff_buf_t context = DFF_BUF_INIT, sealed = DFF_BUF_INIT;
    int       rc = DFF_ERROR;

    dff_auth_config_context(&context, seal->id, row);
    if (dff_buf_failed(&context)) {
        dff_err_set(err, DFF_E_SYS, "out of memory");
        goto done;
    }
    if (dff_secret_seal(&sealed, seal->secret, (dff_str_t) { context.data, context.len }, plain,
                        err) != DFF_OK)
    {
        goto done;
    }
    rc = json_object_set_new(row, part->cipher, json_stringn(sealed.data, sealed.len)) == 0
        ? DFF_OK : dff_err_set(err, DFF_E_SYS, "out of memory");

done:
    dff_buf_release(&context);
    dff_buf_release(&sealed);
    return rc;
}


/* The secret of a given row becomes its sealed form. */
static int
dff_auth_config_seal_part(const dff_seal_t *seal, json_t *row, const dff_part_row_t *part,
    dff_err_t *err)
{
    const json_t *given = json_object_get(row, part->key);
    json_t       *kept = NULL;
    dff_str_t     plain;
    int           rc;

    if (seal->list->keeps
        && (given == NULL || json_is_null(given)
            || (json_is_string(given) && json_string_length(given) == 0)))
    {
        kept = dff_auth_config_stored_row(seal, dff_auth_config_get(row, "username"));
        kept = json_object_get(kept, part->cipher);
    }
    if (kept != NULL) {
        rc = json_object_set(row, part->cipher, kept) == 0
            ? DFF_OK : dff_err_set(err, DFF_E_SYS, "out of memory");
    } else {
        rc = dff_auth_config_text(row, part->key, DFF_API_AUTH_VALUE_MAX, "", &plain, err);
        if (rc == DFF_OK) {
            rc = dff_auth_config_seal_text(seal, row, part, plain, err);
        }
    }
    (void) json_object_del(row, part->key);     /* not there: kept */
    return rc;
}


static int
dff_auth_config_seal_row(const dff_seal_t *seal, json_t *row, dff_err_t *err)
{
    const dff_part_row_t *part;
    dff_str_t             text;

    if (!json_is_object(row)) {
        return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST, "it must be an object");
    }
    if (dff_auth_config_known_keys(seal->list, row, err) != DFF_OK) {
        return DFF_ERROR;
    }
    /* Secrets come last in the table: what they belong to is checked by then. */
    for (part = seal->list->parts; part->key != NULL; part++) {
        if (part->part == DFF_PART_SECRET) {
            if (dff_auth_config_seal_part(seal, row, part, err) != DFF_OK) {
                return DFF_ERROR;
            }
            continue;
        }
        if (dff_auth_config_text(row, part->key, DFF_ROUTE_AUTH_NAME_MAX, seal->list->refused,
                                 &text, err) != DFF_OK)
        {
            return DFF_ERROR;
        }
        if (part->part == DFF_PART_LOCATION && dff_auth_location_from(text) < 0) {
            return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST,
                               "\"location\" must be header, query or body");
        }
        if (part->part == DFF_PART_NAME
            && dff_auth_location_from(dff_auth_config_get(row, "location"))
               == DFF_AUTH_HEADER
            && dff_auth_config_header(row, err) != DFF_OK)
        {
            return DFF_ERROR;
        }
    }
    return DFF_OK;
}


static int
dff_auth_config_check_unique(const dff_list_t *list, const json_t *rows, size_t last,
    dff_err_t *err)
{
    dff_str_t name = dff_auth_config_get(json_array_get(rows, last), "username");

    for (size_t i = 0; list->unique && i < last; i++) {
        if (dff_str_eq(dff_auth_config_get(json_array_get(rows, i), "username"), name)) {
            return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST, "user \"%.64s\" is there twice",
                               name.data);
        }
    }
    return DFF_OK;
}


static int
dff_auth_config_seal_list(const dff_seal_t *seal, json_t *config, dff_err_t *err)
{
    json_t *rows = json_object_get(config, seal->list->list), *row;
    size_t  i;

    if (!json_is_array(rows) || json_array_size(rows) == 0
        || json_array_size(rows) > DFF_ROUTE_AUTH_ROWS_MAX)
    {
        return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST, "\"%s\" must be a list of 1 to %d",
                           seal->list->list, DFF_ROUTE_AUTH_ROWS_MAX);
    }
    json_array_foreach(rows, i, row) {
        if (dff_auth_config_seal_row(seal, row, err) != DFF_OK
            || dff_auth_config_check_unique(seal->list, rows, i, err) != DFF_OK)
        {
            return dff_err_wrap(err, "%s[%zu]", seal->list->list, i);
        }
    }
    return DFF_OK;
}


static int
dff_auth_config_check_func(const json_t *config, dff_err_t *err)
{
    return dff_id_is_func(dff_auth_config_get(config, "funcId"))
        ? DFF_OK : dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST,
                               "\"funcId\" must be a function id like demo__auth.check");
}


/* Keys of other types may be there, as null; they are dropped. */
static int
dff_auth_config_drop_others(json_t *config, const char *own, dff_err_t *err)
{
    const char *key;
    void       *next;
    json_t     *value;

    json_object_foreach_safe(config, next, key, value) {
        bool known = false;

        for (size_t i = 0; i < DFF_AUTH_CONFIG_KEYS; i++) {
            known = known || strcmp(dff_auth_config_keys[i], key) == 0;
        }
        if (strcmp(key, own) == 0) {
            continue;
        }
        if (!known || !json_is_null(value)) {
            return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST,
                               "\"%.64s\" is not a key of this type", key);
        }
        (void) json_object_del(config, key);     /* it is there */
    }
    return DFF_OK;
}


static int
dff_auth_config_seal(const dff_seal_t *seal, json_t *config, dff_err_t *err)
{
    const char *own = seal->list->list == NULL ? "funcId" : seal->list->list;

    if (!json_is_object(config)) {
        return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST, "it must be a JSON object");
    }
    if (dff_auth_config_drop_others(config, own, err) != DFF_OK) {
        return DFF_ERROR;
    }
    return seal->list->list == NULL ? dff_auth_config_check_func(config, err)
                                    : dff_auth_config_seal_list(seal, config, err);
}


int
dff_api_auth_config_seal(dff_buf_t *out, dff_str_t secret, dff_str_t id, dff_auth_type_t type,
    dff_str_t given, dff_str_t stored, dff_err_t *err)
{
    dff_seal_t   seal = { .secret = secret, .id = id, .type = type, .list = &dff_lists[type] };
    json_error_t where;
    json_t      *config;
    char        *text = NULL;
    int          rc = DFF_ERROR;

    if (given.len > DFF_API_AUTH_CONFIG_MAX) {
        return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST,
                           "the config has %zu bytes, at most %u are allowed", given.len,
                           DFF_API_AUTH_CONFIG_MAX);
    }
    seal.stored = stored.len == 0 ? NULL : json_loadb(stored.data, stored.len, 0, NULL);
    config = json_loadb(given.data == NULL ? "" : given.data, given.len,
                        JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &where);
    if (config == NULL) {
        /* Not jansson's text, which quotes what is there: it may be a password. */
        dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST, "the config is not JSON: line %d, column %d",
                    where.line, where.column);
        goto done;
    }
    if (dff_auth_config_seal(&seal, config, err) != DFF_OK) {
        dff_err_wrap(err, "config of %s", dff_auth_type_name(type));
        goto done;
    }
    text = json_dumps(config, JSON_COMPACT);
    dff_buf_add_str(out, dff_str_from(text));
    rc = text == NULL || dff_buf_failed(out) ? dff_err_set(err, DFF_E_SYS, "out of memory")
                                             : DFF_OK;

done:
    free(text);
    json_decref(config);
    json_decref(seal.stored);
    return rc;
}

/* --- reading what is stored ------------------------------------------------------------------ */

void
dff_api_auth_config_func(char *out, size_t size, dff_str_t stored)
{
    json_t     *config = json_loadb(stored.data, stored.len, 0, NULL);
    const char *func_id = json_string_value(json_object_get(config, "funcId"));

    (void) snprintf(out, size, "%s", func_id == NULL ? "" : func_id);
    json_decref(config);
}


void
dff_api_auth_config_tell(dff_buf_t *out, dff_str_t stored)
{
    json_t *config = json_loadb(stored.data, stored.len, 0, NULL), *row;
    size_t  i;

    dff_buf_add_str(out, dff_auth_config_get(config, "funcId"));
    json_array_foreach(json_object_get(config, "users"), i, row) {
        dff_buf_add_str(out, i == 0 ? DFF_STR("") : DFF_STR(", "));
        dff_buf_add_str(out, dff_auth_config_get(row, "username"));
    }
    json_array_foreach(json_object_get(config, "fields"), i, row) {
        dff_buf_add_str(out, i == 0 ? DFF_STR("") : DFF_STR(", "));
        dff_buf_add_str(out, dff_auth_config_get(row, "location"));
        dff_buf_add_str(out, DFF_STR(" "));
        dff_buf_add_str(out, dff_auth_config_get(row, "name"));
    }
    json_decref(config);
}
