/*
 * What scripts see of an upload, as JSON. Runs in nginx workers; in the request's pool.
 */
#ifndef NGX_HTTP_DFF_UPLOAD_JSON_H
#define NGX_HTTP_DFF_UPLOAD_JSON_H

#include "ngx_http_dff_upload_file.h"

/* {"name":"value","other":["a","b"]}. NGX_ERROR: no memory. */
ngx_int_t ngx_http_dff_upload_fields_json(ngx_pool_t *pool, ngx_array_t *fields,
    ngx_str_t *text);

/* [{"filePath":…,"originalname":…,"encoding":…,"mimetype":…,"size":…},…]; empty when there
 * is no file. NGX_ERROR: no memory. */
ngx_int_t ngx_http_dff_upload_files_json(ngx_http_dff_upload_files_t *files, ngx_str_t *text);

#endif
