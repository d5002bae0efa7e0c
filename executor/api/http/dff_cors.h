/*
 * Which web pages of other origins may call us: WEB_CORS_ORIGIN and WEB_CORS_CREDENTIALS.
 * Nothing here lets anybody in; a cookie is never a sign-in. Runs in the api processes.
 */
#ifndef DFF_CORS_H
#define DFF_CORS_H

#include "dff_buf.h"
#include "dff_config.h"
#include "api/http/dff_web_request.h"

typedef struct dff_cors_s dff_cors_t;

/* NULL: a pattern that is none, or no memory; err says which. cfg must outlive it. */
dff_cors_t *dff_cors_new(const dff_config_t *cfg, dff_err_t *err);
void dff_cors_free(dff_cors_t *cors);

/* Adds the headers for the request's Origin, if it is allowed; for OPTIONS those of a
 * preflight as well. */
void dff_cors_add(dff_buf_t *out, const dff_cors_t *cors, const dff_web_request_t *request);

#endif
