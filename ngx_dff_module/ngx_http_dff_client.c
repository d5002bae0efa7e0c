/* The client of a request: see the header. */
#include "ngx_http_dff_client.h"

#define NGX_HTTP_DFF_CLIENT_HOPS_MAX  32    /* what claims to be farther away is not read */

/* The X-Forwarded-For lines of a request, read from the end. */
typedef struct {
    ngx_str_t    lines[NGX_HTTP_DFF_CLIENT_HOPS_MAX];
    ngx_uint_t   n;            /* lines left */
} ngx_http_dff_forwarded_t;

static ngx_uint_t ngx_http_dff_client_find(ngx_http_request_t *r, ngx_array_t *proxies,
    ngx_str_t **chain);
static ngx_int_t ngx_http_dff_client_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static void ngx_http_dff_client_lines(ngx_http_request_t *r,
    ngx_http_dff_forwarded_t *forwarded);
static ngx_uint_t ngx_http_dff_client_previous(ngx_http_dff_forwarded_t *forwarded,
    ngx_str_t *item);
static ngx_int_t ngx_http_dff_client_text(ngx_pool_t *pool, ngx_addr_t *addr,
    ngx_str_t *text);


char *
ngx_http_dff_client_config(ngx_conf_t *cf, ngx_http_dff_main_conf_t *mcf)
{
    u_char      *p, *last, *end;
    ngx_int_t    rc;
    ngx_str_t    item;
    ngx_cidr_t  *cidr;

    p = (u_char *) mcf->config.web_trusted_proxies;
    last = p + ngx_strlen(p);

    if (ngx_array_init(&mcf->proxies, cf->pool, 4, sizeof(ngx_cidr_t)) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    for ( /* void */ ; p < last; p = end + 1) {

        end = ngx_strlchr(p, last, ',');
        if (end == NULL) {
            end = last;
        }

        item.data = p;
        item.len = end - p;

        while (item.len > 0 && item.data[0] == ' ') {
            item.data++;
            item.len--;
        }
        while (item.len > 0 && item.data[item.len - 1] == ' ') {
            item.len--;
        }

        cidr = ngx_array_push(&mcf->proxies);
        if (cidr == NULL) {
            return NGX_CONF_ERROR;
        }

        rc = ngx_ptocidr(&item, cidr);

        if (rc == NGX_ERROR) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "dff_config: WEB_TRUSTED_PROXIES: \"%V\" is "
                               "no address and no network", &item);
            return NGX_CONF_ERROR;
        }

        if (rc == NGX_DONE) {
            ngx_conf_log_error(NGX_LOG_WARN, cf, 0, "dff_config: WEB_TRUSTED_PROXIES: the low "
                               "bits of \"%V\" mean nothing", &item);
        }
    }

    return NGX_CONF_OK;
}


ngx_uint_t
ngx_http_dff_client_chain(ngx_http_dff_ctx_t *ctx, ngx_str_t **chain)
{
    if (ctx->nclients == 0) {
        ctx->nclients = ngx_http_dff_client_find(ctx->request, &ctx->worker->mcf->proxies,
                                                 &ctx->clients);
    }

    *chain = ctx->clients;

    return ctx->nclients;
}


ngx_int_t
ngx_http_dff_client_add_variables(ngx_conf_t *cf)
{
    ngx_str_t             name = ngx_string("dff_client_addr");
    ngx_http_variable_t  *variable;

    variable = ngx_http_add_variable(cf, &name, 0);
    if (variable == NULL) {
        return NGX_ERROR;
    }

    variable->get_handler = ngx_http_dff_client_variable;

    return NGX_OK;
}


static ngx_int_t
ngx_http_dff_client_variable(ngx_http_request_t *r, ngx_http_variable_value_t *v,
    uintptr_t data)
{
    ngx_str_t                 *chain;
    ngx_http_dff_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_dff_module);

    (void) ngx_http_dff_client_find(r, &mcf->proxies, &chain);

    v->data = chain->data;
    v->len = chain->len;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;

    return NGX_OK;
}


/* The peer alone is the client where something does not fit. */
static ngx_uint_t
ngx_http_dff_client_find(ngx_http_request_t *r, ngx_array_t *proxies, ngx_str_t **found)
{
    ngx_str_t                 *chain, item;
    ngx_uint_t                 n;
    ngx_addr_t                 addr;
    ngx_http_dff_forwarded_t   forwarded;

    *found = &r->connection->addr_text;

    if (proxies->nelts == 0 || ngx_cidr_match(r->connection->sockaddr, proxies) != NGX_OK) {
        return 1;
    }

    chain = ngx_palloc(r->pool, (NGX_HTTP_DFF_CLIENT_HOPS_MAX + 1) * sizeof(ngx_str_t));
    if (chain == NULL) {
        return 1;
    }

    /* filled from its end, as the addresses are read */
    chain += NGX_HTTP_DFF_CLIENT_HOPS_MAX;
    *chain = r->connection->addr_text;

    ngx_http_dff_client_lines(r, &forwarded);

    for (n = 1; n <= NGX_HTTP_DFF_CLIENT_HOPS_MAX; n++) {

        if (!ngx_http_dff_client_previous(&forwarded, &item)
            || ngx_parse_addr_port(r->pool, &addr, item.data, item.len) != NGX_OK
            || ngx_http_dff_client_text(r->pool, &addr, &item) != NGX_OK)
        {
            break;
        }

        *--chain = item;

        if (ngx_cidr_match(addr.sockaddr, proxies) != NGX_OK) {
            n++;
            break;
        }
    }

    *found = chain;

    return n;
}


static void
ngx_http_dff_client_lines(ngx_http_request_t *r, ngx_http_dff_forwarded_t *forwarded)
{
    ngx_str_t         name = ngx_string("x-forwarded-for");
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    forwarded->n = 0;

    for (part = &r->headers_in.headers.part; part != NULL; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {
            if (h[i].key.len != name.len
                || ngx_strncasecmp(h[i].key.data, name.data, name.len) != 0)
            {
                continue;
            }

            if (forwarded->n == NGX_HTTP_DFF_CLIENT_HOPS_MAX) {
                forwarded->n = 0;     /* nonsense: nothing of it is believed */
                return;
            }

            forwarded->lines[forwarded->n++] = h[i].value;
        }
    }
}


/* The address before the one that was read last. 0: there is none. */
static ngx_uint_t
ngx_http_dff_client_previous(ngx_http_dff_forwarded_t *forwarded, ngx_str_t *item)
{
    u_char     *comma;
    ngx_str_t  *line;

    for ( /* void */ ; forwarded->n > 0; forwarded->n--) {
        line = &forwarded->lines[forwarded->n - 1];

        while (line->len > 0
               && (line->data[line->len - 1] == ',' || line->data[line->len - 1] == ' '
                   || line->data[line->len - 1] == '\t'))
        {
            line->len--;
        }

        if (line->len == 0) {
            continue;
        }

        for (comma = line->data + line->len; comma > line->data; comma--) {
            if (comma[-1] == ',' || comma[-1] == ' ' || comma[-1] == '\t') {
                break;
            }
        }

        item->data = comma;
        item->len = line->data + line->len - comma;
        line->len = comma - line->data;

        return 1;
    }

    return 0;
}


/* The address alone, without a port, in its usual form. */
static ngx_int_t
ngx_http_dff_client_text(ngx_pool_t *pool, ngx_addr_t *addr, ngx_str_t *text)
{
    text->data = ngx_pnalloc(pool, NGX_SOCKADDR_STRLEN);
    if (text->data == NULL) {
        return NGX_ERROR;
    }

    text->len = ngx_sock_ntop(addr->sockaddr, addr->socklen, text->data, NGX_SOCKADDR_STRLEN,
                              0);

    return NGX_OK;
}
