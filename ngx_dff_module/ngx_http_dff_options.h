/*
 * Options of a call: timeout, apiTimeout, returnType and so on, checked against their
 * limits. Runs in nginx workers.
 */
#ifndef NGX_HTTP_DFF_OPTIONS_H
#define NGX_HTTP_DFF_OPTIONS_H

#include <jansson.h>

#include "ngx_http_dff_module.h"

typedef struct {
    int64_t            timeout_s;
    int64_t            api_timeout_s;
    dff_return_type_t  return_type;
    ngx_uint_t         unfold;
    ngx_uint_t         save_result;
    ngx_uint_t         never_expire;
    dff_exec_mode_t    exec_mode;      /* by the kind of link, never by choice */
} ngx_http_dff_options_t;

/* Why a request is wrong, for a 400. */
typedef struct {
    char     message[512];
    json_t  *detail;       /* owned by the holder; NULL: none */
} ngx_http_dff_fail_t;

/* What holds where the caller says nothing. */
void ngx_http_dff_options_default(ngx_http_dff_ctx_t *ctx, ngx_http_dff_options_t *options);

/*
 * Takes one option. lenient: value may be a text that stands for a number or a boolean
 * (query strings know only texts). NGX_DECLINED: *fail is filled.
 */
ngx_int_t ngx_http_dff_options_take(ngx_http_dff_ctx_t *ctx, const char *name, json_t *value,
    ngx_uint_t lenient, ngx_http_dff_options_t *options, ngx_http_dff_fail_t *fail);

/* Takes all of a JSON object's text (or null). */
ngx_int_t ngx_http_dff_options_read(ngx_http_dff_ctx_t *ctx, dff_str_t text,
    ngx_http_dff_options_t *options, ngx_http_dff_fail_t *fail);

/* Fills fail->message, printf's format. Always NGX_DECLINED. */
ngx_int_t ngx_http_dff_fail(ngx_http_dff_fail_t *fail, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
