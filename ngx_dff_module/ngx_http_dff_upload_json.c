/* The JSON of an upload: see the header. */
#include "ngx_http_dff_fields.h"
#include "ngx_http_dff_kwargs.h"
#include "ngx_http_dff_upload.h"
#include "ngx_http_dff_upload_json.h"

#include "dff_json.h"

static u_char *ngx_http_dff_upload_file_json(u_char *p, const char *root,
    ngx_http_dff_upload_file_t *file);
static u_char *ngx_http_dff_upload_text(u_char *p, const char *before, ngx_str_t *text);


ngx_int_t
ngx_http_dff_upload_fields_json(ngx_pool_t *pool, ngx_array_t *fields, ngx_str_t *text)
{
    ngx_int_t              rc;
    dff_str_t              value;
    ngx_uint_t             i;
    ngx_array_t           *list;
    ngx_http_dff_field_t  *field = fields->elts;

    list = ngx_http_dff_kwargs_new(pool);
    if (list == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < fields->nelts; i++) {

        rc = ngx_http_dff_fields_value(pool, fields, i, &value);

        if (rc == NGX_OK) {
            rc = ngx_http_dff_kwargs_add(list, field[i].name, value);
        }

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }
    }

    return ngx_http_dff_kwargs_text(list, text);
}


ngx_int_t
ngx_http_dff_upload_files_json(ngx_http_dff_upload_files_t *files, ngx_str_t *text)
{
    size_t                       size;
    u_char                      *p;
    ngx_uint_t                   i;
    const char                  *root = files->ctx->worker->mcf->config.resource_root_path;
    ngx_http_dff_upload_file_t  *file = files->list->elts;

    ngx_str_null(text);

    if (files->list->nelts == 0) {
        return NGX_OK;
    }

    size = sizeof("[]");

    for (i = 0; i < files->list->nelts; i++) {
        size += sizeof("{\"filePath\":\"/" NGX_HTTP_DFF_UPLOAD_FOLDER "/\",\"originalname\":\"\","
                       "\"encoding\":\"\",\"mimetype\":\"\",\"size\":},")
                + dff_json_escaped_size(dff_str_from(root)) + DFF_ID_SIZE
                + dff_json_escaped_size(ngx_http_dff_str(file[i].original))
                + dff_json_escaped_size(ngx_http_dff_str(file[i].encoding))
                + dff_json_escaped_size(ngx_http_dff_str(file[i].type)) + NGX_OFF_T_LEN;
    }

    p = ngx_pnalloc(files->ctx->request->pool, size);
    if (p == NULL) {
        return NGX_ERROR;
    }

    text->data = p;
    *p++ = '[';

    for (i = 0; i < files->list->nelts; i++) {
        p = ngx_http_dff_upload_file_json(p, root, &file[i]);
        *p++ = ',';
    }

    p[-1] = ']';
    text->len = p - text->data;

    return NGX_OK;
}


static u_char *
ngx_http_dff_upload_file_json(u_char *p, const char *root, ngx_http_dff_upload_file_t *file)
{
    ngx_str_t  folder;

    folder.data = (u_char *) root;
    folder.len = ngx_strlen(root);

    p = ngx_http_dff_upload_text(p, "{\"filePath\":\"", &folder);
    p = ngx_sprintf(p, "/" NGX_HTTP_DFF_UPLOAD_FOLDER "/%s", file->name);
    p = ngx_http_dff_upload_text(p, "\",\"originalname\":\"", &file->original);
    p = ngx_http_dff_upload_text(p, "\",\"encoding\":\"", &file->encoding);
    p = ngx_http_dff_upload_text(p, "\",\"mimetype\":\"", &file->type);

    return ngx_sprintf(p, "\",\"size\":%O}", file->size);
}


/* before, then the text escaped, without a closing quote. */
static u_char *
ngx_http_dff_upload_text(u_char *p, const char *before, ngx_str_t *text)
{
    p = ngx_cpymem(p, before, ngx_strlen(before));

    return (u_char *) dff_json_escape((char *) p, ngx_http_dff_str(*text));
}
