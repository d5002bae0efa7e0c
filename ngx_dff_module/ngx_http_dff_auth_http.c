/*
 * httpBasic (RFC 7617) and httpDigest (RFC 7616).
 *
 * A route has no passwords but the A1 digests of its users; the realm is in them. All
 * users are compared, in constant time, known or not: how long it takes tells nothing.
 */
#include <openssl/crypto.h>

#include "dff_http_nonce.h"

#include "ngx_http_dff_answer.h"
#include "ngx_http_dff_auth.h"
#include "ngx_http_dff_auth_guess.h"

#define NGX_HTTP_DFF_CHALLENGE_SIZE  512
#define NGX_HTTP_DFF_AUTH_TOO_MANY   "too many wrong passwords"

static ngx_table_elt_t *ngx_http_dff_auth_credentials(ngx_http_dff_ctx_t *ctx,
    dff_str_t scheme, dff_str_t *rest);
static ngx_int_t ngx_http_dff_auth_has_user(ngx_http_dff_ctx_t *ctx, dff_str_t sha256);
static ngx_int_t ngx_http_dff_auth_digest_is_right(ngx_http_dff_ctx_t *ctx,
    const dff_http_digest_t *digest);
static dff_http_nonce_state_t ngx_http_dff_auth_nonce_state(ngx_http_dff_ctx_t *ctx,
    dff_str_t nonce);
static ngx_int_t ngx_http_dff_auth_challenge(ngx_http_dff_ctx_t *ctx, const char *fmt, ...);
static dff_str_t ngx_http_dff_auth_realm(ngx_http_dff_ctx_t *ctx,
    char room[DFF_AUTH_REALM_SIZE]);


ngx_int_t
ngx_http_dff_auth_basic(ngx_http_dff_ctx_t *ctx)
{
    char             *room, realm[DFF_AUTH_REALM_SIZE], made[DFF_DIGEST_SIZE_MAX];
    ngx_int_t         rc;
    dff_str_t         text, username, password;
    ngx_table_elt_t  *header;

    header = ngx_http_dff_auth_credentials(ctx, DFF_STR("Basic"), &text);
    if (header == NULL) {
        return NGX_DECLINED;
    }

    room = ngx_pnalloc(ctx->request->pool, text.len + 1);
    if (room == NULL) {
        return NGX_ERROR;
    }

    if (dff_http_auth_basic(text, room, &username, &password, &ctx->auth->why) != DFF_OK) {
        return NGX_DECLINED;
    }

    if (dff_auth_a1(made, DFF_DIGEST_SHA256, username, ngx_http_dff_auth_realm(ctx, realm),
                    password, NULL)
        != DFF_OK)
    {
        return NGX_ERROR;
    }

    rc = NGX_DECLINED;

    if (!ngx_http_dff_auth_guess_may(ctx, username, dff_str_from(made), &ctx->auth->wait)) {
        ctx->auth->why = NGX_HTTP_DFF_AUTH_TOO_MANY;

    } else if (ngx_http_dff_auth_has_user(ctx, dff_str_from(made)) == NGX_OK) {
        ngx_http_dff_auth_guess_right(ctx, username, dff_str_from(made));
        ctx->auth->wait = 0;
        ctx->credential = header;
        rc = NGX_OK;

    } else {
        ngx_http_dff_auth_guess_wrong(ctx, username);
    }

    OPENSSL_cleanse(room, text.len + 1);

    return rc;
}


/* Is this A1, which has username, realm and password in it, one of the link's? */
static ngx_int_t
ngx_http_dff_auth_has_user(ngx_http_dff_ctx_t *ctx, dff_str_t sha256)
{
    int                    rc;
    dff_err_t              err;
    ngx_uint_t             found;
    dff_json_array_t       it;
    dff_route_auth_user_t  user;

    found = 0;
    rc = dff_route_auth_open(&it, &ctx->auth->api, &err);

    if (rc == DFF_OK) {
        while ((rc = dff_route_auth_next_user(&it, &user, &err)) == 1) {
            found |= dff_mac_equal(user.a1[DFF_DIGEST_SHA256], sha256);
        }
    }

    if (rc == DFF_ERROR) {
        ngx_http_dff_auth_log(ctx, DFF_LOG_WARNING, err.message);
    }

    ctx->auth->why = "wrong username or password";

    return found ? NGX_OK : NGX_DECLINED;
}


ngx_int_t
ngx_http_dff_auth_digest(ngx_http_dff_ctx_t *ctx)
{
    char                    *room, realm[DFF_AUTH_REALM_SIZE];
    dff_str_t                text;
    dff_http_digest_t        digest;
    ngx_http_dff_auth_t     *auth = ctx->auth;

    if (ngx_http_dff_auth_credentials(ctx, DFF_STR("Digest"), &text) == NULL) {
        return NGX_DECLINED;
    }

    room = ngx_pnalloc(ctx->request->pool, text.len + 1);
    if (room == NULL) {
        return NGX_ERROR;
    }

    if (dff_http_auth_digest(text, room, &digest, &auth->why) != DFF_OK) {
        return NGX_DECLINED;
    }

    if (!dff_str_eq(digest.realm, ngx_http_dff_auth_realm(ctx, realm))) {
        auth->why = "digest for another realm";
        return NGX_DECLINED;
    }

    if (!dff_str_eq(digest.uri, ngx_http_dff_str(ctx->request->unparsed_uri))) {
        auth->why = "digest for another URI";
        return NGX_DECLINED;
    }

    if (!ngx_http_dff_auth_guess_may(ctx, digest.username, digest.nonce, &auth->wait)) {
        auth->why = NGX_HTTP_DFF_AUTH_TOO_MANY;
        return NGX_DECLINED;
    }

    if (!ngx_http_dff_auth_digest_is_right(ctx, &digest)) {
        ngx_http_dff_auth_guess_wrong(ctx, digest.username);
        auth->why = "wrong username or password";
        return NGX_DECLINED;
    }

    ngx_http_dff_auth_guess_right(ctx, digest.username, digest.nonce);
    auth->wait = 0;

    /* from here on the caller has the password: a fresh nonce is all that it lacks */
    if (ngx_http_dff_auth_nonce_state(ctx, digest.nonce) != DFF_HTTP_NONCE_GOOD) {
        auth->why = "old or foreign nonce";
        auth->stale = 1;
        return NGX_DECLINED;
    }

    return ngx_http_dff_auth_nonce_take(ctx, digest.nonce, digest.nc);
}


static ngx_int_t
ngx_http_dff_auth_digest_is_right(ngx_http_dff_ctx_t *ctx, const dff_http_digest_t *digest)
{
    int                    rc;
    char                   made[DFF_DIGEST_SIZE_MAX];
    dff_err_t              err;
    dff_str_t              a1;
    ngx_uint_t             known;
    dff_json_array_t       it;
    dff_route_auth_user_t  user;

    /* an unknown user costs the same digests */
    a1 = DFF_STR("no A1 has this text");
    known = 0;

    rc = dff_route_auth_open(&it, &ctx->auth->api, &err);

    if (rc == DFF_OK) {
        while ((rc = dff_route_auth_next_user(&it, &user, &err)) == 1) {
            if (dff_route_auth_is(user.username, digest->username)
                && user.a1[digest->algorithm].len != 0)
            {
                a1 = user.a1[digest->algorithm];
                known = 1;
            }
        }
    }

    if (rc == DFF_ERROR) {
        ngx_http_dff_auth_log(ctx, DFF_LOG_WARNING, err.message);
    }

    if (dff_auth_response(made, a1, digest, ngx_http_dff_str(ctx->request->method_name), NULL)
        != DFF_OK)
    {
        return 0;
    }

    return dff_mac_equal(dff_str_from(made), digest->response) && known;
}


static dff_http_nonce_state_t
ngx_http_dff_auth_nonce_state(ngx_http_dff_ctx_t *ctx, dff_str_t nonce)
{
    char                     realm[DFF_AUTH_REALM_SIZE];
    u_char                   key[DFF_MAC_KEY_SIZE];
    dff_config_t            *config = &ctx->worker->mcf->config;
    dff_http_nonce_state_t   state;

    if (dff_http_nonce_key(key, dff_str_from(config->secret), NULL) != DFF_OK) {
        return DFF_HTTP_NONCE_FOREIGN;
    }

    state = dff_http_nonce_check(nonce, key, ngx_http_dff_auth_realm(ctx, realm),
                                 dff_time_now_ms(), config->http_auth_nonce_max_age_s);
    OPENSSL_cleanse(key, sizeof(key));

    return state;
}


ngx_int_t
ngx_http_dff_auth_basic_challenge(ngx_http_dff_ctx_t *ctx)
{
    char  realm[DFF_AUTH_REALM_SIZE];

    (void) ngx_http_dff_auth_realm(ctx, realm);

    return ngx_http_dff_auth_challenge(ctx, "Basic realm=\"%s\", charset=\"UTF-8\"", realm);
}


/* One for each algorithm, the better one first: clients take the first that they know. */
ngx_int_t
ngx_http_dff_auth_digest_challenge(ngx_http_dff_ctx_t *ctx)
{
    char          realm[DFF_AUTH_REALM_SIZE], nonce[DFF_HTTP_NONCE_SIZE];
    size_t        len;
    u_char        key[DFF_MAC_KEY_SIZE];
    dff_str_t     secret = dff_str_from(ctx->worker->mcf->config.secret);
    ngx_uint_t    i;

    static const char  *algorithms[] = { "SHA-256", "MD5" };

    if (dff_http_nonce_key(key, secret, NULL) != DFF_OK) {
        return NGX_ERROR;
    }

    len = dff_http_nonce_make(nonce, key, ngx_http_dff_auth_realm(ctx, realm),
                              &ctx->worker->ids, dff_time_now_ms());
    OPENSSL_cleanse(key, sizeof(key));

    if (len == 0) {
        return NGX_ERROR;
    }

    for (i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++) {
        if (ngx_http_dff_auth_challenge(ctx, "Digest realm=\"%s\", qop=\"auth\", algorithm=%s, "
                                        "nonce=\"%s\", charset=UTF-8%s",
                                        realm, algorithms[i], nonce,
                                        ctx->auth->stale ? ", stale=true" : "")
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_dff_auth_challenge(ngx_http_dff_ctx_t *ctx, const char *fmt, ...)
{
    u_char              *last;
    va_list              args;
    ngx_str_t            value;
    ngx_table_elt_t     *added;
    ngx_http_request_t  *r = ctx->request;

    value.data = ngx_pnalloc(r->pool, NGX_HTTP_DFF_CHALLENGE_SIZE);
    if (value.data == NULL) {
        return NGX_ERROR;
    }

    va_start(args, fmt);
    last = ngx_vslprintf(value.data, value.data + NGX_HTTP_DFF_CHALLENGE_SIZE, fmt, args);
    va_end(args);
    value.len = last - value.data;

    added = ngx_http_dff_answer_add(r, "WWW-Authenticate", value);
    if (added == NULL) {
        return NGX_ERROR;
    }

    ngx_http_dff_answer_challenge(r, added);

    return NGX_OK;
}


/* The Authorization header when it has this scheme, else NULL and auth->why. */
static ngx_table_elt_t *
ngx_http_dff_auth_credentials(ngx_http_dff_ctx_t *ctx, dff_str_t scheme, dff_str_t *rest)
{
    ngx_table_elt_t  *header;

    header = ctx->request->headers_in.authorization;

    if (header == NULL || !dff_http_auth_is(ngx_http_dff_str(header->value), scheme, rest)) {
        ctx->auth->why = header == NULL ? "no credentials" : "credentials of another scheme";
        return NULL;
    }

    return header;
}


static dff_str_t
ngx_http_dff_auth_realm(ngx_http_dff_ctx_t *ctx, char room[DFF_AUTH_REALM_SIZE])
{
    size_t  len;

    len = dff_auth_realm(room, ctx->kind, ngx_http_dff_str(ctx->link_id));

    return (dff_str_t) { room, len };
}
