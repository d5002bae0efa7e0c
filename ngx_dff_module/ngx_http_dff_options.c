/* Options of a call: see the header. */
#include "ngx_http_dff_options.h"

#include "dff_iso.h"
#include "dff_json.h"

#define NGX_HTTP_DFF_BATCH_TIMEOUT    3600    /* s, where the function names none */
#define NGX_HTTP_DFF_OPTION_NAME_MAX  100     /* bytes of a name that an error shows */
#define NGX_HTTP_DFF_ETA_MAX_DAYS     INT64_C(366)

typedef enum {
    NGX_HTTP_DFF_OPTION_SECONDS,
    NGX_HTTP_DFF_OPTION_FLAG,
    NGX_HTTP_DFF_OPTION_RETURN_TYPE,
    NGX_HTTP_DFF_OPTION_EXEC_MODE,
    NGX_HTTP_DFF_OPTION_ETA
} ngx_http_dff_option_type_e;

typedef struct {
    const char                  *name;
    ngx_http_dff_option_type_e   type;
    size_t                       offset;     /* in ngx_http_dff_options_t */
    size_t                       min, max;   /* offsets in dff_config_t: limits in s */
} ngx_http_dff_option_t;

static const ngx_http_dff_option_t  ngx_http_dff_options[] = {

    { "timeout", NGX_HTTP_DFF_OPTION_SECONDS, offsetof(ngx_http_dff_options_t, timeout_s),
      offsetof(dff_config_t, func_min_timeout_s), offsetof(dff_config_t, func_max_timeout_s) },

    { "apiTimeout", NGX_HTTP_DFF_OPTION_SECONDS,
      offsetof(ngx_http_dff_options_t, api_timeout_s),
      offsetof(dff_config_t, func_min_api_timeout_s),
      offsetof(dff_config_t, func_max_api_timeout_s) },

    { "unfold", NGX_HTTP_DFF_OPTION_FLAG, offsetof(ngx_http_dff_options_t, unfold), 0, 0 },

    { "saveResult", NGX_HTTP_DFF_OPTION_FLAG, offsetof(ngx_http_dff_options_t, save_result),
      0, 0 },

    { "neverExpire", NGX_HTTP_DFF_OPTION_FLAG, offsetof(ngx_http_dff_options_t, never_expire),
      0, 0 },

    { "returnType", NGX_HTTP_DFF_OPTION_RETURN_TYPE,
      offsetof(ngx_http_dff_options_t, return_type), 0, 0 },

    { "execMode", NGX_HTTP_DFF_OPTION_EXEC_MODE, 0, 0, 0 },

    { "eta", NGX_HTTP_DFF_OPTION_ETA, 0, 0, 0 }
};

#define NGX_HTTP_DFF_OPTION_COUNT \
    (sizeof(ngx_http_dff_options) / sizeof(ngx_http_dff_options[0]))

static ngx_int_t ngx_http_dff_options_take(ngx_http_dff_ctx_t *ctx, ngx_str_t name,
    dff_str_t text, ngx_uint_t lenient, ngx_http_dff_fail_t *fail);
static const ngx_http_dff_option_t *ngx_http_dff_options_find(ngx_str_t name);
static ngx_int_t ngx_http_dff_options_set(ngx_http_dff_ctx_t *ctx,
    const ngx_http_dff_option_t *option, json_t *value, ngx_http_dff_fail_t *fail);
static ngx_int_t ngx_http_dff_options_seconds(ngx_http_dff_ctx_t *ctx,
    const ngx_http_dff_option_t *option, json_t *value, int64_t *seconds,
    ngx_http_dff_fail_t *fail);

static ngx_int_t ngx_http_dff_options_eta(ngx_http_dff_ctx_t *ctx, const char *text,
    ngx_http_dff_fail_t *fail);


void
ngx_http_dff_options_default(ngx_http_dff_ctx_t *ctx)
{
    dff_config_t            *config = &ctx->worker->mcf->config;
    ngx_http_dff_options_t  *options = &ctx->options;

    options->exec_mode = ctx->kind == DFF_ROUTE_BATCH ? DFF_EXEC_ASYNC : DFF_EXEC_SYNC;
    options->timeout_s = ctx->route.timeout_s != 0 ? ctx->route.timeout_s
                         : ctx->kind == DFF_ROUTE_BATCH ? NGX_HTTP_DFF_BATCH_TIMEOUT
                         : config->func_default_timeout_s;
    options->api_timeout_s = ctx->route.api_timeout_s != 0 ? ctx->route.api_timeout_s
                                                           : config->func_default_api_timeout_s;
    options->return_type = DFF_RETURN_RAW;
    options->unfold = 1;
    options->save_result = 0;
    options->never_expire = 0;
    options->eta_ms = 0;
}


ngx_int_t
ngx_http_dff_options_read(ngx_http_dff_ctx_t *ctx, dff_str_t text, ngx_http_dff_fail_t *fail)
{
    u_char             name[NGX_HTTP_DFF_OPTION_NAME_MAX];
    ngx_int_t          rc;
    ngx_str_t          key;
    dff_json_fail_t    bad;
    dff_json_type_t    type;
    dff_json_object_t  it;
    dff_json_member_t  member;

    if (dff_json_check(text, &text, &type, &bad) != DFF_OK) {
        return ngx_http_dff_fail(fail, "\"options\" is not valid JSON: %s at line %zu, "
                                 "column %zu", bad.what, bad.line, bad.column);
    }

    if (type == DFF_JSON_NULL) {
        return NGX_OK;
    }

    if (type != DFF_JSON_OBJECT || dff_json_object_open(&it, text) != DFF_OK) {
        return ngx_http_dff_fail(fail, "\"options\" must be a JSON object");
    }

    while (dff_json_object_next(&it, &member, NULL) == 1) {

        key = ngx_http_dff_ngx_str(member.key);

        if (member.key_escaped && key.len <= sizeof(name)) {
            key.data = name;
            key.len = dff_json_unescape(member.key, (char *) name);
        }

        rc = ngx_http_dff_options_take(ctx, key, member.value, 0, fail);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_dff_options_text(ngx_http_dff_ctx_t *ctx, ngx_str_t name, dff_str_t value,
    ngx_http_dff_fail_t *fail)
{
    return ngx_http_dff_options_take(ctx, name, value, 1, fail);
}


/* lenient: a text that is JSON stands for what it says. */
static ngx_int_t
ngx_http_dff_options_take(ngx_http_dff_ctx_t *ctx, ngx_str_t name, dff_str_t text,
    ngx_uint_t lenient, ngx_http_dff_fail_t *fail)
{
    json_t                       *value, *meant;
    ngx_int_t                     rc;
    const ngx_http_dff_option_t  *option;

    option = ngx_http_dff_options_find(name);

    if (option == NULL) {
        return ngx_http_dff_fail(fail, "Unknown option \"%.*s\"",
                                 (int) ngx_min(name.len, NGX_HTTP_DFF_OPTION_NAME_MAX),
                                 (char *) name.data);
    }

    /* NULL: a number or text beyond what jansson holds is no good value of any option */
    value = json_loadb(text.data, text.len, JSON_DECODE_ANY, NULL);
    meant = NULL;

    if (lenient && json_is_string(value)) {
        meant = json_loadb(json_string_value(value), json_string_length(value),
                           JSON_DECODE_ANY, NULL);
    }

    rc = ngx_http_dff_options_set(ctx, option, meant != NULL ? meant : value, fail);

    json_decref(meant);
    json_decref(value);

    return rc;
}


static const ngx_http_dff_option_t *
ngx_http_dff_options_find(ngx_str_t name)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_HTTP_DFF_OPTION_COUNT; i++) {
        if (dff_str_eq(ngx_http_dff_str(name), dff_str_from(ngx_http_dff_options[i].name))) {
            return &ngx_http_dff_options[i];
        }
    }

    return NULL;
}


static ngx_int_t
ngx_http_dff_options_set(ngx_http_dff_ctx_t *ctx, const ngx_http_dff_option_t *option,
    json_t *value, ngx_http_dff_fail_t *fail)
{
    int                      type;
    const char              *text = json_string_value(value);
    ngx_http_dff_options_t  *options = &ctx->options;
    void                    *field = (char *) options + option->offset;

    switch (option->type) {

    case NGX_HTTP_DFF_OPTION_SECONDS:
        return ngx_http_dff_options_seconds(ctx, option, value, field, fail);

    case NGX_HTTP_DFF_OPTION_FLAG:
        if (!json_is_boolean(value)) {
            return ngx_http_dff_fail(fail, "Option \"%s\" must be true or false",
                                     option->name);
        }

        *(ngx_uint_t *) field = json_is_true(value);
        return NGX_OK;

    case NGX_HTTP_DFF_OPTION_RETURN_TYPE:
        type = text == NULL ? -1 : dff_return_type_from(dff_str_from(text));
        if (type == -1) {
            return ngx_http_dff_fail(fail, "Option \"%s\" must be \"raw\", \"repr\", "
                                     "\"jsonDumps\" or \"ALL\"", option->name);
        }

        *(dff_return_type_t *) field = (dff_return_type_t) type;
        return NGX_OK;

    case NGX_HTTP_DFF_OPTION_ETA:
        return ngx_http_dff_options_eta(ctx, text, fail);

    case NGX_HTTP_DFF_OPTION_EXEC_MODE:
    default:
        if (text == NULL || ngx_strcmp(text, dff_exec_mode_name(options->exec_mode)) != 0) {
            return ngx_http_dff_fail(fail, "Option \"%s\" of %s must be \"%s\"", option->name,
                                     ctx->kind == DFF_ROUTE_BATCH ? "a batch" : "an auth link",
                                     dff_exec_mode_name(options->exec_mode));
        }
        return NGX_OK;
    }
}


static ngx_int_t
ngx_http_dff_options_seconds(ngx_http_dff_ctx_t *ctx, const ngx_http_dff_option_t *option,
    json_t *value, int64_t *seconds, ngx_http_dff_fail_t *fail)
{
    int64_t      min, max;
    const char  *config = (const char *) &ctx->worker->mcf->config;

    min = *(const int64_t *) (config + option->min);
    max = *(const int64_t *) (config + option->max);

    if (!json_is_integer(value)
        || json_integer_value(value) < min || json_integer_value(value) > max)
    {
        return ngx_http_dff_fail(fail, "Option \"%s\" must be an integer from %lld to %lld "
                                 "(seconds)", option->name, (long long) min, (long long) max);
    }

    *seconds = json_integer_value(value);

    return NGX_OK;
}


/* When to run. A time that has passed is now. */
static ngx_int_t
ngx_http_dff_options_eta(ngx_http_dff_ctx_t *ctx, const char *text, ngx_http_dff_fail_t *fail)
{
    int64_t  now_ms, eta_ms;

    if (ctx->options.exec_mode != DFF_EXEC_ASYNC) {
        return ngx_http_dff_fail(fail, "Option \"eta\" is for async calls only");
    }

    now_ms = dff_time_now_ms();

    if (text == NULL
        || dff_iso_read(dff_str_from(text), &ctx->worker->line.tz, &eta_ms) != DFF_OK
        || eta_ms - now_ms > NGX_HTTP_DFF_ETA_MAX_DAYS * 86400000)
    {
        return ngx_http_dff_fail(fail, "Option \"eta\" must be an ISO 8601 time such as "
                                 "\"2021-10-14T09:02:03+08:00\", at most %d days ahead",
                                 (int) NGX_HTTP_DFF_ETA_MAX_DAYS);
    }

    ctx->options.eta_ms = eta_ms > now_ms ? eta_ms : 0;

    return NGX_OK;
}


ngx_int_t
ngx_http_dff_fail(ngx_http_dff_fail_t *fail, const char *fmt, ...)
{
    va_list  args;

    va_start(args, fmt);
    (void) vsnprintf(fail->message, sizeof(fail->message), fmt, args);
    va_end(args);

    return NGX_DECLINED;
}
