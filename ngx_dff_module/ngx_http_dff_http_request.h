/*
 * The JSON behind _DFF_HTTP_REQUEST: what a script may see of the HTTP request. Runs
 * in nginx workers.
 */
#ifndef NGX_HTTP_DFF_HTTP_REQUEST_H
#define NGX_HTTP_DFF_HTTP_REQUEST_H

#include "ngx_http_dff_module.h"

#include "dff_envelope.h"

/*
 * Text of a JSON object in the request's pool; data NULL: no memory. With shared (zeroed by the
 * caller), the beginning of ctx->kwargs is left out where the body has it, too, unless it is
 * small; *shared says how much of it belongs where. NULL: the object is whole.
 */
ngx_str_t ngx_http_dff_http_request(ngx_http_dff_ctx_t *ctx, dff_job_shared_t *shared);

#endif
