/* Answers: see the header. */
#include "ngx_http_dff_answer.h"
#include "ngx_http_dff_cors.h"
#include "ngx_http_dff_dump.h"

#define NGX_HTTP_DFF_ENVELOPE_ROOM  512     /* fixed text, ids and times of an envelope */
#define NGX_HTTP_DFF_REAL_DIGITS    6       /* 599.31 stays 599.31 */

static void ngx_http_dff_answer_discard(ngx_http_request_t *r);
static void ngx_http_dff_answer_type(ngx_http_request_t *r, const char *type);
static ngx_int_t ngx_http_dff_answer_headers(ngx_http_dff_ctx_t *ctx);
static ngx_str_t ngx_http_dff_answer_time(ngx_http_request_t *r, int64_t unix_ms);
static int64_t ngx_http_dff_request_time_ms(ngx_http_request_t *r);
static int64_t ngx_http_dff_now_ms(void);
static json_t *ngx_http_dff_answer_document(ngx_http_dff_ctx_t *ctx, const dff_err_row_t *row,
    const char *sub, const char *message, json_t *detail);


void
ngx_http_dff_answer(ngx_http_dff_ctx_t *ctx, ngx_uint_t status, const char *type,
    ngx_str_t body)
{
    ngx_buf_t  *b;

    b = ngx_calloc_buf(ctx->request->pool);
    if (b == NULL) {
        ngx_http_finalize_request(ctx->request, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    b->pos = body.data;
    b->last = body.data + body.len;
    b->memory = body.len != 0;

    ngx_http_dff_answer_buf(ctx, status, type, b, body.len);
}


void
ngx_http_dff_answer_buf(ngx_http_dff_ctx_t *ctx, ngx_uint_t status, const char *type,
    ngx_buf_t *b, off_t size)
{
    ngx_chain_t          out;
    ngx_http_request_t  *r = ctx->request;

    if (ngx_http_dff_answer_begin(ctx, status, type, size) != NGX_OK) {
        return;
    }

    ngx_http_dff_answer_end(r, b);

    out.buf = b;
    out.next = NULL;

    ngx_http_finalize_request(r, ngx_http_output_filter(r, &out));
}


void
ngx_http_dff_answer_end(ngx_http_request_t *r, ngx_buf_t *b)
{
    b->last_buf = r == r->main;
    b->last_in_chain = 1;

    /* nginx takes no buffer that is empty and says nothing */
    b->sync = !b->last_buf && ngx_buf_size(b) == 0;
}


ngx_int_t
ngx_http_dff_answer_begin(ngx_http_dff_ctx_t *ctx, ngx_uint_t status, const char *type,
    off_t size)
{
    ngx_int_t            rc;
    ngx_http_request_t  *r = ctx->request;

    ctx->answered = 1;
    ctx->cost = ngx_http_dff_elapsed(ctx);

    if (ctx->outcome == NULL) {
        ctx->outcome = "OK";
    }

    ngx_http_dff_answer_discard(r);

    /* nginx would answer conditions about files (If-Match, If-None-Match: *) by itself */
    r->disable_not_modified = !ctx->conditional;

    if (ctx->counted) {
        ngx_http_dff_counters_call(ctx->worker->counters, ctx->reason, ctx->outcome_sub,
                                   ctx->cost);
    }

    r->headers_out.status = status;
    r->headers_out.content_length_n = size;
    ngx_http_dff_answer_type(r, type);

    if (ngx_http_dff_answer_headers(ctx) != NGX_OK) {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return NGX_DONE;
    }

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        ngx_http_finalize_request(r, rc);
        return NGX_DONE;
    }

    return NGX_OK;
}


/* nginx's filters (gzip_types, sub_filter_types) look for the type without its charset. */
static void
ngx_http_dff_answer_type(ngx_http_request_t *r, const char *type)
{
    u_char     *p;
    ngx_str_t  *whole = &r->headers_out.content_type, *charset = &r->headers_out.charset;

    static ngx_str_t  name = ngx_string("charset=");

    whole->data = (u_char *) type;
    whole->len = ngx_strlen(type);
    r->headers_out.content_type_len = whole->len;
    r->headers_out.content_type_lowcase = NULL;
    ngx_str_null(charset);

    p = ngx_strlcasestrn(whole->data, whole->data + whole->len, name.data, name.len - 1);
    if (p == NULL) {
        return;
    }

    charset->data = p + name.len;
    charset->len = whole->data + whole->len - charset->data;

    p = ngx_strlchr(whole->data, p, ';');
    if (p != NULL) {
        r->headers_out.content_type_len = p - whole->data;
    }
}


/* A body that nobody reads must not be taken for the next request. */
static void
ngx_http_dff_answer_discard(ngx_http_request_t *r)
{
    if (r->reading_body) {
        r->keepalive = 0;
        return;
    }

    if (r->headers_in.expect != NULL && !r->expect_tested) {
        /* not asked for; whether it comes nobody knows */
        r->expect_tested = 1;
        r->keepalive = 0;
    }

    if (ngx_http_discard_request_body(r) != NGX_OK) {
        r->keepalive = 0;
    }
}


void
ngx_http_dff_answer_data(ngx_http_dff_ctx_t *ctx, ngx_str_t data, ngx_str_t extra)
{
    u_char              *p;
    ngx_str_t            body, started, ended;
    ngx_http_request_t  *r = ctx->request;

    started = ngx_http_dff_answer_time(r, ngx_http_dff_request_time_ms(r));
    ended = ngx_http_dff_answer_time(r, ngx_http_dff_now_ms());

    body.data = ngx_pnalloc(r->pool, NGX_HTTP_DFF_ENVELOPE_ROOM + ctx->trace_id.len + data.len
                                     + extra.len);
    if (body.data == NULL || started.data == NULL || ended.data == NULL) {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    p = ngx_sprintf(body.data,
                    "{\"ok\":true,\"error\":200,\"message\":\"\",\"data\":%V,%V%s"
                    "\"traceId\":\"%V\",\"reqTime\":\"%V\",\"respTime\":\"%V\",\"reqCost\":%M}",
                    &data, &extra, extra.len != 0 ? "," : "",
                    &ctx->trace_id, &started, &ended, ngx_http_dff_elapsed(ctx));
    body.len = p - body.data;

    ngx_http_dff_answer(ctx, NGX_HTTP_OK, NGX_HTTP_DFF_TYPE_JSON, body);
}


void
ngx_http_dff_answer_error(ngx_http_dff_ctx_t *ctx, dff_reason_t reason, const char *sub,
    const char *message, json_t *detail)
{
    char                 *text;
    json_t               *document;
    ngx_str_t             body;
    const dff_err_row_t  *row;
    ngx_http_request_t   *r = ctx->request;

    row = dff_err_row(reason);
    ctx->reason = reason;
    ctx->outcome = row->reason;
    ctx->outcome_sub = sub;

    body.data = NULL;
    body.len = 0;

    document = ngx_http_dff_answer_document(ctx, row, sub, message, detail);
    text = document == NULL ? NULL
                            : json_dumps(document, JSON_COMPACT
                                             | JSON_REAL_PRECISION(NGX_HTTP_DFF_REAL_DIGITS));
    if (text != NULL) {
        body.len = ngx_strlen(text);
        body.data = ngx_pnalloc(r->pool, body.len);
        if (body.data != NULL) {
            ngx_memcpy(body.data, text, body.len);
        }
    }

    free(text);
    json_decref(document);

    if (body.data == NULL) {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    ngx_http_dff_answer(ctx, row->http_status, NGX_HTTP_DFF_TYPE_JSON, body);
}


void
ngx_http_dff_answer_away(ngx_http_dff_ctx_t *ctx, const ngx_http_dff_redis_t *link,
    const char *state, const char *message)
{
    ngx_http_dff_answer_error(ctx, DFF_E_SYS_CACHE, NULL, NULL,
                              ngx_http_dff_answer_away_detail(ctx, link, state, message));
}


json_t *
ngx_http_dff_answer_away_detail(ngx_http_dff_ctx_t *ctx, const ngx_http_dff_redis_t *link,
    const char *state, const char *message)
{
    json_t  *id;

    if (message == NULL) {
        message = ngx_http_dff_redis_usable(link) ? "Redis did not answer" : link->reason;
    }

    id = ctx->task_id.len == 0 ? NULL
         : json_stringn((char *) ctx->task_id.data, ctx->task_id.len);

    /* an error text of Redis that is not UTF-8 is left out */
    return json_pack("{s:o*, s:s*, s:o*}", "id", id, "state", state,
                     "message", json_string(message));
}


static json_t *
ngx_http_dff_answer_document(ngx_http_dff_ctx_t *ctx, const dff_err_row_t *row,
    const char *sub, const char *message, json_t *detail)
{
    json_t              *document, *name, *text;
    ngx_str_t            started, ended;
    ngx_http_request_t  *r = ctx->request;

    started = ngx_http_dff_answer_time(r, ngx_http_dff_request_time_ms(r));
    ended = ngx_http_dff_answer_time(r, ngx_http_dff_now_ms());

    if (started.data == NULL || ended.data == NULL) {
        json_decref(detail);
        return NULL;
    }

    name = sub == NULL ? json_string(row->reason) : json_sprintf("%s.%s", row->reason, sub);

    /* it may quote what the caller sent */
    message = message != NULL ? message : row->message;
    text = ngx_http_dff_dump_text((const u_char *) message, ngx_strlen(message));

    /* "o*": left out when NULL; the reference of each "o" is taken */
    document = json_pack("{s:b, s:f, s:o, s:o, s:o*, s:o*, s:I, s:s%, s:s%, s:s%}",
                         "ok", 0,
                         "error", strtod(row->code, NULL),
                         "reason", name,
                         "message", text,
                         "detail", detail,
                         "reqDump", ngx_http_dff_dump_request(ctx),
                         "reqCost", (json_int_t) ngx_http_dff_elapsed(ctx),
                         "traceId", ctx->trace_id.data, ctx->trace_id.len,
                         "reqTime", started.data, started.len,
                         "respTime", ended.data, ended.len);
    return document;
}


ngx_int_t
ngx_http_dff_answer_header(ngx_http_request_t *r, const char *name, ngx_str_t value)
{
    return ngx_http_dff_answer_add(r, name, value) != NULL ? NGX_OK : NGX_ERROR;
}


ngx_table_elt_t *
ngx_http_dff_answer_add(ngx_http_request_t *r, const char *name, ngx_str_t value)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NULL;
    }

    ngx_memzero(h, sizeof(ngx_table_elt_t));
    h->hash = 1;
    h->key.data = (u_char *) name;
    h->key.len = ngx_strlen(name);
    h->value = value;

    return h;
}


void
ngx_http_dff_answer_challenge(ngx_http_request_t *r, ngx_table_elt_t *added)
{
    ngx_table_elt_t  **place = &r->headers_out.www_authenticate;

#if (nginx_version >= 1023000)

    while (*place != NULL) {
        place = &(*place)->next;
    }

#else

    /* there is room for one: the first, which is the best */
    if (*place != NULL) {
        return;
    }

#endif

    *place = added;
}


/* The headers that every answer carries. */
static ngx_int_t
ngx_http_dff_answer_headers(ngx_http_dff_ctx_t *ctx)
{
    ngx_str_t            started, ended, cost;
    ngx_str_t            nosniff = ngx_string("nosniff");
    ngx_http_request_t  *r = ctx->request;

    started = ngx_http_dff_answer_time(r, ngx_http_dff_request_time_ms(r));
    ended = ngx_http_dff_answer_time(r, ngx_http_dff_now_ms());
    cost.data = ngx_pnalloc(r->pool, NGX_INT64_LEN);

    if (started.data == NULL || ended.data == NULL || cost.data == NULL) {
        return NGX_ERROR;
    }

    cost.len = ngx_sprintf(cost.data, "%M", ngx_http_dff_elapsed(ctx)) - cost.data;

    if (ngx_http_dff_answer_header(r, "X-Trace-Id", ctx->trace_id) != NGX_OK
        || ngx_http_dff_answer_header(r, "X-Request-Time", started) != NGX_OK
        || ngx_http_dff_answer_header(r, "X-Response-Time", ended) != NGX_OK
        || ngx_http_dff_answer_header(r, "X-Request-Cost", cost) != NGX_OK
        || ngx_http_dff_answer_header(r, "X-Content-Type-Options", nosniff) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ctx->task_id.len != 0
        && ngx_http_dff_answer_header(r, "X-Dff-Task-Id", ctx->task_id) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_dff_cors_headers(ctx);
}


static ngx_str_t
ngx_http_dff_answer_time(ngx_http_request_t *r, int64_t unix_ms)
{
    ngx_str_t  text;

    text.len = 0;
    text.data = ngx_pnalloc(r->pool, DFF_TIME_ISO_SIZE);
    if (text.data != NULL) {
        text.len = dff_time_iso_utc((char *) text.data, unix_ms);
    }

    return text;
}


static int64_t
ngx_http_dff_request_time_ms(ngx_http_request_t *r)
{
    return (int64_t) r->start_sec * 1000 + (int64_t) r->start_msec;
}


static int64_t
ngx_http_dff_now_ms(void)
{
    ngx_time_t  *tp = ngx_timeofday();

    return (int64_t) tp->sec * 1000 + (int64_t) tp->msec;
}
