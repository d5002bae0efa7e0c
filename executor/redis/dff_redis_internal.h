/*
 * What the files of dff_redis_link.h share: the server (dff_redis_server.c), where it is
 * (dff_redis_address.c), a connection (dff_redis_link.c), its greeting (dff_redis_greeting.c), what
 * it makes of replies (dff_redis_queued.c), when it is of yesterday (dff_redis_moved.c), and
 * whether anything moves on it (dff_redis_progress.c). Nobody else includes it.
 */
#ifndef DFF_REDIS_INTERNAL_H
#define DFF_REDIS_INTERNAL_H

#include <stdint.h>
#include <sys/queue.h>

#include "dff_buf.h"
#include "dff_redis_out.h"

#include "redis/dff_redis_link.h"

#define DFF_LINK_BACKOFF_MIN_MS  50
#define DFF_LINK_STEADY_MS     1000      /* READY until an outage counts as over: one that comes
                                            and goes (a refused SUBSCRIBE) is not asked more and
                                            more often, and is told once */

typedef enum {
    DFF_LINK_DOWN,         /* waits for the backoff */
    DFF_LINK_CONNECTING,
    DFF_LINK_GREETING,     /* connected; AUTH, SELECT, INFO on their way */
    DFF_LINK_READY
} dff_link_state_t;

TAILQ_HEAD(dff_redis_links_s, dff_redis_link_s);

struct dff_redis_s {
    struct event_base       *base;
    dff_log_t               *log;
    dff_redis_refused_fn     refused;
    void                    *ctx;

    char                    *address;      /* socket path, or numeric host */
    int                      port;         /* 0: address is a socket path */
    char                    *host;         /* the name that it was resolved from; NULL: none */
    struct evdns_base       *dns;          /* while the name is looked up again */
    struct evdns_getaddrinfo_request *asked;    /* until its callback */
    struct event            *looked_up;
    int64_t                  look_up_ms;   /* monotonic: not before */
    char                     label[160];   /* for logs: path, or host:port */
    int                      database;
    char                    *user, *password;
    bool                     plain_auth;   /* the server knows no users */

    struct dff_redis_links_s links;
    struct dff_redis_links_s dirty;        /* have something to write */
    dff_buf_t                text;         /* a command while it is formatted */
    bool                     up;           /* as last logged */
    char                     refusal[128]; /* of this outage, as last logged */
    bool                     ended;
    int64_t                  down_at_ms, back_at_ms;    /* monotonic */
    struct event            *steady;       /* until it is up again */
};

struct dff_redis_link_s {
    TAILQ_ENTRY(dff_redis_link_s) all, dirty;
    dff_redis_t           *redis;
    dff_redis_link_conf_t  conf;
    char                   name[48];
    redisAsyncContext     *ac;             /* NULL when DOWN */
    dff_redis_out_t        out;
    size_t                 seen;           /* bytes of an unfinished reply when last asked */
    dff_link_state_t       state;
    struct event          *read_event, *write_event;   /* of ac's socket */
    struct event          *timer;          /* backoff, or the greeting's deadline */
    int                    backoff_ms;
    int64_t                ready_ms;       /* monotonic: READY since */
    long long              client_id;
    char                   run_id[DFF_REDIS_RUN_ID_SIZE];
    bool                   evicts;         /* the server, as it was when READY */
    bool                   is_dirty, reading, writing, flushing;
    bool                   again;          /* this attempt has learned how to greet */
    bool                   moved;          /* to be left: dff_redis_moved.c */
    redisReplyObjectFunctions objects;     /* hiredis's, but for what dff_redis_queued.c does */
    void                *(*create_string)(const redisReadTask *, char *, size_t);
    dff_err_t              err;            /* of this attempt */
};

/* DFF_ERROR: err. May block. */
int dff_redis_resolve(dff_redis_t *redis, const char *host, int port, dff_err_t *err);
void dff_redis_address_release(dff_redis_t *redis);
void dff_redis_set_label(dff_redis_t *redis);
/* Of a new connection. */
void dff_redis_share_queued(dff_redis_link_t *link);
/* Sends AUTH, SELECT and INFO; ends in READY or in the end of the connection. */
void dff_redis_greet(dff_redis_link_t *link);
/* The text of an error that came; a link that has become READY. */
void dff_redis_moved_error(dff_redis_link_t *link, const char *text, size_t len);
void dff_redis_moved_ready(dff_redis_link_t *link);
/* After bytes have come: what dff_redis_link_progresses() compares with may be of the past. */
void dff_redis_heard(dff_redis_link_t *link);
/* A link has become READY: the log is told when that was the last one missing. */
void dff_redis_log_up(dff_redis_t *redis);

#endif
