/* Fields of queries and forms: see the header. */
#include "ngx_http_dff_fields.h"

static ngx_int_t ngx_http_dff_fields_decode(ngx_pool_t *pool, u_char *start, u_char *end,
    ngx_str_t *out);
static ngx_int_t ngx_http_dff_fields_hex(u_char ch);


ngx_int_t
ngx_http_dff_fields_parse(ngx_pool_t *pool, ngx_str_t *text, ngx_array_t **fields,
    const char **what)
{
    u_char                *p, *end, *last, *equals;
    ngx_int_t              rc;
    ngx_str_t              name, value;
    ngx_http_dff_field_t  *field;

    *fields = ngx_array_create(pool, 8, sizeof(ngx_http_dff_field_t));
    if (*fields == NULL) {
        return NGX_ERROR;
    }

    last = text->data + text->len;

    for (p = text->data; p < last; p = end + 1) {

        end = ngx_strlchr(p, last, '&');
        if (end == NULL) {
            end = last;
        }

        if (end == p) {
            continue;
        }

        if ((*fields)->nelts == NGX_HTTP_DFF_FIELDS_MAX) {
            *what = "more than 1000 fields";
            return NGX_DECLINED;
        }

        equals = ngx_strlchr(p, end, '=');
        if (equals == NULL) {
            equals = end;
        }

        rc = ngx_http_dff_fields_decode(pool, p, equals, &name);
        if (rc == NGX_OK) {
            rc = ngx_http_dff_fields_decode(pool, equals < end ? equals + 1 : end, end, &value);
        }

        if (rc != NGX_OK) {
            *what = "bad percent-encoding";
            return rc;
        }

        field = ngx_array_push(*fields);
        if (field == NULL) {
            return NGX_ERROR;
        }

        field->name = name;
        field->value = value;
    }

    return NGX_OK;
}


ngx_http_dff_field_t *
ngx_http_dff_fields_find(ngx_array_t *fields, const char *name)
{
    size_t                 len;
    ngx_uint_t             i;
    ngx_http_dff_field_t  *field;

    len = ngx_strlen(name);
    field = fields->elts;

    for (i = 0; i < fields->nelts; i++) {
        if (field[i].name.len == len && ngx_memcmp(field[i].name.data, name, len) == 0) {
            return &field[i];
        }
    }

    return NULL;
}


static ngx_int_t
ngx_http_dff_fields_decode(ngx_pool_t *pool, u_char *start, u_char *end, ngx_str_t *out)
{
    u_char     *p, *to;
    ngx_int_t   high, low;

    out->data = start;
    out->len = end - start;

    for (p = start; p < end && *p != '%' && *p != '+'; p++) { /* void */ }

    if (p == end) {
        return NGX_OK;
    }

    to = ngx_pnalloc(pool, end - start);
    if (to == NULL) {
        return NGX_ERROR;
    }

    out->data = to;

    for (p = start; p < end; p++) {

        if (*p == '+') {
            *to++ = ' ';
            continue;
        }

        if (*p != '%') {
            *to++ = *p;
            continue;
        }

        if (end - p < 3) {
            return NGX_DECLINED;
        }

        high = ngx_http_dff_fields_hex(p[1]);
        low = ngx_http_dff_fields_hex(p[2]);
        if (high < 0 || low < 0) {
            return NGX_DECLINED;
        }

        *to++ = (u_char) (high << 4 | low);
        p += 2;
    }

    out->len = to - out->data;

    return NGX_OK;
}


static ngx_int_t
ngx_http_dff_fields_hex(u_char ch)
{
    if (ch >= '0' && ch <= '9') {
        return ch - '0';
    }

    ch |= 0x20;

    return ch >= 'a' && ch <= 'f' ? ch - 'a' + 10 : -1;
}
