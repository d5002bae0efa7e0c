/*
 * Endpoints: see the header.
 *
 * The handler takes a reference on the request and gives the way on to an endpoint of
 * the table; whoever answers (ngx_http_dff_answer.h) finalizes the request, now or
 * later.
 */
#include "ngx_http_dff_answer.h"
#include "ngx_http_dff_cors.h"
#include "ngx_http_dff_dump.h"
#include "ngx_http_dff_endpoint.h"
#include "ngx_http_dff_lookup.h"
#include "ngx_http_dff_result.h"
#include "ngx_http_dff_saved.h"
#include "ngx_http_dff_scrape.h"
#include "ngx_http_dff_stages.h"

typedef struct {
    ngx_str_t          path;
    ngx_uint_t         prefix;      /* an id follows the path */
    ngx_uint_t         methods;     /* NGX_HTTP_GET|… */
    const char        *allow;       /* the same as header */
    dff_route_kind_t   kind;
    void             (*start)(ngx_http_dff_ctx_t *ctx);
} ngx_http_dff_endpoint_t;

static void ngx_http_dff_endpoint_link(ngx_http_dff_ctx_t *ctx);
static ngx_int_t ngx_http_dff_endpoint_count(ngx_http_dff_ctx_t *ctx);
static void ngx_http_dff_endpoint_cleanup(void *data);
static ngx_int_t ngx_http_dff_endpoint_format(ngx_http_dff_ctx_t *ctx);
static ngx_uint_t ngx_http_dff_endpoint_coded_slash(ngx_http_request_t *r);
static void ngx_http_dff_endpoint_ping(ngx_http_dff_ctx_t *ctx);
static void ngx_http_dff_endpoint_not_found(ngx_http_dff_ctx_t *ctx);
static void ngx_http_dff_endpoint_preflight(ngx_http_dff_ctx_t *ctx,
    const ngx_http_dff_endpoint_t *endpoint);
static ngx_int_t ngx_http_dff_endpoint_ctx(ngx_http_request_t *r, ngx_http_dff_ctx_t **ctx);
static const ngx_http_dff_endpoint_t *ngx_http_dff_endpoint_find(ngx_str_t *uri);

static const ngx_http_dff_endpoint_t  ngx_http_dff_endpoints[] = {

    { ngx_string("/api/v1/al/"), 1, NGX_HTTP_GET|NGX_HTTP_POST, "GET, POST, OPTIONS",
      DFF_ROUTE_AUTH_LINK, ngx_http_dff_endpoint_link },

    { ngx_string("/api/v1/bat/"), 1, NGX_HTTP_GET|NGX_HTTP_POST, "GET, POST, OPTIONS",
      DFF_ROUTE_BATCH, ngx_http_dff_endpoint_link },

    { ngx_string("/api/v1/func-result"), 0, NGX_HTTP_GET, "GET, OPTIONS",
      DFF_ROUTE_AUTH_LINK, ngx_http_dff_result_start },

    { ngx_string("/api/v1/do/ping"), 0, NGX_HTTP_GET, "GET, OPTIONS",
      DFF_ROUTE_AUTH_LINK, ngx_http_dff_endpoint_ping },

    { ngx_string("/metrics"), 0, NGX_HTTP_GET, "GET, OPTIONS",
      DFF_ROUTE_AUTH_LINK, ngx_http_dff_scrape_start }
};


ngx_int_t
ngx_http_dff_endpoint_handler(ngx_http_request_t *r)
{
    ngx_str_t                       allow;
    ngx_http_dff_ctx_t             *ctx;
    const ngx_http_dff_endpoint_t  *endpoint;

    ctx = ngx_http_dff_saved_back(r);

    if (ctx != NULL) {
        ngx_http_set_ctx(r, ctx, ngx_http_dff_module);
        r->main->count++;
        ngx_http_dff_result_start(ctx);
        return NGX_DONE;
    }

    if (ngx_http_dff_endpoint_ctx(r, &ctx) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_http_dff_dump_log(ctx);

    /* held until someone answers */
    r->main->count++;

    endpoint = ngx_http_dff_endpoint_find(&r->uri);

    if (endpoint == NULL) {
        ngx_http_dff_endpoint_not_found(ctx);
        return NGX_DONE;
    }

    if (r->method == NGX_HTTP_OPTIONS) {
        ngx_http_dff_endpoint_preflight(ctx, endpoint);
        return NGX_DONE;
    }

    if (!(r->method & endpoint->methods)) {
        allow.data = (u_char *) endpoint->allow;
        allow.len = ngx_strlen(allow.data);
        (void) ngx_http_dff_answer_header(r, "Allow", allow);
        ngx_http_dff_answer_error(ctx, DFF_E_METHOD_NOT_ALLOWED, NULL, NULL, NULL);
        return NGX_DONE;
    }

    ctx->kind = endpoint->kind;
    ctx->link_id.data = r->uri.data + endpoint->path.len;
    ctx->link_id.len = r->uri.len - endpoint->path.len;

    endpoint->start(ctx);

    return NGX_DONE;
}


static ngx_int_t
ngx_http_dff_endpoint_ctx(ngx_http_request_t *r, ngx_http_dff_ctx_t **ctx)
{
    char                      *trace;
    ngx_table_elt_t           *h;
    ngx_http_dff_ctx_t        *made;
    ngx_http_dff_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_dff_module);

    made = ngx_pcalloc(r->pool, sizeof(ngx_http_dff_ctx_t));
    if (made == NULL) {
        return NGX_ERROR;
    }

    made->request = r;
    made->worker = mcf->worker;
    made->started = ngx_current_msec;
    made->url = r->unparsed_uri;
    made->asked = made->started;

    h = ngx_http_dff_dump_header(r, "x-trace-id", sizeof("x-trace-id") - 1);

    if (h != NULL && dff_id_is_trace(ngx_http_dff_str(h->value))) {
        made->trace_id = h->value;

    } else {
        trace = ngx_pnalloc(r->pool, DFF_TRACE_ID_SIZE);
        if (trace == NULL) {
            return NGX_ERROR;
        }
        made->trace_id.data = (u_char *) trace;
        made->trace_id.len = dff_id_make_trace(&mcf->worker->ids, trace);
    }

    ngx_http_set_ctx(r, made, ngx_http_dff_module);
    *ctx = made;

    return NGX_OK;
}


static const ngx_http_dff_endpoint_t *
ngx_http_dff_endpoint_find(ngx_str_t *uri)
{
    ngx_uint_t                      i;
    const ngx_http_dff_endpoint_t  *e;

    for (i = 0; i < sizeof(ngx_http_dff_endpoints) / sizeof(ngx_http_dff_endpoints[0]); i++) {
        e = &ngx_http_dff_endpoints[i];

        if ((e->prefix ? uri->len > e->path.len : uri->len == e->path.len)
            && ngx_memcmp(uri->data, e->path.data, e->path.len) == 0)
        {
            return e;
        }
    }

    return NULL;
}


/* A call through a link. */
static void
ngx_http_dff_endpoint_link(ngx_http_dff_ctx_t *ctx)
{
    if (ngx_http_dff_endpoint_count(ctx) != NGX_OK) {
        ngx_http_dff_answer_error(ctx, DFF_E_SYS, NULL, NULL, NULL);
        return;
    }

    if (ngx_http_dff_endpoint_coded_slash(ctx->request)) {
        /* part of the id, which no id has: "al/x%2Fflattened" names no format */
        (void) ngx_http_dff_lookup_missing(ctx);
        return;
    }

    if (ngx_http_dff_endpoint_format(ctx) != NGX_OK) {
        ngx_http_dff_endpoint_not_found(ctx);
        return;
    }

    if (!dff_id_is_link(ngx_http_dff_str(ctx->link_id))) {
        (void) ngx_http_dff_lookup_missing(ctx);
        return;
    }

    ngx_http_dff_stages_run(ctx);
}


/* From here on the request has an outcome for the metrics, by its answer or by its end. */
static ngx_int_t
ngx_http_dff_endpoint_count(ngx_http_dff_ctx_t *ctx)
{
    ngx_pool_cleanup_t  *cleanup;

    cleanup = ngx_pool_cleanup_add(ctx->request->pool, 0);
    if (cleanup == NULL) {
        return NGX_ERROR;
    }

    cleanup->handler = ngx_http_dff_endpoint_cleanup;
    cleanup->data = ctx;
    ctx->counted = 1;

    return NGX_OK;
}


static void
ngx_http_dff_endpoint_cleanup(void *data)
{
    ngx_http_dff_ctx_t  *ctx = data;
    ngx_http_request_t  *r = ctx->request;

    if (ctx->answered) {
        return;
    }

    if (!r->header_sent) {
        ngx_http_dff_counters_gone(ctx->worker->counters);
        return;
    }

    /* by nginx: a body that it has read by itself (HTTP/2) was too large, or not to be stored */
    ngx_http_dff_counters_call(ctx->worker->counters,
                               r->headers_out.status < NGX_HTTP_INTERNAL_SERVER_ERROR
                               ? DFF_E_CLIENT_BAD_REQUEST : DFF_E_SYS,
                               NULL, ngx_http_dff_elapsed(ctx));
}


/* nginx has decoded "%2F" in r->uri; what was sent tells it from a slash. */
static ngx_uint_t
ngx_http_dff_endpoint_coded_slash(ngx_http_request_t *r)
{
    u_char  *p, *last;

    if (!r->quoted_uri) {
        return 0;
    }

    p = r->unparsed_uri.data;
    last = p + r->unparsed_uri.len;

    for ( /* void */ ; p < last && *p != '?'; p++) {
        if (last - p >= 3 && p[0] == '%' && p[1] == '2' && (p[2] | 0x20) == 'f') {
            return 1;
        }
    }

    return 0;
}


/* Splits "<id>[/<format>]". NGX_DECLINED: no such format. */
static ngx_int_t
ngx_http_dff_endpoint_format(ngx_http_dff_ctx_t *ctx)
{
    u_char      *slash, *last;
    ngx_str_t    name;
    ngx_uint_t   i;

    static ngx_str_t  formats[] = {
        [NGX_HTTP_DFF_NORMAL] = ngx_null_string,
        [NGX_HTTP_DFF_FLATTENED] = ngx_string("flattened"),
        [NGX_HTTP_DFF_SIMPLIFIED] = ngx_string("simplified")
    };

    last = ctx->link_id.data + ctx->link_id.len;
    slash = ngx_strlchr(ctx->link_id.data, last, '/');

    if (slash == NULL) {
        ctx->format = NGX_HTTP_DFF_NORMAL;
        return NGX_OK;
    }

    name.data = slash + 1;
    name.len = last - name.data;
    ctx->link_id.len = slash - ctx->link_id.data;

    for (i = NGX_HTTP_DFF_FLATTENED; i <= NGX_HTTP_DFF_SIMPLIFIED; i++) {
        if (name.len == formats[i].len
            && ngx_memcmp(name.data, formats[i].data, name.len) == 0)
        {
            ctx->format = (ngx_http_dff_format_e) i;
            return NGX_OK;
        }
    }

    return NGX_DECLINED;
}


/* For the load balancer: 200 when this node can take calls. */
static void
ngx_http_dff_endpoint_ping(ngx_http_dff_ctx_t *ctx)
{
    ngx_str_t               pong = ngx_string("\"pong\""), extra = ngx_null_string;
    ngx_http_dff_worker_t  *worker = ctx->worker;
    ngx_http_dff_redis_t   *down;

    down = !ngx_http_dff_redis_usable(&worker->commands) ? &worker->commands
           : !ngx_http_dff_redis_usable(&worker->replies) ? &worker->replies : NULL;

    if (down == NULL) {
        ngx_http_dff_answer_data(ctx, pong, extra);
        return;
    }

    ngx_http_dff_answer_error(ctx, DFF_E_SYS_CACHE, NULL, NULL,
                              json_pack("{s:s, s:s}", "link", down->name,
                                        "message", down->reason));
}


static void
ngx_http_dff_endpoint_not_found(ngx_http_dff_ctx_t *ctx)
{
    ngx_http_request_t  *r = ctx->request;

    ngx_http_dff_answer_error(ctx, DFF_E_CLIENT_NOT_FOUND, NULL, "No such API",
                              json_pack("{s:o, s:o}", "method",
                                        ngx_http_dff_dump_text(r->method_name.data,
                                                               r->method_name.len),
                                        "url", ngx_http_dff_dump_text(r->uri.data,
                                                                      r->uri.len)));
}


static void
ngx_http_dff_endpoint_preflight(ngx_http_dff_ctx_t *ctx,
    const ngx_http_dff_endpoint_t *endpoint)
{
    ngx_str_t  allow, none = ngx_null_string;

    allow.data = (u_char *) endpoint->allow;
    allow.len = ngx_strlen(allow.data);

    if (ngx_http_dff_answer_header(ctx->request, "Allow", allow) != NGX_OK
        || ngx_http_dff_cors_preflight(ctx, allow) != NGX_OK)
    {
        ngx_http_dff_answer_error(ctx, DFF_E_SYS, NULL, NULL, NULL);
        return;
    }

    ngx_http_dff_answer(ctx, NGX_HTTP_OK, NGX_HTTP_DFF_TYPE_TEXT, none);
}
