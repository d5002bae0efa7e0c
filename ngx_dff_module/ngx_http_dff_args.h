/*
 * What the caller wants: the function's arguments and the options of the call, from
 * query or body, merged with the link's fixed arguments. Runs in nginx workers.
 */
#ifndef NGX_HTTP_DFF_ARGS_H
#define NGX_HTTP_DFF_ARGS_H

#include "ngx_http_dff_options.h"

/*
 * Reads the arguments of ctx->request (a POST's body is in ctx->body) against
 * ctx->route. *kwargs is the text of a JSON object. NGX_DECLINED: *fail is filled.
 * NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_dff_args_read(ngx_http_dff_ctx_t *ctx, ngx_str_t *kwargs,
    ngx_http_dff_options_t *options, ngx_http_dff_fail_t *fail);

#endif
