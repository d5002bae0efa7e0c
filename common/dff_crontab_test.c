/* Tests of crontab lines. */
#include "dff_crontab.h"

#include "dff_test.h"

#include "dff_banned.h"

static void
what_is_no_crontab(void **state)
{
    static const char *const bad[] = {
        "", " ", "*", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *",
        "* * 32 * *", "* * * 0 *", "* * * 13 *", "* * * * 8", "5-1 * * * *", "*/0 * * * *",
        "*/61 * * * *", "-1 * * * *", "1- * * * *", "1, * * * *", ",1 * * * *", "1,,2 * * * *",
        "a * * * *", "*/ * * * *", "/5 * * * *", "1-2-3 * * * *", "*/5/5 * * * *", "*-5 * * * *",
        "99999999999999999999 * * * *", "@hourly", "** * * * *",
    };
    dff_crontab_t crontab;

    (void) state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (dff_crontab_parse(&crontab, dff_str_from(bad[i])))
            fail_msg("\"%s\" is taken", bad[i]);
    }
}

static void
what_is_due(void **state)
{
    static const struct {
        const char *line;
        dff_time_civil_t time;
        bool due;
    } rows[] = {    /* 2021-10-14 is a Thursday */
        { "* * * * *", { 2021, 10, 14, 1, 2, 3, 4 }, true },
        { " \t0 * * * *\t ", { 2021, 10, 14, 1, 0, 59, 4 }, true },
        { "0 * * * *", { 2021, 10, 14, 1, 1, 0, 4 }, false },
        { "*/15 * * * *", { 2021, 10, 14, 1, 45, 0, 4 }, true },
        { "*/15 * * * *", { 2021, 10, 14, 1, 46, 0, 4 }, false },
        { "5/20 * * * *", { 2021, 10, 14, 1, 45, 0, 4 }, true },
        { "5/20 * * * *", { 2021, 10, 14, 1, 40, 0, 4 }, false },
        { "1-10/3,59 23 * * *", { 2021, 10, 14, 23, 7, 0, 4 }, true },
        { "1-10/3,59 23 * * *", { 2021, 10, 14, 23, 59, 0, 4 }, true },
        { "1-10/3,59 23 * * *", { 2021, 10, 14, 23, 13, 0, 4 }, false },
        { "0 0 31 12 *", { 2021, 12, 31, 0, 0, 0, 5 }, true },
        { "* * * * 0", { 2021, 10, 17, 0, 0, 0, 0 }, true },
        { "* * * * 7", { 2021, 10, 17, 0, 0, 0, 0 }, true },
        { "* * * * 6-7", { 2021, 10, 17, 0, 0, 0, 0 }, true },
        { "* * * * 7", { 2021, 10, 14, 0, 0, 0, 4 }, false },
        { "* * 1 * 4", { 2021, 10, 14, 0, 0, 0, 4 }, true },        /* either */
        { "* * 14 * 1", { 2021, 10, 14, 0, 0, 0, 4 }, true },
        { "* * 1 * 1", { 2021, 10, 14, 0, 0, 0, 4 }, false },
        { "* * */2 * 4", { 2021, 10, 14, 0, 0, 0, 4 }, false },     /* both */
        { "* * 14 * *", { 2021, 10, 15, 0, 0, 0, 5 }, false },
    };
    dff_crontab_t crontab;

    (void) state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_true(dff_crontab_parse(&crontab, dff_str_from(rows[i].line)));
        if (dff_crontab_is_due(&crontab, &rows[i].time) != rows[i].due)
            fail_msg("row %zu: \"%s\"", i, rows[i].line);
    }
}

static void
the_last_that_was_due(void **state)
{
    dff_time_civil_t time = { 2021, 10, 14, 9, 0, 0, 0 };      /* 01:00 UTC */
    int64_t          minute = (dff_time_join(&time) - 8 * 3600) / 60;
    dff_crontab_t    crontab;
    dff_tz_t         tz;

    (void) state;
    assert_int_equal(dff_tz_init(&tz, "Asia/Shanghai", NULL), DFF_OK);
    assert_true(dff_crontab_parse(&crontab, DFF_STR("0 9 * * *")));
    assert_int_equal(dff_crontab_last(&crontab, &tz, minute, 5), minute);
    assert_int_equal(dff_crontab_last(&crontab, &tz, minute + 5, 5), minute);
    assert_int_equal(dff_crontab_last(&crontab, &tz, minute + 6, 5), -1);
    assert_int_equal(dff_crontab_last(&crontab, &tz, minute - 1, 5), -1);
    assert_true(dff_crontab_parse(&crontab, DFF_STR("*/2 * * * *")));
    assert_int_equal(dff_crontab_last(&crontab, &tz, minute + 3, 5), minute + 2);
    dff_tz_release(&tz);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_crontab),
        cmocka_unit_test(what_is_due),
        cmocka_unit_test(the_last_that_was_due),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
