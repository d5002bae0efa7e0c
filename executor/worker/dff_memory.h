/*
 * The memory of this process: how much there is of it, and the limit on its
 * growth during a call. Runs in a worker.
 */
#ifndef DFF_MEMORY_H
#define DFF_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/resource.h>

typedef struct {
    size_t address_space_bytes;
    size_t resident_bytes;
} dff_memory_t;

/* False: /proc could not be read. */
bool dff_memory_read(dff_memory_t *memory);

/* From here the address space may grow by so many MB; over it malloc fails and
 * Python raises MemoryError. end puts *previous back. False: errno says why. */
bool dff_memory_limit_begin(int growth_mb, struct rlimit *previous);
bool dff_memory_limit_end(const struct rlimit *previous);

#endif
