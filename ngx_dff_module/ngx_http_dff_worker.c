/* The context of an nginx worker process: see the header. */
#include "ngx_http_dff_auth_guess.h"
#include "ngx_http_dff_changes.h"
#include "ngx_http_dff_ledger.h"
#include "ngx_http_dff_replies.h"
#include "ngx_http_dff_stat.h"
#include "ngx_http_dff_worker.h"

#define NGX_HTTP_DFF_COMMAND_SILENCE    900    /* ms: callers hear 503 within a second */
#define NGX_HTTP_DFF_LOG_LINE_SIZE     4096

static void ngx_http_dff_worker_commands_up(ngx_http_dff_redis_t *link);


ngx_http_dff_worker_t *
ngx_http_dff_worker_new(ngx_cycle_t *cycle, ngx_http_dff_main_conf_t *mcf)
{
    dff_err_t               err;
    ngx_http_dff_worker_t  *worker;

    worker = ngx_pcalloc(cycle->pool, sizeof(ngx_http_dff_worker_t));
    if (worker == NULL) {
        return NULL;
    }

    worker->mcf = mcf;
    worker->log = cycle->log;

    worker->counters = ngx_http_dff_counters_claim(mcf->metrics, cycle);
    if (worker->counters == NULL) {
        return NULL;
    }

    worker->line.fd = -1;
    worker->line.level = (dff_log_level_t) mcf->config.log_level;
    worker->line.json = mcf->config.log_json;
    (void) ngx_snprintf((u_char *) worker->line.process, sizeof(worker->line.process),
                        "nginx/worker%Z");

    if (dff_tz_init(&worker->line.tz, mcf->config.timezone, &err) != DFF_OK) {
        ngx_log_error(NGX_LOG_WARN, cycle->log, 0, "dff: log times are UTC: %s", err.message);
    }

    dff_id_source_init(&worker->ids);

    worker->producer.data = ngx_pnalloc(cycle->pool, DFF_ID_SIZE);
    if (worker->producer.data == NULL) {
        return NULL;
    }

    worker->producer.len = dff_id_make(&worker->ids, (char *) worker->producer.data, "ngx-");
    if (worker->producer.len == 0) {
        ngx_log_error(NGX_LOG_EMERG, cycle->log, ngx_errno, "dff: getrandom() failed");
        return NULL;
    }

    ngx_rbtree_init(&worker->calls, &worker->calls_sentinel, ngx_str_rbtree_insert_value);
    ngx_rbtree_init(&worker->lookups, &worker->lookups_sentinel, ngx_str_rbtree_insert_value);

    worker->stat = ngx_http_dff_stat_new(worker, cycle);
    worker->guesses = ngx_http_dff_auth_guess_new(cycle);
    if (worker->stat == NULL || worker->guesses == NULL) {
        return NULL;
    }

    worker->commands.name = "commands";
    worker->commands.peer = &mcf->redis;
    worker->commands.owner = worker;
    worker->commands.stats = &worker->counters->links[NGX_HTTP_DFF_LINK_COMMANDS];
    worker->commands.silence = NGX_HTTP_DFF_COMMAND_SILENCE;
    worker->commands.awaited = 1;
    worker->commands.up = ngx_http_dff_worker_commands_up;
    ngx_http_dff_ledger_init(worker);
    ngx_http_dff_redis_open(&worker->commands, cycle->log);

    if (ngx_http_dff_replies_open(worker, cycle) != NGX_OK) {
        return NULL;
    }

    ngx_http_dff_changes_open(worker, cycle);

    return worker;
}


void
ngx_http_dff_worker_close(ngx_http_dff_worker_t *worker)
{
    ngx_http_dff_ledger_close(worker);
    ngx_http_dff_stat_close(worker->stat);    /* waits for what is sent */
    ngx_http_dff_redis_close(&worker->changes);
    ngx_http_dff_redis_close(&worker->replies);
    ngx_http_dff_redis_close(&worker->commands);
    ngx_http_dff_counters_release(worker->mcf->metrics);
    dff_tz_release(&worker->line.tz);
}


static void
ngx_http_dff_worker_commands_up(ngx_http_dff_redis_t *link)
{
    ngx_log_debug1(NGX_LOG_DEBUG_HTTP, link->log, 0,
                   "dff: Redis link \"%s\" is up", link->name);
}


void
ngx_http_dff_worker_log(ngx_http_dff_worker_t *worker, dff_log_level_t level,
    ngx_str_t *trace_id, const char *fmt, ...)
{
    size_t   len;
    u_char   text[NGX_HTTP_DFF_LOG_LINE_SIZE], *last;
    char     line[NGX_HTTP_DFF_LOG_LINE_SIZE + 512], id[DFF_TRACE_ID_MAX + 1];
    va_list  args;

    if (worker->mcf->log_file == NULL || !dff_log_on(&worker->line, level)) {
        return;
    }

    va_start(args, fmt);
    last = ngx_vslprintf(text, text + sizeof(text), fmt, args);
    va_end(args);

    (void) ngx_snprintf((u_char *) id, sizeof(id), "%V%Z", trace_id);
    id[DFF_TRACE_ID_MAX] = '\0';

    len = dff_log_format(&worker->line, line, sizeof(line), level, id,
                         (dff_str_t) { (const char *) text, (size_t) (last - text) });

    /* a full disk must not fail a call, and there is nowhere else to say it */
    (void) ngx_write_fd(worker->mcf->log_file->fd, line, len);
}
