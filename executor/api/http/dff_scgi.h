/*
 * The head of an SCGI request: a netstring of names and values, each ended by a NUL,
 *
 *   70:CONTENT_LENGTH\0 27\0 SCGI\0 1\0 REQUEST_METHOD\0 POST\0 …,
 *
 * then CONTENT_LENGTH bytes of body, which are the caller's business. It comes in pieces
 * of any size. Bytes are a stranger's, also from a web server; everything is bounded.
 * Runs in the api processes; pure code.
 */
#ifndef DFF_SCGI_H
#define DFF_SCGI_H

#include <stdbool.h>
#include <stdint.h>

#include "dff_buf.h"
#include "dff_err.h"

#define DFF_SCGI_HEAD_MAX   65536u      /* bytes of the netstring */
#define DFF_SCGI_PAIRS_MAX  512

typedef struct {
    dff_buf_t head;             /* all pairs, once complete */
    uint64_t  body_len;         /* valid once complete */
    bool      body_open;        /* the client has announced no length: chunks */
    size_t    want;             /* bytes of the netstring that are still to come */
    unsigned  digits;
    bool      in_head, complete;
} dff_scgi_t;

void dff_scgi_release(dff_scgi_t *scgi);        /* accepts a zeroed one */

/*
 * Takes what it needs from *bytes, which then begins behind it. 1: the head is complete
 * and checked. 0: more is needed. DFF_ERROR: no SCGI, or too large; err says what.
 */
int dff_scgi_feed(dff_scgi_t *scgi, dff_str_t *bytes, dff_err_t *err);

/* The value of a name, "" when it is not there; NUL-terminated, valid while scgi is. */
dff_str_t dff_scgi_get(const dff_scgi_t *scgi, const char *name);

/* Walks the pairs: *at is 0 at first. False at the end. */
bool dff_scgi_next(const dff_scgi_t *scgi, size_t *at, dff_str_t *name, dff_str_t *value);

#endif
