/*
 * API auth of a link: who may call it. Runs in nginx workers.
 *
 * Two stages of a call: the first judges by the request's head, so that a stranger's body
 * is never read; the second is for what only the body can tell. Each type of API auth is
 * a row of the table in ngx_http_dff_auth.c with a function for each stage, which returns
 *
 *   NGX_OK        let in,
 *   NGX_DECLINED  refused: 401; auth->why, at auth->level, goes to the log only,
 *   NGX_AGAIN     waits; its callback ends with ngx_http_dff_auth_resume(),
 *   NGX_BUSY      (first stage) the body must tell,
 *   NGX_DONE      the request was answered,
 *   NGX_ERROR     no memory.
 */
#ifndef NGX_HTTP_DFF_AUTH_H
#define NGX_HTTP_DFF_AUTH_H

#include "dff_route_auth.h"

#include "ngx_http_dff_module.h"

typedef struct ngx_http_dff_auth_s {
    dff_route_auth_t              api;
    const char                   *why;        /* it was refused; a constant */
    dff_log_level_t               level;      /* of the line about that */
    time_t                        wait;       /* s until there may be another guess; 0: now */
    struct ngx_http_dff_nonce_s  *nonce;      /* while Redis is asked about one */
    unsigned                      passed:1;
    unsigned                      stale:1;    /* right but for the nonce: try a fresh one */
} ngx_http_dff_auth_t;

/* The stages: NGX_OK, NGX_AGAIN or NGX_DONE, as ngx_http_dff_stages.h says. */
ngx_int_t ngx_http_dff_auth_stage(ngx_http_dff_ctx_t *ctx);
ngx_int_t ngx_http_dff_auth_body_stage(ngx_http_dff_ctx_t *ctx);

/* Goes on with a call that had waited; rc as above. The request may be gone after. */
void ngx_http_dff_auth_resume(ngx_http_dff_ctx_t *ctx, ngx_int_t rc);

/* A line about a refused request, or about why it will be. */
void ngx_http_dff_auth_log(ngx_http_dff_ctx_t *ctx, dff_log_level_t level, const char *why);

/* --- ngx_http_dff_auth_field.c: fixedField ---------------------------------------- */

ngx_int_t ngx_http_dff_auth_field(ngx_http_dff_ctx_t *ctx);
ngx_int_t ngx_http_dff_auth_field_body(ngx_http_dff_ctx_t *ctx);

/* --- ngx_http_dff_auth_http.c: httpBasic, httpDigest ------------------------------- */

ngx_int_t ngx_http_dff_auth_basic(ngx_http_dff_ctx_t *ctx);
ngx_int_t ngx_http_dff_auth_digest(ngx_http_dff_ctx_t *ctx);

/* Add the WWW-Authenticate headers of a 401. NGX_ERROR: no memory. */
ngx_int_t ngx_http_dff_auth_basic_challenge(ngx_http_dff_ctx_t *ctx);
ngx_int_t ngx_http_dff_auth_digest_challenge(ngx_http_dff_ctx_t *ctx);

/* --- ngx_http_dff_auth_nonce.c: no digest twice ----------------------------------------- */

/* Takes this count of a nonce, in Redis, for all nodes. NGX_AGAIN, or NGX_DECLINED (used
 * up), NGX_DONE (answered: Redis is away). */
ngx_int_t ngx_http_dff_auth_nonce_take(ngx_http_dff_ctx_t *ctx, dff_str_t nonce, uint32_t nc);

/* --- ngx_http_dff_auth_func.c: a function decides ----------------------------------------- */

ngx_int_t ngx_http_dff_auth_func(ngx_http_dff_ctx_t *ctx);
ngx_int_t ngx_http_dff_auth_func_body(ngx_http_dff_ctx_t *ctx);

#endif
