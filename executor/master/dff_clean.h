/*
 * Cleaning of the resource folder: uploaded files (.uploads), large results
 * (.downloads) and what never became complete (.api) that have had their time.
 *
 * A child process does it once a minute. To remove one file of a gigabyte may take a
 * tenth of a second, to look at a folder on a sick NFS mount for ever, and the master
 * must not wait for either. The child is this executable, started anew (one fork of the
 * master would share its signals and connections); at lowest priority, it ends itself
 * before the next one is due, which goes on where it stopped.
 */
#ifndef DFF_CLEAN_H
#define DFF_CLEAN_H

#include "master/dff_master.h"

#define DFF_CLEAN_DOWNLOADS_S  3600      /* docs: large results are kept for an hour */
#define DFF_CLEAN_TEMPORARY_S  86400     /* what an operation on files that was killed left */

typedef struct dff_clean_s dff_clean_t;

dff_clean_t *dff_clean_new(dff_master_t *master);
void dff_clean_free(dff_clean_t *clean);

/* Every second. */
void dff_clean_tick(dff_clean_t *clean);
/* The configuration has changed: look at the next tick. */
void dff_clean_soon(dff_clean_t *clean);
/* From wait4(); false: it is not ours. */
bool dff_clean_exited(dff_clean_t *clean, pid_t pid, int status);

/* The child: `dff-executor --clean <resource folder>:<seconds of uploads>`. */
int dff_clean_main(const char *words);

#endif
