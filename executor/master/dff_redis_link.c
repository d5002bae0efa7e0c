/*
 * Connections of the master to its one Redis: connecting, the greeting (AUTH,
 * SELECT, INFO), reconnects, and gathered writes. Runs in the master.
 */
#include "dff_redis_link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "dff_time.h"

#include "dff_banned.h"

#define DFF_LINK_GREETING_MS     5000    /* connect, AUTH, SELECT and INFO together */
#define DFF_LINK_BACKOFF_MIN_MS    50
#define DFF_LINK_BACKOFF_MAX_MS  2000
#define DFF_REDIS_MIN_MAJOR         4

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
    char                     label[160];   /* for logs: path, or host:port */
    int                      database;
    char                    *user, *password;
    bool                     plain_auth;   /* the server knows no users */

    struct dff_redis_links_s links;
    struct dff_redis_links_s dirty;        /* have something to write */
    bool                     up;           /* as last logged */
    bool                     ended;
    int64_t                  down_at_ms;   /* monotonic */
};

struct dff_redis_link_s {
    TAILQ_ENTRY(dff_redis_link_s) all, dirty;
    dff_redis_t           *redis;
    dff_redis_link_conf_t  conf;
    char                   name[48];
    redisAsyncContext     *ac;             /* NULL when DOWN */
    dff_link_state_t       state;
    struct event          *read_event, *write_event;   /* of ac's socket */
    struct event          *timer;          /* backoff, or the greeting's deadline */
    int                    backoff_ms;
    long long              client_id;
    char                   run_id[DFF_REDIS_RUN_ID_SIZE];
    bool                   is_dirty, reading, writing, flushing;
    bool                   again;          /* this attempt has learned how to greet */
    dff_err_t              err;            /* of this attempt */
};

static void dff_link_connect(dff_redis_link_t *link);
static void dff_link_greet(dff_redis_link_t *link);
static void dff_link_gone(dff_redis_link_t *link, const char *why);

/* --- hiredis on libevent, writes gathered ------------------------------------ */

static void
dff_link_on_readable(evutil_socket_t fd, short what, void *ctx)
{
    dff_redis_link_t *link = ctx;

    (void) fd;
    (void) what;
    redisAsyncHandleRead(link->ac);
}

static void
dff_link_on_writable(evutil_socket_t fd, short what, void *ctx)
{
    dff_redis_link_t *link = ctx;

    (void) fd;
    (void) what;
    redisAsyncHandleWrite(link->ac);
}

static void
dff_link_add_read(void *ctx)
{
    dff_redis_link_t *link = ctx;

    if (link->reading || event_add(link->read_event, NULL) != 0)
        return;
    link->reading = true;
}

static void
dff_link_del_read(void *ctx)
{
    dff_redis_link_t *link = ctx;

    if (link->reading)
        (void) event_del(link->read_event);
    link->reading = false;
}

static void
dff_link_add_write(void *ctx)
{
    dff_redis_link_t *link = ctx;

    /* Before the connection stands, hiredis needs the event itself: it takes the
     * first call of its write handler as "connected". */
    if (link->flushing || link->state == DFF_LINK_CONNECTING) {
        if (!link->writing && event_add(link->write_event, NULL) == 0)
            link->writing = true;
        return;
    }
    if (link->is_dirty || link->writing)
        return;
    TAILQ_INSERT_TAIL(&link->redis->dirty, link, dirty);
    link->is_dirty = true;
}

static void
dff_link_del_write(void *ctx)
{
    dff_redis_link_t *link = ctx;

    if (link->writing)
        (void) event_del(link->write_event);
    link->writing = false;
}

static void
dff_link_cleanup(void *ctx)
{
    dff_redis_link_t *link = ctx;

    if (link->is_dirty)
        TAILQ_REMOVE(&link->redis->dirty, link, dirty);
    if (link->read_event != NULL)
        event_free(link->read_event);
    if (link->write_event != NULL)
        event_free(link->write_event);
    link->read_event = link->write_event = NULL;
    link->is_dirty = link->reading = link->writing = false;
}

static int
dff_link_attach(dff_redis_link_t *link)
{
    redisAsyncContext *ac = link->ac;

    link->read_event = event_new(link->redis->base, ac->c.fd, EV_READ | EV_PERSIST,
                                 dff_link_on_readable, link);
    link->write_event = event_new(link->redis->base, ac->c.fd, EV_WRITE | EV_PERSIST,
                                  dff_link_on_writable, link);
    if (link->read_event == NULL || link->write_event == NULL) {
        dff_link_cleanup(link);
        return DFF_ERROR;
    }

    ac->ev.data = link;
    ac->ev.addRead = dff_link_add_read;
    ac->ev.delRead = dff_link_del_read;
    ac->ev.addWrite = dff_link_add_write;
    ac->ev.delWrite = dff_link_del_write;
    ac->ev.cleanup = dff_link_cleanup;
    dff_link_add_write(link);
    return DFF_OK;
}

void
dff_redis_flush(dff_redis_t *redis)
{
    dff_redis_link_t *link;

    while ((link = TAILQ_FIRST(&redis->dirty)) != NULL) {
        TAILQ_REMOVE(&redis->dirty, link, dirty);
        link->is_dirty = false;
        link->flushing = true;
        redisAsyncHandleWrite(link->ac);
        link->flushing = false;
    }
}

/* --- one attempt to connect ---------------------------------------------------- */

static void
dff_link_set_timer(dff_redis_link_t *link, int ms)
{
    struct timeval after = { ms / 1000, (ms % 1000) * 1000 };

    (void) evtimer_add(link->timer, &after);
}

static void
dff_link_on_timer(evutil_socket_t fd, short what, void *ctx)
{
    dff_redis_link_t *link = ctx;

    (void) fd;
    (void) what;
    if (link->state == DFF_LINK_DOWN)
        dff_link_connect(link);
    else
        dff_redis_link_drop(link, "no answer while connecting");
}

static void
dff_link_on_connect(const redisAsyncContext *ac, int status)
{
    dff_redis_link_t *link = ac->data;

    if (status != REDIS_OK) {
        /* hiredis frees its context after this call and does not call again. */
        dff_link_gone(link, ac->errstr);
        return;
    }
    link->state = DFF_LINK_GREETING;
    dff_link_greet(link);
}

static void
dff_link_on_disconnect(const redisAsyncContext *ac, int status)
{
    dff_link_gone(ac->data, status == REDIS_OK ? "closed" : ac->errstr);
}

static void
dff_link_connect(dff_redis_link_t *link)
{
    dff_redis_t       *redis = link->redis;
    redisAsyncContext *ac;

    link->err = (dff_err_t) { .reason = DFF_REASON_NONE };
    link->client_id = 0;
    link->again = false;
    ac = redis->port == 0 ? redisAsyncConnectUnix(redis->address)
                          : redisAsyncConnect(redis->address, redis->port);
    if (ac == NULL) {
        dff_link_gone(link, "out of memory");
        return;
    }
    link->ac = ac;
    link->state = DFF_LINK_CONNECTING;
    if (ac->err != 0 || dff_link_attach(link) != DFF_OK) {
        char why[256];

        (void) snprintf(why, sizeof(why), "%s", ac->err != 0 ? ac->errstr : "out of memory");
        redisAsyncFree(ac);
        dff_link_gone(link, why);
        return;
    }

    ac->data = link;
    (void) redisAsyncSetConnectCallback(ac, dff_link_on_connect);
    (void) redisAsyncSetDisconnectCallback(ac, dff_link_on_disconnect);
    dff_link_set_timer(link, DFF_LINK_GREETING_MS);
}

/* The connection has ended, or never came about; hiredis's context is its own. */
static void
dff_link_gone(dff_redis_link_t *link, const char *why)
{
    dff_redis_t *redis = link->redis;
    bool         was_ready = link->state == DFF_LINK_READY;
    unsigned     jitter, half = (unsigned) link->backoff_ms / 2;

    link->ac = NULL;
    link->state = DFF_LINK_DOWN;
    if (redis->ended) {
        (void) evtimer_del(link->timer);
        return;
    }

    if (!link->again && (redis->up || redis->down_at_ms == 0)) {
        redis->up = false;
        redis->down_at_ms = dff_time_monotonic_ms();
        dff_log_warn(redis->log, NULL, "Redis %s: connection \"%s\" failed: %s; trying again",
                     redis->label, link->name,
                     link->err.reason != DFF_REASON_NONE ? link->err.message : why);
    }

    /* Jitter of half the delay: many masters come back to one Redis. */
    evutil_secure_rng_get_bytes(&jitter, sizeof(jitter));
    dff_link_set_timer(link, link->again ? 0 : (int) (half + jitter % (half + 1)));
    link->backoff_ms *= 2;
    if (link->backoff_ms > DFF_LINK_BACKOFF_MAX_MS)
        link->backoff_ms = DFF_LINK_BACKOFF_MAX_MS;

    if (was_ready && link->conf.lost != NULL)
        link->conf.lost(link->conf.ctx);
}

/* --- the greeting: AUTH, SELECT, INFO, pipelined; INFO's reply decides ---------- */

static void
dff_link_on_auth(redisAsyncContext *ac, void *reply_ptr, void *data)
{
    dff_redis_link_t *link = data;
    redisReply       *reply = reply_ptr;

    (void) ac;
    if (reply == NULL || reply->type != REDIS_REPLY_ERROR)
        return;

    if (link->redis->user[0] != '\0' && strstr(reply->str, "wrong number of arguments") != NULL) {
        link->redis->plain_auth = link->again = true;
        return;
    }
    /* A password for a server that wants none is harmless. */
    if (strstr(reply->str, "no password is set") != NULL
        || strstr(reply->str, "without any password configured") != NULL)
        return;
    (void) dff_err_set(&link->err, DFF_E_SYS_CACHE, "REDIS_USER, REDIS_PASSWORD refused: %s",
                       reply->str);
}

static void
dff_link_on_select(redisAsyncContext *ac, void *reply_ptr, void *data)
{
    dff_redis_link_t *link = data;
    redisReply       *reply = reply_ptr;

    (void) ac;
    if (reply != NULL && reply->type == REDIS_REPLY_ERROR
        && link->err.reason == DFF_REASON_NONE)
        (void) dff_err_set(&link->err, DFF_E_SYS_CACHE, "SELECT %d: %s", link->redis->database,
                           reply->str);
}

static void
dff_link_on_client_id(redisAsyncContext *ac, void *reply_ptr, void *data)
{
    redisReply *reply = reply_ptr;

    (void) ac;
    if (reply != NULL && reply->type == REDIS_REPLY_INTEGER)      /* Redis 5 and later */
        ((dff_redis_link_t *) data)->client_id = reply->integer;
}

static void
dff_redis_log_up(dff_redis_t *redis)
{
    dff_redis_link_t *link;

    if (redis->up)
        return;
    TAILQ_FOREACH(link, &redis->links, all) {
        if (link->state != DFF_LINK_READY)
            return;
    }
    redis->up = true;
    if (redis->down_at_ms != 0)
        dff_log_warn(redis->log, NULL, "Redis %s: connected again after %lld ms", redis->label,
                     (long long) (dff_time_monotonic_ms() - redis->down_at_ms));
    /* From now on the first lost link is an event again. */
    redis->down_at_ms = 0;
}

static void
dff_link_on_info(redisAsyncContext *ac, void *reply_ptr, void *data)
{
    dff_redis_link_t *link = data;
    redisReply       *reply = reply_ptr;
    bool              loading = false;

    if (reply == NULL)
        return;

    if (link->again) {
        redisAsyncFree(ac);
        return;
    }
    if (link->err.reason == DFF_REASON_NONE && reply->type == REDIS_REPLY_ERROR)
        (void) dff_err_set(&link->err, DFF_E_SYS_CACHE, "INFO: %s", reply->str);
    if (link->err.reason == DFF_REASON_NONE)
        (void) dff_redis_check_info((dff_str_t) { reply->str, (size_t) reply->len },
                                    link->run_id, &loading, &link->err);

    if (link->err.reason != DFF_REASON_NONE) {
        if (strncmp(link->err.message, "INFO: LOADING", 13) != 0)
            link->redis->refused(link->redis->ctx, &link->err);
        redisAsyncFree(ac);
        return;
    }
    if (loading) {
        (void) dff_err_set(&link->err, DFF_E_SYS_CACHE, "Redis is loading its data");
        redisAsyncFree(ac);
        return;
    }

    link->state = DFF_LINK_READY;
    link->backoff_ms = DFF_LINK_BACKOFF_MIN_MS;
    (void) evtimer_del(link->timer);
    dff_redis_log_up(link->redis);
    link->conf.ready(link->conf.ctx);
}

static void
dff_link_greet(dff_redis_link_t *link)
{
    dff_redis_t *redis = link->redis;
    int          rc = REDIS_OK;

    /* A command that is not even buffered (no memory) ends in the deadline: this
     * runs inside hiredis's connect callback, where nothing may be freed. */
    if (redis->port != 0)
        (void) redisEnableKeepAlive(&link->ac->c);     /* an optimisation only */

    if (redis->password[0] != '\0') {
        if (redis->user[0] != '\0' && !redis->plain_auth)
            rc |= redisAsyncCommand(link->ac, dff_link_on_auth, link, "AUTH %s %s", redis->user,
                                    redis->password);
        else
            rc |= redisAsyncCommand(link->ac, dff_link_on_auth, link, "AUTH %s",
                                    redis->password);
    }
    rc |= redisAsyncCommand(link->ac, dff_link_on_select, link, "SELECT %d", redis->database);
    rc |= redisAsyncCommand(link->ac, NULL, NULL, "CLIENT SETNAME dff-executor-%s", link->name);
    rc |= redisAsyncCommand(link->ac, dff_link_on_client_id, link, "CLIENT ID");
    rc |= redisAsyncCommand(link->ac, dff_link_on_info, link, "INFO");
    if (rc != REDIS_OK)
        (void) dff_err_set(&link->err, DFF_E_SYS, "out of memory");
}

/* The value of "name:" at the start of a line of INFO, "" when there is none. */
static dff_str_t
dff_redis_info_field(dff_str_t info, dff_str_t name)
{
    const char *at = info.data, *end = info.data + info.len, *line_end;

    while (at < end) {
        line_end = memchr(at, '\n', (size_t) (end - at));
        if (line_end == NULL)
            line_end = end;
        if ((size_t) (line_end - at) > name.len && memcmp(at, name.data, name.len) == 0) {
            const char *stop = line_end;

            at += name.len;
            while (stop > at && (stop[-1] == '\r' || stop[-1] == ' '))
                stop--;
            return (dff_str_t) { at, (size_t) (stop - at) };
        }
        at = line_end + 1;
    }
    return DFF_STR("");
}

int
dff_redis_check_info(dff_str_t info, char run_id[DFF_REDIS_RUN_ID_SIZE], bool *loading,
    dff_err_t *err)
{
    dff_str_t id = dff_redis_info_field(info, DFF_STR("run_id:"));
    dff_str_t version = dff_redis_info_field(info, DFF_STR("redis_version:"));
    int       major = 0;
    size_t    i;

    (void) snprintf(run_id, DFF_REDIS_RUN_ID_SIZE, "%.*s", (int) id.len, id.data);
    *loading = dff_str_eq(dff_redis_info_field(info, DFF_STR("loading:")), DFF_STR("1"));
    for (i = 0; i < version.len && i < 4 && version.data[i] >= '0' && version.data[i] <= '9'; i++)
        major = major * 10 + (version.data[i] - '0');

    if (i == 0)
        return dff_err_set(err, DFF_E_SYS_CACHE, "this is no Redis: INFO has no redis_version");
    if (major < DFF_REDIS_MIN_MAJOR)
        return dff_err_set(err, DFF_E_SYS_CACHE, "Redis is version %.*s, %d.0 or later is needed",
                           (int) version.len, version.data, DFF_REDIS_MIN_MAJOR);
    if (dff_str_eq(dff_redis_info_field(info, DFF_STR("cluster_enabled:")), DFF_STR("1")))
        return dff_err_set(err, DFF_E_SYS_CACHE, "Redis runs in cluster mode; one plain instance "
                           "(or Sentinel, or a managed one) is needed");
    return DFF_OK;
}

/* --- the server ----------------------------------------------------------------- */

static int
dff_redis_resolve(dff_redis_t *redis, const char *host, int port, dff_err_t *err)
{
    struct addrinfo  hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
    struct addrinfo *found = NULL;
    char             address[NI_MAXHOST];
    int              rc;

    rc = getaddrinfo(host, NULL, &hints, &found);
    if (rc != 0)
        return dff_err_set(err, DFF_E_SYS_CACHE, "REDIS_HOST %s: %s", host,
                           rc == EAI_SYSTEM ? strerror(errno) : gai_strerror(rc));

    rc = getnameinfo(found->ai_addr, found->ai_addrlen, address, sizeof(address), NULL, 0,
                     NI_NUMERICHOST);
    freeaddrinfo(found);
    if (rc != 0)
        return dff_err_set(err, DFF_E_SYS_CACHE, "REDIS_HOST %s: %s", host, gai_strerror(rc));

    redis->address = strdup(address);
    redis->port = port;
    return DFF_OK;
}

dff_redis_t *
dff_redis_new(struct event_base *base, dff_log_t *log, const dff_config_t *cfg,
    dff_redis_refused_fn refused, void *ctx, dff_err_t *err)
{
    dff_redis_t *redis;

    if (cfg->redis_use_tls) {
        (void) dff_err_set(err, DFF_E_SYS_CACHE, "REDIS_USE_TLS is true, but this build's hiredis "
                           "has no TLS: use a TLS tunnel (stunnel) or set it to false");
        return NULL;
    }
    redis = calloc(1, sizeof(*redis));
    if (redis == NULL)
        goto memory;

    redis->base = base;
    redis->log = log;
    redis->refused = refused;
    redis->ctx = ctx;
    TAILQ_INIT(&redis->links);
    TAILQ_INIT(&redis->dirty);
    redis->database = (int) cfg->redis_database;
    redis->user = strdup(cfg->redis_user);
    redis->password = strdup(cfg->redis_password);
    if (cfg->redis_socket[0] != '\0')
        redis->address = strdup(cfg->redis_socket);
    else if (dff_redis_resolve(redis, cfg->redis_host, (int) cfg->redis_port, err) != DFF_OK)
        goto failed;
    if (redis->user == NULL || redis->password == NULL || redis->address == NULL)
        goto memory;
    (void) snprintf(redis->label, sizeof(redis->label), redis->port == 0 ? "%s" : "%s:%d",
                    redis->address, redis->port);
    return redis;

memory:
    (void) dff_err_set(err, DFF_E_SYS, "out of memory");
failed:
    dff_redis_free(redis);
    return NULL;
}

void
dff_redis_free(dff_redis_t *redis)
{
    if (redis == NULL)
        return;
    if (redis->password != NULL)
        explicit_bzero(redis->password, strlen(redis->password));
    free(redis->password);
    free(redis->user);
    free(redis->address);
    free(redis);
}

void
dff_redis_end(dff_redis_t *redis)
{
    redis->ended = true;
}

/* --- links ------------------------------------------------------------------------ */

dff_redis_link_t *
dff_redis_link_new(dff_redis_t *redis, const dff_redis_link_conf_t *conf)
{
    dff_redis_link_t *link = calloc(1, sizeof(*link));

    if (link == NULL)
        return NULL;
    link->timer = evtimer_new(redis->base, dff_link_on_timer, link);
    if (link->timer == NULL) {
        free(link);
        return NULL;
    }
    link->redis = redis;
    link->conf = *conf;
    (void) snprintf(link->name, sizeof(link->name), "%s", conf->name);
    link->backoff_ms = DFF_LINK_BACKOFF_MIN_MS;
    TAILQ_INSERT_TAIL(&redis->links, link, all);
    dff_link_set_timer(link, 0);
    return link;
}

void
dff_redis_link_free(dff_redis_link_t *link)
{
    if (link == NULL)
        return;

    /* Neither lost() nor a log line: this end is wanted. */
    link->conf.lost = NULL;
    TAILQ_REMOVE(&link->redis->links, link, all);
    if (link->ac != NULL) {
        redisAsyncContext *ac = link->ac;
        bool               ended = link->redis->ended;

        link->redis->ended = true;
        redisAsyncFree(ac);
        link->redis->ended = ended;
    }
    event_free(link->timer);
    free(link);
}

bool
dff_redis_link_ready(const dff_redis_link_t *link)
{
    return link != NULL && link->state == DFF_LINK_READY;
}

long long
dff_redis_link_client_id(const dff_redis_link_t *link)
{
    return link->client_id;
}

const char *
dff_redis_link_run_id(const dff_redis_link_t *link)
{
    return link->run_id;
}

void
dff_redis_link_drop(dff_redis_link_t *link, const char *why)
{
    redisAsyncContext *ac = link->ac;
    bool               tells;

    if (ac == NULL)
        return;
    if (link->err.reason == DFF_REASON_NONE)
        (void) dff_err_set(&link->err, DFF_E_SYS_CACHE, "%s", why);

    /* hiredis tells of the end only when the connection had stood. */
    tells = (ac->c.flags & REDIS_CONNECTED) != 0;
    redisAsyncFree(ac);
    if (!tells)
        dff_link_gone(link, why);
}

int
dff_redis_link_command(dff_redis_link_t *link, redisCallbackFn *fn, void *data, int argc,
    const char **argv, const size_t *argvlen)
{
    if (!dff_redis_link_ready(link))
        return DFF_ERROR;
    return redisAsyncCommandArgv(link->ac, fn, data, argc, argv, argvlen) == REDIS_OK
           ? DFF_OK : DFF_ERROR;
}

int
dff_redis_link_commandf(dff_redis_link_t *link, redisCallbackFn *fn, void *data,
    const char *fmt, ...)
{
    va_list args;
    int     rc;

    if (!dff_redis_link_ready(link))
        return DFF_ERROR;
    va_start(args, fmt);
    rc = redisvAsyncCommand(link->ac, fn, data, fmt, args);
    va_end(args);
    return rc == REDIS_OK ? DFF_OK : DFF_ERROR;
}
