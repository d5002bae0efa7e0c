/*
 * Results of functions with cache_result: equal calls within that time are answered from
 * Redis without a run. Runs in nginx workers.
 *
 * Calls are equal when function, published version, returnType and the text of the
 * arguments are: the caller's and the link's, merged, byte for byte (another order of the
 * arguments, or more white space, is another call). Successes are kept, whatever
 * DFF.RESP they are; failures never.
 */
#ifndef NGX_HTTP_DFF_RESULT_CACHE_H
#define NGX_HTTP_DFF_RESULT_CACHE_H

#include "ngx_http_dff_call.h"

/*
 * The stage of a call that looks for its result, and notes in ctx->cache_key where it is
 * to be put when there is none. Calls that are not cached cost nothing. NGX_OK;
 * NGX_AGAIN: Redis is asked.
 */
ngx_int_t ngx_http_dff_result_cache_stage(ngx_http_dff_ctx_t *ctx);

/* The reply to a call has come; raw is the whole of it. Keeps it if it is to be. */
void ngx_http_dff_result_cache_store(const ngx_http_dff_call_t *call, const dff_reply_t *reply,
    dff_str_t raw);

#endif
