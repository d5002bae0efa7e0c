/* The result cache: see the header. */
#include "ngx_http_dff_answer.h"
#include "ngx_http_dff_ask.h"
#include "ngx_http_dff_outcome.h"
#include "ngx_http_dff_result_cache.h"
#include "ngx_http_dff_stages.h"

#include <openssl/evp.h>

#define NGX_HTTP_DFF_RESULT_CACHE_SUM  32    /* bytes of a SHA-256 */

static size_t ngx_http_dff_result_cache_key(ngx_http_dff_ctx_t *ctx, dff_key_t key);
static ngx_int_t ngx_http_dff_result_cache_digest(ngx_http_dff_ctx_t *ctx);
static void ngx_http_dff_result_cache_told(ngx_http_dff_ctx_t *ctx, redisReply *reply);


ngx_int_t
ngx_http_dff_result_cache_stage(ngx_http_dff_ctx_t *ctx)
{
    dff_key_t  key;
    ngx_str_t  argv[2] = { ngx_string("GET"), ngx_null_string };

    /* a caller that wants to fetch the result later needs a task of its own */
    if (ctx->route.cache_result_s <= 0
        || ctx->options.exec_mode != DFF_EXEC_SYNC
        || ctx->options.save_result
        || ctx->upload != NULL)
    {
        return NGX_OK;
    }

    if (ngx_http_dff_result_cache_digest(ctx) != NGX_OK) {
        return NGX_OK;    /* no memory: the call may still be possible */
    }

    argv[1].data = (u_char *) key;
    argv[1].len = ngx_http_dff_result_cache_key(ctx, key);

    if (ngx_http_dff_ask(ctx, ngx_http_dff_result_cache_told, NGX_HTTP_DFF_ASK_PATIENCE, 2,
                         argv)
        != NGX_OK)
    {
        return NGX_OK;    /* the push will say so */
    }

    return NGX_AGAIN;
}


static void
ngx_http_dff_result_cache_told(ngx_http_dff_ctx_t *ctx, redisReply *reply)
{
    dff_err_t    err;
    ngx_str_t    cached = ngx_string("Cached");
    dff_reply_t  stored;

    if (reply == NULL || reply->type != REDIS_REPLY_STRING) {
        ngx_http_dff_stages_resume(ctx);
        return;
    }

    if (dff_reply_decode((dff_str_t) { reply->str, (size_t) reply->len }, &stored, &err)
        != DFF_OK)
    {
        ngx_log_error(NGX_LOG_ERR, ctx->request->connection->log, 0, "dff: cached result of link "
                      "\"%V\": %s", &ctx->link_id, err.message);
        ngx_http_dff_stages_resume(ctx);
        return;
    }

    ctx->cached = ngx_http_dff_answer_add(ctx->request, "X-Dataflux-Func-Cache", cached);
    if (ctx->cached == NULL) {
        ngx_http_dff_answer_error(ctx, DFF_E_SYS, NULL, NULL, NULL);
        return;
    }

    ctx->outcome = "cached";
    ngx_http_dff_outcome_answer(ctx, &stored, ctx->options.unfold, 0);
}


ngx_uint_t
ngx_http_dff_result_cache_void(ngx_http_dff_ctx_t *ctx)
{
    dff_key_t  key;
    ngx_str_t  argv[2] = { ngx_string("DEL"), ngx_null_string };

    if (ctx->cached == NULL) {
        return 0;
    }

    ctx->cached->hash = 0;      /* it is not sent */
    ctx->cached = NULL;
    ctx->outcome = NULL;
    ngx_str_null(&ctx->task_id);

    argv[1].data = (u_char *) key;
    argv[1].len = ngx_http_dff_result_cache_key(ctx, key);

    /* not sent: the new answer takes its place */
    (void) ngx_http_dff_redis_command(&ctx->worker->commands, NULL, NULL, 2, argv);

    ngx_http_dff_stages_resume(ctx);

    return 1;
}


static size_t
ngx_http_dff_result_cache_key(ngx_http_dff_ctx_t *ctx, dff_key_t key)
{
    return dff_key_cache_result(key, ctx->route.func_id, ctx->route.script_version,
                                ngx_http_dff_str(ctx->cache_as));
}


/* SHA-256 of what the function is called with: nobody can make two calls that meet. */
static ngx_int_t
ngx_http_dff_result_cache_digest(ngx_http_dff_ctx_t *ctx)
{
    u_char       sum[NGX_HTTP_DFF_RESULT_CACHE_SUM], *hex;
    EVP_MD_CTX  *md;
    const char  *type;

    hex = ngx_pnalloc(ctx->request->pool, 2 * NGX_HTTP_DFF_RESULT_CACHE_SUM);
    md = EVP_MD_CTX_new();
    type = dff_return_type_name(ctx->options.return_type);

    /* the name with its NUL: where it ends and the arguments begin is clear */
    if (hex != NULL
        && md != NULL
        && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1
        && EVP_DigestUpdate(md, type, ngx_strlen(type) + 1) == 1
        && EVP_DigestUpdate(md, ctx->kwargs.data, ctx->kwargs.len) == 1
        && EVP_DigestFinal_ex(md, sum, NULL) == 1)
    {
        ctx->cache_as.data = hex;
        ctx->cache_as.len = ngx_hex_dump(hex, sum, sizeof(sum)) - hex;
    }

    EVP_MD_CTX_free(md);

    return ctx->cache_as.len == 0 ? NGX_ERROR : NGX_OK;
}
