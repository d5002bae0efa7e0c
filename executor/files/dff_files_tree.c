/* Trees: copied, removed. No link is followed. */
#include "files/dff_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dff_banned.h"

#define DFF_FILES_PIECE  (1u << 20)


/* Depth is that of open folders, which is the one of the tree. */
static int
dff_files_descend(dff_files_t *files, dff_str_t name, unsigned depth, dff_err_t *err)
{
    return depth < DFF_FILES_DEPTH_MAX ? DFF_OK
        : dff_files_refuse(files, name, err, "Folders are nested deeper than %d",
                           DFF_FILES_DEPTH_MAX);
}


int
dff_files_each(dff_files_t *files, int folder, const char *name, dff_files_entry_fn fn, void *ctx,
    dff_err_t *err)
{
    int            fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR           *dir = fd == -1 ? NULL : fdopendir(fd);
    struct dirent *entry;
    int            rc = DFF_OK;

    if (dir == NULL) {
        rc = dff_files_failed(files, "open folder", dff_str_from(name), err);
        if (fd != -1) {
            (void) close(fd);
        }
        return rc;
    }
    while (rc == DFF_OK && (errno = 0, entry = readdir(dir)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            rc = fn(ctx, dirfd(dir), entry->d_name, err);
        }
    }
    if (rc == DFF_OK && errno != 0) {
        rc = dff_files_failed(files, "readdir", dff_str_from(name), err);
    }
    (void) closedir(dir);
    return rc;
}

/* --- removing -------------------------------------------------------------------------------- */

typedef struct {
    dff_files_t *files;
    unsigned     depth;
    int          to;        /* copying */
} dff_files_walk_t;


static int
dff_files_remove_entry(void *ctx, int folder, const char *name, dff_err_t *err)
{
    dff_files_walk_t *walk = ctx, below = { walk->files, walk->depth + 1, -1 };
    dff_str_t         text = dff_str_from(name);
    struct stat       st;

    if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
        return errno == ENOENT ? DFF_OK : dff_files_failed(walk->files, "stat", text, err);
    }
    if (S_ISDIR(st.st_mode)
        && (dff_files_descend(walk->files, text, walk->depth, err) != DFF_OK
            || dff_files_each(walk->files, folder, name, dff_files_remove_entry, &below, err)
               != DFF_OK))
    {
        return DFF_ERROR;
    }
    if (unlinkat(folder, name, S_ISDIR(st.st_mode) ? AT_REMOVEDIR : 0) != 0 && errno != ENOENT) {
        return dff_files_failed(walk->files, "unlink", text, err);
    }
    return DFF_OK;
}


int
dff_files_remove(dff_files_t *files, int folder, const char *name, dff_err_t *err)
{
    return dff_files_remove_entry(&(dff_files_walk_t) { files, 0, -1 }, folder, name, err);
}

/* --- copying --------------------------------------------------------------------------------- */

static int
dff_files_copy_bytes(dff_files_t *files, int in, int out, dff_str_t name, dff_err_t *err)
{
    char   *room = malloc(DFF_FILES_PIECE);
    ssize_t n = room == NULL ? -1 : 1;

    while (n > 0 && (n = read(in, room, DFF_FILES_PIECE)) > 0) {
        files->bytes += (uint64_t) n;
        if (files->bytes > DFF_FILES_BYTES_MAX || write(out, room, (size_t) n) != n) {
            errno = files->bytes > DFF_FILES_BYTES_MAX ? EFBIG : errno;
            n = -1;
        }
    }
    free(room);
    return n == 0 ? DFF_OK : dff_files_failed(files, "copy", name, err);
}


static int dff_files_copy_entry(void *ctx, int folder, const char *name, dff_err_t *err);


static int
dff_files_copy_folder(dff_files_walk_t *walk, int from, const char *from_name, int to,
    const char *to_name, dff_err_t *err)
{
    dff_files_walk_t below = { walk->files, walk->depth + 1, -1 };
    dff_str_t        text = dff_str_from(to_name);
    int              rc;

    if (dff_files_descend(walk->files, text, walk->depth, err) != DFF_OK) {
        return DFF_ERROR;
    }
    if (mkdirat(to, to_name, walk->files->folder_mode) != 0) {
        return dff_files_failed(walk->files, "mkdir", text, err);
    }
    below.to = openat(to, to_name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (below.to == -1) {
        return dff_files_failed(walk->files, "open folder", text, err);
    }
    rc = dff_files_each(walk->files, from, from_name, dff_files_copy_entry, &below, err);
    (void) close(below.to);
    return rc;
}


static int
dff_files_copy_one(dff_files_walk_t *walk, int from, const char *from_name, int to,
    const char *to_name, dff_err_t *err)
{
    dff_files_t *files = walk->files;
    dff_str_t    text = dff_str_from(from_name);
    struct stat  st;
    int          in, out, rc;

    if (fstatat(from, from_name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
        return dff_files_failed(files, "stat", text, err);
    }
    if (S_ISDIR(st.st_mode)) {
        return dff_files_count(files, 0, err) == DFF_OK
            ? dff_files_copy_folder(walk, from, from_name, to, to_name, err) : DFF_ERROR;
    }
    if (!S_ISREG(st.st_mode)) {
        return DFF_OK;
    }
    if (dff_files_count(files, 0, err) != DFF_OK) {
        return DFF_ERROR;
    }
    in = openat(from, from_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (in == -1) {
        return dff_files_failed(files, "open", text, err);
    }
    out = openat(to, to_name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                 files->file_mode);
    rc = out == -1 ? dff_files_failed(files, "create", dff_str_from(to_name), err)
        : dff_files_copy_bytes(files, in, out, text, err);
    (void) close(in);
    if (out != -1 && close(out) != 0 && rc == DFF_OK) {
        rc = dff_files_failed(files, "close", text, err);
    }
    return rc;
}


static int
dff_files_copy_entry(void *ctx, int folder, const char *name, dff_err_t *err)
{
    dff_files_walk_t *walk = ctx;

    return dff_files_copy_one(walk, folder, name, walk->to, name, err);
}


int
dff_files_copy(dff_files_t *files, int from, const char *from_name, int to, const char *to_name,
    dff_err_t *err)
{
    return dff_files_copy_one(&(dff_files_walk_t) { files, 0, -1 }, from, from_name, to, to_name,
                              err);
}
