/*
 * Large results as files: <resource folder>/.downloads, from where nginx sends them. The
 * master's cleaning removes them after an hour (master/dff_clean.h). Runs in a worker; the
 * GIL is dropped while the disk is waited for.
 */
#ifndef DFF_DOWNLOAD_H
#define DFF_DOWNLOAD_H

#include "dff_id.h"
#include "dff_str.h"

#define DFF_DOWNLOAD_FOLDER  ".downloads"

typedef struct {
    char path[sizeof(DFF_DOWNLOAD_FOLDER "/") + DFF_ID_SIZE];   /* below the resource folder */
    char why[128];                                             /* when it failed */
} dff_download_t;

/* -1: download->why; no exception is set, no file is left. */
int dff_download_write(const char *resource_root, dff_str_t bytes, dff_download_t *download);

#endif
