/* Tests of pieces of files. pread and clock_gettime stand for those of the C library: the file
 * changes in the middle of a piece, and the kernel's clock ticks when it is told to. */
#include "dff_piece.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static char path[64];
static int  fd;
static void (*change)(void);        /* made once, behind the first bytes that are read */
static int  looks_to_tick;          /* so often the coarse clock stands at the file's ctime */
static bool restless;               /* the file is emptied and written before each of these looks */

ssize_t
pread(int from, void *bytes, size_t size, off_t offset)
{
    void  (*now)(void) = change;
    ssize_t n = syscall(SYS_pread64, from, bytes, now != NULL && size > 2 ? 2 : size, offset);

    change = NULL;
    if (now != NULL)
        now();
    return n;
}

static void
put(const char *text)
{
    int to = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(to >= 0);
    assert_int_equal(write(to, text, strlen(text)), strlen(text));
    assert_int_equal(close(to), 0);
}

int
clock_gettime(clockid_t clock, struct timespec *now)
{
    struct stat st;
    long        rc = syscall(SYS_clock_gettime, clock, now);

    if (clock == CLOCK_REALTIME_COARSE && looks_to_tick > 0) {
        looks_to_tick--;
        if (restless)
            put("xxxxxx");
        (void) fstat(fd, &st);
        *now = st.st_ctim;
    }
    return (int) rc;
}

static void
remove_it(void)
{
    assert_int_equal(unlink(path), 0);
}

static int
set_up(void **state)
{
    (void) state;
    (void) snprintf(path, sizeof(path), "/tmp/dff-piece-XXXXXX");
    fd = mkstemp(path);
    return fd == -1 ? -1 : 0;
}

static int
tear_down(void **state)
{
    (void) state;
    (void) close(fd);
    (void) unlink(path);
    return 0;
}

/* --- changes, none of which size and mtime show ----------------------------------------- */

static void
mtime_back(const struct stat *st)
{
    const struct timespec times[2] = { st->st_atim, st->st_mtim };

    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void
write_anew(void)
{
    struct stat st;

    assert_int_equal(fstat(fd, &st), 0);
    put("yyyyyy");
    mtime_back(&st);
}

static void
write_over(void)
{
    struct stat st;
    int         to = open(path, O_WRONLY | O_CLOEXEC);

    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(pwrite(to, "y", 1, 5), 1);
    assert_int_equal(close(to), 0);
    mtime_back(&st);
}

static void
shorten_and_lengthen(void)
{
    struct stat st;

    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(truncate(path, 1), 0);
    assert_int_equal(truncate(path, 6), 0);
    mtime_back(&st);
}

static void (*const changes[])(void) = { write_anew, write_over, shorten_and_lengthen };

/* --- tests ------------------------------------------------------------------------------- */

static void
a_piece_is_what_is_there(void **state)
{
    static const struct {
        int64_t     offset, size;
        const char *expected;
    } cases[] = {
        { 0, 6, "-abcdef" }, { 0, 7, "-abcdef" }, { 0, 2, "-ab" }, { 2, 3, "-cde" },
        { 5, 2, "-f" }, { 6, 1, "-" }, { 100, 1, "-" }, { 0, 0, "-" },
    };
    dff_piece_t first, piece;
    dff_buf_t   out = DFF_BUF_INIT;
    size_t      i;

    (void) state;
    put("abcdef");
    assert_int_equal(dff_piece_read(fd, 0, 1, &out, &first), 0);
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        dff_buf_clear(&out);
        dff_buf_add(&out, "-", 1);
        assert_int_equal(dff_piece_read(fd, cases[i].offset, cases[i].size, &out, &piece), 0);
        assert_int_equal(out.len, strlen(cases[i].expected));
        assert_memory_equal(out.data, cases[i].expected, out.len);
        assert_int_equal(piece.size, 6);
        assert_string_equal(piece.state, first.state);
    }
    assert_int_equal(dff_piece_read(-1, 0, 1, &out, &piece), -1);
    assert_int_equal(errno, EBADF);
    dff_buf_release(&out);
}

static void
a_change_in_the_middle_of_a_piece_is_told(void **state)
{
    dff_piece_t piece;
    dff_buf_t   out = DFF_BUF_INIT;
    int64_t     offset;
    size_t      i;

    (void) state;
    for (i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        for (offset = 0; offset < 2; offset++) {
            put("xxxxxx");
            assert_int_equal(dff_piece_read(fd, 0, 1, &out, &piece), 0);
            change = changes[i];
            assert_int_equal(dff_piece_read(fd, offset, 4, &out, &piece), 1);
        }
    }
    dff_buf_release(&out);
}

/* Many times, as it is about the tick of the clock in which the file was written. */
static void
a_change_behind_the_first_piece_makes_another_state(void **state)
{
    dff_piece_t first, second;
    dff_buf_t   out = DFF_BUF_INIT;
    size_t      i;
    int         n;

    (void) state;
    for (i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        for (n = 0; n < 20; n++) {
            put("xxxxxx");
            assert_int_equal(dff_piece_read(fd, 0, 3, &out, &first), 0);
            changes[i]();
            assert_int_equal(dff_piece_read(fd, 3, 3, &out, &second), 0);
            assert_int_equal(first.size, second.size);
            assert_int_equal(first.mtime_s, second.mtime_s);
            assert_string_not_equal(first.state, second.state);
        }
    }
    dff_buf_release(&out);
}

/* On any kernel, also one that tells two changes in a tick apart. */
static void
what_has_changed_in_this_tick_is_looked_at_after_it(void **state)
{
    dff_piece_t piece;
    dff_buf_t   out = DFF_BUF_INIT;

    (void) state;
    put("x");
    looks_to_tick = 3;
    assert_int_equal(dff_piece_read(fd, 1, 1, &out, &piece), 0);
    assert_int_equal(looks_to_tick, 3);
    assert_int_equal(dff_piece_read(fd, 0, 1, &out, &piece), 0);
    assert_int_equal(looks_to_tick, 0);
    /* the clock was set back */
    looks_to_tick = 1000;
    assert_int_equal(dff_piece_read(fd, 0, 1, &out, &piece), 0);
    assert_in_range(looks_to_tick, 900, 990);
    looks_to_tick = 0;
    dff_buf_release(&out);
}

/* Then no two looks at it say whether it is the same. */
static void
a_file_that_changes_in_every_tick_is_told(void **state)
{
    dff_piece_t piece;
    dff_buf_t   out = DFF_BUF_INIT;

    (void) state;
    put("xxxxxx");
    looks_to_tick = 1000;
    restless = true;
    assert_int_equal(dff_piece_read(fd, 0, 6, &out, &piece), 1);
    restless = false;
    looks_to_tick = 0;
    dff_buf_release(&out);
}

static void
a_removal_leaves_the_piece_as_it_is(void **state)
{
    dff_piece_t piece;
    dff_buf_t   out = DFF_BUF_INIT;

    (void) state;
    put("abcdef");
    change = remove_it;
    assert_int_equal(dff_piece_read(fd, 0, 6, &out, &piece), 0);
    assert_memory_equal(out.data, "abcdef", 6);
    assert_int_equal(piece.size, 6);
    dff_buf_release(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_piece_is_what_is_there, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_change_in_the_middle_of_a_piece_is_told, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_change_behind_the_first_piece_makes_another_state,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_has_changed_in_this_tick_is_looked_at_after_it,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_file_that_changes_in_every_tick_is_told, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_removal_leaves_the_piece_as_it_is, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
