/* The stages of a call, in their order: see the header. */
#include "ngx_http_dff_answer.h"
#include "ngx_http_dff_args.h"
#include "ngx_http_dff_auth.h"
#include "ngx_http_dff_body.h"
#include "ngx_http_dff_call.h"
#include "ngx_http_dff_lookup.h"
#include "ngx_http_dff_result_cache.h"
#include "ngx_http_dff_stat.h"
#include "ngx_http_dff_stages.h"
#include "ngx_http_dff_throttle.h"

typedef ngx_int_t (*ngx_http_dff_stage_pt)(ngx_http_dff_ctx_t *ctx);

static ngx_int_t ngx_http_dff_stages_state(ngx_http_dff_ctx_t *ctx);
static void ngx_http_dff_stages_go(ngx_http_dff_ctx_t *ctx);

static const ngx_http_dff_stage_pt  ngx_http_dff_stages[] = {
    ngx_http_dff_lookup_stage,       /* the link's route */
    ngx_http_dff_stat_stage,         /* from here on the call is counted */
    ngx_http_dff_stages_state,       /* disabled, expired, function gone */
    ngx_http_dff_auth_stage,         /* API auth, as far as the head tells */
    ngx_http_dff_throttle_stage,
    ngx_http_dff_body_stage,         /* a refused call's body is not read */
    ngx_http_dff_auth_body_stage,    /* API auth that needs the body */
    ngx_http_dff_args_stage,
    ngx_http_dff_result_cache_stage,
    ngx_http_dff_call_stage          /* push and wait */
};


void
ngx_http_dff_stages_run(ngx_http_dff_ctx_t *ctx)
{
    ctx->stage = 0;
    ngx_http_dff_stages_go(ctx);
}


void
ngx_http_dff_stages_resume(ngx_http_dff_ctx_t *ctx)
{
    ctx->stage++;
    ngx_http_dff_stages_go(ctx);
}


/* The last stage never says NGX_OK. */
static void
ngx_http_dff_stages_go(ngx_http_dff_ctx_t *ctx)
{
    while (ngx_http_dff_stages[ctx->stage](ctx) == NGX_OK) {
        ctx->stage++;
    }
}


/* What the link itself says against a call. */
static ngx_int_t
ngx_http_dff_stages_state(ngx_http_dff_ctx_t *ctx)
{
    ngx_time_t  *now = ngx_timeofday();

    static const char  *disabled[DFF_ROUTE_KIND_COUNT] = {
        [DFF_ROUTE_AUTH_LINK] = "AuthLinkDisabled", [DFF_ROUTE_BATCH] = "BatchDisabled"
    };
    static const char  *expired[DFF_ROUTE_KIND_COUNT] = {
        [DFF_ROUTE_AUTH_LINK] = "AuthLinkExpired", [DFF_ROUTE_BATCH] = "BatchExpired"
    };

    if (ctx->route.is_disabled) {
        ngx_http_dff_answer_error(ctx, DFF_E_BIZ_CONDITION, disabled[ctx->kind], NULL, NULL);
        return NGX_DONE;
    }

    if (ctx->route.expire_time_ms != 0
        && ctx->route.expire_time_ms <= (int64_t) now->sec * 1000 + (int64_t) now->msec)
    {
        ngx_http_dff_answer_error(ctx, DFF_E_BIZ_CONDITION, expired[ctx->kind], NULL, NULL);
        return NGX_DONE;
    }

    if (ctx->route.func_gone) {
        ngx_http_dff_answer_error(ctx, DFF_E_CLIENT_NOT_FOUND, NULL, "No such Func",
                                  json_pack("{s:s%}", "funcId", ctx->route.func_id.data,
                                            ctx->route.func_id.len));
        return NGX_DONE;
    }

    return NGX_OK;
}
