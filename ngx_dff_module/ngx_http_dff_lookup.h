/*
 * Finds the route of a link: in shared memory, else in Redis. Requests that miss
 * the same link at the same time share one question. Runs in nginx workers.
 */
#ifndef NGX_HTTP_DFF_LOOKUP_H
#define NGX_HTTP_DFF_LOOKUP_H

#include "ngx_http_dff_module.h"

/*
 * The stage of a call that fills ctx->route for ctx->kind and ctx->link_id. NGX_OK;
 * NGX_AGAIN: Redis is asked, the call is resumed later; NGX_DONE: answered (no such
 * link, or Redis cannot be asked).
 */
ngx_int_t ngx_http_dff_lookup_stage(ngx_http_dff_ctx_t *ctx);

/* "No such Auth Link" or "No such Batch", 404.41. Always NGX_DONE. */
ngx_int_t ngx_http_dff_lookup_missing(ngx_http_dff_ctx_t *ctx);

#endif
