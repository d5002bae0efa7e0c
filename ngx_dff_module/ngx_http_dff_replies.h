/*
 * Takes replies from this worker's own channel and list, both reply:<producer>, and
 * hands them to the calls that wait (ngx_http_dff_call.h). Small replies are published,
 * which costs Redis least; what is large, or was ready while nobody listened, is in the
 * list. Runs in nginx workers.
 */
#ifndef NGX_HTTP_DFF_REPLIES_H
#define NGX_HTTP_DFF_REPLIES_H

#include "ngx_http_dff_module.h"

ngx_int_t ngx_http_dff_replies_open(ngx_http_dff_worker_t *worker, ngx_cycle_t *cycle);

/* The link of subscriptions (ngx_http_dff_changes.h) is up. */
void ngx_http_dff_replies_subscribe(ngx_http_dff_worker_t *worker);

#endif
