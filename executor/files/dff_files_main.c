/* The operations, and the process that does one of them: see the header. */
#include "files/dff_files.h"

#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dff_buf.h"

#include "dff_banned.h"

#define DFF_FILES_MEMORY  (1ull << 30)
#define DFF_FILES_ZIP     ".zip"

/* A target that is there, by its folder. */
typedef struct {
    dff_file_path_t path;
    int             folder;
    char            name[DFF_FILE_NAME_MAX + 1];
} dff_files_target_t;


static int
dff_files_target_read(dff_files_t *files, dff_files_target_t *target, dff_file_path_t *path,
    bool create, dff_err_t *err)
{
    dff_str_t name = dff_file_path_name(path);

    target->path = *path;
    target->folder = -1;
    if (!dff_file_path_is_writable(path)) {
        return dff_files_refuse(files, dff_file_path_str(path), err,
                                "This folder is the system's own");
    }
    memcpy(target->name, name.data, name.len + 1);
    dff_file_path_up(path);
    target->folder = dff_files_folder(files, path, create);
    return target->folder == -1 ? dff_files_failed(files, "open folder", name, err) : DFF_OK;
}


static int
dff_files_must(dff_files_t *files, int folder, const char *name, bool there, dff_err_t *err)
{
    if (dff_files_exists(folder, name) == there) {
        return DFF_OK;
    }
    return dff_files_refuse(files, dff_str_from(name), err, there ? "No such file or folder"
                            : "There is something of this name already");
}

/* --- what is made aside and then moved to its place ------------------------------------------ */

typedef struct {
    int  folder;
    char name[64];
} dff_files_aside_t;


static int
dff_files_aside_begin(dff_files_t *files, dff_files_aside_t *aside, dff_err_t *err)
{
    aside->folder = dff_files_temporary(files, aside->name);
    return aside->folder == -1
        ? dff_files_failed(files, "temporary folder", DFF_STR(DFF_FILE_TEMPORARY), err) : DFF_OK;
}


static int
dff_files_aside_move(dff_files_t *files, const dff_files_aside_t *aside, int folder,
    const char *name, dff_err_t *err)
{
    return dff_files_move(aside->folder, aside->name, folder, name) == 0 ? DFF_OK
        : dff_files_failed(files, "rename", dff_str_from(name), err);
}


/* What has not been moved is removed. */
static void
dff_files_aside_end(dff_files_t *files, const dff_files_aside_t *aside)
{
    dff_err_t why;

    if (dff_files_remove(files, aside->folder, aside->name, &why) != DFF_OK) {
        (void) fprintf(stderr, "dff-executor --files: %s/%s stays: %s\n", DFF_FILE_TEMPORARY,
                       aside->name, why.message);
    }
    (void) close(aside->folder);
}

/* --- operations ------------------------------------------------------------------------------ */

static int
dff_files_do_mkdir(dff_files_t *files, dff_files_target_t *target, dff_str_t argument,
    dff_err_t *err)
{
    (void) argument;
    return mkdirat(target->folder, target->name, files->folder_mode) == 0 ? DFF_OK
        : dff_files_failed(files, "mkdir", dff_str_from(target->name), err);
}


static int
dff_files_do_rm(dff_files_t *files, dff_files_target_t *target, dff_str_t argument,
    dff_err_t *err)
{
    (void) argument;
    return dff_files_must(files, target->folder, target->name, true, err) == DFF_OK
        ? dff_files_remove(files, target->folder, target->name, err) : DFF_ERROR;
}


static int
dff_files_do_zip(dff_files_t *files, dff_files_target_t *target, dff_str_t argument,
    dff_err_t *err)
{
    char              name[DFF_FILE_NAME_MAX + sizeof(DFF_FILES_ZIP)];
    dff_files_aside_t aside;
    int               out, rc;

    (void) argument;
    (void) snprintf(name, sizeof(name), "%s" DFF_FILES_ZIP, target->name);
    if (dff_files_must(files, target->folder, target->name, true, err) != DFF_OK
        || dff_files_must(files, target->folder, name, false, err) != DFF_OK
        || dff_files_aside_begin(files, &aside, err) != DFF_OK)
    {
        return DFF_ERROR;
    }
    out = openat(aside.folder, aside.name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC,
                 files->file_mode);
    rc = out == -1 ? dff_files_failed(files, "create", dff_str_from(name), err)
        : dff_files_zip(files, target->folder, target->name, out, err);
    if (out != -1) {
        (void) close(out);
    }
    if (rc == DFF_OK) {
        rc = dff_files_aside_move(files, &aside, target->folder, name, err);
    }
    dff_files_aside_end(files, &aside);
    return rc;
}


/* The names right in the unpacked folder: first all may come to their place, then all do. */
typedef struct {
    dff_files_t        *files;
    dff_files_target_t *target;
    bool                moves;
} dff_files_placing_t;


static int
dff_files_place(void *ctx, int folder, const char *name, dff_err_t *err)
{
    dff_files_placing_t *placing = ctx;
    dff_files_t         *files = placing->files;
    dff_str_t            text = dff_str_from(name);
    dff_file_path_t      path = placing->target->path;

    dff_file_path_up(&path);
    if (dff_file_path_add(&path, text, err) != DFF_OK || !dff_file_path_is_writable(&path)) {
        return dff_files_refuse(files, text, err, "This folder is the system's own");
    }
    if (!placing->moves) {
        return dff_files_must(files, placing->target->folder, name, false, err);
    }
    return dff_files_move(folder, name, placing->target->folder, name) == 0 ? DFF_OK
        : dff_files_failed(files, "rename", text, err);
}


static int
dff_files_unzip_aside(dff_files_t *files, dff_files_target_t *target, int archive,
    const dff_files_aside_t *aside, dff_err_t *err)
{
    dff_files_placing_t placing = { files, target, false };
    int                 into, rc;

    if (mkdirat(aside->folder, aside->name, 0700) != 0) {
        return dff_files_failed(files, "mkdir", dff_str_from(aside->name), err);
    }
    into = openat(aside->folder, aside->name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (into == -1) {
        return dff_files_failed(files, "open folder", dff_str_from(aside->name), err);
    }
    rc = dff_files_unzip(files, archive, into, err);
    (void) close(into);
    for (int i = 0; rc == DFF_OK && i < 2; i++) {
        placing.moves = i == 1;
        rc = dff_files_each(files, aside->folder, aside->name, dff_files_place, &placing, err);
    }
    return rc;
}


static int
dff_files_do_unzip(dff_files_t *files, dff_files_target_t *target, dff_str_t argument,
    dff_err_t *err)
{
    dff_str_t         name = dff_str_from(target->name);
    size_t            suffix = sizeof(DFF_FILES_ZIP) - 1;
    char              without[DFF_FILE_NAME_MAX + 1];
    dff_files_aside_t aside;
    struct stat       st;
    int               archive, rc;

    (void) argument;
    if (dff_files_must(files, target->folder, target->name, true, err) != DFF_OK) {
        return DFF_ERROR;
    }
    if (name.len <= suffix || strcmp(target->name + name.len - suffix, DFF_FILES_ZIP) != 0) {
        return dff_files_refuse(files, name, err, "The name of an archive ends in .zip");
    }
    memcpy(without, target->name, name.len - suffix);
    without[name.len - suffix] = '\0';
    archive = openat(target->folder, target->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY
                     | O_CLOEXEC);
    if (archive == -1) {
        return dff_files_failed(files, "open", name, err);
    }
    if (fstat(archive, &st) != 0 || !S_ISREG(st.st_mode)) {
        rc = dff_files_refuse(files, name, err, "This is no file");
    } else if (dff_files_must(files, target->folder, without, false, err) != DFF_OK
               || dff_files_aside_begin(files, &aside, err) != DFF_OK)
    {
        rc = DFF_ERROR;
    } else {
        rc = dff_files_unzip_aside(files, target, archive, &aside, err);
        dff_files_aside_end(files, &aside);
    }
    (void) close(archive);
    return rc;
}


/* Where to: from the resource folder, or from the target's own folder. */
static int
dff_files_destination(dff_files_t *files, const dff_files_target_t *target, dff_str_t argument,
    dff_files_target_t *to, dff_err_t *err)
{
    dff_file_path_t path = target->path;

    to->folder = -1;
    if (argument.len > 0 && argument.data[0] == '/') {
        path.len = 0;
        path.text[0] = '\0';
    } else {
        dff_file_path_up(&path);
    }
    if (dff_file_path_add(&path, argument, err) != DFF_OK) {
        return dff_files_refuse(files, argument, err, "%s", err->message);
    }
    if (dff_file_path_within(&path, &target->path)) {
        return dff_files_refuse(files, dff_file_path_str(&path), err,
                                "The new path is the old one, or inside it");
    }
    return dff_files_must(files, target->folder, target->name, true, err) == DFF_OK
        ? dff_files_target_read(files, to, &path, true, err) : DFF_ERROR;
}


static int
dff_files_do_mv(dff_files_t *files, dff_files_target_t *target, dff_str_t argument,
    dff_err_t *err)
{
    dff_files_target_t to;
    int                rc;

    if (dff_files_destination(files, target, argument, &to, err) != DFF_OK) {
        return DFF_ERROR;
    }
    rc = dff_files_move(target->folder, target->name, to.folder, to.name) == 0 ? DFF_OK
        : dff_files_failed(files, "rename", dff_str_from(to.name), err);
    (void) close(to.folder);
    return rc;
}


static int
dff_files_do_cp(dff_files_t *files, dff_files_target_t *target, dff_str_t argument,
    dff_err_t *err)
{
    dff_files_target_t to;
    dff_files_aside_t  aside;
    int                rc;

    if (dff_files_destination(files, target, argument, &to, err) != DFF_OK) {
        return DFF_ERROR;
    }
    rc = dff_files_must(files, to.folder, to.name, false, err);
    if (rc == DFF_OK) {
        rc = dff_files_aside_begin(files, &aside, err);
    }
    if (rc == DFF_OK) {
        rc = dff_files_copy(files, target->folder, target->name, aside.folder, aside.name, err);
        if (rc == DFF_OK) {
            rc = dff_files_aside_move(files, &aside, to.folder, to.name, err);
        }
        dff_files_aside_end(files, &aside);
    }
    (void) close(to.folder);
    return rc;
}


static const struct {
    const char *name;
    bool        argument;
    int       (*fn)(dff_files_t *files, dff_files_target_t *target, dff_str_t argument,
                    dff_err_t *err);
} dff_files_operations[] = {
    { "mkdir", false, dff_files_do_mkdir }, { "zip", false, dff_files_do_zip },
    { "unzip", false, dff_files_do_unzip }, { "cp", true, dff_files_do_cp },
    { "mv", true, dff_files_do_mv }, { "rm", false, dff_files_do_rm },
};

/* --- the process ----------------------------------------------------------------------------- */

static int
dff_files_run(dff_files_t *files, const char *operation, const char *target_text,
    dff_str_t argument, dff_err_t *err)
{
    dff_files_target_t target;
    dff_file_path_t    path;

    for (size_t i = 0; i < sizeof(dff_files_operations) / sizeof(dff_files_operations[0]); i++) {
        int rc;

        if (strcmp(operation, dff_files_operations[i].name) != 0) {
            continue;
        }
        if (dff_files_operations[i].argument && argument.len == 0) {
            return dff_err_set(err, DFF_E_SYS, "%s needs an argument", operation);
        }
        if (dff_file_path_read(&path, dff_str_from(target_text), err) != DFF_OK
            || dff_files_target_read(files, &target, &path, false, err) != DFF_OK)
        {
            return DFF_ERROR;
        }
        rc = dff_files_operations[i].fn(files, &target, argument, err);
        (void) close(target.folder);
        return rc;
    }
    return dff_err_set(err, DFF_E_SYS, "unknown operation %s", operation);
}


/* What the api process had open is none of ours; nor is more of the machine. */
static void
dff_files_confine(void)
{
    const struct rlimit memory = { DFF_FILES_MEMORY, DFF_FILES_MEMORY };
    const struct rlimit size = { DFF_FILES_BYTES_MAX, DFF_FILES_BYTES_MAX };

    (void) close_range(3, ~0u, 0);
    (void) umask(0);
#if !defined(__SANITIZE_ADDRESS__)
    (void) setrlimit(RLIMIT_AS, &memory);
#else
    (void) memory;
#endif
    (void) setrlimit(RLIMIT_FSIZE, &size);
    (void) setpriority(PRIO_PROCESS, 0, 10);
    (void) alarm(DFF_FILES_SECONDS);
    /* libarchive converts names by the locale. */
    (void) setlocale(LC_CTYPE, "C.UTF-8");
}


int
dff_files_main(int count, char **words)
{
    dff_files_t files = { .root = -1 };
    dff_buf_t   out = DFF_BUF_INIT;
    dff_err_t   err = { 0 };
    int         rc;

    if (count < 3 || count > 4) {
        (void) fprintf(stderr, "dff-executor: --files is for the api processes' use only\n");
        return 2;
    }
    dff_files_confine();
    rc = dff_files_open(&files, words[0], &err);
    if (rc == DFF_OK) {
        rc = dff_files_run(&files, words[1], words[2],
                           count == 4 ? dff_str_from(words[3]) : DFF_STR_NULL, &err);
    }
    dff_buf_addf(&out, "{\"ok\":%s,\"biz\":%s,\"message\":\"", rc == DFF_OK ? "true" : "false",
                 err.reason == DFF_E_BIZ_CONDITION ? "true" : "false");
    dff_buf_add_json_escaped(&out, dff_str_from(rc == DFF_OK ? "" : err.message));
    dff_buf_add_str(&out, DFF_STR("\",\"name\":\""));
    dff_buf_add_json_escaped(&out, dff_str_from(files.name));
    dff_buf_add_str(&out, DFF_STR("\"}\n"));
    if (dff_buf_failed(&out) || write(STDOUT_FILENO, out.data, out.len) != (ssize_t) out.len) {
        rc = DFF_ERROR;
    }
    dff_buf_release(&out);
    return rc == DFF_OK ? 0 : 1;
}
