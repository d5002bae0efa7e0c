/*
 * The config of a data source: what each type needs, and its way from what is given to
 * what is stored and back. Pure code; runs in dffctl and the api processes.
 */
#include "store/dff_source.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "store/dff_secret.h"

#include "dff_banned.h"

#define COUNT(array)  (sizeof(array) / sizeof((array)[0]))

#define DFF_SOURCE_TEXT_MAX  4096      /* bytes of a value */

typedef enum { DFF_SRC_TEXT, DFF_SRC_PORT, DFF_SRC_NAME, DFF_SRC_PROTOCOL, DFF_SRC_SECRET,
               DFF_SRC_LIST, DFF_SRC_OBJECT } dff_source_kind_t;

typedef enum {
    DFF_KEY_HOST, DFF_KEY_PORT, DFF_KEY_SERVERS, DFF_KEY_PROTOCOL, DFF_KEY_SOURCE,
    DFF_KEY_DATABASE, DFF_KEY_USER, DFF_KEY_PASSWORD, DFF_KEY_CHARSET, DFF_KEY_TOKEN,
    DFF_KEY_ACCESS_KEY, DFF_KEY_SECRET_KEY, DFF_KEY_CLIENT_ID, DFF_KEY_TOPIC_HANDLERS,
    DFF_KEY_META, DFF_KEY_COUNT
} dff_source_key_t;

/* Every key that a config may have. */
static const struct {
    const char       *name;
    dff_source_kind_t kind;
    const char       *cipher;      /* DFF_SRC_SECRET: its name when it is sealed */
} dff_source_keys[] = {
    [DFF_KEY_HOST] = { "host", DFF_SRC_TEXT, NULL },
    [DFF_KEY_PORT] = { "port", DFF_SRC_PORT, NULL },
    [DFF_KEY_SERVERS] = { "servers", DFF_SRC_TEXT, NULL },
    [DFF_KEY_PROTOCOL] = { "protocol", DFF_SRC_PROTOCOL, NULL },
    [DFF_KEY_SOURCE] = { "source", DFF_SRC_TEXT, NULL },
    [DFF_KEY_DATABASE] = { "database", DFF_SRC_NAME, NULL },
    [DFF_KEY_USER] = { "user", DFF_SRC_TEXT, NULL },
    [DFF_KEY_PASSWORD] = { "password", DFF_SRC_SECRET, "passwordCipher" },
    [DFF_KEY_CHARSET] = { "charset", DFF_SRC_TEXT, NULL },
    [DFF_KEY_TOKEN] = { "token", DFF_SRC_TEXT, NULL },
    [DFF_KEY_ACCESS_KEY] = { "accessKey", DFF_SRC_TEXT, NULL },
    [DFF_KEY_SECRET_KEY] = { "secretKey", DFF_SRC_SECRET, "secretKeyCipher" },
    [DFF_KEY_CLIENT_ID] = { "clientId", DFF_SRC_TEXT, NULL },
    [DFF_KEY_TOPIC_HANDLERS] = { "topicHandlers", DFF_SRC_LIST, NULL },
    [DFF_KEY_META] = { "meta", DFF_SRC_OBJECT, NULL },
};

_Static_assert(COUNT(dff_source_keys) == DFF_KEY_COUNT, "a row for each key");

#define BIT(key)   (1u << DFF_KEY_##key)
#define SERVER_SQL (BIT(HOST) | BIT(DATABASE) | BIT(USER) | BIT(PASSWORD) | BIT(CHARSET))

#define SIGN_IN    (BIT(USER) | BIT(PASSWORD))

/* Every type: what it needs, may have, and what it has when that is left out. */
static const struct {
    const char *name;
    unsigned    required, optional;
    const char *host, *protocol, *user, *charset;
    int         port, database;      /* 0: none; database -1: none */
} dff_source_types[] = {
    { "df_dataway", BIT(HOST) | BIT(PORT),
      BIT(PROTOCOL) | BIT(TOKEN) | BIT(ACCESS_KEY) | BIT(SECRET_KEY),
      NULL, "http", NULL, NULL, 9528, -1 },
    { "df_datakit", BIT(HOST) | BIT(PORT), BIT(PROTOCOL) | BIT(SOURCE), NULL, "http", NULL, NULL,
      9529, -1 },
    { "dff_sidecar", BIT(HOST) | BIT(PORT) | BIT(SECRET_KEY), BIT(PROTOCOL), "172.17.0.1", "http",
      NULL, NULL, 8099, -1 },
    { "influxdb", BIT(HOST), BIT(PORT) | BIT(PROTOCOL) | BIT(DATABASE) | SIGN_IN, NULL, "http",
      NULL, NULL, 8086, -1 },
    { "mysql", SERVER_SQL, BIT(PORT), NULL, NULL, NULL, "utf8mb4", 3306, -1 },
    { "redis", BIT(HOST) | BIT(DATABASE), BIT(PORT) | SIGN_IN | BIT(TOPIC_HANDLERS), NULL, NULL,
      NULL, NULL, 6379, 0 },
    { "memcached", BIT(SERVERS), 0, NULL, NULL, NULL, NULL, 11211, -1 },
    { "clickhouse", BIT(HOST) | BIT(DATABASE), BIT(PORT) | SIGN_IN, NULL, NULL, "default", NULL,
      9000, -1 },
    { "oracle", SERVER_SQL, BIT(PORT), NULL, NULL, NULL, "utf8", 1521, -1 },
    { "sqlserver", SERVER_SQL, BIT(PORT), NULL, NULL, NULL, "utf8", 1433, -1 },
    { "postgresql", SERVER_SQL, BIT(PORT), NULL, NULL, NULL, "utf8", 5432, -1 },
    { "mongodb", BIT(HOST), BIT(PORT) | SIGN_IN | BIT(DATABASE), NULL, NULL, NULL, NULL, 27017,
      -1 },
    { "elasticsearch", BIT(HOST), BIT(PORT) | BIT(PROTOCOL) | SIGN_IN, NULL, "http", NULL, NULL,
      9200, -1 },
    { "nsq", 0, BIT(HOST) | BIT(PORT) | BIT(PROTOCOL) | BIT(SERVERS), NULL, NULL, NULL, NULL, 4161,
      -1 },
    { "mqtt", BIT(HOST) | BIT(PORT), SIGN_IN | BIT(CLIENT_ID) | BIT(TOPIC_HANDLERS), NULL, NULL,
      NULL, NULL, 1883, -1 },
    { "http", BIT(HOST), BIT(PORT) | BIT(PROTOCOL) | SIGN_IN | BIT(TOKEN), NULL, "http", NULL,
      NULL, 0, -1 },
};


static size_t
dff_source_find_key(const char *name)
{
    size_t i = 0;

    while (i < DFF_KEY_COUNT && strcmp(dff_source_keys[i].name, name) != 0) {
        i++;
    }
    return i;
}


static int
dff_source_find_type(dff_str_t name, size_t *type, dff_err_t *err)
{
    char   known[300] = "";
    size_t len = 0;

    for (size_t i = 0; i < COUNT(dff_source_types); i++) {
        if (dff_str_eq(name, dff_str_from(dff_source_types[i].name))) {
            *type = i;
            return DFF_OK;
        }
        len += (size_t) snprintf(known + len, sizeof(known) - len, "%s%s", i == 0 ? "" : ", ",
                                 dff_source_types[i].name);
    }
    return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST, "type \"%.*s\": one of %s",
                       (int) (name.len > 64 ? 64 : name.len), name.data, known);
}


static int
dff_source_check_value(size_t key, const json_t *value, dff_err_t *err)
{
    static const char *const rules[] = {
        [DFF_SRC_TEXT] = "a string", [DFF_SRC_SECRET] = "a string",
        [DFF_SRC_PORT] = "an integer from 1 to 65535",
        [DFF_SRC_NAME] = "a string or an integer of 0 or more",
        [DFF_SRC_PROTOCOL] = "\"http\" or \"https\"", [DFF_SRC_LIST] = "a list",
        [DFF_SRC_OBJECT] = "an object",
    };
    dff_source_kind_t kind = dff_source_keys[key].kind;
    const char       *text = json_string_value(value);
    json_int_t        number = json_integer_value(value);
    bool              good = false;

    switch (kind) {
    case DFF_SRC_TEXT: case DFF_SRC_SECRET: good = text != NULL; break;
    case DFF_SRC_PORT: good = json_is_integer(value) && number >= 1 && number <= 65535; break;
    case DFF_SRC_NAME: good = text != NULL || (json_is_integer(value) && number >= 0); break;
    case DFF_SRC_PROTOCOL:
        good = text != NULL && (strcmp(text, "http") == 0 || strcmp(text, "https") == 0);
        break;
    case DFF_SRC_LIST: good = json_is_array(value); break;
    case DFF_SRC_OBJECT: good = json_is_object(value); break;
    }
    if (!good) {
        return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST, "config.%s must be %s",
                           dff_source_keys[key].name, rules[kind]);
    }
    if (text != NULL && json_string_length(value) > DFF_SOURCE_TEXT_MAX) {
        return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST, "config.%s has more than %d bytes",
                           dff_source_keys[key].name, DFF_SOURCE_TEXT_MAX);
    }
    return DFF_OK;
}


/* Known keys with good values; null is as if it were not there. */
static int
dff_source_check(json_t *config, dff_err_t *err)
{
    const char *name;
    json_t     *value;

    json_object_foreach(config, name, value) {
        size_t key = dff_source_find_key(name);

        if (key == DFF_KEY_COUNT) {
            return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST, "config: unknown key \"%.64s\"",
                               name);
        }
        if (!json_is_null(value) && dff_source_check_value(key, value, err) != DFF_OK) {
            return DFF_ERROR;
        }
    }
    return DFF_OK;
}


static void
dff_source_default(json_t *config, dff_source_key_t key, json_t *value)
{
    const char *name = dff_source_keys[key].name;
    json_t     *given = json_object_get(config, name);

    if (value == NULL || (given != NULL && !json_is_null(given))) {
        json_decref(value);
        return;
    }
    (void) json_object_set_new(config, name, value);     /* missed: told as required */
}


static json_t *
dff_source_text(const char *text)
{
    return text == NULL ? NULL : json_string(text);
}


static void
dff_source_fill(json_t *config, size_t type)
{
    int port = dff_source_types[type].port, database = dff_source_types[type].database;

    dff_source_default(config, DFF_KEY_HOST, dff_source_text(dff_source_types[type].host));
    dff_source_default(config, DFF_KEY_PROTOCOL, dff_source_text(dff_source_types[type].protocol));
    dff_source_default(config, DFF_KEY_USER, dff_source_text(dff_source_types[type].user));
    dff_source_default(config, DFF_KEY_CHARSET, dff_source_text(dff_source_types[type].charset));
    dff_source_default(config, DFF_KEY_PORT, port == 0 ? NULL : json_integer(port));
    dff_source_default(config, DFF_KEY_DATABASE, database < 0 ? NULL : json_integer(database));
}


static int
dff_source_check_required(json_t *config, size_t type, dff_err_t *err)
{
    for (size_t key = 0; key < DFF_KEY_COUNT; key++) {
        const char *cipher = dff_source_keys[key].cipher;

        if ((dff_source_types[type].required & (1u << key)) != 0
            && json_object_get(config, dff_source_keys[key].name) == NULL
            && (cipher == NULL || json_object_get(config, cipher) == NULL))
        {
            return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST, "config.%s is missing; a data source "
                               "of type %s needs it", dff_source_keys[key].name,
                               dff_source_types[type].name);
        }
    }
    return DFF_OK;
}


static void
dff_source_context(char *out, size_t size, dff_str_t id, size_t key)
{
    (void) snprintf(out, size, "data source %.*s %s", (int) id.len, id.data,
                    dff_source_keys[key].name);
}


/* One secret of config: sealed, kept as it is stored, or removed. */
static int
dff_source_seal_one(json_t *config, size_t key, json_t *stored, dff_str_t secret, dff_str_t id,
    dff_err_t *err)
{
    const char *name = dff_source_keys[key].name, *cipher = dff_source_keys[key].cipher;
    json_t     *given = json_object_get(config, name), *old = json_object_get(stored, cipher);
    char        context[160];
    dff_buf_t   sealed = DFF_BUF_INIT;
    dff_str_t   plain;
    int         rc = DFF_OK;

    if (given == NULL) {
        return old == NULL || json_object_set(config, cipher, old) == 0
            ? DFF_OK : dff_err_set(err, DFF_E_SYS, "out of memory");
    }
    plain = (dff_str_t) { json_string_value(given), json_string_length(given) };
    if (plain.len > 0) {
        dff_source_context(context, sizeof(context), id, key);
        rc = dff_secret_seal(&sealed, secret, dff_str_from(context), plain, err);
        if (rc == DFF_OK
            && json_object_set_new(config, cipher, json_stringn(sealed.data, sealed.len)) != 0)
        {
            rc = dff_err_set(err, DFF_E_SYS, "out of memory");
        }
    }
    /* Given empty is given: a server without a password is told as such. */
    (void) json_object_del(config, name);
    if (rc == DFF_OK && plain.len == 0
        && json_object_set_new(config, cipher, json_string("")) != 0)
    {
        rc = dff_err_set(err, DFF_E_SYS, "out of memory");
    }
    dff_buf_release(&sealed);
    return rc;
}


static int
dff_source_write(dff_buf_t *out, const json_t *config, dff_err_t *err)
{
    char *text = json_dumps(config, JSON_COMPACT);

    if (text != NULL) {
        dff_buf_add_str(out, dff_str_from(text));
        explicit_bzero(text, strlen(text));
    }
    free(text);
    return text == NULL || dff_buf_failed(out) ? dff_err_set(err, DFF_E_SYS, "out of memory")
                                               : DFF_OK;
}


/* null in a new config is as if it were not there; of a secret, "" removes it. */
static void
dff_source_drop_nulls(json_t *config)
{
    for (size_t key = 0; key < DFF_KEY_COUNT; key++) {
        const char *name = dff_source_keys[key].name;

        if (!json_is_null(json_object_get(config, name))) {
            continue;
        }
        (void) json_object_del(config, name);
        if (dff_source_keys[key].cipher != NULL) {
            (void) json_object_set_new(config, name, json_string(""));
        }
    }
}


int
dff_source_config_seal(dff_buf_t *out, dff_str_t secret, const dff_source_request_t *request,
    dff_str_t type_name, dff_str_t stored_text, dff_err_t *err)
{
    json_t      *config = NULL, *stored = NULL;
    json_error_t fail;
    size_t       type = 0;
    int          rc = DFF_ERROR;

    if (dff_source_find_type(type_name, &type, err) != DFF_OK) {
        return DFF_ERROR;
    }
    if (request->config.len > DFF_SOURCE_CONFIG_MAX) {
        return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST, "a config has at most %d bytes",
                           DFF_SOURCE_CONFIG_MAX);
    }
    config = json_loadb(request->config.data == NULL ? "" : request->config.data,
                        request->config.len, JSON_REJECT_DUPLICATES, &fail);
    if (!json_is_object(config)) {
        /* Without fail.text, which may quote what was given. */
        dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST, "config must be a JSON object (%s at line %d, "
                    "column %d)", config == NULL ? "bad JSON" : "it is another value",
                    fail.line, fail.column);
        goto done;
    }
    stored = stored_text.data == NULL ? NULL
                                      : json_loadb(stored_text.data, stored_text.len, 0, NULL);
    if (dff_source_check(config, err) != DFF_OK) {
        goto done;
    }
    dff_source_drop_nulls(config);
    dff_source_fill(config, type);
    for (size_t key = 0; key < DFF_KEY_COUNT; key++) {
        if (dff_source_keys[key].cipher != NULL
            && dff_source_seal_one(config, key, stored, secret, request->id, err) != DFF_OK)
        {
            goto done;
        }
    }
    if (dff_source_check_required(config, type, err) == DFF_OK) {
        rc = dff_source_write(out, config, err);
    }

done:
    json_decref(config);
    json_decref(stored);
    return rc;
}


void
dff_source_tell(dff_buf_t *out, dff_str_t stored)
{
    json_t *config = json_loadb(stored.data, stored.len, 0, NULL);

    for (size_t key = 0; key < DFF_KEY_COUNT; key++) {
        if (dff_source_keys[key].cipher != NULL) {
            (void) json_object_del(config, dff_source_keys[key].name);
            (void) json_object_del(config, dff_source_keys[key].cipher);
        }
    }
    if (!json_is_object(config) || dff_source_write(out, config, NULL) != DFF_OK) {
        dff_buf_add_str(out, DFF_STR("{}"));
    }
    json_decref(config);
}


static int
dff_source_open_one(json_t *config, size_t key, dff_str_t secret, dff_str_t id, dff_err_t *err)
{
    const char *name = dff_source_keys[key].name;
    json_t     *cipher = json_object_get(config, dff_source_keys[key].cipher);
    char        context[160];
    dff_buf_t   plain = DFF_BUF_INIT;
    int         rc = DFF_OK;

    if (cipher == NULL) {
        return DFF_OK;
    }
    if (json_string_length(cipher) > 0) {
        dff_source_context(context, sizeof(context), id, key);
        rc = dff_secret_open(&plain, secret, dff_str_from(context),
                             (dff_str_t) { json_string_value(cipher), json_string_length(cipher) },
                             err);
    }
    if (rc != DFF_OK) {
        rc = dff_err_wrap(err, "data source %.*s: %s", (int) id.len, id.data, name);
    } else if (json_object_set_new(config, name,
                                   json_stringn(plain.data == NULL ? "" : plain.data, plain.len))
               != 0)
    {
        rc = dff_err_set(err, DFF_E_SYS, "out of memory");
    }
    (void) json_object_del(config, dff_source_keys[key].cipher);
    dff_secret_wipe(&plain);
    return rc;
}


static void
dff_source_add_keys(dff_buf_t *out, const char *name, unsigned keys)
{
    const char *comma = "";

    dff_buf_addf(out, "\"%s\":[", name);
    for (size_t key = 0; key < DFF_KEY_COUNT; key++) {
        if ((keys & (1u << key)) != 0) {
            dff_buf_addf(out, "%s\"%s\"", comma, dff_source_keys[key].name);
            comma = ",";
        }
    }
    dff_buf_add_str(out, DFF_STR("]"));
}


void
dff_source_fields(dff_buf_t *out, dff_str_t type)
{
    size_t i = 0;
    bool   known = dff_source_find_type(type, &i, NULL) == DFF_OK;

    dff_buf_add_str(out, DFF_STR("{"));
    dff_source_add_keys(out, "requiredFields", known ? dff_source_types[i].required : 0);
    dff_buf_add_str(out, DFF_STR(","));
    dff_source_add_keys(out, "optionalFields", known ? dff_source_types[i].optional : 0);
    dff_buf_add_str(out, DFF_STR("}"));
}


int
dff_source_config_open(dff_buf_t *out, dff_str_t secret, dff_str_t id, dff_str_t stored,
    dff_err_t *err)
{
    json_t *config = json_loadb(stored.data, stored.len, 0, NULL);
    int     rc = DFF_OK;

    if (!json_is_object(config)) {
        json_decref(config);
        return dff_err_set(err, DFF_E_SYS, "data source %.*s: its config is no JSON object",
                           (int) id.len, id.data);
    }
    for (size_t key = 0; rc == DFF_OK && key < DFF_KEY_COUNT; key++) {
        if (dff_source_keys[key].cipher != NULL) {
            rc = dff_source_open_one(config, key, secret, id, err);
        }
    }
    if (rc == DFF_OK) {
        rc = dff_source_write(out, config, err);
    }
    json_decref(config);
    return rc;
}
