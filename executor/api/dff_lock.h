/*
 * A lock in Redis that one of the cluster's api processes has: a key whose value is the id of
 * its owner and which expires, so that a process that is gone has it no longer. It is taken by
 * SET … NX EX, and what it is for is looked at behind that: who had it before may have done it.
 * Runs in the api processes.
 */
#ifndef DFF_LOCK_H
#define DFF_LOCK_H

#include "api/dff_api.h"

/* The lock lasts so many seconds from now ("0": it ends), if it is still me's: of one that was
 * cut off it may be another's by now. */
void dff_lock_hold(dff_api_t *api, const char *key, const char *me, const char *seconds);

#endif
