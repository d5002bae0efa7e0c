/* The output of a hiredis connection: see the header. */
#include "dff_redis_out.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <linux/sockios.h>

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

dff_redis_out_state_t
dff_redis_out_write(redisContext *c, dff_redis_out_t *out)
{
    size_t  len = dff_sds_len(c->obuf);
    ssize_t n = 0;
    char   *small;

    if (out->sent < len)
        n = send(c->fd, c->obuf + out->sent, len - out->sent, MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN && errno != EINTR)
        return DFF_REDIS_OUT_BROKEN;
    if (n > 0) {
        out->sent += (size_t) n;
        out->written += n;
    }

    if (out->sent < len) {
        /* A buffer that never gets empty must not grow for ever: each byte is moved once
         * for one that was sent, at most. */
        if (out->sent > len / 2) {
            dff_redis_out_drop(c, out->sent);
            out->sent = 0;
        }
        return DFF_REDIS_OUT_MORE;
    }

    out->sent = 0;
    if (dff_sds_alloc(c->obuf) > DFF_REDIS_KEEP_SIZE && (small = dff_sds_empty()) != NULL) {
        dff_sds_free(c->obuf);
        c->obuf = small;
    }
    dff_redis_out_drop(c, dff_sds_len(c->obuf));
    return DFF_REDIS_OUT_EMPTY;
}

size_t
dff_redis_out_waiting(const redisContext *c, const dff_redis_out_t *out)
{
    return dff_sds_len(c->obuf) - out->sent;
}

/* Of the bytes written, those that the other side's system has. A unix socket counts what its
 * buffers take, which is more: then these are too few until all is read. */
static int64_t
dff_redis_out_taken(const redisContext *c, const dff_redis_out_t *out)
{
    int left = 0;

    (void) ioctl(c->fd, SIOCOUTQ, &left);     /* fails: counted when written */
    return out->written - left;
}

void
dff_redis_out_queued(const redisContext *c, dff_redis_out_t *out, size_t len)
{
    int64_t taken;

    /* Until the connection stands, hiredis writes: that is not counted. */
    if (len < DFF_REDIS_LARGE || (c->flags & REDIS_CONNECTED) == 0)
        return;
    taken = dff_redis_out_taken(c, out);
    if (taken >= out->large)
        out->taken = taken;     /* else there is one under way, which goes on being watched */
    out->large = out->written + (int64_t) dff_redis_out_waiting(c, out);
}

bool
dff_redis_out_moves(const redisContext *c, dff_redis_out_t *out)
{
    int64_t before = out->taken;

    if (out->large == 0)
        return false;
    out->taken = dff_redis_out_taken(c, out);
    return out->taken > before && before < out->large;
}
