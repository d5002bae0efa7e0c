/* Frames and requests of the services socket: see the header. */
#include "api/dff_service_request.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "dff_json.h"

#include "dff_banned.h"

#define DFF_SERVICE_OK   "{\"ok\":true,\"result\":"
#define DFF_SERVICE_OP   DFF_STR("op")

/* --- frames ------------------------------------------------------------------ */

static void
dff_service_put_head(char *at, size_t size)
{
    at[0] = (char) (size >> 24);
    at[1] = (char) (size >> 16);
    at[2] = (char) (size >> 8);
    at[3] = (char) size;
}

int
dff_service_frame(dff_str_t bytes, dff_str_t *json, size_t *size, dff_err_t *err)
{
    const unsigned char *head = (const unsigned char *) bytes.data;

    *size = 0;
    if (bytes.len < DFF_SERVICE_HEAD)
        return 0;
    *size = ((size_t) head[0] << 24) | ((size_t) head[1] << 16) | ((size_t) head[2] << 8) | head[3];
    if (*size > DFF_SERVICE_FRAME_MAX)
        return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST, "a request of %zu bytes; the limit is %u",
                           *size, DFF_SERVICE_FRAME_MAX);
    if (bytes.len - DFF_SERVICE_HEAD < *size)
        return 0;
    *json = (dff_str_t) { bytes.data + DFF_SERVICE_HEAD, *size };
    return 1;
}

size_t
dff_service_answer_begin(dff_buf_t *out)
{
    size_t begin = out->len;

    dff_buf_add(out, "\0\0\0\0", DFF_SERVICE_HEAD);
    dff_buf_add_str(out, DFF_STR(DFF_SERVICE_OK));
    return begin;
}

static int
dff_service_frame_end(dff_buf_t *out, size_t begin, dff_err_t *err)
{
    size_t size;

    if (dff_buf_failed(out))
        return dff_err_set(err, DFF_E_SYS, "out of memory for an answer");
    size = out->len - begin - DFF_SERVICE_HEAD;
    if (size > DFF_SERVICE_FRAME_MAX) {
        out->len = begin;
        return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST, "the answer has %zu bytes; the limit is "
                           "%u", size, DFF_SERVICE_FRAME_MAX);
    }
    dff_service_put_head(out->data + begin, size);
    return DFF_OK;
}

int
dff_service_answer_end(dff_buf_t *out, size_t begin, dff_err_t *err)
{
    dff_buf_add_str(out, DFF_STR("}"));
    return dff_service_frame_end(out, begin, err);
}

void
dff_service_answer_error(dff_buf_t *out, const char *error, const char *message)
{
    size_t begin = out->len;

    dff_buf_add(out, "\0\0\0\0", DFF_SERVICE_HEAD);
    dff_buf_addf(out, "{\"ok\":false,\"error\":\"%s\",\"message\":\"", error);
    dff_buf_add_json_escaped(out, dff_str_from(message));
    dff_buf_add_str(out, DFF_STR("\"}"));
    (void) dff_service_frame_end(out, begin, NULL);      /* a message is short */
}

/* --- values ------------------------------------------------------------------- */

typedef struct {            /* a member on its way into a value */
    dff_service_request_t   *request;
    const dff_service_arg_t *arg;
    dff_service_value_t     *value;
    dff_json_member_t        member;
} dff_service_take_t;

static int
dff_service_bad(const dff_service_take_t *take, dff_err_t *err, const char *rule)
{
    dff_str_t got = take->member.value;

    return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST, "%s: \"%s\" must be %s, got %.*s%s",
                       take->request->fields->name, take->arg->name, rule,
                       (int) (got.len > 64 ? 64 : got.len), got.data, got.len > 64 ? "…" : "");
}

static int64_t
dff_service_characters(dff_str_t text)
{
    int64_t count = 0;
    size_t  i;

    for (i = 0; i < text.len; i++)
        count += ((unsigned char) text.data[i] & 0xc0) != 0x80;
    return count;
}

/* texts has had its room reserved: it does not move. */
static dff_str_t
dff_service_unescape(dff_service_request_t *request, dff_str_t quoted)
{
    dff_str_t raw = { quoted.data + 1, quoted.len - 2 };
    char     *at = request->texts.data + request->texts.len;
    size_t    len = dff_json_unescape(raw, at);

    at[len] = '\0';
    request->texts.len += len + 1;
    return (dff_str_t) { at, len };
}

static int
dff_service_take_text(dff_service_take_t *take, dff_err_t *err)
{
    int64_t count;

    if (take->member.type != DFF_JSON_STRING)
        return dff_service_bad(take, err, "a string");
    take->value->text = dff_service_unescape(take->request, take->member.value);
    count = dff_service_characters(take->value->text);
    if (count < take->arg->min || count > take->arg->max)
        return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST, "%s: \"%s\" must have %lld to %lld "
                           "characters, it has %lld", take->request->fields->name,
                           take->arg->name, (long long) take->arg->min,
                           (long long) take->arg->max, (long long) count);
    return DFF_OK;
}

static int
dff_service_take_int(dff_service_take_t *take, dff_err_t *err)
{
    if (take->member.type != DFF_JSON_NUMBER
        || dff_json_int64(take->member.value, &take->value->number) != DFF_OK)
        return dff_service_bad(take, err, "an integer of 64 bits");
    if (take->value->number < take->arg->min || take->value->number > take->arg->max)
        return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST, "%s: \"%s\" must be %lld to %lld, got "
                           "%lld", take->request->fields->name, take->arg->name,
                           (long long) take->arg->min, (long long) take->arg->max,
                           (long long) take->value->number);
    return DFF_OK;
}

static int
dff_service_take_seconds(dff_service_take_t *take, dff_err_t *err)
{
    char   text[64];
    double seconds;

    if (take->member.type != DFF_JSON_NUMBER || take->member.value.len >= sizeof(text))
        return dff_service_bad(take, err, "a number of seconds above 0");
    memcpy(text, take->member.value.data, take->member.value.len);
    text[take->member.value.len] = '\0';
    seconds = strtod(text, NULL);
    if (!(seconds > 0 && seconds <= (double) take->arg->max))
        return dff_service_bad(take, err, "a number of seconds above 0 and of some years at most");
    take->value->number = (int64_t) ceil(seconds * 1000);
    return DFF_OK;
}

static int
dff_service_take_bool(dff_service_take_t *take, dff_err_t *err)
{
    if (take->member.type != DFF_JSON_TRUE && take->member.type != DFF_JSON_FALSE)
        return dff_service_bad(take, err, "true or false");
    take->value->number = take->member.type == DFF_JSON_TRUE;
    return DFF_OK;
}

static int
dff_service_take_value(dff_service_take_t *take, dff_err_t *err)
{
    if (take->arg->type == DFF_SERVICE_OBJECT && take->member.type != DFF_JSON_OBJECT)
        return dff_service_bad(take, err, "an object");
    if (take->arg->type == DFF_SERVICE_LIST && take->member.type != DFF_JSON_ARRAY)
        return dff_service_bad(take, err, "a list");
    take->value->text = take->member.value;
    return DFF_OK;
}

static int (*const dff_service_takers[])(dff_service_take_t *, dff_err_t *) = {
    [DFF_SERVICE_TEXT] = dff_service_take_text,
    [DFF_SERVICE_INT] = dff_service_take_int,
    [DFF_SERVICE_SECONDS] = dff_service_take_seconds,
    [DFF_SERVICE_BOOL] = dff_service_take_bool,
    [DFF_SERVICE_VALUE] = dff_service_take_value,
    [DFF_SERVICE_OBJECT] = dff_service_take_value,
    [DFF_SERVICE_LIST] = dff_service_take_value,
};

/* --- requests ------------------------------------------------------------------- */

static int
dff_service_not_json(const dff_json_fail_t *fail, dff_err_t *err)
{
    return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST, "a request that is no JSON object: %s at "
                       "byte %zu", fail->what, fail->offset);
}

static int
dff_service_find_op(dff_str_t json, dff_service_find_fn find,
    const dff_service_fields_t **fields, dff_err_t *err)
{
    dff_json_object_t it;
    dff_json_member_t member;
    dff_json_fail_t   fail = { .what = "expected an object" };
    dff_str_t         op = DFF_STR_NULL;
    int               rc;

    /* Mostly the first member; a second one is found by who takes them. */
    rc = dff_json_object_open(&it, json);
    while (rc != DFF_ERROR && op.data == NULL
           && (rc = dff_json_object_next(&it, &member, &fail)) == 1) {
        if (!dff_str_eq(member.key, DFF_SERVICE_OP))
            continue;
        if (member.type != DFF_JSON_STRING || dff_json_plain_string(member.value, &op) != DFF_OK)
            return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST, "\"op\" must be a plain string");
    }
    if (rc == DFF_ERROR)
        return dff_service_not_json(&fail, err);
    if (op.data == NULL)
        return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST, "\"op\" is missing");
    *fields = find(op);
    if (*fields == NULL)
        return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST, "there is no operation \"%.*s\"",
                           (int) (op.len > 64 ? 64 : op.len), op.data);
    return DFF_OK;
}

static int
dff_service_take(dff_service_request_t *request, const dff_json_member_t *member, dff_err_t *err)
{
    const dff_service_fields_t *fields = request->fields;
    dff_service_take_t          take = { .request = request, .member = *member };
    size_t                      i;

    if (dff_str_eq(member->key, DFF_SERVICE_OP)) {
        if (request->has_op)
            return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST, "\"op\" is given twice");
        request->has_op = true;
        return DFF_OK;
    }
    for (i = 0; i < fields->nargs; i++) {
        if (dff_str_eq(member->key, dff_str_from(fields->args[i].name)))
            break;
    }
    if (i == fields->nargs)
        return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST, "%s: unknown field \"%.*s\"",
                           fields->name, (int) (member->key.len > 64 ? 64 : member->key.len),
                           member->key.data);
    take.arg = &fields->args[i];
    take.value = &request->values[i];
    if (take.value->given)
        return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST, "%s: \"%s\" is given twice",
                           fields->name, take.arg->name);
    if (member->type == DFF_JSON_NULL && (take.arg->flags & DFF_SERVICE_OPTIONAL) != 0)
        return DFF_OK;
    take.value->given = true;
    return dff_service_takers[take.arg->type](&take, err);
}

int
dff_service_request_read(dff_service_request_t *request, dff_str_t json,
    dff_service_find_fn find, dff_err_t *err)
{
    dff_json_object_t it;
    dff_json_member_t member;
    dff_json_fail_t   fail;
    size_t            i;
    int               rc;

    *request = (dff_service_request_t) { .texts = DFF_BUF_INIT };
    if (dff_service_find_op(json, find, &request->fields, err) != DFF_OK)
        return DFF_ERROR;
    /* No text is longer than its quoted form, which has room for the NUL. */
    if (dff_buf_reserve(&request->texts, json.len) == NULL)
        return dff_err_set(err, DFF_E_SYS, "out of memory for a request");

    rc = dff_json_object_open(&it, json);
    while (rc != DFF_ERROR && (rc = dff_json_object_next(&it, &member, &fail)) == 1) {
        if (dff_service_take(request, &member, err) != DFF_OK)
            return DFF_ERROR;
    }
    if (rc == DFF_ERROR)
        return dff_service_not_json(&fail, err);
    for (i = 0; i < request->fields->nargs; i++) {
        const dff_service_arg_t *arg = &request->fields->args[i];

        if (!request->values[i].given && (arg->flags & DFF_SERVICE_OPTIONAL) == 0)
            return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST, "%s: \"%s\" is missing",
                               request->fields->name, arg->name);
    }
    return DFF_OK;
}

void
dff_service_request_release(dff_service_request_t *request)
{
    dff_buf_release(&request->texts);
}
