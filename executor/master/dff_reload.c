/* Reading the configuration at start and at SIGHUP. Runs in the master. */
#include "dff_reload.h"

#include <stdio.h>
#include <stdlib.h>

#include "dff_banned.h"

static void
dff_reload_tell(void *ctx, const char *key)
{
    dff_log_t *log = ctx;

    dff_log_warn(log, NULL, "reload: %s has changed; that needs a restart, until which the master "
                 "goes on with the old value", key);
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

static void
dff_reload_swap(char **a, char **b)
{
    char *text = *a;

    *a = *b;
    *b = text;
}

/* The running values of what is made once: the pool has its numbers; the sockets have their
 * folder, and the group of the workers' user; nginx and other nodes know this one by its name. */
static void
dff_reload_keep(dff_config_t *cfg, dff_config_t *old)
{
    cfg->worker_concurrency = old->worker_concurrency;
    cfg->worker_prefetch_multiplier = old->worker_prefetch_multiplier;
    dff_reload_swap(&cfg->worker_user, &old->worker_user);
    dff_reload_swap(&cfg->node_name, &old->node_name);
    dff_reload_swap(&cfg->run_path, &old->run_path);
}

int
dff_reload(dff_master_t *master)
{
    dff_err_t     err;
    dff_log_t     log;
    dff_config_t *cfg = dff_reload_config(&master->options, &master->log, &err);

    if (cfg == NULL) {
        dff_log_error(&master->log, NULL, "reload: the configuration is not taken over: %s",
                      err.message);
        return DFF_ERROR;
    }
    dff_config_restart_keys(master->cfg, cfg, dff_reload_tell, &master->log);

    if (dff_log_open(&log, cfg, master->log.process, &err) == DFF_OK) {
        log.to_stderr = master->log.to_stderr;
        dff_log_close(&master->log);
        master->log = log;
    } else {
        dff_log_error(&master->log, NULL, "reload: %s; the old log stays in use", err.message);
        dff_log_close(&log);
    }

    dff_reload_keep(cfg, master->cfg);
    dff_config_release(master->cfg);
    free(master->cfg);
    master->cfg = cfg;
    dff_log_warn(&master->log, NULL, "reload: configuration %s is in force",
                 master->options.config_path == NULL ? "(defaults)"
                                                     : master->options.config_path);
    return DFF_OK;
}
