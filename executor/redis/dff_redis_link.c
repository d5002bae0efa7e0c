/*
 * One connection to Redis: connecting, reconnects, commands, gathered writes.
 * Runs in the master and the api processes.
 */
#include "dff_redis_link.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dff_redis_out.h"
#include "dff_time.h"

#include "redis/dff_redis_internal.h"

#include "dff_banned.h"

#define DFF_LINK_GREETING_MS     5000    /* connect, AUTH, SELECT and INFO together */
#define DFF_LINK_BACKOFF_MAX_MS  2000

static void dff_link_add_write(void *ctx);
static void dff_link_del_write(void *ctx);
static void dff_link_connect(dff_redis_link_t *link);
static void dff_link_gone(dff_redis_link_t *link, const char *why);

/* --- hiredis on libevent, writes gathered --------------------------------- */

static void
dff_link_on_readable(evutil_socket_t fd, short what, void *ctx)
{
    dff_redis_link_t *link = ctx;

    (void) fd;
    (void) what;
    redisAsyncHandleRead(link->ac);
    dff_redis_heard(link);
    if (dff_redis_link_moved(link))
        dff_redis_link_drop(link, "Redis has become a replica");
}

static void
dff_link_write(dff_redis_link_t *link)
{
    redisContext *c = &link->ac->c;

    if ((c->flags & REDIS_CONNECTED) == 0) {
        redisAsyncHandleWrite(link->ac);
        return;
    }
    switch (dff_redis_out_write(c, &link->out)) {
    case DFF_REDIS_OUT_EMPTY:
        dff_link_del_write(link);
        break;
    case DFF_REDIS_OUT_MORE:
        dff_link_add_write(link);
        break;
    case DFF_REDIS_OUT_BROKEN:
        dff_redis_link_drop(link, strerror(errno));
        break;
    }
}

static void
dff_link_on_writable(evutil_socket_t fd, short what, void *ctx)
{
    (void) fd;
    (void) what;
    dff_link_write(ctx);
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
        dff_link_write(link);
        link->flushing = false;
    }
}

/* --- one attempt to connect ----------------------------------------------- */

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
    dff_redis_greet(link);
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
    link->out = (dff_redis_out_t) { .sent = 0 };
    link->seen = 0;
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
    ac->c.reader->maxbuf = DFF_REDIS_KEEP_SIZE;
    dff_redis_share_queued(link);
    (void) redisAsyncSetConnectCallback(ac, dff_link_on_connect);
    (void) redisAsyncSetDisconnectCallback(ac, dff_link_on_disconnect);
    dff_link_set_timer(link, DFF_LINK_GREETING_MS);
}

/* The first of an outage, and what a server says that is there again and does not let us in:
 * that is another reason. */
static void
dff_link_log_gone(const dff_redis_link_t *link, bool greeted, const char *why)
{
    dff_redis_t *redis = link->redis;
    bool         first = redis->up || redis->down_at_ms == 0;
    bool         refused = greeted && link->err.reason != DFF_REASON_NONE;
    char         refusal[sizeof(redis->refusal)];

    (void) snprintf(refusal, sizeof(refusal), "%.*s", (int) sizeof(refusal) - 1,
                    refused ? link->err.message : "");
    refused = refused && strcmp(refusal, redis->refusal) != 0;
    if (link->again || (!first && !refused))
        return;
    if (first)
        redis->down_at_ms = dff_time_monotonic_ms();
    redis->up = false;
    memcpy(redis->refusal, refusal, sizeof(refusal));
    dff_log_warn(redis->log, NULL, "Redis %s: connection \"%s\" failed: %s; trying again",
                 redis->label, link->name,
                 link->err.reason != DFF_REASON_NONE ? link->err.message : why);
}

/* The connection has ended, or never came about; hiredis's context is its own. */
static void
dff_link_gone(dff_redis_link_t *link, const char *why)
{
    dff_redis_t *redis = link->redis;
    bool         greeted = link->state == DFF_LINK_GREETING;
    bool         was_ready = link->state == DFF_LINK_READY;
    unsigned     jitter, half;

    link->ac = NULL;
    if (was_ready && dff_time_monotonic_ms() - link->ready_ms >= DFF_LINK_STEADY_MS)
        link->backoff_ms = DFF_LINK_BACKOFF_MIN_MS;
    half = (unsigned) link->backoff_ms / 2;
    link->state = DFF_LINK_DOWN;
    if (redis->ended) {
        (void) evtimer_del(link->timer);
        return;
    }

    (void) evtimer_del(redis->steady);
    dff_link_log_gone(link, greeted, why);

    /* Jitter of half the delay: many masters come back to one Redis. */
    evutil_secure_rng_get_bytes(&jitter, sizeof(jitter));
    dff_link_set_timer(link, link->again ? 0 : (int) (half + jitter % (half + 1)));
    link->backoff_ms *= 2;
    if (link->backoff_ms > DFF_LINK_BACKOFF_MAX_MS)
        link->backoff_ms = DFF_LINK_BACKOFF_MAX_MS;

    if (was_ready && link->conf.lost != NULL)
        link->conf.lost(link->conf.ctx);
    if (!was_ready && !link->again)
        dff_redis_look_up(redis);
}

/* --- links ---------------------------------------------------------------- */

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

const char *
dff_redis_link_run_id(const dff_redis_link_t *link)
{
    return link->run_id;
}

bool
dff_redis_link_evicts(const dff_redis_link_t *link)
{
    return link->evicts;
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

/* "<mark><number>\r\n" */
static char *
dff_link_put_number(char *at, char mark, size_t number)
{
    char digits[24], *digit = digits + sizeof(digits);

    do {
        *--digit = (char) ('0' + number % 10);
        number /= 10;
    } while (number != 0);
    *at++ = mark;
    memcpy(at, digit, (size_t) (digits + sizeof(digits) - digit));
    at += digits + sizeof(digits) - digit;
    *at++ = '\r';
    *at++ = '\n';
    return at;
}

/* Formatted here: redisAsyncCommandArgv takes three times as long, most of it in
 * growing its string, and this runs several times for each job. */
int
dff_redis_link_command(dff_redis_link_t *link, redisCallbackFn *fn, void *data, int argc,
    const char **argv, const size_t *argvlen)
{
    dff_buf_t *text;
    size_t     len, room = 32;
    char      *at;
    int        i;

    if (!dff_redis_link_ready(link))
        return DFF_ERROR;
    text = &link->redis->text;
    for (i = 0; i < argc; i++)
        room += (argvlen == NULL ? strlen(argv[i]) : argvlen[i]) + 32;

    dff_buf_clear(text);
    at = dff_buf_reserve(text, room);
    if (at == NULL)
        return DFF_ERROR;
    at = dff_link_put_number(at, '*', (size_t) argc);
    for (i = 0; i < argc; i++) {
        len = argvlen == NULL ? strlen(argv[i]) : argvlen[i];
        at = dff_link_put_number(at, '$', len);
        if (len > 0)
            memcpy(at, argv[i], len);
        at += len;
        *at++ = '\r';
        *at++ = '\n';
    }

    *at = '\0';      /* hiredis looks for the channels of a SUBSCRIBE as in C text */

    len = (size_t) (at - text->data);
    i = redisAsyncFormattedCommand(link->ac, fn, data, text->data, len);
    if (text->size > DFF_REDIS_KEEP_SIZE)
        dff_buf_release(text);
    if (i != REDIS_OK)
        return DFF_ERROR;
    dff_redis_out_queued(&link->ac->c, &link->out, len);
    return DFF_OK;
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

/* --- connections as Redis knows them --------------------------------------- */

void
dff_redis_client_note(dff_redis_client_t *client, const dff_redis_link_t *link)
{
    client->id = link->client_id;
    (void) snprintf(client->run_id, sizeof(client->run_id), "%s", link->run_id);
}

bool
dff_redis_client_close(dff_redis_client_t *client, dff_redis_link_t *living)
{
    long long id = client->id;

    client->id = 0;
    if (id <= 0 || strcmp(client->run_id, dff_redis_link_run_id(living)) != 0)
        return false;
    (void) dff_redis_link_commandf(living, NULL, NULL, "CLIENT KILL ID %lld", id);
    return true;
}
