/* Outcomes of jobs: see the header. */
#include "ngx_http_dff_answer.h"
#include "ngx_http_dff_file.h"
#include "ngx_http_dff_outcome.h"

#include "dff_json.h"

static void ngx_http_dff_outcome_unfolded(ngx_http_dff_ctx_t *ctx, const dff_reply_t *reply,
    ngx_http_dff_control_t *control);
static void ngx_http_dff_outcome_folded(ngx_http_dff_ctx_t *ctx, const dff_reply_t *reply,
    ngx_uint_t save_result);
static ngx_int_t ngx_http_dff_outcome_copy(ngx_pool_t *pool, const char *text, size_t len,
    ngx_str_t *copy);


void
ngx_http_dff_outcome_answer(ngx_http_dff_ctx_t *ctx, const dff_reply_t *reply,
    ngx_uint_t unfold, ngx_uint_t save_result)
{
    json_t                  *detail;
    const char              *type;
    dff_reason_t             reason;
    ngx_http_dff_control_t   control;

    if (reply->status != DFF_STATUS_SUCCESS) {
        reason = ngx_http_dff_outcome_error(reply, &detail);
        ngx_http_dff_answer_error(ctx, reason, NULL, NULL, detail);
        return;
    }

    type = reply->body_type == DFF_BODY_JSON ? NGX_HTTP_DFF_TYPE_JSON : NGX_HTTP_DFF_TYPE_TEXT;

    if (ngx_http_dff_control_read(ctx, reply, type, &control) != NGX_OK) {
        ngx_http_dff_answer_error(ctx, DFF_E_FUNC_RESULT_PARSING_FAILED, NULL, NULL, NULL);

    } else if (control.file.len != 0) {
        /* there is no envelope around a file */
        ngx_http_dff_file_answer(ctx, &control);

    } else if (unfold) {
        ngx_http_dff_outcome_unfolded(ctx, reply, &control);

    } else {
        ngx_http_dff_outcome_folded(ctx, reply, save_result);
    }
}


dff_reason_t
ngx_http_dff_outcome_error(const dff_reply_t *reply, json_t **detail)
{
    json_t  *told;

    *detail = json_pack("{s:s%}", "id", reply->id.data, reply->id.len);

    told = json_loadb(reply->body.data, reply->body.len, 0, NULL);
    (void) json_object_update(*detail, told);
    json_decref(told);

    return reply->status == DFF_STATUS_TIMEOUT ? DFF_E_FUNC_TIMEOUT : DFF_E_FUNC_FAILED;
}


ngx_str_t
ngx_http_dff_outcome_json(ngx_http_dff_ctx_t *ctx, const dff_reply_t *reply)
{
    char       *p;
    ngx_str_t   text;

    ngx_str_null(&text);

    if (reply->body_type == DFF_BODY_JSON) {
        (void) ngx_http_dff_outcome_copy(ctx->request->pool, reply->body.data, reply->body.len,
                                         &text);
        return text;
    }

    text.data = ngx_pnalloc(ctx->request->pool, dff_json_escaped_size(reply->body) + 2);
    if (text.data != NULL) {
        p = (char *) text.data;
        *p++ = '"';
        p = dff_json_escape(p, reply->body);
        *p++ = '"';
        text.len = (u_char *) p - text.data;
    }

    return text;
}


/* The result alone is the body. */
static void
ngx_http_dff_outcome_unfolded(ngx_http_dff_ctx_t *ctx, const dff_reply_t *reply,
    ngx_http_dff_control_t *control)
{
    ngx_str_t  body;

    if (ngx_http_dff_outcome_copy(ctx->request->pool, reply->body.data, reply->body.len, &body)
        != NGX_OK
        || ngx_http_dff_control_apply(ctx, control) != NGX_OK)
    {
        ngx_http_dff_answer_error(ctx, DFF_E_SYS, NULL, NULL, NULL);
        return;
    }

    ngx_http_dff_answer(ctx, control->status, control->type, body);
}


static void
ngx_http_dff_outcome_folded(ngx_http_dff_ctx_t *ctx, const dff_reply_t *reply,
    ngx_uint_t save_result)
{
    u_char     *p;
    ngx_str_t   result, data, extra;

    ngx_str_null(&extra);
    result = ngx_http_dff_outcome_json(ctx, reply);

    data.data = ngx_pnalloc(ctx->request->pool, result.len + sizeof("{\"result\":}"));
    if (result.data == NULL || data.data == NULL) {
        ngx_http_dff_answer_error(ctx, DFF_E_SYS, NULL, NULL, NULL);
        return;
    }

    p = ngx_sprintf(data.data, "{\"result\":%V}", &result);
    data.len = p - data.data;

    if (save_result) {
        extra = ngx_http_dff_outcome_task(ctx);
    }

    ngx_http_dff_answer_data(ctx, data, extra);
}


ngx_str_t
ngx_http_dff_outcome_task(ngx_http_dff_ctx_t *ctx)
{
    ngx_str_t  members;

    ngx_str_null(&members);

    members.data = ngx_pnalloc(ctx->request->pool, 128 + ctx->task_id.len * 2);
    if (members.data != NULL) {
        members.len = ngx_sprintf(members.data, "\"taskId\":\"%V\","
                                  "\"resultURL\":\"/api/v1/func-result?taskId=%V\"",
                                  &ctx->task_id, &ctx->task_id)
                      - members.data;
    }

    return members;
}


static ngx_int_t
ngx_http_dff_outcome_copy(ngx_pool_t *pool, const char *text, size_t len, ngx_str_t *copy)
{
    copy->len = len;
    copy->data = ngx_pnalloc(pool, len + 1);
    if (copy->data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(copy->data, text, len);

    return NGX_OK;
}
