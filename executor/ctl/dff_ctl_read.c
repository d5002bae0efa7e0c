/*
 * Reading what a command is given as a file or on standard input.
 */
#include "ctl/dff_ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "dff_banned.h"

#define DFF_CTL_READ_SIZE  65536


int
dff_ctl_read_file(dff_ctl_t *ctl, const char *path, size_t max, dff_buf_t *out)
{
    bool    is_stdin = strcmp(path, "-") == 0;
    int     fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = -1;

    if (fd == -1) {
        return dff_err_set(&ctl->err, DFF_E_SYS, "%s: %s", path, strerror(errno));
    }
    do {
        char *room = dff_buf_reserve(out, DFF_CTL_READ_SIZE);

        if (room == NULL) {
            errno = ENOMEM;
            break;
        }
        got = read(fd, room, DFF_CTL_READ_SIZE);
        if (got > 0) {
            out->len += (size_t) got;
            out->data[out->len] = '\0';
        }
    } while ((got > 0 && out->len <= max) || (got == -1 && errno == EINTR));

    if (got == -1) {
        dff_err_set(&ctl->err, DFF_E_SYS, "%s: %s", path, strerror(errno));
    }
    if (!is_stdin) {
        (void) close(fd);       /* was only read */
    }
    return got == -1 ? DFF_ERROR : DFF_OK;
}
