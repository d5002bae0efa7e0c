/* Pieces of files: see the header. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "dff_file.h"

#include <errno.h>
#include <jansson.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dff_beneath.h"

#include "dff_banned.h"

typedef struct {
    const char *path;
    int64_t     offset, size;
    bool        remove;
} dff_file_wish_t;

static int
dff_file_wish(json_t *kwargs, dff_file_wish_t *wish)
{
    int remove = 0;

    if (json_unpack(kwargs, "{s:s, s:I, s:I, s:b}", "path", &wish->path, "offset", &wish->offset,
                    "size", &wish->size, "delete", &remove) != 0
        || wish->offset < 0 || wish->size < 0 || wish->size > DFF_FILE_PIECE_MAX)
    {
        PyErr_SetString(PyExc_ValueError, "a file job needs path, offset, size up to 1 MB, delete");
        return -1;
    }
    wish->remove = remove;
    return 0;
}

/* Up to size bytes, fewer only at the end of the file. -1: errno. */
static int
dff_file_piece(int fd, const dff_file_wish_t *wish, dff_buf_t *out)
{
    char   *room = dff_buf_reserve(out, (size_t) wish->size);
    ssize_t n = 1;

    if (room == NULL) {
        errno = ENOMEM;
        return -1;
    }
    while ((int64_t) out->len < wish->size && n > 0) {
        n = pread(fd, room + out->len, (size_t) wish->size - out->len,
                  (off_t) (wish->offset + (int64_t) out->len));
        if (n > 0)
            out->len += (size_t) n;
        else if (n < 0 && errno == EINTR)
            n = 1;
    }
    return n < 0 ? -1 : 0;
}

static int
dff_file_send(dff_worker_t *worker, const dff_file_wish_t *wish)
{
    dff_str_t   path = dff_str_from(wish->path), name;
    struct stat st;
    const char *slash = strrchr(wish->path, '/');
    int         folder = -1, rc = -1;
    int         fd = dff_beneath_open(worker->settings->resource_root, path, &folder);

    if (fd == -1)
        return -1;
    if (fstat(fd, &st) == 0 && dff_file_piece(fd, wish, &worker->body) == 0) {
        rc = 0;
        dff_buf_addf(&worker->control, "{\"size\":%lld,\"mtime\":%lld}", (long long) st.st_size,
                     (long long) st.st_mtime);
        name = dff_str_from(slash == NULL ? wish->path : slash + 1);
        if (wish->remove && wish->offset + (int64_t) worker->body.len >= (int64_t) st.st_size)
            (void) dff_beneath_unlink(folder, name);     /* sent it is in any case */
    }
    (void) close(fd);
    (void) close(folder);
    return rc;
}

int
dff_file_read(dff_worker_t *worker, const dff_job_t *job)
{
    json_t         *kwargs = json_loadb(job->kwargs.data, job->kwargs.len, 0, NULL);
    dff_file_wish_t wish = { .path = NULL };
    int             rc = dff_file_wish(kwargs, &wish);

    if (rc == 0) {
        rc = dff_file_send(worker, &wish);
        if (rc != 0)
            PyErr_SetFromErrnoWithFilename(PyExc_OSError, wish.path);
    }
    json_decref(kwargs);
    return rc;
}
