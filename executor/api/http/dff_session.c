/* Sign-ins in Redis: see the header. */
#include "api/http/dff_session.h"

#include <stdlib.h>

#include "dff_digest.h"
#include "dff_keys.h"
#include "api/http/dff_web_query.h"

#include "dff_banned.h"

#define DFF_SESSION_TOKEN_MAX  256      /* bytes of what may be presented */


static int
dff_session_key(dff_key_t key, dff_str_t token, dff_err_t *err)
{
    char digest[DFF_DIGEST_SHA256_SIZE];

    if (dff_digest_sha256(digest, token, err) != DFF_OK) {
        return DFF_ERROR;
    }
    (void) dff_key_api(key, DFF_KEY_SESSION, dff_str_from(digest));
    return DFF_OK;
}


static int
dff_session_store(dff_web_call_t *call, dff_str_t token, const dff_web_user_t *user,
    dff_err_t *err)
{
    dff_key_t key;
    json_t   *entry = json_pack("{s:s, s:I}", "uid", user->id, "v",
                                (json_int_t) user->auth_version);
    char     *text;
    int       rc;

    if (user->integrated) {
        (void) json_object_update_new(entry, json_pack(
            "{s:b, s:s%, s:s%}", "ig", 1, "un", user->username.data, user->username.len,
            "nm", user->name.data, user->name.len));
    }
    text = json_dumps(entry, JSON_COMPACT);
    json_decref(entry);
    if (text == NULL) {
        return dff_err_set(err, DFF_E_SYS, "out of memory");
    }
    rc = dff_session_key(key, token, err);
    if (rc == DFF_OK) {
        rc = dff_rcmd_do(call->web->api->rcmd, err, "SET %s %s EX %d", key, text,
                         DFF_SESSION_EXPIRES_S);
    }
    free(text);
    return rc;
}


int
dff_session_open(dff_web_call_t *call, const dff_web_user_t *user,
    char token[DFF_SESSION_TOKEN_SIZE], dff_err_t *err)
{
    size_t len = dff_id_make(&call->web->api->ids, token, "xat-");

    if (len == 0 || len >= DFF_SESSION_TOKEN_SIZE) {
        return dff_err_set(err, DFF_E_SYS, "the kernel gives no random bytes");
    }
    return dff_session_store(call, (dff_str_t) { token, len }, user, err);
}


int
dff_session_renew(dff_web_call_t *call, dff_str_t token, const dff_web_user_t *user,
    dff_err_t *err)
{
    return dff_session_store(call, token, user, err);
}


int
dff_session_close(dff_web_call_t *call, dff_str_t token, dff_err_t *err)
{
    dff_key_t key;

    return dff_session_key(key, token, err) == DFF_OK
        ? dff_rcmd_do(call->web->api->rcmd, err, "DEL %s", key) : DFF_ERROR;
}


dff_str_t
dff_session_token(const dff_web_call_t *call)
{
    dff_str_t token = dff_web_header(&call->req, "HTTP_X_DFF_AUTH_TOKEN");

    if (token.len > 0) {
        return token;
    }
    /* For links and images, which cannot have a header; they change nothing. */
    if (call->req.method != DFF_WEB_GET || call->endpoint == NULL
        || dff_privilege_writes(call->endpoint->privilege))
    {
        return DFF_STR_NULL;
    }
    return dff_web_query(&call->req, DFF_WEB_QUERY_TOKEN);
}


/* The entry's text, NULL when there is none; the caller frees it. */
static redisReply *
dff_session_get(dff_web_call_t *call, const char *key, dff_err_t *err)
{
    dff_rcmd_t *rcmd = call->web->api->rcmd;
    redisReply *reply, *renewed;

    if (dff_rcmd_append(rcmd, err, "GET %s", key) != DFF_OK
        || dff_rcmd_append(rcmd, err, "EXPIRE %s %d", key, DFF_SESSION_EXPIRES_S) != DFF_OK)
    {
        return NULL;
    }
    reply = dff_rcmd_next(rcmd, err);
    if (reply == NULL) {
        return NULL;
    }
    renewed = dff_rcmd_next(rcmd, err);
    if (renewed == NULL) {
        freeReplyObject(reply);
        return NULL;
    }
    freeReplyObject(renewed);
    if (reply->type != REDIS_REPLY_STRING) {
        freeReplyObject(reply);
        dff_err_set(err, DFF_E_USER_AUTH, "The sign-in has expired");
        return NULL;
    }
    return reply;
}


static int
dff_session_integrated(dff_web_call_t *call, const json_t *entry, dff_err_t *err)
{
    dff_web_user_t *user = &call->user;
    const char     *username = json_string_value(json_object_get(entry, "un"));
    const char     *name = json_string_value(json_object_get(entry, "nm"));

    user->username = dff_str_from(dff_arena_copy(&call->arena, dff_str_from(username)));
    user->name = dff_str_from(dff_arena_copy(&call->arena, dff_str_from(name)));
    if (user->username.data == NULL || user->name.data == NULL) {
        return dff_err_set(err, DFF_E_SYS, "out of memory");
    }
    user->integrated = true;
    user->roles = DFF_STR("user");
    user->custom_privileges = DFF_STR("systemConfig_r");
    return DFF_OK;
}


static int
dff_session_user(dff_web_call_t *call, const json_t *entry, dff_err_t *err)
{
    dff_web_user_t *user = &call->user;
    const char     *uid = json_string_value(json_object_get(entry, "uid"));
    int             rc;

    if (uid == NULL || strlen(uid) >= sizeof(user->id)) {
        return dff_err_set(err, DFF_E_USER_AUTH, "The sign-in cannot be read");
    }
    if (json_is_true(json_object_get(entry, "ig"))) {
        rc = dff_session_integrated(call, entry, err);
    } else {
        rc = dff_web_user_read(user, &call->arena, call->web->api->db, dff_str_from(uid), err);
        if (rc != DFF_OK && err->reason == DFF_E_CLIENT_NOT_FOUND) {
            return dff_err_set(err, DFF_E_USER_AUTH, "The user does not exist any more");
        }
        if (rc == DFF_OK
            && (user->is_disabled || user->auth_version
                != json_integer_value(json_object_get(entry, "v"))))
        {
            user->id[0] = '\0';
            return dff_err_set(err, DFF_E_USER_AUTH, "The sign-in is over: the user was changed");
        }
    }
    if (rc == DFF_OK) {
        memcpy(user->id, uid, strlen(uid) + 1);
        user->by = DFF_AUTH_BY_TOKEN;
    }
    return rc;
}


int
dff_session_find(dff_web_call_t *call, dff_str_t token, dff_err_t *err)
{
    redisReply *reply;
    json_t     *entry;
    dff_key_t   key;
    int         rc;

    if (token.len > DFF_SESSION_TOKEN_MAX) {
        return dff_err_set(err, DFF_E_USER_AUTH, "The token is none of ours");
    }
    if (dff_session_key(key, token, err) != DFF_OK) {
        return DFF_ERROR;
    }
    reply = dff_session_get(call, key, err);
    if (reply == NULL) {
        return DFF_ERROR;
    }
    entry = json_loadb(reply->str, reply->len, 0, NULL);
    freeReplyObject(reply);
    rc = dff_session_user(call, entry, err);
    json_decref(entry);
    return rc;
}
