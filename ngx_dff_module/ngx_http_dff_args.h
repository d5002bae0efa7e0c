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

#endif
