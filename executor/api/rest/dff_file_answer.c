/* Files as answers: see the header. */
#include "api/rest/dff_file_answer.h"

#include <errno.h>
#include <fcntl.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dff_banned.h"

static const struct {
    const char *extension, *type;
    bool        shown;
} dff_file_kinds[] = {
    { "jpg", "image/jpeg", true }, { "jpeg", "image/jpeg", true }, { "png", "image/png", true },
    { "bmp", "image/bmp", true }, { "gif", "image/gif", true }, { "mp4", "video/mp4", true },
    { "pdf", "application/pdf", true }, { "txt", "text/plain; charset=utf-8", true },
    { "md", "text/plain; charset=utf-8", true },
    { "json", "application/json", false }, { "csv", "text/csv; charset=utf-8", false },
    { "zip", "application/zip", false },
};

#define DFF_FILE_KIND_ANY  "application/octet-stream"


static const char *
dff_file_kind(dff_str_t name, bool *shown)
{
    const char *dot = memrchr(name.data, '.', name.len);
    size_t      len = dot == NULL ? 0 : (size_t) (dff_str_end(name) - dot) - 1;

    *shown = false;
    for (size_t i = 0; len > 0 && i < sizeof(dff_file_kinds) / sizeof(dff_file_kinds[0]); i++) {
        const char *extension = dff_file_kinds[i].extension;

        if (strlen(extension) == len && strncasecmp(extension, dot + 1, len) == 0) {
            *shown = dff_file_kinds[i].shown;
            return dff_file_kinds[i].type;
        }
    }
    return DFF_FILE_KIND_ANY;
}


void
dff_file_answer_guard(dff_web_answer_t *answer, const char *policy)
{
    dff_web_answer_header(answer, "Content-Security-Policy", dff_str_from(policy));
    dff_web_answer_header(answer, "Referrer-Policy", DFF_STR("no-referrer"));
    /* The web server hands it on as it comes, without a copy on its disk. */
    dff_web_answer_header(answer, "X-Accel-Buffering", DFF_STR("no"));
}


int
dff_file_answer(dff_web_call_t *call, const dff_file_path_t *path, bool shows, bool *missing,
    dff_err_t *err)
{
    dff_web_answer_t *answer = &call->answer;
    dff_str_t         name = dff_file_path_name(path);
    bool              shown;
    struct stat       st;
    int               fd = -1;

    *missing = false;
    if (path->len == 0 || dff_file_path_is_private(path)) {
        errno = ENOENT;
    } else {
        fd = dff_beneath_open(call->web->api->cfg->resource_root_path, dff_file_path_str(path),
                              NULL);
    }
    if (fd == -1) {
        *missing = errno == ENOENT || errno == ENOTDIR || errno == EISDIR || errno == EINVAL
            || errno == ELOOP || errno == ENXIO;
        return dff_err_set(err, errno == EACCES || *missing ? DFF_E_BIZ_CONDITION : DFF_E_SYS,
                           errno == EACCES ? "The file's owner does not allow it"
                           : *missing ? "No such file" : "open: %m");
    }
    if (fstat(fd, &st) != 0) {
        (void) close(fd);
        return dff_err_set(err, DFF_E_SYS, "fstat: %m");
    }
    answer->content_type = dff_file_kind(name, &shown);
    answer->has_file = true;
    answer->file = fd;
    answer->file_size = (uint64_t) st.st_size;
    dff_file_answer_guard(answer, "sandbox; default-src 'none'; style-src 'unsafe-inline'");
    if (shows && shown) {
        dff_web_answer_inline(answer, name);
    } else {
        dff_web_answer_attachment(answer, name);
    }
    return DFF_OK;
}


int
dff_file_answer_folder(dff_web_call_t *call, const dff_file_path_t *path)
{
    const char *root = call->web->api->cfg->resource_root_path;
    char        text[DFF_FILE_NAME_MAX + 1];
    dff_str_t   name;
    int         in, fd, error;

    if (path->len == 0) {
        return open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }
    if (dff_file_path_is_private(path)) {
        errno = ENOENT;
        return -1;
    }
    in = dff_beneath_folder(root, dff_file_path_str(path), &name);
    if (in == -1) {
        return -1;
    }
    memcpy(text, name.data, name.len);
    text[name.len] = '\0';
    fd = openat(in, text, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    error = errno;
    (void) close(in);
    errno = error;
    return fd;
}
