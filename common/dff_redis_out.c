/* The output of a hiredis connection: see the header. */
#include "dff_redis_out.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "dff_sds.h"

#include "dff_banned.h"

static void
dff_redis_out_drop(redisContext *c, size_t count)
{
    size_t rest = dff_sds_len(c->obuf) - count;

    memmove(c->obuf, c->obuf + count, rest);
    c->obuf[rest] = '\0';
    dff_sds_set_len(c->obuf, rest);
}

dff_redis_out_t
dff_redis_out_write(redisContext *c, size_t *sent)
{
    size_t  len = dff_sds_len(c->obuf);
    ssize_t n = 0;
    char   *small;

    if (*sent < len)
        n = send(c->fd, c->obuf + *sent, len - *sent, MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN && errno != EINTR)
        return DFF_REDIS_OUT_BROKEN;
    if (n > 0)
        *sent += (size_t) n;

    if (*sent < len) {
        /* A buffer that never gets empty must not grow for ever: each byte is moved once
         * for one that was sent, at most. */
        if (*sent > len / 2) {
            dff_redis_out_drop(c, *sent);
            *sent = 0;
        }
        return DFF_REDIS_OUT_MORE;
    }

    *sent = 0;
    if (dff_sds_alloc(c->obuf) > DFF_REDIS_KEEP_SIZE && (small = dff_sds_empty()) != NULL) {
        dff_sds_free(c->obuf);
        c->obuf = small;
    }
    dff_redis_out_drop(c, dff_sds_len(c->obuf));
    return DFF_REDIS_OUT_EMPTY;
}
