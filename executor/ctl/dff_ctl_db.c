/*
 * dffctl db migrate|status|publish-all.
 */
#include "ctl/dff_ctl.h"

#include <openssl/crypto.h>
#include <string.h>

#include "store/dff_migrate.h"
#include "store/dff_sync.h"
#include "store/dff_user.h"

#include "dff_banned.h"

typedef struct {
    dff_ctl_t       *ctl;
    unsigned         applied;
    dff_user_setup_t admin;
} dff_ctl_migrate_t;


static void
dff_ctl_db_applied(void *ctx, const dff_migration_t *migration)
{
    dff_ctl_migrate_t *migrate = ctx;

    migrate->applied++;
    printf("applied %s (%zu statements)\n", migration->name, migration->statements.count);
}


static int
dff_ctl_db_finish(void *ctx, dff_db_t *db, dff_err_t *err)
{
    dff_ctl_migrate_t *migrate = ctx;

    return dff_user_setup_admin(db, &migrate->ctl->cfg, &migrate->admin, err);
}


static void
dff_ctl_db_print_admin(dff_user_setup_t *admin)
{
    if (!admin->made) {
        return;
    }
    if (admin->password_is_random) {
        printf("administrator %s, password %s (shown only now)\n", admin->username,
               admin->password);
    } else {
        printf("administrator %s, password as configured\n", admin->username);
    }
    OPENSSL_cleanse(admin, sizeof(*admin));
}


int
dff_ctl_db_migrate(dff_ctl_t *ctl)
{
    dff_ctl_migrate_t migrate = { .ctl = ctl };
    dff_migrations_t  migrations;
    dff_db_t         *db;
    char              folder[PATH_MAX];
    int               rc;

    dff_ctl_sql_folder(ctl, folder);
    if (dff_migrate_load(&migrations, folder, &ctl->err) != DFF_OK) {
        return dff_ctl_fail(ctl);
    }
    db = dff_db_new(&ctl->cfg, 0);      /* a large table takes what it takes */
    rc = db == NULL
        ? dff_err_set(&ctl->err, DFF_E_SYS, "out of memory")
        : dff_migrate_run(&migrations, db, dff_ctl_db_applied, dff_ctl_db_finish, &migrate,
                          &ctl->err);
    if (rc == DFF_OK) {
        printf("schema version %d, %s\n", migrations.newest,
               migrate.applied > 0 ? "updated" : "was up to date");
        dff_ctl_db_print_admin(&migrate.admin);
    }
    dff_db_free(db);
    dff_migrate_release(&migrations);
    return rc == DFF_OK ? DFF_CTL_OK : dff_ctl_fail(ctl);
}


static void
dff_ctl_db_print_migration(const dff_migration_t *migration)
{
    char statements[48];

    (void) snprintf(statements, sizeof(statements), "%zu/%zu", migration->done,
                    migration->statements.count);
    printf("%-8d %-28s %-8s %-10s %s\n", migration->version, migration->name,
           dff_migration_state_name(migration->state), statements, migration->applied_at);
}


int
dff_ctl_db_status(dff_ctl_t *ctl)
{
    dff_migrations_t migrations;
    char             folder[PATH_MAX];
    int              rc;

    dff_ctl_sql_folder(ctl, folder);
    if (dff_migrate_load(&migrations, folder, &ctl->err) != DFF_OK) {
        return dff_ctl_fail(ctl);
    }
    rc = dff_migrate_check_server(ctl->db, &ctl->err);
    if (rc == DFF_OK) {
        rc = dff_migrate_check(&migrations, ctl->db, &ctl->err);
        printf("server   %s\n", dff_db_server_version(ctl->db));
        printf("%-8s %-28s %-8s %-10s %s\n", "version", "file", "state", "statements",
               "applied (UTC)");
        for (size_t i = 0; i < migrations.count; i++) {
            dff_ctl_db_print_migration(&migrations.items[i]);
        }
    }
    dff_migrate_release(&migrations);
    return rc == DFF_OK ? DFF_CTL_OK : dff_ctl_fail(ctl);
}


int
dff_ctl_db_publish_all(dff_ctl_t *ctl)
{
    dff_sync_count_t count;

    if (dff_sync_all(ctl->db, ctl->rcmd, &count, &ctl->err) != DFF_OK) {
        return dff_ctl_fail(ctl);
    }
    printf("%zu scripts and %zu routes written to Redis, %zu removed\n", count.scripts,
           count.routes, count.removed);
    return DFF_CTL_OK;
}
