/*
 * The sweep finds jobs that Redis holds as ours but this process does not know:
 * a BRPOPLPUSH whose answer was in a connection that broke, an answer that was
 * given up. It looks twice, some seconds apart, and acts on what was unknown both
 * times, because an answer may be on its way at the first look. Runs in the master.
 */
#ifndef DFF_SWEEP_H
#define DFF_SWEEP_H

#include "master/dff_master.h"

typedef struct dff_sweep_s dff_sweep_t;

dff_sweep_t *dff_sweep_new(dff_master_t *master);
void dff_sweep_free(dff_sweep_t *sweep);
/* Every second; it looks by itself once in a while. */
void dff_sweep_tick(dff_sweep_t *sweep);
/* A connection broke: look when Redis is back. */
void dff_sweep_soon(dff_sweep_t *sweep);

#endif
