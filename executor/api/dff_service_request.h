/*
 * Requests of the services socket: frames, and the fields of a request against the row
 * of its operation. Pure code; the bytes are a stranger's (a script can write to the
 * socket itself). docs/protocol.md has the protocol.
 *
 *   frame    length of the JSON, 4 bytes, big-endian; the JSON
 *   request  {"op":"store.get","key":"k","scope":"s"}
 *   answer   {"ok":true,"result":…} or {"ok":false,"error":"<class>","message":"…"}
 */
#ifndef DFF_SERVICE_REQUEST_H
#define DFF_SERVICE_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "dff_buf.h"
#include "dff_err.h"

#define DFF_SERVICE_HEAD        4
#define DFF_SERVICE_FRAME_MAX  (32u << 20)    /* bytes of JSON, either way */
#define DFF_SERVICE_ARGS_MAX    8

typedef enum {
    DFF_SERVICE_TEXT,       /* min to max characters */
    DFF_SERVICE_INT,        /* min to max */
    DFF_SERVICE_SECONDS,    /* a number above 0, up to max; becomes ms, rounded up */
    DFF_SERVICE_BOOL,
    DFF_SERVICE_VALUE,      /* any JSON, kept as text */
    DFF_SERVICE_OBJECT,     /* likewise, an object */
    DFF_SERVICE_LIST        /* likewise, an array */
} dff_service_type_t;

#define DFF_SERVICE_OPTIONAL  1u      /* may be left out, or null */

typedef struct {
    const char        *name;
    dff_service_type_t type;
    unsigned           flags;
    int64_t            min, max;
} dff_service_arg_t;

typedef struct {
    bool      given;        /* false: left out, or null where that is the same */
    dff_str_t text;         /* TEXT: unescaped, and a NUL behind it; VALUE…: the JSON */
    int64_t   number;       /* INT, SECONDS (ms), BOOL */
} dff_service_value_t;

typedef struct {
    const char              *name;     /* "store.get" */
    const dff_service_arg_t *args;
    size_t                   nargs;
} dff_service_fields_t;

typedef struct {
    const dff_service_fields_t *fields;         /* of the operation */
    dff_service_value_t         values[DFF_SERVICE_ARGS_MAX];    /* as the row's args */
    bool                        has_op;
    dff_buf_t                   texts;          /* what TEXT values point into */
} dff_service_request_t;

/* 1: *json is the first frame's. 0: not whole yet; *size is what its head says (0: no
 * head yet). DFF_ERROR: it is larger than any may be. */
int dff_service_frame(dff_str_t bytes, dff_str_t *json, size_t *size, dff_err_t *err);

/*
 * Reads a request; find gives the fields of an operation, NULL when there is none. What
 * is unknown, missing, given twice or out of bounds is an error (DFF_E_CLIENT_BAD_REQUEST)
 * that names it. Values point into json and request, which is released in any case.
 */
typedef const dff_service_fields_t *(*dff_service_find_fn)(dff_str_t op);
int dff_service_request_read(dff_service_request_t *request, dff_str_t json,
    dff_service_find_fn find, dff_err_t *err);
void dff_service_request_release(dff_service_request_t *request);

/* An answer's frame: begin, add the result's JSON to out, end. DFF_ERROR: too large (out
 * is as it was before begin). */
size_t dff_service_answer_begin(dff_buf_t *out);
int dff_service_answer_end(dff_buf_t *out, size_t begin, dff_err_t *err);
/* The frame of an error; error: name of an exception class. */
void dff_service_answer_error(dff_buf_t *out, const char *error, const char *message);

#endif
