/*
 * What the caller wants: the function's arguments and the options of the call, from
 * query or body, merged with the link's fixed arguments. Runs in nginx workers.
 */
#ifndef NGX_HTTP_DFF_ARGS_H
#define NGX_HTTP_DFF_ARGS_H

#include "ngx_http_dff_options.h"

/*
 * The stage of a call that fills ctx->kwargs (the text of a JSON object) and
 * ctx->options from the query or ctx->body, against ctx->route. NGX_OK, or NGX_DONE: it
 * has answered 400 with the reason.
 */
ngx_int_t ngx_http_dff_args_stage(ngx_http_dff_ctx_t *ctx);

/* JSON text of a field's value, or of the list of its values where it repeats.
 * NGX_DECLINED: fields[first] is not the first of that name. */
ngx_int_t ngx_http_dff_args_field_value(ngx_pool_t *pool, ngx_array_t *fields,
    ngx_uint_t first, dff_str_t *value);

#endif
