/*
 * The arguments of a call as a list, and their union with the fixed arguments of its
 * link. Runs in nginx workers; everything lives in the request's pool.
 */
#ifndef NGX_HTTP_DFF_KWARGS_H
#define NGX_HTTP_DFF_KWARGS_H

#include "ngx_http_dff_options.h"

typedef struct {
    ngx_str_t  name;       /* unescaped */
    dff_str_t  value;      /* JSON text, as it was sent */
} ngx_http_dff_kwarg_t;

/* An empty list; NULL: no memory. */
ngx_array_t *ngx_http_dff_kwargs_new(ngx_pool_t *pool);

ngx_int_t ngx_http_dff_kwargs_add(ngx_array_t *kwargs, ngx_str_t name, dff_str_t value);

/* Adds the members of a checked object's text, of one that is not as large as a caller likes. */
ngx_int_t ngx_http_dff_kwargs_add_object(ngx_array_t *kwargs, dff_str_t object);

/* The text of one JSON object with all of kwargs, in its pool. */
ngx_int_t ngx_http_dff_kwargs_text(ngx_array_t *kwargs, ngx_str_t *text);

/* Writes a member and a comma, or the end of an object behind its last member or its opening
 * brace, and returns the end of that. */
u_char *ngx_http_dff_kwargs_write(u_char *p, const ngx_http_dff_kwarg_t *kwarg);
u_char *ngx_http_dff_kwargs_close(u_char *p);

/*
 * Fills ctx->kwargs: the text of one JSON object with the caller's arguments and the fixed ones
 * of ctx->route. The caller's are given or, where that is NULL, a checked object, whose text is
 * kept. NGX_DECLINED: the caller sent a fixed one, *fail is filled.
 */
ngx_int_t ngx_http_dff_kwargs_merge(ngx_http_dff_ctx_t *ctx, ngx_array_t *given,
    dff_str_t object, ngx_http_dff_fail_t *fail);

#endif
