/* Cutting fields out of requests: see the header. */
#include "ngx_http_dff_cut.h"
#include "ngx_http_dff_fields.h"


ngx_int_t
ngx_http_dff_cut_field(ngx_pool_t *pool, ngx_str_t *text, ngx_str_t *name)
{
    u_char                *p, *end, *last, *to;
    ngx_str_t              piece, left;
    const char            *what;
    ngx_array_t           *list;
    ngx_http_dff_field_t  *field;

    left.data = ngx_pnalloc(pool, text->len + 1);
    if (left.data == NULL) {
        return NGX_ERROR;
    }

    to = left.data;
    last = text->data + text->len;

    for (p = text->data; p < last; p = end + 1) {

        end = ngx_strlchr(p, last, '&');
        if (end == NULL) {
            end = last;
        }

        piece.data = p;
        piece.len = end - p;

        /* decoded one by one: a name may be written in many ways */
        if (ngx_http_dff_fields_parse(pool, &piece, &list, &what) != NGX_OK) {
            return NGX_ERROR;
        }

        field = list->elts;

        if (list->nelts == 1 && field[0].name.len == name->len
            && ngx_memcmp(field[0].name.data, name->data, name->len) == 0)
        {
            continue;
        }

        if (to != left.data) {
            *to++ = '&';
        }
        to = ngx_cpymem(to, piece.data, piece.len);
    }

    left.len = to - left.data;
    *text = left;

    return NGX_OK;
}


ngx_int_t
ngx_http_dff_cut_member(ngx_pool_t *pool, ngx_str_t *text, dff_str_t name)
{
    u_char             *to;
    dff_str_t           here;
    ngx_str_t           left;
    dff_json_object_t   it;
    dff_json_member_t   member;

    left.data = ngx_pnalloc(pool, text->len + 1);
    if (left.data == NULL || dff_json_object_open(&it, ngx_http_dff_str(*text)) != DFF_OK) {
        return NGX_ERROR;
    }

    to = left.data;
    *to++ = '{';

    while (dff_json_object_next(&it, &member, NULL) == 1) {

        here = ngx_http_dff_cut_name(pool, &member);
        if (here.data == NULL) {
            return NGX_ERROR;
        }

        if (dff_str_eq(here, name)) {
            continue;
        }

        if (to[-1] != '{') {
            *to++ = ',';
        }

        /* as it was sent: never longer than the text it is cut from */
        *to++ = '"';
        to = ngx_cpymem(to, member.key.data, member.key.len);
        *to++ = '"';
        *to++ = ':';
        to = ngx_cpymem(to, member.value.data, member.value.len);
    }

    *to++ = '}';
    left.len = to - left.data;
    *text = left;

    return NGX_OK;
}


dff_str_t
ngx_http_dff_cut_name(ngx_pool_t *pool, const dff_json_member_t *member)
{
    char  *text;

    if (!member->key_escaped) {
        return member->key;
    }

    text = ngx_pnalloc(pool, member->key.len);
    if (text == NULL) {
        return DFF_STR_NULL;
    }

    return (dff_str_t) { text, dff_json_unescape(member->key, text) };
}
