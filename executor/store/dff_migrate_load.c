/*
 * Migration files into memory. Runs in dffctl.
 */
#include "store/dff_migrate.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dff_buf.h"

#include "dff_banned.h"

#define DFF_MIGRATE_FILE_MAX  (4u << 20)     /* bytes */


/* "0012-topic.sql" -> 12; -1: not a migration file. */
static int
dff_migrate_file_version(const char *name)
{
    size_t len = strlen(name);
    int    version = 0;

    if (len < 10 || len >= sizeof(((dff_migration_t *) NULL)->name)
        || strcmp(name + len - 4, ".sql") != 0 || name[4] != '-')
    {
        return -1;
    }
    for (int i = 0; i < 4; i++) {
        if (name[i] < '0' || name[i] > '9') {
            return -1;
        }
        version = version * 10 + (name[i] - '0');
    }
    return version;
}


static int
dff_migrate_read_file(dff_buf_t *out, int folder_fd, const char *name, dff_err_t *err)
{
    struct stat st;
    ssize_t     got;
    char       *room;
    int         fd, rc = DFF_ERROR;

    fd = openat(folder_fd, name, O_RDONLY | O_CLOEXEC);
    if (fd == -1 || fstat(fd, &st) != 0) {
        dff_err_set(err, DFF_E_SYS, "open: %s", strerror(errno));
        goto done;
    }
    if (st.st_size > (off_t) DFF_MIGRATE_FILE_MAX) {
        dff_err_set(err, DFF_E_SYS, "is larger than %u bytes", DFF_MIGRATE_FILE_MAX);
        goto done;
    }

    do {
        room = dff_buf_reserve(out, 65536);
        got = room == NULL ? -1 : read(fd, room, 65536);
        if (got > 0) {
            out->len += (size_t) got;
        }
    } while (got > 0 && out->len <= DFF_MIGRATE_FILE_MAX);
    if (got != 0) {
        dff_err_set(err, DFF_E_SYS, "read: %s", room == NULL ? "out of memory" : strerror(errno));
        goto done;
    }
    rc = DFF_OK;

done:
    if (fd != -1) {
        (void) close(fd);       /* was only read */
    }
    return rc;
}


static int
dff_migrate_load_file(dff_migrations_t *migrations, int folder_fd, const char *name,
    dff_err_t *err)
{
    dff_migration_t *items, *item;
    dff_buf_t        text = DFF_BUF_INIT;
    int              rc = DFF_ERROR;

    items = reallocarray(migrations->items, migrations->count + 1, sizeof(*items));
    if (items == NULL) {
        return dff_err_set(err, DFF_E_SYS, "out of memory");
    }
    migrations->items = items;

    item = &items[migrations->count];
    *item = (dff_migration_t) { .version = dff_migrate_file_version(name) };
    memcpy(item->name, name, strlen(name) + 1);     /* dff_migrate_file_version checked it */

    if (dff_migrate_read_file(&text, folder_fd, name, err) != DFF_OK
        || dff_sql_split((dff_str_t) { text.data, text.len }, &item->statements, err) != DFF_OK)
    {
        dff_err_wrap(err, "%s", name);
        goto done;
    }
    migrations->count++;
    rc = DFF_OK;

done:
    dff_buf_release(&text);
    return rc;
}


static int
dff_migrate_by_version(const void *a, const void *b)
{
    const dff_migration_t *left = a, *right = b;

    return (left->version > right->version) - (left->version < right->version);
}


int
dff_migrate_load(dff_migrations_t *migrations, const char *folder, dff_err_t *err)
{
    struct dirent *entry;
    DIR           *dir;
    int            rc = DFF_ERROR;

    *migrations = (dff_migrations_t) { 0 };
    dir = opendir(folder);
    if (dir == NULL) {
        return dff_err_set(err, DFF_E_SYS, "migration folder %s: %s", folder, strerror(errno));
    }

    while ((entry = readdir(dir)) != NULL) {
        if (dff_migrate_file_version(entry->d_name) != -1
            && dff_migrate_load_file(migrations, dirfd(dir), entry->d_name, err) != DFF_OK)
        {
            dff_err_wrap(err, "migration folder %s", folder);
            goto done;
        }
    }

    if (migrations->count == 0) {
        dff_err_set(err, DFF_E_SYS, "migration folder %s has no NNNN-topic.sql", folder);
        goto done;
    }
    qsort(migrations->items, migrations->count, sizeof(*migrations->items),
          dff_migrate_by_version);
    for (size_t i = 0; i < migrations->count; i++) {
        if (migrations->items[i].version != (int) i + 1) {
            dff_err_set(err, DFF_E_SYS, "migration folder %s: %s where number %zu was expected",
                        folder, migrations->items[i].name, i + 1);
            goto done;
        }
    }
    migrations->newest = (int) migrations->count;
    rc = DFF_OK;

done:
    (void) closedir(dir);
    if (rc != DFF_OK) {
        dff_migrate_release(migrations);
    }
    return rc;
}


void
dff_migrate_release(dff_migrations_t *migrations)
{
    for (size_t i = 0; i < migrations->count; i++) {
        dff_sql_statements_release(&migrations->items[i].statements);
    }
    free(migrations->items);
    *migrations = (dff_migrations_t) { 0 };
}
