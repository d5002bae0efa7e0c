/*
 * fixedField: one header, query field or body field with the right value lets in.
 *
 * The route has an HMAC of each value. What the caller sent is put through the same HMAC
 * once, and compared with all of them in constant time. A field that let in is taken out
 * of query or body, in any format, before anything else reads them: it is no argument,
 * and the function does not see it.
 */
#include <openssl/crypto.h>

#include "ngx_http_dff_auth.h"
#include "ngx_http_dff_cut.h"
#include "ngx_http_dff_fields.h"

/* What the link asks for, and what a request is compared with. */
typedef struct {
    ngx_http_dff_ctx_t      *ctx;
    u_char                   key[DFF_MAC_KEY_SIZE];
    ngx_uint_t               nfields;
    dff_route_auth_field_t   fields[DFF_ROUTE_AUTH_ROWS_MAX];
} ngx_http_dff_auth_fields_t;

static ngx_http_dff_auth_fields_t *ngx_http_dff_auth_fields(ngx_http_dff_ctx_t *ctx);
static ngx_uint_t ngx_http_dff_auth_field_asked(const ngx_http_dff_auth_fields_t *fields,
    dff_auth_location_t location, dff_str_t name);
static ngx_uint_t ngx_http_dff_auth_field_is(const ngx_http_dff_auth_fields_t *fields,
    dff_auth_location_t location, dff_str_t name, dff_str_t value);
static ngx_int_t ngx_http_dff_auth_field_header(const ngx_http_dff_auth_fields_t *fields);
static ngx_int_t ngx_http_dff_auth_field_query(const ngx_http_dff_auth_fields_t *fields);
static ngx_int_t ngx_http_dff_auth_field_url(ngx_http_dff_ctx_t *ctx);
static ngx_int_t ngx_http_dff_auth_field_text(const ngx_http_dff_auth_fields_t *fields,
    dff_auth_location_t location, ngx_str_t *text);
static ngx_int_t ngx_http_dff_auth_field_json(const ngx_http_dff_auth_fields_t *fields);
static ngx_int_t ngx_http_dff_auth_field_plain(ngx_pool_t *pool,
    const dff_json_member_t *member, dff_str_t *value);
static ngx_uint_t ngx_http_dff_auth_field_type(ngx_http_request_t *r, ngx_str_t *type);

static ngx_str_t  ngx_http_dff_type_json = ngx_string("application/json");
static ngx_str_t  ngx_http_dff_type_form = ngx_string("application/x-www-form-urlencoded");


ngx_int_t
ngx_http_dff_auth_field(ngx_http_dff_ctx_t *ctx)
{
    ngx_int_t                    rc;
    ngx_uint_t                   i;
    ngx_http_dff_auth_fields_t  *fields;

    fields = ngx_http_dff_auth_fields(ctx);
    if (fields == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_http_dff_auth_field_header(fields);

    if (rc == NGX_DECLINED) {
        rc = ngx_http_dff_auth_field_query(fields);
    }

    for (i = 0; rc == NGX_DECLINED && ctx->request->method == NGX_HTTP_POST
                && i < fields->nfields; i++)
    {
        if (fields->fields[i].location == DFF_AUTH_BODY) {
            rc = NGX_BUSY;
        }
    }

    OPENSSL_cleanse(fields->key, sizeof(fields->key));

    return rc;
}


ngx_int_t
ngx_http_dff_auth_field_body(ngx_http_dff_ctx_t *ctx)
{
    ngx_int_t                    rc;
    ngx_http_dff_auth_fields_t  *fields;

    fields = ngx_http_dff_auth_fields(ctx);
    if (fields == NULL) {
        return NGX_ERROR;
    }

    rc = NGX_DECLINED;

    if (ngx_http_dff_auth_field_type(ctx->request, &ngx_http_dff_type_form)) {
        rc = ngx_http_dff_auth_field_text(fields, DFF_AUTH_BODY, &ctx->body);

    } else if (ngx_http_dff_auth_field_type(ctx->request, &ngx_http_dff_type_json)) {
        rc = ngx_http_dff_auth_field_json(fields);
    }

    OPENSSL_cleanse(fields->key, sizeof(fields->key));

    return rc;
}


/* NULL: no memory, or no HMAC. A row that cannot be read ends the list: it lets none in. */
static ngx_http_dff_auth_fields_t *
ngx_http_dff_auth_fields(ngx_http_dff_ctx_t *ctx)
{
    int                          rc;
    dff_err_t                    err;
    dff_str_t                    secret = dff_str_from(ctx->worker->mcf->config.secret);
    dff_json_array_t             it;
    ngx_http_dff_auth_fields_t  *fields;

    fields = ngx_palloc(ctx->request->pool, sizeof(ngx_http_dff_auth_fields_t));
    if (fields == NULL || dff_auth_field_key(fields->key, secret, NULL) != DFF_OK) {
        return NULL;
    }

    fields->ctx = ctx;
    fields->nfields = 0;
    ctx->auth->why = "no field has the right value";

    rc = dff_route_auth_open(&it, &ctx->auth->api, &err);

    while (rc != DFF_ERROR && fields->nfields < DFF_ROUTE_AUTH_ROWS_MAX) {

        rc = dff_route_auth_next_field(&it, &fields->fields[fields->nfields], &err);
        if (rc == 0) {
            break;
        }

        fields->nfields += rc == 1;
    }

    if (rc == DFF_ERROR) {
        ngx_http_dff_auth_log(ctx, DFF_LOG_WARNING, err.message);
    }

    return fields;
}


static ngx_uint_t
ngx_http_dff_auth_field_asked(const ngx_http_dff_auth_fields_t *fields,
    dff_auth_location_t location, dff_str_t name)
{
    ngx_uint_t  i;

    for (i = 0; i < fields->nfields; i++) {
        if (fields->fields[i].location == location
            && dff_route_auth_is(fields->fields[i].name, name))
        {
            return 1;
        }
    }

    return 0;
}


/* One HMAC for a value that was sent, however many fields have its name. */
static ngx_uint_t
ngx_http_dff_auth_field_is(const ngx_http_dff_auth_fields_t *fields,
    dff_auth_location_t location, dff_str_t name, dff_str_t value)
{
    char                           made[DFF_MAC_SIZE];
    ngx_uint_t                     i, found;
    const dff_route_auth_field_t  *field;

    if (!ngx_http_dff_auth_field_asked(fields, location, name)
        || dff_auth_field(made, fields->key, fields->ctx->auth->api.id, value, NULL) != DFF_OK)
    {
        return 0;
    }

    found = 0;

    for (i = 0; i < fields->nfields; i++) {
        field = &fields->fields[i];

        if (field->location == location && dff_route_auth_is(field->name, name)) {
            found |= dff_mac_equal(field->proof, dff_str_from(made));
        }
    }

    return found;
}


static ngx_int_t
ngx_http_dff_auth_field_header(const ngx_http_dff_auth_fields_t *fields)
{
    dff_str_t         name;
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    for (part = &fields->ctx->request->headers_in.headers.part; part != NULL;
         part = part->next)
    {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {
            name.data = (char *) h[i].lowcase_key;
            name.len = h[i].key.len;

            if (ngx_http_dff_auth_field_is(fields, DFF_AUTH_HEADER, name,
                                           ngx_http_dff_str(h[i].value)))
            {
                fields->ctx->credential = &h[i];
                return NGX_OK;
            }
        }
    }

    return NGX_DECLINED;
}


static ngx_int_t
ngx_http_dff_auth_field_query(const ngx_http_dff_auth_fields_t *fields)
{
    ngx_int_t  rc;

    rc = ngx_http_dff_auth_field_text(fields, DFF_AUTH_QUERY, &fields->ctx->request->args);

    if (rc != NGX_OK) {
        return rc;
    }

    fields->ctx->query = NULL;   /* to be read anew */

    return ngx_http_dff_auth_field_url(fields->ctx);
}


/* The URL as scripts and dumps see it, with the query that is left. */
static ngx_int_t
ngx_http_dff_auth_field_url(ngx_http_dff_ctx_t *ctx)
{
    u_char     *mark;
    ngx_str_t   url;

    mark = ngx_strlchr(ctx->url.data, ctx->url.data + ctx->url.len, '?');
    if (mark == NULL) {
        return NGX_OK;
    }

    url.data = ngx_pnalloc(ctx->request->pool, ctx->url.len);
    if (url.data == NULL) {
        return NGX_ERROR;
    }

    url.len = ngx_cpymem(url.data, ctx->url.data, mark - ctx->url.data) - url.data;

    if (ctx->request->args.len != 0) {
        url.len = ngx_sprintf(url.data + url.len, "?%V", &ctx->request->args) - url.data;
    }

    ctx->url = url;

    return NGX_OK;
}


/* name=value fields; the one that lets in is cut out of *text. */
static ngx_int_t
ngx_http_dff_auth_field_text(const ngx_http_dff_auth_fields_t *fields,
    dff_auth_location_t location, ngx_str_t *text)
{
    ngx_int_t              rc;
    ngx_uint_t             i;
    ngx_pool_t            *pool = fields->ctx->request->pool;
    const char            *what;
    ngx_array_t           *list;
    ngx_http_dff_field_t  *field;

    rc = ngx_http_dff_fields_parse(pool, text, &list, &what);
    if (rc != NGX_OK) {
        return rc;   /* what cannot be decoded lets nobody in */
    }

    field = list->elts;

    for (i = 0; i < list->nelts; i++) {
        if (ngx_http_dff_auth_field_is(fields, location, ngx_http_dff_str(field[i].name),
                                       ngx_http_dff_str(field[i].value)))
        {
            return ngx_http_dff_cut_field(pool, text, &field[i].name);
        }
    }

    return NGX_DECLINED;
}


/* A member of the body, which is cut out of it. Bad JSON lets nobody in. */
static ngx_int_t
ngx_http_dff_auth_field_json(const ngx_http_dff_auth_fields_t *fields)
{
    dff_str_t           body, name, value;
    ngx_int_t           rc;
    ngx_pool_t         *pool = fields->ctx->request->pool;
    dff_json_type_t     type;
    dff_json_object_t   it;
    dff_json_member_t   member;

    if (dff_json_check(ngx_http_dff_str(fields->ctx->body), &body, &type, NULL) != DFF_OK
        || dff_json_object_open(&it, body) != DFF_OK)
    {
        return NGX_DECLINED;
    }

    while (dff_json_object_next(&it, &member, NULL) == 1) {

        name = ngx_http_dff_cut_name(pool, &member);
        if (name.data == NULL) {
            return NGX_ERROR;
        }

        rc = ngx_http_dff_auth_field_plain(pool, &member, &value);
        if (rc == NGX_ERROR) {
            return rc;
        }

        if (rc == NGX_OK
            && ngx_http_dff_auth_field_is(fields, DFF_AUTH_BODY, name, value))
        {
            return ngx_http_dff_cut_member(pool, &fields->ctx->body, name);
        }
    }

    return NGX_DECLINED;
}


/* The value as the text that it is compared as. NGX_DECLINED: it is none. */
static ngx_int_t
ngx_http_dff_auth_field_plain(ngx_pool_t *pool, const dff_json_member_t *member,
    dff_str_t *value)
{
    char       *text;
    dff_str_t   inner;

    if (member->type == DFF_JSON_OBJECT || member->type == DFF_JSON_ARRAY
        || member->type == DFF_JSON_NULL)
    {
        return NGX_DECLINED;
    }

    *value = member->value;

    if (member->type != DFF_JSON_STRING
        || dff_json_plain_string(member->value, value) == DFF_OK)
    {
        return NGX_OK;
    }

    inner.data = member->value.data + 1;
    inner.len = member->value.len - 2;

    text = ngx_pnalloc(pool, inner.len);
    if (text == NULL) {
        return NGX_ERROR;
    }

    value->data = text;
    value->len = dff_json_unescape(inner, text);

    return NGX_OK;
}


static ngx_uint_t
ngx_http_dff_auth_field_type(ngx_http_request_t *r, ngx_str_t *type)
{
    ngx_str_t  *given;

    if (r->headers_in.content_type == NULL) {
        return 0;
    }

    given = &r->headers_in.content_type->value;

    return given->len >= type->len
           && ngx_strncasecmp(given->data, type->data, type->len) == 0
           && (given->len == type->len || given->data[type->len] == ';'
               || given->data[type->len] == ' ');
}
