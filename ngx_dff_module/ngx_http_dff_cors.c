/* CORS: see the header. */
#include "ngx_http_dff_answer.h"
#include "ngx_http_dff_cors.h"
#include "ngx_http_dff_dump.h"

/* An entry of WEB_CORS_ORIGIN. */
typedef struct {
    ngx_str_t     origin;       /* when regex is NULL */
#if (NGX_PCRE)
    ngx_regex_t  *regex;
#endif
} ngx_http_dff_cors_entry_t;

static char *ngx_http_dff_cors_entry(ngx_conf_t *cf, ngx_str_t text,
    ngx_http_dff_cors_entry_t *entry);
static char *ngx_http_dff_cors_regex(ngx_conf_t *cf, ngx_str_t pattern,
    ngx_http_dff_cors_entry_t *entry);
static ngx_str_t *ngx_http_dff_cors_allowed(ngx_http_dff_ctx_t *ctx);
static ngx_uint_t ngx_http_dff_cors_matches(ngx_http_dff_cors_entry_t *entry,
    ngx_str_t *origin);


char *
ngx_http_dff_cors_config(ngx_conf_t *cf, ngx_http_dff_main_conf_t *mcf)
{
    u_char                     *p, *last;
    ngx_str_t                   text;
    ngx_http_dff_cors_entry_t  *entry;

    text.data = (u_char *) mcf->config.web_cors_origin;
    text.len = ngx_strlen(text.data);

    if (ngx_array_init(&mcf->cors_origins, cf->pool, 4, sizeof(ngx_http_dff_cors_entry_t))
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (ngx_strcmp(text.data, "true") == 0) {
        mcf->cors_any = 1;
        return NGX_CONF_OK;
    }

    if (ngx_strcmp(text.data, "false") == 0) {
        return NGX_CONF_OK;
    }

    last = text.data + text.len;

    for (p = text.data; p < last; p++) {

        for (text.data = p; p < last && *p != ',' && *p != ' '; p++) { /* void */ }

        text.len = p - text.data;
        if (text.len == 0) {
            continue;
        }

        entry = ngx_array_push(&mcf->cors_origins);

        if (entry == NULL || ngx_http_dff_cors_entry(cf, text, entry) != NGX_CONF_OK) {
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_dff_cors_entry(ngx_conf_t *cf, ngx_str_t text, ngx_http_dff_cors_entry_t *entry)
{
    u_char  *scheme;

    static ngx_str_t  regexp = ngx_string("regexp:");

    ngx_memzero(entry, sizeof(ngx_http_dff_cors_entry_t));

    if (text.len > regexp.len && ngx_strncmp(text.data, regexp.data, regexp.len) == 0) {
        text.data += regexp.len;
        text.len -= regexp.len;
        return ngx_http_dff_cors_regex(cf, text, entry);
    }

    /* what a browser sends: scheme://host or scheme://host:port, nothing behind it */
    scheme = ngx_strlcasestrn(text.data, text.data + text.len, (u_char *) "://", 2);

    if (scheme == NULL || scheme == text.data || scheme + 3 >= text.data + text.len
        || ngx_strlchr(scheme + 3, text.data + text.len, '/') != NULL
        || ngx_strlchr(scheme + 3, text.data + text.len, '*') != NULL)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "dff_config: WEB_CORS_ORIGIN: \"%V\" is no "
                           "origin: \"true\" for all, \"false\" for none, or a list of "
                           "scheme://host[:port] and regexp:<pattern without , and space>",
                           &text);
        return NGX_CONF_ERROR;
    }

    entry->origin = text;

    return NGX_CONF_OK;
}


static char *
ngx_http_dff_cors_regex(ngx_conf_t *cf, ngx_str_t pattern, ngx_http_dff_cors_entry_t *entry)
{
#if (NGX_PCRE)
    u_char               message[NGX_MAX_CONF_ERRSTR];
    ngx_regex_compile_t  rc;

    ngx_memzero(&rc, sizeof(ngx_regex_compile_t));

    /* PCRE before 2 reads up to a NUL */
    rc.pattern.len = pattern.len;
    rc.pattern.data = ngx_pcalloc(cf->pool, pattern.len + 1);
    if (rc.pattern.data == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memcpy(rc.pattern.data, pattern.data, pattern.len);
    rc.pool = cf->pool;
    rc.options = NGX_REGEX_CASELESS;
    rc.err.len = sizeof(message);
    rc.err.data = message;

    if (ngx_regex_compile(&rc) != NGX_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "dff_config: WEB_CORS_ORIGIN: %V", &rc.err);
        return NGX_CONF_ERROR;
    }

    entry->regex = rc.regex;

    return NGX_CONF_OK;
#else
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "dff_config: WEB_CORS_ORIGIN: \"regexp:%V\": this "
                       "nginx has no regular expressions", &pattern);
    return NGX_CONF_ERROR;
#endif
}


ngx_int_t
ngx_http_dff_cors_headers(ngx_http_dff_ctx_t *ctx)
{
    ngx_str_t                 *origin;
    ngx_http_request_t        *r = ctx->request;
    ngx_http_dff_main_conf_t  *mcf = ctx->worker->mcf;

    static ngx_str_t  yes = ngx_string("true");
    static ngx_str_t  vary = ngx_string("Origin");
    static ngx_str_t  expose = ngx_string("X-Trace-Id, X-Request-Time, X-Response-Time, "
                                          "X-Request-Cost, X-Dff-Task-Id, "
                                          "X-Dataflux-Func-Cache, Retry-After");

    if (!mcf->cors_any && mcf->cors_origins.nelts == 0) {
        return NGX_OK;
    }

    /* also without an origin, or a cache would give this answer to a browser */
    if (ngx_http_dff_answer_header(r, "Vary", vary) != NGX_OK) {
        return NGX_ERROR;
    }

    origin = ngx_http_dff_cors_allowed(ctx);
    if (origin == NULL) {
        return NGX_OK;
    }

    if (ngx_http_dff_answer_header(r, "Access-Control-Allow-Origin", *origin) != NGX_OK
        || ngx_http_dff_answer_header(r, "Access-Control-Expose-Headers", expose) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (mcf->config.web_cors_credentials) {
        return ngx_http_dff_answer_header(r, "Access-Control-Allow-Credentials", yes);
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_dff_cors_preflight(ngx_http_dff_ctx_t *ctx, ngx_str_t methods)
{
    ngx_table_elt_t     *wanted;
    ngx_http_request_t  *r = ctx->request;

    static ngx_str_t  age = ngx_string("86400");

    if (ngx_http_dff_cors_allowed(ctx) == NULL) {
        return NGX_OK;
    }

    if (ngx_http_dff_answer_header(r, "Access-Control-Allow-Methods", methods) != NGX_OK
        || ngx_http_dff_answer_header(r, "Access-Control-Max-Age", age) != NGX_OK)
    {
        return NGX_ERROR;
    }

    wanted = ngx_http_dff_dump_header(r, "access-control-request-headers",
                                      sizeof("access-control-request-headers") - 1);
    if (wanted == NULL) {
        return NGX_OK;
    }

    return ngx_http_dff_answer_header(r, "Access-Control-Allow-Headers", wanted->value);
}


/* The origin of the request, if it is one of ours; else NULL. */
static ngx_str_t *
ngx_http_dff_cors_allowed(ngx_http_dff_ctx_t *ctx)
{
    ngx_uint_t                  i;
    ngx_table_elt_t            *h;
    ngx_http_dff_main_conf_t   *mcf = ctx->worker->mcf;
    ngx_http_dff_cors_entry_t  *entry;

    h = ngx_http_dff_dump_header(ctx->request, "origin", sizeof("origin") - 1);

    if (h == NULL || h->value.len == 0) {
        return NULL;
    }

    if (mcf->cors_any) {
        return &h->value;
    }

    entry = mcf->cors_origins.elts;

    for (i = 0; i < mcf->cors_origins.nelts; i++) {
        if (ngx_http_dff_cors_matches(&entry[i], &h->value)) {
            return &h->value;
        }
    }

    return NULL;
}


static ngx_uint_t
ngx_http_dff_cors_matches(ngx_http_dff_cors_entry_t *entry, ngx_str_t *origin)
{
#if (NGX_PCRE)
    if (entry->regex != NULL) {
        return ngx_regex_exec(entry->regex, origin, NULL, 0) >= 0;
    }
#endif

    /* scheme and host have no case */
    return entry->origin.len == origin->len
           && ngx_strncasecmp(entry->origin.data, origin->data, origin->len) == 0;
}
