/* Paths of callers. */
#include "files/dff_file_path.h"

#include "dff_test.h"

static const char *
cleaned(const char *text)
{
    static dff_file_path_t path;
    dff_err_t              err;

    return dff_file_path_read(&path, dff_str_from(text), &err) == DFF_OK ? path.text : NULL;
}

static void
test_names_are_kept_and_dots_are_left_out(void **state)
{
    (void) state;
    assert_string_equal(cleaned(""), "");
    assert_string_equal(cleaned("/"), "");
    assert_string_equal(cleaned("./"), "");
    assert_string_equal(cleaned("/a//b/./c/"), "a/b/c");
    assert_string_equal(cleaned("-rf/..a/a.."), "-rf/..a/a..");
    assert_string_equal(cleaned("\xe6\x96\x87/%2e%2e"), "\xe6\x96\x87/%2e%2e");
}

static void
test_what_leads_out_or_is_no_name_is_refused(void **state)
{
    static const char *const bad[] = {
        "..", "../a", "a/..", "a/../b", "/..", "./..", "a\nb", "a\rb", "\x7f", "\xff", "\xc0\xaf",
    };
    char long_name[DFF_FILE_NAME_MAX + 2], long_path[2 * DFF_BENEATH_PATH_MAX];

    (void) state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_null(cleaned(bad[i]));
    memset(long_name, 'a', sizeof(long_name));
    long_name[sizeof(long_name) - 1] = '\0';
    assert_null(cleaned(long_name));
    for (size_t i = 0; i + 1 < sizeof(long_path); i += 2)
        memcpy(long_path + i, "a/", 2);
    long_path[sizeof(long_path) - 1] = '\0';
    assert_null(cleaned(long_path));
}

static bool
writable(const char *text)
{
    dff_file_path_t path;
    dff_err_t       err;

    assert_int_equal(dff_file_path_read(&path, dff_str_from(text), &err), DFF_OK);
    return dff_file_path_is_writable(&path);
}

static void
test_the_folders_of_the_system_are_not_writable(void **state)
{
    (void) state;
    assert_false(writable("./"));
    assert_false(writable(".uploads"));
    assert_false(writable("/.downloads/x"));
    assert_false(writable("./extra-python-packages/a/b"));
    assert_false(writable(DFF_FILE_TEMPORARY "/x"));
    assert_true(writable("extra-python-packages2"));
    assert_true(writable("a/.uploads"));
}

static void
test_up_name_and_within(void **state)
{
    dff_file_path_t path, outer;
    dff_err_t       err;

    (void) state;
    assert_int_equal(dff_file_path_read(&path, DFF_STR("a/b/c"), &err), DFF_OK);
    assert_int_equal(dff_file_path_read(&outer, DFF_STR("a/b"), &err), DFF_OK);
    assert_string_equal(dff_file_path_name(&path).data, "c");
    assert_true(dff_file_path_within(&path, &outer));
    assert_false(dff_file_path_within(&outer, &path));
    dff_file_path_up(&path);
    assert_string_equal(path.text, "a/b");
    assert_true(dff_file_path_within(&path, &outer));
    dff_file_path_up(&path);
    dff_file_path_up(&path);
    assert_string_equal(path.text, "");
    assert_string_equal(dff_file_path_name(&path).data, "");
    assert_int_equal(dff_file_path_read(&path, DFF_STR("a/bc"), &err), DFF_OK);
    assert_false(dff_file_path_within(&path, &outer));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_are_kept_and_dots_are_left_out),
        cmocka_unit_test(test_what_leads_out_or_is_no_name_is_refused),
        cmocka_unit_test(test_the_folders_of_the_system_are_not_writable),
        cmocka_unit_test(test_up_name_and_within),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
