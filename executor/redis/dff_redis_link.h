/*
 * Connections of an event loop to the one Redis of DFF.
 *
 * dff_redis_t is the server: address (resolved at start, and again when it is away), database,
 * credentials, and the links to it. dff_redis_link_t is one connection: it
 * connects, authenticates, selects, looks at the server (version, no cluster,
 * not loading, no replica), and comes back by itself with backoff and jitter when it breaks,
 * or when it is found to lead to a server that was the one before a failover.
 *
 * Commands are only buffered; dff_redis_flush() writes what one turn of the event
 * loop has gathered, with one send() for each link, and arms a write event
 * only for what the socket did not take. (The adapter that comes with hiredis
 * costs several epoll_ctl() a turn.)
 *
 * A command's callback runs exactly once when dff_redis_link_command() returned
 * DFF_OK: with the reply, or with NULL when the connection broke and the
 * outcome is unknown. Runs in the master and
 * the api processes, on their loops.
 */
#ifndef DFF_REDIS_LINK_H
#define DFF_REDIS_LINK_H

#include <stdbool.h>
#include <stddef.h>

#include <event2/event.h>
#include <hiredis/async.h>
#include <hiredis/hiredis.h>

#include "dff_config.h"
#include "dff_err.h"
#include "dff_log.h"
#include "dff_redis_info.h"

typedef struct dff_redis_s dff_redis_t;
typedef struct dff_redis_link_s dff_redis_link_t;

/* A server that can never serve us: cluster mode, too old, wrong password. It
 * is called for each such connection attempt; the link goes on trying. */
typedef void (*dff_redis_refused_fn)(void *ctx, const dff_err_t *err);

/* Resolves the host: may block, so it runs before the loop. NULL: err. */
dff_redis_t *dff_redis_new(struct event_base *base, dff_log_t *log, const dff_config_t *cfg,
    dff_redis_refused_fn refused, void *ctx, dff_err_t *err);
void dff_redis_free(dff_redis_t *redis);         /* its links have been freed */
void dff_redis_flush(dff_redis_t *redis);
/* Looks the host up again, without blocking; all links connect anew when it is another one. */
void dff_redis_look_up(dff_redis_t *redis);
/* No more reconnects, no more log lines about lost links: the process ends. */
void dff_redis_end(dff_redis_t *redis);

typedef struct {
    const char *name;                  /* for logs; copied */
    const char *client;                /* for CLIENT LIST, kept; NULL: dff-executor-<name> */
    void      (*ready)(void *ctx);     /* commands can be sent */
    void      (*lost)(void *ctx);      /* after all callbacks had their NULL; may be NULL */
    void       *ctx;
} dff_redis_link_conf_t;

dff_redis_link_t *dff_redis_link_new(dff_redis_t *redis, const dff_redis_link_conf_t *conf);
/* Callbacks of open commands run with NULL. Not from inside a callback of this link. */
void dff_redis_link_free(dff_redis_link_t *link);

bool dff_redis_link_ready(const dff_redis_link_t *link);
/* READY, but about to be left, as the server is a replica now: its errors are no news. */
bool dff_redis_link_moved(const dff_redis_link_t *link);
/* The server's life (run_id of INFO), "" before READY: client ids begin anew with it. */
const char *dff_redis_link_run_id(const dff_redis_link_t *link);
/* The server may take keys away (dff_redis_info.h), as it was when the link became READY. */
bool dff_redis_link_evicts(const dff_redis_link_t *link);
/* No answer has come, but a long one is coming, or a large command is on its way: some of it
 * has moved since this was asked before. For watchdogs, each of its own connection. */
bool dff_redis_link_progresses(dff_redis_link_t *link);
/* Gives the connection up (a watchdog found it dead) and connects anew. */
void dff_redis_link_drop(dff_redis_link_t *link, const char *why);

/* A connection as the server knows it. One that is gone for us may still block there, and take
 * from lists, one command after the other: it is noted when it is READY, and closed by a
 * connection that lives when it is gone. */
typedef struct {
    long long id;                            /* CLIENT ID; 0: none, or closed, or Redis 4 */
    char      run_id[DFF_REDIS_RUN_ID_SIZE]; /* in that life of the server */
} dff_redis_client_t;

void dff_redis_client_note(dff_redis_client_t *client, const dff_redis_link_t *link);
/* False: there is none in this life of the server. */
bool dff_redis_client_close(dff_redis_client_t *client, dff_redis_link_t *living);

/* DFF_ERROR: not ready (the callback will not run). fn may be NULL. */
int dff_redis_link_command(dff_redis_link_t *link, redisCallbackFn *fn, void *data,
    int argc, const char **argv, const size_t *argvlen);
/* The same for text without spaces or bytes from outside in its words. */
int dff_redis_link_commandf(dff_redis_link_t *link, redisCallbackFn *fn, void *data,
    const char *fmt, ...);

/* What INFO says about the server. DFF_ERROR: err says why it cannot be used.
 * *not_now: why it may be usable later, or NULL: it is usable. */
int dff_redis_check_info(dff_str_t info, char run_id[DFF_REDIS_RUN_ID_SIZE],
    const char **not_now, dff_err_t *err);

#endif
