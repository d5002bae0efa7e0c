/*
 * The zygote as the master sees it: the process that has Python warmed up and
 * forks the workers. It is started with a cleared environment and one socket
 * (frames SETTINGS, FORK / FORKED, CHILD_EXIT), and started again, with a
 * backoff, when it dies; the workers it had forked go on, as our children.
 * Runs in the master.
 */
#ifndef DFF_ZYGOTE_PROC_H
#define DFF_ZYGOTE_PROC_H

#include <sys/types.h>

#include "dff_buf.h"

#include "master/dff_master.h"

/* In the zygote, the number of its control socket. */
#define DFF_ZYGOTE_FD  3

typedef struct dff_zygote_proc_s dff_zygote_proc_t;

dff_zygote_proc_t *dff_zygote_proc_new(dff_master_t *master);
void dff_zygote_proc_free(dff_zygote_proc_t *zygote);

/* Starts it; tries again by itself when that fails. */
void dff_zygote_proc_start(dff_zygote_proc_t *zygote);
/* Puts one with new settings in the place of master->zygote. The old one stays
 * until its workers are gone, because a zygote takes its workers with it. */
void dff_zygote_proc_restart(dff_master_t *master);
/* Ends all, the old ones included, and with them their workers. */
void dff_zygote_proc_stop(dff_zygote_proc_t *zygote);
/* Every second: frees old ones that nobody needs. */
void dff_zygote_proc_tidy(dff_master_t *master);
bool dff_zygote_proc_up(const dff_zygote_proc_t *zygote);

/* Sends FORK with the worker's end of its socket and its black box, and closes both when
 * they were taken. DFF_ERROR: there is no zygote; they are still the caller's. */
int dff_zygote_proc_fork(dff_zygote_proc_t *zygote, uint32_t tag, int fd, int box);
/* A worker of it has been made (+1), is gone (-1). */
void dff_zygote_proc_hold(dff_zygote_proc_t *zygote, int change);
/* wait4() has returned pid: true when that was a zygote. */
bool dff_zygote_proc_exited(dff_master_t *master, pid_t pid, int status);

/* The SETTINGS document (docs/protocol.md). DFF_ERROR: err. */
int dff_zygote_settings(const dff_config_t *cfg, const char *exe_folder, dff_buf_t *json,
    dff_err_t *err);

#endif
