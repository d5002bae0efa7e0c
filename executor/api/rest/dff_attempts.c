/* Attempts to sign in: see the header. */
#include "api/rest/dff_attempts.h"

#include "dff_digest.h"
#include "dff_keys.h"
#include "api/rest/dff_captcha.h"

#include "dff_banned.h"

#define DFF_ATTEMPTS_PAUSE_MAX_S  60

typedef enum { DFF_ATTEMPTS_OF_NAME, DFF_ATTEMPTS_OF_ADDRESS, DFF_ATTEMPTS_KINDS } dff_attempts_t;


static int
dff_attempts_key(dff_key_t key, dff_key_api_t kind, const dff_web_call_t *call,
    dff_attempts_t of, dff_str_t name, dff_err_t *err)
{
    dff_str_t parts[] = {
        of == DFF_ATTEMPTS_OF_NAME ? DFF_STR("name") : DFF_STR("address"),
        of == DFF_ATTEMPTS_OF_NAME ? name : dff_str_from(call->client_ip)
    };
    char      digest[DFF_DIGEST_SIZE_MAX];

    if (dff_digest_joined(digest, DFF_DIGEST_SHA256, parts, 2, err) != DFF_OK) {
        return DFF_ERROR;
    }
    (void) dff_key_api(key, kind, dff_str_from(digest));
    return DFF_OK;
}


static int
dff_attempts_integer(dff_rcmd_t *rcmd, long long *value, dff_err_t *err)
{
    redisReply *reply = dff_rcmd_next(rcmd, err);

    if (reply == NULL) {
        return DFF_ERROR;
    }
    *value = reply->type == REDIS_REPLY_INTEGER ? reply->integer : 0;
    freeReplyObject(reply);
    return DFF_OK;
}


/* *count: this attempt and the failures before it. *wait_s: a pause that still holds. */
static int
dff_attempts_count(dff_web_call_t *call, dff_attempts_t of, dff_str_t name, long long *count,
    long long *wait_s, dff_err_t *err)
{
    dff_rcmd_t *rcmd = call->web->api->rcmd;
    dff_key_t   counter, wait;
    long long   unused;

    if (dff_attempts_key(counter, DFF_KEY_SIGN_IN, call, of, name, err) != DFF_OK
        || dff_attempts_key(wait, DFF_KEY_SIGN_IN_WAIT, call, of, name, err) != DFF_OK
        || dff_rcmd_append(rcmd, err, "TTL %s", wait) != DFF_OK
        || dff_rcmd_append(rcmd, err, "INCR %s", counter) != DFF_OK
        || dff_rcmd_append(rcmd, err, "EXPIRE %s %d", counter, DFF_ATTEMPTS_WINDOW_S) != DFF_OK
        || dff_attempts_integer(rcmd, wait_s, err) != DFF_OK
        || dff_attempts_integer(rcmd, count, err) != DFF_OK
        || dff_attempts_integer(rcmd, &unused, err) != DFF_OK)
    {
        return DFF_ERROR;
    }
    if (*wait_s <= 0 && *count > DFF_ATTEMPTS_PAUSES) {
        long long pause_s = *count - DFF_ATTEMPTS_PAUSES;

        pause_s = pause_s > 5 ? DFF_ATTEMPTS_PAUSE_MAX_S : 1LL << pause_s;
        return dff_rcmd_do(rcmd, err, "SET %s 1 EX %d", wait, (int) pause_s);
    }
    return DFF_OK;
}


int
dff_attempts_begin(dff_web_call_t *call, dff_str_t name, const char *category, dff_err_t *err)
{
    bool captcha = false;

    for (int of = 0; of < DFF_ATTEMPTS_KINDS; of++) {
        long long count = 0, wait_s = 0;

        if (dff_attempts_count(call, (dff_attempts_t) of, name, &count, &wait_s, err) != DFF_OK) {
            return DFF_ERROR;
        }
        if (wait_s > 0) {
            return dff_web_refuse(call, err, DFF_E_USER_PASSWORD, NULL,
                                  json_pack("{s:I}", "waitSeconds", (json_int_t) wait_s),
                                  "Too many failed attempts; the next one is in %lld s", wait_s);
        }
        captcha = captcha || count > DFF_ATTEMPTS_FREE;
    }
    return !captcha ? DFF_OK
        : dff_captcha_check(call, category,
                            dff_member_text(&call->arena, call->req.body, "captchaToken"),
                            dff_member_text(&call->arena, call->req.body, "captcha"), err);
}


void
dff_attempts_good(dff_web_call_t *call, dff_str_t name)
{
    dff_key_t of_name, of_address;

    if (dff_attempts_key(of_name, DFF_KEY_SIGN_IN, call, DFF_ATTEMPTS_OF_NAME, name, NULL)
        != DFF_OK
        || dff_attempts_key(of_address, DFF_KEY_SIGN_IN, call, DFF_ATTEMPTS_OF_ADDRESS, name,
                            NULL) != DFF_OK)
    {
        return;
    }
    /* The address keeps its failures: an account of one's own must not pay for them. They
     * expire; when Redis is away now, that is all that happens. */
    (void) dff_rcmd_do(call->web->api->rcmd, NULL, "DEL %s", of_name);
    (void) dff_rcmd_do(call->web->api->rcmd, NULL, "DECR %s", of_address);
}
