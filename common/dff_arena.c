/* Memory of one request: see the header. */
#include "dff_arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>

#include "dff_banned.h"

#define DFF_ARENA_BLOCK  8192       /* bytes; larger pieces get a block of their own */

struct dff_arena_block_s {
    dff_arena_block_t *next;
    size_t             size, used;
    max_align_t        bytes[];
};


void *
dff_arena_alloc(dff_arena_t *arena, size_t size)
{
    dff_arena_block_t *block = arena->blocks;
    size_t             room;
    char              *piece;

    if (size > SIZE_MAX / 2) {
        return NULL;
    }
    size = (size + alignof(max_align_t) - 1) / alignof(max_align_t) * alignof(max_align_t);
    if (block == NULL || block->size - block->used < size) {
        room = size > DFF_ARENA_BLOCK ? size : DFF_ARENA_BLOCK;
        block = malloc(sizeof(*block) + room);
        if (block == NULL) {
            return NULL;
        }
        *block = (dff_arena_block_t) { .next = arena->blocks, .size = room };
        arena->blocks = block;
    }
    piece = (char *) block->bytes + block->used;
    block->used += size;
    return piece;
}


char *
dff_arena_copy(dff_arena_t *arena, dff_str_t text)
{
    char *copy = dff_arena_alloc(arena, text.len + 1);

    if (copy != NULL) {
        if (text.len > 0) {
            memcpy(copy, text.data, text.len);
        }
        copy[text.len] = '\0';
    }
    return copy;
}


void
dff_arena_release(dff_arena_t *arena)
{
    dff_arena_block_t *block = arena->blocks, *next;

    for ( ; block != NULL; block = next) {
        next = block->next;
        free(block);
    }
    arena->blocks = NULL;
}
