/*
 * The workers that a zygote has forked and not reaped. Runs in the zygote.
 */
#ifndef DFF_ZYGOTE_CHILDREN_H
#define DFF_ZYGOTE_CHILDREN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

typedef struct {                 /* zeros: none */
    pid_t *pids;
    size_t count, size;
} dff_zygote_children_t;

void dff_zygote_children_release(dff_zygote_children_t *children);
/* DFF_ERROR: no memory. */
int dff_zygote_children_add(dff_zygote_children_t *children, pid_t pid);
void dff_zygote_children_remove(dff_zygote_children_t *children, pid_t pid);
bool dff_zygote_children_has(const dff_zygote_children_t *children, pid_t pid);

/* Kills what scripts have started in sessions of their own: with its worker gone it is a
 * child of the zygote, which nobody else is but workers. */
void dff_zygote_children_end_orphans(const dff_zygote_children_t *children);
/* Kills all: with the master gone nobody limits the workers or hears their results. */
void dff_zygote_children_end(const dff_zygote_children_t *children);

#endif
