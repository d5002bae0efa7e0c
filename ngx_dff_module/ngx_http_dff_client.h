/*
 * Where a request came from: the address of the client, also behind proxies. Runs in
 * nginx workers (the configuration in the master).
 *
 * X-Forwarded-For is a claim of whoever sent it. It is believed only as far as a trusted
 * proxy (WEB_TRUSTED_PROXIES) vouches for it: from the right, each address that is a
 * trusted proxy vouches for the one before it. The first that is none is the client.
 */
#ifndef NGX_HTTP_DFF_CLIENT_H
#define NGX_HTTP_DFF_CLIENT_H

#include "ngx_http_dff_module.h"

/* Reads WEB_TRUSTED_PROXIES into mcf->proxies. NGX_CONF_ERROR: said why. */
char *ngx_http_dff_client_config(ngx_conf_t *cf, ngx_http_dff_main_conf_t *mcf);

/* $dff_client_addr: the client's address, also in locations that are not served by this
 * module. The management API hears of its clients by it (nginx-api-scgi.conf). */
ngx_int_t ngx_http_dff_client_add_variables(ngx_conf_t *cf);

/* The addresses that the request came through, the client first, the peer of the
 * connection last; at least one. Found once for a request. */
ngx_uint_t ngx_http_dff_client_chain(ngx_http_dff_ctx_t *ctx, ngx_str_t **chain);

#endif
