/*
 * Jobs that are to run later: moves those whose time has come from dff:delayed to their
 * queues. Every master does it; a job is moved by one of them, by one script. Runs in the
 * master.
 */
#ifndef DFF_DELAYED_H
#define DFF_DELAYED_H

#include "master/dff_master.h"

typedef struct dff_delayed_s dff_delayed_t;

dff_delayed_t *dff_delayed_new(dff_master_t *master);
void dff_delayed_free(dff_delayed_t *delayed);

#endif
