/*
 * How often a link may be called: counted in Redis, for all nodes together. Runs in
 * nginx workers.
 */
#ifndef NGX_HTTP_DFF_THROTTLE_H
#define NGX_HTTP_DFF_THROTTLE_H

#include "ngx_http_dff_module.h"

/*
 * The stage of a call that counts it against the rules of ctx->route. A link without
 * rules costs nothing. NGX_OK; NGX_AGAIN: Redis is asked; NGX_DONE: answered.
 *
 * It stands before the body and the API auth: what is refused costs no body, no run
 * of an auth function, and gives no unlimited tries at a password.
 */
ngx_int_t ngx_http_dff_throttle_stage(ngx_http_dff_ctx_t *ctx);

#endif
