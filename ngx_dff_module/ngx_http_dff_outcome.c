/* Outcomes of jobs: see the header. */
#include "ngx_http_dff_answer.h"
#include "ngx_http_dff_outcome.h"

#include "dff_json.h"

static void ngx_http_dff_outcome_unfolded(ngx_http_dff_ctx_t *ctx, const dff_reply_t *reply);
static void ngx_http_dff_outcome_folded(ngx_http_dff_ctx_t *ctx, const dff_reply_t *reply,
    ngx_uint_t save_result);
static ngx_int_t ngx_http_dff_outcome_control(ngx_http_dff_ctx_t *ctx,
    const dff_reply_t *reply, ngx_uint_t *status, const char **type);
static ngx_int_t ngx_http_dff_outcome_header(ngx_http_dff_ctx_t *ctx, const char *name,
    json_t *value);
static ngx_int_t ngx_http_dff_outcome_copy(ngx_pool_t *pool, const char *text, size_t len,
    ngx_str_t *copy);


void
ngx_http_dff_outcome_answer(ngx_http_dff_ctx_t *ctx, const dff_reply_t *reply,
    ngx_uint_t unfold, ngx_uint_t save_result)
{
    json_t        *detail;
    dff_reason_t   reason;

    if (reply->status != DFF_STATUS_SUCCESS) {
        reason = ngx_http_dff_outcome_error(reply, &detail);
        ngx_http_dff_answer_error(ctx, reason, NULL, NULL, detail);

    } else if (unfold) {
        ngx_http_dff_outcome_unfolded(ctx, reply);

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
ngx_http_dff_outcome_unfolded(ngx_http_dff_ctx_t *ctx, const dff_reply_t *reply)
{
    ngx_str_t    body;
    ngx_uint_t   status;
    const char  *type;

    status = NGX_HTTP_OK;
    type = reply->body_type == DFF_BODY_JSON ? NGX_HTTP_DFF_TYPE_JSON
                                             : NGX_HTTP_DFF_TYPE_TEXT;

    if (ngx_http_dff_outcome_copy(ctx->request->pool, reply->body.data, reply->body.len, &body)
        != NGX_OK
        || ngx_http_dff_outcome_control(ctx, reply, &status, &type) != NGX_OK)
    {
        ngx_http_dff_answer_error(ctx, DFF_E_SYS, NULL, NULL, NULL);
        return;
    }

    ngx_http_dff_answer(ctx, status, type, body);
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


/* What the function asked for with DFF.RESP. */
static ngx_int_t
ngx_http_dff_outcome_control(ngx_http_dff_ctx_t *ctx, const dff_reply_t *reply,
    ngx_uint_t *status, const char **type)
{
    json_t      *control, *value;
    ngx_int_t    rc;
    ngx_str_t    copy;
    const char  *key;

    if (reply->control.len == 0) {
        return NGX_OK;
    }

    control = json_loadb(reply->control.data, reply->control.len, 0, NULL);
    if (control == NULL) {
        return NGX_ERROR;
    }

    rc = NGX_OK;

    value = json_object_get(control, "statusCode");
    if (json_is_integer(value)
        && json_integer_value(value) >= 200 && json_integer_value(value) <= 999)
    {
        *status = (ngx_uint_t) json_integer_value(value);
    }

    value = json_object_get(control, "contentType");
    if (json_is_string(value)) {
        /* the NUL goes along: the type is handled as a C text */
        rc = ngx_http_dff_outcome_copy(ctx->request->pool, json_string_value(value),
                                       json_string_length(value) + 1, &copy);
        *type = (const char *) copy.data;
    }

    json_object_foreach(json_object_get(control, "headers"), key, value) {
        if (rc == NGX_OK) {
            rc = ngx_http_dff_outcome_header(ctx, key, value);
        }
    }

    json_decref(control);

    return rc;
}


/* One header of a function's own. A line break in it would start another header. */
static ngx_int_t
ngx_http_dff_outcome_header(ngx_http_dff_ctx_t *ctx, const char *name, json_t *value)
{
    size_t       i, len;
    ngx_str_t    key, text;
    ngx_pool_t  *pool = ctx->request->pool;

    if (!json_is_string(value)) {
        return NGX_OK;
    }

    len = ngx_strlen(name);

    if (ngx_http_dff_outcome_copy(pool, name, len + 1, &key) != NGX_OK
        || ngx_http_dff_outcome_copy(pool, json_string_value(value), json_string_length(value),
                                     &text)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    for (i = 0; i < len; i++) {
        if (key.data[i] <= ' ' || key.data[i] == ':' || key.data[i] >= 0x7f) {
            return NGX_OK;
        }
    }

    for (i = 0; i < text.len; i++) {
        if (text.data[i] < ' ' && text.data[i] != '\t') {
            return NGX_OK;
        }
    }

    return ngx_http_dff_answer_header(ctx->request, (const char *) key.data, text);
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
