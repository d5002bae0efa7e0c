/*
 * Gathering and bringing of statistics: see the header.
 *
 * A link that was called since the last flush has one entry: a count, and the newest
 * calls in a ring (an older one would be cut from the list in Redis anyway). Entries
 * leave oldest first, some at a time, so that calls do not queue up behind them on the
 * connection.
 */
#include "ngx_http_dff_drain.h"
#include "ngx_http_dff_stat.h"

#define NGX_HTTP_DFF_STAT_EVERY       1000    /* ms that an entry gathers */
#define NGX_HTTP_DFF_STAT_STEP          64    /* entries that leave at a time, … */
#define NGX_HTTP_DFF_STAT_PAUSE         20    /* … with so many ms between */
#define NGX_HTTP_DFF_STAT_LINKS       1024    /* entries; some 3 KB each */
#define NGX_HTTP_DFF_STAT_RECENT       101    /* calls kept of a link */
#define NGX_HTTP_DFF_STAT_PUSH          64    /* calls in one LPUSH */
#define NGX_HTTP_DFF_STAT_DAYS           7    /* kept */
#define NGX_HTTP_DFF_STAT_TTL     "691200"    /* s: 8 days after the last call */
#define NGX_HTTP_DFF_STAT_CLOSE        200    /* ms that a worker that leaves waits */

/* "[<Unix ms>,<cost ms>,"<reason>.<sub>"]"; both are names of ours */
#define NGX_HTTP_DFF_STAT_TEXT  (2 * NGX_INT64_LEN + 128)

typedef struct {
    int64_t      ended_at_ms;   /* Unix time */
    ngx_msec_t   cost;
    const char  *outcome;       /* constant texts */
    const char  *sub;           /* NULL: none */
} ngx_http_dff_stat_call_t;

typedef struct {
    ngx_str_node_t            node;      /* "al:auln-…" */
    ngx_queue_t               queue;     /* in stat->oldest */
    dff_route_kind_t          kind;
    ngx_str_t                 id;        /* the end of node.str */
    int64_t                   day;       /* of all its calls: local days since 1970 */
    ngx_uint_t                calls;     /* call n is in recent[n % …] */
    ngx_http_dff_stat_call_t  recent[NGX_HTTP_DFF_STAT_RECENT];
    u_char                    name[];
} ngx_http_dff_stat_link_t;

struct ngx_http_dff_stat_s {
    ngx_http_dff_worker_t  *worker;
    ngx_rbtree_t            links;
    ngx_rbtree_node_t       sentinel;
    ngx_queue_t             oldest;      /* the entry that is longest here first */
    ngx_uint_t              nlinks;
    ngx_uint_t              dropped;     /* calls, since the last flush */
    ngx_event_t             timer;       /* runs while there are entries */
};

static void ngx_http_dff_stat_cleanup(void *data);
static void ngx_http_dff_stat_count(ngx_http_dff_stat_t *stat, ngx_http_dff_ctx_t *ctx);
static ngx_http_dff_stat_link_t *ngx_http_dff_stat_get(ngx_http_dff_stat_t *stat,
    ngx_http_dff_ctx_t *ctx, int64_t day);
static ngx_http_dff_stat_link_t *ngx_http_dff_stat_add(ngx_http_dff_stat_t *stat,
    ngx_str_t *name, ngx_http_dff_ctx_t *ctx);
static void ngx_http_dff_stat_timer_handler(ngx_event_t *ev);
static ngx_int_t ngx_http_dff_stat_flush(ngx_http_dff_stat_t *stat, ngx_uint_t count);
static ngx_int_t ngx_http_dff_stat_send(ngx_http_dff_stat_t *stat,
    ngx_http_dff_stat_link_t *link);
static ngx_int_t ngx_http_dff_stat_send_count(ngx_http_dff_worker_t *worker,
    ngx_http_dff_stat_link_t *link);
static ngx_int_t ngx_http_dff_stat_send_recent(ngx_http_dff_worker_t *worker,
    ngx_http_dff_stat_link_t *link);
static ngx_int_t ngx_http_dff_stat_expire(ngx_http_dff_worker_t *worker, ngx_str_t *key);
static size_t ngx_http_dff_stat_date(u_char *date, int64_t day);
static void ngx_http_dff_stat_remove(ngx_http_dff_stat_t *stat,
    ngx_http_dff_stat_link_t *link);


ngx_http_dff_stat_t *
ngx_http_dff_stat_new(ngx_http_dff_worker_t *worker, ngx_cycle_t *cycle)
{
    ngx_http_dff_stat_t  *stat;

    stat = ngx_pcalloc(cycle->pool, sizeof(ngx_http_dff_stat_t));
    if (stat == NULL) {
        return NULL;
    }

    stat->worker = worker;
    ngx_rbtree_init(&stat->links, &stat->sentinel, ngx_str_rbtree_insert_value);
    ngx_queue_init(&stat->oldest);

    stat->timer.data = stat;
    stat->timer.handler = ngx_http_dff_stat_timer_handler;
    stat->timer.log = cycle->log;
    stat->timer.cancelable = 1;     /* a worker that leaves sends the rest: _close() */

    return stat;
}


void
ngx_http_dff_stat_close(ngx_http_dff_stat_t *stat)
{
    ngx_http_dff_stat_link_t  *link;

    if (stat->timer.timer_set) {
        ngx_del_timer(&stat->timer);
    }

    (void) ngx_http_dff_stat_flush(stat, stat->nlinks);
    ngx_http_dff_drain(&stat->worker->commands, NGX_HTTP_DFF_STAT_CLOSE);

    while (!ngx_queue_empty(&stat->oldest)) {
        link = ngx_queue_data(ngx_queue_head(&stat->oldest), ngx_http_dff_stat_link_t, queue);
        ngx_http_dff_stat_remove(stat, link);
    }
}


ngx_int_t
ngx_http_dff_stat_stage(ngx_http_dff_ctx_t *ctx)
{
    ngx_pool_cleanup_t  *cleanup;

    /* the end of the request, and not the answer: clients may leave without one */
    cleanup = ngx_pool_cleanup_add(ctx->request->pool, 0);
    if (cleanup != NULL) {
        cleanup->handler = ngx_http_dff_stat_cleanup;
        cleanup->data = ctx;
    }

    return NGX_OK;
}


static void
ngx_http_dff_stat_cleanup(void *data)
{
    ngx_http_dff_ctx_t  *ctx = data;

    if (ctx->outcome == NULL) {
        /* what the management list has always called a call without an answer */
        ctx->outcome = "UnknowError";
        ctx->cost = ngx_http_dff_elapsed(ctx);
    }

    ngx_http_dff_stat_count(ctx->worker->stat, ctx);
}


static void
ngx_http_dff_stat_count(ngx_http_dff_stat_t *stat, ngx_http_dff_ctx_t *ctx)
{
    int64_t                    now_s = (int64_t) ngx_time();
    ngx_http_dff_stat_link_t  *link;
    ngx_http_dff_stat_call_t  *call;

    link = ngx_http_dff_stat_get(stat, ctx,
                                 (now_s + dff_tz_offset(&stat->worker->line.tz, now_s)) / 86400);
    if (link == NULL) {
        stat->dropped++;
        return;
    }

    call = &link->recent[link->calls++ % NGX_HTTP_DFF_STAT_RECENT];
    call->ended_at_ms = now_s * 1000 + (int64_t) ngx_timeofday()->msec;
    call->cost = ctx->cost;
    call->outcome = ctx->outcome;
    call->sub = ctx->outcome_sub;

    if (!stat->timer.timer_set) {
        ngx_add_timer(&stat->timer, NGX_HTTP_DFF_STAT_EVERY);
    }
}


/* The entry of the call's link and of this day. NULL: there is no room. */
static ngx_http_dff_stat_link_t *
ngx_http_dff_stat_get(ngx_http_dff_stat_t *stat, ngx_http_dff_ctx_t *ctx, int64_t day)
{
    u_char                     buffer[DFF_KEY_MAX];
    uint32_t                   hash;
    ngx_str_t                  name;
    ngx_http_dff_stat_link_t  *link;

    name.data = buffer;
    name.len = ngx_snprintf(buffer, sizeof(buffer), "%s:%V", dff_route_kind_name(ctx->kind),
                            &ctx->link_id)
               - buffer;
    hash = ngx_murmur_hash2(name.data, name.len);

    link = (ngx_http_dff_stat_link_t *) ngx_str_rbtree_lookup(&stat->links, &name, hash);

    if (link != NULL) {
        if (link->day == day) {
            return link;
        }

        /* midnight: what it holds goes as it is */
        if (ngx_http_dff_stat_send(stat, link) != NGX_OK) {
            stat->dropped += link->calls;
        }
        link->calls = 0;
        link->day = day;
        return link;
    }

    if (stat->nlinks == NGX_HTTP_DFF_STAT_LINKS && ngx_http_dff_stat_flush(stat, 1) != NGX_OK) {
        return NULL;
    }

    link = ngx_http_dff_stat_add(stat, &name, ctx);
    if (link != NULL) {
        link->day = day;
        link->node.node.key = hash;
        ngx_rbtree_insert(&stat->links, &link->node.node);
    }

    return link;
}


static ngx_http_dff_stat_link_t *
ngx_http_dff_stat_add(ngx_http_dff_stat_t *stat, ngx_str_t *name, ngx_http_dff_ctx_t *ctx)
{
    ngx_http_dff_stat_link_t  *link;

    link = ngx_alloc(sizeof(ngx_http_dff_stat_link_t) + name->len, stat->worker->log);
    if (link == NULL) {
        return NULL;
    }

    ngx_memcpy(link->name, name->data, name->len);
    link->node.str.data = link->name;
    link->node.str.len = name->len;
    link->id.data = link->name + name->len - ctx->link_id.len;
    link->id.len = ctx->link_id.len;
    link->kind = ctx->kind;
    link->calls = 0;

    ngx_queue_insert_tail(&stat->oldest, &link->queue);
    stat->nlinks++;

    return link;
}


static void
ngx_http_dff_stat_timer_handler(ngx_event_t *ev)
{
    ngx_msec_t            next;
    ngx_http_dff_stat_t  *stat = ev->data;

    next = NGX_HTTP_DFF_STAT_PAUSE;

    if (ngx_http_dff_stat_flush(stat, NGX_HTTP_DFF_STAT_STEP) != NGX_OK) {
        next = NGX_HTTP_DFF_STAT_EVERY;     /* Redis is away: what there is waits */

    } else if (stat->dropped != 0) {
        ngx_log_error(NGX_LOG_WARN, stat->worker->log, 0,
                      "dff: the statistics of %ui calls were dropped while Redis was away",
                      stat->dropped);
        stat->dropped = 0;
    }

    if (stat->nlinks != 0) {
        ngx_add_timer(&stat->timer, next);
    }
}


/* Sends the oldest entries. NGX_ERROR: Redis is away, the rest stays. */
static ngx_int_t
ngx_http_dff_stat_flush(ngx_http_dff_stat_t *stat, ngx_uint_t count)
{
    ngx_http_dff_stat_link_t  *link;

    for ( /* void */ ; count != 0 && !ngx_queue_empty(&stat->oldest); count--) {

        link = ngx_queue_data(ngx_queue_head(&stat->oldest), ngx_http_dff_stat_link_t, queue);

        if (ngx_http_dff_stat_send(stat, link) != NGX_OK) {
            return NGX_ERROR;
        }

        ngx_http_dff_stat_remove(stat, link);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_dff_stat_send(ngx_http_dff_stat_t *stat, ngx_http_dff_stat_link_t *link)
{
    if (ngx_http_dff_stat_send_count(stat->worker, link) != NGX_OK) {
        return NGX_ERROR;
    }

    /* not sent after the count was: a link that breaks just now; counted once */
    (void) ngx_http_dff_stat_send_recent(stat->worker, link);

    return NGX_OK;
}


/* HINCRBY of the day, and HDEL of those that are too old. */
static ngx_int_t
ngx_http_dff_stat_send_count(ngx_http_dff_worker_t *worker, ngx_http_dff_stat_link_t *link)
{
    u_char      number[NGX_INT_T_LEN], dates[NGX_HTTP_DFF_STAT_DAYS + 1][DFF_TIME_ISO_SIZE];
    dff_key_t   key;
    ngx_str_t   argv[4 + NGX_HTTP_DFF_STAT_DAYS];
    ngx_uint_t  i;

    ngx_str_set(&argv[0], "HINCRBY");
    argv[1].data = (u_char *) key;
    argv[1].len = dff_key_stat_count(key, dff_route_kind_name(link->kind),
                                     ngx_http_dff_str(link->id));
    argv[2].data = dates[0];
    argv[2].len = ngx_http_dff_stat_date(dates[0], link->day);
    argv[3].data = number;
    argv[3].len = ngx_sprintf(number, "%ui", link->calls) - number;

    if (ngx_http_dff_redis_command(&worker->commands, NULL, NULL, 4, argv) != NGX_OK) {
        return NGX_ERROR;
    }

    /* The hash lives 8 days after its last change, which has removed what was too old
     * then: nothing in it can be older than two weeks. */
    ngx_str_set(&argv[0], "HDEL");
    for (i = 0; i <= NGX_HTTP_DFF_STAT_DAYS; i++) {
        argv[2 + i].data = dates[i];
        argv[2 + i].len = ngx_http_dff_stat_date(dates[i], link->day - NGX_HTTP_DFF_STAT_DAYS
                                                           - (int64_t) i);
    }

    (void) ngx_http_dff_redis_command(&worker->commands, NULL, NULL,
                                      3 + NGX_HTTP_DFF_STAT_DAYS, argv);

    return ngx_http_dff_stat_expire(worker, &argv[1]);
}


static ngx_int_t
ngx_http_dff_stat_send_recent(ngx_http_dff_worker_t *worker, ngx_http_dff_stat_link_t *link)
{
    u_char                     texts[NGX_HTTP_DFF_STAT_PUSH][NGX_HTTP_DFF_STAT_TEXT];
    dff_key_t                  key;
    ngx_str_t                  argv[2 + NGX_HTTP_DFF_STAT_PUSH], trim[4];
    ngx_uint_t                 i, n;
    ngx_http_dff_stat_call_t  *call;

    ngx_str_set(&argv[0], "LPUSH");
    argv[1].data = (u_char *) key;
    argv[1].len = dff_key_stat_recent(key, dff_route_kind_name(link->kind),
                                      ngx_http_dff_str(link->id));

    i = link->calls > NGX_HTTP_DFF_STAT_RECENT ? link->calls - NGX_HTTP_DFF_STAT_RECENT : 0;

    while (i < link->calls) {

        for (n = 0; n < NGX_HTTP_DFF_STAT_PUSH && i < link->calls; n++, i++) {
            call = &link->recent[i % NGX_HTTP_DFF_STAT_RECENT];
            argv[2 + n].data = texts[n];
            argv[2 + n].len = ngx_snprintf(texts[n], NGX_HTTP_DFF_STAT_TEXT,
                                           "[%L,%M,\"%s%s%s\"]", call->ended_at_ms, call->cost,
                                           call->outcome, call->sub == NULL ? "" : ".",
                                           call->sub == NULL ? "" : call->sub)
                              - texts[n];
        }

        if (ngx_http_dff_redis_command(&worker->commands, NULL, NULL, (int) (2 + n), argv)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    ngx_str_set(&trim[0], "LTRIM");
    trim[1] = argv[1];
    ngx_str_set(&trim[2], "0");
    ngx_str_set(&trim[3], "100");
    (void) ngx_http_dff_redis_command(&worker->commands, NULL, NULL, 4, trim);

    return ngx_http_dff_stat_expire(worker, &argv[1]);
}


static ngx_int_t
ngx_http_dff_stat_expire(ngx_http_dff_worker_t *worker, ngx_str_t *key)
{
    ngx_str_t  argv[3] = {
        ngx_string("EXPIRE"), ngx_null_string, ngx_string(NGX_HTTP_DFF_STAT_TTL)
    };

    argv[1] = *key;

    return ngx_http_dff_redis_command(&worker->commands, NULL, NULL, 3, argv);
}


/* "2021-10-14" */
static size_t
ngx_http_dff_stat_date(u_char *date, int64_t day)
{
    (void) dff_time_iso_utc((char *) date, day * 86400 * 1000);

    return sizeof("2021-10-14") - 1;
}


static void
ngx_http_dff_stat_remove(ngx_http_dff_stat_t *stat, ngx_http_dff_stat_link_t *link)
{
    ngx_rbtree_delete(&stat->links, &link->node.node);
    ngx_queue_remove(&link->queue);
    stat->nlinks--;
    ngx_free(link);
}
