/* Reading of ISO 8601 times. */
#include "dff_iso.h"

#include "dff_err.h"
#include "dff_time.h"

#include "dff_test.h"

#include "dff_banned.h"

static void
times_are_read_in_every_form(void **state)
{
    static const struct { const char *text; int64_t unix_ms; } rows[] = {
        { "1970-01-01T00:00:00Z", 0 },
        { "2021-10-14T01:02:03.456Z", 1634173323456 },
        { "2021-10-14T09:02:03.456+08:00", 1634173323456 },
        { "2021-10-14T09:02:03.456+0800", 1634173323456 },
        { "2021-10-14T09:02:03.456+08", 1634173323456 },
        { "2021-10-13t21:32:03.456-03:30", 1634173323456 },
        { "2021-10-14 09:02:03.4569999", 1634173323456 },      /* Asia/Shanghai */
        { "2021-10-14T01:02:03,4z", 1634173323400 },
        { "2021-10-14T01:02Z", 1634173320000 },
        { "2021-10-14T09:02", 1634173320000 },
        { "2021-10-14", 1634140800000 },
        { "2000-02-29T00:00:00Z", 951782400000 },
        { "9999-12-31T23:59:59.999Z", 253402300799999 },
    };
    dff_err_t err;
    dff_tz_t  tz;
    int64_t   unix_ms;

    (void) state;
    assert_int_equal(dff_tz_init(&tz, "Asia/Shanghai", &err), DFF_OK);
    for (size_t i = 0; i < DFF_TEST_COUNT(rows); i++) {
        assert_int_equal(dff_iso_read(dff_str_from(rows[i].text), &tz, &unix_ms), DFF_OK);
        assert_int_equal(unix_ms, rows[i].unix_ms);
    }
    dff_tz_release(&tz);
}

static void
what_is_no_time_is_refused(void **state)
{
    static const char *const texts[] = {
        "", " ", "now", "2021", "2021-10", "2021-1-1", "21-10-14", "2021-13-01", "2021-00-01",
        "2021-02-30", "2021-02-29", "2021-04-31", "2021-10-00", "1969-12-31", "0000-00-00",
        "2021-10-14T", "2021-10-14T24:00", "2021-10-14T23:60", "2021-10-14T23:59:60",
        "2021-10-14T23:59:59.", "2021-10-14T23:59:59.Z", "2021-10-14T23:5", "2021-10-14T2359",
        "2021-10-14T23:59:59X", "2021-10-14T23:59:59+", "2021-10-14T23:59:59+8",
        "2021-10-14T23:59:59+08:", "2021-10-14T23:59:59+24:00", "2021-10-14T23:59:59+08:60",
        "2021-10-14T23:59:59Z ", "2021-10-14T23:59:59ZZ", " 2021-10-14", "2021-10-14Z",
        "2021-10-14TT23:59", "1634173323456", "-2021-10-14", "2021-10-14T-1:00",
    };
    dff_tz_t tz = { 0 };
    int64_t  unix_ms;

    (void) state;
    for (size_t i = 0; i < DFF_TEST_COUNT(texts); i++) {
        if (dff_iso_read(dff_str_from(texts[i]), &tz, &unix_ms) == DFF_OK)
            fail_msg("\"%s\" was taken for a time", texts[i]);
    }
    /* A NUL ends nothing. */
    assert_int_equal(dff_iso_read(DFF_STR("2021-10-14\0"), &tz, &unix_ms), DFF_ERROR);
    assert_int_equal(dff_iso_read(DFF_STR_NULL, &tz, &unix_ms), DFF_ERROR);
}

static void
local_times_around_a_change_of_daylight_saving_are_near(void **state)
{
    static const struct { const char *text, *utc; } rows[] = {
        { "2021-03-28T01:59:59", "2021-03-28T00:59:59.000Z" },
        { "2021-03-28T03:00:00", "2021-03-28T01:00:00.000Z" },
        { "2021-10-31T01:59:59", "2021-10-30T23:59:59.000Z" },
        { "2021-10-31T02:30:00", "2021-10-31T00:30:00.000Z" },      /* twice: the first */
        { "2021-10-31T03:00:00", "2021-10-31T02:00:00.000Z" },
    };
    char      utc[DFF_TIME_ISO_SIZE];
    dff_err_t err;
    dff_tz_t  tz;
    int64_t   unix_ms;

    (void) state;
    if (dff_tz_init(&tz, "Europe/Berlin", &err) != DFF_OK)
        skip();         /* no tzdata here */
    for (size_t i = 0; i < DFF_TEST_COUNT(rows); i++) {
        assert_int_equal(dff_iso_read(dff_str_from(rows[i].text), &tz, &unix_ms), DFF_OK);
        (void) dff_time_iso_utc(utc, unix_ms);
        assert_string_equal(utc, rows[i].utc);
    }
    dff_tz_release(&tz);
}

static void
what_is_written_is_read_back(void **state)
{
    char     text[DFF_TIME_ISO_SIZE];
    dff_tz_t tz = { 0 };
    int64_t  unix_ms;

    (void) state;
    for (int64_t ms = 0; ms < INT64_C(253402300800000); ms += INT64_C(86400000) * 977 + 12345677) {
        assert_int_equal(dff_iso_read((dff_str_t) { text, dff_time_iso(text, ms, -12600) }, &tz,
                                      &unix_ms), ms < 12600000 ? DFF_ERROR : DFF_OK);
        assert_true(ms < 12600000 || unix_ms == ms);
        assert_int_equal(dff_iso_read((dff_str_t) { text, dff_time_iso_utc(text, ms) }, &tz,
                                      &unix_ms), DFF_OK);
        assert_int_equal(unix_ms, ms);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_read_in_every_form),
        cmocka_unit_test(what_is_no_time_is_refused),
        cmocka_unit_test(local_times_around_a_change_of_daylight_saving_are_near),
        cmocka_unit_test(what_is_written_is_read_back),
    };

    return cmocka_run_group_tests_name("dff_iso", tests, NULL, NULL);
}
