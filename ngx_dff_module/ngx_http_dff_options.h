/*
 * Options of a call: timeout, apiTimeout, returnType and so on, checked against their
 * limits. Runs in nginx workers.
 */
#ifndef NGX_HTTP_DFF_OPTIONS_H
#define NGX_HTTP_DFF_OPTIONS_H

#include <jansson.h>

#include "ngx_http_dff_module.h"

/* Why a request is wrong, for a 400. */
typedef struct {
    char     message[512];
    json_t  *detail;       /* owned by the holder; NULL: none */
} ngx_http_dff_fail_t;

/* Fills ctx->options with what holds where the caller says nothing. */
void ngx_http_dff_options_default(ngx_http_dff_ctx_t *ctx);

/*
 * Takes one option into ctx->options; value is JSON text. In it, a text may stand for a
 * number or a boolean (query strings know only texts). NGX_DECLINED: *fail is filled.
 */
ngx_int_t ngx_http_dff_options_text(ngx_http_dff_ctx_t *ctx, ngx_str_t name, dff_str_t value,
    ngx_http_dff_fail_t *fail);

/* Takes all of a JSON object's text (or null). */
ngx_int_t ngx_http_dff_options_read(ngx_http_dff_ctx_t *ctx, dff_str_t text,
    ngx_http_dff_fail_t *fail);

/* Fills fail->message, printf's format. Always NGX_DECLINED. */
ngx_int_t ngx_http_dff_fail(ngx_http_dff_fail_t *fail, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
