/*
 * name=value fields of a query string or an URL-encoded form. Runs in nginx workers.
 */
#ifndef NGX_HTTP_DFF_FIELDS_H
#define NGX_HTTP_DFF_FIELDS_H

#include "ngx_http_dff_module.h"

#define NGX_HTTP_DFF_FIELDS_MAX  1000

typedef struct {
    ngx_str_t  name;
    ngx_str_t  value;
} ngx_http_dff_field_t;

/*
 * Splits and decodes text into fields (an array of ngx_http_dff_field_t, made here),
 * in order, repeats kept. Values without anything to decode point into text.
 * NGX_DECLINED: the text is wrong, *what says how (a constant). NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_dff_fields_parse(ngx_pool_t *pool, ngx_str_t *text, ngx_array_t **fields,
    const char **what);

/* The first field of that name, or NULL. */
ngx_http_dff_field_t *ngx_http_dff_fields_find(ngx_array_t *fields, const char *name);

#endif
