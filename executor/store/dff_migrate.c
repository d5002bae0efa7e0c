/*
 * The migration runner. Runs in dffctl; api processes use the check.
 */
#include "store/dff_migrate.h"

#include <stdio.h>
#include <stdlib.h>

#include "dff_buf.h"
#include "dff_digest.h"

#include "dff_banned.h"

#define DFF_MIGRATE_LOCK_WAIT_S  120

#define DFF_MIGRATE_MYSQL_MIN    50700      /* as major * 10000 + minor * 100 + patch */
#define DFF_MIGRATE_MARIADB_MIN  100500

static const char *const dff_migration_states[] = {
    [DFF_MIGRATION_PENDING] = "pending",
    [DFF_MIGRATION_PARTIAL] = "partial",
    [DFF_MIGRATION_APPLIED] = "applied",
    [DFF_MIGRATION_CHANGED] = "changed",
    [DFF_MIGRATION_UNKNOWN] = "unknown",
};

_Static_assert(sizeof(dff_migration_states) / sizeof(dff_migration_states[0])
               == DFF_MIGRATION_STATE_COUNT, "a name for each state");

/* What a statement says that had been run before its record was lost: table,
 * column or key exists; table, column or key is gone. */
static const unsigned dff_migrate_done_errors[] = { 1050, 1060, 1061, 1051, 1091 };

static const char dff_migrate_table[] =
    "CREATE TABLE IF NOT EXISTS `schema_migration` ("
    " `version` INT NOT NULL,"
    " `name` VARCHAR(128) COLLATE utf8mb4_bin NOT NULL,"
    " `statements` INT NOT NULL,"
    " `checksum` CHAR(64) COLLATE utf8mb4_bin NOT NULL,"
    " `isComplete` TINYINT(1) NOT NULL DEFAULT 0,"
    " `createTime` TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),"
    " `updateTime` TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3)"
    " ON UPDATE CURRENT_TIMESTAMP(3),"
    " PRIMARY KEY (`version`)"
    ") ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci";


const char *
dff_migration_state_name(dff_migration_state_t state)
{
    return state < DFF_MIGRATION_STATE_COUNT ? dff_migration_states[state] : "?";
}


/* Over the first count statements. */
static int
dff_migrate_checksum(const dff_migration_t *migration, size_t count,
    char out[DFF_DIGEST_SHA256_SIZE], dff_err_t *err)
{
    dff_buf_t text = DFF_BUF_INIT;
    int       rc;

    for (size_t i = 0; i < count; i++) {
        dff_buf_add_str(&text, dff_str_from(migration->statements.items[i].text));
        dff_buf_add_str(&text, DFF_STR(";\n"));
    }
    rc = dff_buf_failed(&text)
        ? dff_err_set(err, DFF_E_SYS, "out of memory")
        : dff_digest_sha256(out, (dff_str_t) { text.data, text.len }, err);
    dff_buf_release(&text);
    return rc;
}


static int
dff_migrate_add_unknown(dff_migrations_t *migrations, int version, dff_str_t name, dff_err_t *err)
{
    dff_migration_t *items;

    items = reallocarray(migrations->items, migrations->count + 1, sizeof(*items));
    if (items == NULL) {
        return dff_err_set(err, DFF_E_SYS, "out of memory");
    }
    migrations->items = items;
    items[migrations->count] = (dff_migration_t) {
        .version = version, .state = DFF_MIGRATION_UNKNOWN
    };
    (void) snprintf(items[migrations->count].name, sizeof(items->name), "%.*s",
                    (int) name.len, name.data);
    migrations->count++;
    return DFF_OK;
}


/* columns: version, name, statements, checksum, isComplete, updateTime */
static int
dff_migrate_apply_record(void *ctx, const dff_str_t *columns, size_t ncolumns, dff_err_t *err)
{
    dff_migrations_t *migrations = ctx;
    dff_migration_t  *migration;
    int64_t           version = dff_db_number(columns[0]);
    int64_t           done = dff_db_number(columns[2]);
    char              checksum[DFF_DIGEST_SHA256_SIZE];

    (void) ncolumns;
    if (version < 1 || version > migrations->newest) {
        return dff_migrate_add_unknown(migrations, (int) version, columns[1], err);
    }

    migration = &migrations->items[version - 1];
    migration->done = done < 0 ? 0 : (size_t) done;
    (void) snprintf(migration->applied_at, sizeof(migration->applied_at), "%.*s",
                    (int) columns[5].len, columns[5].data);

    if (migration->done > migration->statements.count) {
        migration->state = DFF_MIGRATION_CHANGED;
        return DFF_OK;
    }
    if (dff_migrate_checksum(migration, migration->done, checksum, err) != DFF_OK) {
        return DFF_ERROR;
    }
    if (!dff_str_eq(columns[3], dff_str_from(checksum))) {
        migration->state = DFF_MIGRATION_CHANGED;
    } else if (dff_db_number(columns[4]) == 0) {
        migration->state = DFF_MIGRATION_PARTIAL;
    } else {
        migration->state = migration->done == migration->statements.count
            ? DFF_MIGRATION_APPLIED : DFF_MIGRATION_CHANGED;
    }
    return DFF_OK;
}


int
dff_migrate_read(dff_migrations_t *migrations, dff_db_t *db, dff_err_t *err)
{
    dff_db_rows_t exists;

    for (size_t i = 0; i < migrations->count; i++) {
        migrations->items[i].state = DFF_MIGRATION_PENDING;
        migrations->items[i].done = 0;
    }
    migrations->count = (size_t) migrations->newest;      /* forget unknown ones */

    if (dff_db_query(db, "SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()"
                         " AND TABLE_NAME = 'schema_migration'", NULL, 0, &exists, err) != DFF_OK)
    {
        return DFF_ERROR;
    }
    if (exists.nrows == 0) {
        dff_db_rows_release(&exists);
        return DFF_OK;
    }
    dff_db_rows_release(&exists);

    return dff_db_each(db, "SELECT version, name, statements, checksum, isComplete, updateTime"
                           " FROM schema_migration ORDER BY version", NULL, 0,
                       dff_migrate_apply_record, migrations, err);
}


/* Refuses what migrating cannot cure. */
static int
dff_migrate_refuse(const dff_migrations_t *migrations, dff_err_t *err)
{
    for (size_t i = 0; i < migrations->count; i++) {
        const dff_migration_t *migration = &migrations->items[i];

        if (migration->state == DFF_MIGRATION_UNKNOWN) {
            return dff_err_set(err, DFF_E_SYS,
                               "the database has migration %d (%s), this program knows %d: "
                               "it is older than the database; install the newer program",
                               migration->version, migration->name, migrations->newest);
        }
        if (migration->state == DFF_MIGRATION_CHANGED) {
            return dff_err_set(err, DFF_E_SYS,
                               "%s was changed after it had been applied: restore the file, "
                               "put changes into a new one", migration->name);
        }
    }
    return DFF_OK;
}


int
dff_migrate_check(dff_migrations_t *migrations, dff_db_t *db, dff_err_t *err)
{
    if (dff_migrate_read(migrations, db, err) != DFF_OK
        || dff_migrate_refuse(migrations, err) != DFF_OK)
    {
        return DFF_ERROR;
    }
    for (size_t i = 0; i < migrations->count; i++) {
        if (migrations->items[i].state != DFF_MIGRATION_APPLIED) {
            return dff_err_set(err, DFF_E_SYS_DB, "%s is not applied; run `dffctl db migrate`",
                               migrations->items[i].name);
        }
    }
    return DFF_OK;
}


/* "10.11.6-MariaDB…" -> 101106 */
static int
dff_migrate_version_number(const char *text)
{
    int parts[3] = { 0, 0, 0 };

    for (int i = 0; i < 3; i++) {
        while (*text >= '0' && *text <= '9' && parts[i] < 1000) {
            parts[i] = parts[i] * 10 + (*text++ - '0');
        }
        if (*text != '.') {
            break;
        }
        text++;
    }
    return parts[0] * 10000 + parts[1] * 100 + parts[2];
}


int
dff_migrate_check_server(dff_db_t *db, dff_err_t *err)
{
    dff_db_rows_t rows;
    const char   *version;
    bool          mariadb;
    int           rc = DFF_ERROR;

    if (dff_db_query(db, "SELECT VERSION(), DATABASE(), DEFAULT_CHARACTER_SET_NAME,"
                         " DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA"
                         " WHERE SCHEMA_NAME = DATABASE()", NULL, 0, &rows, err) != DFF_OK)
    {
        return DFF_ERROR;
    }
    if (rows.nrows != 1) {
        dff_err_set(err, DFF_E_SYS_DB, "the server does not tell about the database; "
                    "MYSQL_DATABASE and the user's privileges should be looked at");
        goto done;
    }

    version = dff_db_cell(&rows, 0, 0).data;
    mariadb = strstr(version, "MariaDB") != NULL;
    if (dff_migrate_version_number(version)
        < (mariadb ? DFF_MIGRATE_MARIADB_MIN : DFF_MIGRATE_MYSQL_MIN))
    {
        dff_err_set(err, DFF_E_SYS_DB, "server version %s is too old: MySQL 5.7 or MariaDB 10.5 "
                    "is needed", version);
        goto done;
    }
    if (!dff_str_eq(dff_db_cell(&rows, 0, 2), DFF_STR("utf8mb4"))
        || !dff_str_eq(dff_db_cell(&rows, 0, 3), DFF_STR("utf8mb4_unicode_ci")))
    {
        dff_err_set(err, DFF_E_SYS_DB, "database %s has character set %s, collation %s; it needs "
                    "ALTER DATABASE `%s` CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci",
                    dff_db_cell(&rows, 0, 1).data, dff_db_cell(&rows, 0, 2).data,
                    dff_db_cell(&rows, 0, 3).data, dff_db_cell(&rows, 0, 1).data);
        goto done;
    }
    rc = DFF_OK;

done:
    dff_db_rows_release(&rows);
    return rc;
}


static int
dff_migrate_record(dff_db_t *db, const dff_migration_t *migration, bool complete, dff_err_t *err)
{
    char           checksum[DFF_DIGEST_SHA256_SIZE];
    dff_db_value_t values[5];

    if (dff_migrate_checksum(migration, migration->done, checksum, err) != DFF_OK) {
        return DFF_ERROR;
    }
    values[0] = DFF_DB_VALUE_INT(migration->version);
    values[1] = DFF_DB_VALUE_TEXT(dff_str_from(migration->name));
    values[2] = DFF_DB_VALUE_INT((int64_t) migration->done);
    values[3] = DFF_DB_VALUE_TEXT(dff_str_from(checksum));
    values[4] = DFF_DB_VALUE_INT(complete);
    return dff_db_exec(db, "INSERT INTO schema_migration (version, name, statements, checksum,"
                           " isComplete) VALUES (?, ?, ?, ?, ?) ON DUPLICATE KEY UPDATE"
                           " name = VALUES(name), statements = VALUES(statements),"
                           " checksum = VALUES(checksum), isComplete = VALUES(isComplete)",
                       DFF_DB_ARGS(values), NULL, err);
}


static bool
dff_migrate_was_done(unsigned number)
{
    for (size_t i = 0; i < sizeof(dff_migrate_done_errors) / sizeof(unsigned); i++) {
        if (dff_migrate_done_errors[i] == number) {
            return true;
        }
    }
    return false;
}


static int
dff_migrate_apply(dff_migration_t *migration, dff_db_t *db, dff_err_t *err)
{
    bool resumed = migration->state == DFF_MIGRATION_PARTIAL;

    /* Recorded before its first statement, so that a cut at that one is known, too. */
    if (!resumed && dff_migrate_record(db, migration, false, err) != DFF_OK) {
        return DFF_ERROR;
    }

    while (migration->done < migration->statements.count) {
        const dff_sql_statement_t *statement = &migration->statements.items[migration->done];

        if (dff_db_define(db, statement->text, err) != DFF_OK
            && !(resumed && dff_migrate_was_done(dff_db_errno(db))))
        {
            return dff_err_wrap(err, "%s, statement %zu (line %u)", migration->name,
                                migration->done + 1, statement->line);
        }
        resumed = false;
        migration->done++;
        if (dff_migrate_record(db, migration, migration->done == migration->statements.count,
                               err) != DFF_OK)
        {
            return dff_err_wrap(err, "%s: recording statement %zu", migration->name,
                                migration->done);
        }
    }

    migration->state = DFF_MIGRATION_APPLIED;
    return DFF_OK;
}


/* Lock names are of the whole server and short: a digest of the database name. */
static int
dff_migrate_lock(dff_db_t *db, bool take, dff_err_t *err)
{
    static const char take_sql[] =
        "SELECT GET_LOCK(CONCAT('dff-migrate-', MD5(DATABASE())), ?)";
    static const char release_sql[] =
        "SELECT RELEASE_LOCK(CONCAT('dff-migrate-', MD5(DATABASE())))";
    dff_db_value_t    wait[] = { DFF_DB_VALUE_INT(DFF_MIGRATE_LOCK_WAIT_S) };
    dff_db_rows_t     rows;
    bool              got;

    if (dff_db_query(db, take ? take_sql : release_sql, wait, take ? 1 : 0, &rows, err)
        != DFF_OK)
    {
        return DFF_ERROR;
    }
    got = rows.nrows == 1 && dff_db_number(dff_db_cell(&rows, 0, 0)) == 1;
    dff_db_rows_release(&rows);
    if (take && !got) {
        return dff_err_set(err, DFF_E_SYS_DB, "another program has been migrating this database "
                           "for %d s", DFF_MIGRATE_LOCK_WAIT_S);
    }
    return DFF_OK;
}


int
dff_migrate_run(dff_migrations_t *migrations, dff_db_t *db, dff_migrate_report_fn report,
    dff_migrate_finish_fn finish, void *ctx, dff_err_t *err)
{
    int rc = DFF_ERROR;

    if (dff_migrate_check_server(db, err) != DFF_OK || dff_migrate_lock(db, true, err) != DFF_OK) {
        return DFF_ERROR;
    }

    if (dff_migrate_read(migrations, db, err) != DFF_OK
        || dff_migrate_refuse(migrations, err) != DFF_OK
        || dff_db_define(db, dff_migrate_table, err) != DFF_OK)
    {
        goto done;
    }
    for (size_t i = 0; i < migrations->count; i++) {
        dff_migration_t *migration = &migrations->items[i];

        if (migration->state == DFF_MIGRATION_APPLIED) {
            continue;
        }
        if (dff_migrate_apply(migration, db, err) != DFF_OK) {
            goto done;
        }
        if (report != NULL) {
            report(ctx, migration);
        }
    }
    rc = finish == NULL ? DFF_OK : finish(ctx, db, err);

done:
    (void) dff_migrate_lock(db, false, NULL);    /* the end of the connection frees it, too */
    return rc;
}
