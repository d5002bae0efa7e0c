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

#include "ngx_http_dff_module.h"

/*
 * The stage of a call that looks for its result. When there is none, ctx->cache_as goes
 * with the job, and the master that has its reply puts that into the cache, too. Calls
 * that are not cached cost nothing. NGX_OK; NGX_AGAIN: Redis is asked.
 */
ngx_int_t ngx_http_dff_result_cache_stage(ngx_http_dff_ctx_t *ctx);

/*
 * The file that an answer names cannot be had. 1: it was a cached answer; that is taken out
 * of the cache and the function is called, as if nothing had been found. 0: it was not.
 */
ngx_uint_t ngx_http_dff_result_cache_void(ngx_http_dff_ctx_t *ctx);

#endif
