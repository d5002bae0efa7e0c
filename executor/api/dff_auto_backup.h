/*
 * Backups of the database by themselves (store/dff_backup.h), in the minutes that
 * _CRONTAB_AUTO_BACKUP_DB names, in TIMEZONE; with an empty one there are none.
 *
 * One api process of the cluster makes each: the one that gets `dff:lock:backup` and finds in
 * `dff:backup` an earlier minute. It starts a child (dff_child.h) and keeps the lock while the
 * child runs; when the process dies, another one makes the backup that is still to be made,
 * as long as that minute is at most DFF_AUTO_BACKUP_LATE_MIN old (so a node that starts right
 * after such a minute makes up for it, too). A backup that fails is logged as an error and is
 * not tried again: the next is, in the next such minute. When a backup takes longer than to
 * the next, the one after that is the next. A node that is cut off from Redis makes none, and
 * one that loses Redis while it makes one may be followed by another that does not know.
 *
 * Runs in the api processes.
 */
#ifndef DFF_AUTO_BACKUP_H
#define DFF_AUTO_BACKUP_H

#include "api/dff_api.h"

#define DFF_AUTO_BACKUP_EVERY_MS  1000
#define DFF_AUTO_BACKUP_LATE_MIN  5

typedef struct dff_auto_backup_s dff_auto_backup_t;

/* NULL: err. */
dff_auto_backup_t *dff_auto_backup_new(dff_api_t *api, dff_err_t *err);
/* Ends the child, and removes what it has written. */
void dff_auto_backup_free(dff_auto_backup_t *backup);

/* A row of dff_api_tasks. */
void dff_auto_backup_tick(dff_api_t *api);

#endif
