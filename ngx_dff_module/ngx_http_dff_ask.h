/*
 * One question to Redis on behalf of a request that waits for the answer. Runs in
 * nginx workers.
 *
 * A question outlives its request: the answer comes when it comes. It knows the
 * request only until that goes or has been told, whichever is first.
 */
#ifndef NGX_HTTP_DFF_ASK_H
#define NGX_HTTP_DFF_ASK_H

#include "ngx_http_dff_module.h"

#define NGX_HTTP_DFF_ASK_PATIENCE  1000    /* ms: callers hear 503 within a second or so */

/* reply is valid during the call; NULL: Redis went away, or the time is over. */
typedef void (*ngx_http_dff_ask_pt)(ngx_http_dff_ctx_t *ctx, redisReply *reply);

/*
 * NGX_OK: told is called once, not from in here, unless the request is gone or was
 * answered before. After patience (ms) it is called without an answer; a whole
 * NGX_HTTP_DFF_ASK_PATIENCE begins anew behind large commands. NGX_ERROR:
 * Redis cannot be asked, or there is no memory; told is not called.
 */
ngx_int_t ngx_http_dff_ask(ngx_http_dff_ctx_t *ctx, ngx_http_dff_ask_pt told,
    ngx_msec_t patience, int argc, const ngx_str_t *argv);

#endif
