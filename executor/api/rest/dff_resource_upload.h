/*
 * Uploads to the resource folder: a form with one file, which is written as it comes beside
 * the place where it belongs, and moved there when it is complete. Runs in the api processes.
 */
#ifndef DFF_RESOURCE_UPLOAD_H
#define DFF_RESOURCE_UPLOAD_H

#include "api/http/dff_web.h"

extern const dff_web_sink_t dff_resource_upload_sink;

/* The handler: the body is complete. */
int dff_resource_upload(dff_web_call_t *call, dff_err_t *err);

#endif
