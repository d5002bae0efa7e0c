/* Dumps of requests: see the header. */
#include "ngx_http_dff_dump.h"
#include "ngx_http_dff_worker.h"

#include "dff_buf.h"

#define NGX_HTTP_DFF_DUMP_BODY_MAX   (10 * 1024)
#define NGX_HTTP_DFF_DUMP_DEPTH_MAX  32

static json_t *ngx_http_dff_dump_body(ngx_http_dff_ctx_t *ctx);
static ngx_str_t ngx_http_dff_dump_url(ngx_pool_t *pool, ngx_str_t url);
static void ngx_http_dff_dump_mask(json_t *value, ngx_uint_t depth);
static ngx_uint_t ngx_http_dff_dump_is_secret(const u_char *name, size_t len);
static json_t *ngx_http_dff_dump_text(const u_char *data, size_t len);


json_t *
ngx_http_dff_dump_request(ngx_http_dff_ctx_t *ctx)
{
    ngx_str_t            url;
    ngx_http_request_t  *r = ctx->request;

    url = ngx_http_dff_dump_url(r->pool, ctx->url);

    return json_pack("{s:o, s:o, s:o*}",
                     "method", ngx_http_dff_dump_text(r->method_name.data, r->method_name.len),
                     "url", ngx_http_dff_dump_text(url.data, url.len),
                     "body", ngx_http_dff_dump_body(ctx));
}


/* The parsed body, masked; a text where it is no JSON or too long; NULL: none. */
static json_t *
ngx_http_dff_dump_body(ngx_http_dff_ctx_t *ctx)
{
    json_t  *body;

    if (ctx->body.len == 0) {
        return NULL;
    }

    if (ctx->body.len > NGX_HTTP_DFF_DUMP_BODY_MAX) {
        /* cut text cannot be masked field by field: say its size only */
        return json_sprintf("(%zu bytes)", ctx->body.len);
    }

    body = json_loadb((const char *) ctx->body.data, ctx->body.len, JSON_DECODE_ANY, NULL);
    if (body == NULL) {
        return json_sprintf("(%zu bytes, not JSON)", ctx->body.len);
    }

    ngx_http_dff_dump_mask(body, 0);

    return body;
}


static void
ngx_http_dff_dump_mask(json_t *value, ngx_uint_t depth)
{
    size_t       i;
    json_t      *item;
    const char  *key;

    if (depth == NGX_HTTP_DFF_DUMP_DEPTH_MAX) {
        return;
    }

    if (json_is_array(value)) {
        json_array_foreach(value, i, item) {
            ngx_http_dff_dump_mask(item, depth + 1);
        }
        return;
    }

    json_object_foreach(value, key, item) {
        if (ngx_http_dff_dump_is_secret((const u_char *) key, ngx_strlen(key))) {
            (void) json_object_set_new(value, key, json_string("***"));
        } else {
            ngx_http_dff_dump_mask(item, depth + 1);
        }
    }
}


/* A URL with the values of secret-looking fields masked. */
static ngx_str_t
ngx_http_dff_dump_url(ngx_pool_t *pool, ngx_str_t url)
{
    u_char  *p, *to, *last, *name, *value, *end;

    last = url.data + url.len;

    p = ngx_strlchr(url.data, last, '?');
    if (p == NULL) {
        return url;
    }

    /* a field "a=" of two bytes may become "a=***" of five */
    to = ngx_pnalloc(pool, url.len * 3);
    if (to == NULL) {
        url.len = p - url.data;
        return url;
    }

    p++;
    url.len = p - url.data;
    url.data = ngx_cpymem(to, url.data, url.len) - url.len;
    to += url.len;

    for (name = p; name < last; name = end + 1) {

        end = ngx_strlchr(name, last, '&');
        if (end == NULL) {
            end = last;
        }

        value = ngx_strlchr(name, end, '=');

        if (value != NULL && ngx_http_dff_dump_is_secret(name, value - name)) {
            to = ngx_cpymem(to, name, value + 1 - name);
            to = ngx_cpymem(to, "***", 3);
        } else {
            to = ngx_cpymem(to, name, end - name);
        }

        if (end < last) {
            *to++ = '&';
        }
    }

    url.len = to - url.data;

    return url;
}


static ngx_uint_t
ngx_http_dff_dump_is_secret(const u_char *name, size_t len)
{
    size_t      at;
    ngx_uint_t  i;

    static ngx_str_t  words[] = {
        ngx_string("password"), ngx_string("secret"), ngx_string("token"),
        ngx_string("authorization")
    };

    for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        for (at = 0; at + words[i].len <= len; at++) {
            if (ngx_strncasecmp((u_char *) name + at, words[i].data, words[i].len) == 0) {
                return 1;
            }
        }
    }

    return 0;
}


/* Bytes from outside as a JSON text: what is not UTF-8 shows as U+FFFD. */
static json_t *
ngx_http_dff_dump_text(const u_char *data, size_t len)
{
    char       *text;
    size_t      size;
    json_t     *value;
    dff_buf_t   buf = DFF_BUF_INIT;

    value = json_stringn((const char *) data, len);
    if (value != NULL) {
        return value;
    }

    dff_buf_add(&buf, "\"", 1);
    dff_buf_add_json_escaped(&buf, (dff_str_t) { (const char *) data, len });
    dff_buf_add(&buf, "\"", 1);

    text = dff_buf_take(&buf, &size);
    value = text == NULL ? NULL : json_loadb(text, size, JSON_DECODE_ANY, NULL);
    free(text);

    return value;
}


void
ngx_http_dff_dump_log(ngx_http_dff_ctx_t *ctx)
{
    ngx_str_t               url, host, referer, none = ngx_string("-");
    ngx_table_elt_t        *forwarded;
    ngx_http_request_t     *r = ctx->request;
    ngx_http_dff_worker_t  *worker = ctx->worker;

    if (!dff_log_on(&worker->line, DFF_LOG_INFO)) {
        return;
    }

    url = ngx_http_dff_dump_url(r->pool, ctx->url);
    referer = r->headers_in.referer == NULL
              ? none : ngx_http_dff_dump_url(r->pool, r->headers_in.referer->value);
    host = r->headers_in.host != NULL ? r->headers_in.host->value : none;
    forwarded = ngx_http_dff_dump_header(r, "x-forwarded-for", sizeof("x-forwarded-for") - 1);

    ngx_http_dff_worker_log(worker, DFF_LOG_INFO, &ctx->trace_id,
                            "[REQUEST] host=%V method=%V url=%V",
                            &host, &r->method_name, &url);

    ngx_http_dff_worker_log(worker, DFF_LOG_INFO, &ctx->trace_id,
                            "[REQUEST FROM] ip=%V forwarded-for=%V referer=%V user-agent=%V",
                            &r->connection->addr_text,
                            forwarded != NULL ? &forwarded->value : &none,
                            &referer,
                            r->headers_in.user_agent != NULL ? &r->headers_in.user_agent->value
                                                             : &none);
}


ngx_table_elt_t *
ngx_http_dff_dump_header(ngx_http_request_t *r, const char *name, size_t len)
{
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    for (part = &r->headers_in.headers.part; part != NULL; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {
            if (h[i].key.len == len
                && ngx_strncasecmp(h[i].key.data, (u_char *) name, len) == 0)
            {
                return &h[i];
            }
        }
    }

    return NULL;
}
