/*
 * The published copy in Redis (scripts, routes) after Redis has lost its data, or a part:
 * it is made anew from MySQL, without a restart of anything.
 *
 * `dff:restored` names the life of Redis (its run_id) whose copy is known to be whole. When
 * it is missing, or names an earlier life (a restart or a failover may have lost the last
 * second), one api process of the cluster takes a lock and starts a child that runs
 * dff_sync_all. A child, since that may take minutes with a million links, and an api
 * process must go on answering. While MySQL is away it is tried again every few seconds;
 * publishers may publish meanwhile. Runs in the api processes.
 */
#ifndef DFF_RESTORE_H
#define DFF_RESTORE_H

#include "api/dff_api.h"

#define DFF_RESTORE_EVERY_MS  500

typedef struct dff_restore_s dff_restore_t;

dff_restore_t *dff_restore_new(dff_api_t *api);
/* Ends the child; another process begins anew when the lock has expired. */
void dff_restore_free(dff_restore_t *restore);

/* A row of dff_api_tasks. */
void dff_restore_tick(dff_api_t *api);

#endif
