/*
 * The JSON behind _DFF_HTTP_REQUEST: what a script may see of the HTTP request. Runs
 * in nginx workers.
 */
#ifndef NGX_HTTP_DFF_HTTP_REQUEST_H
#define NGX_HTTP_DFF_HTTP_REQUEST_H

#include "ngx_http_dff_module.h"

#include "dff_envelope.h"

/* Text of a JSON object in the request's pool; data NULL: no memory. With shared, arguments that
 * are a large part of the body are left out, and it says what of ctx->kwargs belongs where. */
ngx_str_t ngx_http_dff_http_request(ngx_http_dff_ctx_t *ctx, dff_job_shared_t *shared);

#endif
