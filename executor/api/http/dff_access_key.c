/* Signed requests: see the header. */
#include "api/http/dff_access_key.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>

#include "dff_digest.h"
#include "dff_keys.h"
#include "dff_mac.h"
#include "dff_time.h"
#include "store/dff_secret.h"

#include "dff_banned.h"

#define DFF_ACCESS_KEY_NONCE_MAX  128

typedef struct {            /* what the request presents */
    dff_str_t id, timestamp, nonce, sign;
    bool      v2;
} dff_access_key_t;


bool
dff_access_key_presented(const dff_web_call_t *call)
{
    return dff_web_header(&call->req, "HTTP_X_DFF_AK_ID").len > 0
        && dff_web_header(&call->req, "HTTP_X_DFF_AK_SIGN").len > 0;
}


/* "access key ak-…": for which row a secret was sealed. */
static int
dff_access_key_context(dff_buf_t *out, dff_str_t id, dff_err_t *err)
{
    dff_buf_add_str(out, DFF_STR("access key "));
    dff_buf_add_str(out, id);
    return dff_buf_failed(out) ? dff_err_set(err, DFF_E_SYS, "out of memory") : DFF_OK;
}


int
dff_access_key_open(dff_buf_t *out, const dff_config_t *cfg, dff_str_t id, dff_str_t sealed,
    dff_err_t *err)
{
    dff_buf_t context = DFF_BUF_INIT;
    int       rc = dff_access_key_context(&context, id, err);

    if (rc == DFF_OK) {
        rc = dff_secret_open(out, dff_str_from(cfg->secret),
                             (dff_str_t) { context.data, context.len }, sealed, err);
    }
    dff_buf_release(&context);
    return rc;
}


int
dff_access_key_seal(dff_buf_t *out, const dff_config_t *cfg, dff_str_t id, dff_str_t secret,
    dff_err_t *err)
{
    dff_buf_t context = DFF_BUF_INIT;
    int       rc = dff_access_key_context(&context, id, err);

    if (rc == DFF_OK) {
        rc = dff_secret_seal(out, dff_str_from(cfg->secret),
                             (dff_str_t) { context.data, context.len }, secret, err);
    }
    dff_buf_release(&context);
    return rc;
}


static int
dff_access_key_read(dff_web_call_t *call, dff_access_key_t *key, dff_err_t *err)
{
    dff_str_t version = dff_web_header(&call->req, "HTTP_X_DFF_AK_SIGN_VERSION");
    int64_t   timestamp, now_s = dff_time_now_ms() / 1000;

    *key = (dff_access_key_t) {
        .id = dff_web_header(&call->req, "HTTP_X_DFF_AK_ID"),
        .timestamp = dff_web_header(&call->req, "HTTP_X_DFF_AK_TIMESTAMP"),
        .nonce = dff_web_header(&call->req, "HTTP_X_DFF_AK_NONCE"),
        .sign = dff_web_header(&call->req, "HTTP_X_DFF_AK_SIGN"),
        .v2 = dff_str_eq(version, DFF_STR("v2")),
    };
    if (version.len > 0 && !key->v2 && !dff_str_eq(version, DFF_STR("v1"))) {
        return dff_err_set(err, DFF_E_USER_AUTH, "The version of the signature must be v1 or v2");
    }
    if (key->nonce.len == 0 || key->nonce.len > DFF_ACCESS_KEY_NONCE_MAX) {
        return dff_err_set(err, DFF_E_USER_AUTH, "The nonce must have 1 to %d characters",
                           DFF_ACCESS_KEY_NONCE_MAX);
    }
    if (dff_json_int64(key->timestamp, &timestamp) != DFF_OK || timestamp <= 0
        || timestamp - now_s > DFF_ACCESS_KEY_SKEW_S
        || now_s - timestamp > DFF_ACCESS_KEY_SKEW_S)
    {
        return dff_err_set(err, DFF_E_USER_AUTH,
                           "The timestamp must be Unix seconds, at most %d s from now",
                           DFF_ACCESS_KEY_SKEW_S);
    }
    return DFF_OK;
}


/* The signature that the request should have. */
static int
dff_access_key_sign(dff_web_call_t *call, const dff_access_key_t *key, dff_str_t secret,
    char out[2 * EVP_MAX_MD_SIZE + 1], dff_err_t *err)
{
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned      mac_len = 0;
    char          body[DFF_DIGEST_SHA256_SIZE];
    dff_buf_t     text = DFF_BUF_INIT;
    int           rc = DFF_ERROR;

    dff_buf_addf(&text, "%s%s&%s&%s&%s", key->v2 ? "v2&" : "", key->timestamp.data,
                 key->nonce.data, call->req.method_name.data, call->req.url.data);
    if (key->v2) {
        if (dff_digest_sha256(body, call->req.raw_body, err) != DFF_OK) {
            goto done;
        }
        dff_buf_addf(&text, "&%s", body);
    }
    if (dff_buf_failed(&text)
        || HMAC(key->v2 ? EVP_sha256() : EVP_sha1(), secret.data, (int) secret.len,
                (const unsigned char *) text.data, text.len, mac, &mac_len) == NULL)
    {
        dff_err_set(err, DFF_E_SYS, "no HMAC");
        goto done;
    }
    dff_digest_hex(out, mac, mac_len);
    rc = DFF_OK;

done:
    dff_buf_release(&text);
    return rc;
}


static int
dff_access_key_check_sign(dff_web_call_t *call, const dff_access_key_t *key, dff_str_t sealed,
    dff_err_t *err)
{
    char      wanted[2 * EVP_MAX_MD_SIZE + 1];
    dff_buf_t secret = DFF_BUF_INIT;
    int       rc;

    rc = dff_access_key_open(&secret, call->web->api->cfg, key->id, sealed, err);
    if (rc == DFF_OK) {
        rc = dff_access_key_sign(call, key, (dff_str_t) { secret.data, secret.len }, wanted, err);
    }
    if (rc == DFF_OK && !dff_mac_equal(dff_str_from(wanted), key->sign)) {
        rc = dff_err_set(err, DFF_E_USER_AUTH, "The signature is not that of this request");
    }
    OPENSSL_cleanse(wanted, sizeof(wanted));
    dff_secret_wipe(&secret);
    return rc;
}


/* Of two requests with one nonce, the first one takes it. */
static int
dff_access_key_take_nonce(dff_web_call_t *call, const dff_access_key_t *key, dff_err_t *err)
{
    char        digest[DFF_DIGEST_SIZE_MAX];
    dff_str_t   parts[] = { key->id, key->nonce };
    dff_key_t   name;
    redisReply *reply;
    bool        taken;

    if (dff_digest_joined(digest, DFF_DIGEST_SHA256, parts, 2, err) != DFF_OK) {
        return DFF_ERROR;
    }
    (void) dff_key_api(name, DFF_KEY_AK_NONCE, dff_str_from(digest));
    reply = dff_rcmd_run(call->web->api->rcmd, err, "SET %s 1 NX EX %d", name,
                         DFF_ACCESS_KEY_NONCE_S);
    if (reply == NULL) {
        return DFF_ERROR;
    }
    taken = reply->type == REDIS_REPLY_STATUS;
    freeReplyObject(reply);
    return taken ? DFF_OK : dff_err_set(err, DFF_E_USER_AUTH, "The nonce was used before");
}


int
dff_access_key_find(dff_web_call_t *call, bool *fatal, dff_err_t *err)
{
    dff_access_key_t key;
    dff_db_value_t   values[1];
    dff_db_rows_t    rows;
    int              rc = DFF_ERROR;

    *fatal = dff_access_key_read(call, &key, err) != DFF_OK;
    if (*fatal) {
        return DFF_ERROR;
    }
    values[0] = DFF_DB_VALUE_TEXT(key.id);
    if (dff_db_query(call->web->api->db, "SELECT secretCipher, userId FROM access_key"
                     " WHERE id = ?", DFF_DB_ARGS(values), &rows, err) != DFF_OK)
    {
        return DFF_ERROR;
    }
    if (rows.nrows == 0) {
        dff_err_set(err, DFF_E_USER_AUTH, "There is no such access key");
        goto done;
    }
    if (dff_access_key_check_sign(call, &key, dff_db_cell(&rows, 0, 0), err) != DFF_OK
        || dff_access_key_take_nonce(call, &key, err) != DFF_OK)
    {
        goto done;
    }
    rc = dff_web_user_read(&call->user, &call->arena, call->web->api->db,
                           dff_db_cell(&rows, 0, 1), err);
    if ((rc != DFF_OK && err->reason == DFF_E_CLIENT_NOT_FOUND)
        || (rc == DFF_OK && call->user.is_disabled))
    {
        call->user.id[0] = '\0';
        rc = dff_err_set(err, DFF_E_USER_DISABLED, "The owner of the access key is disabled");
    }
    call->user.by = DFF_AUTH_BY_ACCESS_KEY;

done:
    dff_db_rows_release(&rows);
    return rc;
}
