/*
 * The api processes as the master sees them: _API_PROCESSES children that answer the
 * management API and what scripts ask of STORE, CACHE, ENV, SRC and FUNC. One that dies
 * is started again, with a backoff. The listening sockets are ours, so callers wait
 * and are not refused meanwhile.
 *
 * One that shall end (reload, end of the master) is asked by closing its control
 * socket: it takes no more connections, answers what it has, and exits; after
 * DFF_API_LEAVE_MS it is killed. Runs in the master.
 */
#ifndef DFF_API_PROC_H
#define DFF_API_PROC_H

#include "dff_buf.h"

#include "master/dff_master.h"

#define DFF_API_LEAVE_MS  30000

typedef struct dff_api_procs_s dff_api_procs_t;

/* Opens the sockets. NULL: err. */
dff_api_procs_t *dff_api_procs_new(dff_master_t *master, dff_err_t *err);
void dff_api_procs_free(dff_api_procs_t *procs);

void dff_api_procs_start(dff_api_procs_t *procs);
/* The configuration, or the log file, is another: new processes in place of all. */
void dff_api_procs_restart(dff_api_procs_t *procs);
/* No more of them. hurry: SIGKILL. */
void dff_api_procs_stop(dff_api_procs_t *procs, bool hurry);
bool dff_api_procs_empty(const dff_api_procs_t *procs);

/* Every second: those that do not leave in time. */
void dff_api_procs_tick(dff_api_procs_t *procs);
/* wait4() has returned pid: true when that was an api process. */
bool dff_api_procs_exited(dff_api_procs_t *procs, pid_t pid, int status);

/* Adds the heartbeat's object: {"wanted":2,"ready":2,"restarts":0,"pids":[…]}. */
void dff_api_procs_report(const dff_api_procs_t *procs, dff_buf_t *out);

#endif
