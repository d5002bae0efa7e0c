/*
 * What the caller wants: the function's arguments and the options of the call, from
 * query or body, merged with the link's fixed arguments. Runs in nginx workers.
 */
#ifndef NGX_HTTP_DFF_ARGS_H
#define NGX_HTTP_DFF_ARGS_H

#include <jansson.h>

#include "ngx_http_dff_module.h"

typedef struct {
    int64_t            timeout_s;
    int64_t            api_timeout_s;
    dff_return_type_t  return_type;
    ngx_uint_t         unfold;
    ngx_uint_t         save_result;
    ngx_uint_t         never_expire;
} ngx_http_dff_options_t;

/* Why a request is wrong, for a 400. */
typedef struct {
    char     message[512];
    json_t  *detail;       /* owned by the holder; NULL: none */
} ngx_http_dff_args_fail_t;

/*
 * Reads the arguments of ctx->request (a POST's body is in ctx->body) against
 * ctx->route. *kwargs is the text of a JSON object. NGX_DECLINED: *fail is filled.
 * NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_dff_args_read(ngx_http_dff_ctx_t *ctx, ngx_str_t *kwargs,
    ngx_http_dff_options_t *options, ngx_http_dff_args_fail_t *fail);

#endif
