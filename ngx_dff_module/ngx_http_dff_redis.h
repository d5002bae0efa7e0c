/*
 * A Redis connection on nginx's event loop, through hiredis.
 *
 * One link is one connection that comes back by itself: it reconnects with
 * backoff, sends AUTH and SELECT, and tells its owner when it is up or down.
 * Nothing here blocks. Commands issued in one turn of the event loop leave in
 * one write.
 *
 * Runs in nginx worker processes. A link belongs to the worker's context and is
 * opened after the fork.
 *
 * A Redis that is there and refuses writes (LOADING, READONLY, OOM, …) counts as down:
 * logging in ends with a write that changes nothing, and such an answer later ends the
 * connection. Outages are logged once each, and so is their end, when it has lasted.
 *
 * Every command that was accepted (NGX_OK) gets its callback exactly once, with
 * a NULL reply when the connection went before the answer came: then it is
 * unknown whether Redis has carried it out. Callbacks get the private data that
 * was given, which therefore must outlive any request (see
 * ngx_http_dff_call.h); replies are valid during the callback only.
 */
#ifndef NGX_HTTP_DFF_REDIS_H
#define NGX_HTTP_DFF_REDIS_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <hiredis/hiredis.h>
#include <hiredis/async.h>

#include "dff_redis_out.h"

typedef struct {
    ngx_str_t   socket;        /* NUL-terminated path; wins when not empty */
    ngx_str_t   address;       /* numeric address, NUL-terminated */
    in_port_t   port;
    ngx_int_t   database;
    ngx_str_t   user;
    ngx_str_t   password;
} ngx_http_dff_redis_peer_t;

typedef enum {
    NGX_HTTP_DFF_REDIS_DOWN,         /* no connection; the reconnect timer runs */
    NGX_HTTP_DFF_REDIS_CONNECTING,   /* connect() or AUTH/SELECT not answered yet */
    NGX_HTTP_DFF_REDIS_UP,
    NGX_HTTP_DFF_REDIS_LEAVING,      /* unfit: takes nothing more, what is due may still come */
    NGX_HTTP_DFF_REDIS_CLOSED        /* the worker is leaving; final */
} ngx_http_dff_redis_state_e;

typedef struct ngx_http_dff_redis_s  ngx_http_dff_redis_t;

/* For metrics: memory that other processes read. */
typedef struct {
    uint64_t    up;            /* 1 or 0 */
    uint64_t    reconnects;
} ngx_http_dff_redis_stats_t;

struct ngx_http_dff_redis_s {
    /* set by the owner before ngx_http_dff_redis_open() */
    const char                       *name;      /* for the log: "commands" */
    const ngx_http_dff_redis_peer_t  *peer;
    ngx_msec_t                        silence;   /* ms without progress while a reply
                                                    is due: the peer is dead (a large
                                                    command is given more time) */
    ngx_http_dff_redis_stats_t       *stats;
    ngx_uint_t                        awaited;   /* requests wait for its answers: a worker
                                                    that leaves waits for them too */
    void                            (*up)(ngx_http_dff_redis_t *link);
    void                            (*down)(ngx_http_dff_redis_t *link);   /* may be NULL */
    void                             *owner;

    /* private */
    ngx_log_t                        *log;
    ngx_http_dff_redis_state_e        state;
    redisAsyncContext                *context;
    ngx_connection_t                 *connection;
    ngx_event_t                       flush;     /* posted: write what was queued */
    ngx_event_t                       reconnect; /* timer */
    ngx_event_t                       watch;     /* timer while a reply is due */
    ngx_event_t                       steady;    /* timer: up for long enough to say so */
    ngx_msec_t                        progress;  /* ngx_current_msec of the last one, or of
                                                    the command that made a reply due */
    size_t                            buffered;  /* bytes of an unfinished reply then */
    dff_redis_out_t                   out;
    ngx_uint_t                        asked;     /* commands of this connection */
    ngx_uint_t                        answers;   /* begun or complete, of this connection */
    ngx_uint_t                        large;     /* `asked` with the last large command */
    size_t                            heavy;     /* bytes of the largest command since no
                                                    large one was due */
    redisReplyObjectFunctions         guard;     /* ngx_http_dff_redis_guard.h */
    redisReplyObjectFunctions        *objects;
    ngx_msec_t                        backoff;
    ngx_uint_t                        failures;  /* since it was last steady */
    ngx_uint_t                        told;      /* lines in the log about these */
    uint32_t                          told_why;  /* the last one: hash of the reason */
    ngx_uint_t                        ups;
    unsigned                          writing:1;
    unsigned                          blamed:1;  /* reason is of this connection */
    unsigned                          refused:1; /* and is what the peer said */
    char                              reason[192];   /* why it is down */
};

void ngx_http_dff_redis_open(ngx_http_dff_redis_t *link, ngx_log_t *log);
void ngx_http_dff_redis_close(ngx_http_dff_redis_t *link);

/*
 * A link that connects for the first time takes commands too: they leave once it is up, or
 * fail with it (within the connect timeout). After a failure it has to be up: better a
 * refusal now than a command of which nobody knows whether it was carried out.
 */
static ngx_inline ngx_uint_t
ngx_http_dff_redis_usable(const ngx_http_dff_redis_t *link)
{
    return link->state == NGX_HTTP_DFF_REDIS_UP
           || (link->state == NGX_HTTP_DFF_REDIS_CONNECTING && link->failures == 0);
}

/* The answer to a large command is due, which may take longer than anybody waits for Redis
 * else: until it is there, and until Redis has copied it, and written it to its file. */
static ngx_inline ngx_uint_t
ngx_http_dff_redis_large_due(const ngx_http_dff_redis_t *link)
{
    return (ngx_int_t) (link->large - link->answers) > 0;
}

static ngx_inline ngx_uint_t
ngx_http_dff_redis_busy(const ngx_http_dff_redis_t *link)
{
    return link->state == NGX_HTTP_DFF_REDIS_UP && ngx_http_dff_redis_large_due(link);
}

/* In the handler of a timer, when no answer has come in time: waits as long again if that to
 * a large command is due, behind which the question may be. */
static ngx_inline ngx_uint_t
ngx_http_dff_redis_wait_on(const ngx_http_dff_redis_t *link, ngx_event_t *ev, ngx_msec_t after)
{
    if (!ngx_http_dff_redis_busy(link)) {
        return 0;
    }

    ngx_add_timer(ev, after);
    return 1;
}

/* For the log, of an error that a command got: one of the whole server is told once, when
 * the link goes down by it. */
static ngx_inline ngx_uint_t
ngx_http_dff_redis_error_level(const ngx_http_dff_redis_t *link)
{
    return ngx_http_dff_redis_usable(link) ? NGX_LOG_ERR : NGX_LOG_INFO;
}

/* NGX_ERROR: not accepted, the callback will not run. The arguments are copied. */
ngx_int_t ngx_http_dff_redis_command(ngx_http_dff_redis_t *link, redisCallbackFn *callback,
    void *data, int argc, const ngx_str_t *argv);

/* The same for a command already in wire format. */
ngx_int_t ngx_http_dff_redis_formatted(ngx_http_dff_redis_t *link, redisCallbackFn *callback,
    void *data, const char *command, size_t len);

/* The same for a command that belongs to those which were taken in this turn: it leaves with
 * them although the peer was found unfit meanwhile. NGX_ERROR: they have gone, unsent. */
ngx_int_t ngx_http_dff_redis_behind(ngx_http_dff_redis_t *link, redisCallbackFn *callback,
    void *data, int argc, const ngx_str_t *argv);

/* Posts an event, whose handler may add commands to what this turn writes. */
void ngx_http_dff_redis_before_flush(ngx_http_dff_redis_t *link, ngx_event_t *ev);

/* The peer cannot be used, as text says: no more commands; the connection ends when the
 * replies that are due have come, or shortly. From callbacks too. */
void ngx_http_dff_redis_leave(ngx_http_dff_redis_t *link, const char *text, size_t len);

/* Why this connection is about to end; the first reason stays. */
void ngx_http_dff_redis_blame(ngx_http_dff_redis_t *link, const char *text);

#endif
