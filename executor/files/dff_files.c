/* What the operations share: see the header. */
#include "files/dff_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dff_digest.h"

#include "dff_banned.h"


int
dff_files_open(dff_files_t *files, const char *root, dff_err_t *err)
{
    struct stat st;
    bool        closed;

    *files = (dff_files_t) { .root = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC) };
    if (files->root == -1 || fstat(files->root, &st) != 0) {
        return dff_err_set(err, DFF_E_SYS, "%s: %m", root);
    }
    /* The scripts' user owns the folder and is not in its group. Where strangers may enter,
     * they do not get to write, and neither does it. */
    closed = (st.st_mode & S_IXOTH) == 0;
    files->file_mode = closed ? 0666 : 0664;
    files->folder_mode = closed ? 0777 : 0775;
    return DFF_OK;
}


int
dff_files_refuse(dff_files_t *files, dff_str_t name, dff_err_t *err, const char *fmt, ...)
{
    char    message[DFF_ERR_MESSAGE_SIZE];
    va_list args;

    va_start(args, fmt);
    (void) vsnprintf(message, sizeof(message), fmt, args);
    va_end(args);
    (void) snprintf(files->name, sizeof(files->name), "%.*s", (int) name.len,
                    name.data == NULL ? "" : name.data);
    return dff_err_set(err, DFF_E_BIZ_CONDITION, "%s", message);
}


int
dff_files_failed(dff_files_t *files, const char *what, dff_str_t name, dff_err_t *err)
{
    switch (errno) {
    case EEXIST:
    case ENOTEMPTY:
        return dff_files_refuse(files, name, err, "There is something of this name already");
    case ENOENT:
        return dff_files_refuse(files, name, err, "No such file or folder");
    case ENOTDIR:
    case ELOOP:
        return dff_files_refuse(files, name, err, "The path does not lead through folders");
    case EACCES:
    case EPERM:
        return dff_files_refuse(files, name, err, "The files' owner does not allow it");
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return dff_files_refuse(files, name, err, "There is no space left");
    case ENAMETOOLONG:
        return dff_files_refuse(files, name, err, "The name is too long");
    default:
        return dff_err_set(err, DFF_E_SYS, "%s: %m", what);
    }
}


int
dff_files_count(dff_files_t *files, uint64_t bytes, dff_err_t *err)
{
    files->bytes += bytes;
    if (++files->entries > DFF_FILES_ENTRIES_MAX) {
        return dff_files_refuse(files, DFF_STR_NULL, err, "These are more than %d files",
                                DFF_FILES_ENTRIES_MAX);
    }
    return files->bytes <= DFF_FILES_BYTES_MAX ? DFF_OK
        : dff_files_refuse(files, DFF_STR_NULL, err, "These are more than %llu bytes",
                           DFF_FILES_BYTES_MAX);
}


int
dff_files_folder(const dff_files_t *files, const dff_file_path_t *path, bool create)
{
    char        name[DFF_FILE_NAME_MAX + 1];
    const char *at = path->text;
    int         fd = openat(files->root, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);

    while (fd != -1 && *at != '\0') {
        size_t len = strcspn(at, "/");
        int    next, error;

        memcpy(name, at, len);      /* a checked path has no longer ones */
        name[len] = '\0';
        at += len + (at[len] == '/' ? 1 : 0);
        if (create && mkdirat(fd, name, files->folder_mode) != 0 && errno != EEXIST) {
            next = -1;
        } else {
            next = openat(fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        }
        error = errno;
        (void) close(fd);
        errno = error;
        fd = next;
    }
    return fd;
}


bool
dff_files_exists(int folder, const char *name)
{
    struct stat st;

    return fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}


int
dff_files_temporary(const dff_files_t *files, char name[64])
{
    unsigned char bytes[16];
    int           fd;

    if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t) sizeof(bytes)
        || (mkdirat(files->root, DFF_FILE_TEMPORARY, 0700) != 0 && errno != EEXIST))
    {
        return -1;
    }
    dff_digest_hex(name, bytes, sizeof(bytes));
    fd = openat(files->root, DFF_FILE_TEMPORARY, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd;
}


int
dff_files_move(int from, const char *from_name, int to, const char *to_name)
{
    if (renameat2(from, from_name, to, to_name, RENAME_NOREPLACE) == 0) {
        return 0;
    }
    if (errno != EINVAL && errno != ENOSYS) {
        return -1;
    }
    /* A file system that does not know it, like NFS. */
    if (dff_files_exists(to, to_name)) {
        errno = EEXIST;
        return -1;
    }
    return renameat(from, from_name, to, to_name);
}
