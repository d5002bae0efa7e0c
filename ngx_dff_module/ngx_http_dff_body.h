/*
 * The stage of a call that reads the request's body. Runs in nginx workers.
 */
#ifndef NGX_HTTP_DFF_BODY_H
#define NGX_HTTP_DFF_BODY_H

#include "ngx_http_dff_module.h"

/* Fills ctx->body, in one piece. NGX_AGAIN: the call is resumed when it is there (which
 * may be before this returns); NGX_DONE: the request was ended. */
ngx_int_t ngx_http_dff_body_stage(ngx_http_dff_ctx_t *ctx);

#endif
