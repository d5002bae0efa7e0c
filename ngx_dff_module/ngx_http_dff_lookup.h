/*
 * Finds the route of a link: in shared memory, else in Redis. Requests that miss
 * the same link at the same time share one question. Runs in nginx workers.
 */
#ifndef NGX_HTTP_DFF_LOOKUP_H
#define NGX_HTTP_DFF_LOOKUP_H

#include "ngx_http_dff_module.h"

/*
 * NGX_OK: ctx->route is filled. NGX_DECLINED: no such link. NGX_ABORT: Redis cannot
 * be asked. NGX_ERROR: no memory, or what Redis holds is no route (logged).
 */
typedef void (*ngx_http_dff_lookup_done_pt)(ngx_http_dff_ctx_t *ctx, ngx_int_t rc);

/*
 * Looks for the route of ctx->kind and ctx->link_id. Gives one of the values above
 * at once, or NGX_AGAIN: then done is called later, unless the request goes first.
 */
ngx_int_t ngx_http_dff_lookup(ngx_http_dff_ctx_t *ctx, ngx_http_dff_lookup_done_pt done);

#endif
