/*
 * Backups of the database: one file of SQL each, `dataflux-func-sqldump-YYYYMMDD-hhmmss.sql`
 * (in TIMEZONE) in DB_AUTO_BACKUP_PATH, mode 0600, one statement a line, so that any client
 * of MySQL can read it. All tables as of one moment; of tables that are logs the rows are
 * left out. A file is complete (its last line says so) and on the disk before it has its
 * name; older ones beyond DB_AUTO_BACKUP_LIMIT go only then.
 *
 * Runs in dffctl and in a child of an api process; blocks for as long as it takes.
 */
#ifndef DFF_BACKUP_H
#define DFF_BACKUP_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "store/dff_db.h"

typedef struct {
    char     path[PATH_MAX];
    uint64_t size_bytes, rows;
    unsigned tables, removed;       /* removed: older backups */
} dff_backup_made_t;

/* Makes the folder, when there is none: of _API_USER, when root makes it. */
int dff_backup_folder(const dff_config_t *cfg, dff_err_t *err);

int dff_backup_make(dff_db_t *db, dff_backup_made_t *made, dff_err_t *err);

/* Removes what somebody who was killed has written of one; that of who writes stays. */
void dff_backup_sweep(const dff_config_t *cfg);

typedef struct {
    char    *name;
    uint64_t size_bytes;
    int64_t  made_s;                /* Unix time of its last change */
} dff_backup_t;

typedef struct {
    dff_backup_t *items;            /* newest first */
    size_t        count;
} dff_backups_t;

/* A folder that is not there has none. */
int dff_backup_list(const dff_config_t *cfg, dff_backups_t *backups, dff_err_t *err);
void dff_backup_list_release(dff_backups_t *backups);       /* accepts a zeroed one */

/* A name without a '/' is one of the folder's. The whole file is looked at before anything is
 * changed; tables that are not in it stay. */
int dff_backup_restore(dff_db_t *db, const char *name, uint64_t *statements, dff_err_t *err);

#endif
