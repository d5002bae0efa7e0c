/*
 * Every metric of /metrics, as a table, and its text in Prometheus's format 0.0.4
 * (docs/metrics.md). Runs in nginx workers.
 */
#ifndef NGX_HTTP_DFF_METRICS_H
#define NGX_HTTP_DFF_METRICS_H

#include "ngx_http_dff_scrape.h"

/* Adds all metrics that have samples to scrape->out. */
void ngx_http_dff_metrics_text(ngx_http_dff_scrape_t *scrape);

#endif
