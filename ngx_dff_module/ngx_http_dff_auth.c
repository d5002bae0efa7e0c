/* API auth: the stages, and what the types have in common: see the header. */
#include "ngx_http_dff_answer.h"
#include "ngx_http_dff_auth.h"
#include "ngx_http_dff_stages.h"
#include "ngx_http_dff_worker.h"

typedef struct {
    ngx_int_t  (*head)(ngx_http_dff_ctx_t *ctx);
    ngx_int_t  (*body)(ngx_http_dff_ctx_t *ctx);        /* NULL: the head tells all */
    ngx_int_t  (*challenge)(ngx_http_dff_ctx_t *ctx);   /* NULL: none */
} ngx_http_dff_auth_row_t;

static ngx_int_t ngx_http_dff_auth_told(ngx_http_dff_ctx_t *ctx, ngx_int_t rc);
static void ngx_http_dff_auth_refuse(ngx_http_dff_ctx_t *ctx);

static const ngx_http_dff_auth_row_t  ngx_http_dff_auth_rows[] = {

    [DFF_AUTH_FIXED_FIELD] = { ngx_http_dff_auth_field, ngx_http_dff_auth_field_body, NULL },

    [DFF_AUTH_HTTP_BASIC] = { ngx_http_dff_auth_basic, NULL, ngx_http_dff_auth_basic_challenge },

    [DFF_AUTH_HTTP_DIGEST] = { ngx_http_dff_auth_digest, NULL,
                               ngx_http_dff_auth_digest_challenge },

    [DFF_AUTH_FUNC] = { ngx_http_dff_auth_func, ngx_http_dff_auth_func_body, NULL }
};

_Static_assert(sizeof(ngx_http_dff_auth_rows) / sizeof(ngx_http_dff_auth_rows[0])
               == DFF_AUTH_TYPE_COUNT, "a row for each type");


ngx_int_t
ngx_http_dff_auth_stage(ngx_http_dff_ctx_t *ctx)
{
    dff_err_t             err;
    ngx_http_dff_auth_t  *auth;

    if (ctx->route.api_auth.len == 0) {
        return NGX_OK;
    }

    auth = ngx_pcalloc(ctx->request->pool, sizeof(ngx_http_dff_auth_t));
    if (auth == NULL) {
        return ngx_http_dff_auth_told(ctx, NGX_ERROR);
    }

    if (dff_route_auth_read(ctx->route.api_auth, &auth->api, &err) != DFF_OK) {
        /* gone, unreadable, or of a later version: a door that stays closed */
        ngx_http_dff_auth_log(ctx, DFF_LOG_WARNING, err.message);
        ngx_http_dff_answer_error(ctx, DFF_E_API_AUTH, NULL, NULL, NULL);
        return NGX_DONE;
    }

    auth->level = DFF_LOG_INFO;
    ctx->auth = auth;

    return ngx_http_dff_auth_told(ctx, ngx_http_dff_auth_rows[auth->api.type].head(ctx));
}


ngx_int_t
ngx_http_dff_auth_body_stage(ngx_http_dff_ctx_t *ctx)
{
    ngx_http_dff_auth_t  *auth = ctx->auth;

    if (auth == NULL || auth->passed) {
        return NGX_OK;
    }

    return ngx_http_dff_auth_told(ctx, ngx_http_dff_auth_rows[auth->api.type].body(ctx));
}


void
ngx_http_dff_auth_resume(ngx_http_dff_ctx_t *ctx, ngx_int_t rc)
{
    if (ngx_http_dff_auth_told(ctx, rc) == NGX_OK) {
        ngx_http_dff_stages_resume(ctx);
    }
}


/* What a type's judgement means for the call. */
static ngx_int_t
ngx_http_dff_auth_told(ngx_http_dff_ctx_t *ctx, ngx_int_t rc)
{
    switch (rc) {

    case NGX_OK:
        ctx->auth->passed = 1;
        return NGX_OK;

    case NGX_BUSY:
        return NGX_OK;

    case NGX_AGAIN:
    case NGX_DONE:
        return rc;

    case NGX_DECLINED:
        ngx_http_dff_auth_refuse(ctx);
        return NGX_DONE;

    default:
        ngx_http_dff_answer_error(ctx, DFF_E_SYS, NULL, NULL, NULL);
        return NGX_DONE;
    }
}


/* 401. What was wrong is for the log: a stranger must not learn which half was right. */
static void
ngx_http_dff_auth_refuse(ngx_http_dff_ctx_t *ctx)
{
    ngx_str_t                       after;
    const ngx_http_dff_auth_row_t  *row = &ngx_http_dff_auth_rows[ctx->auth->api.type];

    ngx_http_dff_auth_log(ctx, ctx->auth->level, ctx->auth->why);

    if (ctx->auth->wait > 0) {
        after.data = ngx_pnalloc(ctx->request->pool, NGX_TIME_T_LEN);
        if (after.data != NULL) {
            after.len = ngx_sprintf(after.data, "%T", ctx->auth->wait) - after.data;
            /* without it the answer is still right */
            (void) ngx_http_dff_answer_header(ctx->request, "Retry-After", after);
        }
    }

    if (row->challenge != NULL && row->challenge(ctx) != NGX_OK) {
        ngx_http_dff_answer_error(ctx, DFF_E_SYS, NULL, NULL, NULL);
        return;
    }

    ngx_http_dff_answer_error(ctx, DFF_E_API_AUTH, NULL, NULL, NULL);
}


void
ngx_http_dff_auth_log(ngx_http_dff_ctx_t *ctx, dff_log_level_t level, const char *why)
{
    ngx_http_dff_worker_log(ctx->worker, level, &ctx->trace_id,
                            "[API AUTH] link=%V refused: %s", &ctx->link_id, why);
}
