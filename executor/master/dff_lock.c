/* The lock and pid file. Runs in the master. */
#include "dff_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dff_banned.h"

static int
dff_lock_make_folders(const char *path, dff_err_t *err)
{
    char  part[PATH_MAX];
    char *slash;

    if ((size_t) snprintf(part, sizeof(part), "%s/", path) >= sizeof(part))
        return dff_err_set(err, DFF_E_SYS, "_RUN_PATH %.128s...: too long", path);
    for (slash = strchr(part + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(part, 0755) != 0 && errno != EEXIST)
            return dff_err_set(err, DFF_E_SYS, "_RUN_PATH: mkdir %s: %s", part, strerror(errno));
        *slash = '/';
    }
    return DFF_OK;
}

int
dff_lock_take(const char *run_path, int *fd, dff_err_t *err)
{
    char    path[PATH_MAX], pid[32] = "?";
    ssize_t n;
    int     len;

    *fd = -1;
    if (dff_lock_make_folders(run_path, err) != DFF_OK)
        return DFF_ERROR;
    if ((size_t) snprintf(path, sizeof(path), "%s/dff-executor.pid", run_path) >= sizeof(path))
        return dff_err_set(err, DFF_E_SYS, "_RUN_PATH %.128s...: too long", run_path);

    *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (*fd < 0)
        return dff_err_set(err, DFF_E_SYS, "open %s: %s", path, strerror(errno));
    if (flock(*fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK) {
            n = pread(*fd, pid, sizeof(pid) - 1, 0);
            pid[n > 0 ? n : 0] = '\0';
            pid[strcspn(pid, "\n")] = '\0';
            (void) dff_err_set(err, DFF_E_SYS, "%s is locked: an executor (pid %s) runs here "
                               "already", path, pid);
        } else {
            (void) dff_err_set(err, DFF_E_SYS, "flock %s: %s", path, strerror(errno));
        }
        goto failed;
    }

    len = snprintf(pid, sizeof(pid), "%d\n", (int) getpid());
    if (ftruncate(*fd, 0) != 0 || pwrite(*fd, pid, (size_t) len, 0) != len) {
        (void) dff_err_set(err, DFF_E_SYS, "write %s: %s", path, strerror(errno));
        goto failed;
    }
    return DFF_OK;

failed:
    (void) close(*fd);
    *fd = -1;
    return DFF_ERROR;
}

void
dff_lock_drop(int *fd)
{
    if (*fd < 0)
        return;
    /* Emptied, not unlinked: another starter may hold the file open already, and
     * would lock what nobody sees. */
    if (ftruncate(*fd, 0) != 0)
        (void) lseek(*fd, 0, SEEK_SET);      /* a stale pid in an unlocked file is harmless */
    (void) close(*fd);
    *fd = -1;
}
