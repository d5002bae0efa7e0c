/*
 * What may come from Redis before hiredis acts on it. Runs in nginx workers.
 *
 * hiredis asserts what a well-behaved server never does: an answer that nobody asked for,
 * a message on the channel that is not an array of three, and so ends the process with all
 * its clients. The guard stands in the reader (its functions that make reply objects) and
 * turns such bytes into a broken link. It sees every answer, so it counts them, which is how
 * a link that trickles is told from one that works, and it notices the errors with which a
 * Redis says that it cannot be used at all (LOADING, READONLY, …).
 */
#ifndef NGX_HTTP_DFF_REDIS_GUARD_H
#define NGX_HTTP_DFF_REDIS_GUARD_H

#include "ngx_http_dff_redis.h"

/* After connecting, before the first byte is read. */
void ngx_http_dff_redis_guard(ngx_http_dff_redis_t *link);

#endif
