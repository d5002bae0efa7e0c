/* Confined paths: see the header. */
#include "dff_beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dff_banned.h"

/* A name as C text; false: it is none. */
static bool
dff_beneath_name(dff_str_t name, char out[DFF_BENEATH_PATH_MAX])
{
    if (name.len == 0 || name.len >= DFF_BENEATH_PATH_MAX || memchr(name.data, '\0', name.len)
        || dff_str_eq(name, DFF_STR(".")) || dff_str_eq(name, DFF_STR("..")))
    {
        return false;
    }
    memcpy(out, name.data, name.len);
    out[name.len] = '\0';
    return true;
}

static void
dff_beneath_close(int fd)
{
    int error = errno;

    (void) close(fd);
    errno = error;
}

int
dff_beneath_folder(const char *root, dff_str_t path, dff_str_t *name)
{
    char        text[DFF_BENEATH_PATH_MAX];
    const char *slash;
    int         fd, next;

    /* The root itself is the operator's: it may be a link. */
    fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd == -1)
        return -1;

    for ( ;; ) {
        slash = path.len > 0 ? memchr(path.data, '/', path.len) : NULL;
        *name = path;
        if (slash != NULL)
            name->len = (size_t) (slash - path.data);
        if (!dff_beneath_name(*name, text)) {
            errno = EINVAL;
            break;
        }
        if (slash == NULL)
            return fd;
        next = openat(fd, text, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (next == -1)
            break;
        (void) close(fd);
        fd = next;
        path.data += name->len + 1;
        path.len -= name->len + 1;
    }
    dff_beneath_close(fd);
    return -1;
}

int
dff_beneath_open(const char *root, dff_str_t path, int *folder)
{
    char        text[DFF_BENEATH_PATH_MAX];
    dff_str_t   name;
    struct stat st;
    int         in, fd = -1;

    in = dff_beneath_folder(root, path, &name);
    if (in == -1)
        return -1;
    if (dff_beneath_name(name, text))
        fd = openat(in, text, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd != -1 && (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))) {
        errno = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
        dff_beneath_close(fd);
        fd = -1;
    }
    if (fd == -1 || folder == NULL)
        dff_beneath_close(in);
    else
        *folder = in;
    return fd;
}

int
dff_beneath_unlink(int folder, dff_str_t name)
{
    char text[DFF_BENEATH_PATH_MAX];

    if (!dff_beneath_name(name, text)) {
        errno = EINVAL;
        return -1;
    }
    return unlinkat(folder, text, 0);
}
