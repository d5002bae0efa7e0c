/*
 * A Redis connection's events: hiredis asks for them through its ev hooks, nginx delivers
 * them. Runs in nginx workers.
 *
 * Reads and real write events are level-triggered, since hiredis reads 16 KiB at a time. A
 * wish to write on a connected link becomes a posted event: everything queued in this turn
 * of the loop leaves in one write().
 *
 * The ev cleanup hook is the one place where a connection ends: hiredis calls it on every
 * way out (refused, broken, closed by us), after it has run all pending callbacks with a
 * NULL reply.
 */
#ifndef NGX_HTTP_DFF_REDIS_EVENTS_H
#define NGX_HTTP_DFF_REDIS_EVENTS_H

#include "ngx_http_dff_redis.h"

#define NGX_HTTP_DFF_REDIS_CONNECT_TIMEOUT  1000    /* ms, log-in included */

/* Ties link->context to link->connection. */
void ngx_http_dff_redis_attach(ngx_http_dff_redis_t *link);

/* Writes what was queued, as far as the socket takes it. May end the connection. */
void ngx_http_dff_redis_write(ngx_http_dff_redis_t *link);

/* Of link->watch: a reply is due, or the log-in, and nothing has moved for too long: the peer is
 * as good as gone. */
void ngx_http_dff_redis_watch_handler(ngx_event_t *ev);

/* In ngx_http_dff_redis.c: the connection is gone, by whatever way. */
void ngx_http_dff_redis_ended(ngx_http_dff_redis_t *link);

#endif
