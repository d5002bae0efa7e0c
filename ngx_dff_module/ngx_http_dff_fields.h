/*
 * name=value fields of a query string or an URL-encoded form, in memory of a pool.
 * Runs in nginx workers.
 */
#ifndef NGX_HTTP_DFF_FIELDS_H
#define NGX_HTTP_DFF_FIELDS_H

#include "ngx_http_dff_module.h"

#include "dff_form.h"

typedef struct {
    ngx_str_t  name;
    ngx_str_t  value;
} ngx_http_dff_field_t;

/*
 * Splits and decodes text into fields (an array of ngx_http_dff_field_t, made here),
 * in order, repeats kept. Values without anything to decode point into text.
 * NGX_DECLINED: the text is wrong, *what says how and where (a C text of the pool);
 * *fields has what came before. NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_dff_fields_parse(ngx_pool_t *pool, ngx_str_t *text, ngx_array_t **fields,
    const char **what);

/* The same for the query string of a request, which is read once and then remembered. */
ngx_int_t ngx_http_dff_fields_query(ngx_http_dff_ctx_t *ctx, ngx_array_t **fields,
    const char **what);

/* The first field of that name, or NULL. */
ngx_http_dff_field_t *ngx_http_dff_fields_find(ngx_array_t *fields, const char *name);

/* A value that is a boolean in words ("true", "yes", "off", in any case) or an integer, which
 * is true above 0. NGX_DECLINED: it is none. */
ngx_int_t ngx_http_dff_fields_boolean(ngx_http_dff_field_t *field, ngx_uint_t *value);

/* JSON text of a field's value, or of the list of its values where it repeats.
 * NGX_DECLINED: fields[first] is not the first of that name. */
ngx_int_t ngx_http_dff_fields_value(ngx_pool_t *pool, ngx_array_t *fields, ngx_uint_t first,
    dff_str_t *value);

#endif
