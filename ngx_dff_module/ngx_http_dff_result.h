/* GET /api/v1/func-result?taskId=…&unfold=…: a result by task id. Runs in nginx workers. */
#ifndef NGX_HTTP_DFF_RESULT_H
#define NGX_HTTP_DFF_RESULT_H

#include "ngx_http_dff_module.h"

void ngx_http_dff_result_start(ngx_http_dff_ctx_t *ctx);

#endif
