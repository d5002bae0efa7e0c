/*
 * hiredis on nginx's event loop: see the header.
 *
 * hiredis asks for read and write events through its ev hooks. Reads and real
 * write events are level-triggered, since hiredis reads 16 KiB at a time. A
 * wish to write on a connected link becomes a posted event: everything queued in
 * this turn of the loop leaves in one write().
 *
 * The ev cleanup hook is the one place where a connection ends: hiredis calls
 * it on every way out (refused, broken, closed by us), after it has run all
 * pending callbacks with a NULL reply.
 */
#include "ngx_http_dff_redis.h"

#define NGX_HTTP_DFF_REDIS_CONNECT_TIMEOUT  1000    /* ms */
#define NGX_HTTP_DFF_REDIS_BACKOFF_MIN        50    /* ms */
#define NGX_HTTP_DFF_REDIS_BACKOFF_MAX      2000    /* ms */
#define NGX_HTTP_DFF_REDIS_ARGS_MAX           80

static void ngx_http_dff_redis_connect(ngx_http_dff_redis_t *link);
static void ngx_http_dff_redis_attach(ngx_http_dff_redis_t *link);
static void ngx_http_dff_redis_log_in(ngx_http_dff_redis_t *link);
static void ngx_http_dff_redis_retry(ngx_http_dff_redis_t *link);

static void ngx_http_dff_redis_on_connect(const redisAsyncContext *ac, int status);
static void ngx_http_dff_redis_on_log_in(redisAsyncContext *ac, void *reply, void *data);

static void ngx_http_dff_redis_read_handler(ngx_event_t *ev);
static void ngx_http_dff_redis_write_handler(ngx_event_t *ev);
static void ngx_http_dff_redis_flush_handler(ngx_event_t *ev);
static void ngx_http_dff_redis_reconnect_handler(ngx_event_t *ev);
static void ngx_http_dff_redis_watch_handler(ngx_event_t *ev);

static void ngx_http_dff_redis_add_read(void *data);
static void ngx_http_dff_redis_del_read(void *data);
static void ngx_http_dff_redis_add_write(void *data);
static void ngx_http_dff_redis_del_write(void *data);
static void ngx_http_dff_redis_cleanup(void *data);


void
ngx_http_dff_redis_open(ngx_http_dff_redis_t *link, ngx_log_t *log)
{
    link->state = NGX_HTTP_DFF_REDIS_DOWN;
    link->backoff = NGX_HTTP_DFF_REDIS_BACKOFF_MIN;

    link->flush.data = link;
    link->flush.handler = ngx_http_dff_redis_flush_handler;
    link->flush.log = log;

    link->reconnect.data = link;
    link->reconnect.handler = ngx_http_dff_redis_reconnect_handler;
    link->reconnect.log = log;
    link->reconnect.cancelable = 1;

    link->watch.data = link;
    link->watch.handler = ngx_http_dff_redis_watch_handler;
    link->watch.log = log;
    link->watch.cancelable = !link->awaited;

    ngx_http_dff_redis_connect(link);
}


void
ngx_http_dff_redis_close(ngx_http_dff_redis_t *link)
{
    if (link->state == NGX_HTTP_DFF_REDIS_CLOSED) {
        return;
    }

    link->state = NGX_HTTP_DFF_REDIS_CLOSED;

    if (link->reconnect.timer_set) {
        ngx_del_timer(&link->reconnect);
    }

    if (link->context != NULL) {
        redisAsyncFree(link->context);
    }
}


ngx_int_t
ngx_http_dff_redis_command(ngx_http_dff_redis_t *link, redisCallbackFn *callback, void *data,
    int argc, const ngx_str_t *argv)
{
    int          i;
    size_t       lens[NGX_HTTP_DFF_REDIS_ARGS_MAX];
    const char  *args[NGX_HTTP_DFF_REDIS_ARGS_MAX];

    if (!ngx_http_dff_redis_usable(link) || argc > NGX_HTTP_DFF_REDIS_ARGS_MAX) {
        return NGX_ERROR;
    }

    for (i = 0; i < argc; i++) {
        args[i] = (const char *) argv[i].data;
        lens[i] = argv[i].len;
    }

    if (redisAsyncCommandArgv(link->context, callback, data, argc, args, lens) != REDIS_OK) {
        return NGX_ERROR;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_dff_redis_formatted(ngx_http_dff_redis_t *link, redisCallbackFn *callback, void *data,
    const char *command, size_t len)
{
    if (!ngx_http_dff_redis_usable(link)) {
        return NGX_ERROR;
    }

    if (redisAsyncFormattedCommand(link->context, callback, data, command, len) != REDIS_OK) {
        return NGX_ERROR;
    }

    return NGX_OK;
}


static void
ngx_http_dff_redis_connect(ngx_http_dff_redis_t *link)
{
    redisAsyncContext  *ac;

    if (link->peer->socket.len != 0) {
        ac = redisAsyncConnectUnix((const char *) link->peer->socket.data);
    } else {
        ac = redisAsyncConnect((const char *) link->peer->address.data, link->peer->port);
    }

    if (ac == NULL || ac->err) {
        (void) ngx_snprintf((u_char *) link->reason, sizeof(link->reason), "%s%Z",
                            ac == NULL ? "no memory" : ac->errstr);
        if (ac != NULL) {
            redisAsyncFree(ac);
        }
        ngx_http_dff_redis_retry(link);
        return;
    }

    link->connection = ngx_get_connection(ac->c.fd, link->flush.log);
    if (link->connection == NULL) {
        /* ngx_get_connection() has said why at the alert level */
        (void) ngx_snprintf((u_char *) link->reason, sizeof(link->reason),
                            "no free worker_connections%Z");
        redisAsyncFree(ac);
        ngx_http_dff_redis_retry(link);
        return;
    }

    link->context = ac;
    link->state = NGX_HTTP_DFF_REDIS_CONNECTING;
    link->last_read = ngx_current_msec;

    ngx_http_dff_redis_attach(link);
    ngx_http_dff_redis_log_in(link);
}


static void
ngx_http_dff_redis_attach(ngx_http_dff_redis_t *link)
{
    ngx_connection_t   *c = link->connection;
    redisAsyncContext  *ac = link->context;

    c->data = link;
    c->log = link->flush.log;
    c->read->handler = ngx_http_dff_redis_read_handler;
    c->read->log = c->log;
    c->write->handler = ngx_http_dff_redis_write_handler;
    c->write->log = c->log;
    /* a link is never closed to make room for a client */
    c->idle = 0;

    ac->data = link;
    ac->ev.data = link;
    ac->ev.addRead = ngx_http_dff_redis_add_read;
    ac->ev.delRead = ngx_http_dff_redis_del_read;
    ac->ev.addWrite = ngx_http_dff_redis_add_write;
    ac->ev.delWrite = ngx_http_dff_redis_del_write;
    ac->ev.cleanup = ngx_http_dff_redis_cleanup;

    /* asks for a write event, which tells the end of connect() */
    (void) redisAsyncSetConnectCallback(ac, ngx_http_dff_redis_on_connect);

    ngx_add_timer(&link->watch, NGX_HTTP_DFF_REDIS_CONNECT_TIMEOUT);
}


/*
 * AUTH and SELECT go first into the output buffer, so that they run before any
 * command that is given while the link is still connecting.
 */
static void
ngx_http_dff_redis_log_in(ngx_http_dff_redis_t *link)
{
    ngx_int_t   rc;
    ngx_str_t   argv[3];
    u_char      number[NGX_INT_T_LEN];

    static ngx_str_t  auth = ngx_string("AUTH"), select_db = ngx_string("SELECT");

    rc = NGX_OK;

    if (link->peer->password.len != 0) {
        argv[0] = auth;
        if (link->peer->user.len != 0) {
            argv[1] = link->peer->user;
            argv[2] = link->peer->password;
            rc = ngx_http_dff_redis_command(link, ngx_http_dff_redis_on_log_in, NULL, 3, argv);

        } else {
            argv[1] = link->peer->password;
            rc = ngx_http_dff_redis_command(link, ngx_http_dff_redis_on_log_in, NULL, 2, argv);
        }
    }

    if (rc == NGX_OK) {
        argv[0] = select_db;
        argv[1].data = number;
        argv[1].len = ngx_sprintf(number, "%i", link->peer->database) - number;
        /* the last one of the log-in: its answer makes the link UP */
        rc = ngx_http_dff_redis_command(link, ngx_http_dff_redis_on_log_in, link, 2, argv);
    }

    if (rc != NGX_OK) {
        redisAsyncFree(link->context);
    }
}


static void
ngx_http_dff_redis_on_log_in(redisAsyncContext *ac, void *data, void *privdata)
{
    redisReply            *reply = data;
    ngx_http_dff_redis_t  *link = ac->data;

    if (reply == NULL || link->state != NGX_HTTP_DFF_REDIS_CONNECTING) {
        return;
    }

    if (reply->type == REDIS_REPLY_ERROR) {
        (void) ngx_snprintf((u_char *) link->reason, sizeof(link->reason), "%s%Z", reply->str);
        redisAsyncFree(ac);   /* carried out when hiredis has left this callback */
        return;
    }

    if (privdata == NULL) {
        return;
    }

    if (link->failures != 0 || link->reconnects != 0) {
        ngx_log_error(NGX_LOG_NOTICE, link->flush.log, 0,
                      "dff: Redis link \"%s\" is back", link->name);
    }

    link->state = NGX_HTTP_DFF_REDIS_UP;
    link->backoff = NGX_HTTP_DFF_REDIS_BACKOFF_MIN;
    link->failures = 0;
    link->reconnects++;
    link->up(link);
}


static void
ngx_http_dff_redis_on_connect(const redisAsyncContext *ac, int status)
{
    int                    on = 1;
    ngx_http_dff_redis_t  *link = ac->data;

    if (status != REDIS_OK) {
        return;   /* cleanup follows, with ac->errstr */
    }

    if (link->peer->socket.len == 0) {
        /* failures cost latency or late notice of a dead peer, not the link */
        (void) ngx_tcp_nodelay(link->connection);
        (void) setsockopt(ac->c.fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    }
}


static void
ngx_http_dff_redis_retry(ngx_http_dff_redis_t *link)
{
    ngx_msec_t  delay;

    if (link->failures++ == 0) {
        ngx_log_error(NGX_LOG_ERR, link->flush.log, 0,
                      "dff: Redis link \"%s\" is down: %s", link->name, link->reason);
    }

    /* jitter, so that the workers of many nodes do not come back as one */
    delay = link->backoff / 2 + (ngx_msec_t) ngx_random() % (link->backoff / 2 + 1);
    link->backoff = ngx_min(link->backoff * 2, NGX_HTTP_DFF_REDIS_BACKOFF_MAX);

    ngx_add_timer(&link->reconnect, delay);
}


static void
ngx_http_dff_redis_reconnect_handler(ngx_event_t *ev)
{
    ngx_http_dff_redis_connect(ev->data);
}


static void
ngx_http_dff_redis_read_handler(ngx_event_t *ev)
{
    ngx_connection_t      *c = ev->data;
    ngx_http_dff_redis_t  *link = c->data;

    link->last_read = ngx_current_msec;

    redisAsyncHandleRead(link->context);
}


static void
ngx_http_dff_redis_write_handler(ngx_event_t *ev)
{
    ngx_connection_t      *c = ev->data;
    ngx_http_dff_redis_t  *link = c->data;

    /* a wish to write that comes up in here means that the socket is full */
    link->writing = 1;
    redisAsyncHandleWrite(link->context);
    link->writing = 0;
}


static void
ngx_http_dff_redis_flush_handler(ngx_event_t *ev)
{
    ngx_http_dff_redis_t  *link = ev->data;

    if (link->context == NULL) {
        return;
    }

    link->writing = 1;
    redisAsyncHandleWrite(link->context);
    link->writing = 0;
}


/* A reply is due and nothing has come for too long: the peer is as good as gone. */
static void
ngx_http_dff_redis_watch_handler(ngx_event_t *ev)
{
    ngx_msec_t             idle, limit;
    ngx_http_dff_redis_t  *link = ev->data;

    if (link->context == NULL) {
        return;
    }

    if (link->state == NGX_HTTP_DFF_REDIS_UP
        && link->context->replies.head == NULL
        && !(link->context->c.flags & REDIS_SUBSCRIBED))
    {
        return;   /* nothing is due; the next command arms the timer */
    }

    limit = link->state == NGX_HTTP_DFF_REDIS_UP ? link->silence
                                                 : NGX_HTTP_DFF_REDIS_CONNECT_TIMEOUT;
    idle = ngx_current_msec - link->last_read;

    if (idle < limit) {
        ngx_add_timer(ev, limit - idle);
        return;
    }

    (void) ngx_snprintf((u_char *) link->reason, sizeof(link->reason),
                        "no answer for %M ms%Z", idle);
    redisAsyncFree(link->context);
}


static void
ngx_http_dff_redis_add_read(void *data)
{
    ngx_http_dff_redis_t  *link = data;

    if (!link->connection->read->active
        && ngx_add_event(link->connection->read, NGX_READ_EVENT, NGX_LEVEL_EVENT) != NGX_OK)
    {
        ngx_log_error(NGX_LOG_ALERT, link->flush.log, 0,
                      "dff: no read event for Redis link \"%s\"", link->name);
    }
}


static void
ngx_http_dff_redis_del_read(void *data)
{
    ngx_http_dff_redis_t  *link = data;

    if (link->connection->read->active) {
        (void) ngx_del_event(link->connection->read, NGX_READ_EVENT, 0);
    }
}


static void
ngx_http_dff_redis_add_write(void *data)
{
    ngx_connection_t      *c;
    ngx_http_dff_redis_t  *link = data;

    c = link->connection;

    if ((link->context->c.flags & REDIS_CONNECTED) && !link->writing) {

        if (!c->write->active) {
            ngx_post_event(&link->flush, &ngx_posted_events);
        }

        if (!link->watch.timer_set) {
            link->last_read = ngx_current_msec;
            ngx_add_timer(&link->watch, link->silence);
        }

        return;
    }

    if (!c->write->active
        && ngx_add_event(c->write, NGX_WRITE_EVENT, NGX_LEVEL_EVENT) != NGX_OK)
    {
        ngx_log_error(NGX_LOG_ALERT, link->flush.log, 0,
                      "dff: no write event for Redis link \"%s\"", link->name);
    }
}


static void
ngx_http_dff_redis_del_write(void *data)
{
    ngx_http_dff_redis_t  *link = data;

    if (link->connection->write->active) {
        (void) ngx_del_event(link->connection->write, NGX_WRITE_EVENT, 0);
    }
}


static void
ngx_http_dff_redis_cleanup(void *data)
{
    ngx_connection_t      *c;
    ngx_http_dff_redis_t  *link = data;

    c = link->connection;

    if (link->context->c.err) {
        (void) ngx_snprintf((u_char *) link->reason, sizeof(link->reason), "%s%Z",
                            link->context->c.errstr);
    }

    /* hiredis closes the descriptor right after this */
    if (c->read->active) {
        (void) ngx_del_event(c->read, NGX_READ_EVENT, NGX_CLOSE_EVENT);
    }
    if (c->write->active) {
        (void) ngx_del_event(c->write, NGX_WRITE_EVENT, NGX_CLOSE_EVENT);
    }
    if (c->read->posted) {
        ngx_delete_posted_event(c->read);
    }
    if (c->write->posted) {
        ngx_delete_posted_event(c->write);
    }
    if (link->flush.posted) {
        ngx_delete_posted_event(&link->flush);
    }
    if (link->watch.timer_set) {
        ngx_del_timer(&link->watch);
    }

    ngx_free_connection(c);
    c->fd = (ngx_socket_t) -1;

    link->connection = NULL;
    link->context = NULL;
    link->writing = 0;

    if (link->state == NGX_HTTP_DFF_REDIS_CLOSED) {
        return;
    }

    if (link->state == NGX_HTTP_DFF_REDIS_UP && link->down != NULL) {
        link->state = NGX_HTTP_DFF_REDIS_DOWN;
        link->down(link);
    }

    link->state = NGX_HTTP_DFF_REDIS_DOWN;
    ngx_http_dff_redis_retry(link);
}
