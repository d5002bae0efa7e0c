/* Files of backups: see the header. */
#include "store/dff_backup_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dff_time.h"
#include "dff_tz.h"

#include "dff_banned.h"

#define DFF_BACKUP_PREFIX  "dataflux-func-sqldump-"
#define DFF_BACKUP_SUFFIX  ".sql"
/* The name until it is whole; who writes it holds a lock on it (flock). */
#define DFF_BACKUP_PART         ".backup-"
#define DFF_BACKUP_PART_SUFFIX  ".part"


static int
dff_backup_fail(dff_err_t *err, const char *what, const char *path)
{
    return dff_err_set(err, DFF_E_SYS, "%s %s: %s", what, path, strerror(errno));
}

/* --- the folder ------------------------------------------------------------------------------ */

int
dff_backup_folder(const dff_config_t *cfg, dff_err_t *err)
{
    const char    *path = cfg->db_auto_backup_path;
    struct passwd *user;

    if (mkdir(path, 0700) != 0)
        return errno == EEXIST ? DFF_OK : dff_backup_fail(err, "making", path);
    user = geteuid() == 0 ? getpwnam(cfg->api_user) : NULL;
    if (user != NULL && chown(path, user->pw_uid, user->pw_gid) != 0)
        return dff_backup_fail(err, "chown", path);
    return DFF_OK;
}


static bool
dff_backup_is_name(const char *name)
{
    size_t len = strlen(name), prefix = sizeof(DFF_BACKUP_PREFIX) - 1;

    return len == prefix + sizeof("20211014-010203") - 1 + sizeof(DFF_BACKUP_SUFFIX) - 1
        && strncmp(name, DFF_BACKUP_PREFIX, prefix) == 0
        && strspn(name + prefix, "0123456789-") == sizeof("20211014-010203") - 1
        && strcmp(name + len - (sizeof(DFF_BACKUP_SUFFIX) - 1), DFF_BACKUP_SUFFIX) == 0;
}


/* By their names, which have the time: newest first. */
static int
dff_backup_by_name(const void *a, const void *b)
{
    return strcmp(((const dff_backup_t *) b)->name, ((const dff_backup_t *) a)->name);
}


static int
dff_backup_add(dff_backups_t *backups, DIR *folder, const char *name, dff_err_t *err)
{
    struct stat   info;
    dff_backup_t *more;

    if (!dff_backup_is_name(name)
        || fstatat(dirfd(folder), name, &info, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(info.st_mode))
        return DFF_OK;
    more = reallocarray(backups->items, backups->count + 1, sizeof(*more));
    if (more == NULL)
        return dff_err_set(err, DFF_E_SYS, "out of memory");
    backups->items = more;
    more[backups->count] = (dff_backup_t) {
        .name = strdup(name), .size_bytes = (uint64_t) info.st_size, .made_s = info.st_mtime
    };
    return more[backups->count++].name != NULL ? DFF_OK
        : dff_err_set(err, DFF_E_SYS, "out of memory");
}


int
dff_backup_list(const dff_config_t *cfg, dff_backups_t *backups, dff_err_t *err)
{
    DIR           *folder = opendir(cfg->db_auto_backup_path);
    struct dirent *entry;
    int            rc = DFF_OK;

    *backups = (dff_backups_t) { 0 };
    if (folder == NULL)
        return errno == ENOENT ? DFF_OK
            : dff_backup_fail(err, "DB_AUTO_BACKUP_PATH", cfg->db_auto_backup_path);
    while (rc == DFF_OK && (entry = readdir(folder)) != NULL)
        rc = dff_backup_add(backups, folder, entry->d_name, err);
    (void) closedir(folder);
    if (rc != DFF_OK) {
        dff_backup_list_release(backups);
        return rc;
    }
    if (backups->count > 0)
        qsort(backups->items, backups->count, sizeof(*backups->items), dff_backup_by_name);
    return DFF_OK;
}


void
dff_backup_list_release(dff_backups_t *backups)
{
    for (size_t i = 0; i < backups->count; i++)
        free(backups->items[i].name);
    free(backups->items);
    *backups = (dff_backups_t) { 0 };
}

/* A file that is not whole, of which nobody has the lock any more, is nobody's. */
static void
dff_backup_sweep_part(int folder, const char *name)
{
    int fd = openat(folder, name, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

    if (fd < 0)
        return;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        (void) unlinkat(folder, name, 0);
    (void) close(fd);
}


void
dff_backup_sweep(const dff_config_t *cfg)
{
    DIR           *folder = opendir(cfg->db_auto_backup_path);
    struct dirent *entry;
    size_t         len, suffix = sizeof(DFF_BACKUP_PART_SUFFIX) - 1;

    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        len = strlen(entry->d_name);
        if (len > suffix
            && strncmp(entry->d_name, DFF_BACKUP_PART, sizeof(DFF_BACKUP_PART) - 1) == 0
            && strcmp(entry->d_name + len - suffix, DFF_BACKUP_PART_SUFFIX) == 0)
            dff_backup_sweep_part(dirfd(folder), entry->d_name);
    }
    if (folder != NULL)
        (void) closedir(folder);
}

/* --- making one ------------------------------------------------------------------------------ */

/* The name of a backup that is made now. */
static int
dff_backup_name(const dff_config_t *cfg, char name[128], dff_err_t *err)
{
    int64_t          now_s = dff_time_now_ms() / 1000;
    dff_time_civil_t now;
    dff_tz_t         tz;

    if (dff_tz_init(&tz, cfg->timezone, err) != DFF_OK)
        return DFF_ERROR;
    dff_time_split(now_s + dff_tz_offset(&tz, now_s), &now);
    dff_tz_release(&tz);
    (void) snprintf(name, 128, DFF_BACKUP_PREFIX "%04d%02d%02d-%02d%02d%02d" DFF_BACKUP_SUFFIX,
                    now.year, now.month, now.day, now.hour, now.minute, now.second);
    return DFF_OK;
}


/* All of it on the disk, under a name of which there is none. */
static int
dff_backup_keep(FILE *out, int folder, const char *temporary, dff_backup_made_t *made,
    const char *name, dff_err_t *err)
{
    struct stat info;

    if (fflush(out) != 0 || fsync(fileno(out)) != 0 || fstat(fileno(out), &info) != 0)
        return dff_backup_fail(err, "writing", made->path);
    made->size_bytes = (uint64_t) info.st_size;
    if (linkat(folder, temporary, folder, name, 0) != 0)
        return dff_backup_fail(err, "naming", made->path);
    (void) fsync(folder);       /* of a folder that cannot be synced the file still is */
    return DFF_OK;
}


/* Ours, with its lock: one that was swept before it was locked is made anew. -1: errno. */
static int
dff_backup_part(int folder, const char *name)
{
    struct stat info;
    int         fd, why;

    while ((fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600))
           >= 0)
    {
        if (flock(fd, LOCK_EX) != 0 || fstat(fd, &info) != 0) {
            why = errno;
            (void) unlinkat(folder, name, 0);
            (void) close(fd);
            errno = why;
            return -1;
        }
        if (info.st_nlink > 0)
            return fd;
        (void) close(fd);
    }
    return -1;
}


static int
dff_backup_into(dff_db_t *db, int folder, dff_backup_made_t *made, dff_err_t *err)
{
    const dff_config_t *cfg = dff_db_config(db);
    char                temporary[64], name[128];
    size_t              len;
    FILE               *out;
    int                 fd, rc;

    (void) snprintf(temporary, sizeof(temporary), DFF_BACKUP_PART "%ld" DFF_BACKUP_PART_SUFFIX,
                    (long) getpid());
    if (dff_backup_name(cfg, name, err) != DFF_OK)
        return DFF_ERROR;
    len = strlen(cfg->db_auto_backup_path);
    while (len > 1 && cfg->db_auto_backup_path[len - 1] == '/')
        len--;
    (void) snprintf(made->path, sizeof(made->path), "%.*s/%s",
                    (int) (len < PATH_MAX - 160 ? len : PATH_MAX - 160),
                    cfg->db_auto_backup_path, name);
    fd = dff_backup_part(folder, temporary);
    out = fd < 0 ? NULL : fdopen(fd, "w");
    if (out == NULL) {
        rc = dff_backup_fail(err, "creating a file in", cfg->db_auto_backup_path);
        if (fd >= 0)
            (void) close(fd);
        return rc;
    }
    rc = dff_backup_dump(db, out, made, err);
    if (rc == DFF_OK)
        rc = dff_backup_keep(out, folder, temporary, made, name, err);
    (void) fclose(out);         /* its errors were seen by fflush and fsync */
    (void) unlinkat(folder, temporary, 0);
    return rc;
}


/* The newest are kept, as many as the configuration says. */
static void
dff_backup_prune(const dff_config_t *cfg, int folder, dff_backup_made_t *made)
{
    dff_backups_t backups;

    if (dff_backup_list(cfg, &backups, NULL) != DFF_OK)
        return;
    for (size_t i = (size_t) cfg->db_auto_backup_limit; i < backups.count; i++)
        made->removed += unlinkat(folder, backups.items[i].name, 0) == 0;
    dff_backup_list_release(&backups);
}


int
dff_backup_make(dff_db_t *db, dff_backup_made_t *made, dff_err_t *err)
{
    const dff_config_t *cfg = dff_db_config(db);
    int                 folder, rc;

    *made = (dff_backup_made_t) { 0 };
    if (dff_backup_folder(cfg, err) != DFF_OK)
        return DFF_ERROR;
    dff_backup_sweep(cfg);
    folder = open(cfg->db_auto_backup_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return dff_backup_fail(err, "opening", cfg->db_auto_backup_path);
    rc = dff_backup_into(db, folder, made, err);
    if (rc == DFF_OK)
        dff_backup_prune(cfg, folder, made);
    (void) close(folder);
    return rc;
}

/* --- restoring ------------------------------------------------------------------------------- */

/* Ours, and whole? */
static int
dff_backup_check(FILE *in, const char *path, dff_err_t *err)
{
    char begin[sizeof(DFF_BACKUP_BEGIN)] = "", end[sizeof(DFF_BACKUP_END)] = "";

    if (fread(begin, 1, sizeof(begin) - 1, in) != sizeof(begin) - 1
        || strcmp(begin, DFF_BACKUP_BEGIN) != 0)
        return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST, "%s is no backup of dffctl; a dump of"
                           " another program is read with that program's client", path);
    if (fseek(in, -(long) (sizeof(end) - 1), SEEK_END) != 0
        || fread(end, 1, sizeof(end) - 1, in) != sizeof(end) - 1
        || strcmp(end, DFF_BACKUP_END) != 0)
        return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST, "%s is cut: its end is missing", path);
    rewind(in);
    return DFF_OK;
}


int
dff_backup_restore(dff_db_t *db, const char *name, uint64_t *statements, dff_err_t *err)
{
    char  path[PATH_MAX];
    FILE *in;
    int   rc;

    if (strchr(name, '/') != NULL)
        (void) snprintf(path, sizeof(path), "%s", name);
    else
        (void) snprintf(path, sizeof(path), "%.*s/%s", PATH_MAX - 300,
                        dff_db_config(db)->db_auto_backup_path, name);
    in = fopen(path, "re");
    if (in == NULL)
        return dff_backup_fail(err, "opening", path);
    rc = dff_backup_check(in, path, err);
    if (rc == DFF_OK) {
        rc = dff_backup_read(db, in, statements, err);
        if (rc != DFF_OK && *statements > 0)
            (void) dff_err_wrap(err, "%s is restored in part only; restore again", path);
    }
    (void) fclose(in);
    return rc;
}
