/*
 * What a finished job means to its caller: the result, or which error. Runs in nginx
 * workers.
 */
#ifndef NGX_HTTP_DFF_OUTCOME_H
#define NGX_HTTP_DFF_OUTCOME_H

#include <jansson.h>

#include "ngx_http_dff_module.h"

/* Sends the answer (ngx_http_dff_answer.h). The reply's bytes are copied. */
void ngx_http_dff_outcome_answer(ngx_http_dff_ctx_t *ctx, const dff_reply_t *reply,
    ngx_uint_t unfold, ngx_uint_t save_result);

/* The result as JSON text, in the request's pool; data NULL: no memory. */
ngx_str_t ngx_http_dff_outcome_json(ngx_http_dff_ctx_t *ctx, const dff_reply_t *reply);

/* "taskId" and "resultURL" as members for ngx_http_dff_answer_data(). */
ngx_str_t ngx_http_dff_outcome_task(ngx_http_dff_ctx_t *ctx);

/* Row of the error table and detail {id, etype, einfoTEXT} of one that did not succeed. */
dff_reason_t ngx_http_dff_outcome_error(const dff_reply_t *reply, json_t **detail);

#endif
