/*
 * The context of an nginx worker process: its Redis links and what waits on them.
 * Made in init_process, after the fork; closed in exit_process.
 */
#ifndef NGX_HTTP_DFF_WORKER_H
#define NGX_HTTP_DFF_WORKER_H

#include "ngx_http_dff_module.h"

/* NULL: no memory or no randomness (logged). Lives as long as the cycle. */
ngx_http_dff_worker_t *ngx_http_dff_worker_new(ngx_cycle_t *cycle,
    ngx_http_dff_main_conf_t *mcf);

void ngx_http_dff_worker_close(ngx_http_dff_worker_t *worker);

/* One line in the log file of the platform, if its level lets it. */
void ngx_http_dff_worker_log(ngx_http_dff_worker_t *worker, dff_log_level_t level,
    ngx_str_t *trace_id, const char *fmt, ...);

#endif
