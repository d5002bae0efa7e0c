/*
 * The stage of a call that reads the request's body. Runs in nginx workers.
 *
 * It is read with nginx's unbuffered reading, so that we see each piece: a body that is
 * too large is refused by us, in our form, when it is announced or as soon as it is, and an
 * upload (ngx_http_dff_upload.h) goes to its files as it comes. At most a few buffers are
 * handled in one turn of the event loop.
 */
#ifndef NGX_HTTP_DFF_BODY_H
#define NGX_HTTP_DFF_BODY_H

#include "ngx_http_dff_module.h"

/* Fills ctx->body, in one piece, or ctx->upload. NGX_AGAIN: the call is resumed when it
 * is there; NGX_DONE: the request was answered or ended. */
ngx_int_t ngx_http_dff_body_stage(ngx_http_dff_ctx_t *ctx);

/* 413 that names the limit. Always NGX_DONE. */
ngx_int_t ngx_http_dff_body_too_large(ngx_http_dff_ctx_t *ctx, const char *what, off_t limit);

#endif
