/* Fields of queries and forms: see the header. The reading itself is common/dff_form.h. */
#include "ngx_http_dff_fields.h"

#include "dff_json.h"

static ngx_int_t ngx_http_dff_fields_wrong(ngx_pool_t *pool, const dff_form_fail_t *fail,
    const char **what);


ngx_int_t
ngx_http_dff_fields_parse(ngx_pool_t *pool, ngx_str_t *text, ngx_array_t **fields,
    const char **what)
{
    int                    rc;
    char                  *room;
    dff_form_t             form;
    dff_form_fail_t        fail;
    dff_form_field_t       read;
    ngx_http_dff_field_t  *field;

    room = NULL;
    *fields = ngx_array_create(pool, 8, sizeof(ngx_http_dff_field_t));

    if (*fields == NULL) {
        return NGX_ERROR;
    }

    if (dff_form_is_coded(ngx_http_dff_str(*text))) {
        room = ngx_pnalloc(pool, text->len);
        if (room == NULL) {
            return NGX_ERROR;
        }
    }

    dff_form_open(&form, ngx_http_dff_str(*text), room);

    while ((rc = dff_form_next(&form, &read, &fail)) == 1) {

        field = ngx_array_push(*fields);
        if (field == NULL) {
            return NGX_ERROR;
        }

        field->name = ngx_http_dff_ngx_str(read.name);
        field->value = ngx_http_dff_ngx_str(read.value);
    }

    return rc == 0 ? NGX_OK : ngx_http_dff_fields_wrong(pool, &fail, what);
}


static ngx_int_t
ngx_http_dff_fields_wrong(ngx_pool_t *pool, const dff_form_fail_t *fail, const char **what)
{
    u_char  *text;
    size_t   size;

    size = ngx_strlen(fail->what) + sizeof(" at byte ") + NGX_SIZE_T_LEN;

    text = ngx_pnalloc(pool, size);
    if (text == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_snprintf(text, size, "%s at byte %uz%Z", fail->what, fail->byte);
    *what = (const char *) text;

    return NGX_DECLINED;
}


ngx_int_t
ngx_http_dff_fields_query(ngx_http_dff_ctx_t *ctx, ngx_array_t **fields, const char **what)
{
    ngx_int_t  rc;

    if (ctx->query == NULL) {
        rc = ngx_http_dff_fields_parse(ctx->request->pool, &ctx->request->args, fields, what);
        if (rc != NGX_OK) {
            return rc;
        }
        ctx->query = *fields;
    }

    *fields = ctx->query;

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


ngx_int_t
ngx_http_dff_fields_boolean(ngx_http_dff_field_t *field, ngx_uint_t *value)
{
    size_t      len;
    u_char     *p;
    int64_t     number;
    ngx_uint_t  i;

    static const struct {
        const char  *word;
        ngx_uint_t   value;
    }  words[] = {
        { "true", 1 }, { "o", 1 }, { "y", 1 }, { "yes", 1 }, { "ok", 1 }, { "on", 1 },
        { "false", 0 }, { "x", 0 }, { "n", 0 }, { "no", 0 }, { "ng", 0 }, { "off", 0 }
    };

    len = field->value.len;
    p = field->value.data;

    if (dff_json_int64((dff_str_t) { (char *) p, len }, &number) == DFF_OK) {
        *value = number > 0;
        return NGX_OK;
    }

    for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (ngx_strlen(words[i].word) == len
            && ngx_strncasecmp(p, (u_char *) words[i].word, len) == 0)
        {
            *value = words[i].value;
            return NGX_OK;
        }
    }

    return NGX_DECLINED;
}


ngx_int_t
ngx_http_dff_fields_value(ngx_pool_t *pool, ngx_array_t *fields, ngx_uint_t first,
    dff_str_t *value)
{
    char                  *p;
    size_t                 size;
    ngx_uint_t             i, count;
    ngx_http_dff_field_t  *field = fields->elts;

    size = sizeof("[]");
    count = 0;

    for (i = 0; i < fields->nelts; i++) {
        if (field[i].name.len != field[first].name.len
            || ngx_memcmp(field[i].name.data, field[first].name.data, field[i].name.len) != 0)
        {
            continue;
        }

        if (i < first) {
            return NGX_DECLINED;
        }

        size += dff_json_escaped_size(ngx_http_dff_str(field[i].value)) + sizeof("\"\",");
        count++;
    }

    p = ngx_pnalloc(pool, size);
    if (p == NULL) {
        return NGX_ERROR;
    }

    value->data = p;

    if (count > 1) {
        *p++ = '[';
    }

    for (i = first; i < fields->nelts; i++) {
        if (field[i].name.len == field[first].name.len
            && ngx_memcmp(field[i].name.data, field[first].name.data, field[i].name.len) == 0)
        {
            *p++ = '"';
            p = dff_json_escape(p, ngx_http_dff_str(field[i].value));
            *p++ = '"';
            *p++ = ',';
        }
    }

    p--;
    if (count > 1) {
        *p++ = ']';
    }

    value->len = p - value->data;

    return NGX_OK;
}
