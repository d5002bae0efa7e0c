/*
 * The first file of a multipart body, and its fields. Runs in the api processes.
 */
#ifndef DFF_UPLOAD_H
#define DFF_UPLOAD_H

#include "api/http/dff_web.h"

typedef struct {
    dff_str_t name;         /* of the first file, without folders; data NULL: there is none */
    dff_buf_t content;
    json_t   *fields;       /* name -> text */
} dff_upload_t;

void dff_upload_release(dff_upload_t *upload);      /* accepts a zeroed one */

/* Reads call's body. DFF_E_CLIENT_BAD_REQUEST: it is none, or has no file. Sets
 * call->file_info. */
int dff_upload_read(dff_web_call_t *call, dff_upload_t *upload, dff_err_t *err);
/* A field's text; data NULL: not there. */
dff_str_t dff_upload_field(const dff_upload_t *upload, const char *name);

#endif
