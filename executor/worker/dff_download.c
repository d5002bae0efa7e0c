/* Files of large results: see the header. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "dff_download.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dff_banned.h"

#define DFF_DOWNLOAD_MODE         0640      /* the folder gives the group, which is nginx's */
#define DFF_DOWNLOAD_FOLDER_MODE  02750

static int
dff_download_put(int fd, dff_str_t bytes)
{
    ssize_t n;

    while (bytes.len > 0) {
        n = write(fd, bytes.data, bytes.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        bytes.data += n;
        bytes.len -= (size_t) n;
    }
    return 0;
}

/* deploy/setup makes the folder; where a script has removed it, it is made again. */
static int
dff_download_folder(const char *root)
{
    int in = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int folder;

    if (in == -1)
        return -1;
    (void) mkdirat(in, DFF_DOWNLOAD_FOLDER, DFF_DOWNLOAD_FOLDER_MODE);
    folder = openat(in, DFF_DOWNLOAD_FOLDER, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    (void) close(in);
    return folder;
}

static int
dff_download_file(const char *root, const char *name, dff_str_t bytes)
{
    int folder = dff_download_folder(root), fd = -1, rc = -1, error;

    if (folder != -1)
        fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                    DFF_DOWNLOAD_MODE);
    if (fd != -1)
        rc = dff_download_put(fd, bytes);
    error = errno;
    if (fd != -1 && rc != 0)
        (void) unlinkat(folder, name, 0);
    if (fd != -1)
        (void) close(fd);
    if (folder != -1)
        (void) close(folder);
    errno = error;
    return rc;
}

int
dff_download_write(const char *resource_root, dff_str_t bytes, dff_download_t *download)
{
    dff_id_source_t source;
    char            name[DFF_ID_SIZE];
    int             rc;

    dff_id_source_init(&source);
    if (dff_id_make(&source, name, "large-") == 0) {
        (void) snprintf(download->why, sizeof(download->why), "the kernel has no randomness");
        return -1;
    }
    (void) snprintf(download->path, sizeof(download->path), DFF_DOWNLOAD_FOLDER "/%s", name);

    Py_BEGIN_ALLOW_THREADS
    rc = dff_download_file(resource_root, name, bytes);
    if (rc != 0)
        (void) snprintf(download->why, sizeof(download->why), "%s", strerror(errno));
    Py_END_ALLOW_THREADS
    return rc;
}
