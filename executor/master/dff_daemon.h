/*
 * Leaving the terminal: the process goes on as a child of its own session, and who started
 * it waits until it stands, and ends with what became of that. Runs in the master, before
 * it has anything that a fork would share.
 */
#ifndef DFF_DAEMON_H
#define DFF_DAEMON_H

#include <stdbool.h>

#include "dff_err.h"

/* Returns in the child; the parent ends here, with status 0 when the child says that it
 * stands, else 1. *tell: for dff_daemon_stands(), or to be closed when it does not. */
int dff_daemon_begin(int *tell, dff_err_t *err);

/* Says so, and closes *tell. false: nobody is there to hear it. */
bool dff_daemon_stands(int *tell);

#endif
