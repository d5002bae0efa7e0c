/*
 * The black box of a worker: memory that it shares with the master, where the end of the
 * running call's log and the Python stack at its soft limit outlive the worker.
 *
 * The master makes it, and reads it when the worker has been killed; its descriptor goes
 * with the FORK, and the worker only writes. It is told in the log; the end of the call's log
 * is in the record of its task, too. What is in it are a stranger's bytes: a script can write
 * into its own process's memory.
 */
#ifndef DFF_BLACK_BOX_H
#define DFF_BLACK_BOX_H

#include <stdint.h>

#include "dff_buf.h"
#include "dff_err.h"

#define DFF_BLACK_BOX_LOG    4096      /* bytes of a log's end */
#define DFF_BLACK_BOX_STACK  8192      /* bytes of a stack's text */

typedef struct {
    uint32_t log_len;                  /* bytes ever written by this call, modulo 2^32 */
    char     log[DFF_BLACK_BOX_LOG];   /* a ring */
    char     stack[DFF_BLACK_BOX_STACK];    /* ends with a NUL */
} dff_black_box_t;

/* A descriptor of a new one, which cannot change its size. */
int dff_black_box_make(int *fd, dff_err_t *err);
/* NULL: it cannot be mapped; everything below does nothing then. */
dff_black_box_t *dff_black_box_map(int fd);
void dff_black_box_unmap(dff_black_box_t *box);

/* A call begins: the master says so when it sends one, since the worker may die before it
 * does; what is here then were another's words. */
void dff_black_box_begin(dff_black_box_t *box);
/* Worker: the log of the call grows. */
void dff_black_box_log(dff_black_box_t *box, dff_str_t text);

/* Master: appends the end of the log. Of one that is more than the box holds it begins with
 * a whole line; where only one line's end is left, with a whole character of UTF-8 in it. */
void dff_black_box_end_of_log(const dff_black_box_t *box, dff_buf_t *out);
/* Master: appends what there is, each part under a heading. */
void dff_black_box_tell(const dff_black_box_t *box, dff_buf_t *out);

#endif
