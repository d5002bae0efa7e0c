/* Dumps of requests: see the header. */
#include "ngx_http_dff_client.h"
#include "ngx_http_dff_dump.h"
#include "ngx_http_dff_worker.h"

#include "dff_buf.h"
#include "dff_form.h"
#include "dff_json.h"
#include "dff_mask.h"

#define NGX_HTTP_DFF_DUMP_BODY_MAX  (10 * 1024)

static ngx_uint_t ngx_http_dff_dump_find(ngx_http_request_t *r, const char *name, size_t len,
    ngx_table_elt_t **found);
static json_t *ngx_http_dff_dump_body(ngx_http_dff_ctx_t *ctx);
static json_t *ngx_http_dff_dump_json(ngx_http_dff_ctx_t *ctx, dff_mask_out_t *out);
static json_t *ngx_http_dff_dump_form(ngx_http_dff_ctx_t *ctx, dff_mask_out_t *out);
static json_t *ngx_http_dff_dump_fields(dff_str_t text, char *room);
static json_t *ngx_http_dff_dump_cut(ngx_http_dff_ctx_t *ctx, const dff_mask_out_t *out);
static ngx_uint_t ngx_http_dff_dump_is_form(ngx_http_request_t *r);
static ngx_str_t ngx_http_dff_dump_url(ngx_http_request_t *r, ngx_str_t url);
static ngx_str_t ngx_http_dff_dump_chain(ngx_pool_t *pool, ngx_str_t *chain, ngx_uint_t n);


json_t *
ngx_http_dff_dump_request(ngx_http_dff_ctx_t *ctx)
{
    ngx_str_t            url;
    ngx_http_request_t  *r = ctx->request;

    url = ngx_http_dff_dump_url(r, ctx->url);

    return json_pack("{s:o, s:o, s:o*}",
                     "method", ngx_http_dff_dump_text(r->method_name.data, r->method_name.len),
                     "url", ngx_http_dff_dump_text(url.data, url.len),
                     "body", ngx_http_dff_dump_body(ctx));
}


/* The parsed body, masked; its text where it was cut, or where jansson cannot hold it (a
 * huge integer); NULL: none. */
static json_t *
ngx_http_dff_dump_body(ngx_http_dff_ctx_t *ctx)
{
    json_t          *body;
    dff_mask_out_t   out = { NULL, 0, NGX_HTTP_DFF_DUMP_BODY_MAX, false, false };

    if (ctx->body.len == 0) {
        return NULL;
    }

    out.data = ngx_palloc(ctx->request->pool, out.size);
    if (out.data == NULL) {
        return NULL;
    }

    body = ngx_http_dff_dump_is_form(ctx->request) ? ngx_http_dff_dump_form(ctx, &out)
                                                   : ngx_http_dff_dump_json(ctx, &out);

    (void) ngx_pfree(ctx->request->pool, out.data);

    return body;
}


static json_t *
ngx_http_dff_dump_json(ngx_http_dff_ctx_t *ctx, dff_mask_out_t *out)
{
    json_t     *value;
    dff_str_t   body = ngx_http_dff_str(ctx->body);

    if (dff_json_check(body, NULL, NULL, NULL) != DFF_OK) {
        /* there are no names by which to mask it */
        return json_sprintf("(%zu bytes, not JSON)", body.len);
    }

    (void) dff_mask_json(body, out);

    if (out->cut) {
        return ngx_http_dff_dump_cut(ctx, out);
    }

    value = json_loadb(out->data, out->len, JSON_DECODE_ANY|JSON_ALLOW_NUL, NULL);

    return value != NULL ? value : ngx_http_dff_dump_text((u_char *) out->data, out->len);
}


static json_t *
ngx_http_dff_dump_form(ngx_http_dff_ctx_t *ctx, dff_mask_out_t *out)
{
    char    *scratch;
    json_t  *fields;

    scratch = ngx_palloc(ctx->request->pool, ctx->body.len);
    if (scratch == NULL) {
        return NULL;
    }

    dff_mask_fields(ngx_http_dff_str(ctx->body), scratch, out);

    if (out->cut) {
        fields = ngx_http_dff_dump_cut(ctx, out);

    } else {
        /* what replaces a value may be longer: not the body's scratch */
        (void) ngx_pfree(ctx->request->pool, scratch);
        scratch = ngx_palloc(ctx->request->pool, out->len + 1);
        fields = scratch == NULL ? NULL
                 : ngx_http_dff_dump_fields((dff_str_t) { out->data, out->len }, scratch);
    }

    if (scratch != NULL) {
        (void) ngx_pfree(ctx->request->pool, scratch);
    }

    return fields;
}


/* An object of texts and, for names that repeat, lists of texts. */
static json_t *
ngx_http_dff_dump_fields(dff_str_t text, char *room)
{
    int                rc;
    json_t            *object, *name, *value, *before, *list;
    dff_form_t         form;
    const char        *key;
    dff_form_field_t   field;

    object = json_object();
    dff_form_open(&form, text, room);

    while ((rc = dff_form_next(&form, &field, NULL)) == 1) {

        if (memchr(field.name.data, '\0', field.name.len) != NULL) {
            break;
        }

        /* ended by a NUL: keys that have a length came with jansson 2.14 */
        name = json_stringn(field.name.data, field.name.len);
        key = json_string_value(name);

        value = json_stringn(field.value.data, field.value.len);
        before = json_object_get(object, key);

        if (json_is_array(before)) {
            (void) json_array_append_new(before, value);

        } else if (before != NULL) {
            list = json_array();
            (void) json_array_append(list, before);
            (void) json_array_append_new(list, value);
            (void) json_object_set_new(object, key, list);

        } else {
            (void) json_object_set_new(object, key, value);
        }

        json_decref(name);
    }

    if (rc == 0) {
        return object;
    }

    /* refused, and this is what was sent */
    json_decref(object);

    return ngx_http_dff_dump_text((const u_char *) text.data, text.len);
}


static json_t *
ngx_http_dff_dump_cut(ngx_http_dff_ctx_t *ctx, const dff_mask_out_t *out)
{
    size_t   len;
    json_t  *text, *cut;

    /* not within a character */
    for (len = out->len; len > 0 && ((u_char) out->data[len - 1] & 0xc0) == 0x80; len--) {
        /* void */
    }
    if (len > 0 && (u_char) out->data[len - 1] >= 0xc0) {
        len--;
    } else {
        len = out->len;
    }

    text = ngx_http_dff_dump_text((u_char *) out->data, len);
    cut = json_sprintf("%s... (cut, %zu bytes)", json_string_value(text), ctx->body.len);
    json_decref(text);

    return cut;
}


static ngx_uint_t
ngx_http_dff_dump_is_form(ngx_http_request_t *r)
{
    ngx_str_t  form = ngx_string("application/x-www-form-urlencoded");

    return r->headers_in.content_type != NULL
           && r->headers_in.content_type->value.len >= form.len
           && ngx_strncasecmp(r->headers_in.content_type->value.data, form.data, form.len) == 0;
}


/* An URL as sent, with the values of secret-looking fields masked. */
static ngx_str_t
ngx_http_dff_dump_url(ngx_http_request_t *r, ngx_str_t url)
{
    char            *scratch;
    u_char          *query, *last;
    dff_str_t        fields;
    dff_mask_out_t   out = { NULL, 0, 0, false, false };

    last = url.data + url.len;

    query = ngx_strlchr(url.data, last, '?');
    if (query == NULL) {
        return url;
    }

    query++;
    fields.data = (const char *) query;
    fields.len = last - query;

    /* no memory: without the query */
    url.len = query - url.data;

    scratch = ngx_pnalloc(r->pool, fields.len + 1);
    if (scratch == NULL) {
        return url;
    }

    if (!dff_mask_fields_needed(fields, scratch)) {
        url.len += fields.len;
        return url;
    }

    /* hidden: 3 bytes for none at the most in each field; encoded: 3 for 1 */
    out.size = url.len + fields.len * 4 + sizeof(DFF_MASK_TEXT);
    out.data = ngx_pnalloc(r->pool, out.size);
    if (out.data == NULL) {
        return url;
    }

    ngx_memcpy(out.data, url.data, url.len);
    out.len = url.len;
    dff_mask_fields(fields, scratch, &out);

    url.data = (u_char *) out.data;
    url.len = out.len;

    return url;
}


json_t *
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
    value = text == NULL ? NULL : json_loadb(text, size, JSON_DECODE_ANY|JSON_ALLOW_NUL, NULL);
    free(text);

    return value;
}


void
ngx_http_dff_dump_log(ngx_http_dff_ctx_t *ctx)
{
    ngx_str_t              *chain, url, host, referer, forwarded, none = ngx_string("-");
    ngx_uint_t              n;
    ngx_http_request_t     *r = ctx->request;
    ngx_http_dff_worker_t  *worker = ctx->worker;

    if (!dff_log_on(&worker->line, DFF_LOG_INFO)) {
        return;
    }

    url = ngx_http_dff_dump_url(r, ctx->url);
    referer = r->headers_in.referer != NULL
              ? ngx_http_dff_dump_url(r, r->headers_in.referer->value) : none;
    host = r->headers_in.host != NULL ? r->headers_in.host->value : none;
    n = ngx_http_dff_client_chain(ctx, &chain);
    forwarded = n > 1 ? ngx_http_dff_dump_chain(r->pool, chain, n) : none;

    ngx_http_dff_worker_log(worker, DFF_LOG_INFO, &ctx->trace_id,
                            "[REQUEST] host=%V method=%V url=%V",
                            &host, &r->method_name, &url);

    ngx_http_dff_worker_log(worker, DFF_LOG_INFO, &ctx->trace_id,
                            "[REQUEST FROM] ip=%V forwarded-for=%V referer=%V user-agent=%V",
                            &chain[0], &forwarded, &referer,
                            r->headers_in.user_agent != NULL ? &r->headers_in.user_agent->value
                                                             : &none);
}


/* "client, proxy, proxy": what was believed of X-Forwarded-For. */
static ngx_str_t
ngx_http_dff_dump_chain(ngx_pool_t *pool, ngx_str_t *chain, ngx_uint_t n)
{
    size_t      size;
    u_char     *p;
    ngx_str_t   text;
    ngx_uint_t  i;

    ngx_str_null(&text);

    for (size = 0, i = 0; i < n; i++) {
        size += chain[i].len + sizeof(", ") - 1;
    }

    text.data = ngx_pnalloc(pool, size);
    if (text.data == NULL) {
        return text;
    }

    for (p = text.data, i = 0; i < n; i++) {
        p = ngx_sprintf(p, i == 0 ? "%V" : ", %V", &chain[i]);
    }

    text.len = p - text.data;

    return text;
}


ngx_table_elt_t *
ngx_http_dff_dump_header(ngx_http_request_t *r, const char *name, size_t len)
{
    ngx_table_elt_t  *h;

    return ngx_http_dff_dump_find(r, name, len, &h) != 0 ? h : NULL;
}


ngx_uint_t
ngx_http_dff_dump_headers(ngx_http_request_t *r, const char *name, size_t len)
{
    ngx_table_elt_t  *h;

    return ngx_http_dff_dump_find(r, name, len, &h);
}


/* How many there are; *found: the first one. */
static ngx_uint_t
ngx_http_dff_dump_find(ngx_http_request_t *r, const char *name, size_t len,
    ngx_table_elt_t **found)
{
    ngx_uint_t        i, n;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    n = 0;

    for (part = &r->headers_in.headers.part; part != NULL; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {
            if (h[i].key.len == len
                && ngx_strncasecmp(h[i].key.data, (u_char *) name, len) == 0
                && n++ == 0)
            {
                *found = &h[i];
            }
        }
    }

    return n;
}
