/*
 * Identifiers made here. All randomness is the kernel's (getrandom).
 * Runs in every process; a source belongs to one process (after a fork, make
 * a new one, or two processes would hand out the same ids).
 */
#ifndef DFF_ID_H
#define DFF_ID_H

#include <stdbool.h>
#include <stddef.h>

#include "dff_str.h"

#define DFF_ID_SIZE        64     /* room for any made id and its NUL */
#define DFF_TRACE_ID_SIZE  48
#define DFF_SCRIPT_ID_MAX  64

/* Random bytes fetched ahead, so that an id costs no system call. */
typedef struct {
    unsigned char bytes[1024];
    size_t        left;
} dff_id_source_t;

void dff_id_source_init(dff_id_source_t *source);

/* "<prefix>" + 22 characters of [0-9A-Za-z] (128 random bits and a bit more),
 * NUL-terminated; prefix like "task-", up to 16 characters. Returns the length,
 * or 0 when the kernel has no randomness to give. */
size_t dff_id_make(dff_id_source_t *source, char out[DFF_ID_SIZE], const char *prefix);

/* "TRACE-" + upper-case UUID version 4. */
size_t dff_id_make_trace(dff_id_source_t *source, char out[DFF_TRACE_ID_SIZE]);

/* <set>__<script> (up to DFF_SCRIPT_ID_MAX) and <set>__<script>.<func> (up to
 * DFF_FUNC_ID_MAX); parts are [A-Za-z_][A-Za-z0-9_]*, the first "__" ends the set. */
bool dff_id_is_script(dff_str_t id);
bool dff_id_is_func(dff_str_t id);
/* [A-Za-z_][A-Za-z0-9_]*, up to 64: a set, a data source, an environment variable. */
bool dff_id_is_identifier(dff_str_t id);
/* Ids of functions with a comma between two. */
bool dff_id_is_chain(dff_str_t ids);
/* [0-9A-Za-z._-]{1,64}: a link id, which is also a URL segment. */
bool dff_id_is_link(dff_str_t id);
/* Visible ASCII that needs no JSON escape, 1 to DFF_TRACE_ID_MAX. */
bool dff_id_is_trace(dff_str_t id);

/* The script part of a function id (before the dot). */
dff_str_t dff_id_func_script(dff_str_t func_id);
/* The set part of a script id (before the first "__"); empty when there is none. */
dff_str_t dff_id_script_set(dff_str_t script_id);

#endif
