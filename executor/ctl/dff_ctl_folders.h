/*
 * The folders that processes of users other than root write, looked at with the rights of
 * those users: for `dffctl doctor`.
 */
#ifndef DFF_CTL_FOLDERS_H
#define DFF_CTL_FOLDERS_H

#include "dff_config.h"

/* Calls found() for each folder that its user cannot use: what is wrong, and the command that
 * cures it. Returns how many were looked at. Run by another user than root it asks for the
 * rights of that user, as an executor that he starts has no others. */
unsigned dff_ctl_folders_check(const dff_config_t *cfg,
    void (*found)(void *ctx, const char *what, const char *cure), void *ctx);

#endif
