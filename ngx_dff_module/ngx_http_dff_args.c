/*
 * Arguments and options of a call, in the three formats: see the header.
 *
 * Arguments are cut out of the request as text and stay that text up to the Python
 * function: big integers, float digits and escapes arrive as they were sent. Only
 * options are parsed into values.
 */
#include "ngx_http_dff_answer.h"
#include "ngx_http_dff_args.h"
#include "ngx_http_dff_cut.h"
#include "ngx_http_dff_dump.h"
#include "ngx_http_dff_fields.h"
#include "ngx_http_dff_kwargs.h"
#include "ngx_http_dff_upload.h"

#include "dff_json.h"

/* What is being read, and what has been found so far. */
typedef struct {
    ngx_http_dff_ctx_t      *ctx;
    ngx_http_dff_fail_t     *fail;
    dff_str_t                object;     /* the arguments as one object's text, … */
    ngx_array_t             *list;       /* … or as a list; NULL: none so far */
} ngx_http_dff_reading_t;

typedef enum {
    NGX_HTTP_DFF_SOURCE_JSON,
    NGX_HTTP_DFF_SOURCE_FIELDS,
    NGX_HTTP_DFF_SOURCE_UPLOAD,
    NGX_HTTP_DFF_SOURCE_COUNT
} ngx_http_dff_source_e;

typedef ngx_int_t (*ngx_http_dff_reader_pt)(ngx_http_dff_reading_t *reading, ngx_str_t *text);

static ngx_int_t ngx_http_dff_args_read(ngx_http_dff_ctx_t *ctx, ngx_http_dff_fail_t *fail);
static ngx_int_t ngx_http_dff_args_query(ngx_http_dff_reading_t *reading);
static ngx_int_t ngx_http_dff_args_source(ngx_http_dff_reading_t *reading,
    ngx_http_dff_source_e *source, ngx_str_t **text);
static ngx_int_t ngx_http_dff_args_json(ngx_http_dff_reading_t *reading, ngx_str_t *text);
static ngx_int_t ngx_http_dff_args_fields(ngx_http_dff_reading_t *reading, ngx_str_t *text);
static ngx_int_t ngx_http_dff_args_normal(ngx_http_dff_reading_t *reading, dff_str_t kwargs,
    dff_str_t options);
static ngx_int_t ngx_http_dff_args_json_normal(ngx_http_dff_reading_t *reading, dff_str_t body);
static ngx_int_t ngx_http_dff_args_json_flattened(ngx_http_dff_reading_t *reading,
    dff_str_t body);
static ngx_int_t ngx_http_dff_args_field_list(ngx_http_dff_reading_t *reading,
    ngx_array_t *fields);
static ngx_int_t ngx_http_dff_args_upload(ngx_http_dff_reading_t *reading, ngx_str_t *text);
static ngx_uint_t ngx_http_dff_args_cut(ngx_str_t name, ngx_str_t *prefix, ngx_str_t *rest);

static ngx_str_t  ngx_http_dff_kwargs_prefix = ngx_string("kwargs_");
static ngx_str_t  ngx_http_dff_options_prefix = ngx_string("options_");

static const ngx_http_dff_reader_pt  ngx_http_dff_readers[NGX_HTTP_DFF_SOURCE_COUNT] = {
    [NGX_HTTP_DFF_SOURCE_JSON] = ngx_http_dff_args_json,
    [NGX_HTTP_DFF_SOURCE_FIELDS] = ngx_http_dff_args_fields,
    [NGX_HTTP_DFF_SOURCE_UPLOAD] = ngx_http_dff_args_upload
};


ngx_int_t
ngx_http_dff_args_stage(ngx_http_dff_ctx_t *ctx)
{
    ngx_int_t            rc;
    ngx_http_dff_fail_t  fail = { "", NULL };

    ngx_http_dff_options_default(ctx);

    rc = ngx_http_dff_args_read(ctx, &fail);

    if (rc == NGX_OK) {
        return NGX_OK;
    }

    if (rc == NGX_DECLINED) {
        ngx_http_dff_answer_error(ctx, DFF_E_CLIENT_BAD_REQUEST, NULL, fail.message,
                                  fail.detail);
    } else {
        ngx_http_dff_answer_error(ctx, DFF_E_SYS, NULL, NULL, NULL);
    }

    return NGX_DONE;
}


static ngx_int_t
ngx_http_dff_args_read(ngx_http_dff_ctx_t *ctx, ngx_http_dff_fail_t *fail)
{
    ngx_int_t               rc;
    ngx_str_t              *text;
    ngx_http_dff_source_e   source;
    ngx_http_dff_reading_t  reading = { ctx, fail, DFF_STR("{}"), NULL };

    rc = ngx_http_dff_args_query(&reading);

    if (rc == NGX_OK) {
        rc = ngx_http_dff_args_source(&reading, &source, &text);
    }

    if (rc == NGX_OK && text != NULL) {
        rc = ngx_http_dff_readers[source](&reading, text);
    }

    if (rc != NGX_OK) {
        return rc;
    }

    if (reading.list == NULL) {

        if (ctx->route.kwargs.len == sizeof("{}") - 1) {
            /* the usual call: nothing to merge, the object goes on as it is */
            ctx->kwargs = ngx_http_dff_ngx_str(reading.object);
            ctx->given = ctx->kwargs;
            return NGX_OK;
        }

        return ngx_http_dff_kwargs_merge(ctx, NULL, reading.object, fail);
    }

    return ngx_http_dff_kwargs_merge(ctx, reading.list, DFF_STR_NULL, fail);
}


/* Read whatever the method is: a function sees the query of a POST too. */
static ngx_int_t
ngx_http_dff_args_query(ngx_http_dff_reading_t *reading)
{
    ngx_int_t     rc;
    const char   *what;
    ngx_array_t  *fields;

    rc = ngx_http_dff_fields_query(reading->ctx, &fields, &what);

    if (rc == NGX_DECLINED) {
        return ngx_http_dff_fail(reading->fail, "Invalid query string: %s", what);
    }

    return rc;
}


/* Where the arguments are; *text NULL: there are none. */
static ngx_int_t
ngx_http_dff_args_source(ngx_http_dff_reading_t *reading, ngx_http_dff_source_e *source,
    ngx_str_t **text)
{
    size_t               len;
    ngx_str_t            type;
    ngx_http_dff_ctx_t  *ctx = reading->ctx;
    ngx_http_request_t  *r = ctx->request;

    static ngx_str_t  json = ngx_string("application/json");
    static ngx_str_t  form = ngx_string("application/x-www-form-urlencoded");

    *text = NULL;
    *source = NGX_HTTP_DFF_SOURCE_FIELDS;

    if (r->method == NGX_HTTP_GET) {
        *text = &r->args;
        return NGX_OK;
    }

    if (ctx->upload != NULL) {
        *text = &ctx->body;
        *source = NGX_HTTP_DFF_SOURCE_UPLOAD;
        return NGX_OK;
    }

    if (ctx->body.len == 0) {
        return NGX_OK;
    }

    if (ngx_http_dff_dump_headers(r, "content-type", sizeof("content-type") - 1) > 1) {
        /* which one holds would be a guess, and a proxy may guess differently */
        return ngx_http_dff_fail(reading->fail, "Content-Type must be sent only once");
    }

    ngx_str_null(&type);
    if (r->headers_in.content_type != NULL) {
        type = r->headers_in.content_type->value;
    }

    /* the media type alone: without "; charset=…" */
    for (len = 0; len < type.len && type.data[len] != ';' && type.data[len] != ' '; len++) {
        /* void */
    }

    *text = &ctx->body;

    if (len == form.len && ngx_strncasecmp(type.data, form.data, len) == 0) {
        return NGX_OK;
    }

    if (len == json.len && ngx_strncasecmp(type.data, json.data, len) == 0) {
        *source = NGX_HTTP_DFF_SOURCE_JSON;
        return NGX_OK;
    }

    return ngx_http_dff_fail(reading->fail, "Content-Type must be %s or %s, got \"%.*s\"",
                             (char *) json.data, (char *) form.data,
                             (int) ngx_min(type.len, 100),
                             type.len == 0 ? "" : (char *) type.data);
}


static ngx_int_t
ngx_http_dff_args_json(ngx_http_dff_reading_t *reading, ngx_str_t *text)
{
    dff_str_t        body;
    dff_json_fail_t  bad;
    dff_json_type_t  type;

    if (dff_json_check(ngx_http_dff_str(*text), &body, &type, &bad) != DFF_OK) {
        return ngx_http_dff_fail(reading->fail, "Invalid request body: %s at line %zu, "
                                 "column %zu", bad.what, bad.line, bad.column);
    }

    reading->ctx->body_is_json = 1;

    if (type != DFF_JSON_OBJECT) {
        return ngx_http_dff_fail(reading->fail,
                                 "Invalid request body: it must be a JSON object");
    }

    if (reading->ctx->format == NGX_HTTP_DFF_SIMPLIFIED) {
        reading->object = body;
        return NGX_OK;
    }

    return reading->ctx->format == NGX_HTTP_DFF_NORMAL
           ? ngx_http_dff_args_json_normal(reading, body)
           : ngx_http_dff_args_json_flattened(reading, body);
}


/* The members of a JSON body that mean something; the rest is ignored. They may be millions:
 * what is made of each would be many times the body. */
static ngx_int_t
ngx_http_dff_args_json_normal(ngx_http_dff_reading_t *reading, dff_str_t body)
{
    dff_str_t          name, kwargs = DFF_STR_NULL, options = DFF_STR_NULL;
    dff_json_object_t  it;
    dff_json_member_t  member;

    if (dff_json_object_open(&it, body) != DFF_OK) {
        return NGX_ERROR;
    }

    while (dff_json_object_next(&it, &member, NULL) == 1) {

        name = ngx_http_dff_cut_name(reading->ctx->request->pool, &member);
        if (name.data == NULL) {
            return NGX_ERROR;
        }

        if (dff_str_eq(name, DFF_STR("kwargs"))) {
            kwargs = member.value;

        } else if (dff_str_eq(name, DFF_STR("options"))) {
            options = member.value;
        }
    }

    return ngx_http_dff_args_normal(reading, kwargs, options);
}


static ngx_int_t
ngx_http_dff_args_json_flattened(ngx_http_dff_reading_t *reading, dff_str_t body)
{
    u_char                *object, *to;
    ngx_int_t              rc;
    ngx_str_t              name;
    ngx_pool_t            *pool = reading->ctx->request->pool;
    dff_json_object_t      it;
    dff_json_member_t      member;
    ngx_http_dff_kwarg_t   kwarg;

    /* no longer than what it is made of: escaped anew a name takes what it took at most */
    object = ngx_pnalloc(pool, body.len);
    if (object == NULL || dff_json_object_open(&it, body) != DFF_OK) {
        return NGX_ERROR;
    }

    to = object;
    *to++ = '{';

    while (dff_json_object_next(&it, &member, NULL) == 1) {

        name = ngx_http_dff_ngx_str(ngx_http_dff_cut_name(pool, &member));
        if (name.data == NULL) {
            return NGX_ERROR;
        }

        kwarg.value = member.value;

        if (ngx_http_dff_args_cut(name, &ngx_http_dff_kwargs_prefix, &kwarg.name)) {
            to = ngx_http_dff_kwargs_write(to, &kwarg);

        } else if (ngx_http_dff_args_cut(name, &ngx_http_dff_options_prefix, &name)) {
            rc = ngx_http_dff_options_text(reading->ctx, name, member.value, reading->fail);
            if (rc != NGX_OK) {
                return rc;
            }
        }
    }

    to = ngx_http_dff_kwargs_close(to);
    reading->object = (dff_str_t) { (char *) object, to - object };

    return NGX_OK;
}


static ngx_int_t
ngx_http_dff_args_fields(ngx_http_dff_reading_t *reading, ngx_str_t *text)
{
    ngx_int_t              rc;
    dff_str_t              kwargs = DFF_STR_NULL, options = DFF_STR_NULL;
    const char            *what;
    ngx_array_t           *fields;
    ngx_http_dff_field_t  *field;

    if (text != &reading->ctx->body) {
        rc = ngx_http_dff_fields_query(reading->ctx, &fields, &what);

    } else {
        rc = ngx_http_dff_fields_parse(reading->ctx->request->pool, text, &fields, &what);
    }

    if (rc == NGX_DECLINED) {
        return ngx_http_dff_fail(reading->fail, "Invalid form: %s", what);
    }

    if (rc != NGX_OK) {
        return rc;
    }

    if (reading->ctx->format != NGX_HTTP_DFF_NORMAL) {
        return ngx_http_dff_args_field_list(reading, fields);
    }

    field = ngx_http_dff_fields_find(fields, "kwargs");
    if (field != NULL) {
        kwargs = ngx_http_dff_str(field->value);
    }

    field = ngx_http_dff_fields_find(fields, "options");
    if (field != NULL) {
        options = ngx_http_dff_str(field->value);
    }

    return ngx_http_dff_args_normal(reading, kwargs, options);
}


/* The fields of an upload as those of a form; its files are one more argument. */
static ngx_int_t
ngx_http_dff_args_upload(ngx_http_dff_reading_t *reading, ngx_str_t *text)
{
    ngx_int_t              rc;
    ngx_str_t              files, name = ngx_string("files");
    ngx_uint_t             i;
    ngx_http_dff_kwarg_t  *kwarg;

    rc = ngx_http_dff_args_field_list(reading, ngx_http_dff_upload_fields(reading->ctx));
    files = ngx_http_dff_upload_files(reading->ctx);

    if (rc != NGX_OK || files.len == 0) {
        return rc;
    }

    kwarg = reading->list->elts;

    for (i = 0; i < reading->list->nelts; i++) {
        if (dff_str_eq(ngx_http_dff_str(kwarg[i].name), ngx_http_dff_str(name))) {
            return ngx_http_dff_fail(reading->fail, "Argument \"files\" is for the uploaded "
                                     "files: it cannot be a field, too");
        }
    }

    return ngx_http_dff_kwargs_add(reading->list, name, ngx_http_dff_str(files));
}


/* Normal format: the texts of kwargs and options, empty where they were not given. */
static ngx_int_t
ngx_http_dff_args_normal(ngx_http_dff_reading_t *reading, dff_str_t kwargs, dff_str_t options)
{
    dff_json_fail_t  bad;
    dff_json_type_t  type;

    if (kwargs.len != 0) {

        if (dff_json_check(kwargs, &kwargs, &type, &bad) != DFF_OK) {
            return ngx_http_dff_fail(reading->fail, "\"kwargs\" is not valid JSON: %s at line "
                                     "%zu, column %zu", bad.what, bad.line, bad.column);
        }

        if (type != DFF_JSON_OBJECT && type != DFF_JSON_NULL) {
            return ngx_http_dff_fail(reading->fail, "\"kwargs\" must be a JSON object");
        }

        if (type == DFF_JSON_OBJECT) {
            reading->object = kwargs;
        }
    }

    if (options.len == 0) {
        return NGX_OK;
    }

    return ngx_http_dff_options_read(reading->ctx, options, reading->fail);
}


/* Flattened and simplified fields: values are texts, repeated ones a list of texts. */
static ngx_int_t
ngx_http_dff_args_field_list(ngx_http_dff_reading_t *reading, ngx_array_t *fields)
{
    ngx_int_t              rc;
    ngx_str_t              name;
    dff_str_t              value;
    ngx_uint_t             i, simplified, option;
    ngx_http_dff_field_t  *field;

    field = fields->elts;
    simplified = reading->ctx->format == NGX_HTTP_DFF_SIMPLIFIED;

    reading->list = ngx_http_dff_kwargs_new(reading->ctx->request->pool);
    if (reading->list == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < fields->nelts; i++) {

        name = field[i].name;
        option = 0;

        if (!simplified && !ngx_http_dff_args_cut(field[i].name, &ngx_http_dff_kwargs_prefix,
                                                  &name))
        {
            option = ngx_http_dff_args_cut(field[i].name, &ngx_http_dff_options_prefix, &name);
            if (!option) {
                continue;
            }
        }

        rc = ngx_http_dff_fields_value(reading->ctx->request->pool, fields, i, &value);

        if (rc == NGX_DECLINED) {
            continue;   /* part of the list that its first occurrence has made */
        }

        if (rc == NGX_OK) {
            rc = option ? ngx_http_dff_options_text(reading->ctx, name, value, reading->fail)
                        : ngx_http_dff_kwargs_add(reading->list, name, value);
        }

        if (rc != NGX_OK) {
            return rc;
        }
    }

    return NGX_OK;
}


/* rest: what follows the prefix in the name. 0: the name does not begin with it. */
static ngx_uint_t
ngx_http_dff_args_cut(ngx_str_t name, ngx_str_t *prefix, ngx_str_t *rest)
{
    if (name.len <= prefix->len || ngx_memcmp(name.data, prefix->data, prefix->len) != 0) {
        return 0;
    }

    rest->data = name.data + prefix->len;
    rest->len = name.len - prefix->len;

    return 1;
}
