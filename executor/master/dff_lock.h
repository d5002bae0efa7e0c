/*
 * One executor for each _RUN_PATH: <run_path>/dff-executor.pid is locked while
 * the process lives (the kernel lets go when it dies) and holds its pid. Runs in
 * the master.
 */
#ifndef DFF_LOCK_H
#define DFF_LOCK_H

#include "dff_err.h"

/* Makes run_path when it is missing. *fd is kept open until the end. */
int dff_lock_take(const char *run_path, int *fd, dff_err_t *err);
/* Empties the file; closes. */
void dff_lock_drop(int *fd);

#endif
