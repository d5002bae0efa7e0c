/*
 * What the log and reqDump may say of a request: method, URL, body, with anything
 * that looks like a secret masked. Runs in nginx workers.
 */
#ifndef NGX_HTTP_DFF_DUMP_H
#define NGX_HTTP_DFF_DUMP_H

#include <jansson.h>

#include "ngx_http_dff_module.h"

/* {method, url, body?}; NULL: no memory. The caller owns the reference. */
json_t *ngx_http_dff_dump_request(ngx_http_dff_ctx_t *ctx);

/* Bytes from outside as a JSON text: what is not UTF-8 shows as U+FFFD. NULL: no memory. */
json_t *ngx_http_dff_dump_text(const u_char *data, size_t len);

/* [REQUEST] and [REQUEST FROM], at INFO. */
void ngx_http_dff_dump_log(ngx_http_dff_ctx_t *ctx);

/* A request header by its lower-case name, or NULL. */
ngx_table_elt_t *ngx_http_dff_dump_header(ngx_http_request_t *r, const char *name, size_t len);

/* How many request headers have that name. */
ngx_uint_t ngx_http_dff_dump_headers(ngx_http_request_t *r, const char *name, size_t len);

#endif
