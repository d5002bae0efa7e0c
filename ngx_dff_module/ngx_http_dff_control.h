/*
 * What a function asked for with DFF.RESP and its like: the control section of a reply
 * (docs/protocol.md). Runs in nginx workers.
 */
#ifndef NGX_HTTP_DFF_CONTROL_H
#define NGX_HTTP_DFF_CONTROL_H

#include "ngx_http_dff_module.h"

/* In the request's pool. Empty texts: not given. */
typedef struct {
    ngx_uint_t    status;
    const char   *type;          /* Content-Type */
    ngx_array_t  *headers;       /* ngx_http_dff_control_header_t; NULL: none */
    ngx_str_t     etag;          /* of the body, without quotes */
    ngx_str_t     file;          /* below the resource folder; instead of the body */
    ngx_str_t     node;          /* where the file is, when it is not everywhere */
    ngx_str_t     disposition;   /* Content-Disposition */
    unsigned      allow_304:1;
    unsigned      auto_delete:1;
} ngx_http_dff_control_t;

typedef struct {
    const char   *name;
    ngx_str_t     value;
} ngx_http_dff_control_header_t;

/* Fills *control, with 200 and type where the reply says nothing. NGX_ERROR: no memory, or
 * not what a worker writes. */
ngx_int_t ngx_http_dff_control_read(ngx_http_dff_ctx_t *ctx, const dff_reply_t *reply,
    const char *type, ngx_http_dff_control_t *control);

/* Puts the headers into the answer, in the places of those that nginx or a file would have
 * there. NGX_ERROR: no memory. */
ngx_int_t ngx_http_dff_control_apply(ngx_http_dff_ctx_t *ctx, ngx_http_dff_control_t *control);

#endif
