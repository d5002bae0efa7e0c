/*
 * The reply listener: see the header.
 *
 * Several BRPOPs are outstanding on one connection, so that replies come back to
 * back without a round trip between them; the stock is filled up in batches. Each
 * has a timeout, so that an idle connection shows signs of life. One that is given up is
 * closed in Redis, too, which else would go on popping into it. What was popped or
 * published into a connection that broke is asked for again after its reconnect: the
 * masters keep recent replies for that. It is asked for several times, since after a
 * restart of Redis the masters may come back later than we do.
 */
#include "ngx_http_dff_call.h"
#include "ngx_http_dff_replies.h"

#define NGX_HTTP_DFF_REPLIES_STOCK      16
#define NGX_HTTP_DFF_REPLIES_LOW        8
#define NGX_HTTP_DFF_REPLIES_TIMEOUT_S  "3"
/* ms, more than the timeout; and so much less than the 10 s for which the masters keep a reply
 * that one lost in a silent link can be asked for when the link is back, on a busy machine, too */
#define NGX_HTTP_DFF_REPLIES_SILENCE    5000
#define NGX_HTTP_DFF_REPLIES_ASK_BATCH  64      /* task ids in one message */
#define NGX_HTTP_DFF_REPLIES_ASK_RETRY  100     /* ms, while the commands link is away */

static void ngx_http_dff_replies_up(ngx_http_dff_redis_t *link);
static void ngx_http_dff_replies_begin(ngx_http_dff_redis_t *link);
static void ngx_http_dff_replies_fill(ngx_http_dff_worker_t *worker);
static void ngx_http_dff_replies_on_pop(redisAsyncContext *ac, void *reply, void *data);
static void ngx_http_dff_replies_on_message(redisAsyncContext *ac, void *reply, void *data);
static void ngx_http_dff_replies_take(ngx_http_dff_worker_t *worker, const redisReply *value);
static void ngx_http_dff_replies_reask(ngx_http_dff_worker_t *worker);
static void ngx_http_dff_replies_reask_handler(ngx_event_t *ev);
static void ngx_http_dff_replies_ask_again(ngx_http_dff_worker_t *worker);
static void ngx_http_dff_replies_publish(ngx_http_dff_worker_t *worker, u_char *text,
    u_char *last);

/* ms between reconnect and questions; the masters keep a reply for 10 s */
static const ngx_msec_t  ngx_http_dff_replies_ask_after[] = { 1, 500, 1000, 2000, 4000 };


ngx_int_t
ngx_http_dff_replies_open(ngx_http_dff_worker_t *worker, ngx_cycle_t *cycle)
{
    int                    len;
    char                  *command;
    size_t                 key_len, timeout_len;
    dff_key_t              key;
    const char            *args[3];
    size_t                 lens[3];
    ngx_http_dff_redis_t  *link = &worker->replies;

    key_len = dff_key_reply(key, ngx_http_dff_str(worker->producer));
    timeout_len = sizeof(NGX_HTTP_DFF_REPLIES_TIMEOUT_S) - 1;

    args[0] = "BRPOP";
    lens[0] = 5;
    args[1] = key;
    lens[1] = key_len;
    args[2] = NGX_HTTP_DFF_REPLIES_TIMEOUT_S;
    lens[2] = timeout_len;

    /* always the same command: its wire format is made once */
    len = redisFormatCommandArgv(&command, 3, args, lens);
    if (len < 0) {
        return NGX_ERROR;
    }

    worker->brpop.data = ngx_pnalloc(cycle->pool, len);
    if (worker->brpop.data != NULL) {
        ngx_memcpy(worker->brpop.data, command, len);
        worker->brpop.len = len;
    }

    redisFreeCommand(command);

    if (worker->brpop.data == NULL) {
        return NGX_ERROR;
    }

    link->name = "replies";
    link->peer = &worker->mcf->redis;
    link->owner = worker;
    link->stats = &worker->counters->links[NGX_HTTP_DFF_LINK_REPLIES];
    link->silence = NGX_HTTP_DFF_REPLIES_SILENCE;
    link->up = ngx_http_dff_replies_up;

    worker->former.link = link;
    worker->former.ended = ngx_http_dff_replies_begin;

    worker->reask.data = worker;
    worker->reask.handler = ngx_http_dff_replies_reask_handler;
    worker->reask.log = cycle->log;
    worker->reask.cancelable = 1;

    ngx_http_dff_redis_open(link, cycle->log);

    return NGX_OK;
}


static void
ngx_http_dff_replies_up(ngx_http_dff_redis_t *link)
{
    ngx_http_dff_worker_t  *worker = link->owner;

    ngx_http_dff_redis_former_end(&worker->former);
}


static void
ngx_http_dff_replies_begin(ngx_http_dff_redis_t *link)
{
    ngx_http_dff_worker_t  *worker = link->owner;

    worker->outstanding = 0;
    ngx_http_dff_replies_fill(worker);

    if (link->ups > 1) {
        ngx_http_dff_replies_reask(worker);
    }
}


void
ngx_http_dff_replies_subscribe(ngx_http_dff_worker_t *worker)
{
    dff_key_t   channel;
    ngx_str_t   argv[2] = { ngx_string("SUBSCRIBE"), ngx_null_string };

    argv[1].data = (u_char *) channel;
    argv[1].len = dff_key_reply(channel, ngx_http_dff_str(worker->producer));

    /* a failure is the link's, which then comes back and subscribes anew */
    (void) ngx_http_dff_redis_command(&worker->changes, ngx_http_dff_replies_on_message, worker,
                                      2, argv);

    if (worker->changes.ups > 1) {
        ngx_http_dff_replies_reask(worker);
    }
}


static void
ngx_http_dff_replies_reask(ngx_http_dff_worker_t *worker)
{
    worker->reask_round = 0;
    ngx_add_timer(&worker->reask, ngx_http_dff_replies_ask_after[0]);
}


static void
ngx_http_dff_replies_fill(ngx_http_dff_worker_t *worker)
{
    while (worker->outstanding < NGX_HTTP_DFF_REPLIES_STOCK) {

        if (ngx_http_dff_redis_formatted(&worker->replies, ngx_http_dff_replies_on_pop, worker,
                                         (char *) worker->brpop.data, worker->brpop.len)
            != NGX_OK)
        {
            return;   /* the link is going down; up() starts again */
        }

        worker->outstanding++;
    }
}


static void
ngx_http_dff_replies_on_pop(redisAsyncContext *ac, void *data, void *privdata)
{
    redisReply             *reply = data;
    ngx_http_dff_worker_t  *worker = privdata;

    if (reply == NULL) {
        return;
    }

    worker->outstanding--;

    if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 2) {
        ngx_http_dff_replies_take(worker, reply->element[1]);

    } else if (reply->type == REDIS_REPLY_ERROR) {
        /* a new connection with its backoff, not a busy loop */
        ngx_http_dff_redis_leave(&worker->replies, reply->str, (size_t) reply->len);
        return;
    }

    if (worker->outstanding <= NGX_HTTP_DFF_REPLIES_LOW
        || reply->type == REDIS_REPLY_NIL)
    {
        ngx_http_dff_replies_fill(worker);
    }
}


/* "message", channel, text; or the confirmation of the subscription. */
static void
ngx_http_dff_replies_on_message(redisAsyncContext *ac, void *data, void *privdata)
{
    redisReply  *reply = data;

    if (reply != NULL && reply->type == REDIS_REPLY_ARRAY && reply->elements == 3
        && reply->element[2]->type == REDIS_REPLY_STRING)
    {
        ngx_http_dff_replies_take(privdata, reply->element[2]);
    }
}


static void
ngx_http_dff_replies_take(ngx_http_dff_worker_t *worker, const redisReply *value)
{
    dff_err_t    err;
    dff_str_t    text = { value->str, (size_t) value->len };
    dff_reply_t  decoded;

    if (dff_reply_decode(text, &decoded, &err) == DFF_OK) {
        ngx_http_dff_call_reply(worker, &decoded, text);

    } else {
        ngx_log_error(NGX_LOG_ERR, worker->log, 0, "dff: a reply was dropped: %s",
                      err.message);
    }
}


static void
ngx_http_dff_replies_reask_handler(ngx_event_t *ev)
{
    ngx_http_dff_worker_t  *worker = ev->data;

    if (!ngx_http_dff_redis_usable(&worker->commands)) {
        ngx_add_timer(ev, NGX_HTTP_DFF_REPLIES_ASK_RETRY);
        return;
    }

    ngx_http_dff_replies_ask_again(worker);

    worker->reask_round++;

    if (worker->reask_round < sizeof(ngx_http_dff_replies_ask_after) / sizeof(ngx_msec_t)) {
        ngx_add_timer(ev, ngx_http_dff_replies_ask_after[worker->reask_round]);
    }
}


/* "reask <producer> <task> <task> …" for everything that still waits. */
static void
ngx_http_dff_replies_ask_again(ngx_http_dff_worker_t *worker)
{
    u_char              text[128 + NGX_HTTP_DFF_REPLIES_ASK_BATCH * (DFF_TASK_ID_MAX + 1)];
    u_char             *p, *head;
    ngx_str_node_t     *call;
    ngx_uint_t          n;
    ngx_rbtree_node_t  *node;

    if (worker->calls.root == worker->calls.sentinel) {
        return;
    }

    head = ngx_sprintf(text, "reask %V", &worker->producer);
    p = head;
    n = 0;

    for (node = ngx_rbtree_min(worker->calls.root, worker->calls.sentinel);
         node != NULL;
         node = ngx_rbtree_next(&worker->calls, node))
    {
        call = (ngx_str_node_t *) node;
        p = ngx_sprintf(p, " %V", &call->str);

        if (++n == NGX_HTTP_DFF_REPLIES_ASK_BATCH) {
            ngx_http_dff_replies_publish(worker, text, p);
            p = head;
            n = 0;
        }
    }

    if (n != 0) {
        ngx_http_dff_replies_publish(worker, text, p);
    }
}


static void
ngx_http_dff_replies_publish(ngx_http_dff_worker_t *worker, u_char *text, u_char *last)
{
    ngx_str_t  argv[3] = {
        ngx_string("PUBLISH"), ngx_string(DFF_CHANNEL_CHANGED), ngx_null_string
    };

    argv[2].data = text;
    argv[2].len = last - text;

    /* not sent: the next round will, or these calls end by their API timeout and their
     * results are stored */
    (void) ngx_http_dff_redis_command(&worker->commands, NULL, NULL, 3, argv);
}
