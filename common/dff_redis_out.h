/*
 * What a connection of hiredis writes, without hiredis: that frees its output buffer after
 * each write, to grow a new one step by step, and moves the rest of a large one down after
 * each part that the socket has taken. Here the buffer stays, and the bytes in it. Used on
 * the event loops of the nginx workers, the master and the api processes.
 */
#ifndef DFF_REDIS_OUT_H
#define DFF_REDIS_OUT_H

#include <stddef.h>

#include <hiredis/hiredis.h>

#define DFF_REDIS_KEEP_SIZE  (1u << 20)    /* bytes; a larger buffer is given back when empty */

typedef enum {
    DFF_REDIS_OUT_EMPTY,      /* all of it is written */
    DFF_REDIS_OUT_MORE,       /* the socket is full */
    DFF_REDIS_OUT_BROKEN      /* errno says why: the connection is to be given up */
} dff_redis_out_t;

/* c is connected, and hiredis is not asked to write as long as it is. *sent: 0 for a new
 * connection, then ours: how much of the buffer is written. */
dff_redis_out_t dff_redis_out_write(redisContext *c, size_t *sent);

#endif
