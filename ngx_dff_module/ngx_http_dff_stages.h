/*
 * The way of a call through the module, stage by stage. Runs in nginx workers.
 *
 * A stage returns
 *   NGX_OK     go on with the next one,
 *   NGX_AGAIN  it waits; its callback calls ngx_http_dff_stages_resume() later, unless the
 *              request goes first,
 *   NGX_DONE   the request was answered (and may be gone).
 */
#ifndef NGX_HTTP_DFF_STAGES_H
#define NGX_HTTP_DFF_STAGES_H

#include "ngx_http_dff_module.h"

/* Begins at the first stage. */
void ngx_http_dff_stages_run(ngx_http_dff_ctx_t *ctx);

/* Goes on after the stage that waited. */
void ngx_http_dff_stages_resume(ngx_http_dff_ctx_t *ctx);

#endif
