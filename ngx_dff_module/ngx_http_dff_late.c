/* Results that are fetched later: see the header. */
#include "ngx_http_dff_answer.h"
#include "ngx_http_dff_ask.h"
#include "ngx_http_dff_late.h"

#define NGX_HTTP_DFF_LATE_PATIENCE  10     /* ms that 599.1 may be late to know the state */
#define NGX_HTTP_DFF_LATE_MARKER    512    /* bytes of a marker */

/*
 * KEYS: result:<id>, nodes. ARGV: marker, its time to live, "started:" with its prefix,
 * id. Marks the task; 0: it is not finished and no worker has it.
 */
static ngx_str_t  ngx_http_dff_late_script = ngx_string(
    "if not redis.call('SET', KEYS[1], ARGV[1], 'NX', 'EX', ARGV[2]) then return 1 end "
    "for _, node in ipairs(redis.call('SMEMBERS', KEYS[2])) do "
        "if redis.call('HEXISTS', ARGV[3] .. node, ARGV[4]) == 1 then return 1 end "
    "end "
    "return 0");

static size_t ngx_http_dff_late_marker(u_char *marker, dff_str_t id);
static void ngx_http_dff_late_set(ngx_http_dff_worker_t *worker, dff_str_t id, dff_str_t raw,
    int64_t ttl_s, ngx_uint_t only_if_new);
static void ngx_http_dff_late_told(ngx_http_dff_ctx_t *ctx, redisReply *reply);
static void ngx_http_dff_late_answer(ngx_http_dff_ctx_t *ctx);


void
ngx_http_dff_late_mark(ngx_http_dff_worker_t *worker, dff_str_t id, int64_t ttl_s)
{
    size_t  len;
    u_char  marker[NGX_HTTP_DFF_LATE_MARKER];

    len = ngx_http_dff_late_marker(marker, id);

    ngx_http_dff_late_set(worker, id, (dff_str_t) { (char *) marker, len }, ttl_s, 1);
}


void
ngx_http_dff_late_unmark(ngx_http_dff_worker_t *worker, dff_str_t id)
{
    dff_key_t  key;
    ngx_str_t  argv[2] = { ngx_string("DEL"), ngx_null_string };

    argv[1].len = dff_key_result(key, id);
    argv[1].data = (u_char *) key;

    /* not sent: it goes with its time to live */
    (void) ngx_http_dff_redis_command(&worker->commands, NULL, NULL, 2, argv);
}


void
ngx_http_dff_late_keep(ngx_http_dff_worker_t *worker, dff_str_t id, dff_str_t raw)
{
    ngx_http_dff_late_set(worker, id, raw, worker->mcf->config.worker_result_expires_s, 0);
}


void
ngx_http_dff_late_ask(ngx_http_dff_ctx_t *ctx, int64_t ttl_s)
{
    u_char     marker[NGX_HTTP_DFF_LATE_MARKER], ttl[NGX_INT64_LEN];
    dff_str_t  id = ngx_http_dff_str(ctx->task_id);
    dff_key_t  result_key, started_key;
    ngx_str_t  argv[9] = {
        ngx_string("EVAL"), ngx_null_string, ngx_string("2"), ngx_null_string,
        ngx_string(DFF_KEY_NODES), ngx_null_string, ngx_null_string, ngx_null_string,
        ngx_null_string
    };

    argv[1] = ngx_http_dff_late_script;
    argv[3].len = dff_key_result(result_key, id);
    argv[3].data = (u_char *) result_key;
    argv[5].len = ngx_http_dff_late_marker(marker, id);
    argv[5].data = marker;
    argv[6].len = ngx_sprintf(ttl, "%L", ttl_s) - ttl;
    argv[6].data = ttl;
    argv[7].len = dff_key_started(started_key, DFF_STR(""));
    argv[7].data = (u_char *) started_key;
    argv[8] = ctx->task_id;

    ctx->late = NGX_HTTP_DFF_LATE_ASKED;

    if (ngx_http_dff_ask(ctx, ngx_http_dff_late_told,
                         NGX_HTTP_DFF_LATE_LEAD + NGX_HTTP_DFF_LATE_PATIENCE, 9, argv)
        != NGX_OK)
    {
        ctx->late = NGX_HTTP_DFF_LATE_UNKNOWN;
    }
}


static void
ngx_http_dff_late_told(ngx_http_dff_ctx_t *ctx, redisReply *reply)
{
    ngx_uint_t  due = ctx->late == NGX_HTTP_DFF_LATE_DUE;

    ctx->late = reply != NULL && reply->type == REDIS_REPLY_INTEGER && reply->integer == 0
                ? NGX_HTTP_DFF_LATE_QUEUED : NGX_HTTP_DFF_LATE_UNKNOWN;

    if (due) {
        ngx_http_dff_late_answer(ctx);
    }
}


void
ngx_http_dff_late_tell(ngx_http_dff_ctx_t *ctx)
{
    if (ctx->late == NGX_HTTP_DFF_LATE_ASKED) {
        ctx->late = NGX_HTTP_DFF_LATE_DUE;
        return;
    }

    ngx_http_dff_late_answer(ctx);
}


void
ngx_http_dff_late_in_time(ngx_http_dff_ctx_t *ctx)
{
    if (ctx->late != NGX_HTTP_DFF_LATE_NOT_YET && !ctx->options.save_result) {
        ngx_http_dff_late_unmark(ctx->worker, ngx_http_dff_str(ctx->task_id));
    }

    ctx->late = NGX_HTTP_DFF_LATE_NOT_YET;
}


/* Without a word from Redis: the text that callers know, which says of the task only
 * that it was not withdrawn. */
static void
ngx_http_dff_late_answer(ngx_http_dff_ctx_t *ctx)
{
    json_t      *detail;
    ngx_msec_t   waited;

    if (ctx->late != NGX_HTTP_DFF_LATE_QUEUED) {
        ngx_http_dff_answer_error(ctx, DFF_E_API_TIMEOUT, NULL, NULL,
                                  json_pack("{s:s%}", "id", ctx->task_id.data,
                                            ctx->task_id.len));
        return;
    }

    waited = ngx_current_msec - ctx->pushed;
    detail = json_pack("{s:s%, s:s, s:I}", "id", ctx->task_id.data, ctx->task_id.len,
                       "state", dff_status_name(DFF_STATUS_QUEUED),
                       "queuedMs", (json_int_t) waited);

    ngx_http_dff_answer_error(ctx, DFF_E_API_TIMEOUT, NULL,
                              "Waiting function result timeout, task is still in the queue. "
                              "Use task ID to fetch result later.", detail);
}


/* A reply with status "queued". Ids fit by far. */
static size_t
ngx_http_dff_late_marker(u_char *marker, dff_str_t id)
{
    dff_reply_t  reply;

    ngx_memzero(&reply, sizeof(dff_reply_t));
    reply.id = id;
    reply.status = DFF_STATUS_QUEUED;
    reply.body_type = DFF_BODY_JSON;
    reply.body = DFF_STR("null");

    if (dff_reply_size(&reply) > NGX_HTTP_DFF_LATE_MARKER) {
        return 0;
    }

    return dff_reply_write((char *) marker, &reply) - (char *) marker;
}


/* SET result:<id>. Its failure costs the answer to a later func-result, no more. */
static void
ngx_http_dff_late_set(ngx_http_dff_worker_t *worker, dff_str_t id, dff_str_t raw,
    int64_t ttl_s, ngx_uint_t only_if_new)
{
    u_char     ttl[NGX_INT64_LEN];
    dff_key_t  key;
    ngx_str_t  argv[6] = {
        ngx_string("SET"), ngx_null_string, ngx_null_string, ngx_string("EX"), ngx_null_string,
        ngx_string("NX")
    };

    argv[1].len = dff_key_result(key, id);
    argv[1].data = (u_char *) key;
    argv[2] = ngx_http_dff_ngx_str(raw);
    argv[4].data = ttl;
    argv[4].len = ngx_sprintf(ttl, "%L", ttl_s) - ttl;

    if (ngx_http_dff_redis_command(&worker->commands, NULL, NULL, only_if_new ? 6 : 5, argv)
        != NGX_OK)
    {
        if (!only_if_new) {
            ngx_http_dff_counters_add(&worker->counters->results_lost, 1);
        }

        /* the outage itself is in the log */
        ngx_log_error(NGX_LOG_INFO, worker->log, 0,
                      "dff: the result of %*s could not be kept: Redis is away",
                      id.len, id.data);
    }
}
