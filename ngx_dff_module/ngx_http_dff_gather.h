/*
 * Bytes that come in pieces, gathered into one: the body of a request, the value of a
 * field. Grows by doubling, so nothing is allocated for what was only announced. Runs in
 * nginx workers; memory is a pool's.
 */
#ifndef NGX_HTTP_DFF_GATHER_H
#define NGX_HTTP_DFF_GATHER_H

#include "ngx_http_dff_module.h"

typedef struct {
    ngx_pool_t  *pool;
    ngx_str_t    text;
    size_t       size;     /* allocated */
} ngx_http_dff_gather_t;

/* NGX_ERROR: no memory. The caller has a bound for the sum. */
ngx_int_t ngx_http_dff_gather_add(ngx_http_dff_gather_t *gather, const void *data, size_t len);

/* What was gathered is the caller's; the next piece begins another text. */
static ngx_inline ngx_str_t
ngx_http_dff_gather_take(ngx_http_dff_gather_t *gather)
{
    ngx_str_t  text = gather->text;

    ngx_str_null(&gather->text);
    gather->size = 0;

    return text;
}

#endif
