/*
 * Routes: JSON as stored in Redis, and the packed block of the route cache.
 * Encoding runs in publishers, packing in nginx at a cache fill, unpacking in
 * nginx at every call.
 */
#include "dff_route.h"

#include <jansson.h>
#include <limits.h>
#include <stdlib.h>

#include "dff_envelope.h"
#include "dff_fields.h"
#include "dff_id.h"

#include "dff_banned.h"

#define DFF_ROUTE_VERSION      1
#define DFF_ROUTE_MAX_JSON     (1u << 20)
#define DFF_ROUTE_MAX_CACHE_S  (366.0 * 86400)

static const char *const dff_route_kinds[] = {
    [DFF_ROUTE_AUTH_LINK] = "al", [DFF_ROUTE_BATCH] = "bat",
};

_Static_assert(sizeof(dff_route_kinds) / sizeof(dff_route_kinds[0]) == DFF_ROUTE_KIND_COUNT,
    "a name for each kind");

/* A route with what only its JSON has. */
typedef struct {
    dff_route_t route;
    int         version;
    dff_str_t   func;           /* text of the nested object */
    dff_str_t   cache_result;   /* text of the number */
} dff_route_record_t;

#define DFF_ROUTE_ROW(name, member, flags, kind, ...) \
    { DFF_FIELD_NAME(name), offsetof(dff_route_record_t, member), (kind), (flags), __VA_ARGS__ }

#define DFF_MUST    (DFF_FIELD_REQUIRED | DFF_FIELD_ALWAYS)
#define DFF_ALWAYS  DFF_FIELD_ALWAYS

static const dff_field_t dff_route_rows[] = {
    DFF_ROUTE_ROW("v", version, DFF_MUST, DFF_FIELD_VERSION, 0, DFF_ROUTE_VERSION, NULL, NULL),
    DFF_ROUTE_ROW("id", route.id, DFF_MUST, DFF_FIELD_STR, 1, DFF_TASK_ID_MAX, NULL,
        dff_id_is_link),
    DFF_ROUTE_ROW("kind", route.kind, DFF_MUST, DFF_FIELD_ENUM, 0, DFF_ROUTE_KIND_COUNT - 1,
        dff_route_kinds, NULL),
    DFF_ROUTE_ROW("funcId", route.func_id, DFF_MUST, DFF_FIELD_STR, 1, DFF_FUNC_ID_MAX, NULL,
        dff_id_is_func),
    DFF_ROUTE_ROW("scriptVersion", route.script_version, DFF_ALWAYS, DFF_FIELD_INT, 0, INT_MAX,
        NULL, NULL),
    DFF_ROUTE_ROW("funcGone", route.func_gone, DFF_ALWAYS, DFF_FIELD_BOOL, 0, 1, NULL, NULL),
    DFF_ROUTE_ROW("isDisabled", route.is_disabled, DFF_ALWAYS, DFF_FIELD_BOOL, 0, 1, NULL, NULL),
    DFF_ROUTE_ROW("expireTimeMs", route.expire_time_ms, DFF_ALWAYS, DFF_FIELD_INT64, 0, INT64_MAX,
        NULL, NULL),
    DFF_ROUTE_ROW("kwargs", route.kwargs, DFF_ALWAYS, DFF_FIELD_OBJECT, 0, 0, NULL, NULL),
    DFF_ROUTE_ROW("func", func, DFF_ALWAYS, DFF_FIELD_OBJECT, 0, 0, NULL, NULL),
    DFF_ROUTE_ROW("apiAuth", route.api_auth, DFF_ALWAYS, DFF_FIELD_OBJECT, 0, 0, NULL, NULL),
    DFF_ROUTE_ROW("throttling", route.throttling, DFF_ALWAYS, DFF_FIELD_OBJECT, 0, 0, NULL, NULL),
};

static const dff_field_t dff_route_func_rows[] = {
    DFF_ROUTE_ROW("timeout", route.timeout_s, DFF_ALWAYS, DFF_FIELD_INT, 0, DFF_TIMEOUT_MAX_S,
        NULL, NULL),
    DFF_ROUTE_ROW("apiTimeout", route.api_timeout_s, DFF_ALWAYS, DFF_FIELD_INT, 0,
        DFF_TIMEOUT_MAX_S, NULL, NULL),
    DFF_ROUTE_ROW("queue", route.queue, DFF_ALWAYS, DFF_FIELD_INT, -1, DFF_QUEUE_COUNT - 1, NULL,
        NULL),
    DFF_ROUTE_ROW("cacheResult", cache_result, 0, DFF_FIELD_NUMBER, 0, 0, NULL, NULL),
    DFF_ROUTE_ROW("retryOnLost", route.retry_on_lost, DFF_ALWAYS, DFF_FIELD_BOOL, 0, 1, NULL,
        NULL),
    DFF_ROUTE_ROW("maxMemory", route.max_memory_mb, DFF_ALWAYS, DFF_FIELD_INT, 0, INT_MAX, NULL,
        NULL),
};

static const dff_fields_t dff_route_fields = DFF_FIELDS("route", dff_route_rows);
static const dff_fields_t dff_route_func_fields =
    DFF_FIELDS("function of a route", dff_route_func_rows);

/* The strings of a route, which a block holds behind its head. */
static const size_t dff_route_strs[] = {
    offsetof(dff_route_t, id), offsetof(dff_route_t, func_id), offsetof(dff_route_t, kwargs),
    offsetof(dff_route_t, api_auth), offsetof(dff_route_t, throttling),
};

#define DFF_ROUTE_STRS  (sizeof(dff_route_strs) / sizeof(dff_route_strs[0]))

typedef struct {
    dff_route_t route;                  /* strings: their lengths only */
    uint32_t    at[DFF_ROUTE_STRS];     /* where their bytes are, from the block's start */
} dff_route_block_t;

const char *
dff_route_kind_name(dff_route_kind_t kind)
{
    return (unsigned) kind < DFF_ROUTE_KIND_COUNT ? dff_route_kinds[kind] : "unknown";
}

static void
dff_route_add_record(dff_buf_t *out, const dff_fields_t *fields, const void *record)
{
    size_t size = dff_fields_size(fields, record);
    char  *p = dff_buf_reserve(out, size);

    if (p == NULL)
        return;
    (void) dff_fields_write(fields, p, record);
    out->len += size;
    out->data[out->len] = '\0';
}

/* Jansson writes a double the same way under every locale; printf does not. */
static char *
dff_route_seconds_text(double seconds)
{
    json_t *number;
    char   *text;

    if (seconds == (double) (int64_t) seconds)
        number = json_integer((json_int_t) seconds);
    else
        number = json_real(seconds);
    text = number == NULL ? NULL : json_dumps(number, JSON_ENCODE_ANY);
    json_decref(number);
    return text;
}

static int
dff_route_seconds_from(dff_str_t text, double *seconds, dff_err_t *err)
{
    json_t *number = json_loadb(text.data, text.len, JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL,
        NULL);
    double  value = number == NULL ? -1 : json_number_value(number);

    json_decref(number);
    if (!(value >= 0 && value <= DFF_ROUTE_MAX_CACHE_S)) {
        return dff_err_set(err, DFF_E_SYS, "function of a route: \"cacheResult\" must be 0 to "
            "%.0f s, got %.*s", DFF_ROUTE_MAX_CACHE_S, (int) (text.len > 32 ? 32 : text.len),
            text.data);
    }
    *seconds = value;
    return DFF_OK;
}

void
dff_route_encode(dff_buf_t *out, const dff_route_t *route)
{
    dff_route_record_t record = { .route = *route, .version = DFF_ROUTE_VERSION };
    dff_buf_t          func = DFF_BUF_INIT;
    char              *seconds = NULL;

    if (record.route.kwargs.len == 0)
        record.route.kwargs = DFF_STR("{}");
    if (!(route->cache_result_s >= 0 && route->cache_result_s <= DFF_ROUTE_MAX_CACHE_S))
        record.route.cache_result_s = 0;

    seconds = dff_route_seconds_text(record.route.cache_result_s);
    record.cache_result = dff_str_from(seconds);
    dff_route_add_record(&func, &dff_route_func_fields, &record);
    record.func = (dff_str_t) { func.data, func.len };
    if (seconds == NULL || dff_buf_failed(&func))
        out->failed = true;
    else
        dff_route_add_record(out, &dff_route_fields, &record);

    free(seconds);
    dff_buf_release(&func);
}

static dff_str_t *
dff_route_str(dff_route_t *route, size_t i)
{
    return (dff_str_t *) (void *) ((char *) route + dff_route_strs[i]);
}

static int
dff_route_read(dff_str_t json, dff_route_record_t *record, dff_err_t *err)
{
    memset(record, 0, sizeof(*record));
    record->route.queue = -1;
    record->route.kwargs = DFF_STR("{}");

    if (json.len > DFF_ROUTE_MAX_JSON) {
        return dff_err_set(err, DFF_E_SYS, "route: %zu bytes of JSON, the limit is %u", json.len,
            DFF_ROUTE_MAX_JSON);
    }
    if (dff_fields_read(&dff_route_fields, json, record, err) != DFF_OK)
        return DFF_ERROR;
    if (record->func.len > 0
        && dff_fields_read(&dff_route_func_fields, record->func, record, err) != DFF_OK)
    {
        return DFF_ERROR;
    }
    if (record->route.kwargs.len == 0)
        record->route.kwargs = DFF_STR("{}");
    if (record->cache_result.len == 0)
        return DFF_OK;
    return dff_route_seconds_from(record->cache_result, &record->route.cache_result_s, err);
}

int
dff_route_pack(dff_str_t json, void **block, size_t *size, dff_err_t *err)
{
    dff_route_record_t record;
    dff_route_block_t *head;
    dff_str_t         *str;
    size_t             i, at = sizeof(dff_route_block_t);

    *block = NULL;
    *size = 0;
    if (dff_route_read(json, &record, err) != DFF_OK)
        return DFF_ERROR;

    for (i = 0; i < DFF_ROUTE_STRS; i++)
        at += dff_route_str(&record.route, i)->len;
    head = malloc(at);
    if (head == NULL)
        return dff_err_set(err, DFF_E_SYS, "route: no memory for %zu bytes", at);

    *size = at;
    at = sizeof(*head);
    memset(head, 0, at);
    for (i = 0; i < DFF_ROUTE_STRS; i++) {
        str = dff_route_str(&record.route, i);
        if (str->len > 0)
            memcpy((char *) head + at, str->data, str->len);
        str->data = NULL;
        head->at[i] = (uint32_t) at;
        at += str->len;
    }
    head->route = record.route;
    *block = head;
    return DFF_OK;
}

void
dff_route_unpack(const void *block, dff_route_t *route)
{
    const dff_route_block_t *head = block;
    size_t                   i;

    *route = head->route;
    for (i = 0; i < DFF_ROUTE_STRS; i++)
        dff_route_str(route, i)->data = (const char *) block + head->at[i];
}
