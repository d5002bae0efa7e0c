/*
 * What was changed in MySQL and never told to Redis, because the process that changed it
 * died in between (store/dff_unsynced.h), is told by an api process: each second one of the
 * cluster looks, the one that gets `dff:lock:repair`. Runs in the api processes.
 */
#ifndef DFF_REPAIR_H
#define DFF_REPAIR_H

#include "api/dff_api.h"

#define DFF_REPAIR_EVERY_MS  1000

/* A row of dff_api_tasks. */
void dff_repair_tick(dff_api_t *api);

#endif
