/*
 * From the master's rights to those that user code may have. Runs in the
 * zygote, once, before Python and before any thread.
 */
#ifndef DFF_PRIVILEGES_H
#define DFF_PRIVILEGES_H

#include "dff_err.h"

/*
 * Started by root: becomes user (which must exist and not be root) with its
 * groups, for good. Started by anyone else: stays that user. In both cases no
 * later exec can gain rights, and the kernel's memory killer prefers this
 * process and its children to everything else of DFF.
 */
int dff_privileges_drop(const char *user, dff_err_t *err);

#endif
