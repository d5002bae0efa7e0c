/*
 * dffctl backup now|list|restore.
 */
#include "ctl/dff_ctl.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "dff_time.h"
#include "store/dff_backup.h"
#include "store/dff_cluster.h"
#include "store/dff_sync.h"

#include "dff_banned.h"

enum { DFF_CTL_RESTORE_FORCE };

#define DFF_CTL_BACKUP_TIMEOUT_S  3600      /* for a statement: a large table takes its time */


int
dff_ctl_backup_now(dff_ctl_t *ctl)
{
    dff_db_t         *db = dff_db_new(&ctl->cfg, DFF_CTL_BACKUP_TIMEOUT_S);
    dff_backup_made_t made;
    int               rc = db == NULL ? dff_err_set(&ctl->err, DFF_E_SYS, "out of memory")
                                      : dff_backup_make(db, &made, &ctl->err);

    dff_db_free(db);
    if (rc != DFF_OK)
        return dff_ctl_fail(ctl);
    printf("%s: %u tables, %" PRIu64 " rows, %" PRIu64 " bytes; %u older removed\n", made.path,
           made.tables, made.rows, made.size_bytes, made.removed);
    return DFF_CTL_OK;
}


int
dff_ctl_backup_list(dff_ctl_t *ctl)
{
    dff_backups_t backups;
    char          iso[DFF_TIME_ISO_SIZE];

    if (dff_backup_list(&ctl->cfg, &backups, &ctl->err) != DFF_OK)
        return dff_ctl_fail(ctl);
    for (size_t i = 0; i < backups.count; i++) {
        (void) dff_time_iso_utc(iso, backups.items[i].made_s * 1000);
        printf("%s  %12" PRIu64 "  %s\n", iso, backups.items[i].size_bytes,
               backups.items[i].name);
    }
    dff_backup_list_release(&backups);
    return DFF_CTL_OK;
}


/* An executor that runs reads and writes what is being replaced. */
static int
dff_ctl_backup_check_stopped(dff_ctl_t *ctl)
{
    dff_cluster_t nodes = { 0 };
    int           rc = DFF_OK;

    if (dff_rcmd_connect(ctl->rcmd, &ctl->err) != DFF_OK
        || dff_cluster_list(ctl->rcmd, &nodes, &ctl->err) != DFF_OK)
        return dff_err_wrap(&ctl->err, "whether an executor runs is not known (--force: restore"
                            " all the same)");
    for (size_t i = 0; rc == DFF_OK && i < nodes.count; i++) {
        if (nodes.items[i].heartbeat != NULL)
            rc = dff_err_set(&ctl->err, DFF_E_BIZ_CONDITION, "the executor of %s runs; stop it,"
                             " or give --force", nodes.items[i].name);
    }
    dff_cluster_release(&nodes);
    return rc;
}


/* Redis is made to say what the restored database says. */
static int
dff_ctl_backup_publish(dff_ctl_t *ctl)
{
    dff_sync_count_t count;

    if (dff_rcmd_connect(ctl->rcmd, &ctl->err) != DFF_OK) {
        printf("Redis is away: run `dffctl db publish-all` when it is back\n");
        return DFF_CTL_OK;
    }
    if (dff_sync_all(ctl->db, ctl->rcmd, &count, &ctl->err) != DFF_OK)
        return dff_ctl_fail(ctl);
    printf("%zu scripts and %zu routes written to Redis, %zu removed\n", count.scripts,
           count.routes, count.removed);
    return DFF_CTL_OK;
}


int
dff_ctl_backup_restore(dff_ctl_t *ctl)
{
    uint64_t  statements = 0;
    dff_db_t *db;
    int       rc;

    if (ctl->options[DFF_CTL_RESTORE_FORCE] == NULL
        && dff_ctl_backup_check_stopped(ctl) != DFF_OK)
        return dff_ctl_fail(ctl);
    db = dff_db_new(&ctl->cfg, DFF_CTL_BACKUP_TIMEOUT_S);
    rc = db == NULL ? dff_err_set(&ctl->err, DFF_E_SYS, "out of memory")
                    : dff_backup_restore(db, ctl->words[0], &statements, &ctl->err);
    dff_db_free(db);
    if (rc != DFF_OK)
        return dff_ctl_fail(ctl);
    printf("restored %s: %" PRIu64 " statements\n", ctl->words[0], statements);
    /* It may be of an older version. */
    rc = dff_ctl_db_migrate(ctl);
    return rc == DFF_CTL_OK ? dff_ctl_backup_publish(ctl) : rc;
}
