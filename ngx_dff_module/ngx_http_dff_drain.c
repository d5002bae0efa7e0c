/* The last words of a worker: see the header. */
#include "ngx_http_dff_drain.h"
#include "ngx_http_dff_redis_events.h"

#include <poll.h>

#include "dff_sds.h"
#include "dff_time.h"


void
ngx_http_dff_drain(ngx_http_dff_redis_t *link, ngx_msec_t limit)
{
    int            unsent;
    int64_t        end_ms, left_ms;
    struct pollfd  fd;

    end_ms = dff_time_monotonic_ms() + (int64_t) limit;

    while (link->state == NGX_HTTP_DFF_REDIS_UP && link->context->replies.head != NULL) {

        left_ms = end_ms - dff_time_monotonic_ms();
        unsent = dff_sds_len(link->context->c.obuf) != 0;

        fd.fd = link->context->c.fd;
        fd.events = unsent ? POLLIN|POLLOUT : POLLIN;
        fd.revents = 0;

        if (left_ms <= 0 || poll(&fd, 1, (int) left_ms) <= 0) {
            return;
        }

        /* each may end the connection, and the context with it */
        if (fd.revents & POLLOUT) {
            ngx_http_dff_redis_write(link);
        } else {
            redisAsyncHandleRead(link->context);
        }
    }
}
