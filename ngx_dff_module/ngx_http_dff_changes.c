/*
 * The subscriber: see the header.
 *
 * While it was not connected, changes may have passed unheard: each new
 * connection voids the cache once its subscription is confirmed. A repeated SUBSCRIBE
 * serves as the sign of life of an idle connection (its answer shows that the peer
 * and everything in between is there). The replies of calls come here, too:
 * ngx_http_dff_replies.h.
 */
#include "ngx_http_dff_changes.h"
#include "ngx_http_dff_replies.h"
#include "ngx_http_dff_route_cache.h"

#define NGX_HTTP_DFF_CHANGES_KEEPALIVE  2500    /* ms between signs of life */
#define NGX_HTTP_DFF_CHANGES_SILENCE    5000    /* ms until the link is given up; replies are
                                                   published to it: see ..._replies.c */

typedef struct {
    ngx_http_dff_worker_t  *worker;
    ngx_event_t             keepalive;
    ngx_uint_t              confirmed;     /* this connection's subscription */
} ngx_http_dff_changes_t;

static void ngx_http_dff_changes_up(ngx_http_dff_redis_t *link);
static void ngx_http_dff_changes_down(ngx_http_dff_redis_t *link);
static void ngx_http_dff_changes_subscribe(ngx_http_dff_redis_t *link);
static void ngx_http_dff_changes_keepalive_handler(ngx_event_t *ev);
static void ngx_http_dff_changes_on_message(redisAsyncContext *ac, void *reply, void *data);
static void ngx_http_dff_changes_apply(ngx_http_dff_worker_t *worker, ngx_str_t *text);


void
ngx_http_dff_changes_open(ngx_http_dff_worker_t *worker, ngx_cycle_t *cycle)
{
    ngx_http_dff_redis_t    *link = &worker->changes;
    ngx_http_dff_changes_t  *changes;

    changes = ngx_pcalloc(cycle->pool, sizeof(ngx_http_dff_changes_t));
    if (changes == NULL) {
        /* the maximum age of the cache still holds */
        ngx_log_error(NGX_LOG_ERR, cycle->log, 0, "dff: no memory to subscribe to changes");
        return;
    }

    changes->worker = worker;
    changes->keepalive.data = link;
    changes->keepalive.handler = ngx_http_dff_changes_keepalive_handler;
    changes->keepalive.log = cycle->log;
    changes->keepalive.cancelable = 1;

    link->name = "changes";
    link->peer = &worker->mcf->redis;
    link->owner = changes;
    link->stats = &worker->counters->links[NGX_HTTP_DFF_LINK_CHANGES];
    link->silence = NGX_HTTP_DFF_CHANGES_SILENCE;
    link->up = ngx_http_dff_changes_up;
    link->down = ngx_http_dff_changes_down;

    ngx_http_dff_redis_open(link, cycle->log);
}


static void
ngx_http_dff_changes_up(ngx_http_dff_redis_t *link)
{
    ngx_http_dff_changes_t  *changes = link->owner;

    changes->confirmed = 0;
    ngx_http_dff_changes_subscribe(link);
    ngx_http_dff_replies_subscribe(changes->worker);
    ngx_add_timer(&changes->keepalive, NGX_HTTP_DFF_CHANGES_KEEPALIVE);
}


static void
ngx_http_dff_changes_down(ngx_http_dff_redis_t *link)
{
    ngx_http_dff_changes_t  *changes = link->owner;

    if (changes->keepalive.timer_set) {
        ngx_del_timer(&changes->keepalive);
    }
}


static void
ngx_http_dff_changes_keepalive_handler(ngx_event_t *ev)
{
    ngx_http_dff_changes_subscribe(ev->data);
    ngx_add_timer(ev, NGX_HTTP_DFF_CHANGES_KEEPALIVE);
}


static void
ngx_http_dff_changes_subscribe(ngx_http_dff_redis_t *link)
{
    ngx_str_t  argv[2] = { ngx_string("SUBSCRIBE"), ngx_string(DFF_CHANNEL_CHANGED) };

    /* a failure is the link's, which then comes back and subscribes anew */
    (void) ngx_http_dff_redis_command(link, ngx_http_dff_changes_on_message, link, 2, argv);
}


static void
ngx_http_dff_changes_on_message(redisAsyncContext *ac, void *data, void *privdata)
{
    redisReply              *reply = data;
    ngx_str_t                text;
    ngx_http_dff_redis_t    *link = privdata;
    ngx_http_dff_changes_t  *changes = link->owner;

    if (reply == NULL || reply->type != REDIS_REPLY_ARRAY || reply->elements != 3) {
        return;
    }

    if (reply->element[2]->type == REDIS_REPLY_STRING) {
        text.data = (u_char *) reply->element[2]->str;
        text.len = reply->element[2]->len;
        ngx_http_dff_changes_apply(changes->worker, &text);
        return;
    }

    if (!changes->confirmed) {
        changes->confirmed = 1;
        ngx_http_dff_route_cache_forget_all(changes->worker->mcf->routes);
    }
}


/* "route al <id>", "route bat <id>", "flush"; the rest is not for us. */
static void
ngx_http_dff_changes_apply(ngx_http_dff_worker_t *worker, ngx_str_t *text)
{
    size_t      len;
    ngx_str_t   id;
    ngx_uint_t  kind;
    u_char      prefix[32];

    if (text->len == 5 && ngx_memcmp(text->data, "flush", 5) == 0) {
        ngx_http_dff_route_cache_forget_all(worker->mcf->routes);
        return;
    }

    for (kind = 0; kind < DFF_ROUTE_KIND_COUNT; kind++) {
        len = ngx_snprintf(prefix, sizeof(prefix), "route %s ", dff_route_kind_name(kind))
              - prefix;

        if (text->len > len && ngx_memcmp(text->data, prefix, len) == 0) {
            id.data = text->data + len;
            id.len = text->len - len;
            ngx_http_dff_route_cache_forget(worker->mcf->routes, kind, &id);
            return;
        }
    }
}
