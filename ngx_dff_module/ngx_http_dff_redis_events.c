/* hiredis's wishes as events of nginx: see the header. */
#include "ngx_http_dff_redis_events.h"

#include "dff_redis_out.h"

#define NGX_HTTP_DFF_REDIS_PROGRESS  (16 * 1024)   /* bytes of a long reply that count as one */
#define NGX_HTTP_DFF_REDIS_PACE      (10 * 1024)   /* bytes of a large command for each ms that
                                                      Redis may take for it */

static void ngx_http_dff_redis_read_handler(ngx_event_t *ev);
static void ngx_http_dff_redis_write_handler(ngx_event_t *ev);
static void ngx_http_dff_redis_flush_handler(ngx_event_t *ev);
static ngx_msec_t ngx_http_dff_redis_silence(const ngx_http_dff_redis_t *link);

static void ngx_http_dff_redis_add_read(void *data);
static void ngx_http_dff_redis_del_read(void *data);
static void ngx_http_dff_redis_add_write(void *data);
static void ngx_http_dff_redis_del_write(void *data);
static void ngx_http_dff_redis_cleanup(void *data);


void
ngx_http_dff_redis_attach(ngx_http_dff_redis_t *link)
{
    ngx_connection_t   *c = link->connection;
    redisAsyncContext  *ac = link->context;

    link->flush.data = link;
    link->flush.handler = ngx_http_dff_redis_flush_handler;
    link->flush.log = link->log;

    c->data = link;
    c->log = link->log;
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
}


static void
ngx_http_dff_redis_read_handler(ngx_event_t *ev)
{
    size_t                 buffered;
    ngx_uint_t             answers;
    ngx_connection_t      *c = ev->data;
    ngx_http_dff_redis_t  *link = c->data;

    answers = link->answers;

    redisAsyncHandleRead(link->context);

    if (link->context == NULL) {
        return;
    }

    buffered = link->context->c.reader->len;

    if (answers != link->answers || buffered >= link->buffered + NGX_HTTP_DFF_REDIS_PROGRESS) {
        link->progress = ngx_current_msec;
        link->buffered = buffered;
    }

    if (link->state == NGX_HTTP_DFF_REDIS_LEAVING && link->context->replies.head == NULL) {
        redisAsyncFree(link->context);
    }
}


/* With the time that a large command may take. */
static ngx_msec_t
ngx_http_dff_redis_silence(const ngx_http_dff_redis_t *link)
{
    if (!ngx_http_dff_redis_busy(link)) {
        return link->silence;
    }

    return link->silence + link->heavy / NGX_HTTP_DFF_REDIS_PACE;
}


void
ngx_http_dff_redis_watch_handler(ngx_event_t *ev)
{
    u_char                 text[64];
    ngx_msec_t             idle, silence;
    ngx_http_dff_redis_t  *link = ev->data;

    if (link->context == NULL) {
        return;
    }

    if (link->state == NGX_HTTP_DFF_REDIS_UP) {

        if (link->context->replies.head == NULL
            && !(link->context->c.flags & REDIS_SUBSCRIBED))
        {
            return;   /* nothing is due; the next command arms the timer */
        }

        idle = ngx_current_msec - link->progress;
        silence = ngx_http_dff_redis_silence(link);

        if (idle >= silence) {
            /* the answer may have come, and wait behind thousands of clients that are
             * ready to be read too: epoll hands out 512 of them in one turn */
            link->connection->read->handler(link->connection->read);

            if (link->context == NULL || link->state != NGX_HTTP_DFF_REDIS_UP) {
                return;   /* ended, or told to leave, by what it has read */
            }

            if (ngx_http_dff_redis_busy(link)
                && dff_redis_out_moves(&link->context->c, &link->out))
            {
                link->progress = ngx_current_msec;
            }

            idle = ngx_current_msec - link->progress;
            silence = ngx_http_dff_redis_silence(link);
        }

        if (idle < silence) {
            /* no later than for a small command, which may be all that is due then */
            ngx_add_timer(ev, ngx_min(silence - idle, link->silence));
            return;
        }

    } else {
        idle = NGX_HTTP_DFF_REDIS_CONNECT_TIMEOUT;
    }

    (void) ngx_snprintf(text, sizeof(text), "no answer for %M ms%Z", idle);
    ngx_http_dff_redis_blame(link, (char *) text);
    redisAsyncFree(link->context);
}


void
ngx_http_dff_redis_write(ngx_http_dff_redis_t *link)
{
    redisContext  *c = &link->context->c;

    /* a wish to write that comes up in here means that the socket is full */
    link->writing = 1;

    if (!(c->flags & REDIS_CONNECTED)) {
        redisAsyncHandleWrite(link->context);

    } else {
        switch (dff_redis_out_write(c, &link->out)) {

        case DFF_REDIS_OUT_EMPTY:
            ngx_http_dff_redis_del_write(link);
            break;

        case DFF_REDIS_OUT_MORE:
            ngx_http_dff_redis_add_write(link);
            break;

        case DFF_REDIS_OUT_BROKEN:
            ngx_http_dff_redis_blame(link, strerror(errno));
            redisAsyncFree(link->context);
            break;
        }
    }

    link->writing = 0;
}


static void
ngx_http_dff_redis_write_handler(ngx_event_t *ev)
{
    ngx_connection_t  *c = ev->data;

    ngx_http_dff_redis_write(c->data);
}


void
ngx_http_dff_redis_before_flush(ngx_http_dff_redis_t *link, ngx_event_t *ev)
{
    ngx_post_event(ev, &ngx_posted_events);

    if (link->flush.posted) {
        ngx_delete_posted_event(&link->flush);
        ngx_post_event(&link->flush, &ngx_posted_events);
    }
}


static void
ngx_http_dff_redis_flush_handler(ngx_event_t *ev)
{
    ngx_http_dff_redis_t  *link = ev->data;

    if (link->context != NULL) {
        ngx_http_dff_redis_write(link);
    }
}


static void
ngx_http_dff_redis_add_read(void *data)
{
    ngx_http_dff_redis_t  *link = data;

    if (!link->connection->read->active
        && ngx_add_event(link->connection->read, NGX_READ_EVENT, NGX_LEVEL_EVENT) != NGX_OK)
    {
        ngx_log_error(NGX_LOG_ALERT, link->log, 0,
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
            ngx_add_timer(&link->watch, link->silence);
        }

        return;
    }

    if (!c->write->active
        && ngx_add_event(c->write, NGX_WRITE_EVENT, NGX_LEVEL_EVENT) != NGX_OK)
    {
        ngx_log_error(NGX_LOG_ALERT, link->log, 0,
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
        ngx_http_dff_redis_blame(link, link->context->c.errstr);
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

    ngx_free_connection(c);
    c->fd = (ngx_socket_t) -1;

    link->connection = NULL;
    link->context = NULL;
    link->writing = 0;

    ngx_http_dff_redis_ended(link);
}
