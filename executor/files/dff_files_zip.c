/* Packing: a file or folder becomes an archive, with its name in front. */
#include "files/dff_files.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dff_banned.h"

#define DFF_ZIP_PIECE  65536

typedef struct {
    dff_files_t    *files;
    struct archive *archive;
    char            path[4096];     /* in the archive, of the folder: "a/b/", or "" */
    unsigned        depth;
} dff_zip_t;


/* A failure of the archive's is one of writing it. */
static int
dff_zip_failed(dff_zip_t *zip, dff_err_t *err)
{
    if (archive_errno(zip->archive) == ENOSPC || archive_errno(zip->archive) == EFBIG) {
        return dff_files_refuse(zip->files, DFF_STR_NULL, err, "There is no space left");
    }
    return dff_err_set(err, DFF_E_SYS, "zip: %s", archive_error_string(zip->archive));
}


static int
dff_zip_header(dff_zip_t *zip, const char *path, const struct stat *st, dff_err_t *err)
{
    struct archive_entry *entry = archive_entry_new();
    int                   rc;

    if (entry == NULL) {
        return dff_err_set(err, DFF_E_SYS, "out of memory");
    }
    archive_entry_set_pathname_utf8(entry, path);
    archive_entry_set_filetype(entry, S_ISDIR(st->st_mode) ? AE_IFDIR : AE_IFREG);
    archive_entry_set_perm(entry, S_ISDIR(st->st_mode) ? 0755 : 0644);
    archive_entry_set_mtime(entry, st->st_mtime, 0);
    archive_entry_set_size(entry, S_ISDIR(st->st_mode) ? 0 : st->st_size);
    rc = archive_write_header(zip->archive, entry);
    archive_entry_free(entry);
    return rc == ARCHIVE_OK || rc == ARCHIVE_WARN ? DFF_OK : dff_zip_failed(zip, err);
}


/* As many bytes as the header says, also of a file that grows or shrinks meanwhile. */
static int
dff_zip_content(dff_zip_t *zip, int in, uint64_t size, dff_str_t name, dff_err_t *err)
{
    char room[DFF_ZIP_PIECE];

    while (size > 0) {
        ssize_t n = read(in, room, size < sizeof(room) ? (size_t) size : sizeof(room));

        if (n < 0) {
            return dff_files_failed(zip->files, "read", name, err);
        }
        if (n == 0) {
            return dff_files_refuse(zip->files, name, err, "It changes while it is being packed");
        }
        if (archive_write_data(zip->archive, room, (size_t) n) != n) {
            return dff_zip_failed(zip, err);
        }
        size -= (uint64_t) n;
    }
    return DFF_OK;
}


static int
dff_zip_file(dff_zip_t *zip, int folder, const char *name, const char *path, dff_err_t *err)
{
    int         in = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY
                            | O_CLOEXEC);
    dff_str_t   text = dff_str_from(name);
    struct stat st;
    int         rc;

    if (in == -1 || fstat(in, &st) != 0) {
        rc = dff_files_failed(zip->files, "open", text, err);
    } else if (!S_ISREG(st.st_mode)) {
        rc = DFF_OK;
    } else if (dff_files_count(zip->files, (uint64_t) st.st_size, err) != DFF_OK
               || dff_zip_header(zip, path, &st, err) != DFF_OK)
    {
        rc = DFF_ERROR;
    } else {
        rc = dff_zip_content(zip, in, (uint64_t) st.st_size, text, err);
    }
    if (in != -1) {
        (void) close(in);
    }
    return rc;
}


static int
dff_zip_entry(void *ctx, int folder, const char *name, dff_err_t *err)
{
    dff_zip_t  *zip = ctx;
    size_t      len = strlen(zip->path), more = strlen(name);
    dff_str_t   text = dff_str_from(name);
    struct stat st;
    int         rc;

    if (!dff_file_name_ok(text) || len + more + 2 > sizeof(zip->path)) {
        return dff_files_refuse(zip->files, text, err, "An archive cannot have such a name");
    }
    if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
        return errno == ENOENT ? DFF_OK : dff_files_failed(zip->files, "stat", text, err);
    }
    memcpy(zip->path + len, name, more + 1);
    if (S_ISREG(st.st_mode)) {
        rc = dff_zip_file(zip, folder, name, zip->path, err);
    } else if (!S_ISDIR(st.st_mode)) {
        rc = DFF_OK;
    } else if (++zip->depth > DFF_FILES_DEPTH_MAX) {
        rc = dff_files_refuse(zip->files, text, err, "Folders are nested deeper than %d",
                              DFF_FILES_DEPTH_MAX);
    } else {
        memcpy(zip->path + len + more, "/", 2);
        rc = dff_files_count(zip->files, 0, err);
        rc = rc == DFF_OK ? dff_zip_header(zip, zip->path, &st, err) : rc;
        rc = rc == DFF_OK ? dff_files_each(zip->files, folder, name, dff_zip_entry, zip, err) : rc;
        zip->depth--;
    }
    zip->path[len] = '\0';
    return rc;
}


int
dff_files_zip(dff_files_t *files, int folder, const char *name, int out, dff_err_t *err)
{
    dff_zip_t zip = { .files = files, .archive = archive_write_new() };
    int       rc;

    if (zip.archive == NULL) {
        return dff_err_set(err, DFF_E_SYS, "out of memory");
    }
    if (archive_write_set_format_zip(zip.archive) != ARCHIVE_OK
        || archive_write_set_options(zip.archive, "hdrcharset=UTF-8") != ARCHIVE_OK
        || archive_write_open_fd(zip.archive, out) != ARCHIVE_OK)
    {
        rc = dff_zip_failed(&zip, err);
    } else {
        rc = dff_zip_entry(&zip, folder, name, err);
        if (rc == DFF_OK && archive_write_close(zip.archive) != ARCHIVE_OK) {
            rc = dff_zip_failed(&zip, err);
        }
    }
    (void) archive_write_free(zip.archive);
    return rc;
}
