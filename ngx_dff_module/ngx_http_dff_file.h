/*
 * Answers that are files of the resource folder: DFF.RESP_FILE and DFF.RESP_LARGE_DATA.
 * Sent by nginx itself, sendfile and ranges included: what is in the file when its bytes are
 * sent, which is a mixture if a script writes over it meanwhile (docs/scripts.md). Runs in
 * nginx workers.
 */
#ifndef NGX_HTTP_DFF_FILE_H
#define NGX_HTTP_DFF_FILE_H

#include "ngx_http_dff_control.h"

/* Sends the answer (ngx_http_dff_answer.h): the file, or 599.30 that says why not; 500 (logged)
 * where the machine has no descriptor or memory for it, or cannot read its disk. */
void ngx_http_dff_file_answer(ngx_http_dff_ctx_t *ctx, ngx_http_dff_control_t *control);

/* It cannot be sent: 599.30, or the function is called if the answer was a cached one. */
void ngx_http_dff_file_missing(ngx_http_dff_ctx_t *ctx, ngx_http_dff_control_t *control,
    const char *why);

#endif
