/* Questions to Redis: see the header. */
#include "ngx_http_dff_ask.h"

typedef struct {
    ngx_http_dff_ctx_t   *ctx;        /* NULL: nobody is to be told any more */
    ngx_http_dff_ask_pt   told;
    ngx_pool_cleanup_t   *cleanup;    /* of the request; void when ctx is */
    ngx_uint_t            waits_on;   /* behind a large command */
    ngx_event_t           timer;      /* holds a worker that leaves, as the request does */
} ngx_http_dff_ask_t;

static void ngx_http_dff_ask_on_reply(redisAsyncContext *ac, void *reply, void *data);
static void ngx_http_dff_ask_timer_handler(ngx_event_t *ev);
static void ngx_http_dff_ask_tell(ngx_http_dff_ask_t *ask, redisReply *reply);
static ngx_http_dff_ctx_t *ngx_http_dff_ask_cut(ngx_http_dff_ask_t *ask);
static void ngx_http_dff_ask_cleanup(void *data);


ngx_int_t
ngx_http_dff_ask(ngx_http_dff_ctx_t *ctx, ngx_http_dff_ask_pt told, ngx_msec_t patience,
    int argc, const ngx_str_t *argv)
{
    ngx_pool_cleanup_t     *cleanup;
    ngx_http_dff_ask_t     *ask;
    ngx_http_dff_worker_t  *worker = ctx->worker;

    cleanup = ngx_pool_cleanup_add(ctx->request->pool, 0);
    if (cleanup == NULL) {
        return NGX_ERROR;
    }

    ask = ngx_calloc(sizeof(ngx_http_dff_ask_t), worker->log);
    if (ask == NULL) {
        return NGX_ERROR;
    }

    if (ngx_http_dff_redis_command(&worker->commands, ngx_http_dff_ask_on_reply, ask, argc,
                                   argv)
        != NGX_OK)
    {
        ngx_free(ask);
        return NGX_ERROR;
    }

    ask->ctx = ctx;
    ask->told = told;
    ask->cleanup = cleanup;
    ask->waits_on = patience >= NGX_HTTP_DFF_ASK_PATIENCE;
    ask->timer.data = ask;
    ask->timer.handler = ngx_http_dff_ask_timer_handler;
    ask->timer.log = worker->log;
    ngx_add_timer(&ask->timer, patience);

    cleanup->handler = ngx_http_dff_ask_cleanup;
    cleanup->data = ask;

    return NGX_OK;
}


/* hiredis calls this exactly once for each command: here the question ends. */
static void
ngx_http_dff_ask_on_reply(redisAsyncContext *ac, void *data, void *privdata)
{
    ngx_http_dff_ask_t  *ask = privdata;

    ngx_http_dff_ask_tell(ask, data);
    ngx_free(ask);
}


static void
ngx_http_dff_ask_timer_handler(ngx_event_t *ev)
{
    ngx_http_dff_ask_t  *ask = ev->data;

    if (ask->waits_on
        && ngx_http_dff_redis_wait_on(&ask->ctx->worker->commands, ev,
                                      NGX_HTTP_DFF_ASK_PATIENCE))
    {
        return;
    }

    ngx_http_dff_ask_tell(ask, NULL);
}


static void
ngx_http_dff_ask_tell(ngx_http_dff_ask_t *ask, redisReply *reply)
{
    ngx_connection_t     *c;
    ngx_http_dff_ctx_t   *ctx;
    ngx_http_dff_ask_pt   told = ask->told;

    ctx = ngx_http_dff_ask_cut(ask);

    if (ctx == NULL || ctx->answered) {
        return;
    }

    /* told may end the request and its pool, never the connection's struct */
    c = ctx->request->connection;
    told(ctx, reply);
    ngx_http_run_posted_requests(c);
}


/* From here on neither knows of the other. */
static ngx_http_dff_ctx_t *
ngx_http_dff_ask_cut(ngx_http_dff_ask_t *ask)
{
    ngx_http_dff_ctx_t  *ctx = ask->ctx;

    if (ask->timer.timer_set) {
        ngx_del_timer(&ask->timer);
    }

    if (ctx != NULL) {
        ask->cleanup->handler = NULL;
        ask->ctx = NULL;
    }

    return ctx;
}


static void
ngx_http_dff_ask_cleanup(void *data)
{
    (void) ngx_http_dff_ask_cut(data);
}
