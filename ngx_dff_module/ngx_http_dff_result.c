/*
 * func-result: see the header.
 *
 * One question to Redis: the stored reply and, while that is only a marker, whether
 * the task is among the started ones of a node.
 */
#include "ngx_http_dff_answer.h"
#include "ngx_http_dff_ask.h"
#include "ngx_http_dff_fields.h"
#include "ngx_http_dff_options.h"
#include "ngx_http_dff_outcome.h"
#include "ngx_http_dff_result.h"
#include "ngx_http_dff_saved.h"

/* KEYS: result:<id>, nodes. ARGV: id, "started:" with its prefix. */
static ngx_str_t  ngx_http_dff_result_script = ngx_string(
    "local v = redis.call('GET', KEYS[1]) "
    "if not v then return false end "
    "for _, n in ipairs(redis.call('SMEMBERS', KEYS[2])) do "
        "if redis.call('HEXISTS', ARGV[2] .. n, ARGV[1]) == 1 then return {v, 1} end "
    "end "
    "return {v, 0}");

static ngx_int_t ngx_http_dff_result_query(ngx_http_dff_ctx_t *ctx,
    ngx_http_dff_fail_t *fail);
static ngx_int_t ngx_http_dff_result_ask(ngx_http_dff_ctx_t *ctx);
static void ngx_http_dff_result_tell(ngx_http_dff_ctx_t *ctx, redisReply *reply);
static ngx_int_t ngx_http_dff_result_dumped(ngx_http_dff_ctx_t *ctx, dff_reply_t *reply);
static void ngx_http_dff_result_state(ngx_http_dff_ctx_t *ctx, const char *state);
static void ngx_http_dff_result_finished(ngx_http_dff_ctx_t *ctx, const dff_reply_t *reply);


void
ngx_http_dff_result_start(ngx_http_dff_ctx_t *ctx)
{
    ngx_int_t            rc;
    ngx_http_dff_fail_t  fail = { "", NULL };

    rc = ngx_http_dff_result_query(ctx, &fail);

    if (rc == NGX_DECLINED) {
        ngx_http_dff_answer_error(ctx, DFF_E_CLIENT_BAD_REQUEST, NULL, fail.message, NULL);
        return;
    }

    if (rc != NGX_OK) {
        ngx_http_dff_answer_error(ctx, DFF_E_SYS, NULL, NULL, NULL);
        return;
    }

    if (ngx_http_dff_result_ask(ctx) != NGX_OK) {
        ngx_http_dff_answer_away(ctx, &ctx->worker->commands, NULL, NULL);
    }
}


/* What is asked for, into ctx. NGX_DECLINED: a field is wrong. */
static ngx_int_t
ngx_http_dff_result_query(ngx_http_dff_ctx_t *ctx, ngx_http_dff_fail_t *fail)
{
    int                    type;
    ngx_int_t              rc;
    const char            *what;
    ngx_array_t           *fields;
    ngx_http_dff_field_t  *field;

    rc = ngx_http_dff_fields_query(ctx, &fields, &what);

    if (rc == NGX_DECLINED) {
        return ngx_http_dff_fail(fail, "Invalid query string: %s", what);
    }

    if (rc != NGX_OK) {
        return rc;
    }

    field = ngx_http_dff_fields_find(fields, "taskId");
    if (field == NULL || !dff_id_is_link(ngx_http_dff_str(field->value))) {
        return ngx_http_dff_fail(fail, "Query field \"taskId\" must be a task id");
    }

    ctx->task_id = field->value;

    field = ngx_http_dff_fields_find(fields, "unfold");
    if (field != NULL && ngx_http_dff_fields_boolean(field, &ctx->options.unfold) != NGX_OK) {
        return ngx_http_dff_fail(fail, "Query field \"unfold\" must be a boolean, such as "
                                 "\"true\"");
    }

    field = ngx_http_dff_fields_find(fields, "returnType");
    type = field == NULL ? DFF_RETURN_RAW
                         : dff_return_type_from(ngx_http_dff_str(field->value));

    if (type != DFF_RETURN_RAW && type != DFF_RETURN_JSON_DUMPS) {
        return ngx_http_dff_fail(fail, "Query field \"returnType\" must be \"raw\" or "
                                 "\"jsonDumps\"; other forms are asked for by the option of the "
                                 "call");
    }

    ctx->options.return_type = (dff_return_type_t) type;

    return NGX_OK;
}


static ngx_int_t
ngx_http_dff_result_ask(ngx_http_dff_ctx_t *ctx)
{
    dff_key_t  result_key, started_key;
    ngx_str_t  argv[7] = {
        ngx_string("EVAL"), ngx_null_string, ngx_string("2"), ngx_null_string,
        ngx_string(DFF_KEY_NODES), ngx_null_string, ngx_null_string
    };

    argv[1] = ngx_http_dff_result_script;
    argv[3].len = dff_key_result(result_key, ngx_http_dff_str(ctx->task_id));
    argv[3].data = (u_char *) result_key;
    argv[5] = ctx->task_id;
    argv[6].len = dff_key_started(started_key, DFF_STR(""));
    argv[6].data = (u_char *) started_key;

    return ngx_http_dff_ask(ctx, ngx_http_dff_result_tell, NGX_HTTP_DFF_ASK_PATIENCE, 7, argv);
}


static void
ngx_http_dff_result_tell(ngx_http_dff_ctx_t *ctx, redisReply *reply)
{
    ngx_int_t    rc;
    dff_err_t    err;
    dff_str_t    raw;
    dff_reply_t  stored;

    if (reply == NULL || reply->type == REDIS_REPLY_ERROR) {
        ngx_http_dff_answer_away(ctx, &ctx->worker->commands, NULL,
                                 reply == NULL ? NULL : reply->str);
        return;
    }

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2
        || reply->element[0]->type != REDIS_REPLY_STRING)
    {
        rc = ngx_http_dff_saved_ask(ctx);

        if (rc == NGX_DONE) {
            return;
        }

        if (rc == NGX_ERROR) {
            ngx_http_dff_answer_error(ctx, DFF_E_SYS, NULL, NULL, NULL);
            return;
        }

        ngx_http_dff_answer_error(ctx, DFF_E_CLIENT_NOT_FOUND, NULL,
                                  "No such task, or its result has expired",
                                  json_pack("{s:s%}", "id", ctx->task_id.data,
                                            ctx->task_id.len));
        return;
    }

    raw.data = reply->element[0]->str;
    raw.len = (size_t) reply->element[0]->len;

    if (dff_reply_decode(raw, &stored, &err) != DFF_OK) {
        ngx_log_error(NGX_LOG_ERR, ctx->worker->log, 0, "dff: result of \"%V\": %s",
                      &ctx->task_id, err.message);
        ngx_http_dff_answer_error(ctx, DFF_E_FUNC_RESULT_PARSING_FAILED, NULL, NULL, NULL);
        return;
    }

    if (stored.status == DFF_STATUS_QUEUED) {
        ngx_http_dff_result_state(ctx, reply->element[1]->integer ? "running" : "queued");
        return;
    }

    if (ctx->options.return_type == DFF_RETURN_JSON_DUMPS
        && ngx_http_dff_result_dumped(ctx, &stored) != NGX_OK)
    {
        ngx_http_dff_answer_error(ctx, DFF_E_SYS, NULL, NULL, NULL);

    } else if (ctx->options.unfold) {
        ngx_http_dff_outcome_answer(ctx, &stored, 1, 0);

    } else {
        ngx_http_dff_result_finished(ctx, &stored);
    }
}


/* The JSON of a result as a text. What a DFF.RESP says has no other form. */
static ngx_int_t
ngx_http_dff_result_dumped(ngx_http_dff_ctx_t *ctx, dff_reply_t *reply)
{
    ngx_str_t  text;

    if (reply->status != DFF_STATUS_SUCCESS || reply->control.len != 0) {
        return NGX_OK;
    }

    text = ngx_http_dff_outcome_json(ctx, reply);
    reply->body = ngx_http_dff_str(text);
    reply->body_type = DFF_BODY_TEXT;

    return text.data != NULL ? NGX_OK : NGX_ERROR;
}


static void
ngx_http_dff_result_state(ngx_http_dff_ctx_t *ctx, const char *state)
{
    u_char     text[64];
    ngx_str_t  data, extra = ngx_null_string;

    data.data = text;
    data.len = ngx_sprintf(text, "{\"status\":\"%s\",\"result\":null}", state) - text;

    ngx_http_dff_answer_data(ctx, data, extra);
}


/* {status, result, startTime, endTime}, and the error fields of a failure. */
static void
ngx_http_dff_result_finished(ngx_http_dff_ctx_t *ctx, const dff_reply_t *reply)
{
    char                 *text;
    char                  started[DFF_TIME_ISO_SIZE], ended[DFF_TIME_ISO_SIZE];
    u_char               *p;
    json_t               *detail, *error;
    ngx_str_t             result, data, extra = ngx_null_string;
    const dff_err_row_t  *row;

    (void) dff_time_iso_utc(started, reply->started_at_ms);
    (void) dff_time_iso_utc(ended, reply->ended_at_ms);

    text = NULL;
    result.len = 4;
    result.data = (u_char *) "null";

    if (reply->status == DFF_STATUS_SUCCESS) {
        result = ngx_http_dff_outcome_json(ctx, reply);

    } else {
        row = dff_err_row(ngx_http_dff_outcome_error(reply, &detail));
        error = json_pack("{s:f, s:s, s:s, s:o}", "error", strtod(row->code, NULL),
                          "reason", row->reason, "message", row->message, "detail", detail);
        text = json_dumps(error, JSON_COMPACT | JSON_REAL_PRECISION(6));
        json_decref(error);
    }

    data.data = ngx_pnalloc(ctx->request->pool,
                            256 + result.len + (text == NULL ? 0 : ngx_strlen(text)));
    if (data.data == NULL || result.data == NULL) {
        free(text);
        ngx_http_dff_answer_error(ctx, DFF_E_SYS, NULL, NULL, NULL);
        return;
    }

    p = ngx_sprintf(data.data, "{\"status\":\"%s\",\"result\":%V",
                    dff_status_name(reply->status), &result);
    p = reply->started_at_ms == 0 ? ngx_sprintf(p, ",\"startTime\":null")
                                  : ngx_sprintf(p, ",\"startTime\":\"%s\"", started);
    p = ngx_sprintf(p, ",\"endTime\":\"%s\"", ended);

    if (text != NULL) {
        p = ngx_sprintf(p, ",%s", text + 1);   /* its members and the closing brace */
    } else {
        *p++ = '}';
    }

    data.len = p - data.data;
    free(text);

    ngx_http_dff_answer_data(ctx, data, extra);
}
