/*
 * Arguments and options of a call in normal format: see the header.
 *
 * Arguments are cut out of the request as text and stay that text up to the Python
 * function: big integers, float digits and escapes arrive as they were sent. Only
 * options are parsed into values.
 */
#include "ngx_http_dff_args.h"
#include "ngx_http_dff_fields.h"

#include "dff_json.h"

typedef struct {
    ngx_str_t  name;       /* unescaped */
    dff_str_t  value;      /* JSON text */
    dff_str_t  key;        /* as written, without quotes */
    unsigned   placeholder:1;
} ngx_http_dff_fixed_t;

static ngx_int_t ngx_http_dff_args_cut(ngx_http_dff_ctx_t *ctx, dff_str_t *kwargs,
    dff_str_t *options, ngx_http_dff_fail_t *fail);
static ngx_int_t ngx_http_dff_args_cut_fields(ngx_http_dff_ctx_t *ctx, ngx_str_t *text,
    dff_str_t *kwargs, dff_str_t *options, ngx_http_dff_fail_t *fail);
static ngx_int_t ngx_http_dff_args_cut_json(ngx_http_dff_ctx_t *ctx, dff_str_t *kwargs,
    dff_str_t *options, ngx_http_dff_fail_t *fail);
static ngx_int_t ngx_http_dff_args_check_object(const char *name, dff_str_t *text,
    ngx_http_dff_fail_t *fail);
static ngx_int_t ngx_http_dff_args_merge(ngx_http_dff_ctx_t *ctx, dff_str_t given,
    ngx_str_t *kwargs, ngx_http_dff_fail_t *fail);
static ngx_int_t ngx_http_dff_args_fixed(ngx_http_dff_ctx_t *ctx, ngx_array_t **fixed);
static ngx_int_t ngx_http_dff_args_unescape(ngx_pool_t *pool, dff_json_member_t *member,
    ngx_str_t *name);
static ngx_int_t ngx_http_dff_args_unexpected(ngx_http_dff_ctx_t *ctx, ngx_str_t *name,
    dff_str_t value, ngx_http_dff_fail_t *fail);


ngx_int_t
ngx_http_dff_args_read(ngx_http_dff_ctx_t *ctx, ngx_str_t *kwargs,
    ngx_http_dff_options_t *options, ngx_http_dff_fail_t *fail)
{
    dff_str_t  given, wanted;
    ngx_int_t  rc;

    fail->detail = NULL;
    ngx_http_dff_options_default(ctx, options);

    given = DFF_STR_NULL;
    wanted = DFF_STR_NULL;

    rc = ngx_http_dff_args_cut(ctx, &given, &wanted, fail);

    if (rc == NGX_OK) {
        rc = ngx_http_dff_args_check_object("kwargs", &given, fail);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_dff_args_merge(ctx, given, kwargs, fail);
    }

    if (rc == NGX_OK && wanted.len != 0) {
        rc = ngx_http_dff_options_read(ctx, wanted, options, fail);
    }

    return rc;
}


/* The texts of kwargs and options; left empty where they were not given. */
static ngx_int_t
ngx_http_dff_args_cut(ngx_http_dff_ctx_t *ctx, dff_str_t *kwargs, dff_str_t *options,
    ngx_http_dff_fail_t *fail)
{
    size_t               len;
    ngx_str_t            type;
    ngx_http_request_t  *r = ctx->request;

    static ngx_str_t  json = ngx_string("application/json");
    static ngx_str_t  form = ngx_string("application/x-www-form-urlencoded");

    if (r->method == NGX_HTTP_GET) {
        return ngx_http_dff_args_cut_fields(ctx, &r->args, kwargs, options, fail);
    }

    if (ctx->body.len == 0) {
        return NGX_OK;
    }

    ngx_str_null(&type);
    if (r->headers_in.content_type != NULL) {
        type = r->headers_in.content_type->value;
    }

    /* the media type alone: without "; charset=…" */
    for (len = 0; len < type.len && type.data[len] != ';' && type.data[len] != ' '; len++) {
        /* void */
    }

    if (len == json.len && ngx_strncasecmp(type.data, json.data, len) == 0) {
        return ngx_http_dff_args_cut_json(ctx, kwargs, options, fail);
    }

    if (len == form.len && ngx_strncasecmp(type.data, form.data, len) == 0) {
        return ngx_http_dff_args_cut_fields(ctx, &ctx->body, kwargs, options, fail);
    }

    return ngx_http_dff_fail(fail, "Content-Type must be %s or %s, got \"%.*s\"",
                                   (char *) json.data, (char *) form.data,
                                   (int) ngx_min(type.len, 100),
                                   type.len == 0 ? "" : (char *) type.data);
}


static ngx_int_t
ngx_http_dff_args_cut_fields(ngx_http_dff_ctx_t *ctx, ngx_str_t *text, dff_str_t *kwargs,
    dff_str_t *options, ngx_http_dff_fail_t *fail)
{
    ngx_int_t              rc;
    const char            *what;
    ngx_array_t           *fields;
    ngx_http_dff_field_t  *field;

    rc = ngx_http_dff_fields_parse(ctx->request->pool, text, &fields, &what);

    if (rc == NGX_DECLINED) {
        return ngx_http_dff_fail(fail, "Invalid %s: %s",
                                       text == &ctx->body ? "form" : "query string", what);
    }

    if (rc != NGX_OK) {
        return rc;
    }

    field = ngx_http_dff_fields_find(fields, "kwargs");
    if (field != NULL) {
        *kwargs = ngx_http_dff_str(field->value);
    }

    field = ngx_http_dff_fields_find(fields, "options");
    if (field != NULL) {
        *options = ngx_http_dff_str(field->value);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_dff_args_cut_json(ngx_http_dff_ctx_t *ctx, dff_str_t *kwargs, dff_str_t *options,
    ngx_http_dff_fail_t *fail)
{
    dff_str_t          body;
    dff_json_fail_t    bad;
    dff_json_type_t    type;
    dff_json_object_t  it;
    dff_json_member_t  member;

    if (dff_json_check(ngx_http_dff_str(ctx->body), &body, &type, &bad) != DFF_OK) {
        return ngx_http_dff_fail(fail, "Invalid request body: %s at line %zu, column %zu",
                                       bad.what, bad.line, bad.column);
    }

    if (dff_json_object_open(&it, body) != DFF_OK) {
        return ngx_http_dff_fail(fail, "Invalid request body: it must be a JSON object");
    }

    while (dff_json_object_next(&it, &member, &bad) == 1) {

        if (dff_str_eq(member.key, DFF_STR("kwargs"))) {
            *kwargs = member.value;

        } else if (dff_str_eq(member.key, DFF_STR("options"))) {
            *options = member.value;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_dff_args_check_object(const char *name, dff_str_t *text,
    ngx_http_dff_fail_t *fail)
{
    dff_json_fail_t  bad;
    dff_json_type_t  type;

    if (text->len == 0) {
        *text = DFF_STR("{}");
        return NGX_OK;
    }

    if (dff_json_check(*text, text, &type, &bad) != DFF_OK) {
        return ngx_http_dff_fail(fail, "\"%s\" is not valid JSON: %s at line %zu, "
                                       "column %zu", name, bad.what, bad.line, bad.column);
    }

    if (type == DFF_JSON_NULL) {
        *text = DFF_STR("{}");
        return NGX_OK;
    }

    if (type != DFF_JSON_OBJECT) {
        return ngx_http_dff_fail(fail, "\"%s\" must be a JSON object", name);
    }

    return NGX_OK;
}


/* The caller's arguments and the link's fixed ones in one object. */
static ngx_int_t
ngx_http_dff_args_merge(ngx_http_dff_ctx_t *ctx, dff_str_t given, ngx_str_t *kwargs,
    ngx_http_dff_fail_t *fail)
{
    u_char                *p;
    ngx_str_t              name;
    ngx_uint_t             i;
    ngx_pool_t            *pool = ctx->request->pool;
    ngx_array_t           *array;
    dff_json_object_t      it;
    dff_json_member_t      member;
    ngx_http_dff_fixed_t  *fixed;

    if (ctx->route.kwargs.len <= 2) {   /* "{}": the usual link */
        *kwargs = ngx_http_dff_ngx_str(given);
        return NGX_OK;
    }

    if (ngx_http_dff_args_fixed(ctx, &array) != NGX_OK) {
        return NGX_ERROR;
    }
    fixed = array->elts;

    /* quotes, colon and comma for each fixed member are in its own text */
    kwargs->data = ngx_pnalloc(pool, given.len + ctx->route.kwargs.len + array->nelts + 2);
    if (kwargs->data == NULL || dff_json_object_open(&it, given) != DFF_OK) {
        return NGX_ERROR;
    }

    p = kwargs->data;
    *p++ = '{';

    while (dff_json_object_next(&it, &member, NULL) == 1) {

        if (ngx_http_dff_args_unescape(pool, &member, &name) != NGX_OK) {
            return NGX_ERROR;
        }

        for (i = 0; i < array->nelts; i++) {
            if (!fixed[i].placeholder
                && fixed[i].name.len == name.len
                && ngx_memcmp(fixed[i].name.data, name.data, name.len) == 0)
            {
                return ngx_http_dff_args_unexpected(ctx, &name, member.value, fail);
            }
        }

        p = ngx_sprintf(p, "%s\"%*s\":%*s", p == kwargs->data + 1 ? "" : ",",
                        member.key.len, member.key.data, member.value.len, member.value.data);
    }

    for (i = 0; i < array->nelts; i++) {
        if (!fixed[i].placeholder) {
            p = ngx_sprintf(p, "%s\"%*s\":%*s", p == kwargs->data + 1 ? "" : ",",
                            fixed[i].key.len, fixed[i].key.data,
                            fixed[i].value.len, fixed[i].value.data);
        }
    }

    *p++ = '}';
    kwargs->len = p - kwargs->data;

    return NGX_OK;
}


static ngx_int_t
ngx_http_dff_args_fixed(ngx_http_dff_ctx_t *ctx, ngx_array_t **fixed)
{
    dff_json_object_t      it;
    dff_json_member_t      member;
    ngx_http_dff_fixed_t  *f;

    *fixed = ngx_array_create(ctx->request->pool, 4, sizeof(ngx_http_dff_fixed_t));
    if (*fixed == NULL || dff_json_object_open(&it, ctx->route.kwargs) != DFF_OK) {
        return NGX_ERROR;
    }

    while (dff_json_object_next(&it, &member, NULL) == 1) {

        f = ngx_array_push(*fixed);
        if (f == NULL
            || ngx_http_dff_args_unescape(ctx->request->pool, &member, &f->name) != NGX_OK)
        {
            return NGX_ERROR;
        }

        f->key = member.key;
        f->value = member.value;
        f->placeholder = dff_str_eq(member.value, DFF_STR("\"INPUT_BY_CALLER\""))
                         || dff_str_eq(member.value, DFF_STR("\"FROM_PARAMETER\""));
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_dff_args_unescape(ngx_pool_t *pool, dff_json_member_t *member, ngx_str_t *name)
{
    if (!member->key_escaped) {
        *name = ngx_http_dff_ngx_str(member->key);
        return NGX_OK;
    }

    name->data = ngx_pnalloc(pool, member->key.len);
    if (name->data == NULL) {
        return NGX_ERROR;
    }

    name->len = dff_json_unescape(member->key, (char *) name->data);

    return NGX_OK;
}


static ngx_int_t
ngx_http_dff_args_unexpected(ngx_http_dff_ctx_t *ctx, ngx_str_t *name, dff_str_t value,
    ngx_http_dff_fail_t *fail)
{
    fail->detail = json_pack("{s:s%, s:o*, s:s%}",
                             "kwargsField", name->data, name->len,
                             "kwargsValue", json_loadb(value.data, value.len, JSON_DECODE_ANY,
                                                       NULL),
                             "funcId", ctx->route.func_id.data, ctx->route.func_id.len);

    return ngx_http_dff_fail(fail, "Found unexpected function kwargs field");
}
