/*
 * CACHE: commands of Redis on keys of scripts. A row of the table says which words a
 * command is made of and what its answer becomes; values are JSON texts.
 */
#include "api/dff_service_op.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dff_json.h"
#include "dff_keys.h"

#include "api/dff_glob.h"

#include "dff_banned.h"

/* Positions of arguments: the first two are those of all. */
enum { ARG_KEY, ARG_SCOPE, ARG_1, ARG_2, ARG_3 };

typedef enum {
    WORD_END,
    WORD_KEY,           /* of ARG_KEY, or another name in the same scope */
    WORD_TEXT,          /* as it is: a field, a JSON value */
    WORD_NUMBER,
    WORD_OPTION_MS,     /* its prefix and a number, when it is given */
    WORD_OPTION_FLAG,   /* its prefix, when it is true */
    WORD_PAIRS          /* names and values of an object */
} dff_cache_word_kind_t;

typedef struct {
    dff_cache_word_kind_t kind;
    unsigned              arg;
    const char           *prefix;
} dff_cache_word_t;

typedef enum {
    REPLY_VALUE,        /* JSON, nil: null */
    REPLY_DONE,         /* true, nil: false */
    REPLY_FLAG,         /* a number that is true when it is not 0 */
    REPLY_NUMBER,
    REPLY_LIST,         /* of JSON */
    REPLY_DICT,         /* of JSON by name */
    REPLY_NAMES         /* that match the pattern in ARG_1 */
} dff_cache_reply_t;

typedef struct dff_cache_command_s {
    const char                       *command;
    dff_cache_word_t                  words[4];
    dff_cache_reply_t                 reply;
    const struct dff_cache_command_s *without_1;     /* in its place when ARG_1 is not given */
} dff_cache_command_t;

#define KEY           { WORD_KEY, ARG_KEY, NULL }
#define TEXT(arg)     { WORD_TEXT, (arg), NULL }
#define NUMBER(arg)   { WORD_NUMBER, (arg), NULL }

#define NAME_ARGS     DFF_SERVICE_KEY, DFF_SERVICE_SCOPE
#define VALUE_ARG     { "value", DFF_SERVICE_VALUE, 0, 0, 0 }
#define FIELD_ARG(f)  { "field", DFF_SERVICE_TEXT, (f), 1, 256 }
#define STEP_ARG      { "step", DFF_SERVICE_INT, DFF_SERVICE_OPTIONAL, INT64_MIN, INT64_MAX }
#define AT_ARG(name)  { (name), DFF_SERVICE_INT, 0, INT64_MIN, INT64_MAX }
#define EXPIRE_ARG(f) { "expire", DFF_SERVICE_SECONDS, (f), 0, DFF_SERVICE_EXPIRE_MAX_S }

static const dff_service_arg_t dff_cache_key_args[] = { NAME_ARGS };
static const dff_service_arg_t dff_cache_value_args[] = { NAME_ARGS, VALUE_ARG };
static const dff_service_arg_t dff_cache_set_args[] = {
    NAME_ARGS, VALUE_ARG, EXPIRE_ARG(DFF_SERVICE_OPTIONAL),
    { "notExists", DFF_SERVICE_BOOL, DFF_SERVICE_OPTIONAL, 0, 0 },
};
static const dff_service_arg_t dff_cache_expire_args[] = { NAME_ARGS, EXPIRE_ARG(0) };
static const dff_service_arg_t dff_cache_step_args[] = { NAME_ARGS, STEP_ARG };
static const dff_service_arg_t dff_cache_pattern_args[] = {
    NAME_ARGS, { "pattern", DFF_SERVICE_TEXT, DFF_SERVICE_OPTIONAL, 1, 256 },
};
static const dff_service_arg_t dff_cache_field_args[] = { NAME_ARGS, FIELD_ARG(0) };
static const dff_service_arg_t dff_cache_hget_args[] = {
    NAME_ARGS, FIELD_ARG(DFF_SERVICE_OPTIONAL),
};
static const dff_service_arg_t dff_cache_hset_args[] = { NAME_ARGS, FIELD_ARG(0), VALUE_ARG };
static const dff_service_arg_t dff_cache_hmset_args[] = {
    NAME_ARGS, { "obj", DFF_SERVICE_OBJECT, 0, 0, 0 },
};
static const dff_service_arg_t dff_cache_hincr_args[] = { NAME_ARGS, FIELD_ARG(0), STEP_ARG };
static const dff_service_arg_t dff_cache_range_args[] = { NAME_ARGS, AT_ARG("start"),
                                                          AT_ARG("stop") };
static const dff_service_arg_t dff_cache_dest_args[] = {
    NAME_ARGS, { "destKey", DFF_SERVICE_TEXT, 0, 1, 256 },
};

/* --- words ------------------------------------------------------------------------ */

typedef struct {
    const dff_service_value_t *values;
    dff_str_t                 *words;
    size_t                     count, size;
    dff_buf_t                  keys[2];
    size_t                     nkeys;
    char                       numbers[4][24];
    size_t                     nnumbers;
    dff_buf_t                  names;         /* of WORD_PAIRS, unescaped */
} dff_cache_build_t;

static int
dff_cache_add(dff_cache_build_t *build, dff_str_t word, dff_err_t *err)
{
    if (build->count == build->size) {
        size_t     size = build->size == 0 ? 16 : build->size * 2;
        dff_str_t *words = reallocarray(build->words, size, sizeof(*words));

        if (words == NULL)
            return dff_err_set(err, DFF_E_SYS, "out of memory for a command");
        build->words = words;
        build->size = size;
    }
    build->words[build->count++] = word;
    return DFF_OK;
}

static int
dff_cache_add_key(dff_cache_build_t *build, dff_str_t name, dff_err_t *err)
{
    dff_buf_t *key = &build->keys[build->nkeys++];

    dff_key_func_cache(key, build->values[ARG_SCOPE].text, name);
    return dff_buf_failed(key) ? dff_err_set(err, DFF_E_SYS, "out of memory for a key")
                               : dff_cache_add(build, (dff_str_t) { key->data, key->len }, err);
}

static int
dff_cache_add_number(dff_cache_build_t *build, const dff_service_value_t *value, dff_err_t *err)
{
    char *text = build->numbers[build->nnumbers++];

    /* Left out: a step. */
    (void) snprintf(text, sizeof(build->numbers[0]), "%" PRId64, value->given ? value->number : 1);
    return dff_cache_add(build, dff_str_from(text), err);
}

static int
dff_cache_add_pairs(dff_cache_build_t *build, dff_str_t object, dff_err_t *err)
{
    dff_json_object_t it;
    dff_json_member_t member;
    char             *at = dff_buf_reserve(&build->names, object.len);
    size_t            len;
    int               rc = at == NULL ? DFF_ERROR : dff_json_object_open(&it, object);

    while (rc != DFF_ERROR && (rc = dff_json_object_next(&it, &member, NULL)) == 1) {
        len = dff_json_unescape(member.key, at);
        if (dff_cache_add(build, (dff_str_t) { at, len }, err) != DFF_OK
            || dff_cache_add(build, member.value, err) != DFF_OK)
            return DFF_ERROR;
        at += len;
    }
    if (rc == DFF_ERROR)
        return dff_err_set(err, DFF_E_SYS, "out of memory for a command");
    if (build->count <= 2)
        return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST, "\"obj\" is empty");
    return DFF_OK;
}

static int
dff_cache_add_word(dff_cache_build_t *build, const dff_cache_word_t *word, dff_err_t *err)
{
    const dff_service_value_t *value = &build->values[word->arg];

    switch (word->kind) {
    case WORD_END:
        return DFF_OK;
    case WORD_KEY:
        return dff_cache_add_key(build, value->text, err);
    case WORD_TEXT:
        return dff_cache_add(build, value->text, err);
    case WORD_NUMBER:
        return dff_cache_add_number(build, value, err);
    case WORD_OPTION_MS:
        if (!value->given)
            return DFF_OK;
        return dff_cache_add(build, dff_str_from(word->prefix), err) == DFF_OK
            ? dff_cache_add_number(build, value, err) : DFF_ERROR;
    case WORD_OPTION_FLAG:
        return value->number == 0 ? DFF_OK
                                  : dff_cache_add(build, dff_str_from(word->prefix), err);
    case WORD_PAIRS:
        return dff_cache_add_pairs(build, value->text, err);
    }
    return DFF_OK;
}

static void
dff_cache_build_release(dff_cache_build_t *build)
{
    dff_buf_release(&build->keys[0]);
    dff_buf_release(&build->keys[1]);
    dff_buf_release(&build->names);
    free(build->words);
}

/* --- answers ------------------------------------------------------------------------ */

static void
dff_cache_put_text(dff_buf_t *out, dff_str_t text)
{
    dff_buf_add_str(out, DFF_STR("\""));
    dff_buf_add_json_escaped(out, text);
    dff_buf_add_str(out, DFF_STR("\""));
}

/* What others have put there is no JSON, perhaps: then it is a text. */
static void
dff_cache_put_value(dff_buf_t *out, const redisReply *reply)
{
    dff_str_t text = { reply->str, (size_t) reply->len };

    if (reply->type != REDIS_REPLY_STRING)
        dff_buf_add_str(out, DFF_STR("null"));
    else if (dff_json_check(text, &text, NULL, NULL) == DFF_OK)
        dff_buf_add_str(out, text);
    else
        dff_cache_put_text(out, text);
}

static void
dff_cache_put_list(dff_buf_t *out, const redisReply *reply)
{
    size_t i;

    dff_buf_add_str(out, DFF_STR("["));
    for (i = 0; i < reply->elements; i++) {
        if (i > 0)
            dff_buf_add_str(out, DFF_STR(","));
        dff_cache_put_value(out, reply->element[i]);
    }
    dff_buf_add_str(out, DFF_STR("]"));
}

static void
dff_cache_put_dict(dff_buf_t *out, const redisReply *reply)
{
    size_t i;

    dff_buf_add_str(out, DFF_STR("{"));
    for (i = 0; i + 1 < reply->elements; i += 2) {
        const redisReply *name = reply->element[i];

        if (i > 0)
            dff_buf_add_str(out, DFF_STR(","));
        dff_cache_put_text(out, (dff_str_t) { name->str, (size_t) name->len });
        dff_buf_add_str(out, DFF_STR(":"));
        dff_cache_put_value(out, reply->element[i + 1]);
    }
    dff_buf_add_str(out, DFF_STR("}"));
}

static void
dff_cache_put_names(dff_buf_t *out, const redisReply *reply, const dff_service_value_t *pattern)
{
    const char *comma = "";
    size_t      i;

    dff_buf_add_str(out, DFF_STR("["));
    for (i = 0; i < reply->elements; i++) {
        dff_str_t name = { reply->element[i]->str, (size_t) reply->element[i]->len };

        if (pattern->given && !dff_glob_match(pattern->text, name))
            continue;
        dff_buf_add_str(out, dff_str_from(comma));
        dff_cache_put_text(out, name);
        comma = ",";
    }
    dff_buf_add_str(out, DFF_STR("]"));
}

/* Redis speaks of the words where they are wrong (a key of another type, a value that is
 * no number), else of itself (no memory, a replica). */
static int
dff_cache_refused(dff_service_call_t *call, const redisReply *reply)
{
    bool words = strncmp(reply->str, "WRONGTYPE ", 10) == 0 || strncmp(reply->str, "ERR ", 4) == 0;

    return dff_err_set(&call->err, words ? DFF_E_CLIENT_BAD_REQUEST : DFF_E_SYS_CACHE, "%s: %s",
                       call->op->fields.name, reply->str);
}

static int
dff_cache_put(dff_service_call_t *call, dff_cache_reply_t kind, const redisReply *reply)
{
    dff_buf_t *out = call->result;
    bool       flag;

    if (reply->type == REDIS_REPLY_ERROR)
        return dff_cache_refused(call, reply);
    switch (kind) {
    case REPLY_VALUE:
        dff_cache_put_value(out, reply);
        break;
    case REPLY_DONE:
    case REPLY_FLAG:
        flag = kind == REPLY_DONE ? reply->type != REDIS_REPLY_NIL : reply->integer != 0;
        dff_buf_add_str(out, flag ? DFF_STR("true") : DFF_STR("false"));
        break;
    case REPLY_NUMBER:
        dff_buf_addf(out, "%lld", reply->integer);
        break;
    case REPLY_LIST:
        dff_cache_put_list(out, reply);
        break;
    case REPLY_DICT:
        dff_cache_put_dict(out, reply);
        break;
    case REPLY_NAMES:
        dff_cache_put_names(out, reply, &call->values[ARG_1]);
        break;
    }
    return DFF_OK;
}

static int
dff_service_cache(dff_service_call_t *call)
{
    const dff_cache_command_t *command = call->op->how;
    dff_cache_build_t          build = { .values = call->values };
    redisReply                *reply = NULL;
    size_t                     i;
    int                        rc;

    if (command->without_1 != NULL && !call->values[ARG_1].given)
        command = command->without_1;
    rc = dff_cache_add(&build, dff_str_from(command->command), &call->err);
    for (i = 0; rc == DFF_OK && i < sizeof(command->words) / sizeof(command->words[0]); i++)
        rc = dff_cache_add_word(&build, &command->words[i], &call->err);
    if (rc == DFF_OK) {
        reply = dff_rcmd_run_words(call->api->rcmd, build.words, build.count, &call->err);
        rc = reply == NULL ? DFF_ERROR : dff_cache_put(call, command->reply, reply);
    }
    if (reply != NULL)
        freeReplyObject(reply);
    dff_cache_build_release(&build);
    return rc;
}

/* --- the table ------------------------------------------------------------------------ */

static const dff_cache_command_t dff_cache_hgetall = { "HGETALL", { KEY }, REPLY_DICT, NULL };

#define ROW(name, args, ...) \
    { DFF_SERVICE_FIELDS("cache." name, args), dff_service_cache, \
      &(const dff_cache_command_t) { __VA_ARGS__ } }

static const dff_service_op_t dff_service_cache_rows[] = {
    ROW("set", dff_cache_set_args, "SET",
        { KEY, TEXT(ARG_1), { WORD_OPTION_MS, ARG_2, "PX" }, { WORD_OPTION_FLAG, ARG_3, "NX" } },
        REPLY_DONE, NULL),
    ROW("get", dff_cache_key_args, "GET", { KEY }, REPLY_VALUE, NULL),
    ROW("getset", dff_cache_value_args, "GETSET", { KEY, TEXT(ARG_1) }, REPLY_VALUE, NULL),
    ROW("expire", dff_cache_expire_args, "PEXPIRE", { KEY, NUMBER(ARG_1) }, REPLY_FLAG, NULL),
    ROW("delete", dff_cache_key_args, "DEL", { KEY }, REPLY_FLAG, NULL),
    ROW("incr", dff_cache_step_args, "INCRBY", { KEY, NUMBER(ARG_1) }, REPLY_NUMBER, NULL),
    ROW("hkeys", dff_cache_pattern_args, "HKEYS", { KEY }, REPLY_NAMES, NULL),
    ROW("hget", dff_cache_hget_args, "HGET", { KEY, TEXT(ARG_1) }, REPLY_VALUE,
        &dff_cache_hgetall),
    ROW("hset", dff_cache_hset_args, "HSET", { KEY, TEXT(ARG_1), TEXT(ARG_2) }, REPLY_DONE, NULL),
    ROW("hmset", dff_cache_hmset_args, "HMSET", { KEY, { WORD_PAIRS, ARG_1, NULL } }, REPLY_DONE,
        NULL),
    ROW("hincr", dff_cache_hincr_args, "HINCRBY", { KEY, TEXT(ARG_1), NUMBER(ARG_2) },
        REPLY_NUMBER, NULL),
    ROW("hdel", dff_cache_field_args, "HDEL", { KEY, TEXT(ARG_1) }, REPLY_FLAG, NULL),
    ROW("lpush", dff_cache_value_args, "LPUSH", { KEY, TEXT(ARG_1) }, REPLY_NUMBER, NULL),
    ROW("rpush", dff_cache_value_args, "RPUSH", { KEY, TEXT(ARG_1) }, REPLY_NUMBER, NULL),
    ROW("lpop", dff_cache_key_args, "LPOP", { KEY }, REPLY_VALUE, NULL),
    ROW("rpop", dff_cache_key_args, "RPOP", { KEY }, REPLY_VALUE, NULL),
    ROW("llen", dff_cache_key_args, "LLEN", { KEY }, REPLY_NUMBER, NULL),
    ROW("lrange", dff_cache_range_args, "LRANGE", { KEY, NUMBER(ARG_1), NUMBER(ARG_2) },
        REPLY_LIST, NULL),
    ROW("ltrim", dff_cache_range_args, "LTRIM", { KEY, NUMBER(ARG_1), NUMBER(ARG_2) }, REPLY_DONE,
        NULL),
    ROW("rpoplpush", dff_cache_dest_args, "RPOPLPUSH", { KEY, { WORD_KEY, ARG_1, NULL } },
        REPLY_VALUE, NULL),
};

const dff_service_ops_t dff_service_cache_ops = DFF_SERVICE_OPS(dff_service_cache_rows);
