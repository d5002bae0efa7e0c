/*
 * _DFF_HTTP_REQUEST: see the header.
 *
 * One function describes the document; it runs twice, first to measure and then to
 * write, so that the two cannot differ.
 */
#include "ngx_http_dff_client.h"
#include "ngx_http_dff_dump.h"
#include "ngx_http_dff_fields.h"
#include "ngx_http_dff_http_request.h"

#include "dff_json.h"

#define NGX_HTTP_DFF_SHARED_MIN  512      /* bytes; less is not worth a second look */

typedef struct {
    char              *out;      /* NULL: measuring */
    size_t             size;
    dff_job_shared_t  *shared;   /* NULL: all of the body is written */
} ngx_http_dff_writer_t;

static void ngx_http_dff_request_render(ngx_http_dff_ctx_t *ctx, ngx_array_t *query,
    ngx_uint_t body_is_json, ngx_http_dff_writer_t *w);
static void ngx_http_dff_request_body(ngx_http_dff_ctx_t *ctx, ngx_http_dff_writer_t *w);
static void ngx_http_dff_request_headers(ngx_http_dff_ctx_t *ctx, ngx_http_dff_writer_t *w);
static void ngx_http_dff_request_query(ngx_array_t *query, ngx_http_dff_writer_t *w);
static void ngx_http_dff_put(ngx_http_dff_writer_t *w, const char *data, size_t len);
static void ngx_http_dff_put_escaped(ngx_http_dff_writer_t *w, ngx_str_t *text);
static void ngx_http_dff_put_member(ngx_http_dff_writer_t *w, const char *before,
    ngx_str_t *text);

#define ngx_http_dff_put_literal(w, text)  ngx_http_dff_put(w, text, sizeof(text) - 1)


ngx_str_t
ngx_http_dff_http_request(ngx_http_dff_ctx_t *ctx, dff_job_shared_t *shared)
{
    ngx_str_t               text;
    const char             *what;
    ngx_uint_t              body_is_json;
    ngx_array_t            *query;
    ngx_http_request_t     *r = ctx->request;
    ngx_http_dff_writer_t   w = { NULL, 0, shared };

    ngx_str_null(&text);

    if (ngx_http_dff_fields_query(ctx, &query, &what) == NGX_ERROR) {
        return text;
    }

    body_is_json = ctx->body_is_json
                   || (ctx->body.len != 0
                       && dff_json_check(ngx_http_dff_str(ctx->body), NULL, NULL, NULL) == DFF_OK);

    ngx_http_dff_request_render(ctx, query, body_is_json, &w);

    text.data = ngx_pnalloc(r->pool, w.size);
    if (text.data != NULL) {
        text.len = w.size;
        w.out = (char *) text.data;
        ngx_http_dff_request_render(ctx, query, body_is_json, &w);
    }

    return text;
}


static void
ngx_http_dff_request_render(ngx_http_dff_ctx_t *ctx, ngx_array_t *query,
    ngx_uint_t body_is_json, ngx_http_dff_writer_t *w)
{
    ngx_str_t            *chain, host, requested = ngx_string("xmlhttprequest");
    ngx_uint_t            i, n;
    ngx_table_elt_t      *h;
    ngx_http_request_t   *r = ctx->request;

    ngx_str_null(&host);
    if (r->headers_in.server.len != 0) {
        host = r->headers_in.server;
    }

    ngx_http_dff_put_member(w, "{\"method\":\"", &r->method_name);
    ngx_http_dff_put_member(w, ",\"originalUrl\":\"", &ctx->url);
    ngx_http_dff_put_member(w, ",\"url\":\"", &ctx->url);
    ngx_http_dff_put_member(w, ",\"hostname\":\"", &host);
    n = ngx_http_dff_client_chain(ctx, &chain);
    ngx_http_dff_put_member(w, ",\"ip\":\"", &chain[0]);

    for (i = 0; i < n; i++) {
        ngx_http_dff_put_member(w, i == 0 ? ",\"ips\":[\"" : ",\"", &chain[i]);
    }

    h = ngx_http_dff_dump_header(r, "x-requested-with", sizeof("x-requested-with") - 1);

    if (h != NULL && h->value.len == requested.len
        && ngx_strncasecmp(h->value.data, requested.data, requested.len) == 0)
    {
        ngx_http_dff_put_literal(w, "],\"xhr\":true,\"headers\":{");
    } else {
        ngx_http_dff_put_literal(w, "],\"xhr\":false,\"headers\":{");
    }

    ngx_http_dff_request_headers(ctx, w);
    ngx_http_dff_put_literal(w, "},\"query\":{");
    ngx_http_dff_request_query(query, w);

    if (ctx->body.len == 0) {
        ngx_http_dff_put_literal(w, "},\"body\":null}");

    } else if (body_is_json) {
        ngx_http_dff_put_literal(w, "},\"body\":");
        ngx_http_dff_request_body(ctx, w);
        ngx_http_dff_put_literal(w, "}");

    } else {
        ngx_http_dff_put_member(w, "},\"body\":\"", &ctx->body);
        ngx_http_dff_put_literal(w, "}");
    }
}


/* A body of JSON as it is, but for the arguments when they are a part of it. */
static void
ngx_http_dff_request_body(ngx_http_dff_ctx_t *ctx, ngx_http_dff_writer_t *w)
{
    const char  *body = (char *) ctx->body.data, *body_end = body + ctx->body.len,
                *given = (char *) ctx->given.data, *given_end = given + ctx->given.len;

    if (w->shared == NULL
        || ctx->given.len < NGX_HTTP_DFF_SHARED_MIN
        || given < body || given_end > body_end)
    {
        ngx_http_dff_put(w, body, ctx->body.len);
        return;
    }

    ngx_http_dff_put(w, body, given - body);

    if (w->out == NULL) {
        w->shared->size = ctx->given.len;
        w->shared->at = w->size;
    }

    ngx_http_dff_put(w, given_end, body_end - given_end);
}


static void
ngx_http_dff_request_headers(ngx_http_dff_ctx_t *ctx, ngx_http_dff_writer_t *w)
{
    ngx_str_t         name, masked = ngx_string("***");
    ngx_uint_t        i, first;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    first = 1;

    for (part = &ctx->request->headers_in.headers.part; part != NULL; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {
            name.data = h[i].lowcase_key;
            name.len = h[i].key.len;
            ngx_http_dff_put_member(w, first ? "\"" : ",\"", &name);
            ngx_http_dff_put_member(w, ":\"", &h[i] == ctx->credential ? &masked : &h[i].value);
            first = 0;
        }
    }
}


/* A name that occurs once is a text, one that repeats a list of texts. */
static void
ngx_http_dff_request_query(ngx_array_t *query, ngx_http_dff_writer_t *w)
{
    ngx_uint_t             i, j, repeats, first;
    ngx_http_dff_field_t  *field;

    field = query->elts;
    first = 1;

    for (i = 0; i < query->nelts; i++) {

        for (j = 0; j < i; j++) {
            if (field[j].name.len == field[i].name.len
                && ngx_memcmp(field[j].name.data, field[i].name.data, field[i].name.len) == 0)
            {
                break;
            }
        }

        if (j < i) {
            continue;   /* written with its first occurrence */
        }

        ngx_http_dff_put_member(w, first ? "\"" : ",\"", &field[i].name);
        ngx_http_dff_put_literal(w, ":");
        first = 0;
        repeats = 0;

        for (j = i + 1; j < query->nelts; j++) {
            if (field[j].name.len != field[i].name.len
                || ngx_memcmp(field[j].name.data, field[i].name.data, field[i].name.len) != 0)
            {
                continue;
            }

            if (repeats++ == 0) {
                ngx_http_dff_put_member(w, "[\"", &field[i].value);
            }
            ngx_http_dff_put_member(w, ",\"", &field[j].value);
        }

        if (repeats == 0) {
            ngx_http_dff_put_member(w, "\"", &field[i].value);
        } else {
            ngx_http_dff_put_literal(w, "]");
        }
    }
}


static void
ngx_http_dff_put(ngx_http_dff_writer_t *w, const char *data, size_t len)
{
    if (w->out == NULL) {
        w->size += len;
    } else {
        w->out = (char *) ngx_cpymem(w->out, data, len);
    }
}


static void
ngx_http_dff_put_escaped(ngx_http_dff_writer_t *w, ngx_str_t *text)
{
    if (w->out == NULL) {
        w->size += dff_json_escaped_size(ngx_http_dff_str(*text));
    } else {
        w->out = dff_json_escape(w->out, ngx_http_dff_str(*text));
    }
}


/* before (up to the opening quote), the text, the closing quote. */
static void
ngx_http_dff_put_member(ngx_http_dff_writer_t *w, const char *before, ngx_str_t *text)
{
    ngx_http_dff_put(w, before, ngx_strlen(before));
    ngx_http_dff_put_escaped(w, text);
    ngx_http_dff_put_literal(w, "\"");
}
