/*
 * Results that Redis has forgotten and MySQL has: nginx does not ask MySQL, so the request
 * goes to a named location (dff_saved_results @name), behind which an api process puts the
 * saved reply into Redis once more and sends the request back (X-Accel-Redirect). It is
 * answered here as ever, whether there was one or not. Runs in nginx workers.
 */
#ifndef NGX_HTTP_DFF_SAVED_H
#define NGX_HTTP_DFF_SAVED_H

#include "ngx_http_dff_module.h"

/* Redis has no result. NGX_DONE: the request is on its way to the location. NGX_DECLINED:
 * there is none, or it has been there. NGX_ERROR: no memory. */
ngx_int_t ngx_http_dff_saved_ask(ngx_http_dff_ctx_t *ctx);

/* The context of a request that comes back, NULL: it is another. */
ngx_http_dff_ctx_t *ngx_http_dff_saved_back(ngx_http_request_t *r);

#endif
