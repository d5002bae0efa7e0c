/*
 * The schema: migration files NNNN-topic.sql against what a database has.
 *
 * The table schema_migration has a row for each begun file: how many of its
 * statements were run, and the SHA-256 over their texts (comments do not count).
 * Definition statements cannot be rolled back, so a run that was cut short goes
 * on behind the last recorded statement; the one at which it stopped may have
 * been run, and "exists already" is taken for done there, only there.
 *
 * Two nodes that migrate at once take turns (GET_LOCK). Runs in dffctl; an api
 * process checks with dff_migrate_check before it serves.
 */
#ifndef DFF_MIGRATE_H
#define DFF_MIGRATE_H

#include <stdint.h>

#include "store/dff_db.h"
#include "store/dff_sql_split.h"

typedef enum {
    DFF_MIGRATION_PENDING,
    DFF_MIGRATION_PARTIAL,     /* some statements were run */
    DFF_MIGRATION_APPLIED,
    DFF_MIGRATION_CHANGED,     /* the file is not what was applied */
    DFF_MIGRATION_UNKNOWN,     /* applied by a newer program: there is no file */
    DFF_MIGRATION_STATE_COUNT
} dff_migration_state_t;

const char *dff_migration_state_name(dff_migration_state_t state);

typedef struct {
    int                   version;
    char                  name[128];        /* "0001-users.sql"; as recorded when unknown */
    dff_sql_statements_t  statements;
    dff_migration_state_t state;            /* below: set by dff_migrate_read */
    size_t                done;             /* statements run */
    char                  applied_at[32];   /* UTC text; "" when not applied */
} dff_migration_t;

typedef struct {
    dff_migration_t *items;                 /* by version, from 1 without gaps */
    size_t           count;
    int              newest;                /* version of the newest file */
} dff_migrations_t;

/* Reads and splits the files of folder. err names the file and the line. */
int dff_migrate_load(dff_migrations_t *migrations, const char *folder, dff_err_t *err);
void dff_migrate_release(dff_migrations_t *migrations);      /* accepts a zeroed one */

/* Looks at the database (which may be empty) and sets the states; versions that
 * have no file are added to the end as UNKNOWN. Changes nothing. */
int dff_migrate_read(dff_migrations_t *migrations, dff_db_t *db, dff_err_t *err);

/* DFF_OK when every file is applied, unchanged, and no other is. */
int dff_migrate_check(dff_migrations_t *migrations, dff_db_t *db, dff_err_t *err);

/* Server version, and character set and collation of the database. */
int dff_migrate_check_server(dff_db_t *db, dff_err_t *err);

typedef void (*dff_migrate_report_fn)(void *ctx, const dff_migration_t *migration);

/* Applies what is missing; report (may be NULL) is called after each file. The
 * lock is held until after the finish call (may be NULL), which fills a new schema
 * with its first rows. */
typedef int (*dff_migrate_finish_fn)(void *ctx, dff_db_t *db, dff_err_t *err);
int dff_migrate_run(dff_migrations_t *migrations, dff_db_t *db, dff_migrate_report_fn report,
    dff_migrate_finish_fn finish, void *ctx, dff_err_t *err);

#endif
