/* Reading the configuration at start and at SIGHUP. Runs in the master. */
#include "dff_reload.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dff_banned.h"

typedef enum { DFF_RELOAD_TEXT, DFF_RELOAD_NUMBER, DFF_RELOAD_FLAG } dff_reload_type_t;

#define ROW(key, type, field)  { key, DFF_RELOAD_##type, offsetof(dff_config_t, field) }

/* Read once, at start. */
static const struct {
    const char        *key;
    dff_reload_type_t  type;
    size_t             offset;
} dff_reload_restart[] = {
    ROW("REDIS_HOST", TEXT, redis_host),
    ROW("REDIS_PORT", NUMBER, redis_port),
    ROW("REDIS_SOCKET", TEXT, redis_socket),
    ROW("REDIS_DATABASE", NUMBER, redis_database),
    ROW("REDIS_USER", TEXT, redis_user),
    ROW("REDIS_PASSWORD", TEXT, redis_password),
    ROW("REDIS_USE_TLS", FLAG, redis_use_tls),
    ROW("_WORKER_GROUPS", TEXT, worker_groups),
    ROW("_WORKER_CONCURRENCY", NUMBER, worker_concurrency),
    ROW("_WORKER_MAX_CONCURRENCY", NUMBER, worker_max_concurrency),
    ROW("_WORKER_PREFETCH_MULTIPLIER", NUMBER, worker_prefetch_multiplier),
    ROW("_NODE_NAME", TEXT, node_name),
    ROW("_RUN_PATH", TEXT, run_path),
};

#undef ROW

static bool
dff_reload_differs(const dff_config_t *a, const dff_config_t *b, size_t row)
{
    const char *at = (const char *) a + dff_reload_restart[row].offset;
    const char *bt = (const char *) b + dff_reload_restart[row].offset;

    switch (dff_reload_restart[row].type) {
    case DFF_RELOAD_TEXT:
        return strcmp(*(char *const *) at, *(char *const *) bt) != 0;
    case DFF_RELOAD_NUMBER:
        return *(const int64_t *) at != *(const int64_t *) bt;
    case DFF_RELOAD_FLAG:
        return *(const bool *) at != *(const bool *) bt;
    }
    return false;
}

static void
dff_reload_report(void *ctx, dff_config_severity_t severity, const char *text)
{
    dff_log_t *log = ctx;

    if (log == NULL)
        (void) fprintf(stderr, "dff-executor: %s%s\n",
                       severity == DFF_CONFIG_WARNING ? "warning: " : "", text);
    else if (severity == DFF_CONFIG_WARNING)
        dff_log_warn(log, NULL, "%s", text);
    else
        dff_log_error(log, NULL, "%s", text);
}

dff_config_t *
dff_reload_config(const dff_master_options_t *options, dff_log_t *log, dff_err_t *err)
{
    dff_config_t *cfg = calloc(1, sizeof(*cfg));

    if (cfg == NULL) {
        (void) dff_err_set(err, DFF_E_SYS, "out of memory");
        return NULL;
    }
    if (dff_config_load(cfg, options->config_path, dff_reload_report, log, err) != DFF_OK) {
        free(cfg);
        return NULL;
    }
    return cfg;
}

int
dff_reload(dff_master_t *master)
{
    dff_err_t     err;
    dff_log_t     log;
    dff_config_t *cfg = dff_reload_config(&master->options, &master->log, &err);
    size_t        i;

    if (cfg == NULL) {
        dff_log_error(&master->log, NULL, "reload: the configuration is not taken over: %s",
                      err.message);
        return DFF_ERROR;
    }
    for (i = 0; i < sizeof(dff_reload_restart) / sizeof(dff_reload_restart[0]); i++) {
        if (dff_reload_differs(master->cfg, cfg, i))
            dff_log_warn(&master->log, NULL, "reload: %s has changed; that needs a restart",
                         dff_reload_restart[i].key);
    }

    if (dff_log_open(&log, cfg, master->log.process, &err) == DFF_OK) {
        log.to_stderr = master->log.to_stderr;
        dff_log_close(&master->log);
        master->log = log;
    } else {
        dff_log_error(&master->log, NULL, "reload: %s; the old log stays in use", err.message);
        dff_log_close(&log);
    }

    /* The pool was made for the old numbers. */
    cfg->worker_concurrency = master->cfg->worker_concurrency;
    cfg->worker_prefetch_multiplier = master->cfg->worker_prefetch_multiplier;
    dff_config_release(master->cfg);
    free(master->cfg);
    master->cfg = cfg;
    dff_log_warn(&master->log, NULL, "reload: configuration %s is in force",
                 master->options.config_path == NULL ? "(defaults)"
                                                     : master->options.config_path);
    return DFF_OK;
}
