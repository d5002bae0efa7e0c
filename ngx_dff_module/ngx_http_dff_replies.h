/*
 * Takes replies from this worker's own list, reply:<producer>, and hands them to
 * the calls that wait (ngx_http_dff_call.h). Runs in nginx workers.
 */
#ifndef NGX_HTTP_DFF_REPLIES_H
#define NGX_HTTP_DFF_REPLIES_H

#include "ngx_http_dff_module.h"

ngx_int_t ngx_http_dff_replies_open(ngx_http_dff_worker_t *worker, ngx_cycle_t *cycle);

#endif
