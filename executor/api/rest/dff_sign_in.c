/*
 * Signing in and out, one's own password and profile. Runs in the api processes.
 */
#include "api/rest/dff_routes.h"

#include <openssl/crypto.h>

#include "api/http/dff_session.h"
#include "api/rest/dff_attempts.h"
#include "api/rest/dff_captcha.h"
#include "api/rest/dff_entity.h"
#include "store/dff_password.h"

#include "dff_banned.h"

/* A hash that no password has, so that an unknown name takes as long as a known one. */
#define DFF_SIGN_IN_NO_HASH \
    "$y$j9T$qFPegWi2J0ludFoC$Vy7d4lLLijsoT7i4g5tOzH1VWXecxt85hzKSMie8vF0"

static const char *const dff_categories[] = {
    DFF_CATEGORY_SIGN_IN, DFF_CATEGORY_CHANGE_PASSWORD, NULL
};

static const dff_prop_t dff_captcha_query_props[] = {
    { "captchaCategory", DFF_PROP_STR, DFF_OP_BODY, DFF_OP_BODY, .names = dff_categories },
    { "captchaToken", DFF_PROP_STR, DFF_OP_BODY, DFF_OP_BODY, .max = DFF_CAPTCHA_TOKEN_MAX,
      .about = "Any text of the client's own; it belongs to one image" },
};
static const dff_shape_t dff_captcha_query = DFF_SHAPE(dff_captcha_query_props);

static const dff_prop_t dff_sign_in_inner_props[] = {
    { "username", DFF_PROP_STR, DFF_OP_BODY, DFF_OP_BODY, .min = 1, .max = 30 },
    { "password", DFF_PROP_STR, DFF_OP_BODY, DFF_OP_BODY, .min = 1, .max = DFF_PASSWORD_MAX },
};
static const dff_shape_t dff_sign_in_inner = DFF_SHAPE(dff_sign_in_inner_props);
static const dff_prop_t dff_sign_in_props[] = {
    DFF_CAPTCHA_PROPS,
    { "signIn", DFF_PROP_OBJECT, DFF_OP_BODY, DFF_OP_BODY, .shape = &dff_sign_in_inner },
};
static const dff_shape_t dff_sign_in_body = DFF_SHAPE(dff_sign_in_props);

static const dff_prop_t dff_change_password_inner_props[] = {
    { "oldPassword", DFF_PROP_STR, DFF_OP_BODY, DFF_OP_BODY, .min = 1, .max = DFF_PASSWORD_MAX },
    { "newPassword", DFF_PROP_STR, DFF_OP_BODY, DFF_OP_BODY, .min = 1, .max = DFF_PASSWORD_MAX },
};
static const dff_shape_t dff_change_password_inner = DFF_SHAPE(dff_change_password_inner_props);
static const dff_prop_t dff_change_password_props[] = {
    DFF_CAPTCHA_PROPS,
    { "changePassword", DFF_PROP_OBJECT, DFF_OP_BODY, DFF_OP_BODY,
      .shape = &dff_change_password_inner },
};
static const dff_shape_t dff_change_password_body = DFF_SHAPE(dff_change_password_props);

static const dff_prop_t dff_profile_inner_props[] = {
    { "name", DFF_PROP_STR, DFF_OP_BODY, .max = 50 },
    { "mobile", DFF_PROP_STR, DFF_OP_BODY, .nullable = true, .max = 20 },
};
static const dff_shape_t dff_profile_inner = DFF_SHAPE(dff_profile_inner_props);
static const dff_prop_t dff_profile_props[] = {
    { "data", DFF_PROP_OBJECT, DFF_OP_BODY, DFF_OP_BODY, .shape = &dff_profile_inner },
};
static const dff_shape_t dff_profile_body = DFF_SHAPE(dff_profile_props);


/* Compares a password of the request with a user's hash, or with none. */
static bool
dff_sign_in_matches(dff_str_t password, const dff_db_rows_t *rows, size_t column)
{
    dff_str_t hash = rows->nrows == 0 ? DFF_STR_NULL : dff_db_cell(rows, 0, column);
    bool      same;

    same = dff_password_matches(password.data, hash.len == 0 ? DFF_SIGN_IN_NO_HASH : hash.data);
    OPENSSL_cleanse((void *) (uintptr_t) password.data, password.len);
    return same && hash.len > 0;
}


static int
dff_sign_in_check(dff_web_call_t *call, dff_str_t username, dff_str_t password,
    dff_web_user_t *user, dff_err_t *err)
{
    dff_db_value_t values[] = { DFF_DB_VALUE_TEXT(username) };
    dff_db_rows_t  rows;
    int            rc;

    if (dff_db_query(call->web->api->db, "SELECT id, passwordHash FROM user WHERE username = ?",
                     DFF_DB_ARGS(values), &rows, err) != DFF_OK)
    {
        return DFF_ERROR;
    }
    rc = dff_sign_in_matches(password, &rows, 1)
        ? dff_web_user_read(user, &call->arena, call->web->api->db, dff_db_cell(&rows, 0, 0), err)
        : dff_err_set(err, DFF_E_USER_PASSWORD, "%s", dff_err_row(DFF_E_USER_PASSWORD)->message);
    dff_db_rows_release(&rows);
    if (rc == DFF_OK && user->is_disabled) {
        rc = dff_err_set(err, DFF_E_USER_DISABLED, "%s",
                         dff_err_row(DFF_E_USER_DISABLED)->message);
    }
    return rc;
}


static int
dff_sign_in(dff_web_call_t *call, dff_err_t *err)
{
    dff_str_t      given = dff_member_value(call->req.body, "signIn");
    dff_str_t      username = dff_member_text(&call->arena, given, "username");
    dff_str_t      password = dff_member_text(&call->arena, given, "password");
    dff_web_user_t user = { .id = "" };
    char           token[DFF_SESSION_TOKEN_SIZE];

    if (username.data == NULL || password.data == NULL) {
        return dff_err_set(err, DFF_E_SYS, "out of memory");
    }
    if (dff_attempts_begin(call, username, DFF_CATEGORY_SIGN_IN, err) != DFF_OK
        || dff_sign_in_check(call, username, password, &user, err) != DFF_OK)
    {
        return DFF_ERROR;
    }
    dff_attempts_good(call, username);
    return dff_session_open(call, &user, token, err) != DFF_OK ? DFF_ERROR
        : dff_web_reply(call, json_pack("{s:s, s:s}", "userId", user.id, "xAuthToken", token),
                        err);
}


static int
dff_sign_out(dff_web_call_t *call, dff_err_t *err)
{
    dff_str_t token = dff_session_token(call);

    return token.len == 0 ? DFF_OK : dff_session_close(call, token, err);
}


static int
dff_change_password(dff_web_call_t *call, dff_err_t *err)
{
    dff_db_t      *db = call->web->api->db;
    dff_str_t      given = dff_member_value(call->req.body, "changePassword");
    dff_str_t      before = dff_member_text(&call->arena, given, "oldPassword");
    dff_str_t      after = dff_member_text(&call->arena, given, "newPassword");
    dff_str_t      id = dff_str_from(call->user.id);
    char           hash[DFF_PASSWORD_HASH_SIZE];
    dff_db_value_t values[2] = { DFF_DB_VALUE_TEXT(id), DFF_DB_VALUE_TEXT(id) };
    dff_db_rows_t  rows;
    bool           same;

    if (call->user.integrated) {
        return dff_err_set(err, DFF_E_USER_PRIVILEGE, "A user of a sign-in function has no "
                           "password here");
    }
    if (before.data == NULL || after.data == NULL) {
        return dff_err_set(err, DFF_E_SYS, "out of memory");
    }
    if (dff_attempts_begin(call, id, DFF_CATEGORY_CHANGE_PASSWORD, err) != DFF_OK
        || dff_db_query(db, "SELECT passwordHash FROM user WHERE id = ?", values, 1, &rows, err)
           != DFF_OK)
    {
        return DFF_ERROR;
    }
    same = dff_sign_in_matches(before, &rows, 0);
    dff_db_rows_release(&rows);
    if (!same) {
        return dff_err_set(err, DFF_E_USER_PASSWORD, "The old password is wrong");
    }
    dff_attempts_good(call, id);
    if (dff_password_hash(hash, after.data, err) != DFF_OK) {
        return DFF_ERROR;
    }
    values[0] = DFF_DB_VALUE_TEXT(dff_str_from(hash));
    if (dff_db_exec(db, "UPDATE user SET passwordHash = ?, authVersion = authVersion + 1"
                        " WHERE id = ?", DFF_DB_ARGS(values), NULL, err) != DFF_OK
        || dff_web_user_read(&call->user, &call->arena, db, id, err) != DFF_OK)
    {
        return DFF_ERROR;
    }
    /* All other sign-ins are over with it; this one goes on. */
    return dff_session_renew(call, dff_session_token(call), &call->user, err);
}


static int
dff_profile_modify(dff_web_call_t *call, dff_err_t *err)
{
    dff_str_t         data = dff_web_data(call);
    dff_json_member_t member;
    dff_db_value_t    values[5];
    bool              has_name = dff_member_get(data, "name", &member);
    bool              has_mobile = dff_member_get(data, "mobile", &member);

    if (call->user.integrated) {
        return dff_err_set(err, DFF_E_USER_PRIVILEGE, "A user of a sign-in function has no "
                           "profile here");
    }
    values[0] = DFF_DB_VALUE_INT(has_name);
    values[1] = DFF_DB_VALUE_TEXT_OR_NULL(dff_member_text(&call->arena, data, "name"));
    values[2] = DFF_DB_VALUE_INT(has_mobile);
    values[3] = DFF_DB_VALUE_TEXT_OR_NULL(dff_member_text(&call->arena, data, "mobile"));
    values[4] = DFF_DB_VALUE_TEXT(dff_str_from(call->user.id));
    if (dff_db_exec(call->web->api->db, "UPDATE user SET name = IF(?, ?, name),"
                    " mobile = IF(?, ?, mobile) WHERE id = ?", DFF_DB_ARGS(values), NULL, err)
        != DFF_OK)
    {
        return DFF_ERROR;
    }
    return dff_web_reply(call, json_string(call->user.id), err);
}


static int
dff_profile_get(dff_web_call_t *call, dff_err_t *err)
{
    const dff_web_user_t *user = &call->user;

    if (!user->integrated) {
        return dff_entity_profile(call, err);
    }
    return dff_web_reply(call, json_pack(
        "{s:b, s:n, s:i, s:s, s:s, s:s, s:[s], s:[s], s:b}", "isSignedIn", 1, "error", "seq", 0,
        "id", user->id, "username", user->username.data, "name", user->name.data, "roles",
        "user", "customPrivileges", "systemConfig_r", "isIntegratedUser", 1), err);
}


static const dff_prop_t dff_profile_answer_props[] = {
    DFF_ANSWERED("isSignedIn", DFF_PROP_BOOL), DFF_ANSWERED("error", DFF_PROP_NULL),
    DFF_ANSWERED("seq", DFF_PROP_INT), DFF_ANSWERED("id", DFF_PROP_STR),
    DFF_ANSWERED("username", DFF_PROP_STR), DFF_ANSWERED("name", DFF_PROP_STR, .nullable = true),
    DFF_ANSWERED("roles", DFF_PROP_STRS, .nullable = true),
    DFF_ANSWERED("customPrivileges", DFF_PROP_STRS, .nullable = true),
    DFF_ANSWERED_MAYBE("isIntegratedUser", DFF_PROP_BOOL,
                       .about = "Who signed in through a function has this, and none of those "
                       "that follow"),
    DFF_ANSWERED_MAYBE("mobile", DFF_PROP_STR, .nullable = true),
    DFF_ANSWERED_MAYBE("markers", DFF_PROP_STRS, .nullable = true),
    DFF_ANSWERED_MAYBE("isDisabled", DFF_PROP_BOOL),
    DFF_ANSWERED_MAYBE("createTime", DFF_PROP_TIME),
    DFF_ANSWERED_MAYBE("updateTime", DFF_PROP_TIME),
};
DFF_ANSWER(dff_profile_get_answer, dff_profile_answer_props, DFF_PROP_OBJECT);

static const dff_prop_t dff_profile_modify_answer = {
    .type = DFF_PROP_STR, .about = "Id of the user"
};

static const dff_endpoint_t dff_sign_in_rows[] = {
    { DFF_WEB_GET, "/api/v1/captcha/do/get", "Get a captcha", DFF_SIGN_IN_NONE,
      .query = &dff_captcha_query, .handler = dff_captcha_get, .flags = DFF_ENDPOINT_RAW },
    { DFF_WEB_POST, "/api/v1/auth/do/sign-in", "Sign in", DFF_SIGN_IN_NONE,
      .body = &dff_sign_in_body, .handler = dff_sign_in, .answer = &dff_answer_sign_in },
    { DFF_WEB_GET | DFF_WEB_POST, "/api/v1/auth/do/sign-out", "Sign out", DFF_SIGN_IN_NONE,
      .handler = dff_sign_out, .answer = &dff_answer_null },
    { DFF_WEB_POST, "/api/v1/auth/do/change-password", "Change one's own password",
      DFF_SIGN_IN_TOKEN, .body = &dff_change_password_body, .handler = dff_change_password,
      .answer = &dff_answer_null },
    { DFF_WEB_GET, "/api/v1/auth/profile/do/get", "Get one's own profile", DFF_SIGN_IN_ANY,
      .handler = dff_profile_get, .answer = &dff_profile_get_answer },
    { DFF_WEB_POST, "/api/v1/auth/profile/do/modify", "Modify one's own profile",
      DFF_SIGN_IN_TOKEN, .body = &dff_profile_body, .handler = dff_profile_modify,
      .answer = &dff_profile_modify_answer },
};

const dff_endpoint_group_t dff_sign_in_routes = DFF_ENDPOINTS(dff_sign_in_rows);
