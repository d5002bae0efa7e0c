/*
 * Hears of changes to links and functions (channel dff:changed), so that the route
 * cache is right within milliseconds. Runs in nginx workers.
 */
#ifndef NGX_HTTP_DFF_CHANGES_H
#define NGX_HTTP_DFF_CHANGES_H

#include "ngx_http_dff_module.h"

void ngx_http_dff_changes_open(ngx_http_dff_worker_t *worker, ngx_cycle_t *cycle);

#endif
