/* Arguments of a call: see the header. */
#include "ngx_http_dff_kwargs.h"

#include "dff_json.h"

static ngx_uint_t ngx_http_dff_kwargs_is_placeholder(const ngx_http_dff_kwarg_t *kwarg);
static ngx_int_t ngx_http_dff_kwargs_unexpected(ngx_http_dff_ctx_t *ctx,
    const ngx_http_dff_kwarg_t *kwarg, ngx_http_dff_fail_t *fail);
static u_char *ngx_http_dff_kwargs_write(u_char *p, const ngx_http_dff_kwarg_t *kwarg);


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
    size_t                 size;
    u_char                *p;
    ngx_uint_t             i;
    ngx_http_dff_kwarg_t  *kwarg = kwargs->elts;

    size = sizeof("{}");

    for (i = 0; i < kwargs->nelts; i++) {
        size += dff_json_escaped_size(ngx_http_dff_str(kwarg[i].name)) + kwarg[i].value.len
                + sizeof("\"\":,");
    }

    p = ngx_pnalloc(kwargs->pool, size);
    if (p == NULL) {
        return NGX_ERROR;
    }

    text->data = p;
    *p++ = '{';

    for (i = 0; i < kwargs->nelts; i++) {
        p = ngx_http_dff_kwargs_write(p, &kwarg[i]);
    }

    if (p[-1] == ',') {
        p--;
    }
    *p++ = '}';
    text->len = p - text->data;

    return NGX_OK;
}


ngx_int_t
ngx_http_dff_kwargs_merge(ngx_http_dff_ctx_t *ctx, ngx_array_t *given,
    const dff_str_t *object, ngx_http_dff_fail_t *fail)
{
    size_t                 size;
    u_char                *p;
    ngx_uint_t             i, j;
    ngx_array_t           *set;
    ngx_http_dff_kwarg_t  *kwarg, *fixed;

    set = ngx_http_dff_kwargs_new(ctx->request->pool);
    if (set == NULL || ngx_http_dff_kwargs_add_object(set, ctx->route.kwargs) != NGX_OK) {
        return NGX_ERROR;
    }

    kwarg = given->elts;
    fixed = set->elts;
    size = sizeof("{}") + (object == NULL ? 0 : object->len);

    for (j = 0; j < set->nelts; j++) {
        size += dff_json_escaped_size(ngx_http_dff_str(fixed[j].name)) + fixed[j].value.len
                + sizeof("\"\":,");
    }

    for (i = 0; i < given->nelts; i++) {
        if (object == NULL) {
            size += dff_json_escaped_size(ngx_http_dff_str(kwarg[i].name)) + kwarg[i].value.len
                    + sizeof("\"\":,");
        }

        for (j = 0; j < set->nelts; j++) {
            if (fixed[j].name.len == kwarg[i].name.len
                && ngx_memcmp(fixed[j].name.data, kwarg[i].name.data, kwarg[i].name.len) == 0
                && !ngx_http_dff_kwargs_is_placeholder(&fixed[j]))
            {
                return ngx_http_dff_kwargs_unexpected(ctx, &kwarg[i], fail);
            }
        }
    }

    p = ngx_pnalloc(ctx->request->pool, size);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ctx->kwargs.data = p;

    if (object != NULL && given->nelts != 0) {
        /* all but its closing brace */
        ctx->given.data = (u_char *) object->data;
        ctx->given.len = object->len - 1;
        p = ngx_cpymem(p, ctx->given.data, ctx->given.len);
        *p++ = ',';

    } else {
        *p++ = '{';

        for (i = 0; i < given->nelts; i++) {
            p = ngx_http_dff_kwargs_write(p, &kwarg[i]);
        }
    }

    for (j = 0; j < set->nelts; j++) {
        if (!ngx_http_dff_kwargs_is_placeholder(&fixed[j])) {
            p = ngx_http_dff_kwargs_write(p, &fixed[j]);
        }
    }

    /* the last comma becomes the brace */
    if (p[-1] == ',') {
        p--;
    }
    *p++ = '}';
    ctx->kwargs.len = p - ctx->kwargs.data;

    return NGX_OK;
}


static u_char *
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
