/*
 * CORS: which origins may read answers in a browser (WEB_CORS_ORIGIN,
 * WEB_CORS_CREDENTIALS), and the answers to preflights. Runs in nginx workers (the
 * configuration in the master).
 */
#ifndef NGX_HTTP_DFF_CORS_H
#define NGX_HTTP_DFF_CORS_H

#include "ngx_http_dff_module.h"

/* Reads WEB_CORS_ORIGIN: true, false, or a list of origins and "regexp:" entries.
 * NGX_CONF_ERROR: said why. */
char *ngx_http_dff_cors_config(ngx_conf_t *cf, ngx_http_dff_main_conf_t *mcf);

/* Adds Access-Control-* to an answer when its request's origin is allowed, and Vary
 * wherever another origin could be answered differently. NGX_ERROR: no memory. */
ngx_int_t ngx_http_dff_cors_headers(ngx_http_dff_ctx_t *ctx);

/* Adds what a preflight asks for, when its origin is allowed. methods: those of the URL,
 * "GET, POST, OPTIONS"; must live as long as the request. NGX_ERROR: no memory. */
ngx_int_t ngx_http_dff_cors_preflight(ngx_http_dff_ctx_t *ctx, ngx_str_t methods);

#endif
