/*
 * One sample of a metric, a line of Prometheus's format 0.0.4: `name{label="value",…} number`.
 * Runs in nginx workers; the values of labels are anybody's.
 */
#ifndef NGX_HTTP_DFF_SAMPLE_H
#define NGX_HTTP_DFF_SAMPLE_H

#include "ngx_http_dff_module.h"

#include "dff_buf.h"

typedef struct {
    const char  *name;
    const char  *value;
} ngx_http_dff_label_t;

/* A whole line. */
void ngx_http_dff_sample(dff_buf_t *out, const char *name, const ngx_http_dff_label_t *labels,
    size_t nlabels, uint64_t value);
/* What is in front of the number, for numbers that are no integers. */
void ngx_http_dff_sample_name(dff_buf_t *out, const char *name, const char *suffix,
    const ngx_http_dff_label_t *labels, size_t nlabels);

#endif
