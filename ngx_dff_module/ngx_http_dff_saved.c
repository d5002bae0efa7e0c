/* Saved results: see the header. */
#include "ngx_http_dff_dump.h"
#include "ngx_http_dff_saved.h"

static ngx_int_t ngx_http_dff_saved_trace(ngx_http_dff_ctx_t *ctx);
static void ngx_http_dff_saved_cleanup(void *data);


ngx_int_t
ngx_http_dff_saved_ask(ngx_http_dff_ctx_t *ctx)
{
    ngx_pool_cleanup_t       *cleanup;
    ngx_http_request_t       *r = ctx->request;
    ngx_http_dff_loc_conf_t  *lcf;

    lcf = ngx_http_get_module_loc_conf(r, ngx_http_dff_module);

    if (lcf->saved_results.len == 0 || ctx->passed_on) {
        return NGX_DECLINED;
    }

    cleanup = ngx_pool_cleanup_add(r->pool, 0);
    if (cleanup == NULL || ngx_http_dff_saved_trace(ctx) != NGX_OK) {
        return NGX_ERROR;
    }

    /* nginx forgets the contexts of modules on this way; a cleanup stays */
    cleanup->handler = ngx_http_dff_saved_cleanup;
    cleanup->data = ctx;
    ctx->passed_on = 1;

    (void) ngx_http_named_location(r, &lcf->saved_results);
    ngx_http_finalize_request(r, NGX_DONE);

    return NGX_DONE;
}


ngx_http_dff_ctx_t *
ngx_http_dff_saved_back(ngx_http_request_t *r)
{
    ngx_pool_cleanup_t  *cleanup;
    ngx_http_dff_ctx_t  *ctx;

    if (!r->internal) {
        return NULL;
    }

    for (cleanup = r->pool->cleanup; cleanup != NULL; cleanup = cleanup->next) {
        if (cleanup->handler != ngx_http_dff_saved_cleanup) {
            continue;
        }

        ctx = cleanup->data;

        /* the parts of a page share the pool */
        if (ctx->request == r) {
            return ctx;
        }
    }

    return NULL;
}


/* The api process logs under our trace id. */
static ngx_int_t
ngx_http_dff_saved_trace(ngx_http_dff_ctx_t *ctx)
{
    ngx_table_elt_t     *h;
    ngx_http_request_t  *r = ctx->request;

    static u_char  lowcase[] = "x-trace-id";

    h = ngx_http_dff_dump_header(r, (const char *) lowcase, sizeof(lowcase) - 1);

    if (h == NULL) {
        h = ngx_list_push(&r->headers_in.headers);
        if (h == NULL) {
            return NGX_ERROR;
        }

        ngx_memzero(h, sizeof(ngx_table_elt_t));
        h->hash = 1;
        ngx_str_set(&h->key, "X-Trace-Id");
        h->lowcase_key = lowcase;
    }

    h->value = ctx->trace_id;

    return NGX_OK;
}


static void
ngx_http_dff_saved_cleanup(void *data)
{
    /* a mark: ngx_http_dff_saved_back() */
}
