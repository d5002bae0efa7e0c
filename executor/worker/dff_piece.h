/*
 * A piece of a file, and the state in which the whole file was while it was read. Runs in a
 * worker; touches no Python.
 *
 * Pieces of one state are of one content, if the piece at offset 0 was read before the others:
 * each change of the file makes another state of it, also one of its owner or of its names, and
 * one that puts size and mtime back. While a piece is read the file may be removed, or replaced.
 * What the times of a file do not tell is not seen: stores into a mapping (mmap), the rest of a
 * write() that was under way at the first piece, changes after the clock was set back.
 */
#ifndef DFF_PIECE_H
#define DFF_PIECE_H

#include <stdint.h>
#include <sys/types.h>

#include "dff_buf.h"

#define DFF_PIECE_STATE_SIZE  128

typedef struct {
    off_t   size;                            /* of the file */
    int64_t mtime_s;                         /* Unix time */
    char    state[DFF_PIECE_STATE_SIZE];     /* letters, digits, ':' and '.' */
} dff_piece_t;

/* Up to size bytes from offset on, fewer only at the end of the file, behind what is in out. The
 * piece at offset 0 takes up to 20 ms when the file has just changed. -1: errno. 1: the file has
 * changed while it was read. */
int dff_piece_read(int fd, int64_t offset, int64_t size, dff_buf_t *out, dff_piece_t *piece);

#endif
