/*
 * Content-Disposition of a download (RFC 6266). Runs in nginx workers.
 */
#ifndef NGX_HTTP_DFF_DISPOSITION_H
#define NGX_HTTP_DFF_DISPOSITION_H

#include "ngx_http_dff_module.h"

/* attachment, with the file name where it is not empty: as it is for old clients, any byte
 * that could end it replaced; and as RFC 5987 has it, where the two differ. */
ngx_int_t ngx_http_dff_disposition(ngx_pool_t *pool, ngx_str_t name, ngx_str_t *value);

#endif
