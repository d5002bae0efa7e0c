/* Files as answers: see the header. */
#include <jansson.h>
#include <sys/stat.h>

#include "ngx_http_dff_answer.h"
#include "ngx_http_dff_file.h"
#include "ngx_http_dff_relay.h"
#include "ngx_http_dff_result_cache.h"

#include "dff_beneath.h"

/* A file that goes with its request. */
typedef struct {
    ngx_log_t  *log;
    int         folder;
    ngx_str_t   name;      /* in the folder */
} ngx_http_dff_file_gone_t;

static ngx_fd_t ngx_http_dff_file_open(ngx_http_dff_ctx_t *ctx,
    ngx_http_dff_control_t *control, ngx_file_t *file);
static ngx_int_t ngx_http_dff_file_auto_delete(ngx_http_dff_ctx_t *ctx,
    ngx_http_dff_control_t *control);
static void ngx_http_dff_file_gone(void *data);
static void ngx_http_dff_file_failed(ngx_http_dff_ctx_t *ctx,
    ngx_http_dff_control_t *control);
static ngx_uint_t ngx_http_dff_file_is_remote(ngx_http_dff_ctx_t *ctx,
    ngx_http_dff_control_t *control);


void
ngx_http_dff_file_answer(ngx_http_dff_ctx_t *ctx, ngx_http_dff_control_t *control)
{
    ngx_fd_t             fd;
    ngx_buf_t           *b;
    ngx_file_t          *file;
    struct stat          st;
    ngx_http_request_t  *r = ctx->request;

    b = ngx_calloc_buf(r->pool);
    file = ngx_pcalloc(r->pool, sizeof(ngx_file_t));

    if (b == NULL || file == NULL) {
        ngx_http_dff_answer_error(ctx, DFF_E_SYS, NULL, NULL, NULL);
        return;
    }

    if (ngx_http_dff_file_is_remote(ctx, control)) {
        ngx_http_dff_relay_answer(ctx, control);
        return;
    }

    fd = ngx_http_dff_file_open(ctx, control, file);
    if (fd == NGX_INVALID_FILE
        || fstat(fd, &st) == -1
        || ngx_http_dff_file_auto_delete(ctx, control) != NGX_OK)
    {
        ngx_http_dff_file_failed(ctx, control);
        return;
    }

    r->headers_out.last_modified_time = st.st_mtime;
    r->headers_out.content_length_n = st.st_size;

    if (ngx_http_set_etag(r) != NGX_OK || ngx_http_dff_control_apply(ctx, control) != NGX_OK) {
        ngx_http_dff_answer_error(ctx, DFF_E_SYS, NULL, NULL, NULL);
        return;
    }

    r->allow_ranges = control->status == NGX_HTTP_OK;

    b->file = file;
    b->file_last = st.st_size;
    b->in_file = st.st_size != 0;

    ngx_http_dff_answer_buf(ctx, control->status, control->type, b, st.st_size);
}


/* The descriptor is closed with the request. */
static ngx_fd_t
ngx_http_dff_file_open(ngx_http_dff_ctx_t *ctx, ngx_http_dff_control_t *control,
    ngx_file_t *file)
{
    ngx_fd_t                  fd;
    ngx_pool_cleanup_t       *cleanup;
    ngx_pool_cleanup_file_t  *closing;
    ngx_http_request_t       *r = ctx->request;

    cleanup = ngx_pool_cleanup_add(r->pool, sizeof(ngx_pool_cleanup_file_t));
    if (cleanup == NULL) {
        ngx_set_errno(NGX_ENOMEM);
        return NGX_INVALID_FILE;
    }

    fd = dff_beneath_open(ctx->worker->mcf->config.resource_root_path,
                          ngx_http_dff_str(control->file), NULL);
    if (fd == NGX_INVALID_FILE) {
        return NGX_INVALID_FILE;
    }

    file->fd = fd;
    file->name = control->file;
    file->log = r->connection->log;

    cleanup->handler = ngx_pool_cleanup_file;
    closing = cleanup->data;
    closing->fd = fd;
    closing->name = control->file.data;
    closing->log = r->pool->log;

    return fd;
}


/* Also when the client leaves in the middle: the pool goes in any case. */
static ngx_int_t
ngx_http_dff_file_auto_delete(ngx_http_dff_ctx_t *ctx, ngx_http_dff_control_t *control)
{
    dff_str_t                  name;
    ngx_pool_cleanup_t        *cleanup;
    ngx_http_dff_file_gone_t  *gone;

    if (!control->auto_delete) {
        return NGX_OK;
    }

    cleanup = ngx_pool_cleanup_add(ctx->request->pool, sizeof(ngx_http_dff_file_gone_t));
    if (cleanup == NULL) {
        return NGX_ERROR;
    }

    gone = cleanup->data;
    gone->log = ctx->worker->log;
    gone->folder = dff_beneath_folder(ctx->worker->mcf->config.resource_root_path,
                                      ngx_http_dff_str(control->file), &name);
    if (gone->folder == -1) {
        return NGX_ERROR;
    }

    gone->name = ngx_http_dff_ngx_str(name);
    cleanup->handler = ngx_http_dff_file_gone;

    return NGX_OK;
}


static void
ngx_http_dff_file_gone(void *data)
{
    ngx_http_dff_file_gone_t  *gone = data;

    if (dff_beneath_unlink(gone->folder, ngx_http_dff_str(gone->name)) == -1
        && ngx_errno != NGX_ENOENT)
    {
        ngx_log_error(NGX_LOG_WARN, gone->log, ngx_errno,
                      "dff: file \"%V\" was sent and could not be removed", &gone->name);
    }

    (void) close(gone->folder);
}


/* It cannot be opened, and ngx_errno says why. What the machine lacks is no fault of the function,
 * and no reason to forget a cached answer. */
static void
ngx_http_dff_file_failed(ngx_http_dff_ctx_t *ctx, ngx_http_dff_control_t *control)
{
    ngx_err_t  err = ngx_errno;

    if (err != NGX_EMFILE && err != NGX_ENFILE && err != NGX_ENOMEM && err != EIO) {
        ngx_http_dff_file_missing(ctx, control, strerror(err));
        return;
    }

    ngx_log_error(NGX_LOG_ERR, ctx->request->connection->log, err,
                  "dff: file \"%V\" cannot be sent", &control->file);
    ngx_http_dff_answer_error(ctx, DFF_E_SYS, NULL, NULL, NULL);
}


/* As of a function that failed: it named a file that cannot be sent. Files are kept for an
 * hour; one that a cached answer names may have had its time. */
void
ngx_http_dff_file_missing(ngx_http_dff_ctx_t *ctx, ngx_http_dff_control_t *control,
    const char *why)
{
    json_t  *text;

    if (ngx_http_dff_result_cache_void(ctx)) {
        return;
    }

    text = json_sprintf("FileNotFoundError: the file \"%.*s\" that the function returned cannot "
                        "be sent: %s", (int) ngx_min(control->file.len, 500),
                        (char *) control->file.data, why);

    ngx_http_dff_answer_error(ctx, DFF_E_FUNC_FAILED, NULL, NULL,
                              json_pack("{s:s%, s:s, s:o*}",
                                        "id", ctx->task_id.data, ctx->task_id.len,
                                        "etype", "FileNotFoundError", "einfoTEXT", text));
}


/* On another node, which does not share its folder with us. */
static ngx_uint_t
ngx_http_dff_file_is_remote(ngx_http_dff_ctx_t *ctx, ngx_http_dff_control_t *control)
{
    ngx_str_t  *ours = &ctx->worker->mcf->node;

    return control->node.len != 0
           && (control->node.len != ours->len
               || ngx_memcmp(control->node.data, ours->data, ours->len) != 0);
}
