/*
 * Throttling: see the header.
 *
 * One counter for each rule and window, all of a call in one script: a call that one
 * rule refuses counts in none. Windows are numbered by the clock of the nodes (a script
 * that asks Redis for the time may not write in Redis 4); a counter stays a little
 * longer than its window, for nodes whose clock is behind.
 */
#include "ngx_http_dff_answer.h"
#include "ngx_http_dff_ask.h"
#include "ngx_http_dff_stages.h"
#include "ngx_http_dff_throttle.h"

#include "dff_throttle.h"

#define NGX_HTTP_DFF_THROTTLE_SLACK  5    /* s that a counter outlives its window */

/* EVAL, script, number of keys; then a key, a limit and a time to live for each rule */
#define NGX_HTTP_DFF_THROTTLE_ARGS   (3 + 3 * DFF_THROTTLE_RULES)

/* KEYS: counters. ARGV: limit and time to live (s) of each. {position, count} of the
 * first that is full, or nil. */
static ngx_str_t  ngx_http_dff_throttle_script = ngx_string(
    "for i, key in ipairs(KEYS) do "
        "local count = tonumber(redis.call('GET', key) or 0) "
        "if count >= tonumber(ARGV[2 * i - 1]) then return {i, count} end "
    "end "
    "for i, key in ipairs(KEYS) do "
        "if redis.call('INCR', key) == 1 then redis.call('EXPIRE', key, ARGV[2 * i]) end "
    "end "
    "return false");

static ngx_int_t ngx_http_dff_throttle_ask(ngx_http_dff_ctx_t *ctx,
    const dff_throttle_t *throttle, ngx_uint_t nrules);
static int64_t ngx_http_dff_throttle_left(dff_throttle_rule_t rule);
static void ngx_http_dff_throttle_told(ngx_http_dff_ctx_t *ctx, redisReply *reply);
static void ngx_http_dff_throttle_refuse(ngx_http_dff_ctx_t *ctx, int64_t position,
    int64_t count);


ngx_int_t
ngx_http_dff_throttle_stage(ngx_http_dff_ctx_t *ctx)
{
    dff_err_t       err;
    ngx_uint_t      rule, nrules;
    dff_throttle_t  throttle;

    if (ctx->route.throttling.len == 0) {
        return NGX_OK;
    }

    if (dff_throttle_read(&throttle, ctx->route.throttling, &err) != DFF_OK) {
        /* a limit that cannot be read is not the same as none */
        ngx_log_error(NGX_LOG_ERR, ctx->request->connection->log, 0, "dff: link \"%V\": %s",
                      &ctx->link_id, err.message);
        ngx_http_dff_answer_error(ctx, DFF_E_SYS, NULL, NULL, NULL);
        return NGX_DONE;
    }

    nrules = 0;
    for (rule = 0; rule < DFF_THROTTLE_RULES; rule++) {
        nrules += throttle.calls[rule] != 0;
    }

    if (nrules == 0) {
        return NGX_OK;
    }

    if (ngx_http_dff_throttle_ask(ctx, &throttle, nrules) != NGX_OK) {
        ngx_http_dff_answer_away(ctx, &ctx->worker->commands, "refused", NULL);
        return NGX_DONE;
    }

    return NGX_AGAIN;
}


static ngx_int_t
ngx_http_dff_throttle_ask(ngx_http_dff_ctx_t *ctx, const dff_throttle_t *throttle,
    ngx_uint_t nrules)
{
    u_char       numbers[DFF_THROTTLE_RULES * 2 * NGX_INT64_LEN + NGX_INT_T_LEN], *p;
    int64_t      window_s;
    dff_key_t    keys[DFF_THROTTLE_RULES];
    ngx_str_t    argv[NGX_HTTP_DFF_THROTTLE_ARGS], *key, *arg;
    ngx_uint_t   rule;
    const char  *name;

    ngx_str_set(&argv[0], "EVAL");
    argv[1] = ngx_http_dff_throttle_script;
    argv[2].data = numbers;
    p = ngx_sprintf(numbers, "%ui", nrules);
    argv[2].len = p - numbers;

    key = &argv[3];
    arg = key + nrules;

    for (rule = 0; rule < DFF_THROTTLE_RULES; rule++) {

        if (throttle->calls[rule] == 0) {
            continue;
        }

        name = dff_throttle_name((dff_throttle_rule_t) rule);
        window_s = dff_throttle_window_s((dff_throttle_rule_t) rule);

        key->data = (u_char *) keys[rule];
        key->len = dff_key_throttle(keys[rule], dff_route_kind_name(ctx->kind),
                                    ngx_http_dff_str(ctx->link_id), name,
                                    (int64_t) ngx_time() / window_s);
        key++;

        arg->data = p;
        p = ngx_sprintf(p, "%L", throttle->calls[rule]);
        arg->len = p - arg->data;
        arg++;

        arg->data = p;
        p = ngx_sprintf(p, "%L", ngx_http_dff_throttle_left((dff_throttle_rule_t) rule)
                                 + NGX_HTTP_DFF_THROTTLE_SLACK);
        arg->len = p - arg->data;
        arg++;
    }

    return ngx_http_dff_ask(ctx, ngx_http_dff_throttle_told, NGX_HTTP_DFF_ASK_PATIENCE,
                            (int) (arg - argv), argv);
}


/* Seconds until the window that is now ends: 1 to its length. */
static int64_t
ngx_http_dff_throttle_left(dff_throttle_rule_t rule)
{
    int64_t  window_s = dff_throttle_window_s(rule);

    return window_s - (int64_t) ngx_time() % window_s;
}


static void
ngx_http_dff_throttle_told(ngx_http_dff_ctx_t *ctx, redisReply *reply)
{
    ngx_http_dff_redis_t  *link = &ctx->worker->commands;

    if (reply != NULL && reply->type == REDIS_REPLY_NIL) {
        ngx_http_dff_stages_resume(ctx);
        return;
    }

    if (reply != NULL && reply->type == REDIS_REPLY_ARRAY && reply->elements == 2) {
        ngx_http_dff_throttle_refuse(ctx, reply->element[0]->integer,
                                     reply->element[1]->integer);
        return;
    }

    if (reply != NULL) {
        ngx_log_error(ngx_http_dff_redis_error_level(link), ctx->request->connection->log, 0,
                      "dff: throttling of \"%V\": %s", &ctx->link_id,
                      reply->type == REDIS_REPLY_ERROR ? reply->str : "unexpected answer");
    }

    ngx_http_dff_answer_away(ctx, link, "refused",
                             reply != NULL && reply->type == REDIS_REPLY_ERROR ? reply->str
                                                                               : NULL);
}


/* position: of the full counter among the keys, from 1. */
static void
ngx_http_dff_throttle_refuse(ngx_http_dff_ctx_t *ctx, int64_t position, int64_t count)
{
    json_t          *detail;
    int64_t          wait_s;
    ngx_str_t        after;
    ngx_uint_t       rule;
    dff_throttle_t   throttle;

    static const char  *subs[DFF_ROUTE_KIND_COUNT] = {
        [DFF_ROUTE_AUTH_LINK] = "AuthLinkThrottling", [DFF_ROUTE_BATCH] = "BatchThrottling"
    };

    /* it could be read before */
    (void) dff_throttle_read(&throttle, ctx->route.throttling, NULL);

    for (rule = 0; rule < DFF_THROTTLE_RULES - 1; rule++) {
        if (throttle.calls[rule] != 0 && --position == 0) {
            break;
        }
    }

    wait_s = ngx_http_dff_throttle_left((dff_throttle_rule_t) rule);

    detail = json_pack("{s:s, s:I, s:I, s:I}",
                       "rule", dff_throttle_name((dff_throttle_rule_t) rule),
                       "limit", (json_int_t) throttle.calls[rule],
                       "currentCount", (json_int_t) count,
                       "waitSeconds", (json_int_t) wait_s);

    after.data = ngx_pnalloc(ctx->request->pool, NGX_INT64_LEN);
    if (after.data != NULL) {
        after.len = ngx_sprintf(after.data, "%L", wait_s) - after.data;
        /* without it the body still says how long */
        (void) ngx_http_dff_answer_header(ctx->request, "Retry-After", after);
    }

    ngx_http_dff_answer_error(ctx, DFF_E_BIZ_CONDITION, subs[ctx->kind],
                              "Too many calls of this link. Try again later.", detail);
}
