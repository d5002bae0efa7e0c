/* The folder is laid out as a hostile script would. */
#include "dff_test.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dff_beneath.h"

static char root[64];

static void
put(const char *name, const char *text)
{
    char path[256];
    int  fd;

    (void) snprintf(path, sizeof(path), "%s/%s", root, name);
    fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    (void) close(fd);
}

static void
at(char path[256], const char *name)
{
    (void) snprintf(path, 256, "%s/%s", root, name);
}

static int
set_up(void **state)
{
    char path[256];

    (void) state;
    (void) snprintf(root, sizeof(root), "/tmp/dff-beneath-XXXXXX");
    assert_non_null(mkdtemp(root));
    at(path, "a");
    assert_int_equal(mkdir(path, 0700), 0);
    at(path, "a/b");
    assert_int_equal(mkdir(path, 0700), 0);
    put("top", "top");
    put("a/b/deep", "deep");
    at(path, "link");
    assert_int_equal(symlink("/etc/passwd", path), 0);
    at(path, "out");
    assert_int_equal(symlink("/etc", path), 0);
    at(path, "inner");
    assert_int_equal(symlink("top", path), 0);
    at(path, "pipe");
    assert_int_equal(mkfifo(path, 0600), 0);
    return 0;
}

static int
tear_down(void **state)
{
    static const char *const names[] = { "a/b/deep", "top", "link", "out", "inner", "pipe" };
    char   path[256];
    size_t i;

    (void) state;
    for (i = 0; i < DFF_TEST_COUNT(names); i++) {
        at(path, names[i]);
        (void) unlink(path);
    }
    at(path, "a/b");
    (void) rmdir(path);
    at(path, "a");
    (void) rmdir(path);
    return rmdir(root);
}

static void
files_below_the_folder_are_opened(void **state)
{
    static const char *const paths[] = { "top", "a/b/deep" };
    char   text[16];
    size_t i;

    (void) state;
    for (i = 0; i < DFF_TEST_COUNT(paths); i++) {
        int     fd = dff_beneath_open(root, dff_str_from(paths[i]), NULL);
        ssize_t n;

        assert_true(fd >= 0);
        n = read(fd, text, sizeof(text));
        assert_int_equal(n, 3 + i);
        (void) close(fd);
    }
}

static void
nothing_else_is(void **state)
{
    static const struct {
        dff_str_t path;
        int       error;
    } rows[] = {
        { { "", 0 }, EINVAL },
        { { "/etc/passwd", 11 }, EINVAL },
        { { "../etc/passwd", 13 }, EINVAL },
        { { "a/../../etc/passwd", 18 }, EINVAL },
        { { "a/./b/deep", 10 }, EINVAL },
        { { "a//b/deep", 9 }, EINVAL },
        { { "top/", 4 }, ENOTDIR },
        { { "top\0x", 5 }, EINVAL },
        { { "link", 4 }, ELOOP },
        { { "inner", 5 }, ELOOP },
        { { "out/passwd", 10 }, ENOTDIR },
        { { "a", 1 }, EISDIR },
        { { "pipe", 4 }, EINVAL },
        { { "none", 4 }, ENOENT },
        { { "none/x", 6 }, ENOENT },
        { { "top/x", 5 }, ENOTDIR },
    };
    size_t i;

    (void) state;
    for (i = 0; i < DFF_TEST_COUNT(rows); i++) {
        errno = 0;
        if (dff_beneath_open(root, rows[i].path, NULL) != -1)
            fail_msg("%s was opened", rows[i].path.data);
        if (errno != rows[i].error)
            fail_msg("%s: %s", rows[i].path.data, strerror(errno));
    }
}

static void
a_file_is_removed_through_its_folder(void **state)
{
    int folder = -1, fd;

    (void) state;
    put("a/b/gone", "x");
    fd = dff_beneath_open(root, DFF_STR("a/b/gone"), &folder);
    assert_true(fd >= 0);
    assert_true(folder >= 0);
    assert_int_equal(dff_beneath_unlink(folder, DFF_STR("../b")), -1);
    assert_int_equal(dff_beneath_unlink(folder, DFF_STR("gone")), 0);
    assert_int_equal(dff_beneath_open(root, DFF_STR("a/b/gone"), NULL), -1);
    (void) close(fd);
    (void) close(folder);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_below_the_folder_are_opened),
        cmocka_unit_test(nothing_else_is),
        cmocka_unit_test(a_file_is_removed_through_its_folder),
    };

    return cmocka_run_group_tests_name("dff_beneath", tests, set_up, tear_down);
}
