/*
 * The API auth of a route. Written by publishers, read in nginx workers.
 */
#include "dff_route_auth.h"

#include <limits.h>

#include "dff_envelope.h"
#include "dff_fields.h"
#include "dff_id.h"

#include "dff_banned.h"

/* Names of types are checked by dff_auth_type_from(): an unknown one has a message of
 * its own. */
typedef struct {
    dff_str_t id, type, config;
} dff_route_auth_record_t;

typedef struct {
    dff_str_t location, name, proof;
} dff_route_auth_field_record_t;

typedef struct {
    dff_str_t username, sha256, md5;
} dff_route_auth_user_record_t;

static bool
dff_route_auth_is_long(dff_str_t hex)
{
    return hex.len == DFF_DIGEST_SHA256_SIZE - 1;
}

static bool
dff_route_auth_is_short(dff_str_t hex)
{
    return hex.len == DFF_DIGEST_MD5_SIZE - 1;
}

#define DFF_AUTH_ROW(type, name, member, flags, kind, min, max, check) \
    { DFF_FIELD_NAME(name), offsetof(type, member), (kind), (flags), (min), (max), NULL, (check) }

#define DFF_MUST    (DFF_FIELD_REQUIRED | DFF_FIELD_ALWAYS)
#define DFF_ALWAYS  DFF_FIELD_ALWAYS

#define DFF_AUTH_QUOTED  DFF_FIELD_STRING      /* a text of any characters */

static const dff_field_t dff_route_auth_rows[] = {
    DFF_AUTH_ROW(dff_route_auth_record_t, "id", id, DFF_MUST, DFF_FIELD_STR, 1, 64,
        dff_id_is_link),
    DFF_AUTH_ROW(dff_route_auth_record_t, "type", type, DFF_MUST, DFF_FIELD_STR, 1, 64, NULL),
    DFF_AUTH_ROW(dff_route_auth_record_t, "config", config, DFF_MUST, DFF_FIELD_OBJECT, 0, 0,
        NULL),
};

static const dff_field_t dff_route_auth_field_rows[] = {
    DFF_AUTH_ROW(dff_route_auth_field_record_t, "location", location, DFF_MUST, DFF_FIELD_STR, 1,
        16, NULL),
    DFF_AUTH_ROW(dff_route_auth_field_record_t, "name", name, DFF_MUST, DFF_AUTH_QUOTED, 0, 0,
        NULL),
    DFF_AUTH_ROW(dff_route_auth_field_record_t, "proof", proof, DFF_MUST, DFF_FIELD_STR,
        1, DFF_MAC_SIZE - 1, dff_route_auth_is_long),
};

static const dff_field_t dff_route_auth_user_rows[] = {
    DFF_AUTH_ROW(dff_route_auth_user_record_t, "username", username, DFF_MUST, DFF_AUTH_QUOTED, 0,
        0, NULL),
    DFF_AUTH_ROW(dff_route_auth_user_record_t, "sha256", sha256, DFF_MUST, DFF_FIELD_STR,
        1, DFF_DIGEST_SHA256_SIZE - 1, dff_route_auth_is_long),
    DFF_AUTH_ROW(dff_route_auth_user_record_t, "md5", md5, 0, DFF_FIELD_STR,
        1, DFF_DIGEST_MD5_SIZE - 1, dff_route_auth_is_short),
};

static const dff_field_t dff_route_auth_func_rows[] = {
    DFF_AUTH_ROW(dff_route_auth_func_t, "funcId", func_id, DFF_MUST, DFF_FIELD_STR, 1,
        DFF_FUNC_ID_MAX, dff_id_is_func),
    DFF_AUTH_ROW(dff_route_auth_func_t, "scriptVersion", script_version, DFF_ALWAYS,
        DFF_FIELD_INT, 0, INT_MAX, NULL),
    DFF_AUTH_ROW(dff_route_auth_func_t, "timeout", timeout_s, DFF_ALWAYS, DFF_FIELD_INT, 0,
        DFF_TIMEOUT_MAX_S, NULL),
    DFF_AUTH_ROW(dff_route_auth_func_t, "apiTimeout", api_timeout_s, DFF_ALWAYS, DFF_FIELD_INT, 0,
        DFF_TIMEOUT_MAX_S, NULL),
    DFF_AUTH_ROW(dff_route_auth_func_t, "queue", queue, DFF_ALWAYS, DFF_FIELD_INT, -1,
        DFF_QUEUE_COUNT - 1, NULL),
    DFF_AUTH_ROW(dff_route_auth_func_t, "maxMemory", max_memory_mb, DFF_ALWAYS, DFF_FIELD_INT, 0,
        INT_MAX, NULL),
    DFF_AUTH_ROW(dff_route_auth_func_t, "funcGone", func_gone, DFF_ALWAYS, DFF_FIELD_BOOL, 0, 1,
        NULL),
};

static const dff_fields_t dff_route_auth_fields = DFF_FIELDS("API auth", dff_route_auth_rows);
static const dff_fields_t dff_route_auth_field_fields =
    DFF_FIELDS("field of an API auth", dff_route_auth_field_rows);
static const dff_fields_t dff_route_auth_user_fields =
    DFF_FIELDS("user of an API auth", dff_route_auth_user_rows);
static const dff_fields_t dff_route_auth_func_fields =
    DFF_FIELDS("function of an API auth", dff_route_auth_func_rows);

/* What the list of a type is called; NULL: it has none. */
static const char *
dff_route_auth_list(dff_auth_type_t type)
{
    return type == DFF_AUTH_FIXED_FIELD ? "fields" : type == DFF_AUTH_FUNC ? NULL : "users";
}

/* --- reading -------------------------------------------------------------------------- */

int
dff_route_auth_read(dff_str_t json, dff_route_auth_t *auth, dff_err_t *err)
{
    dff_route_auth_record_t record = { DFF_STR_NULL, DFF_STR_NULL, DFF_STR_NULL };
    int                     type;

    *auth = (dff_route_auth_t) { .id = DFF_STR_NULL };
    if (dff_fields_read(&dff_route_auth_fields, json, &record, err) != DFF_OK)
        return DFF_ERROR;
    auth->id = record.id;
    auth->config = record.config;
    type = dff_auth_type_from(record.type);
    if (type < 0) {
        return dff_err_set(err, DFF_E_API_AUTH, "API auth %.*s is of type \"%.*s\"",
            (int) record.id.len, record.id.data, (int) record.type.len, record.type.data);
    }
    auth->type = (dff_auth_type_t) type;
    return DFF_OK;
}

int
dff_route_auth_func_read(dff_str_t config, dff_route_auth_func_t *func, dff_err_t *err)
{
    *func = (dff_route_auth_func_t) { .queue = -1 };
    return dff_fields_read(&dff_route_auth_func_fields, config, func, err);
}

int
dff_route_auth_open(dff_json_array_t *it, const dff_route_auth_t *auth, dff_err_t *err)
{
    dff_str_t         list = dff_str_from(dff_route_auth_list(auth->type));
    dff_json_object_t members;
    dff_json_member_t member;

    if (dff_json_object_open(&members, auth->config) == DFF_OK) {
        while (dff_json_object_next(&members, &member, NULL) == 1) {
            if (dff_str_eq(member.key, list) && dff_json_array_open(it, member.value) == DFF_OK)
                return DFF_OK;
        }
    }
    return dff_err_set(err, DFF_E_SYS, "API auth: its config has no list \"%.*s\"",
        (int) list.len, list.data);
}

/* An element read by a table. 1, 0 or DFF_ERROR. */
static int
dff_route_auth_next(dff_json_array_t *it, const dff_fields_t *fields, void *record,
    dff_err_t *err)
{
    dff_json_member_t element;
    int               rc = dff_json_array_next(it, &element, NULL);

    if (rc == 0)
        return 0;
    if (rc != 1)
        return dff_err_set(err, DFF_E_SYS, "%s: bad JSON", fields->noun);
    return dff_fields_read(fields, element.value, record, err) == DFF_OK ? 1 : DFF_ERROR;
}

/* A quoted text -> what is between the quotes. */
static dff_str_t
dff_route_auth_inner(dff_str_t quoted)
{
    return quoted.len < 2 ? DFF_STR_NULL : (dff_str_t) { quoted.data + 1, quoted.len - 2 };
}

int
dff_route_auth_next_field(dff_json_array_t *it, dff_route_auth_field_t *field, dff_err_t *err)
{
    dff_route_auth_field_record_t record = { DFF_STR_NULL, DFF_STR_NULL, DFF_STR_NULL };
    int rc = dff_route_auth_next(it, &dff_route_auth_field_fields, &record, err), location;

    if (rc != 1)
        return rc;
    location = dff_auth_location_from(record.location);
    if (location < 0)
        return dff_err_set(err, DFF_E_SYS, "field of an API auth: unknown location");
    *field = (dff_route_auth_field_t) {
        .location = (dff_auth_location_t) location, .name = dff_route_auth_inner(record.name),
        .proof = record.proof,
    };
    return 1;
}

int
dff_route_auth_next_user(dff_json_array_t *it, dff_route_auth_user_t *user, dff_err_t *err)
{
    dff_route_auth_user_record_t record = { DFF_STR_NULL, DFF_STR_NULL, DFF_STR_NULL };
    int rc = dff_route_auth_next(it, &dff_route_auth_user_fields, &record, err);

    if (rc != 1)
        return rc;
    *user = (dff_route_auth_user_t) {
        .username = dff_route_auth_inner(record.username),
        .a1 = { [DFF_DIGEST_MD5] = record.md5, [DFF_DIGEST_SHA256] = record.sha256 },
    };
    return 1;
}

bool
dff_route_auth_is(dff_str_t escaped, dff_str_t text)
{
    char   name[DFF_ROUTE_AUTH_NAME_MAX * 6];     /* \u0001 is the longest escape */
    size_t len;

    if (escaped.len == 0 || memchr(escaped.data, '\\', escaped.len) == NULL)
        return dff_str_eq(escaped, text);
    if (escaped.len > sizeof(name))
        return false;
    len = dff_json_unescape(escaped, name);
    return dff_str_eq((dff_str_t) { name, len }, text);
}

/* --- writing ---------------------------------------------------------------------------- */

static void
dff_route_auth_add(dff_buf_t *out, const dff_fields_t *fields, const void *record)
{
    size_t size = dff_fields_size(fields, record);
    char  *p = dff_buf_reserve(out, size);

    if (p == NULL)
        return;
    (void) dff_fields_write(fields, p, record);
    out->len += size;
    out->data[out->len] = '\0';
}

static void
dff_route_auth_head(dff_buf_t *out, dff_str_t id, const char *type)
{
    dff_buf_add_str(out, DFF_STR("{\"id\":\""));
    dff_buf_add_json_escaped(out, id);
    dff_buf_addf(out, "\",\"type\":\"%s\",\"config\":", type);
}

void
dff_route_auth_begin(dff_buf_t *out, dff_str_t id, dff_auth_type_t type)
{
    dff_route_auth_head(out, id, dff_auth_type_name(type));
    dff_buf_addf(out, "{\"%s\":[", dff_route_auth_list(type));
}

/* The comma between rows, and the name as a quoted text in *quoted. */
static void
dff_route_auth_row(dff_buf_t *out, dff_buf_t *quoted, dff_str_t name)
{
    if (out->len > 0 && out->data[out->len - 1] == '}')
        dff_buf_add_str(out, DFF_STR(","));
    dff_buf_add_str(quoted, DFF_STR("\""));
    dff_buf_add_json_escaped(quoted, name);
    dff_buf_add_str(quoted, DFF_STR("\""));
    out->failed = out->failed || dff_buf_failed(quoted);
}

void
dff_route_auth_add_field(dff_buf_t *out, const dff_route_auth_field_t *field)
{
    dff_route_auth_field_record_t record = { .proof = field->proof };
    dff_buf_t                     quoted = DFF_BUF_INIT;

    dff_route_auth_row(out, &quoted, field->name);
    record.location = dff_str_from(dff_auth_location_name(field->location));
    record.name = (dff_str_t) { quoted.data, quoted.len };
    dff_route_auth_add(out, &dff_route_auth_field_fields, &record);
    dff_buf_release(&quoted);
}

void
dff_route_auth_add_user(dff_buf_t *out, const dff_route_auth_user_t *user)
{
    dff_route_auth_user_record_t record = {
        .sha256 = user->a1[DFF_DIGEST_SHA256], .md5 = user->a1[DFF_DIGEST_MD5],
    };
    dff_buf_t                    quoted = DFF_BUF_INIT;

    dff_route_auth_row(out, &quoted, user->username);
    record.username = (dff_str_t) { quoted.data, quoted.len };
    dff_route_auth_add(out, &dff_route_auth_user_fields, &record);
    dff_buf_release(&quoted);
}

void
dff_route_auth_end(dff_buf_t *out)
{
    dff_buf_add_str(out, DFF_STR("]}}"));
}

void
dff_route_auth_add_func(dff_buf_t *out, dff_str_t id, const dff_route_auth_func_t *func)
{
    dff_route_auth_head(out, id, dff_auth_type_name(DFF_AUTH_FUNC));
    dff_route_auth_add(out, &dff_route_auth_func_fields, func);
    dff_buf_add_str(out, DFF_STR("}"));
}

void
dff_route_auth_add_closed(dff_buf_t *out, dff_str_t id, const char *why)
{
    dff_route_auth_head(out, id, why);
    dff_buf_add_str(out, DFF_STR("{}}"));
}
