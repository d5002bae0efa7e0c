/*
 * dffctl log tail: the last lines of the log of this node, and those to come. A log that is
 * rotated meanwhile is followed into its new file.
 */
#include "ctl/dff_ctl.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "dff_banned.h"

enum { DFF_CTL_LOG_LINES, DFF_CTL_LOG_FOLLOW };

#define DFF_CTL_LOG_PIECE    65536
#define DFF_CTL_LOG_DEFAULT  100
#define DFF_CTL_LOG_MAX      100000      /* lines */
#define DFF_CTL_LOG_WAIT_NS  200000000


static int
dff_ctl_log_open(dff_ctl_t *ctl, struct stat *st)
{
    int fd = open(ctl->cfg.log_file_path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

    if (fd == -1 || fstat(fd, st) != 0) {
        (void) dff_err_set(&ctl->err, DFF_E_SYS, "%s: %m", ctl->cfg.log_file_path);
        if (fd != -1) {
            (void) close(fd);
        }
        return -1;
    }
    return fd;
}


/* Where the last lines begin. */
static off_t
dff_ctl_log_start(int fd, off_t size, int64_t lines)
{
    char  piece[DFF_CTL_LOG_PIECE];
    off_t at = size;

    while (at > 0) {
        size_t  want = at < DFF_CTL_LOG_PIECE ? (size_t) at : DFF_CTL_LOG_PIECE;
        ssize_t n = pread(fd, piece, want, at - (off_t) want);

        if (n != (ssize_t) want) {
            return at;      /* it was cut meanwhile: from here */
        }
        for (size_t i = want; i-- > 0; ) {
            off_t behind = at - (off_t) want + (off_t) i + 1;

            if (piece[i] == '\n' && behind < size && lines-- == 1) {
                return behind;
            }
        }
        at -= (off_t) want;
    }
    return 0;
}


/* All that is there from *at on. */
static int
dff_ctl_log_copy(dff_ctl_t *ctl, int fd, off_t *at)
{
    char    piece[DFF_CTL_LOG_PIECE];
    ssize_t n;

    while ((n = pread(fd, piece, sizeof(piece), *at)) > 0) {
        /* U+0080 to U+009F are shown as '?': both their bytes have to be in one piece. */
        n -= n > 1 && piece[n - 1] == '\xc2';
        dff_ctl_print_piece(stdout, piece, (size_t) n);
        *at += n;
    }
    if (n == -1) {
        return dff_err_set(&ctl->err, DFF_E_SYS, "read %s: %m", ctl->cfg.log_file_path);
    }
    return fflush(stdout) == 0 ? DFF_OK
        : dff_err_set(&ctl->err, DFF_E_SYS, "standard output: %m");
}


/* The path has another file, or a shorter one: the old one is read to its end before. */
static int
dff_ctl_log_reopen(dff_ctl_t *ctl, int *fd, struct stat *st, off_t *at)
{
    struct stat now;
    int         next;

    if (stat(ctl->cfg.log_file_path, &now) != 0
        || (now.st_ino == st->st_ino && now.st_dev == st->st_dev && now.st_size >= *at))
    {
        return DFF_OK;      /* none: it is just being rotated */
    }
    if (now.st_ino != st->st_ino && dff_ctl_log_copy(ctl, *fd, at) != DFF_OK) {
        return DFF_ERROR;
    }
    next = dff_ctl_log_open(ctl, st);
    if (next == -1) {
        return DFF_ERROR;
    }
    (void) close(*fd);
    *fd = next;
    *at = 0;
    return DFF_OK;
}


int
dff_ctl_log_tail(dff_ctl_t *ctl)
{
    const char     *text = ctl->options[DFF_CTL_LOG_LINES];
    struct timespec wait = { 0, DFF_CTL_LOG_WAIT_NS };
    int64_t         lines = DFF_CTL_LOG_DEFAULT;
    struct stat     st;
    off_t           at;
    int             fd, rc;

    if (text != NULL
        && dff_ctl_number(ctl, "--lines", text, 1, DFF_CTL_LOG_MAX, &lines) != DFF_OK)
    {
        return dff_ctl_fail(ctl);
    }
    fd = dff_ctl_log_open(ctl, &st);
    if (fd == -1) {
        return dff_ctl_fail(ctl);
    }
    at = dff_ctl_log_start(fd, st.st_size, lines);
    rc = dff_ctl_log_copy(ctl, fd, &at);
    while (rc == DFF_OK && ctl->options[DFF_CTL_LOG_FOLLOW] != NULL) {
        (void) nanosleep(&wait, NULL);
        rc = dff_ctl_log_reopen(ctl, &fd, &st, &at);
        rc = rc == DFF_OK ? dff_ctl_log_copy(ctl, fd, &at) : rc;
    }
    (void) close(fd);
    return rc == DFF_OK ? DFF_CTL_OK : dff_ctl_fail(ctl);
}
