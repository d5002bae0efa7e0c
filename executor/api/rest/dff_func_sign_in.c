/*
 * Signing in through a published function with integration="signIn": it gets name and
 * password, and what it returns says who that is. Such a user has no row, only his sign-in
 * (dff_session.h). Attempts are limited as those of users with a password here.
 */
#include "api/rest/dff_routes.h"

#include <stdlib.h>

#include "dff_digest.h"
#include "api/http/dff_session.h"
#include "api/rest/dff_attempts.h"
#include "api/rest/dff_captcha.h"
#include "api/rest/dff_entity.h"
#include "store/dff_caller.h"
#include "store/dff_func.h"
#include "store/dff_password.h"

#include "dff_banned.h"

#define DFF_FUNC_SIGN_IN_LIMIT_S  30
#define DFF_FUNC_SIGN_IN_QUEUE    1         /* of functions that name none */
#define DFF_FUNC_SIGN_IN_PREFIX   "igu_"

static const dff_prop_t dff_func_sign_in_inner_props[] = {
    { "funcId", DFF_PROP_STR, DFF_OP_BODY, DFF_OP_BODY, .min = 1, .max = DFF_FUNC_ID_MAX,
      .about = "One of _INTEGRATED_SIGN_IN_FUNC of func-system-config" },
    { "username", DFF_PROP_STR, DFF_OP_BODY, DFF_OP_BODY, .min = 1, .max = 30 },
    { "password", DFF_PROP_STR, DFF_OP_BODY, DFF_OP_BODY, .min = 1, .max = DFF_PASSWORD_MAX },
};
static const dff_shape_t dff_func_sign_in_inner = DFF_SHAPE(dff_func_sign_in_inner_props);
static const dff_prop_t dff_func_sign_in_props[] = {
    DFF_CAPTCHA_PROPS,
    { "signIn", DFF_PROP_OBJECT, DFF_OP_BODY, DFF_OP_BODY, .shape = &dff_func_sign_in_inner },
};
static const dff_shape_t dff_func_sign_in_body = DFF_SHAPE(dff_func_sign_in_props);

typedef struct {            /* one that waits; in the arena */
    dff_str_t username;
    dff_str_t account;      /* of the attempts: no name of a user with a row is like it */
    char      prefix[sizeof(DFF_FUNC_SIGN_IN_PREFIX) + DFF_DIGEST_MD5_SIZE];    /* of ids */
} dff_func_sign_in_t;

/* --- what the function returned -------------------------------------------------------------- */

typedef enum { DFF_SIGNED_IN, DFF_SIGN_IN_DENIED, DFF_SIGN_IN_UNCLEAR } dff_verdict_t;


/* The member with the first of names that an object has, in whatever case. */
static const json_t *
dff_func_sign_in_member(const json_t *object, const char *const *names)
{
    const char *key;
    json_t     *value;

    for ( /* void */ ; *names != NULL; names++) {
        json_object_foreach((json_t *) (uintptr_t) object, key, value) {
            if (strcasecmp(key, *names) == 0)
                return value;
        }
    }
    return NULL;
}


/* A string or a number as text in the arena; data NULL: it is neither. */
static dff_str_t
dff_func_sign_in_text(dff_web_call_t *call, const json_t *value)
{
    char     *text;
    dff_str_t copy;

    if (json_is_string(value))
        return dff_str_from(dff_arena_copy(&call->arena, (dff_str_t) {
            json_string_value(value), json_string_length(value) }));
    text = json_is_number(value) ? json_dumps(value, JSON_ENCODE_ANY) : NULL;
    copy = text == NULL ? DFF_STR_NULL
        : dff_str_from(dff_arena_copy(&call->arena, dff_str_from(text)));
    free(text);
    return copy;
}


/* It comes into logs and records. */
static bool
dff_func_sign_in_is_id(dff_str_t text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char) text.data[i] < ' ' || text.data[i] == 0x7f)
            return false;
    }
    return text.len > 0;
}


/* *id: what tells this user from others of the function; *name: how he is shown. */
static dff_verdict_t
dff_func_sign_in_read(dff_web_call_t *call, const json_t *value, dff_str_t *id, dff_str_t *name)
{
    static const char *const ids[] = { "id", "uid", "userId", "user_id", NULL };
    static const char *const names[] = {
        "name", "title", "fullname", "full_name", "displayName", "display_name", "realName",
        "real_name", "showName", "show_name", NULL
    };
    const dff_func_sign_in_t *work = call->state;

    *id = *name = work->username;
    if (json_is_object(value)) {
        *id = dff_func_sign_in_text(call, dff_func_sign_in_member(value, ids));
        *name = dff_func_sign_in_text(call, dff_func_sign_in_member(value, names));
        *name = name->len == 0 ? work->username : *name;
    } else if (!json_is_true(value)) {
        *id = json_is_number(value) && json_number_value(value) == 0
            ? DFF_STR_NULL : dff_func_sign_in_text(call, value);
    }
    if (id->len == 0)
        return DFF_SIGN_IN_DENIED;
    return dff_func_sign_in_is_id(*id) ? DFF_SIGNED_IN : DFF_SIGN_IN_UNCLEAR;
}


static json_t *
dff_func_sign_in_value(const dff_reply_t *reply)
{
    if (reply->control.len > 0 || reply->body_type == DFF_BODY_RAW)
        return NULL;    /* an answer for a browser */
    return reply->body_type == DFF_BODY_TEXT
        ? json_stringn(reply->body.data, reply->body.len)
        : json_loadb(reply->body.data, reply->body.len, JSON_DECODE_ANY, NULL);
}

/* --- the answer ------------------------------------------------------------------------------ */

static int
dff_func_sign_in_accept(dff_web_call_t *call, dff_str_t id, dff_str_t name, dff_err_t *err)
{
    const dff_func_sign_in_t *work = call->state;
    dff_web_user_t            user = {
        .integrated = true, .username = work->username, .name = name,
    };
    char                      token[DFF_SESSION_TOKEN_SIZE];

    if (strlen(work->prefix) + id.len >= sizeof(user.id))
        return dff_err_set(err, DFF_E_FUNC_RESULT_PARSING_FAILED, "The sign-in function gave an "
                           "id of more than %zu bytes", sizeof(user.id) - strlen(work->prefix) - 1);
    (void) snprintf(user.id, sizeof(user.id), "%s%.*s", work->prefix, (int) id.len, id.data);
    dff_attempts_good(call, work->account);
    return dff_session_open(call, &user, token, err) != DFF_OK ? DFF_ERROR
        : dff_web_reply(call, json_pack("{s:s, s:s}", "userId", user.id, "xAuthToken", token),
                        err);
}


static int
dff_func_sign_in_decide(dff_web_call_t *call, const dff_reply_t *reply, dff_err_t *err)
{
    json_t       *value = dff_func_sign_in_value(reply);
    dff_str_t     id, name;
    dff_verdict_t verdict = value == NULL ? DFF_SIGN_IN_UNCLEAR
        : dff_func_sign_in_read(call, value, &id, &name);

    json_decref(value);
    if (verdict == DFF_SIGNED_IN)
        return dff_func_sign_in_accept(call, id, name, err);
    if (verdict == DFF_SIGN_IN_DENIED)
        return dff_web_refuse(call, err, DFF_E_FUNC_FAILED, "SignInFuncReturnedFalseOrNothing",
                              NULL, "The sign-in function does not know this user, or not with "
                              "this password");
    return dff_err_set(err, DFF_E_FUNC_RESULT_PARSING_FAILED, "What the sign-in function "
                       "returned names no user");
}


/* "text" of the "ValueError: text" that the description of an exception ends with. */
static int
dff_func_sign_in_raised(dff_web_call_t *call, const dff_reply_t *reply, dff_err_t *err)
{
    dff_str_t   etype = dff_member_text(&call->arena, reply->body, "etype");
    dff_err_t   told;
    const char *text, *prefix;

    (void) dff_caller_failed(reply, &told);
    text = strrchr(told.message, '\n');
    text = text == NULL ? told.message : text + 1;
    prefix = etype.len == 0 ? NULL : strstr(text, etype.data);
    if (prefix != NULL && prefix[etype.len] == ':' && prefix[etype.len + 1] == ' ')
        text = prefix + etype.len + 2;
    return dff_web_refuse(call, err, DFF_E_FUNC_FAILED, "SignInFuncRaisedException", NULL, "%s",
                          text);
}


static int
dff_func_sign_in_resume(dff_web_call_t *call, const dff_reply_t *reply, dff_err_t *err)
{
    if (reply == NULL && err->reason != DFF_E_API_TIMEOUT)
        return DFF_ERROR;
    if (reply == NULL || reply->status == DFF_STATUS_TIMEOUT
        || reply->status == DFF_STATUS_EXPIRED)
        return dff_web_refuse(call, err, DFF_E_FUNC_FAILED, "SignInFuncTimeout", NULL,
                              "The sign-in function took too long");
    return reply->status == DFF_STATUS_SUCCESS ? dff_func_sign_in_decide(call, reply, err)
                                               : dff_func_sign_in_raised(call, reply, err);
}

/* --- the call -------------------------------------------------------------------------------- */

/* Who is attempting what. */
static int
dff_func_sign_in_begin(dff_web_call_t *call, dff_str_t func_id, dff_str_t username,
    dff_func_sign_in_t *work, dff_err_t *err)
{
    char      digest[DFF_DIGEST_MD5_SIZE];
    dff_buf_t account = DFF_BUF_INIT;

    if (dff_digest_md5(digest, func_id, err) != DFF_OK)
        return DFF_ERROR;
    (void) snprintf(work->prefix, sizeof(work->prefix), DFF_FUNC_SIGN_IN_PREFIX "%s-", digest);
    work->username = username;
    dff_buf_add_str(&account, dff_str_from(work->prefix));
    dff_buf_add_str(&account, username);
    work->account = (dff_str_t) { dff_buf_failed(&account) ? NULL
        : dff_arena_copy(&call->arena, (dff_str_t) { account.data, account.len }), account.len };
    dff_buf_release(&account);
    return work->account.data != NULL ? DFF_OK : dff_err_set(err, DFF_E_SYS, "out of memory");
}


static int
dff_func_sign_in_kwargs(dff_web_call_t *call, dff_str_t username, dff_str_t password,
    dff_str_t *kwargs, dff_err_t *err)
{
    dff_buf_t out = DFF_BUF_INIT;

    dff_buf_add_str(&out, DFF_STR("{\"username\":"));
    dff_buf_add_json_string(&out, username);
    dff_buf_add_str(&out, DFF_STR(",\"password\":"));
    dff_buf_add_json_string(&out, password);
    dff_buf_add_str(&out, DFF_STR("}"));
    *kwargs = (dff_str_t) { dff_buf_failed(&out) ? NULL
        : dff_arena_copy(&call->arena, (dff_str_t) { out.data, out.len }), out.len };
    dff_buf_release(&out);
    return kwargs->data != NULL ? DFF_OK : dff_err_set(err, DFF_E_SYS, "out of memory");
}


/* Only functions that are meant for it: others would take whatever callers give them. */
static int
dff_func_sign_in_find(dff_web_call_t *call, dff_str_t func_id, dff_job_t *job, dff_err_t *err)
{
    const dff_config_t *cfg = call->web->api->cfg;
    dff_func_config_t   config;
    int                 timeout_s;

    if (dff_entity_hold(call, "SELECT seq FROM func WHERE id = ? AND integration = 'signIn'",
                        "func", func_id, err) != DFF_OK
        || dff_func_find(call->web->api->db, func_id.data, &config, &job->script_version, err)
           != DFF_OK)
        return DFF_ERROR;
    timeout_s = config.timeout_s > 0 ? config.timeout_s : (int) cfg->func_default_timeout_s;
    job->timeout_s = timeout_s < DFF_FUNC_SIGN_IN_LIMIT_S ? timeout_s : DFF_FUNC_SIGN_IN_LIMIT_S;
    job->queue = config.queue >= 0 ? config.queue : DFF_FUNC_SIGN_IN_QUEUE;
    job->max_memory_mb = config.max_memory_mb;
    job->func_id = func_id;
    job->origin = DFF_ORIGIN_INTEGRATION;
    return DFF_OK;
}


static int
dff_func_sign_in(dff_web_call_t *call, dff_err_t *err)
{
    dff_str_t           given = dff_member_value(call->req.body, "signIn");
    dff_str_t           func_id = dff_member_text(&call->arena, given, "funcId");
    dff_str_t           username = dff_member_text(&call->arena, given, "username");
    dff_str_t           password = dff_member_text(&call->arena, given, "password");
    dff_func_sign_in_t *work = dff_arena_alloc(&call->arena, sizeof(*work));
    dff_job_t           job = { .exec_mode = DFF_EXEC_SYNC };

    if (work == NULL || func_id.data == NULL || username.data == NULL || password.data == NULL)
        return dff_err_set(err, DFF_E_SYS, "out of memory");
    if (dff_func_sign_in_begin(call, func_id, username, work, err) != DFF_OK
        || dff_attempts_begin(call, work->account, DFF_CATEGORY_SIGN_IN, err) != DFF_OK
        || dff_func_sign_in_find(call, func_id, &job, err) != DFF_OK
        || dff_func_sign_in_kwargs(call, username, password, &job.kwargs, err) != DFF_OK)
        return DFF_ERROR;
    call->state = work;
    return dff_web_run(call, &job, DFF_FUNC_SIGN_IN_LIMIT_S * 1000, dff_func_sign_in_resume, err);
}


static const dff_endpoint_t dff_func_sign_in_rows[] = {
    { DFF_WEB_POST, "/api/v1/func/integration/sign-in", "Sign in through a function",
      DFF_SIGN_IN_NONE, .body = &dff_func_sign_in_body, .handler = dff_func_sign_in,
      .answer = &dff_answer_sign_in },
};

const dff_endpoint_group_t dff_func_sign_in_routes = DFF_ENDPOINTS(dff_func_sign_in_rows);
