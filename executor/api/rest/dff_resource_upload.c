/* Uploads: see the header. */
#include "api/rest/dff_resource_upload.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dff_form.h"
#include "dff_multipart.h"
#include "files/dff_files.h"

#include "dff_banned.h"

#define DFF_UPLOAD_MAX     (10ull << 30)    /* bytes of the file */
#define DFF_UPLOAD_MARGIN  (1u << 20)       /* what the form may add */
#define DFF_UPLOAD_PARTS   16
#define DFF_UPLOAD_TEXT    2048             /* bytes of a field */

typedef enum { DFF_UPLOAD_OTHER, DFF_UPLOAD_FOLDER, DFF_UPLOAD_RENAME, DFF_UPLOAD_FILE }
    dff_upload_part_t;

typedef struct {
    dff_multipart_t   reader;
    dff_files_t       files;        /* root -1: not open yet */
    dff_upload_part_t part;         /* that is being read */
    dff_buf_t         folder, rename, filename;
    bool              has_file;
    int               temporary, fd;        /* its folder, and it; -1: none */
    char              name[64];             /* of it, "" when it was moved */
    uint64_t          size;
    dff_err_t         err;          /* why a callback has stopped the reader */
} dff_upload_t;


static void
dff_upload_release(void *ptr)
{
    dff_upload_t *upload = ptr;

    if (upload->fd != -1) {
        (void) close(upload->fd);
    }
    if (upload->temporary != -1) {
        if (upload->name[0] != '\0') {
            (void) unlinkat(upload->temporary, upload->name, 0);     /* else it is cleaned later */
        }
        (void) close(upload->temporary);
    }
    if (upload->files.root != -1) {
        (void) close(upload->files.root);
    }
    dff_buf_release(&upload->folder);
    dff_buf_release(&upload->rename);
    dff_buf_release(&upload->filename);
}

/* --- parts ----------------------------------------------------------------------------------- */

static int
dff_upload_open(dff_upload_t *upload)
{
    upload->temporary = dff_files_temporary(&upload->files, upload->name);
    if (upload->temporary != -1) {
        upload->fd = openat(upload->temporary, upload->name, O_WRONLY | O_CREAT | O_EXCL
                            | O_NOFOLLOW | O_CLOEXEC, 0600);
    }
    if (upload->fd != -1) {
        return DFF_OK;
    }
    upload->name[0] = '\0';
    return dff_files_failed(&upload->files, "upload", DFF_STR_NULL, &upload->err);
}


/* Only the first file counts. */
static int
dff_upload_on_begin(void *ctx, const dff_multipart_part_t *part)
{
    dff_upload_t *upload = ctx;

    upload->part = DFF_UPLOAD_OTHER;
    if (part->is_file) {
        if (upload->has_file) {
            return DFF_OK;
        }
        upload->part = DFF_UPLOAD_FILE;
        upload->has_file = true;
        dff_buf_add_str(&upload->filename, part->filename);
        return dff_upload_open(upload);
    }
    if (dff_str_eq(part->name, DFF_STR("folder"))) {
        upload->part = DFF_UPLOAD_FOLDER;
    } else if (dff_str_eq(part->name, DFF_STR("rename"))) {
        upload->part = DFF_UPLOAD_RENAME;
    }
    return DFF_OK;
}


static int
dff_upload_write(dff_upload_t *upload, const char *data, size_t len)
{
    upload->size += len;
    if (upload->size > DFF_UPLOAD_MAX) {
        return dff_err_set(&upload->err, DFF_E_BODY_TOO_LARGE,
                           "A file has at most %llu bytes", DFF_UPLOAD_MAX);
    }
    while (len > 0) {
        ssize_t n = write(upload->fd, data, len);

        if (n < 0 && errno != EINTR) {
            return dff_files_failed(&upload->files, "upload", DFF_STR_NULL, &upload->err);
        }
        data += n > 0 ? n : 0;
        len -= n > 0 ? (size_t) n : 0;
    }
    return DFF_OK;
}


static int
dff_upload_on_data(void *ctx, const char *data, size_t len)
{
    dff_upload_t *upload = ctx;
    dff_buf_t    *field;

    if (upload->part == DFF_UPLOAD_FILE) {
        return dff_upload_write(upload, data, len);
    }
    if (upload->part == DFF_UPLOAD_OTHER) {
        return DFF_OK;
    }
    field = upload->part == DFF_UPLOAD_FOLDER ? &upload->folder : &upload->rename;
    dff_buf_add(field, data, len);
    return field->len <= DFF_UPLOAD_TEXT ? DFF_OK
        : dff_err_set(&upload->err, DFF_E_CLIENT_BAD_REQUEST,
                      "a field of the form has more than %d bytes", DFF_UPLOAD_TEXT);
}


static int
dff_upload_on_end(void *ctx)
{
    (void) ctx;
    return DFF_OK;
}


static const dff_multipart_handlers_t dff_upload_handlers = {
    dff_upload_on_begin, dff_upload_on_data, dff_upload_on_end
};

/* --- the sink -------------------------------------------------------------------------------- */

static int
dff_upload_begin(dff_web_call_t *call, dff_err_t *err)
{
    dff_upload_t *upload = dff_arena_alloc(&call->arena, sizeof(*upload));
    dff_str_t     type = dff_scgi_get(call->req.scgi, "CONTENT_TYPE");
    char          boundary[DFF_MULTIPART_BOUNDARY_MAX];
    const char   *what;
    size_t        len;

    if (upload == NULL) {
        return dff_err_set(err, DFF_E_SYS, "out of memory");
    }
    if (call->req.body_kind != DFF_WEB_BODY_MULTIPART) {
        return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST,
                           "Invalid request body: its type must be multipart/form-data");
    }
    if (dff_multipart_boundary(type, boundary, &len, &what) != DFF_OK) {
        return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST, "Invalid request body: %s", what);
    }
    memset(upload, 0, sizeof(*upload));
    upload->fd = upload->temporary = -1;
    upload->files.root = -1;
    call->state = upload;
    call->release = dff_upload_release;
    dff_multipart_init(&upload->reader, (dff_str_t) { boundary, len }, DFF_UPLOAD_PARTS,
                       &dff_upload_handlers, upload);
    return dff_files_open(&upload->files, call->web->api->cfg->resource_root_path, err);
}


/* Of a reader that has stopped. */
static int
dff_upload_failed(dff_upload_t *upload, dff_err_t *err)
{
    char text[256];

    if (upload->reader.fail.what == NULL) {
        *err = upload->err;
        return DFF_ERROR;
    }
    dff_multipart_explain(&upload->reader.fail, text, sizeof(text));
    return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST, "Invalid request body: %s", text);
}


static int
dff_upload_take(dff_web_call_t *call, dff_str_t bytes, dff_err_t *err)
{
    dff_upload_t *upload = call->state;

    return dff_multipart_feed(&upload->reader, bytes.data, bytes.len) == DFF_OK
        ? DFF_OK : dff_upload_failed(upload, err);
}


/* Behind the last boundary. */
static bool
dff_upload_ended(const dff_web_call_t *call)
{
    const dff_upload_t *upload = call->state;

    return upload->reader.state == DFF_MULTIPART_EPILOGUE;
}


const dff_web_sink_t dff_resource_upload_sink = {
    DFF_UPLOAD_MAX + DFF_UPLOAD_MARGIN, dff_upload_begin, dff_upload_take, dff_upload_ended
};

/* --- the end --------------------------------------------------------------------------------- */

/* A field of the form, else of the query. */
static dff_str_t
dff_upload_field(dff_web_call_t *call, const dff_buf_t *field, const char *name)
{
    return field->len > 0 ? (dff_str_t) { field->data, field->len }
        : dff_web_query(&call->req, name);
}


static int
dff_upload_refuse(dff_web_call_t *call, dff_str_t name, dff_err_t *err, const char *why)
{
    return dff_web_refuse(call, err, DFF_E_BIZ_CONDITION, NULL,
                          json_pack("{s:s%}", "name", name.len == 0 ? "" : name.data, name.len),
                          "%s", why);
}


/* The last part of what browsers send, some of which send the whole path. */
static dff_str_t
dff_upload_last_name(dff_str_t filename)
{
    for (size_t i = filename.len; i > 0; i--) {
        if (filename.data[i - 1] == '/' || filename.data[i - 1] == '\\') {
            return (dff_str_t) { filename.data + i, filename.len - i };
        }
    }
    return filename;
}


static int
dff_upload_path(dff_web_call_t *call, dff_upload_t *upload, dff_file_path_t *path, dff_err_t *err)
{
    dff_str_t folder = dff_upload_field(call, &upload->folder, "folder");
    dff_str_t name = dff_upload_field(call, &upload->rename, "rename");

    if (name.len == 0) {
        name = dff_upload_last_name((dff_str_t) { upload->filename.data, upload->filename.len });
    }
    if (!dff_file_name_ok(name)) {
        return dff_upload_refuse(call, DFF_STR_NULL, err, "This cannot be the name of a file");
    }
    if (dff_file_path_read(path, folder, err) != DFF_OK
        || dff_file_path_add(path, name, err) != DFF_OK)
    {
        return dff_upload_refuse(call, DFF_STR_NULL, err, err->message);
    }
    return dff_file_path_is_writable(path) ? DFF_OK
        : dff_upload_refuse(call, dff_file_path_str(path), err, "This folder is the system's own");
}


/* An older file of that name is replaced, a folder is not. */
static int
dff_upload_move(dff_web_call_t *call, dff_upload_t *upload, dff_file_path_t *path, dff_err_t *err)
{
    char        name[DFF_FILE_NAME_MAX + 1];
    dff_str_t   last = dff_file_path_name(path);
    struct stat st;
    int         folder, rc = DFF_OK;

    memcpy(name, last.data, last.len + 1);
    dff_file_path_up(path);
    folder = dff_files_folder(&upload->files, path, false);
    if (folder == -1) {
        return dff_upload_refuse(call, dff_file_path_str(path), err, "No such folder");
    }
    if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISREG(st.st_mode)) {
        rc = dff_upload_refuse(call, dff_str_from(name), err,
                               "There is something else than a file of this name");
    } else if (fchmod(upload->fd, upload->files.file_mode) != 0 || fsync(upload->fd) != 0
               || renameat(upload->temporary, upload->name, folder, name) != 0)
    {
        rc = dff_files_failed(&upload->files, "upload", dff_str_from(name), err);
        rc = err->reason != DFF_E_BIZ_CONDITION ? rc
            : dff_upload_refuse(call, dff_str_from(name), err, err->message);
    } else {
        upload->name[0] = '\0';
    }
    (void) close(folder);
    return rc;
}


/* [{"name":…,"size":…}], for the record of the operation. */
static void
dff_upload_tell(dff_web_call_t *call, const dff_upload_t *upload)
{
    dff_buf_t info = DFF_BUF_INIT;

    dff_buf_add_str(&info, DFF_STR("[{\"name\":\""));
    if (dff_form_is_utf8((dff_str_t) { upload->filename.data, upload->filename.len })) {
        dff_buf_add_json_escaped(&info, (dff_str_t) { upload->filename.data,
                                                      upload->filename.len });
    }
    dff_buf_addf(&info, "\",\"size\":%llu}]", (unsigned long long) upload->size);
    if (!dff_buf_failed(&info)) {
        call->file_info = dff_str_from(dff_arena_copy(&call->arena,
                                                      (dff_str_t) { info.data, info.len }));
    }
    dff_buf_release(&info);
}


int
dff_resource_upload(dff_web_call_t *call, dff_err_t *err)
{
    dff_upload_t   *upload = call->state;
    dff_file_path_t path;

    if (dff_multipart_finish(&upload->reader) != DFF_OK) {
        return dff_upload_failed(upload, err);
    }
    if (!upload->has_file) {
        return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST, "The form has no file");
    }
    dff_upload_tell(call, upload);
    return dff_upload_path(call, upload, &path, err) == DFF_OK
        ? dff_upload_move(call, upload, &path, err) : DFF_ERROR;
}
