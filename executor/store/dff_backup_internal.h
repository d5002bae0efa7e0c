/*
 * Shared by dff_backup.c and dff_backup_dump.c only.
 */
#ifndef DFF_BACKUP_INTERNAL_H
#define DFF_BACKUP_INTERNAL_H

#include <stdio.h>

#include "store/dff_backup.h"

#define DFF_BACKUP_BEGIN  "-- DFF backup 1\n"
#define DFF_BACKUP_END    "-- end of the backup\n"

/* Writes all of the database as of one moment. */
int dff_backup_dump(dff_db_t *db, FILE *out, dff_backup_made_t *made, dff_err_t *err);
/* Runs each line of in, which is at its begin, as a statement. */
int dff_backup_read(dff_db_t *db, FILE *in, uint64_t *statements, dff_err_t *err);

#endif
