/*
 * Unpacking an archive that a stranger may have made: plain files and folders only, names
 * that stay inside, nothing twice, and no more than the limits, of what is really written
 * (what the archive says of itself is not believed).
 */
#include "files/dff_files.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dff_banned.h"

#define DFF_UNZIP_PIECE  65536

typedef struct {
    dff_files_t    *files;
    dff_files_t     inside;         /* the empty folder as a resource folder */
    struct archive *archive;
    uint64_t        size;           /* of the archive */
    uint64_t        written;
    unsigned        entries;
} dff_unzip_t;


static int
dff_unzip_bad(dff_unzip_t *unzip, dff_err_t *err)
{
    const char *why = archive_error_string(unzip->archive);

    return dff_files_refuse(unzip->files, DFF_STR_NULL, err, "The archive cannot be read: %.200s",
                            why == NULL ? "it is damaged" : why);
}


static int
dff_unzip_grow(dff_unzip_t *unzip, size_t bytes, dff_err_t *err)
{
    unzip->written += bytes;
    if (unzip->written > DFF_UNZIP_BYTES_MAX) {
        return dff_files_refuse(unzip->files, DFF_STR_NULL, err,
                                "The archive holds more than %llu bytes", DFF_UNZIP_BYTES_MAX);
    }
    if (unzip->written > DFF_UNZIP_RATIO_FROM
        && unzip->written / DFF_UNZIP_RATIO_MAX > unzip->size)
    {
        return dff_files_refuse(unzip->files, DFF_STR_NULL, err,
                                "The archive holds more than %d times its size",
                                DFF_UNZIP_RATIO_MAX);
    }
    return DFF_OK;
}


static int
dff_unzip_content(dff_unzip_t *unzip, int out, dff_str_t name, dff_err_t *err)
{
    char       room[DFF_UNZIP_PIECE];
    la_ssize_t n;

    while ((n = archive_read_data(unzip->archive, room, sizeof(room))) > 0) {
        if (dff_unzip_grow(unzip, (size_t) n, err) != DFF_OK) {
            return DFF_ERROR;
        }
        if (write(out, room, (size_t) n) != (ssize_t) n) {
            return dff_files_failed(unzip->files, "write", name, err);
        }
    }
    return n == 0 ? DFF_OK : dff_unzip_bad(unzip, err);
}


/* path: checked, its last name is the file's. */
static int
dff_unzip_file(dff_unzip_t *unzip, dff_file_path_t *path, dff_err_t *err)
{
    char      name[DFF_FILE_NAME_MAX + 1];
    dff_str_t last = dff_file_path_name(path);
    int       folder, out, rc;

    memcpy(name, last.data, last.len + 1);
    dff_file_path_up(path);
    folder = dff_files_folder(&unzip->inside, path, true);
    if (folder == -1) {
        return dff_files_failed(unzip->files, "mkdir", dff_str_from(name), err);
    }
    out = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                 unzip->files->file_mode);
    rc = out == -1 ? dff_files_failed(unzip->files, "create", dff_str_from(name), err)
        : dff_unzip_content(unzip, out, dff_str_from(name), err);
    (void) close(folder);
    if (out != -1 && close(out) != 0 && rc == DFF_OK) {
        rc = dff_files_failed(unzip->files, "close", dff_str_from(name), err);
    }
    return rc;
}


/* The path of an entry, as strict as can be: what an archive may hold is not what a path
 * of a caller may be. */
static int
dff_unzip_path(dff_unzip_t *unzip, struct archive_entry *entry, dff_file_path_t *path,
    dff_err_t *err)
{
    const char *text = archive_entry_pathname_utf8(entry);
    dff_err_t   why;
    unsigned    depth = 0;

    if (text == NULL) {
        text = archive_entry_pathname(entry);       /* no UTF-8, by its own word */
    }
    if (text == NULL || text[0] == '\0' || text[0] == '/' || strchr(text, '\\') != NULL
        || dff_file_path_read(path, dff_str_from(text), &why) != DFF_OK || path->len == 0)
    {
        return dff_files_refuse(unzip->files, dff_str_from(text), err,
                                "The archive has a path that leads out of it, or is none");
    }
    for (size_t i = 0; i < path->len; i++) {
        depth += path->text[i] == '/';
    }
    return depth < DFF_FILES_DEPTH_MAX ? DFF_OK
        : dff_files_refuse(unzip->files, dff_file_path_name(path), err,
                           "Folders are nested deeper than %d", DFF_FILES_DEPTH_MAX);
}


static int
dff_unzip_entry(dff_unzip_t *unzip, struct archive_entry *entry, dff_err_t *err)
{
    dff_file_path_t path;
    int             folder;

    if (++unzip->entries > DFF_UNZIP_ENTRIES_MAX) {
        return dff_files_refuse(unzip->files, DFF_STR_NULL, err,
                                "The archive has more than %d entries", DFF_UNZIP_ENTRIES_MAX);
    }
    if (dff_unzip_path(unzip, entry, &path, err) != DFF_OK) {
        return DFF_ERROR;
    }
    if (archive_entry_is_encrypted(entry) || archive_entry_hardlink(entry) != NULL
        || archive_entry_symlink(entry) != NULL)
    {
        return dff_files_refuse(unzip->files, dff_file_path_name(&path), err,
                                "The archive has a link, or is encrypted");
    }
    switch (archive_entry_filetype(entry)) {
    case AE_IFREG:
        return dff_unzip_file(unzip, &path, err);
    case AE_IFDIR:
        folder = dff_files_folder(&unzip->inside, &path, true);
        if (folder == -1) {
            return dff_files_failed(unzip->files, "mkdir", dff_file_path_name(&path), err);
        }
        (void) close(folder);
        return DFF_OK;
    default:
        return dff_files_refuse(unzip->files, dff_file_path_name(&path), err,
                                "The archive has something else than files and folders");
    }
}


int
dff_files_unzip(dff_files_t *files, int archive, int into, dff_err_t *err)
{
    dff_unzip_t           unzip = { .files = files, .archive = archive_read_new() };
    struct archive_entry *entry;
    struct stat           st;
    int                   rc, more = ARCHIVE_OK;

    if (unzip.archive == NULL || fstat(archive, &st) != 0) {
        (void) archive_read_free(unzip.archive);
        return dff_err_set(err, DFF_E_SYS, "unzip: %m");
    }
    unzip.inside = *files;
    unzip.inside.root = into;
    unzip.size = (uint64_t) st.st_size;
    if (archive_read_support_format_zip(unzip.archive) != ARCHIVE_OK
        || archive_read_open_fd(unzip.archive, archive, DFF_UNZIP_PIECE) != ARCHIVE_OK)
    {
        rc = dff_unzip_bad(&unzip, err);
    } else {
        rc = DFF_OK;
    }
    while (rc == DFF_OK && (more = archive_read_next_header(unzip.archive, &entry)) != ARCHIVE_EOF)
    {
        rc = more == ARCHIVE_OK || more == ARCHIVE_WARN ? dff_unzip_entry(&unzip, entry, err)
            : dff_unzip_bad(&unzip, err);
    }
    (void) archive_read_free(unzip.archive);
    return rc;
}
