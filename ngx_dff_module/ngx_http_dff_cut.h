/*
 * Takes a field out of what a caller sent, before anything else reads it. Copies live in
 * the request's pool; NGX_ERROR: no memory. Runs in nginx workers.
 */
#ifndef NGX_HTTP_DFF_CUT_H
#define NGX_HTTP_DFF_CUT_H

#include "dff_json.h"

#include "ngx_http_dff_module.h"

/* *text (name=value fields, encoded) becomes a copy without the fields of that name. */
ngx_int_t ngx_http_dff_cut_field(ngx_pool_t *pool, ngx_str_t *text, ngx_str_t *name);

/* *text (a checked JSON object) becomes a copy without the members of that name. */
ngx_int_t ngx_http_dff_cut_member(ngx_pool_t *pool, ngx_str_t *text, dff_str_t name);

/* A member's name, unescaped; data NULL: no memory. */
dff_str_t ngx_http_dff_cut_name(ngx_pool_t *pool, const dff_json_member_t *member);

#endif
