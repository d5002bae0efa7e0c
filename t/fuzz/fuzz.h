/*
 * What the fuzzers share. A fuzzer calls one parser with any bytes; sanitizers find what
 * it must not do, and FUZZ_MUST what it must: mostly that what was read and written again
 * reads the same.
 */
#ifndef DFF_FUZZ_H
#define DFF_FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dff_err.h"
#include "dff_str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_MUST(condition) \
    do { \
        if (!(condition)) { \
            (void) fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
            abort(); \
        } \
    } while (0)

/* Exactly so many bytes, so that a sanitizer sees one too far. */
static inline char *
fuzz_room(size_t size)
{
    char *room = malloc(size == 0 ? 1 : size);

    FUZZ_MUST(room != NULL);
    return room;
}

static inline dff_str_t
fuzz_text(const uint8_t *data, size_t size)
{
    return (dff_str_t) { (const char *) data, size };
}

#endif
