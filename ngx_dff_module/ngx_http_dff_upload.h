/*
 * Uploads: a multipart/form-data body becomes fields and files as it comes in. Runs in
 * nginx workers.
 *
 * Files go to <RESOURCE_ROOT_PATH>/.uploads under names of our own making, in the group of
 * the Python workers, who may read them. They are removed with the request unless its job
 * was queued (ngx_http_dff_upload_keep); then executor/master/dff_clean.c removes them
 * after _UPLOAD_FILE_EXPIRES.
 */
#ifndef NGX_HTTP_DFF_UPLOAD_H
#define NGX_HTTP_DFF_UPLOAD_H

#include "ngx_http_dff_module.h"

#define NGX_HTTP_DFF_UPLOAD_FOLDER  ".uploads"

/* Is the body one that becomes files, in a format that takes them? */
ngx_uint_t ngx_http_dff_upload_is(ngx_http_dff_ctx_t *ctx);

/* Each: NGX_OK, or NGX_DONE: the request was answered. begin makes ctx->upload, finish
 * makes ctx->body, the fields as the text of a JSON object. */
ngx_int_t ngx_http_dff_upload_begin(ngx_http_dff_ctx_t *ctx);
ngx_int_t ngx_http_dff_upload_take(ngx_http_dff_ctx_t *ctx, u_char *data, size_t len);
ngx_int_t ngx_http_dff_upload_finish(ngx_http_dff_ctx_t *ctx);

/* Of a finished one: the fields (ngx_http_dff_field_t), and the text of a JSON list of
 * {filePath, originalname, encoding, mimetype, size}, empty when there is no file. */
ngx_array_t *ngx_http_dff_upload_fields(ngx_http_dff_ctx_t *ctx);
ngx_str_t ngx_http_dff_upload_files(ngx_http_dff_ctx_t *ctx);

/* Shall the files outlive the request? Nothing happens where there is no upload. */
void ngx_http_dff_upload_keep(ngx_http_dff_ctx_t *ctx, ngx_uint_t keep);

#endif
