/* Uploads: see the header. */
#include "ngx_http_dff_answer.h"
#include "ngx_http_dff_body.h"
#include "ngx_http_dff_dump.h"
#include "ngx_http_dff_fields.h"
#include "ngx_http_dff_gather.h"
#include "ngx_http_dff_upload.h"
#include "ngx_http_dff_upload_file.h"
#include "ngx_http_dff_upload_json.h"

#include "dff_multipart.h"

/* Why a callback has stopped the reader. It does not answer itself: that may end the
 * request, and the reader with it. */
typedef enum {
    NGX_HTTP_DFF_UPLOAD_FINE,
    NGX_HTTP_DFF_UPLOAD_NOT_TEXT,
    NGX_HTTP_DFF_UPLOAD_NOT_STORED,
    NGX_HTTP_DFF_UPLOAD_TOO_MUCH
} ngx_http_dff_upload_stop_e;

struct ngx_http_dff_upload_s {
    ngx_http_dff_ctx_t          *ctx;
    ngx_array_t                 *fields;    /* ngx_http_dff_field_t */
    ngx_http_dff_upload_files_t  files;
    ngx_http_dff_gather_t        gather;    /* value of the current field */
    ngx_str_t                    name;      /* of it */
    off_t                        held;      /* bytes of names and values in memory */
    ngx_uint_t                   in_file;   /* the current part is one */
    ngx_http_dff_upload_stop_e   stopped;
    ngx_str_t                    json;      /* of files */
    dff_multipart_t              reader;
};

static int ngx_http_dff_upload_on_begin(void *data, const dff_multipart_part_t *part);
static int ngx_http_dff_upload_on_data(void *data, const char *bytes, size_t len);
static int ngx_http_dff_upload_on_end(void *data);
static int ngx_http_dff_upload_hold(ngx_http_dff_upload_t *upload, size_t len);
static int ngx_http_dff_upload_stop(ngx_http_dff_upload_t *upload,
    ngx_http_dff_upload_stop_e why);
static ngx_int_t ngx_http_dff_upload_refused(ngx_http_dff_upload_t *upload);

static const dff_multipart_handlers_t  ngx_http_dff_upload_handlers = {
    ngx_http_dff_upload_on_begin,
    ngx_http_dff_upload_on_data,
    ngx_http_dff_upload_on_end
};


ngx_uint_t
ngx_http_dff_upload_is(ngx_http_dff_ctx_t *ctx)
{
    ngx_http_request_t  *r = ctx->request;

    static ngx_str_t  type = ngx_string("multipart/form-data");

    /* more than one Content-Type is refused with the arguments */
    return r->method == NGX_HTTP_POST
           && ngx_http_dff_dump_headers(r, "content-type", sizeof("content-type") - 1) == 1
           && ctx->format != NGX_HTTP_DFF_NORMAL
           && r->headers_in.content_type != NULL
           && r->headers_in.content_type->value.len >= type.len
           && ngx_strncasecmp(r->headers_in.content_type->value.data, type.data, type.len) == 0;
}


ngx_int_t
ngx_http_dff_upload_begin(ngx_http_dff_ctx_t *ctx)
{
    char                    boundary[DFF_MULTIPART_BOUNDARY_MAX], message[160];
    size_t                  len;
    const char             *what;
    ngx_pool_t             *pool = ctx->request->pool;
    ngx_http_dff_upload_t  *upload;

    if (dff_multipart_boundary(ngx_http_dff_str(ctx->request->headers_in.content_type->value),
                               boundary, &len, &what)
        != DFF_OK)
    {
        (void) snprintf(message, sizeof(message), "Invalid multipart body: %s", what);
        ngx_http_dff_answer_error(ctx, DFF_E_CLIENT_BAD_REQUEST, NULL, message, NULL);
        return NGX_DONE;
    }

    upload = ngx_pcalloc(pool, sizeof(ngx_http_dff_upload_t));
    if (upload == NULL) {
        goto failed;
    }

    upload->fields = ngx_array_create(pool, 8, sizeof(ngx_http_dff_field_t));
    if (upload->fields == NULL
        || ngx_http_dff_upload_files_init(&upload->files, ctx) != NGX_OK)
    {
        goto failed;
    }

    upload->ctx = ctx;
    upload->gather.pool = pool;
    dff_multipart_init(&upload->reader, (dff_str_t) { boundary, len }, DFF_FORM_FIELDS_MAX,
                       &ngx_http_dff_upload_handlers, upload);
    ctx->upload = upload;

    return NGX_OK;

failed:

    ngx_http_dff_answer_error(ctx, DFF_E_SYS, NULL, NULL, NULL);
    return NGX_DONE;
}


ngx_int_t
ngx_http_dff_upload_take(ngx_http_dff_ctx_t *ctx, u_char *data, size_t len)
{
    ngx_http_dff_upload_t  *upload = ctx->upload;

    if (dff_multipart_feed(&upload->reader, (char *) data, len) != DFF_OK) {
        return ngx_http_dff_upload_refused(upload);
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_dff_upload_finish(ngx_http_dff_ctx_t *ctx)
{
    ngx_http_dff_upload_t  *upload = ctx->upload;

    if (dff_multipart_finish(&upload->reader) != DFF_OK) {
        return ngx_http_dff_upload_refused(upload);
    }

    if (ngx_http_dff_upload_fields_json(ctx->request->pool, upload->fields, &ctx->body)
        != NGX_OK
        || ngx_http_dff_upload_files_json(&upload->files, &upload->json) != NGX_OK)
    {
        ngx_http_dff_answer_error(ctx, DFF_E_SYS, NULL, NULL, NULL);
        return NGX_DONE;
    }

    return NGX_OK;
}


/* The reader has stopped: by itself, or because a callback has. */
static ngx_int_t
ngx_http_dff_upload_refused(ngx_http_dff_upload_t *upload)
{
    char                 where[160], message[200];
    ngx_http_dff_ctx_t  *ctx = upload->ctx;

    switch (upload->stopped) {

    case NGX_HTTP_DFF_UPLOAD_TOO_MUCH:
        return ngx_http_dff_body_too_large(ctx, "sum of the fields of the upload",
                                           ctx->worker->mcf->config.web_body_size_limit);

    case NGX_HTTP_DFF_UPLOAD_NOT_TEXT:
        (void) snprintf(message, sizeof(message), "Invalid multipart body: the field of part %u "
                        "is not UTF-8", upload->reader.parts);
        ngx_http_dff_answer_error(ctx, DFF_E_CLIENT_BAD_REQUEST, NULL, message, NULL);
        return NGX_DONE;

    case NGX_HTTP_DFF_UPLOAD_NOT_STORED:
        ngx_http_dff_answer_error(ctx, DFF_E_SYS, NULL, "The upload cannot be stored", NULL);
        return NGX_DONE;

    default:
        dff_multipart_explain(&upload->reader.fail, where, sizeof(where));
        (void) snprintf(message, sizeof(message), "Invalid multipart body: %s", where);
        ngx_http_dff_answer_error(ctx, DFF_E_CLIENT_BAD_REQUEST, NULL, message, NULL);
        return NGX_DONE;
    }
}


/* --- parts ----------------------------------------------------------------------------- */


static int
ngx_http_dff_upload_on_begin(void *data, const dff_multipart_part_t *part)
{
    ngx_str_t               name;
    ngx_pool_t             *pool;
    ngx_http_dff_upload_t  *upload = data;

    pool = upload->ctx->request->pool;

    if (ngx_http_dff_upload_hold(upload, part->name.len + part->filename.len + part->type.len
                                         + part->encoding.len)
        != DFF_OK)
    {
        return DFF_ERROR;
    }

    upload->in_file = part->is_file;

    if (part->is_file) {
        return ngx_http_dff_upload_files_open(&upload->files, part) == NGX_OK
               ? DFF_OK : ngx_http_dff_upload_stop(upload, NGX_HTTP_DFF_UPLOAD_NOT_STORED);
    }

    name = ngx_http_dff_ngx_str(part->name);
    upload->name.len = name.len;
    upload->name.data = ngx_pstrdup(pool, &name);

    return upload->name.data != NULL
           ? DFF_OK : ngx_http_dff_upload_stop(upload, NGX_HTTP_DFF_UPLOAD_NOT_STORED);
}


static int
ngx_http_dff_upload_on_data(void *data, const char *bytes, size_t len)
{
    ngx_http_dff_upload_t  *upload = data;

    if (upload->in_file) {
        return ngx_http_dff_upload_files_write(&upload->files, bytes, len) == NGX_OK
               ? DFF_OK : ngx_http_dff_upload_stop(upload, NGX_HTTP_DFF_UPLOAD_NOT_STORED);
    }

    if (ngx_http_dff_upload_hold(upload, len) != DFF_OK) {
        return DFF_ERROR;
    }

    return ngx_http_dff_gather_add(&upload->gather, bytes, len) == NGX_OK
           ? DFF_OK : ngx_http_dff_upload_stop(upload, NGX_HTTP_DFF_UPLOAD_NOT_STORED);
}


static int
ngx_http_dff_upload_on_end(void *data)
{
    ngx_http_dff_field_t   *field;
    ngx_http_dff_upload_t  *upload = data;

    if (upload->in_file) {
        return ngx_http_dff_upload_files_close(&upload->files) == NGX_OK
               ? DFF_OK : ngx_http_dff_upload_stop(upload, NGX_HTTP_DFF_UPLOAD_NOT_STORED);
    }

    field = ngx_array_push(upload->fields);
    if (field == NULL) {
        return ngx_http_dff_upload_stop(upload, NGX_HTTP_DFF_UPLOAD_NOT_STORED);
    }

    field->name = upload->name;
    field->value = ngx_http_dff_gather_take(&upload->gather);

    if (!dff_form_is_utf8(ngx_http_dff_str(field->name))
        || !dff_form_is_utf8(ngx_http_dff_str(field->value)))
    {
        return ngx_http_dff_upload_stop(upload, NGX_HTTP_DFF_UPLOAD_NOT_TEXT);
    }

    return DFF_OK;
}


/* Fields are arguments, as in a body that is no upload: the same limit. */
static int
ngx_http_dff_upload_hold(ngx_http_dff_upload_t *upload, size_t len)
{
    off_t  limit = upload->ctx->worker->mcf->config.web_body_size_limit;

    if ((off_t) len > limit - upload->held) {
        return ngx_http_dff_upload_stop(upload, NGX_HTTP_DFF_UPLOAD_TOO_MUCH);
    }

    upload->held += len;

    return DFF_OK;
}


static int
ngx_http_dff_upload_stop(ngx_http_dff_upload_t *upload, ngx_http_dff_upload_stop_e why)
{
    upload->stopped = why;

    return DFF_ERROR;
}


/* --- of a finished one ----------------------------------------------------------------- */


ngx_array_t *
ngx_http_dff_upload_fields(ngx_http_dff_ctx_t *ctx)
{
    return ctx->upload->fields;
}


ngx_str_t
ngx_http_dff_upload_files(ngx_http_dff_ctx_t *ctx)
{
    return ctx->upload->json;
}


void
ngx_http_dff_upload_keep(ngx_http_dff_ctx_t *ctx, ngx_uint_t keep)
{
    if (ctx->upload != NULL) {
        ctx->upload->files.kept = keep;
    }
}
