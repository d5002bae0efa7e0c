/*
 * Where a request for us arrives: which endpoint, which method, trace id, body. Runs in
 * nginx workers.
 */
#ifndef NGX_HTTP_DFF_ENDPOINT_H
#define NGX_HTTP_DFF_ENDPOINT_H

#include "ngx_http_dff_module.h"

/* Content handler of locations with "dff". */
ngx_int_t ngx_http_dff_endpoint_handler(ngx_http_request_t *r);

#endif
