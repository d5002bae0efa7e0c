/*
 * The head of one part of a multipart/form-data body: its header lines, read in place.
 * Internal to dff_multipart.c and its tests.
 */
#ifndef DFF_MULTIPART_HEAD_H
#define DFF_MULTIPART_HEAD_H

#include "dff_multipart.h"

/* head: lines that each end in CR LF, without the empty one; it is written to, and *part
 * points into it. NULL: *part is filled; else what is wrong (constant text). */
const char *dff_multipart_head_read(char *head, size_t len, dff_multipart_part_t *part);

/* A parameter of a header such as `form-data; name="a"`. */
typedef struct {
    const char *name;      /* wanted */
    dff_str_t   value;     /* decoded, in place */
    bool        found, quoted;
} dff_multipart_param_t;

/* Looks for count parameters at once. DFF_ERROR: value is malformed, or has one twice. */
int dff_multipart_params(char *value, size_t len, dff_multipart_param_t *params, size_t count);

#endif
