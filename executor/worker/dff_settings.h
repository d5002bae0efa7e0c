/*
 * What the master tells the zygote once, in its first frame (docs/protocol.md,
 * "The zygote's settings"): the part that C needs, and the whole text for our
 * Python side. Read-only after dff_settings_read.
 */
#ifndef DFF_SETTINGS_H
#define DFF_SETTINGS_H

#include <stdint.h>

#include "dff_err.h"

typedef struct {
    char   *text;                /* the JSON as it came, NUL-terminated */
    char   *worker_user;         /* "" when not given */
    char   *python_path;
    char   *resource_root;
    int64_t max_tasks_per_child; /* 0: no limit */
    int64_t max_rss_mb;          /* 0: no limit */
} dff_settings_t;

/* DFF_ERROR: err names the field; *settings is released. */
int dff_settings_read(dff_settings_t *settings, dff_str_t json, dff_err_t *err);
void dff_settings_release(dff_settings_t *settings);

#endif
