/*
 * The log text of the running call: what it printed, DFF.LOG, and the traceback
 * of its failure. Bounded; empty costs nothing. Belongs to the worker, is
 * cleared for each call, and is touched with the GIL held.
 */
#ifndef DFF_CALL_LOG_H
#define DFF_CALL_LOG_H

#include <stdbool.h>

#include "dff_black_box.h"
#include "dff_buf.h"

#define DFF_CALL_LOG_MAX    (1u << 20)   /* bytes of what the script writes */
#define DFF_CALL_BLOCK_MAX  (256u << 10) /* bytes of a block, over and above that */

typedef struct {
    dff_black_box_t *box;   /* has the end of text, for when the worker is killed; or NULL */
    dff_buf_t        text;
    size_t           boxed; /* bytes of text that are in the box */
    bool             in_line;   /* the last line has no newline yet */
    bool             cut;   /* the bound was met; the rest is dropped */
} dff_call_log_t;

void dff_call_log_clear(dff_call_log_t *log);
/* Appends as to a stream; a time stamp begins each line. */
void dff_call_log_write(dff_call_log_t *log, dff_str_t text);
/* Appends whole lines: ends the line at hand, adds the text's last newline. */
void dff_call_log_line(dff_call_log_t *log, dff_str_t text);
/* Appends lines of one event (a traceback) with a single time stamp; they have
 * room even when the script has written its share. */
void dff_call_log_block(dff_call_log_t *log, dff_str_t text);
/* Ends the line at hand. */
void dff_call_log_finish(dff_call_log_t *log);

#endif
