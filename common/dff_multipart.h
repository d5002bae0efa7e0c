/*
 * An incremental reader of multipart/form-data (RFC 7578, RFC 2046): bytes in, in any
 * pieces, callbacks out.
 *
 * It allocates nothing and keeps at most one part's head, so its memory does not grow with
 * what is sent; a part's content is handed on from the caller's bytes, in runs as long as
 * they are there, never byte by byte. A preamble and an epilogue are passed over. Refused:
 * lines that end in LF alone, folded or broken heads, parts without a name, text behind a
 * boundary, parts that are multipart themselves, and a body without its closing boundary.
 *
 * Runs in every process; used by the nginx module.
 */
#ifndef DFF_MULTIPART_H
#define DFF_MULTIPART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dff_err.h"
#include "dff_str.h"

#define DFF_MULTIPART_BOUNDARY_MAX    70      /* RFC 2046 */
#define DFF_MULTIPART_HEAD_MAX      8192      /* all header lines of a part */

/* A part's head. Valid during begin() only. */
typedef struct {
    dff_str_t name;        /* decoded; may be empty */
    dff_str_t filename;    /* decoded, as sent: may hold folders, or be empty */
    bool      is_file;     /* it has a file name */
    dff_str_t type;        /* Content-Type without parameters; empty: not given */
    dff_str_t encoding;    /* Content-Transfer-Encoding; empty: not given */
} dff_multipart_part_t;

/* Each part: begin, data any number of times, end. A callback that returns anything but
 * DFF_OK stops the reader for good. */
typedef struct {
    int (*begin)(void *ctx, const dff_multipart_part_t *part);
    int (*data)(void *ctx, const char *data, size_t len);
    int (*end)(void *ctx);
} dff_multipart_handlers_t;

typedef struct {
    const char *what;      /* constant text; NULL: a callback has stopped it */
    unsigned    part;      /* from 1; 0: before the first */
    uint64_t    offset;    /* bytes from the start of the body */
} dff_multipart_fail_t;

typedef enum {
    DFF_MULTIPART_PREAMBLE,
    DFF_MULTIPART_BOUNDARY,      /* behind one: what follows decides */
    DFF_MULTIPART_DASH,          /* behind "--boundary-" */
    DFF_MULTIPART_PADDING,       /* blanks up to the end of the line */
    DFF_MULTIPART_LINE_END,      /* CR seen, LF due */
    DFF_MULTIPART_HEAD,
    DFF_MULTIPART_CONTENT,
    DFF_MULTIPART_EPILOGUE,
    DFF_MULTIPART_STOPPED
} dff_multipart_state_t;

typedef struct {
    const dff_multipart_handlers_t *handlers;
    void                 *ctx;
    dff_multipart_state_t state;
    unsigned              parts, max_parts;
    uint64_t              offset;
    size_t                matched;           /* bytes of delimiter */
    size_t                implied;           /* of them: not content, whatever follows */
    size_t                delimiter_len;
    char                  delimiter[4 + DFF_MULTIPART_BOUNDARY_MAX];     /* CR LF "--" boundary */
    size_t                head_len;
    char                  head[DFF_MULTIPART_HEAD_MAX];
    dff_multipart_fail_t  fail;
} dff_multipart_t;

/* The boundary parameter of a Content-Type, written to out. DFF_ERROR: *what says why it
 * cannot be used (constant text). */
int dff_multipart_boundary(dff_str_t content_type, char out[DFF_MULTIPART_BOUNDARY_MAX],
    size_t *len, const char **what);

/* boundary: checked by the function above. handlers must outlive the reader. */
void dff_multipart_init(dff_multipart_t *reader, dff_str_t boundary, unsigned max_parts,
    const dff_multipart_handlers_t *handlers, void *ctx);

/* DFF_ERROR: reader->fail says what and where; all later calls fail, too. */
int dff_multipart_feed(dff_multipart_t *reader, const char *data, size_t len);

/* The body has ended: DFF_ERROR when it is not complete. */
int dff_multipart_finish(dff_multipart_t *reader);

/* "part 2 has no name, at byte 123", NUL-terminated, cut to size. */
void dff_multipart_explain(const dff_multipart_fail_t *fail, char *out, size_t size);

#endif
