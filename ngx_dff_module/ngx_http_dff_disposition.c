/* Content-Disposition: see the header. */
#include "ngx_http_dff_disposition.h"

static ngx_uint_t ngx_http_dff_disposition_is_plain(u_char ch);
static ngx_uint_t ngx_http_dff_disposition_is_attr(u_char ch);


ngx_int_t
ngx_http_dff_disposition(ngx_pool_t *pool, ngx_str_t name, ngx_str_t *value)
{
    size_t      i;
    u_char     *p;
    ngx_uint_t  plain;

    p = ngx_pnalloc(pool, sizeof("attachment; filename=\"\"; filename*=UTF-8''") + name.len * 4);
    if (p == NULL) {
        return NGX_ERROR;
    }

    value->data = p;
    p = ngx_sprintf(p, "attachment");

    if (name.len == 0) {
        value->len = p - value->data;
        return NGX_OK;
    }

    plain = 1;
    p = ngx_sprintf(p, "; filename=\"");

    for (i = 0; i < name.len; i++) {
        if (ngx_http_dff_disposition_is_plain(name.data[i])) {
            *p++ = name.data[i];
            continue;
        }

        plain = 0;

        /* one for each character of UTF-8 */
        if ((name.data[i] & 0xc0) != 0x80) {
            *p++ = '_';
        }
    }

    *p++ = '"';

    if (!plain) {
        p = ngx_sprintf(p, "; filename*=UTF-8''");

        for (i = 0; i < name.len; i++) {
            if (ngx_http_dff_disposition_is_attr(name.data[i])) {
                *p++ = name.data[i];
            } else {
                p = ngx_sprintf(p, "%%%02Xd", (ngx_uint_t) name.data[i]);
            }
        }
    }

    value->len = p - value->data;

    return NGX_OK;
}


/* A percent sign, too: some clients decode it in quotes. */
static ngx_uint_t
ngx_http_dff_disposition_is_plain(u_char ch)
{
    return ch >= ' ' && ch < 0x7f && ch != '"' && ch != '\\' && ch != '%' && ch != '/';
}


/* attr-char of RFC 5987 */
static ngx_uint_t
ngx_http_dff_disposition_is_attr(u_char ch)
{
    return (ch >= '0' && ch <= '9') || (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z')
           || ngx_strchr("!#$&+-.^_`|~", ch) != NULL;
}
