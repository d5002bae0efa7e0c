/*
 * Everything that callers see comes from here: the headers of every answer, the
 * success envelope, and errors from the error table. Runs in nginx workers.
 *
 * Each function sends the whole answer and finalizes the request: after it the
 * request may be gone, so callers return at once.
 */
#ifndef NGX_HTTP_DFF_ANSWER_H
#define NGX_HTTP_DFF_ANSWER_H

#include <jansson.h>

#include "ngx_http_dff_module.h"

#define NGX_HTTP_DFF_TYPE_JSON  "application/json; charset=utf-8"
#define NGX_HTTP_DFF_TYPE_TEXT  "text/plain; charset=utf-8"

/* A body of any type. body must live as long as the request. */
void ngx_http_dff_answer(ngx_http_dff_ctx_t *ctx, ngx_uint_t status, const char *type,
    ngx_str_t body);

/* The same for a buffer of size bytes, such as a file. */
void ngx_http_dff_answer_buf(ngx_http_dff_ctx_t *ctx, ngx_uint_t status, const char *type,
    ngx_buf_t *b, off_t size);

/* The header alone: NGX_OK: size bytes are to follow; NGX_DONE: the request has ended (there
 * is no body, or an error). */
ngx_int_t ngx_http_dff_answer_begin(ngx_http_dff_ctx_t *ctx, ngx_uint_t status,
    const char *type, off_t size);

/* b, with its data, is the last one: of the answer, or of a part of the main request's (SSI),
 * which goes on behind it. */
void ngx_http_dff_answer_end(ngx_http_request_t *r, ngx_buf_t *b);

/* {"ok":true,"error":200,"message":"","data":<data>, extra members…}; data is JSON text,
 * extra (may be empty) is text such as "\"taskId\":\"task-…\"". */
void ngx_http_dff_answer_data(ngx_http_dff_ctx_t *ctx, ngx_str_t data, ngx_str_t extra);

/*
 * An error document. sub (a constant, may be NULL) follows the reason after a dot. message NULL:
 * the row's own. detail (may be NULL): its reference is taken.
 */
void ngx_http_dff_answer_error(ngx_http_dff_ctx_t *ctx, dff_reason_t reason, const char *sub,
    const char *message, json_t *detail);

/*
 * 503.53 with detail {id, state, message}. id: the task's, once there is one. state tells
 * whether the job may run: "refused": it does not; "unknown"; NULL: there is no job. message
 * NULL: why link is away.
 */
void ngx_http_dff_answer_away(ngx_http_dff_ctx_t *ctx, const ngx_http_dff_redis_t *link,
    const char *state, const char *message);
json_t *ngx_http_dff_answer_away_detail(ngx_http_dff_ctx_t *ctx,
    const ngx_http_dff_redis_t *link, const char *state, const char *message);

/* The same with an HTTP header of its own, such as Retry-After. NGX_ERROR: no memory. */
ngx_int_t ngx_http_dff_answer_header(ngx_http_request_t *r, const char *name, ngx_str_t value);

/* The same, to be changed or remembered; NULL: no memory. */
ngx_table_elt_t *ngx_http_dff_answer_add(ngx_http_request_t *r, const char *name,
    ngx_str_t value);

/* A WWW-Authenticate that was added, to where "auth_request" takes it from for its client. */
void ngx_http_dff_answer_challenge(ngx_http_request_t *r, ngx_table_elt_t *added);

#endif
