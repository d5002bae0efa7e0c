/*
 * Is there memory for one more worker? _WORKER_MAX_MEMORY bounds what all workers of the
 * node hold together; without it the machine must have a tenth of its memory available.
 * Reads /proc, so it is asked only before a group grows. Runs in the master.
 */
#ifndef DFF_ELASTIC_MEMORY_H
#define DFF_ELASTIC_MEMORY_H

#include "master/dff_master.h"

/* false: *why says what is missing, for the log (constant text). */
bool dff_elastic_memory_left(const dff_master_t *master, const char **why);

/* MemTotal and MemAvailable of a text like /proc/meminfo, in KiB; DFF_ERROR: not there. */
int dff_elastic_meminfo(const char *text, uint64_t *total_kib, uint64_t *available_kib);

#endif
