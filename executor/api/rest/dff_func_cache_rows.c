/* What scripts keep in DFF.CACHE, for people: looked at and deleted, never written. */
#include "api/rest/dff_routes.h"

#include <stdlib.h>

#include "dff_form.h"
#include "dff_keys.h"

#include "dff_banned.h"

#define DFF_FUNC_CACHE_SHOWN    500
#define DFF_FUNC_CACHE_ROUNDS   200         /* of SCAN: then the list is as far as it came */
#define DFF_FUNC_CACHE_STEP     "1000"
#define DFF_FUNC_CACHE_MAX      (5 << 20)   /* bytes of a value that is shown */
#define DFF_FUNC_CACHE_ITEMS    10000       /* of a hash or list */

/* As clients of the original know a key. */
#define DFF_FUNC_CACHE_FULL_KEY  "DataFluxFunc-worker#funcCache@%.*s:key:%.*s:"

typedef struct {
    char     *key;          /* whole, of Redis */
    size_t    len;
    dff_str_t scope, name;  /* in it */
} dff_func_cache_entry_t;

typedef struct {
    dff_web_call_t         *call;
    dff_func_cache_entry_t *entries;
    size_t                  count;
} dff_func_cache_list_t;


static bool
dff_func_cache_has(dff_str_t text, dff_str_t part)
{
    return part.len == 0 || (text.len >= part.len
                             && memmem(text.data, text.len, part.data, part.len) != NULL);
}


/* _fuzzySearch: in either; else both filters. All are texts, not patterns. */
static bool
dff_func_cache_wanted(const dff_web_request_t *req, dff_str_t scope, dff_str_t name)
{
    dff_str_t fuzzy = dff_web_query(req, "_fuzzySearch");

    if (fuzzy.len > 0) {
        return dff_func_cache_has(scope, fuzzy) || dff_func_cache_has(name, fuzzy);
    }
    return dff_func_cache_has(scope, dff_web_query(req, "scope"))
        && dff_func_cache_has(name, dff_web_query(req, "key"));
}


static int
dff_func_cache_take(dff_func_cache_list_t *list, const redisReply *keys, dff_err_t *err)
{
    for (size_t i = 0; i < keys->elements && list->count < DFF_FUNC_CACHE_SHOWN; i++) {
        const redisReply       *key = keys->element[i];
        dff_func_cache_entry_t *entry = &list->entries[list->count];
        dff_str_t               text = { key->str, key->len };

        if (key->type != REDIS_REPLY_STRING || !dff_form_is_utf8(text)
            || !dff_key_func_cache_parts(text, &entry->scope, &entry->name)
            || !dff_func_cache_wanted(&list->call->req, entry->scope, entry->name))
        {
            continue;
        }
        entry->key = dff_arena_copy(&list->call->arena, text);
        if (entry->key == NULL) {
            return dff_err_set(err, DFF_E_SYS, "out of memory");
        }
        entry->len = text.len;
        (void) dff_key_func_cache_parts((dff_str_t) { entry->key, entry->len }, &entry->scope,
                                        &entry->name);
        list->count++;
    }
    return DFF_OK;
}


static int
dff_func_cache_scan(dff_func_cache_list_t *list, dff_err_t *err)
{
    char cursor[32] = "0";

    for (int round = 0; round < DFF_FUNC_CACHE_ROUNDS; round++) {
        redisReply *reply = dff_rcmd_run(list->call->web->api->rcmd, err, "SCAN %s MATCH "
                                         DFF_KEY_FUNC_CACHE "* COUNT " DFF_FUNC_CACHE_STEP,
                                         cursor);
        int         rc = DFF_OK;

        if (reply == NULL) {
            return DFF_ERROR;
        }
        if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2
            || reply->element[0]->type != REDIS_REPLY_STRING
            || reply->element[1]->type != REDIS_REPLY_ARRAY)
        {
            rc = dff_err_set(err, DFF_E_SYS_CACHE, "unexpected answer to SCAN");
        } else {
            (void) snprintf(cursor, sizeof(cursor), "%s", reply->element[0]->str);
            rc = dff_func_cache_take(list, reply->element[1], err);
        }
        freeReplyObject(reply);
        if (rc != DFF_OK || strcmp(cursor, "0") == 0 || list->count == DFF_FUNC_CACHE_SHOWN) {
            return rc;
        }
    }
    return DFF_OK;
}


static int
dff_func_cache_by_key(const void *a, const void *b)
{
    const dff_func_cache_entry_t *one = a, *two = b;
    size_t                        len = one->name.len < two->name.len ? one->name.len
                                                                      : two->name.len;
    int                           order = memcmp(one->name.data, two->name.data, len);

    if (order != 0 || one->name.len != two->name.len) {
        return order != 0 ? order : one->name.len < two->name.len ? -1 : 1;
    }
    return strcmp(one->key, two->key);
}


/* TYPE, PTTL and MEMORY USAGE of one entry, asked for in this order. */
static int
dff_func_cache_describe(dff_rcmd_t *rcmd, const dff_func_cache_entry_t *entry, json_t *all,
    dff_err_t *err)
{
    redisReply *replies[3] = { NULL };
    json_t     *one;
    int         rc = DFF_OK;

    for (size_t i = 0; rc == DFF_OK && i < 3; i++) {
        replies[i] = dff_rcmd_next(rcmd, err);
        rc = replies[i] == NULL ? DFF_ERROR : DFF_OK;
    }
    if (rc == DFF_OK) {
        long long ttl_ms = replies[1]->type == REDIS_REPLY_INTEGER ? replies[1]->integer : -1;

        one = json_pack("{s:o, s:s%, s:s%, s:s, s:I, s:o}", "fullKey",
                        json_sprintf(DFF_FUNC_CACHE_FULL_KEY, (int) entry->scope.len,
                                     entry->scope.data, (int) entry->name.len, entry->name.data),
                        "scope", entry->scope.data, entry->scope.len, "key", entry->name.data,
                        entry->name.len, "type",
                        replies[0]->type == REDIS_REPLY_STATUS ? replies[0]->str : "none", "ttl",
                        (json_int_t) (ttl_ms < 0 ? -1 : (ttl_ms + 999) / 1000), "memoryUsage",
                        replies[2]->type == REDIS_REPLY_INTEGER
                        ? json_integer(replies[2]->integer) : json_null());
        (void) json_array_append_new(all, one);
    }
    for (size_t i = 0; i < 3; i++) {
        if (replies[i] != NULL) {
            freeReplyObject(replies[i]);
        }
    }
    return rc;
}


static int
dff_func_cache_reply(dff_func_cache_list_t *list, dff_err_t *err)
{
    dff_rcmd_t *rcmd = list->call->web->api->rcmd;
    json_t     *all = json_array();
    int         rc = DFF_OK;

    for (size_t i = 0; rc == DFF_OK && i < list->count; i++) {
        const dff_func_cache_entry_t *entry = &list->entries[i];

        rc = dff_rcmd_append(rcmd, err, "TYPE %b", entry->key, entry->len);
        rc = rc == DFF_OK ? dff_rcmd_append(rcmd, err, "PTTL %b", entry->key, entry->len) : rc;
        rc = rc == DFF_OK ? dff_rcmd_append(rcmd, err, "MEMORY USAGE %b", entry->key, entry->len)
                          : rc;
    }
    for (size_t i = 0; rc == DFF_OK && i < list->count; i++) {
        rc = dff_func_cache_describe(rcmd, &list->entries[i], all, err);
    }
    if (rc != DFF_OK) {
        dff_rcmd_abandon(rcmd);
        json_decref(all);
        return DFF_ERROR;
    }
    return dff_web_reply(list->call, all, err);
}


static int
dff_func_cache_list(dff_web_call_t *call, dff_err_t *err)
{
    dff_func_cache_list_t list = {
        .call = call,
        .entries = dff_arena_alloc(&call->arena, DFF_FUNC_CACHE_SHOWN * sizeof(*list.entries)),
    };

    if (list.entries == NULL) {
        return dff_err_set(err, DFF_E_SYS, "out of memory");
    }
    if (dff_func_cache_scan(&list, err) != DFF_OK) {
        return DFF_ERROR;
    }
    qsort(list.entries, list.count, sizeof(*list.entries), dff_func_cache_by_key);
    return dff_func_cache_reply(&list, err);
}

/* --- one value ------------------------------------------------------------------------------- */

/* A command on the key that the path names, NULL: err. */
static redisReply *
dff_func_cache_run(dff_web_call_t *call, const char *format, dff_err_t *err)
{
    dff_buf_t   key = DFF_BUF_INIT;
    redisReply *reply = NULL;

    dff_key_func_cache(&key, call->params[0], call->params[1]);
    if (dff_buf_failed(&key)) {
        dff_err_set(err, DFF_E_SYS, "out of memory");
    } else {
        reply = dff_rcmd_run(call->web->api->rcmd, err, format, key.data, key.len);
    }
    dff_buf_release(&key);
    return reply;
}


static json_t *
dff_func_cache_text(const redisReply *text)
{
    return text->type == REDIS_REPLY_STRING
        && dff_form_is_utf8((dff_str_t) { text->str, text->len })
        ? json_stringn_nocheck(text->str, text->len) : json_string("(no text)");
}


/* JSON where it is some. */
static json_t *
dff_func_cache_parsed(const redisReply *text)
{
    json_t *value = text->type != REDIS_REPLY_STRING ? NULL
        : json_loadb(text->str, text->len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);

    return value == NULL ? dff_func_cache_text(text) : value;
}


static json_t *
dff_func_cache_hash(const redisReply *pairs)
{
    json_t *hash = json_object();

    for (size_t i = 0; i + 1 < pairs->elements && i / 2 < DFF_FUNC_CACHE_ITEMS; i += 2) {
        const redisReply *name = pairs->element[i];

        if (name->type == REDIS_REPLY_STRING
            && dff_form_is_utf8((dff_str_t) { name->str, name->len }))
        {
            (void) json_object_set_new(hash, name->str,
                                       dff_func_cache_parsed(pairs->element[i + 1]));
        }
    }
    return hash;
}


static json_t *
dff_func_cache_array(const redisReply *items)
{
    json_t *array = json_array();

    for (size_t i = 0; i < items->elements && i < DFF_FUNC_CACHE_ITEMS; i++) {
        (void) json_array_append_new(array, dff_func_cache_parsed(items->element[i]));
    }
    return array;
}


static const struct {
    const char *type, *command;
    int         reply;
    json_t   *(*show)(const redisReply *reply);
} dff_func_cache_types[] = {
    { "string", "GET %b", REDIS_REPLY_STRING, dff_func_cache_text },
    { "hash", "HGETALL %b", REDIS_REPLY_ARRAY, dff_func_cache_hash },
    { "list", "LRANGE %b 0 -1", REDIS_REPLY_ARRAY, dff_func_cache_array },
};

#define DFF_FUNC_CACHE_TYPES  (sizeof(dff_func_cache_types) / sizeof(dff_func_cache_types[0]))


/* Index of the type, DFF_FUNC_CACHE_TYPES: another one, or no such key. -1: err. */
static int
dff_func_cache_type(dff_web_call_t *call, dff_err_t *err)
{
    redisReply *reply = dff_func_cache_run(call, "TYPE %b", err);
    size_t      i = 0;

    if (reply == NULL) {
        return -1;
    }
    while (i < DFF_FUNC_CACHE_TYPES && (reply->type != REDIS_REPLY_STATUS
                                        || strcmp(reply->str, dff_func_cache_types[i].type) != 0))
    {
        i++;
    }
    freeReplyObject(reply);
    return (int) i;
}


static int
dff_func_cache_get(dff_web_call_t *call, dff_err_t *err)
{
    int         type = dff_func_cache_type(call, err);
    redisReply *reply;
    json_t     *data;
    long long   bytes;

    if (type == -1) {
        return DFF_ERROR;
    }
    if (type == (int) DFF_FUNC_CACHE_TYPES) {
        return dff_web_reply(call, json_string("(no string, hash or list of this key)"), err);
    }
    reply = dff_func_cache_run(call, "MEMORY USAGE %b", err);
    if (reply == NULL) {
        return DFF_ERROR;
    }
    bytes = reply->type == REDIS_REPLY_INTEGER ? reply->integer : 0;
    freeReplyObject(reply);
    if (bytes > DFF_FUNC_CACHE_MAX) {
        return dff_web_reply(call, json_sprintf("(too large to be shown: %lld bytes)", bytes),
                             err);
    }
    reply = dff_func_cache_run(call, dff_func_cache_types[type].command, err);
    if (reply == NULL) {
        return DFF_ERROR;
    }
    data = reply->type == dff_func_cache_types[type].reply
        ? dff_func_cache_types[type].show(reply) : json_string("(it is gone)");
    freeReplyObject(reply);
    return dff_web_reply(call, data, err);
}


static int
dff_func_cache_delete(dff_web_call_t *call, dff_err_t *err)
{
    redisReply *reply = dff_func_cache_run(call, "DEL %b", err);

    if (reply == NULL) {
        return DFF_ERROR;
    }
    freeReplyObject(reply);
    return DFF_OK;
}


static const char *const dff_func_cache_exports[] = { "json", "csv", NULL };
static const char *const dff_func_cache_charsets[] = { "utf8", "gbk", NULL };

static const dff_prop_t dff_func_cache_props[] = {
    { "scope", DFF_PROP_STR, DFF_OP_BODY, .about = "A part of the scope" },
    { "key", DFF_PROP_STR, DFF_OP_BODY, .about = "A part of the key" },
    { "_fuzzySearch", DFF_PROP_STR, DFF_OP_BODY, .about = "A part of the scope or the key" },
    { "export", DFF_PROP_STR, DFF_OP_BODY, .names = dff_func_cache_exports, .about = "Ignored" },
    { "charset", DFF_PROP_STR, DFF_OP_BODY, .names = dff_func_cache_charsets },
};
static const dff_shape_t dff_func_cache_query = DFF_SHAPE(dff_func_cache_props);

static const char *const dff_func_cache_kinds[] = {
    "string", "hash", "list", "set", "zset", "none", NULL
};
static const dff_prop_t dff_func_cache_entry_props[] = {
    DFF_ANSWERED("fullKey", DFF_PROP_STR), DFF_ANSWERED("scope", DFF_PROP_STR),
    DFF_ANSWERED("key", DFF_PROP_STR),
    DFF_ANSWERED("type", DFF_PROP_STR, .names = dff_func_cache_kinds),
    DFF_ANSWERED("ttl", DFF_PROP_INT, .about = "s; -1: does not expire"),
    DFF_ANSWERED("memoryUsage", DFF_PROP_INT, .nullable = true, .about = "bytes"),
};
DFF_ANSWER(dff_func_cache_list_answer, dff_func_cache_entry_props, DFF_PROP_OBJECTS);

static const dff_prop_t dff_func_cache_value_props[] = {
    { "string", DFF_PROP_STR, .about = "A string, or why the value is not shown" },
    { "hash", DFF_PROP_MAP }, { "list", DFF_PROP_LIST },
};
DFF_ANSWER(dff_func_cache_get_answer, dff_func_cache_value_props, DFF_PROP_EITHER);

#define DFF_FUNC_CACHES  "/api/v1/func-caches"

static const dff_endpoint_t dff_func_cache_rows[] = {
    { DFF_WEB_GET, DFF_FUNC_CACHES "/do/list", "List values of DFF.CACHE", DFF_SIGN_IN_ANY,
      DFF_GENERAL_R, .query = &dff_func_cache_query, .handler = dff_func_cache_list,
      .answer = &dff_func_cache_list_answer },
    { DFF_WEB_GET, DFF_FUNC_CACHES "/:scope/:key/do/get", "Get a value of DFF.CACHE",
      DFF_SIGN_IN_ANY, DFF_GENERAL_R, .handler = dff_func_cache_get,
      .answer = &dff_func_cache_get_answer },
    { DFF_WEB_GET | DFF_WEB_POST, DFF_FUNC_CACHES "/:scope/:key/do/delete",
      "Delete a value of DFF.CACHE", DFF_SIGN_IN_ANY, DFF_GENERAL_W,
      .handler = dff_func_cache_delete, .answer = &dff_answer_null },
};

const dff_endpoint_group_t dff_func_cache_routes = DFF_ENDPOINTS(dff_func_cache_rows);
