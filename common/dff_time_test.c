/* Clock texts and the calendar. */
#include "dff_time.h"

#include <time.h>

#include "dff_test.h"

#include "dff_banned.h"

static void
times_have_their_iso_text(void **state)
{
    static const struct {
        int64_t     ms;
        int         offset_s;
        const char *utc, *local;
    } rows[] = {
        { 0, 0, "1970-01-01T00:00:00.000Z", "1970-01-01T00:00:00.000+00:00" },
        { 1634173323456, 28800, "2021-10-14T01:02:03.456Z", "2021-10-14T09:02:03.456+08:00" },
        { -1, -12600, "1969-12-31T23:59:59.999Z", "1969-12-31T20:29:59.999-03:30" },
        { -1000, 0, "1969-12-31T23:59:59.000Z", "1969-12-31T23:59:59.000+00:00" },
        { 951782400000, 3600, "2000-02-29T00:00:00.000Z", "2000-02-29T01:00:00.000+01:00" },
        { 4107542399999, 3600, "2100-02-28T23:59:59.999Z", "2100-03-01T00:59:59.999+01:00" },
        { 253402300799999, 0, "9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999+00:00" },
        { INT64_MAX, 0, "9999-12-31T23:59:59.807Z", "9999-12-31T23:59:59.807+00:00" },
        { INT64_MIN, 0, "0001-01-01T00:00:00.192Z", "0001-01-01T00:00:00.192+00:00" },
    };
    char   out[DFF_TIME_ISO_SIZE];
    size_t i;

    (void) state;
    for (i = 0; i < DFF_TEST_COUNT(rows); i++) {
        assert_int_equal(dff_time_iso_utc(out, rows[i].ms), 24);
        assert_string_equal(out, rows[i].utc);
        assert_int_equal(dff_time_iso(out, rows[i].ms, rows[i].offset_s), 29);
        assert_string_equal(out, rows[i].local);
    }
}

static void
the_calendar_agrees_with_the_c_library_and_is_reversible(void **state)
{
    int64_t s;

    (void) state;
    for (s = INT64_C(-62135596800); s < INT64_C(253402300799); s += 86400 * 97 + 12345) {
        dff_time_civil_t civil;
        struct tm        tm;
        time_t           t = (time_t) s;

        dff_time_split(s, &civil);
        assert_non_null(gmtime_r(&t, &tm));
        assert_int_equal(civil.year, tm.tm_year + 1900);
        assert_int_equal(civil.month, tm.tm_mon + 1);
        assert_int_equal(civil.day, tm.tm_mday);
        assert_int_equal(civil.hour, tm.tm_hour);
        assert_int_equal(civil.minute, tm.tm_min);
        assert_int_equal(civil.second, tm.tm_sec);
        assert_int_equal(civil.weekday, tm.tm_wday);
        assert_int_equal(dff_time_join(&civil), s);
    }
}

static void
clocks_go_forward(void **state)
{
    int64_t us = dff_time_monotonic_us(), ms = dff_time_monotonic_ms();

    (void) state;
    assert_true(dff_time_now_ms() > INT64_C(1600000000000));
    assert_true(dff_time_monotonic_us() >= us && dff_time_monotonic_ms() >= ms);
    assert_true(ms >= us / 1000);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_have_their_iso_text),
        cmocka_unit_test(the_calendar_agrees_with_the_c_library_and_is_reversible),
        cmocka_unit_test(clocks_go_forward),
    };

    return cmocka_run_group_tests_name("dff_time", tests, NULL, NULL);
}
