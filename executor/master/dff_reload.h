/*
 * SIGHUP: reads the configuration again. What can change at run time does (log,
 * limits, time limits, what zygote and api processes are told); what cannot is named
 * in the log and needs a restart: what the master has made of it stays, and so do the
 * values themselves where new workers or api processes have to fit to that (the node's
 * name, _RUN_PATH, _WORKER_USER). A broken file changes nothing. Runs in the master.
 */
#ifndef DFF_RELOAD_H
#define DFF_RELOAD_H

#include "master/dff_master.h"

/* Loads the file of options, its findings into the log. NULL: err. */
dff_config_t *dff_reload_config(const dff_master_options_t *options, dff_log_t *log,
    dff_err_t *err);
/* Takes the place of master->cfg. DFF_ERROR: logged, nothing changed. */
int dff_reload(dff_master_t *master);

#endif
