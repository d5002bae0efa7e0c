/*
 * Which script in which version one worker has: a number for each slot of the
 * script cache, and a short list of slots that have changed since (or "all").
 * SCRIPT and DROP frames are made from it, before the next job. Runs in the master.
 */
#ifndef DFF_WORKER_SCRIPTS_H
#define DFF_WORKER_SCRIPTS_H

#include <stdbool.h>
#include <stdint.h>

#include "dff_buf.h"

#define DFF_WORKER_DIRTY_MAX  32

struct dff_published_s;
struct dff_published_slot_s;

typedef struct {
    int32_t  *versions;        /* by slot; 0: has none */
    uint32_t  count;
    uint32_t  dirty[DFF_WORKER_DIRTY_MAX];
    int       ndirty;
    bool      all_dirty;
} dff_worker_scripts_t;

void dff_worker_scripts_release(dff_worker_scripts_t *scripts);
/* The slot's script has changed: the worker must not import what it has. */
void dff_worker_scripts_changed(dff_worker_scripts_t *scripts, uint32_t slot);
void dff_worker_scripts_all_changed(dff_worker_scripts_t *scripts);
/* Adds the frames that bring the worker up to date for a job of slot (NULL: none). */
void dff_worker_scripts_prepare(dff_worker_scripts_t *scripts,
    struct dff_published_s *cache, struct dff_published_slot_s *slot, dff_buf_t *out);
/* Adds a SCRIPT frame, and remembers. */
void dff_worker_scripts_give(dff_worker_scripts_t *scripts, struct dff_published_slot_s *slot,
    dff_buf_t *out);

#endif
