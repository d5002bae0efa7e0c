/*
 * The last words of a worker to Redis, when its event loop is over (exit_process): a
 * socket that is closed at once may take with it what the peer has not read yet.
 */
#ifndef NGX_HTTP_DFF_DRAIN_H
#define NGX_HTTP_DFF_DRAIN_H

#include "ngx_http_dff_redis.h"

/* Writes what is queued and takes replies until none is due, for limit ms at most. It
 * blocks, so it is for nothing else. */
void ngx_http_dff_drain(ngx_http_dff_redis_t *link, ngx_msec_t limit);

#endif
