/*
 * No digest is taken twice: each count (nc) of a nonce is good once, on all nodes.
 *
 * Redis keeps a bitmap of the counts that were used, for as long as the nonce lives: one
 * question, one key for each nonce however often it is used, and counts may come in any
 * order, as the requests of a browser do. It is asked only when everything else about the
 * digest is right, so that nobody without the password fills Redis. A counter in shared
 * memory would save the question, but each node would take the digest once.
 */
#include "ngx_http_dff_answer.h"
#include "ngx_http_dff_auth.h"

#include "dff_http_nonce.h"

#define NGX_HTTP_DFF_NONCE_USES  16384     /* bits: a nonce costs Redis 2 KB at most */

/* A question under way. Outlives its request. */
typedef struct ngx_http_dff_nonce_s {
    ngx_http_dff_ctx_t  *ctx;              /* NULL: the request is gone */
} ngx_http_dff_nonce_t;

static ngx_int_t ngx_http_dff_auth_nonce_ask(ngx_http_dff_nonce_t *nonce,
    ngx_http_dff_worker_t *worker, dff_str_t text, uint32_t nc);
static void ngx_http_dff_auth_nonce_on_reply(redisAsyncContext *ac, void *reply, void *data);
static void ngx_http_dff_auth_nonce_cleanup(void *data);

/* KEYS: the nonce's. ARGV: the count, seconds to keep. */
static ngx_str_t  ngx_http_dff_auth_nonce_script = ngx_string(
    "local used = redis.call('SETBIT', KEYS[1], ARGV[1], 1) "
    "redis.call('EXPIRE', KEYS[1], ARGV[2]) "
    "return used");


ngx_int_t
ngx_http_dff_auth_nonce_take(ngx_http_dff_ctx_t *ctx, dff_str_t text, uint32_t nc)
{
    ngx_pool_cleanup_t    *cleanup;
    ngx_http_dff_nonce_t  *nonce;

    if (nc >= NGX_HTTP_DFF_NONCE_USES) {
        ctx->auth->why = "the nonce was used too often";
        ctx->auth->stale = 1;
        return NGX_DECLINED;
    }

    cleanup = ngx_pool_cleanup_add(ctx->request->pool, 0);
    nonce = ngx_calloc(sizeof(ngx_http_dff_nonce_t), ctx->worker->log);
    if (cleanup == NULL || nonce == NULL) {
        ngx_free(nonce);
        return NGX_ERROR;
    }

    nonce->ctx = ctx;

    if (ngx_http_dff_auth_nonce_ask(nonce, ctx->worker, text, nc) != NGX_OK) {
        ngx_free(nonce);
        ngx_http_dff_answer_error(ctx, DFF_E_SYS_CACHE, NULL, NULL, NULL);
        return NGX_DONE;
    }

    ctx->auth->nonce = nonce;
    cleanup->handler = ngx_http_dff_auth_nonce_cleanup;
    cleanup->data = ctx->auth;

    return NGX_AGAIN;
}


static ngx_int_t
ngx_http_dff_auth_nonce_ask(ngx_http_dff_nonce_t *nonce, ngx_http_dff_worker_t *worker,
    dff_str_t text, uint32_t nc)
{
    u_char     count[NGX_INT64_LEN], ttl[NGX_INT64_LEN];
    dff_key_t  key;
    ngx_str_t  argv[6] = {
        ngx_string("EVAL"), ngx_http_dff_auth_nonce_script, ngx_string("1"), ngx_null_string,
        ngx_null_string, ngx_null_string
    };

    argv[3].len = dff_key_nonce(key, text);
    argv[3].data = (u_char *) key;
    argv[4].data = count;
    argv[4].len = ngx_sprintf(count, "%uD", nc) - count;

    /* no clock may think that the nonce lives when its bitmap does not */
    argv[5].data = ttl;
    argv[5].len = ngx_sprintf(ttl, "%L", worker->mcf->config.http_auth_nonce_max_age_s
                                         + 2 * DFF_HTTP_NONCE_SKEW_S)
                  - ttl;

    return ngx_http_dff_redis_command(&worker->commands, ngx_http_dff_auth_nonce_on_reply,
                                      nonce, 6, argv);
}


static void
ngx_http_dff_auth_nonce_on_reply(redisAsyncContext *ac, void *data, void *privdata)
{
    ngx_int_t              rc;
    redisReply            *reply = data;
    ngx_connection_t      *c;
    ngx_http_dff_ctx_t    *ctx;
    ngx_http_dff_nonce_t  *nonce = privdata;

    ctx = nonce->ctx;
    ngx_free(nonce);

    if (ctx == NULL) {
        return;
    }

    ctx->auth->nonce = NULL;
    c = ctx->request->connection;

    if (reply == NULL || reply->type != REDIS_REPLY_INTEGER) {
        ngx_http_dff_answer_error(ctx, DFF_E_SYS_CACHE, NULL, NULL, NULL);

    } else {
        rc = NGX_OK;

        if (reply->integer != 0) {
            ctx->auth->why = "a digest that was used before";
            ctx->auth->stale = 1;
            rc = NGX_DECLINED;
        }

        ngx_http_dff_auth_resume(ctx, rc);
    }

    ngx_http_run_posted_requests(c);
}


static void
ngx_http_dff_auth_nonce_cleanup(void *data)
{
    ngx_http_dff_auth_t  *auth = data;

    if (auth->nonce != NULL) {
        auth->nonce->ctx = NULL;
    }
}
