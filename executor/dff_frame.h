/*
 * Frames between the master and a worker, over one stream socket pair for each
 * worker; both ends are the same machine and build, so numbers are native.
 *
 *   dff_frame_head_t, then head.size bytes of payload
 *
 * Order is meaning: a worker reads frames in order, so a SCRIPT sent before a
 * JOB is known when the job starts. A worker answers each JOB with exactly one
 * RESULT; the death of the socket is the outcome of a job that has none. While
 * a job runs the worker may send NEED_SCRIPT, and reads until the SCRIPT or
 * NO_SCRIPT with that id arrives (no other frame can come then: the master
 * sends the next JOB only after the RESULT).
 *
 * Payload fields are written with dff_frame_put_str: u32 length, then bytes.
 */
#ifndef DFF_FRAME_H
#define DFF_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dff_buf.h"
#include "dff_err.h"

#define DFF_FRAME_VERSION   1
#define DFF_FRAME_MAX_SIZE  (256u << 20)    /* bytes of payload */

typedef enum {
    /* master -> worker */
    DFF_FRAME_SCRIPT = 1,   /* u32 version, str id, str code: (re)places a script */
    DFF_FRAME_NO_SCRIPT,    /* str id: answer to NEED_SCRIPT, nothing published */
    DFF_FRAME_DROP,         /* str id ("" = all): forget, ask again at the next import */
    DFF_FRAME_JOB,          /* the job envelope, bytes as popped from Redis */
    DFF_FRAME_EXIT,         /* finish and _exit(0) */
    /* worker -> master */
    DFF_FRAME_READY,        /* u32 pid: may be given jobs */
    DFF_FRAME_NEED_SCRIPT,  /* str id */
    DFF_FRAME_RESULT,       /* u32 flags, str reply envelope, str log text */
    /* master <-> zygote (its own socket pair) */
    DFF_FRAME_SETTINGS,     /* str JSON: the zygote's first frame, see docs/protocol.md */
    DFF_FRAME_FORK,         /* u32 tag, with two descriptors (SCM_RIGHTS): the worker's end,
                               its black box */
    DFF_FRAME_FORKED,       /* u32 tag, u32 pid (0: fork failed), str error text */
    DFF_FRAME_CHILD_EXIT,   /* u32 pid, u32 wait status, u64 peak RSS in KiB */
    DFF_FRAME_TYPE_COUNT
} dff_frame_type_t;

/* RESULT flags */
#define DFF_RESULT_RECYCLE  1u   /* the worker is polluted: replace it */

typedef struct {
    uint16_t version;
    uint16_t type;          /* dff_frame_type_t */
    uint32_t size;          /* payload bytes */
    uint64_t seq;           /* JOB and its RESULT: the master's number of this run; else 0 */
} dff_frame_head_t;

/* Begins a frame in buf and returns its offset; ends it by writing the size. */
size_t dff_frame_begin(dff_buf_t *buf, dff_frame_type_t type, uint64_t seq);
void dff_frame_end(dff_buf_t *buf, size_t begin);
void dff_frame_put_u32(dff_buf_t *buf, uint32_t value);
void dff_frame_put_u64(dff_buf_t *buf, uint64_t value);
void dff_frame_put_str(dff_buf_t *buf, dff_str_t text);

/* Looks for a whole frame at the start of bytes. 1: *head and *payload (borrowed)
 * are set and the frame is sizeof(head) + head->size long; 0: more bytes needed;
 * DFF_ERROR: not a frame (err). */
int dff_frame_peek(dff_str_t bytes, dff_frame_head_t *head, dff_str_t *payload, dff_err_t *err);

/* Readers take from the front of *payload; DFF_ERROR when it is too short. */
int dff_frame_get_u32(dff_str_t *payload, uint32_t *value);
int dff_frame_get_u64(dff_str_t *payload, uint64_t *value);
int dff_frame_get_str(dff_str_t *payload, dff_str_t *text);

#endif
