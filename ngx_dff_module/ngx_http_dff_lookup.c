/* Finding a route: see the header. */
#include "ngx_http_dff_answer.h"
#include "ngx_http_dff_dump.h"
#include "ngx_http_dff_lookup.h"
#include "ngx_http_dff_route_cache.h"
#include "ngx_http_dff_stages.h"

#define NGX_HTTP_DFF_LOOKUP_PATIENCE  1000    /* ms: callers hear 503 within a second or so */

/* A question to Redis under way. Outlives the requests that wait for it. */
typedef struct {
    ngx_str_node_t          node;      /* "al:auln-…" */
    ngx_queue_t             waiters;
    ngx_event_t             timer;     /* patience of the first who asked */
    ngx_uint_t              late;      /* out of the tree: nobody waits any more */
    ngx_http_dff_worker_t  *worker;
    dff_route_kind_t        kind;
    ngx_str_t               id;        /* the end of node.str */
    ngx_uint_t              ticket;    /* of the route cache */
    u_char                  name[];
} ngx_http_dff_question_t;

/* A request that waits; lives in its pool and leaves the queue with it. */
typedef struct {
    ngx_queue_t          queue;
    ngx_http_dff_ctx_t  *ctx;
    ngx_uint_t           queued;
} ngx_http_dff_waiter_t;

static ngx_int_t ngx_http_dff_lookup_find(ngx_http_dff_ctx_t *ctx);
static ngx_int_t ngx_http_dff_lookup_told(ngx_http_dff_ctx_t *ctx, ngx_int_t rc);
static ngx_http_dff_question_t *ngx_http_dff_lookup_ask(ngx_http_dff_ctx_t *ctx,
    ngx_uint_t ticket, ngx_str_t *name);
static void ngx_http_dff_lookup_on_reply(redisAsyncContext *ac, void *reply, void *data);
static void ngx_http_dff_lookup_timer_handler(ngx_event_t *ev);
static void ngx_http_dff_lookup_tell(ngx_http_dff_question_t *question, ngx_int_t rc,
    const void *block, size_t size);
static ngx_int_t ngx_http_dff_lookup_read(ngx_http_dff_question_t *question,
    redisReply *reply, void **block, size_t *size);
static ngx_int_t ngx_http_dff_lookup_take(ngx_http_dff_ctx_t *ctx, const void *block,
    size_t size);
static void ngx_http_dff_lookup_cleanup(void *data);


ngx_int_t
ngx_http_dff_lookup_stage(ngx_http_dff_ctx_t *ctx)
{
    ngx_int_t  rc;

    rc = ngx_http_dff_lookup_find(ctx);

    return rc == NGX_AGAIN ? NGX_AGAIN : ngx_http_dff_lookup_told(ctx, rc);
}


/* What the outcome of a lookup means for the call: NGX_OK or NGX_DONE. */
static ngx_int_t
ngx_http_dff_lookup_told(ngx_http_dff_ctx_t *ctx, ngx_int_t rc)
{
    if (rc == NGX_OK) {
        return NGX_OK;
    }

    if (rc == NGX_DECLINED) {
        return ngx_http_dff_lookup_missing(ctx);
    }

    if (rc == NGX_ABORT) {
        ngx_http_dff_answer_away(ctx, &ctx->worker->commands, "refused", NULL);
    } else {
        ngx_http_dff_answer_error(ctx, DFF_E_SYS, NULL, NULL, NULL);
    }

    return NGX_DONE;
}


ngx_int_t
ngx_http_dff_lookup_missing(ngx_http_dff_ctx_t *ctx)
{
    static const char  *messages[DFF_ROUTE_KIND_COUNT] = {
        [DFF_ROUTE_AUTH_LINK] = "No such Auth Link",
        [DFF_ROUTE_BATCH] = "No such Batch"
    };

    ngx_http_dff_answer_error(ctx, DFF_E_CLIENT_NOT_FOUND, NULL, messages[ctx->kind],
                              json_pack("{s:o}", "id",
                                        ngx_http_dff_dump_text(ctx->link_id.data,
                                                               ctx->link_id.len)));
    return NGX_DONE;
}


/* NGX_OK: ctx->route is filled. NGX_DECLINED: no such link. NGX_AGAIN: asked. NGX_ABORT:
 * Redis cannot be asked. NGX_ERROR: no memory, or what Redis holds is no route. */
static ngx_int_t
ngx_http_dff_lookup_find(ngx_http_dff_ctx_t *ctx)
{
    uint32_t                  hash;
    u_char                    buffer[DFF_KEY_MAX];
    ngx_int_t                 rc;
    ngx_str_t                 name;
    ngx_uint_t                ticket;
    ngx_pool_t               *pool;
    ngx_pool_cleanup_t       *cleanup;
    ngx_http_dff_waiter_t    *waiter;
    ngx_http_dff_worker_t    *worker;
    ngx_http_dff_question_t  *question;

    pool = ctx->request->pool;
    worker = ctx->worker;

    rc = ngx_http_dff_route_cache_find(worker->mcf->routes, ctx->kind, &ctx->link_id, pool,
                                       &ctx->route, &ticket);
    if (rc != NGX_AGAIN) {
        return rc;
    }

    cleanup = ngx_pool_cleanup_add(pool, sizeof(ngx_http_dff_waiter_t));
    if (cleanup == NULL) {
        return NGX_ERROR;
    }

    waiter = cleanup->data;
    waiter->ctx = ctx;
    waiter->queued = 0;

    name.data = buffer;
    name.len = ngx_snprintf(buffer, sizeof(buffer), "%s:%V", dff_route_kind_name(ctx->kind),
                            &ctx->link_id)
               - buffer;
    hash = ngx_murmur_hash2(name.data, name.len);

    question = (ngx_http_dff_question_t *) ngx_str_rbtree_lookup(&worker->lookups, &name, hash);

    if (question == NULL) {
        question = ngx_http_dff_lookup_ask(ctx, ticket, &name);
        if (question == NULL) {
            return NGX_ABORT;
        }
        question->node.node.key = hash;
        ngx_rbtree_insert(&worker->lookups, &question->node.node);
    }

    ngx_queue_insert_tail(&question->waiters, &waiter->queue);
    waiter->queued = 1;
    cleanup->handler = ngx_http_dff_lookup_cleanup;

    return NGX_AGAIN;
}


static ngx_http_dff_question_t *
ngx_http_dff_lookup_ask(ngx_http_dff_ctx_t *ctx, ngx_uint_t ticket, ngx_str_t *name)
{
    dff_key_t                 key;
    ngx_str_t                 argv[2] = { ngx_string("GET"), ngx_null_string };
    ngx_http_dff_question_t  *question;

    question = ngx_calloc(sizeof(ngx_http_dff_question_t) + name->len, ctx->worker->log);
    if (question == NULL) {
        return NULL;
    }

    ngx_memcpy(question->name, name->data, name->len);
    question->node.str.data = question->name;
    question->node.str.len = name->len;
    question->id.len = ctx->link_id.len;
    question->id.data = question->name + name->len - ctx->link_id.len;
    question->kind = ctx->kind;
    question->worker = ctx->worker;
    question->ticket = ticket;
    ngx_queue_init(&question->waiters);

    argv[1].len = dff_key_route(key, dff_route_kind_name(ctx->kind),
                                ngx_http_dff_str(ctx->link_id));
    argv[1].data = (u_char *) key;

    if (ngx_http_dff_redis_command(&ctx->worker->commands, ngx_http_dff_lookup_on_reply,
                                   question, 2, argv)
        != NGX_OK)
    {
        ngx_free(question);
        return NULL;
    }

    question->timer.data = question;
    question->timer.handler = ngx_http_dff_lookup_timer_handler;
    question->timer.log = ctx->worker->log;
    ngx_add_timer(&question->timer, NGX_HTTP_DFF_LOOKUP_PATIENCE);

    return question;
}


static void
ngx_http_dff_lookup_on_reply(redisAsyncContext *ac, void *data, void *privdata)
{
    void                     *block;
    size_t                    size;
    ngx_int_t                 rc;
    ngx_http_dff_question_t  *question = privdata;

    block = NULL;
    size = 0;

    rc = ngx_http_dff_lookup_read(question, data, &block, &size);

    if (rc == NGX_OK || rc == NGX_DECLINED) {
        ngx_http_dff_route_cache_store(question->worker->mcf->routes, question->kind,
                                       &question->id, block, size, question->ticket);
    }

    if (!question->late) {
        ngx_http_dff_lookup_tell(question, rc, block, size);
    }

    free(block);
    ngx_free(question);
}


/* The waiters go, the question stays until hiredis has called it back. */
static void
ngx_http_dff_lookup_timer_handler(ngx_event_t *ev)
{
    ngx_http_dff_question_t  *question = ev->data;

    if (ngx_http_dff_redis_wait_on(&question->worker->commands, ev,
                                   NGX_HTTP_DFF_LOOKUP_PATIENCE))
    {
        return;
    }

    question->late = 1;
    ngx_http_dff_lookup_tell(question, NGX_ABORT, NULL, 0);
}


static void
ngx_http_dff_lookup_tell(ngx_http_dff_question_t *question, ngx_int_t rc, const void *block,
    size_t size)
{
    ngx_int_t               taken;
    ngx_queue_t            *q;
    ngx_connection_t       *c;
    ngx_http_dff_waiter_t  *waiter;

    if (question->timer.timer_set) {
        ngx_del_timer(&question->timer);
    }

    /* first out of the tree: a waiter may ask for the same link again */
    ngx_rbtree_delete(&question->worker->lookups, &question->node.node);

    while (!ngx_queue_empty(&question->waiters)) {

        q = ngx_queue_head(&question->waiters);
        ngx_queue_remove(q);

        waiter = ngx_queue_data(q, ngx_http_dff_waiter_t, queue);
        waiter->queued = 0;

        taken = rc == NGX_OK ? ngx_http_dff_lookup_take(waiter->ctx, block, size) : rc;

        /* this may end the request and its pool, never the connection's struct */
        c = waiter->ctx->request->connection;
        if (ngx_http_dff_lookup_told(waiter->ctx, taken) == NGX_OK) {
            ngx_http_dff_stages_resume(waiter->ctx);
        }
        ngx_http_run_posted_requests(c);
    }
}


static ngx_int_t
ngx_http_dff_lookup_read(ngx_http_dff_question_t *question, redisReply *reply, void **block,
    size_t *size)
{
    dff_err_t   err;
    ngx_uint_t  level;

    if (reply == NULL) {
        return NGX_ABORT;
    }

    if (reply->type == REDIS_REPLY_NIL) {
        return NGX_DECLINED;
    }

    if (reply->type == REDIS_REPLY_ERROR) {
        level = ngx_http_dff_redis_error_level(&question->worker->commands);
        ngx_log_error(level, question->worker->log, 0, "dff: GET route \"%V\": %s",
                      &question->node.str, reply->str);
        return NGX_ABORT;
    }

    if (reply->type != REDIS_REPLY_STRING
        || dff_route_pack((dff_str_t) { reply->str, (size_t) reply->len }, block, size, &err)
           != DFF_OK)
    {
        ngx_log_error(NGX_LOG_ERR, question->worker->log, 0, "dff: route \"%V\": %s",
                      &question->node.str,
                      reply->type != REDIS_REPLY_STRING ? "not a string" : err.message);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_dff_lookup_take(ngx_http_dff_ctx_t *ctx, const void *block, size_t size)
{
    void  *copy;

    copy = ngx_palloc(ctx->request->pool, size);
    if (copy == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(copy, block, size);
    dff_route_unpack(copy, &ctx->route);

    return NGX_OK;
}


static void
ngx_http_dff_lookup_cleanup(void *data)
{
    ngx_http_dff_waiter_t  *waiter = data;

    if (waiter->queued) {
        ngx_queue_remove(&waiter->queue);
    }
}
