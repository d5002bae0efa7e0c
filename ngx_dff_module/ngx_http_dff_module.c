/*
 * The module's face to nginx: directives, configuration, start and end of a
 * worker. What happens to a request starts in ngx_http_dff_endpoint.c.
 *
 * Runs in the nginx master (configuration) and in workers (init, exit).
 */
#include "ngx_http_dff_module.h"
#include "ngx_http_dff_client.h"
#include "ngx_http_dff_cors.h"
#include "ngx_http_dff_endpoint.h"
#include "ngx_http_dff_route_cache.h"
#include "ngx_http_dff_worker.h"

#include "dff_node.h"

#define NGX_HTTP_DFF_CACHE_SIZE_DEFAULT  (32 * 1024 * 1024)
#define NGX_HTTP_DFF_CACHE_SIZE_MIN      (256 * 1024)
#define NGX_HTTP_DFF_BODY_BUFFER_SIZE    (128 * 1024)

static void *ngx_http_dff_create_main_conf(ngx_conf_t *cf);
static char *ngx_http_dff_config(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
static char *ngx_http_dff_route_cache(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
static char *ngx_http_dff(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
static void *ngx_http_dff_create_loc_conf(ngx_conf_t *cf);
static char *ngx_http_dff_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child);
static char *ngx_http_dff_saved_results(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
static void ngx_http_dff_report(void *ctx, dff_config_severity_t severity, const char *text);
static void ngx_http_dff_config_cleanup(void *data);
static char *ngx_http_dff_config_redis(ngx_conf_t *cf, ngx_http_dff_main_conf_t *mcf);
static ngx_int_t ngx_http_dff_postconfiguration(ngx_conf_t *cf);
static ngx_int_t ngx_http_dff_init_process(ngx_cycle_t *cycle);
static void ngx_http_dff_exit_process(ngx_cycle_t *cycle);


static ngx_command_t  ngx_http_dff_commands[] = {

    { ngx_string("dff_config"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_http_dff_config,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("dff_route_cache"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_http_dff_route_cache,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("dff"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_http_dff,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("dff_saved_results"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_dff_saved_results,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_dff_module_ctx = {
    ngx_http_dff_client_add_variables, /* preconfiguration */
    ngx_http_dff_postconfiguration,    /* postconfiguration */

    ngx_http_dff_create_main_conf,     /* create main configuration */
    NULL,                              /* init main configuration */

    NULL,                              /* create server configuration */
    NULL,                              /* merge server configuration */

    ngx_http_dff_create_loc_conf,      /* create location configuration */
    ngx_http_dff_merge_loc_conf        /* merge location configuration */
};


ngx_module_t  ngx_http_dff_module = {
    NGX_MODULE_V1,
    &ngx_http_dff_module_ctx,          /* module context */
    ngx_http_dff_commands,             /* module directives */
    NGX_HTTP_MODULE,                   /* module type */
    NULL,                              /* init master */
    NULL,                              /* init module */
    ngx_http_dff_init_process,         /* init process */
    NULL,                              /* init thread */
    NULL,                              /* exit thread */
    ngx_http_dff_exit_process,         /* exit process */
    NULL,                              /* exit master */
    NGX_MODULE_V1_PADDING
};


static void *
ngx_http_dff_create_main_conf(ngx_conf_t *cf)
{
    ngx_http_dff_main_conf_t  *mcf;

    mcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_dff_main_conf_t));
    if (mcf == NULL) {
        return NULL;
    }

    mcf->cache_size = NGX_CONF_UNSET_SIZE;

    return mcf;
}


/* dff_config <file>: the YAML file of the executor, read and checked here too. */
static char *
ngx_http_dff_config(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    dff_err_t                  err;
    ngx_str_t                 *value, log_path;
    ngx_pool_cleanup_t        *cleanup;
    ngx_http_dff_main_conf_t  *mcf = conf;

    if (mcf->path.len != 0) {
        return "is duplicate";
    }

    value = cf->args->elts;
    mcf->path = value[1];

    if (ngx_conf_full_name(cf->cycle, &mcf->path, 1) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    cleanup = ngx_pool_cleanup_add(cf->pool, 0);
    if (cleanup == NULL) {
        return NGX_CONF_ERROR;
    }

    if (dff_config_load(&mcf->config, (const char *) mcf->path.data, ngx_http_dff_report, cf,
                        &err)
        != DFF_OK)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "dff_config: %s", err.message);
        return NGX_CONF_ERROR;
    }

    cleanup->handler = ngx_http_dff_config_cleanup;
    cleanup->data = &mcf->config;

    mcf->node.data = ngx_pnalloc(cf->pool, DFF_NODE_NAME_MAX + 1);
    if (mcf->node.data == NULL) {
        return NGX_CONF_ERROR;
    }

    if (dff_node_name(&mcf->config, (char *) mcf->node.data, &err) != DFF_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "dff_config: %s", err.message);
        return NGX_CONF_ERROR;
    }

    mcf->node.len = ngx_strlen(mcf->node.data);

    if (mcf->config.log_file_path[0] != '\0' && mcf->config.log_level != DFF_LOG_NONE) {
        log_path.data = (u_char *) mcf->config.log_file_path;
        log_path.len = ngx_strlen(log_path.data);

        mcf->log_file = ngx_conf_open_file(cf->cycle, &log_path);
        if (mcf->log_file == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    if (ngx_http_dff_cors_config(cf, mcf) != NGX_CONF_OK
        || ngx_http_dff_client_config(cf, mcf) != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    return ngx_http_dff_config_redis(cf, mcf);
}


static void
ngx_http_dff_report(void *ctx, dff_config_severity_t severity, const char *text)
{
    ngx_conf_t  *cf = ctx;

    ngx_conf_log_error(severity == DFF_CONFIG_ERROR ? NGX_LOG_EMERG : NGX_LOG_WARN, cf, 0,
                       "dff_config: %s", text);
}


static void
ngx_http_dff_config_cleanup(void *data)
{
    dff_config_release(data);
}


/* A host name is resolved here, once: hiredis would block a worker with it. */
static char *
ngx_http_dff_config_redis(ngx_conf_t *cf, ngx_http_dff_main_conf_t *mcf)
{
    ngx_url_t                   url;
    dff_config_t               *config = &mcf->config;
    ngx_http_dff_redis_peer_t  *peer = &mcf->redis;

    if (config->redis_use_tls) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "dff_config: REDIS_USE_TLS: this build's hiredis has no TLS");
        return NGX_CONF_ERROR;
    }

    peer->database = config->redis_database;
    peer->port = (in_port_t) config->redis_port;
    peer->user.data = (u_char *) config->redis_user;
    peer->user.len = ngx_strlen(config->redis_user);
    peer->password.data = (u_char *) config->redis_password;
    peer->password.len = ngx_strlen(config->redis_password);
    peer->socket.data = (u_char *) config->redis_socket;
    peer->socket.len = ngx_strlen(config->redis_socket);

    if (peer->socket.len != 0) {
        return NGX_CONF_OK;
    }

    ngx_memzero(&url, sizeof(ngx_url_t));
    /* a host alone, as the executor reads it: ngx_parse_url() would look for a port in "::1" */
    url.host.data = (u_char *) config->redis_host;
    url.host.len = ngx_strlen(config->redis_host);
    url.port = peer->port;

    if (ngx_inet_resolve_host(cf->pool, &url) != NGX_OK || url.naddrs == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "dff_config: REDIS_HOST \"%s\": %s",
                           config->redis_host, url.err != NULL ? url.err : "no address");
        return NGX_CONF_ERROR;
    }

    peer->address.data = ngx_pnalloc(cf->pool, NGX_SOCKADDR_STRLEN + 1);
    if (peer->address.data == NULL) {
        return NGX_CONF_ERROR;
    }

    peer->address.len = ngx_sock_ntop(url.addrs[0].sockaddr, url.addrs[0].socklen,
                                      peer->address.data, NGX_SOCKADDR_STRLEN, 0);
    peer->address.data[peer->address.len] = '\0';

    return NGX_CONF_OK;
}


/* dff_route_cache <size> */
static char *
ngx_http_dff_route_cache(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ssize_t                    size;
    ngx_str_t                 *value;
    ngx_http_dff_main_conf_t  *mcf = conf;

    if (mcf->cache_size != NGX_CONF_UNSET_SIZE) {
        return "is duplicate";
    }

    value = cf->args->elts;

    size = ngx_parse_size(&value[1]);
    if (size == NGX_ERROR || size < NGX_HTTP_DFF_CACHE_SIZE_MIN) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "dff_route_cache must be a size of at least 256k, got \"%V\"",
                           &value[1]);
        return NGX_CONF_ERROR;
    }

    mcf->cache_size = (size_t) size;

    return NGX_CONF_OK;
}


/* dff: this location answers function calls. */
static char *
ngx_http_dff(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_core_loc_conf_t  *clcf;
    ngx_http_dff_loc_conf_t   *lcf;
    ngx_http_dff_main_conf_t  *mcf = conf;

    if (mcf->path.len == 0) {
        return "needs \"dff_config\" before it, at the http level";
    }

    lcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_dff_module);
    if (lcf->answers) {
        return "is duplicate";
    }

    lcf->answers = 1;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    clcf->handler = ngx_http_dff_endpoint_handler;

    /* none: ngx_http_dff_body.c has the platform's own limits and answers in our form */
    if (clcf->client_max_body_size == NGX_CONF_UNSET) {
        clcf->client_max_body_size = 0;
    }

    if (clcf->sendfile == NGX_CONF_UNSET) {
        clcf->sendfile = 1;
    }

    /* an upper limit: a body with a length gets a buffer of that length */
    if (clcf->client_body_buffer_size == NGX_CONF_UNSET_SIZE) {
        clcf->client_body_buffer_size = NGX_HTTP_DFF_BODY_BUFFER_SIZE;
    }

    return NGX_CONF_OK;
}


static void *
ngx_http_dff_create_loc_conf(ngx_conf_t *cf)
{
    return ngx_pcalloc(cf->pool, sizeof(ngx_http_dff_loc_conf_t));
}


static char *
ngx_http_dff_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_core_loc_conf_t  *clcf;
    ngx_http_dff_loc_conf_t   *prev = parent;
    ngx_http_dff_loc_conf_t   *conf = child;

    /* nginx itself leaves "limit_except" in a location without the location's handler */
    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (clcf->lmt_excpt && clcf->handler == NULL && prev->answers) {
        conf->answers = 1;
        clcf->handler = ngx_http_dff_endpoint_handler;
    }

    if (conf->saved_results.data == NULL) {
        conf->saved_results = prev->saved_results;
    }

    return NGX_CONF_OK;
}


/* dff_saved_results @name: where func-result asks for what Redis does not have. */
static char *
ngx_http_dff_saved_results(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_str_t                *value;
    ngx_http_dff_loc_conf_t  *lcf = conf;

    if (lcf->saved_results.data != NULL) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (value[1].len < 2 || value[1].data[0] != '@') {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "dff_saved_results must be the name of a "
                           "location such as \"@dff_saved\", got \"%V\"", &value[1]);
        return NGX_CONF_ERROR;
    }

    lcf->saved_results = value[1];

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_dff_postconfiguration(ngx_conf_t *cf)
{
    ngx_str_t                  name = ngx_string("dff_route_cache");
    ngx_str_t                  metrics = ngx_string("dff_metrics");
    ngx_http_dff_main_conf_t  *mcf;

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_dff_module);

    if (mcf->path.len == 0) {
        return NGX_OK;   /* loaded, not used */
    }

    if (mcf->cache_size == NGX_CONF_UNSET_SIZE) {
        mcf->cache_size = NGX_HTTP_DFF_CACHE_SIZE_DEFAULT;
    }

    mcf->routes = ngx_shared_memory_add(cf, &name, mcf->cache_size, &ngx_http_dff_module);
    if (mcf->routes == NULL) {
        return NGX_ERROR;
    }

    mcf->routes->init = ngx_http_dff_route_cache_init_zone;

    mcf->metrics = ngx_shared_memory_add(cf, &metrics, NGX_HTTP_DFF_COUNTERS_ZONE_SIZE,
                                         &ngx_http_dff_module);
    if (mcf->metrics == NULL) {
        return NGX_ERROR;
    }

    mcf->metrics->init = ngx_http_dff_counters_init_zone;

    return NGX_OK;
}


static ngx_int_t
ngx_http_dff_init_process(ngx_cycle_t *cycle)
{
    ngx_http_dff_main_conf_t  *mcf;

    if (ngx_process != NGX_PROCESS_WORKER && ngx_process != NGX_PROCESS_SINGLE) {
        return NGX_OK;
    }

    mcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_dff_module);

    if (mcf == NULL || mcf->path.len == 0) {
        return NGX_OK;
    }

    mcf->worker = ngx_http_dff_worker_new(cycle, mcf);

    return mcf->worker == NULL ? NGX_ERROR : NGX_OK;
}


static void
ngx_http_dff_exit_process(ngx_cycle_t *cycle)
{
    ngx_http_dff_main_conf_t  *mcf;

    mcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_dff_module);

    if (mcf != NULL && mcf->worker != NULL) {
        ngx_http_dff_worker_close(mcf->worker);
    }
}
