/*
 * What the JSON writer (dff_json_out.c) and its failures (dff_json_out_fail.c) share. Nobody
 * else includes it.
 *
 * The containers being written are on an explicit path, which names the part that fails, and
 * finds a circular reference when the depth limit is met: nothing is paid for that by results
 * that are in order.
 */
#ifndef DFF_JSON_OUT_INTERNAL_H
#define DFF_JSON_OUT_INTERNAL_H

#include "dff_json_out.h"

#include "dff_json.h"

#define DFF_JSON_OUT_DEPTH  DFF_JSON_MAX_DEPTH   /* what goes out may come in again */

/* All pointers are borrowed: what encloses them is held further up the stack. */
typedef struct {
    PyObject  *container;
    PyObject  *key;        /* NULL: index counts */
    Py_ssize_t index;
} dff_json_out_step_t;

typedef struct {
    dff_buf_t          *out;
    size_t              limit;
    unsigned            items;
    int                 depth;
    dff_json_out_step_t path[DFF_JSON_OUT_DEPTH];
} dff_json_out_t;

/* Keeps a reference. */
void dff_json_out_fail_init(PyObject *soft_limit_class);

/* Each raises a ValueError and returns -1. "<path of the first depth steps>: <what>". */
int dff_json_out_fail(const dff_json_out_t *w, int depth, const char *what);
/* What the script's own code raised while it was asked for a text: an Exception gets the path
 * before it, everything else (the time limit, no memory) passes. */
int dff_json_out_fail_raised(const dff_json_out_t *w, int depth, const char *doing);
int dff_json_out_too_large(const dff_json_out_t *w);
/* The path is full (last does not go onto it), or the result too large (NULL): is one of the
 * containers inside itself? Names the first place where it is. */
int dff_json_out_fail_deep(const dff_json_out_t *w, PyObject *last);

#endif
