/*
 * The files of one upload, written one after the other. Runs in nginx workers.
 */
#ifndef NGX_HTTP_DFF_UPLOAD_FILE_H
#define NGX_HTTP_DFF_UPLOAD_FILE_H

#include "ngx_http_dff_module.h"

#include "dff_multipart.h"

typedef struct {
    u_char      name[DFF_ID_SIZE];    /* in .uploads, NUL-terminated */
    ngx_str_t   original;             /* the client's, without folders */
    ngx_str_t   encoding;
    ngx_str_t   type;
    off_t       size;
} ngx_http_dff_upload_file_t;

typedef struct {
    ngx_http_dff_ctx_t  *ctx;
    ngx_array_t         *list;        /* ngx_http_dff_upload_file_t */
    ngx_fd_t             fd;          /* of the last one while it is written */
    ngx_uint_t           kept;        /* not removed with the request */
} ngx_http_dff_upload_files_t;

/* NGX_ERROR: no memory. Whatever happens later is cleaned up with the request. */
ngx_int_t ngx_http_dff_upload_files_init(ngx_http_dff_upload_files_t *files,
    ngx_http_dff_ctx_t *ctx);

/* The next file. NGX_ERROR (logged): it cannot be stored. */
ngx_int_t ngx_http_dff_upload_files_open(ngx_http_dff_upload_files_t *files,
    const dff_multipart_part_t *part);
ngx_int_t ngx_http_dff_upload_files_write(ngx_http_dff_upload_files_t *files,
    const char *bytes, size_t len);
/* NGX_ERROR (logged): not all of it was stored. One without name and content is what a browser
 * sends for a file that was not chosen: it is forgotten. */
ngx_int_t ngx_http_dff_upload_files_close(ngx_http_dff_upload_files_t *files);

#endif
