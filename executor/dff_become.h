/*
 * From root to an unprivileged user, for good. Runs in the zygote and the api
 * processes, once, before any thread.
 */
#ifndef DFF_BECOME_H
#define DFF_BECOME_H

#include "dff_err.h"

/* Becomes user, with its groups; key is the setting that names it, for messages. The
 * user must exist and not be root. DFF_ERROR: the process must end. */
int dff_become_user(const char *key, const char *user, dff_err_t *err);

#endif
