/* A piece of a file: see the header. */
#include "dff_piece.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "dff_banned.h"

#define DFF_PIECE_TICK_MS  20      /* longer than a tick of any kernel's clock, which has 1 to 10 */

/* ctime is in the state because programs set size and mtime as they like, but not that. */
static int
dff_piece_look(int fd, struct stat *st, dff_piece_t *piece)
{
    if (fstat(fd, st) != 0)
        return -1;
    piece->size = st->st_size;
    piece->mtime_s = st->st_mtim.tv_sec;
    (void) snprintf(piece->state, sizeof(piece->state), "%jx:%jx:%jx:%jx.%lx:%jx.%lx",
                    (uintmax_t) st->st_dev, (uintmax_t) st->st_ino, (uintmax_t) st->st_size,
                    (uintmax_t) st->st_mtim.tv_sec, (unsigned long) st->st_mtim.tv_nsec,
                    (uintmax_t) st->st_ctim.tv_sec, (unsigned long) st->st_ctim.tv_nsec);
    return 0;
}

static bool
dff_piece_is_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

/* Are the bytes of both looks the same? The removal of the file's last name, or the renaming of
 * another to it, leaves them as they are, and only ctime tells of it. */
static bool
dff_piece_is_same(const struct stat *before, const struct stat *after)
{
    return before->st_size == after->st_size
           && dff_piece_is_time(before->st_mtim, after->st_mtim)
           && (dff_piece_is_time(before->st_ctim, after->st_ctim)
               || (before->st_nlink > 0 && after->st_nlink == 0));
}

/*
 * Looks until no later change can make the same state. A change bears the time of the kernel's
 * last tick, so two in one tick bear the same (Linux 6.13 and later tells them apart, on some
 * file systems): what has changed in this tick is looked at again after it. The clock is read
 * before the look, else a change between the two would pass for an old one. Ends in any case:
 * the clock may have been set back, or be another machine's. 1: it changes in every tick.
 */
static int
dff_piece_settle(int fd, struct stat *st, dff_piece_t *piece)
{
    const struct timespec nap = { .tv_nsec = 1000000 };
    struct timespec       now;
    struct stat           first;
    int                   i;

    for (i = 0; i < DFF_PIECE_TICK_MS; i++) {
        (void) clock_gettime(CLOCK_REALTIME_COARSE, &now);
        if (dff_piece_look(fd, st, piece) != 0)
            return -1;
        if (now.tv_sec > st->st_ctim.tv_sec
            || (now.tv_sec == st->st_ctim.tv_sec && now.tv_nsec > st->st_ctim.tv_nsec))
        {
            return 0;
        }
        if (i == 0)
            first = *st;
        (void) nanosleep(&nap, NULL);
    }
    return dff_piece_is_same(&first, st) ? 0 : 1;
}

static int
dff_piece_bytes(int fd, int64_t offset, size_t size, dff_buf_t *out)
{
    char   *room = dff_buf_reserve(out, size);
    size_t  got = 0;
    ssize_t n = 1;

    if (room == NULL) {
        errno = ENOMEM;
        return -1;
    }
    while (got < size && n > 0) {
        n = pread(fd, room + got, size - got, (off_t) (offset + (int64_t) got));
        if (n > 0)
            got += (size_t) n;
        else if (n < 0 && errno == EINTR)
            n = 1;
    }
    out->len += got;
    return n < 0 ? -1 : 0;
}

/*
 * How many bytes there are to read. A file that is written again may look the same before and
 * after, and have others in between: a write shows its time before its size, and a file that is
 * emptied its size before its time.
 */
static int64_t
dff_piece_expect(const struct stat *st, int64_t offset, int64_t size)
{
    int64_t left = st->st_size > offset ? st->st_size - offset : 0;

    return left < size ? left : size;
}

int
dff_piece_read(int fd, int64_t offset, int64_t size, dff_buf_t *out, dff_piece_t *piece)
{
    struct stat before, after;
    size_t      had = out->len;
    int         rc = offset == 0 ? dff_piece_settle(fd, &before, piece)
                                 : dff_piece_look(fd, &before, piece);

    if (rc != 0)
        return rc;
    if (dff_piece_bytes(fd, offset, (size_t) size, out) != 0 || fstat(fd, &after) != 0)
        return -1;
    return dff_piece_is_same(&before, &after)
           && (int64_t) (out->len - had) == dff_piece_expect(&before, offset, size) ? 0 : 1;
}
