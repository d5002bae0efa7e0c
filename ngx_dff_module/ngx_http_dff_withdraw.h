/*
 * The queue limit. A push tells how long the queue has become, so the limit costs
 * nothing until it is passed; a job that came too many is taken back. Runs in nginx
 * workers.
 */
#ifndef NGX_HTTP_DFF_WITHDRAW_H
#define NGX_HTTP_DFF_WITHDRAW_H

#include "ngx_http_dff_call.h"

/* before: jobs that waited when that of the call was pushed. Takes it back and answers
 * 599.50; where a worker was faster, the call goes on as if nothing was. */
void ngx_http_dff_withdraw(ngx_http_dff_call_t *call, ngx_int_t before);

/* 599.50 for a job that is in no queue. length: of the one that it was for. */
void ngx_http_dff_withdraw_tell(ngx_http_dff_call_t *call, ngx_int_t length);

#endif
