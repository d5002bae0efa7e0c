/*
 * Memory of one request or command: taken piece by piece, given back at once at its end.
 * Runs in dffctl and the api processes.
 */
#ifndef DFF_ARENA_H
#define DFF_ARENA_H

#include "dff_str.h"

typedef struct dff_arena_block_s dff_arena_block_t;

typedef struct {
    dff_arena_block_t *blocks;
} dff_arena_t;

/* Aligned for any type, not zeroed. NULL: no memory. */
void *dff_arena_alloc(dff_arena_t *arena, size_t size);
/* A copy with a NUL behind it. NULL: no memory. */
char *dff_arena_copy(dff_arena_t *arena, dff_str_t text);
/* Gives all of it back; accepts a zeroed one. */
void dff_arena_release(dff_arena_t *arena);

#endif
