/* The life of a Redis connection: see the header. */
#include "ngx_http_dff_redis.h"
#include "ngx_http_dff_redis_events.h"
#include "ngx_http_dff_redis_guard.h"

#include "dff_keys.h"
#include "dff_redis_out.h"
#include "dff_sds.h"

#define NGX_HTTP_DFF_REDIS_BACKOFF_MIN        50    /* ms */
#define NGX_HTTP_DFF_REDIS_BACKOFF_MAX      1000    /* ms */
#define NGX_HTTP_DFF_REDIS_STEADY           1000    /* ms up until an outage counts as over */
#define NGX_HTTP_DFF_REDIS_LEAVE            1000    /* ms for the replies of an unfit link */
#define NGX_HTTP_DFF_REDIS_TOLD                4    /* lines in the log about one outage */
#define NGX_HTTP_DFF_REDIS_OUTPUT_MAX (256 * 1024 * 1024)   /* bytes that wait to be sent */
#define NGX_HTTP_DFF_REDIS_ARGS_MAX           80

static ngx_int_t ngx_http_dff_redis_send(ngx_http_dff_redis_t *link, redisCallbackFn *callback,
    void *data, int argc, const ngx_str_t *argv);
static ngx_int_t ngx_http_dff_redis_due(ngx_http_dff_redis_t *link);
static void ngx_http_dff_redis_count(ngx_http_dff_redis_t *link, size_t len);
static void ngx_http_dff_redis_connect(ngx_http_dff_redis_t *link);
static void ngx_http_dff_redis_log_in(ngx_http_dff_redis_t *link);
static void ngx_http_dff_redis_retry(ngx_http_dff_redis_t *link);
static void ngx_http_dff_redis_tell(ngx_http_dff_redis_t *link);

static void ngx_http_dff_redis_on_connect(const redisAsyncContext *ac, int status);
static void ngx_http_dff_redis_on_log_in(redisAsyncContext *ac, void *reply, void *data);

static void ngx_http_dff_redis_reconnect_handler(ngx_event_t *ev);
static void ngx_http_dff_redis_steady_handler(ngx_event_t *ev);


void
ngx_http_dff_redis_open(ngx_http_dff_redis_t *link, ngx_log_t *log)
{
    link->state = NGX_HTTP_DFF_REDIS_DOWN;
    link->backoff = NGX_HTTP_DFF_REDIS_BACKOFF_MIN;

    link->log = log;

    link->reconnect.data = link;
    link->reconnect.handler = ngx_http_dff_redis_reconnect_handler;
    link->reconnect.log = log;
    link->reconnect.cancelable = 1;

    link->watch.data = link;
    link->watch.handler = ngx_http_dff_redis_watch_handler;
    link->watch.log = log;
    link->watch.cancelable = !link->awaited;

    link->steady.data = link;
    link->steady.handler = ngx_http_dff_redis_steady_handler;
    link->steady.log = log;
    link->steady.cancelable = 1;

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
    if (!ngx_http_dff_redis_usable(link)) {
        return NGX_ERROR;
    }

    return ngx_http_dff_redis_send(link, callback, data, argc, argv);
}


ngx_int_t
ngx_http_dff_redis_formatted(ngx_http_dff_redis_t *link, redisCallbackFn *callback, void *data,
    const char *command, size_t len)
{
    if (!ngx_http_dff_redis_usable(link) || ngx_http_dff_redis_due(link) != NGX_OK) {
        return NGX_ERROR;
    }

    if (redisAsyncFormattedCommand(link->context, callback, data, command, len) != REDIS_OK) {
        return NGX_ERROR;
    }

    ngx_http_dff_redis_count(link, len);

    return NGX_OK;
}


ngx_int_t
ngx_http_dff_redis_behind(ngx_http_dff_redis_t *link, redisCallbackFn *callback, void *data,
    int argc, const ngx_str_t *argv)
{
    if (link->state != NGX_HTTP_DFF_REDIS_LEAVING && !ngx_http_dff_redis_usable(link)) {
        return NGX_ERROR;
    }

    return ngx_http_dff_redis_send(link, callback, data, argc, argv);
}


void
ngx_http_dff_redis_leave(ngx_http_dff_redis_t *link, const char *text, size_t len)
{
    u_char  reason[sizeof(link->reason)];

    (void) ngx_snprintf(reason, sizeof(reason) - 1, "%*s%Z", len, text);
    reason[sizeof(reason) - 1] = '\0';

    ngx_http_dff_redis_blame(link, (char *) reason);

    /* a link that still connects is ended by its log-in */
    if (link->state == NGX_HTTP_DFF_REDIS_UP) {
        link->state = NGX_HTTP_DFF_REDIS_LEAVING;
        ngx_add_timer(&link->watch, NGX_HTTP_DFF_REDIS_LEAVE);
    }
}


void
ngx_http_dff_redis_blame(ngx_http_dff_redis_t *link, const char *text)
{
    u_char      *p;
    ngx_uint_t   i;

    if (link->blamed) {
        return;
    }

    link->blamed = 1;
    p = (u_char *) link->reason;

    /* it may be bytes of the peer, and goes into logs and JSON */
    for (i = 0; text[i] != '\0' && i < sizeof(link->reason) - 1; i++) {
        *p++ = text[i] >= ' ' && text[i] < 0x7f ? (u_char) text[i] : '?';
    }

    *p = '\0';
}


static ngx_int_t
ngx_http_dff_redis_send(ngx_http_dff_redis_t *link, redisCallbackFn *callback, void *data,
    int argc, const ngx_str_t *argv)
{
    int          i;
    size_t       len = 0;
    size_t       lens[NGX_HTTP_DFF_REDIS_ARGS_MAX];
    const char  *args[NGX_HTTP_DFF_REDIS_ARGS_MAX];

    if (argc > NGX_HTTP_DFF_REDIS_ARGS_MAX || ngx_http_dff_redis_due(link) != NGX_OK) {
        return NGX_ERROR;
    }

    for (i = 0; i < argc; i++) {
        args[i] = (const char *) argv[i].data;
        lens[i] = argv[i].len;
        len += argv[i].len;
    }

    if (redisAsyncCommandArgv(link->context, callback, data, argc, args, lens) != REDIS_OK) {
        return NGX_ERROR;
    }

    ngx_http_dff_redis_count(link, len);

    return NGX_OK;
}


/* Before each command: from when on its reply is due, and whether it may be sent. */
static ngx_int_t
ngx_http_dff_redis_due(ngx_http_dff_redis_t *link)
{
    redisContext  *c = &link->context->c;

    if (dff_redis_out_waiting(c, &link->out) > NGX_HTTP_DFF_REDIS_OUTPUT_MAX) {
        return NGX_ERROR;
    }

    if (link->context->replies.head == NULL && !(c->flags & REDIS_SUBSCRIBED)) {
        link->progress = ngx_current_msec;
    }

    return NGX_OK;
}


/* After each command. */
static void
ngx_http_dff_redis_count(ngx_http_dff_redis_t *link, size_t len)
{
    link->asked++;

    if (len < DFF_REDIS_LARGE) {
        return;
    }

    /* the largest, not their sum: each answer is progress */
    if (!ngx_http_dff_redis_large_due(link) || link->heavy < len) {
        link->heavy = len;
    }

    link->large = link->asked;
    dff_redis_out_queued(&link->context->c, &link->out, len);
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

    link->blamed = 0;
    link->refused = 0;

    if (ac == NULL || ac->err) {
        ngx_http_dff_redis_blame(link, ac == NULL ? "no memory" : ac->errstr);
        if (ac != NULL) {
            redisAsyncFree(ac);
        }
        ngx_http_dff_redis_retry(link);
        return;
    }

    link->connection = ngx_get_connection(ac->c.fd, link->log);
    if (link->connection == NULL) {
        /* ngx_get_connection() has said why at the alert level */
        ngx_http_dff_redis_blame(link, "no free worker_connections");
        redisAsyncFree(ac);
        ngx_http_dff_redis_retry(link);
        return;
    }

    link->context = ac;
    link->state = NGX_HTTP_DFF_REDIS_CONNECTING;
    link->asked = link->answers = link->large = 0;
    link->buffered = 0;
    ngx_memzero(&link->out, sizeof(link->out));
    ac->c.reader->maxbuf = DFF_REDIS_KEEP_SIZE;

    ngx_http_dff_redis_attach(link);
    ngx_http_dff_redis_guard(link);

    /* asks for a write event, which tells the end of connect() */
    (void) redisAsyncSetConnectCallback(ac, ngx_http_dff_redis_on_connect);
    ngx_add_timer(&link->watch, NGX_HTTP_DFF_REDIS_CONNECT_TIMEOUT);

    ngx_http_dff_redis_log_in(link);
}


/*
 * AUTH and SELECT go first into the output buffer, so that they run before any
 * command that is given while the link is still connecting. The third pushes to a
 * list that never exists: it does nothing, and is refused where a push would be.
 */
static void
ngx_http_dff_redis_log_in(ngx_http_dff_redis_t *link)
{
    ngx_int_t   rc;
    ngx_str_t   argv[3];
    u_char      number[NGX_INT_T_LEN];

    static ngx_str_t  auth = ngx_string("AUTH"), select_db = ngx_string("SELECT");
    static ngx_str_t  probe[3] = {
        ngx_string("LPUSHX"), ngx_string(DFF_KEY_PROBE), ngx_string("1")
    };

    rc = NGX_OK;

    if (link->peer->password.len != 0) {
        argv[0] = auth;
        if (link->peer->user.len != 0) {
            argv[1] = link->peer->user;
            argv[2] = link->peer->password;
            rc = ngx_http_dff_redis_send(link, ngx_http_dff_redis_on_log_in, NULL, 3, argv);

        } else {
            argv[1] = link->peer->password;
            rc = ngx_http_dff_redis_send(link, ngx_http_dff_redis_on_log_in, NULL, 2, argv);
        }
    }

    if (rc == NGX_OK) {
        argv[0] = select_db;
        argv[1].data = number;
        argv[1].len = ngx_sprintf(number, "%i", link->peer->database) - number;
        rc = ngx_http_dff_redis_send(link, ngx_http_dff_redis_on_log_in, NULL, 2, argv);
    }

    if (rc == NGX_OK) {
        /* the last one of the log-in: its answer makes the link UP */
        rc = ngx_http_dff_redis_send(link, ngx_http_dff_redis_on_log_in, link, 3, probe);
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
        ngx_http_dff_redis_blame(link, reply->str);
        link->refused = 1;
        redisAsyncFree(ac);   /* carried out when hiredis has left this callback */
        return;
    }

    if (privdata == NULL) {
        return;
    }

    link->state = NGX_HTTP_DFF_REDIS_UP;
    link->stats->up = 1;
    if (link->ups++ != 0) {
        link->stats->reconnects++;
    }

    ngx_add_timer(&link->steady, NGX_HTTP_DFF_REDIS_STEADY);

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


void
ngx_http_dff_redis_ended(ngx_http_dff_redis_t *link)
{
    ngx_http_dff_redis_state_e  state = link->state;

    link->stats->up = 0;

    if (link->watch.timer_set) {
        ngx_del_timer(&link->watch);
    }
    if (link->steady.timer_set) {
        ngx_del_timer(&link->steady);
    }

    if (state == NGX_HTTP_DFF_REDIS_CLOSED) {
        return;
    }

    link->state = NGX_HTTP_DFF_REDIS_DOWN;

    if (link->down != NULL
        && (state == NGX_HTTP_DFF_REDIS_UP || state == NGX_HTTP_DFF_REDIS_LEAVING))
    {
        link->down(link);
    }

    ngx_http_dff_redis_retry(link);
}


static void
ngx_http_dff_redis_retry(ngx_http_dff_redis_t *link)
{
    ngx_msec_t  delay;

    ngx_http_dff_redis_tell(link);
    link->failures++;

    /* jitter, so that the workers of many nodes do not come back as one */
    delay = link->backoff / 2 + (ngx_msec_t) ngx_random() % (link->backoff / 2 + 1);
    link->backoff = ngx_min(link->backoff * 2, NGX_HTTP_DFF_REDIS_BACKOFF_MAX);

    ngx_add_timer(&link->reconnect, delay);
}


/* An outage is one line in the log. But it may begin with an end of the connection, and go on
 * because Redis does not want us: what it says, the link says that callers wait for. */
static void
ngx_http_dff_redis_tell(ngx_http_dff_redis_t *link)
{
    uint32_t  why;

    why = ngx_crc32_short((u_char *) link->reason, ngx_strlen(link->reason));

    if (link->failures == 0) {
        link->told = 0;

    } else if (!link->awaited || !link->refused || why == link->told_why
               || link->told == NGX_HTTP_DFF_REDIS_TOLD)
    {
        return;
    }

    ngx_log_error(NGX_LOG_ERR, link->log, 0, "dff: Redis link \"%s\" is %sdown: %s",
                  link->name, link->failures == 0 ? "" : "still ", link->reason);
    link->told++;
    link->told_why = why;
}


static void
ngx_http_dff_redis_reconnect_handler(ngx_event_t *ev)
{
    ngx_http_dff_redis_connect(ev->data);
}


/* Only a peer that stays is back: one that comes and goes makes one line in the log, and
 * is not asked more and more often. */
static void
ngx_http_dff_redis_steady_handler(ngx_event_t *ev)
{
    ngx_http_dff_redis_t  *link = ev->data;

    if (link->failures != 0) {
        /* at a level that is seen wherever the line of the outage is */
        ngx_log_error(NGX_LOG_ERR, link->log, 0,
                      "dff: Redis link \"%s\" is back", link->name);
    }

    link->failures = 0;
    link->backoff = NGX_HTTP_DFF_REDIS_BACKOFF_MIN;
}
