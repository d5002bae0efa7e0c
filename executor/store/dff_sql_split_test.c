/* Tests of the statement splitter. */
#include "store/dff_sql_split.h"

#include "dff_test.h"

#define ROWS_MAX  4

static const struct {
    const char *file;
    const char *texts[ROWS_MAX];
    unsigned    lines[ROWS_MAX];
} good[] = {
    { "", { NULL }, { 0 } },
    { " \n;;\n-- only a comment", { NULL }, { 0 } },
    { "SELECT 1", { "SELECT 1" }, { 1 } },
    { "SELECT 1;", { "SELECT 1" }, { 1 } },
    { "\n\nA;\n B ;C", { "A", "B", "C" }, { 3, 4, 4 } },
    { "SELECT ';', \";\", `;`;X", { "SELECT ';', \";\", `;`", "X" }, { 1, 1 } },
    { "SELECT 'it''s; \\'; x';X", { "SELECT 'it''s; \\'; x'", "X" }, { 1, 1 } },
    { "SELECT `a\\`;X", { "SELECT `a\\`", "X" }, { 1, 1 } },
    { "A -- c ; '\nB;C", { "A \nB", "C" }, { 1, 2 } },
    { "A # c ; '\nB;C", { "A \nB", "C" }, { 1, 2 } },
    { "SELECT 5--1", { "SELECT 5--1" }, { 1 } },
    { "/* a;\n'*/ A/* b */B;", { "A B" }, { 2 } },
    { "A '-- no', '# no', '/* no */'", { "A '-- no', '# no', '/* no */'" }, { 1 } },
    { "A --", { "A" }, { 1 } },
    { "A '\n\n';B", { "A '\n\n'", "B" }, { 1, 3 } },
};

static const struct {
    const char *file;
    size_t      len;        /* 0: of the text */
    const char *message;
} bad[] = {
    { "A;\n\nSELECT 'x", 0, "line 3: ' without its end" },
    { "\n`a", 0, "line 2: ` without its end" },
    { "A 'x\\", 0, "line 1: ' without its end" },
    { "A;\n/* b\n", 0, "line 2: comment without its end" },
    { "/*! SET x */", 0, "line 1: executable comments" },
    { "/*M! SET x */", 0, "line 1: executable comments" },
    { "A\0B", 3, "line 1: NUL byte" },
};


static void
statements_are_split(void **state)
{
    (void) state;
    for (size_t i = 0; i < DFF_TEST_COUNT(good); i++) {
        dff_str_t            file = dff_test_exact(dff_str_from(good[i].file));
        dff_sql_statements_t statements;
        dff_err_t            err;
        size_t               count = 0;

        assert_int_equal(dff_sql_split(file, &statements, &err), DFF_OK);
        for ( ; count < ROWS_MAX && good[i].texts[count] != NULL; count++) {
            assert_true(count < statements.count);
            assert_string_equal(statements.items[count].text, good[i].texts[count]);
            assert_int_equal(statements.items[count].line, good[i].lines[count]);
        }
        assert_int_equal(statements.count, count);
        dff_sql_statements_release(&statements);
        dff_test_free(file);
    }
}


static void
errors_name_the_line(void **state)
{
    (void) state;
    for (size_t i = 0; i < DFF_TEST_COUNT(bad); i++) {
        size_t               len = bad[i].len != 0 ? bad[i].len : strlen(bad[i].file);
        dff_str_t            file = dff_test_exact((dff_str_t) { bad[i].file, len });
        dff_sql_statements_t statements;
        dff_err_t            err;

        assert_int_equal(dff_sql_split(file, &statements, &err), DFF_ERROR);
        if (strncmp(err.message, bad[i].message, strlen(bad[i].message)) != 0) {
            fail_msg("expected <%s>, got <%s>", bad[i].message, err.message);
        }
        assert_null(statements.items);
        dff_test_free(file);
    }
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statements_are_split),
        cmocka_unit_test(errors_name_the_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
