/* Replies as JSON of a column: see the header. */
#include "store/dff_task_value.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include "dff_form.h"
#include "dff_json.h"

#include "dff_banned.h"

static const char *const dff_task_value_types[DFF_BODY_COUNT] = {
    [DFF_BODY_JSON] = "json", [DFF_BODY_TEXT] = "text", [DFF_BODY_RAW] = "raw",
};


static void
dff_task_value_add_string(dff_buf_t *out, dff_str_t text)
{
    dff_buf_add_str(out, DFF_STR("\""));
    dff_buf_add_json_escaped(out, text);
    dff_buf_add_str(out, DFF_STR("\""));
}


static void
dff_task_value_add_base64(dff_buf_t *out, dff_str_t bytes)
{
    size_t size = (bytes.len + 2) / 3 * 4;
    char  *room = dff_buf_reserve(out, size + 1);

    if (room != NULL) {
        out->len += (size_t) EVP_EncodeBlock((unsigned char *) room,
                                             (const unsigned char *) bytes.data, (int) bytes.len);
    }
}


void
dff_task_value_write(dff_buf_t *out, const dff_reply_t *reply)
{
    dff_buf_addf(out, "{\"status\":\"%s\",\"type\":\"%s\",\"startedAt\":%" PRId64 ",\"endedAt\":%"
                 PRId64, dff_status_name(reply->status), dff_task_value_types[reply->body_type],
                 reply->started_at_ms, reply->ended_at_ms);
    if (reply->control.len > 0) {
        dff_buf_add_str(out, DFF_STR(",\"control\":"));
        dff_buf_add_str(out, reply->control);
    }
    if (reply->body_type == DFF_BODY_JSON) {
        dff_buf_add_str(out, DFF_STR(",\"raw\":"));
        dff_buf_add_str(out, reply->body);
    } else if (dff_form_is_utf8(reply->body)) {
        dff_buf_add_str(out, DFF_STR(",\"raw\":"));
        dff_task_value_add_string(out, reply->body);
    } else {
        dff_buf_add_str(out, DFF_STR(",\"raw64\":\""));
        dff_task_value_add_base64(out, reply->body);
        dff_buf_add_str(out, DFF_STR("\""));
    }
    dff_buf_add_str(out, DFF_STR("}"));
}


/* The position of text among names; -1: it is none of them. */
static int
dff_task_value_name(dff_str_t value, const char *const *names, int count)
{
    dff_str_t text;

    if (dff_json_plain_string(value, &text) != DFF_OK) {
        return -1;
    }
    for (int i = 0; i < count; i++) {
        if (dff_str_eq(text, dff_str_from(names[i]))) {
            return i;
        }
    }
    return -1;
}


static int
dff_task_value_take(const dff_json_member_t *member, dff_reply_t *reply)
{
    int name = 0, rc = DFF_OK;

    if (dff_str_eq(member->key, DFF_STR("status"))) {
        name = dff_task_value_name(member->value, dff_statuses, DFF_STATUS_COUNT);
        reply->status = (dff_status_t) name;
    } else if (dff_str_eq(member->key, DFF_STR("type"))) {
        name = dff_task_value_name(member->value, dff_task_value_types, DFF_BODY_COUNT);
        reply->body_type = (dff_body_type_t) name;
    } else if (dff_str_eq(member->key, DFF_STR("startedAt"))) {
        rc = dff_json_int64(member->value, &reply->started_at_ms);
    } else if (dff_str_eq(member->key, DFF_STR("endedAt"))) {
        rc = dff_json_int64(member->value, &reply->ended_at_ms);
    } else if (dff_str_eq(member->key, DFF_STR("control"))
               && member->type == DFF_JSON_OBJECT)
    {
        reply->control = member->value;
    }
    return name == -1 ? DFF_ERROR : rc;
}


/* Behind the members of the head: ,"raw":<text>} or ,"raw64":"…"}. */
static int
dff_task_value_body(dff_str_t tail, dff_reply_t *reply, bool *coded)
{
    static const dff_str_t names[] = { DFF_STR(",\"raw\":"), DFF_STR(",\"raw64\":") };

    for (int i = 0; i < 2; i++) {
        if (tail.len > names[i].len && memcmp(tail.data, names[i].data, names[i].len) == 0
            && tail.data[tail.len - 1] == '}')
        {
            reply->body = (dff_str_t) { tail.data + names[i].len, tail.len - names[i].len - 1 };
            *coded = i == 1;
            return DFF_OK;
        }
    }
    return DFF_ERROR;
}


/* What stands between the quotes, as bytes in room, which is as long as the text. */
static int
dff_task_value_decode(dff_reply_t *reply, bool coded, char *room)
{
    dff_str_t text = reply->body;
    int       len, pad = 0;

    if (text.len < 2 || text.data[0] != '"' || text.data[text.len - 1] != '"') {
        return DFF_ERROR;
    }
    text = (dff_str_t) { text.data + 1, text.len - 2 };
    if (!coded) {
        if (dff_json_check(reply->body, NULL, NULL, NULL) != DFF_OK) {
            return DFF_ERROR;
        }
        reply->body = (dff_str_t) { room, dff_json_unescape(text, room) };
        return DFF_OK;
    }
    while (pad < 2 && (size_t) pad < text.len && text.data[text.len - 1 - (size_t) pad] == '=') {
        pad++;
    }
    len = EVP_DecodeBlock((unsigned char *) room, (const unsigned char *) text.data,
                          (int) text.len);
    if (len < pad) {
        return DFF_ERROR;
    }
    reply->body = (dff_str_t) { room, (size_t) (len - pad) };
    return DFF_OK;
}


int
dff_task_value_read(dff_str_t json, dff_str_t id, dff_buf_t *out, dff_err_t *err)
{
    dff_reply_t       reply = { .id = id };
    dff_json_object_t it;
    dff_json_member_t member;
    bool              coded = false;
    char             *room = malloc(json.len + 1), *to;
    int               rc = room == NULL ? DFF_ERROR : dff_json_object_open(&it, json);
    dff_str_t         tail = { NULL, 0 };

    /* up to the body, whose depth this reader may not allow */
    while (rc == DFF_OK) {
        tail = (dff_str_t) { it.at, (size_t) (it.end - it.at) };
        if (dff_task_value_body(tail, &reply, &coded) == DFF_OK
            || dff_json_object_next(&it, &member, NULL) != 1)
        {
            break;
        }
        rc = dff_task_value_take(&member, &reply);
    }
    if (rc == DFF_OK) {
        rc = reply.body.data == NULL ? DFF_ERROR
             : reply.body_type == DFF_BODY_JSON ? DFF_OK
             : dff_task_value_decode(&reply, coded, room);
    }
    if (rc == DFF_OK) {
        to = dff_buf_reserve(out, dff_reply_size(&reply));
        rc = to == NULL ? DFF_ERROR : DFF_OK;
        if (rc == DFF_OK) {
            out->len += (size_t) (dff_reply_write(to, &reply) - to);
        }
    }
    free(room);
    return rc == DFF_OK ? DFF_OK
        : dff_err_set(err, DFF_E_FUNC_RESULT_PARSING_FAILED, "the saved result of %.*s cannot be "
                      "read", (int) id.len, id.data);
}
