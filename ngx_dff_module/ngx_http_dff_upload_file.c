/* Files of an upload: see the header. */
#include <fcntl.h>
#include <sys/stat.h>

#include "ngx_http_dff_upload.h"
#include "ngx_http_dff_upload_file.h"

#include "dff_beneath.h"

#define NGX_HTTP_DFF_UPLOAD_MODE  0640    /* the folder gives the group: deploy/setup */

/* Removing a large file takes the kernel long: the cleaning of the executor does that. */
#define NGX_HTTP_DFF_UPLOAD_LARGE  (64 * 1024 * 1024)

static int ngx_http_dff_upload_files_folder(ngx_http_dff_upload_files_t *files);
static void ngx_http_dff_upload_files_cleanup(void *data);
static void ngx_http_dff_upload_files_remove(ngx_http_dff_upload_files_t *files, int folder,
    ngx_http_dff_upload_file_t *file);
static ngx_int_t ngx_http_dff_upload_files_copy(ngx_pool_t *pool, dff_str_t text,
    const char *otherwise, ngx_str_t *copy);
static dff_str_t ngx_http_dff_upload_files_base(dff_str_t name);


ngx_int_t
ngx_http_dff_upload_files_init(ngx_http_dff_upload_files_t *files, ngx_http_dff_ctx_t *ctx)
{
    ngx_pool_cleanup_t  *cleanup;

    files->ctx = ctx;
    files->fd = NGX_INVALID_FILE;
    files->kept = 0;
    files->list = ngx_array_create(ctx->request->pool, 2, sizeof(ngx_http_dff_upload_file_t));
    cleanup = ngx_pool_cleanup_add(ctx->request->pool, 0);

    if (files->list == NULL || cleanup == NULL) {
        return NGX_ERROR;
    }

    cleanup->handler = ngx_http_dff_upload_files_cleanup;
    cleanup->data = files;

    return NGX_OK;
}


ngx_int_t
ngx_http_dff_upload_files_open(ngx_http_dff_upload_files_t *files,
    const dff_multipart_part_t *part)
{
    int                          folder;
    ngx_pool_t                  *pool = files->ctx->request->pool;
    ngx_http_dff_upload_file_t  *file;

    file = ngx_array_push(files->list);
    if (file == NULL) {
        return NGX_ERROR;
    }

    file->size = 0;

    if (dff_id_make(&files->ctx->worker->ids, (char *) file->name, "upload-") == 0
        || ngx_http_dff_upload_files_copy(pool, ngx_http_dff_upload_files_base(part->filename),
                                          "", &file->original) != NGX_OK
        || ngx_http_dff_upload_files_copy(pool, part->encoding, "7bit", &file->encoding)
           != NGX_OK
        || ngx_http_dff_upload_files_copy(pool, part->type, "text/plain", &file->type)
           != NGX_OK)
    {
        files->list->nelts--;
        return NGX_ERROR;
    }

    folder = ngx_http_dff_upload_files_folder(files);

    if (folder != -1) {
        files->fd = openat(folder, (char *) file->name,
                           O_WRONLY|O_CREAT|O_EXCL|O_NOFOLLOW|O_CLOEXEC,
                           NGX_HTTP_DFF_UPLOAD_MODE);
    }

    if (folder == -1 || files->fd == NGX_INVALID_FILE) {
        ngx_log_error(NGX_LOG_ERR, files->ctx->request->connection->log, ngx_errno,
                      "dff: %s/" NGX_HTTP_DFF_UPLOAD_FOLDER " takes no uploads (deploy/setup "
                      "makes it): %s failed", files->ctx->worker->mcf->config.resource_root_path,
                      folder == -1 ? "open()" : "openat()");
        files->list->nelts--;
    }

    if (folder != -1) {
        (void) close(folder);
    }

    if (files->fd == NGX_INVALID_FILE) {
        return NGX_ERROR;
    }

    /* the umask is that of who has started nginx: workers could not read what is 0600 */
    if (fchmod(files->fd, NGX_HTTP_DFF_UPLOAD_MODE) == -1) {
        ngx_log_error(NGX_LOG_ERR, files->ctx->request->connection->log, ngx_errno,
                      "dff: fchmod() of an upload failed");
        return NGX_ERROR;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_dff_upload_files_write(ngx_http_dff_upload_files_t *files, const char *bytes,
    size_t len)
{
    ssize_t                      n;
    ngx_http_dff_upload_file_t  *file = files->list->elts;

    file += files->list->nelts - 1;

    while (len > 0) {

        n = write(files->fd, bytes, len);

        if (n == -1 && ngx_errno == NGX_EINTR) {
            continue;
        }

        if (n <= 0) {
            ngx_log_error(NGX_LOG_ERR, files->ctx->request->connection->log, ngx_errno,
                          "dff: write() of an upload failed after %O bytes", file->size);
            return NGX_ERROR;
        }

        file->size += n;
        bytes += n;
        len -= (size_t) n;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_dff_upload_files_close(ngx_http_dff_upload_files_t *files)
{
    int                          rc, folder;
    ngx_http_dff_upload_file_t  *file = files->list->elts;

    file += files->list->nelts - 1;

    rc = close(files->fd);
    files->fd = NGX_INVALID_FILE;

    if (rc == -1) {
        /* NFS finds out only now that the disk is full */
        ngx_log_error(NGX_LOG_ERR, files->ctx->request->connection->log, ngx_errno,
                      "dff: close() of an upload failed after %O bytes", file->size);
        return NGX_ERROR;
    }

    if (file->size == 0 && file->original.len == 0) {
        folder = ngx_http_dff_upload_files_folder(files);
        ngx_http_dff_upload_files_remove(files, folder, file);
        files->list->nelts--;
        if (folder != -1) {
            (void) close(folder);
        }
    }

    return NGX_OK;
}


/* The folder of uploads. Its parent belongs to the scripts' user, who may have put a link
 * in its place: then it is not opened. */
static int
ngx_http_dff_upload_files_folder(ngx_http_dff_upload_files_t *files)
{
    dff_str_t  name;

    return dff_beneath_folder(files->ctx->worker->mcf->config.resource_root_path,
                              DFF_STR(NGX_HTTP_DFF_UPLOAD_FOLDER "/x"), &name);
}


static void
ngx_http_dff_upload_files_cleanup(void *data)
{
    int                           folder;
    ngx_uint_t                    i;
    ngx_http_dff_upload_file_t   *file;
    ngx_http_dff_upload_files_t  *files = data;

    if (files->fd != NGX_INVALID_FILE) {
        (void) close(files->fd);
        files->fd = NGX_INVALID_FILE;
    }

    if (files->kept || files->list->nelts == 0) {
        return;
    }

    folder = ngx_http_dff_upload_files_folder(files);
    file = files->list->elts;

    for (i = 0; i < files->list->nelts; i++) {
        ngx_http_dff_upload_files_remove(files, folder, &file[i]);
    }

    if (folder != -1) {
        (void) close(folder);
    }
}


static void
ngx_http_dff_upload_files_remove(ngx_http_dff_upload_files_t *files, int folder,
    ngx_http_dff_upload_file_t *file)
{
    int  rc;

    static const struct timespec  expired[2] = { { 0, 0 }, { 0, 0 } };

    if (file->size > NGX_HTTP_DFF_UPLOAD_LARGE) {
        rc = utimensat(folder, (char *) file->name, expired, AT_SYMLINK_NOFOLLOW);
    } else {
        rc = unlinkat(folder, (char *) file->name, 0);
    }

    if (rc == -1) {
        ngx_log_error(NGX_LOG_WARN, files->ctx->worker->log, ngx_errno,
                      "dff: upload \"%s\" was not removed; it goes when it expires",
                      file->name);
    }
}


static ngx_int_t
ngx_http_dff_upload_files_copy(ngx_pool_t *pool, dff_str_t text, const char *otherwise,
    ngx_str_t *copy)
{
    ngx_str_t  from;

    from = ngx_http_dff_ngx_str(text.len != 0 ? text : dff_str_from(otherwise));
    copy->len = from.len;
    copy->data = ngx_pstrdup(pool, &from);

    return copy->data != NULL ? NGX_OK : NGX_ERROR;
}


/* Without the folders that some clients send: a script that joins it to a path of its own
 * stays there. */
static dff_str_t
ngx_http_dff_upload_files_base(dff_str_t name)
{
    size_t  i;

    for (i = name.len; i > 0; i--) {
        if (name.data[i - 1] == '/' || name.data[i - 1] == '\\') {
            name.data += i;
            name.len -= i;
            break;
        }
    }

    if (dff_str_eq(name, DFF_STR(".")) || dff_str_eq(name, DFF_STR(".."))) {
        name.len = 0;
    }

    return name;
}
