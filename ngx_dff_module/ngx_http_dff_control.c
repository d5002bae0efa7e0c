/* Control sections: see the header. */
#include <jansson.h>

#include "ngx_http_dff_answer.h"
#include "ngx_http_dff_control.h"
#include "ngx_http_dff_disposition.h"

#include "dff_own_header.h"

static ngx_int_t ngx_http_dff_control_take(ngx_http_dff_ctx_t *ctx, json_t *document,
    ngx_http_dff_control_t *control);
static ngx_int_t ngx_http_dff_control_headers(ngx_http_dff_ctx_t *ctx, json_t *headers,
    ngx_http_dff_control_t *control);
static ngx_uint_t ngx_http_dff_control_is(const char *name, const char *other);
static ngx_uint_t ngx_http_dff_control_is_range(const char *name);
static ngx_uint_t ngx_http_dff_control_is_field(const char *name, json_t *value);
static ngx_uint_t ngx_http_dff_control_is_line(json_t *value);
static ngx_int_t ngx_http_dff_control_line(ngx_http_dff_ctx_t *ctx, json_t *value,
    ngx_str_t *text);
static ngx_int_t ngx_http_dff_control_text(ngx_http_dff_ctx_t *ctx, json_t *value,
    ngx_str_t *text);
static ngx_int_t ngx_http_dff_control_put(ngx_http_request_t *r, ngx_table_elt_t *added);
static ngx_int_t ngx_http_dff_control_cache_control(ngx_http_request_t *r,
    ngx_table_elt_t *added);

/* Where nginx looks before it sends one of its own, and where its filters find them. */
static const struct {
    const char  *name;
    size_t       offset;
} ngx_http_dff_control_places[] = {
    { "Date",             offsetof(ngx_http_headers_out_t, date) },
    { "Server",           offsetof(ngx_http_headers_out_t, server) },
    { "Last-Modified",    offsetof(ngx_http_headers_out_t, last_modified) },
    { "ETag",             offsetof(ngx_http_headers_out_t, etag) },
    { "Expires",          offsetof(ngx_http_headers_out_t, expires) },
    { "Content-Encoding", offsetof(ngx_http_headers_out_t, content_encoding) },
    { "Content-Range",    offsetof(ngx_http_headers_out_t, content_range) },
    { "Accept-Ranges",    offsetof(ngx_http_headers_out_t, accept_ranges) }
};


ngx_int_t
ngx_http_dff_control_read(ngx_http_dff_ctx_t *ctx, const dff_reply_t *reply, const char *type,
    ngx_http_dff_control_t *control)
{
    json_t     *document;
    ngx_int_t   rc;

    ngx_memzero(control, sizeof(ngx_http_dff_control_t));
    control->status = NGX_HTTP_OK;
    control->type = type;

    if (reply->control.len == 0) {
        return NGX_OK;
    }

    document = json_loadb(reply->control.data, reply->control.len, 0, NULL);
    if (document == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_http_dff_control_take(ctx, document, control);
    json_decref(document);

    return rc;
}


static ngx_int_t
ngx_http_dff_control_take(ngx_http_dff_ctx_t *ctx, json_t *document,
    ngx_http_dff_control_t *control)
{
    json_t      *value;
    ngx_str_t    type, download;

    value = json_object_get(document, "statusCode");
    if (json_is_integer(value)
        && json_integer_value(value) >= 200 && json_integer_value(value) <= 999)
    {
        control->status = (ngx_uint_t) json_integer_value(value);
    }

    control->allow_304 = json_is_true(json_object_get(document, "allow304"));
    control->auto_delete = json_is_true(json_object_get(document, "autoDelete"));

    if (ngx_http_dff_control_line(ctx, json_object_get(document, "contentType"), &type)
        != NGX_OK
        || ngx_http_dff_control_line(ctx, json_object_get(document, "etag"), &control->etag)
           != NGX_OK
        || ngx_http_dff_control_text(ctx, json_object_get(document, "file"), &control->file)
           != NGX_OK
        || ngx_http_dff_control_text(ctx, json_object_get(document, "node"), &control->node)
           != NGX_OK
        || ngx_http_dff_control_text(ctx, json_object_get(document, "download"), &download)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (type.len != 0) {
        control->type = (const char *) type.data;
    }

    if (ngx_http_dff_control_headers(ctx, json_object_get(document, "headers"), control)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    value = json_object_get(document, "download");

    if (json_is_true(value) || json_is_string(value)) {
        return ngx_http_dff_disposition(ctx->request->pool, download, &control->disposition);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_dff_control_headers(ngx_http_dff_ctx_t *ctx, json_t *headers,
    ngx_http_dff_control_t *control)
{
    json_t                         *value;
    ngx_str_t                       text;
    const char                     *key;
    ngx_pool_t                     *pool = ctx->request->pool;
    ngx_http_dff_control_header_t  *header;

    if (json_object_size(headers) == 0) {
        return NGX_OK;
    }

    control->headers = ngx_array_create(pool, json_object_size(headers),
                                        sizeof(ngx_http_dff_control_header_t));
    if (control->headers == NULL) {
        return NGX_ERROR;
    }

    json_object_foreach(headers, key, value) {

        if (!ngx_http_dff_control_is_field(key, value)) {
            continue;
        }

        if (ngx_http_dff_control_text(ctx, value, &text) != NGX_OK) {
            return NGX_ERROR;
        }

        if (ngx_http_dff_control_is(key, "Content-Type")) {
            /* nginx has a place of its own for it */
            control->type = (const char *) text.data;
            continue;
        }

        header = ngx_array_push(control->headers);
        if (header == NULL) {
            return NGX_ERROR;
        }

        header->value = text;
        text.len = ngx_strlen(key) + 1;
        text.data = (u_char *) key;
        header->name = (const char *) ngx_pstrdup(pool, &text);
        if (header->name == NULL) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_uint_t
ngx_http_dff_control_is(const char *name, const char *other)
{
    return ngx_strcasecmp((u_char *) name, (u_char *) other) == 0;
}


static ngx_uint_t
ngx_http_dff_control_is_range(const char *name)
{
    return ngx_http_dff_control_is(name, "Accept-Ranges")
           || ngx_http_dff_control_is(name, "Content-Range");
}


/* A header that a function may set. */
static ngx_uint_t
ngx_http_dff_control_is_field(const char *name, json_t *value)
{
    size_t  i;

    if (!ngx_http_dff_control_is_line(value) || name[0] == '\0') {
        return 0;
    }

    for (i = 0; name[i] != '\0'; i++) {
        if (name[i] <= ' ' || name[i] == ':' || name[i] >= 0x7f) {
            return 0;
        }
    }

    return !dff_own_header(name);
}


/* A text that may stand in a header: a line break in it would start another one. */
static ngx_uint_t
ngx_http_dff_control_is_line(json_t *value)
{
    size_t       i;
    const char  *text = json_string_value(value);

    for (i = 0; i < json_string_length(value); i++) {
        if (((u_char) text[i] < ' ' && text[i] != '\t') || text[i] == 0x7f) {
            return 0;
        }
    }

    return text != NULL;
}


/* The same as the next, for what becomes a header; empty where it may not. */
static ngx_int_t
ngx_http_dff_control_line(ngx_http_dff_ctx_t *ctx, json_t *value, ngx_str_t *text)
{
    return ngx_http_dff_control_text(ctx, ngx_http_dff_control_is_line(value) ? value : NULL,
                                     text);
}


/* A text in the request's pool, with a NUL behind it; empty where value is no text. */
static ngx_int_t
ngx_http_dff_control_text(ngx_http_dff_ctx_t *ctx, json_t *value, ngx_str_t *text)
{
    ngx_str_t  from;

    ngx_str_null(text);

    if (!json_is_string(value)) {
        return NGX_OK;
    }

    from.len = json_string_length(value) + 1;
    from.data = (u_char *) json_string_value(value);

    text->data = ngx_pstrdup(ctx->request->pool, &from);
    if (text->data == NULL) {
        return NGX_ERROR;
    }

    text->len = from.len - 1;

    return NGX_OK;
}


ngx_int_t
ngx_http_dff_control_apply(ngx_http_dff_ctx_t *ctx, ngx_http_dff_control_t *control)
{
    u_char                         *p;
    ngx_str_t                       etag;
    ngx_uint_t                      i, by_nginx;
    ngx_table_elt_t                *added;
    ngx_http_request_t             *r = ctx->request;
    ngx_http_dff_control_header_t  *header;

    header = control->headers == NULL ? NULL : control->headers->elts;

    /* the ranges of a file: nginx cuts them, and says so */
    by_nginx = control->file.len != 0 && control->status == NGX_HTTP_OK;

    for (i = 0; header != NULL && i < control->headers->nelts; i++) {

        if (ngx_http_dff_control_is(header[i].name, "Content-Disposition")) {
            control->disposition.len = 0;

        } else if (by_nginx && ngx_http_dff_control_is_range(header[i].name)) {
            continue;
        }

        added = ngx_http_dff_answer_add(r, header[i].name, header[i].value);

        if (added == NULL || ngx_http_dff_control_put(r, added) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    if (control->disposition.len != 0
        && ngx_http_dff_answer_header(r, "Content-Disposition", control->disposition) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (control->etag.len != 0 && r->headers_out.etag == NULL) {

        etag.data = ngx_pnalloc(r->pool, control->etag.len + 2);
        if (etag.data == NULL) {
            return NGX_ERROR;
        }

        p = ngx_sprintf(etag.data, "\"%V\"", &control->etag);
        etag.len = p - etag.data;

        r->headers_out.etag = ngx_http_dff_answer_add(r, "ETag", etag);
        if (r->headers_out.etag == NULL) {
            return NGX_ERROR;
        }
    }

    /* what else than a GET may not be answered 304 */
    ctx->conditional = control->allow_304 && r->method == NGX_HTTP_GET;

    return NGX_OK;
}


/* To where nginx looks for it. One that is there already, as of a file or in another spelling,
 * is not sent. */
static ngx_int_t
ngx_http_dff_control_put(ngx_http_request_t *r, ngx_table_elt_t *added)
{
    const char        *name = (const char *) added->key.data;
    ngx_uint_t         i;
    ngx_table_elt_t  **place;

    if (ngx_http_dff_control_is(name, "Cache-Control")) {
        return ngx_http_dff_control_cache_control(r, added);
    }

    if (ngx_http_dff_control_is(name, "WWW-Authenticate")) {
        ngx_http_dff_answer_challenge(r, added);
        return NGX_OK;
    }

    for (i = 0;
         i < sizeof(ngx_http_dff_control_places) / sizeof(ngx_http_dff_control_places[0]);
         i++)
    {
        if (!ngx_http_dff_control_is(name, ngx_http_dff_control_places[i].name)) {
            continue;
        }

        place = (ngx_table_elt_t **) ((char *) &r->headers_out
                                      + ngx_http_dff_control_places[i].offset);
        if (*place != NULL) {
            (*place)->hash = 0;
        }

        *place = added;
    }

    if (added == r->headers_out.last_modified) {
        /* what conditions are compared with; -1: none */
        r->headers_out.last_modified_time = ngx_parse_http_time(added->value.data,
                                                                added->value.len);
    }

    return NGX_OK;
}


/* "expires" of the location changes it. */
static ngx_int_t
ngx_http_dff_control_cache_control(ngx_http_request_t *r, ngx_table_elt_t *added)
{
    ngx_table_elt_t  **place;

#if (nginx_version >= 1023000)

    place = &r->headers_out.cache_control;

    while (*place != NULL) {
        place = &(*place)->next;
    }

#else

    ngx_array_t  *all = &r->headers_out.cache_control;

    if (all->elts == NULL
        && ngx_array_init(all, r->pool, 2, sizeof(ngx_table_elt_t *)) != NGX_OK)
    {
        return NGX_ERROR;
    }

    place = ngx_array_push(all);
    if (place == NULL) {
        return NGX_ERROR;
    }

#endif

    *place = added;

    return NGX_OK;
}
