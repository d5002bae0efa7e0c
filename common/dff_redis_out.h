/*
 * What a connection of hiredis writes, without hiredis: that frees its output buffer after
 * each write, to grow a new one step by step, and moves the rest of a large one down after
 * each part that the socket has taken. Here the buffer stays, and the bytes in it. Used on
 * the event loops of the nginx workers, the master and the api processes.
 *
 * And what a watchdog needs that gives connections up when no answer comes: whether a large
 * command is still on its way to the server, which takes long on a narrow network.
 */
#ifndef DFF_REDIS_OUT_H
#define DFF_REDIS_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hiredis/hiredis.h>

#define DFF_REDIS_KEEP_SIZE  (1u << 20)    /* bytes; a larger buffer is given back when empty */

#define DFF_REDIS_LARGE      (256u << 10)  /* bytes; smaller commands are there at once */

/* Of one connection; all 0 for a new one. */
typedef struct {
    size_t  sent;         /* bytes of the output buffer that are written */
    int64_t written;      /* bytes that the socket has taken in all */
    int64_t large;        /* as many when the last large command is behind them */
    int64_t taken;        /* as many that the server had acknowledged when last asked */
} dff_redis_out_t;

typedef enum {
    DFF_REDIS_OUT_EMPTY,      /* all of it is written */
    DFF_REDIS_OUT_MORE,       /* the socket is full */
    DFF_REDIS_OUT_BROKEN      /* errno says why: the connection is to be given up */
} dff_redis_out_state_t;

/* c is connected, and hiredis is not asked to write as long as it is. */
dff_redis_out_state_t dff_redis_out_write(redisContext *c, dff_redis_out_t *out);

/* Bytes of the buffer that wait for the socket. */
size_t dff_redis_out_waiting(const redisContext *c, const dff_redis_out_t *out);

/* After a command of len bytes was put into the buffer. */
void dff_redis_out_queued(const redisContext *c, dff_redis_out_t *out, size_t len);

/* A large command was on its way to the server, and that (for its system: Redis may not have
 * read it) has taken something since this was asked before, or since the command was queued.
 * Small commands do not count: the system of a Redis that hangs goes on taking them for long. */
bool dff_redis_out_moves(const redisContext *c, dff_redis_out_t *out);

#endif
