/* Pieces of files: see the header. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "dff_file.h"

#include <inttypes.h>
#include <jansson.h>
#include <unistd.h>

#include "dff_beneath.h"
#include "dff_piece.h"

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

static int
dff_file_send(dff_worker_t *worker, const dff_file_wish_t *wish)
{
    dff_str_t   path = dff_str_from(wish->path), name;
    dff_piece_t piece;
    const char *slash = strrchr(wish->path, '/');
    int         folder = -1, rc = -1;
    int         fd = dff_beneath_open(worker->settings->resource_root, path, &folder);

    if (fd != -1)
        rc = dff_piece_read(fd, wish->offset, wish->size, &worker->body, &piece);
    if (rc == -1)
        PyErr_SetFromErrnoWithFilename(PyExc_OSError, wish->path);
    else if (rc != 0)
        PyErr_Format(PyExc_OSError, "'%s' has changed while it was read", wish->path);
    else {
        dff_buf_addf(&worker->control, "{\"size\":%jd,\"mtime\":%jd,\"state\":\"%s\"}",
                     (intmax_t) piece.size, (intmax_t) piece.mtime_s, piece.state);
        name = dff_str_from(slash == NULL ? wish->path : slash + 1);
        if (wish->remove && wish->offset + (int64_t) worker->body.len >= piece.size)
            (void) dff_beneath_unlink(folder, name);     /* sent it is in any case */
    }
    (void) close(fd);
    (void) close(folder);
    return rc == 0 ? 0 : -1;
}

int
dff_file_read(dff_worker_t *worker, const dff_job_t *job)
{
    json_t         *kwargs = json_loadb(job->kwargs.data, job->kwargs.len, 0, NULL);
    dff_file_wish_t wish = { .path = NULL };
    int             rc = dff_file_wish(kwargs, &wish);

    if (rc == 0)
        rc = dff_file_send(worker, &wish);
    json_decref(kwargs);
    return rc;
}
