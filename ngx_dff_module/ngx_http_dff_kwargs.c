/* Arguments of a call: see the header. */
#include "ngx_http_dff_cut.h"
#include "ngx_http_dff_kwargs.h"

#include "dff_json.h"

static size_t ngx_http_dff_kwargs_size(ngx_array_t *kwargs);
static ngx_int_t ngx_http_dff_kwargs_check(ngx_http_dff_ctx_t *ctx, ngx_array_t *set,
    const ngx_http_dff_kwarg_t *kwarg, ngx_http_dff_fail_t *fail);
static ngx_int_t ngx_http_dff_kwargs_check_object(ngx_http_dff_ctx_t *ctx, ngx_array_t *set,
    dff_str_t object, ngx_uint_t *members, ngx_http_dff_fail_t *fail);
static ngx_uint_t ngx_http_dff_kwargs_is_placeholder(const ngx_http_dff_kwarg_t *kwarg);
static ngx_int_t ngx_http_dff_kwargs_unexpected(ngx_http_dff_ctx_t *ctx,
    const ngx_http_dff_kwarg_t *kwarg, ngx_http_dff_fail_t *fail);


ngx_array_t *
ngx_http_dff_kwargs_new(ngx_pool_t *pool)
{
    return ngx_array_create(pool, 8, sizeof(ngx_http_dff_kwarg_t));
}


ngx_int_t
ngx_http_dff_kwargs_add(ngx_array_t *kwargs, ngx_str_t name, dff_str_t value)
{
    ngx_http_dff_kwarg_t  *kwarg;

    kwarg = ngx_array_push(kwargs);
    if (kwarg == NULL) {
        return NGX_ERROR;
    }

    kwarg->name = name;
    kwarg->value = value;

    return NGX_OK;
}


ngx_int_t
ngx_http_dff_kwargs_add_object(ngx_array_t *kwargs, dff_str_t object)
{
    ngx_str_t          name;
    dff_json_object_t  it;
    dff_json_member_t  member;

    if (dff_json_object_open(&it, object) != DFF_OK) {
        return NGX_ERROR;
    }

    while (dff_json_object_next(&it, &member, NULL) == 1) {

        name = ngx_http_dff_ngx_str(member.key);

        if (member.key_escaped) {
            name.data = ngx_pnalloc(kwargs->pool, member.key.len);
            if (name.data == NULL) {
                return NGX_ERROR;
            }
            name.len = dff_json_unescape(member.key, (char *) name.data);
        }

        if (ngx_http_dff_kwargs_add(kwargs, name, member.value) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_dff_kwargs_text(ngx_array_t *kwargs, ngx_str_t *text)
{
    u_char                *p;
    ngx_uint_t             i;
    ngx_http_dff_kwarg_t  *kwarg = kwargs->elts;

    p = ngx_pnalloc(kwargs->pool, sizeof("{}") + ngx_http_dff_kwargs_size(kwargs));
    if (p == NULL) {
        return NGX_ERROR;
    }

    text->data = p;
    *p++ = '{';

    for (i = 0; i < kwargs->nelts; i++) {
        p = ngx_http_dff_kwargs_write(p, &kwarg[i]);
    }

    text->len = ngx_http_dff_kwargs_close(p) - text->data;

    return NGX_OK;
}


ngx_int_t
ngx_http_dff_kwargs_merge(ngx_http_dff_ctx_t *ctx, ngx_array_t *given,
    dff_str_t object, ngx_http_dff_fail_t *fail)
{
    size_t                 size;
    u_char                *p;
    ngx_int_t              rc = NGX_OK;
    ngx_uint_t             i, n, members = 0;
    ngx_array_t           *set;
    ngx_http_dff_kwarg_t  *kwarg, *fixed;

    set = ngx_http_dff_kwargs_new(ctx->request->pool);
    if (set == NULL || ngx_http_dff_kwargs_add_object(set, ctx->route.kwargs) != NGX_OK) {
        return NGX_ERROR;
    }

    kwarg = given == NULL ? NULL : given->elts;
    n = given == NULL ? 0 : given->nelts;
    fixed = set->elts;

    if (given == NULL) {
        rc = ngx_http_dff_kwargs_check_object(ctx, set, object, &members, fail);
    }

    for (i = 0; rc == NGX_OK && i < n; i++) {
        rc = ngx_http_dff_kwargs_check(ctx, set, &kwarg[i], fail);
    }

    if (rc != NGX_OK) {
        return rc;
    }

    size = sizeof("{}") + ngx_http_dff_kwargs_size(set)
           + (given == NULL ? object.len : ngx_http_dff_kwargs_size(given));

    p = ngx_pnalloc(ctx->request->pool, size);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ctx->kwargs.data = p;

    if (members != 0) {
        /* all but its closing brace */
        ctx->given.data = (u_char *) object.data;
        ctx->given.len = object.len - 1;
        p = ngx_cpymem(p, ctx->given.data, ctx->given.len);
        *p++ = ',';

    } else {
        *p++ = '{';

        for (i = 0; i < n; i++) {
            p = ngx_http_dff_kwargs_write(p, &kwarg[i]);
        }
    }

    for (i = 0; i < set->nelts; i++) {
        if (!ngx_http_dff_kwargs_is_placeholder(&fixed[i])) {
            p = ngx_http_dff_kwargs_write(p, &fixed[i]);
        }
    }

    ctx->kwargs.len = ngx_http_dff_kwargs_close(p) - ctx->kwargs.data;

    return NGX_OK;
}


/* Bytes that they take at most, as they are written below. */
static size_t
ngx_http_dff_kwargs_size(ngx_array_t *kwargs)
{
    size_t                 size = 0;
    ngx_uint_t             i;
    ngx_http_dff_kwarg_t  *kwarg = kwargs->elts;

    for (i = 0; i < kwargs->nelts; i++) {
        size += dff_json_escaped_size(ngx_http_dff_str(kwarg[i].name)) + kwarg[i].value.len
                + sizeof("\"\":,");
    }

    return size;
}


/* What the link has fixed (set) no caller may send. */
static ngx_int_t
ngx_http_dff_kwargs_check(ngx_http_dff_ctx_t *ctx, ngx_array_t *set,
    const ngx_http_dff_kwarg_t *kwarg, ngx_http_dff_fail_t *fail)
{
    ngx_uint_t             i;
    ngx_http_dff_kwarg_t  *fixed = set->elts;

    for (i = 0; i < set->nelts; i++) {
        if (fixed[i].name.len == kwarg->name.len
            && ngx_memcmp(fixed[i].name.data, kwarg->name.data, kwarg->name.len) == 0
            && !ngx_http_dff_kwargs_is_placeholder(&fixed[i]))
        {
            return ngx_http_dff_kwargs_unexpected(ctx, kwarg, fail);
        }
    }

    return NGX_OK;
}


/* The same for each member of an object, and how many there are. A caller may send millions: no
 * list of them is made. */
static ngx_int_t
ngx_http_dff_kwargs_check_object(ngx_http_dff_ctx_t *ctx, ngx_array_t *set, dff_str_t object,
    ngx_uint_t *members, ngx_http_dff_fail_t *fail)
{
    ngx_int_t             rc;
    dff_json_object_t     it;
    dff_json_member_t     member;
    ngx_http_dff_kwarg_t  kwarg;

    if (dff_json_object_open(&it, object) != DFF_OK) {
        return NGX_ERROR;
    }

    for (*members = 0; dff_json_object_next(&it, &member, NULL) == 1; (*members)++) {

        kwarg.name = ngx_http_dff_ngx_str(ngx_http_dff_cut_name(ctx->request->pool, &member));
        kwarg.value = member.value;

        if (kwarg.name.data == NULL) {
            return NGX_ERROR;
        }

        rc = ngx_http_dff_kwargs_check(ctx, set, &kwarg, fail);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    return NGX_OK;
}


u_char *
ngx_http_dff_kwargs_write(u_char *p, const ngx_http_dff_kwarg_t *kwarg)
{
    *p++ = '"';
    p = (u_char *) dff_json_escape((char *) p, ngx_http_dff_str(kwarg->name));
    *p++ = '"';
    *p++ = ':';
    p = ngx_cpymem(p, kwarg->value.data, kwarg->value.len);
    *p++ = ',';

    return p;
}


u_char *
ngx_http_dff_kwargs_close(u_char *p)
{
    /* the last comma becomes the brace */
    if (p[-1] == ',') {
        p--;
    }

    *p++ = '}';

    return p;
}


/* The link leaves this argument to the caller. */
static ngx_uint_t
ngx_http_dff_kwargs_is_placeholder(const ngx_http_dff_kwarg_t *kwarg)
{
    return dff_str_eq(kwarg->value, DFF_STR("\"INPUT_BY_CALLER\""))
           || dff_str_eq(kwarg->value, DFF_STR("\"FROM_PARAMETER\""));
}


static ngx_int_t
ngx_http_dff_kwargs_unexpected(ngx_http_dff_ctx_t *ctx, const ngx_http_dff_kwarg_t *kwarg,
    ngx_http_dff_fail_t *fail)
{
    /* "o*": a value that jansson cannot hold (a huge integer) is left out */
    fail->detail = json_pack("{s:s%, s:o*, s:s%}",
                             "kwargsField", kwarg->name.data, kwarg->name.len,
                             "kwargsValue", json_loadb(kwarg->value.data, kwarg->value.len,
                                                       JSON_DECODE_ANY, NULL),
                             "funcId", ctx->route.func_id.data, ctx->route.func_id.len);

    return ngx_http_dff_fail(fail, "Found unexpected function kwargs field");
}
