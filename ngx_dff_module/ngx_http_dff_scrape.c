/* The metrics endpoint: see the header. */
#include "ngx_http_dff_answer.h"
#include "ngx_http_dff_ask.h"
#include "ngx_http_dff_metrics.h"
#include "ngx_http_dff_scrape.h"

#define NGX_HTTP_DFF_SCRAPE_PATIENCE  800      /* ms for Redis: a scrape takes no second */
#define NGX_HTTP_DFF_SCRAPE_NODES     "256"    /* heartbeats at most */
#define NGX_HTTP_DFF_SCRAPE_BEAT_MAX  65536    /* bytes of one */
#define NGX_HTTP_DFF_SCRAPE_TYPE      "text/plain; version=0.0.4; charset=utf-8"

static void ngx_http_dff_scrape_tell(ngx_http_dff_ctx_t *ctx, redisReply *reply);
static void ngx_http_dff_scrape_gather(ngx_http_dff_scrape_t *scrape, ngx_http_dff_ctx_t *ctx,
    redisReply *reply);
static json_t *ngx_http_dff_scrape_nodes(redisReply *reply);

/* KEYS: the queues, delayed, nodes. ARGV: "node:" with its prefix, how many nodes. */
static ngx_str_t  ngx_http_dff_scrape_script = ngx_string(
    DFF_LEDGER_ROWS
    "local out = {} "
    "for i = 1, #KEYS - 1 do "
        "local n = redis.pcall(i < #KEYS - 1 and 'LLEN' or 'ZCARD', KEYS[i]) "
        "out[i] = type(n) == 'number' and n or 0 "
    "end "
    "local names = redis.call('SMEMBERS', KEYS[#KEYS]) "
    "table.sort(names) "
    "for _, n in ipairs(ledger(names)) do out[#out + 1] = n end "
    "for i = 1, math.min(#names, tonumber(ARGV[2])) do "
        "local v = redis.call('GET', ARGV[1] .. names[i]) "
        "if v then out[#out + 1] = v end "
    "end "
    "return out");


void
ngx_http_dff_scrape_start(ngx_http_dff_ctx_t *ctx)
{
    ngx_uint_t  i;
    dff_key_t   queues[NGX_HTTP_DFF_SCRAPE_QUEUES], node;
    ngx_str_t   argv[3 + NGX_HTTP_DFF_SCRAPE_QUEUES + 4];

    ngx_str_set(&argv[0], "EVAL");
    argv[1] = ngx_http_dff_scrape_script;
    ngx_str_set(&argv[2], "12");

    for (i = 0; i < NGX_HTTP_DFF_SCRAPE_QUEUES; i++) {
        argv[3 + i].len = dff_key_queue(queues[i], (int) i);
        argv[3 + i].data = (u_char *) queues[i];
    }

    ngx_str_set(&argv[3 + i], DFF_KEY_DELAYED);
    ngx_str_set(&argv[4 + i], DFF_KEY_NODES);
    argv[5 + i].len = dff_key_node(node, DFF_STR(""));
    argv[5 + i].data = (u_char *) node;
    ngx_str_set(&argv[6 + i], NGX_HTTP_DFF_SCRAPE_NODES);

    if (ngx_http_dff_ask(ctx, ngx_http_dff_scrape_tell, NGX_HTTP_DFF_SCRAPE_PATIENCE,
                         sizeof(argv) / sizeof(argv[0]), argv)
        != NGX_OK)
    {
        ngx_http_dff_scrape_tell(ctx, NULL);
    }
}


static void
ngx_http_dff_scrape_tell(ngx_http_dff_ctx_t *ctx, redisReply *reply)
{
    ngx_str_t              body;
    ngx_http_dff_scrape_t  scrape;

    ngx_http_dff_scrape_gather(&scrape, ctx, reply);

    ngx_http_dff_metrics_text(&scrape);

    body.len = scrape.out.len;
    body.data = dff_buf_failed(&scrape.out) ? NULL : ngx_pnalloc(ctx->request->pool, body.len);
    if (body.data != NULL) {
        ngx_memcpy(body.data, scrape.out.data, body.len);
    }

    json_decref(scrape.nodes);
    dff_buf_release(&scrape.out);

    if (body.data == NULL) {
        ngx_http_dff_answer_error(ctx, DFF_E_SYS, NULL, NULL, NULL);
        return;
    }

    ngx_http_dff_answer(ctx, NGX_HTTP_OK, NGX_HTTP_DFF_SCRAPE_TYPE, body);
}


static void
ngx_http_dff_scrape_gather(ngx_http_dff_scrape_t *scrape, ngx_http_dff_ctx_t *ctx,
    redisReply *reply)
{
    ngx_uint_t                 i;
    ngx_http_dff_main_conf_t  *mcf = ctx->worker->mcf;

    scrape->out = DFF_BUF_INIT;
    scrape->reply = NULL;
    scrape->nodes = NULL;

    ngx_http_dff_counters_sum(mcf->metrics, &scrape->counters, &scrape->workers,
                              &scrape->since_ms);
    ngx_http_dff_route_cache_stats(mcf->routes, &scrape->routes);

    if (reply == NULL || reply->type != REDIS_REPLY_ARRAY
        || reply->elements < NGX_HTTP_DFF_SCRAPE_NUMBERS)
    {
        return;
    }

    for (i = 0; i < NGX_HTTP_DFF_SCRAPE_NUMBERS; i++) {
        if (reply->element[i]->type != REDIS_REPLY_INTEGER) {
            return;
        }
    }

    scrape->reply = reply;
    scrape->nodes = ngx_http_dff_scrape_nodes(reply);
}


/* What is no heartbeat is left out. */
static json_t *
ngx_http_dff_scrape_nodes(redisReply *reply)
{
    size_t       i;
    json_t      *nodes, *node;
    redisReply  *text;

    nodes = json_array();

    for (i = NGX_HTTP_DFF_SCRAPE_NUMBERS; i < reply->elements; i++) {
        text = reply->element[i];

        if (text->type != REDIS_REPLY_STRING
            || (size_t) text->len > NGX_HTTP_DFF_SCRAPE_BEAT_MAX)
        {
            continue;
        }

        node = json_loadb(text->str, (size_t) text->len, 0, NULL);

        if (json_is_string(json_object_get(node, "node"))) {
            (void) json_array_append(nodes, node);
        }

        json_decref(node);
    }

    return nodes;
}
