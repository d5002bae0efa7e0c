/* Time zones, against the C library, and against bad files. */
#include "dff_tz.h"

#include <time.h>
#include <unistd.h>

#include "dff_buf.h"
#include "dff_test.h"

#include "dff_banned.h"

static bool
has_tzdata(void)
{
    return access("/usr/share/zoneinfo/Europe/Berlin", R_OK) == 0;
}

static void
zones_without_daylight_saving_are_always_known(void **state)
{
    dff_tz_t tz;

    (void) state;
    assert_int_equal(dff_tz_init(&tz, "Asia/Shanghai", NULL), DFF_OK);
    assert_int_equal(dff_tz_offset(&tz, 1634173323), 8 * 3600);
    assert_int_equal(dff_tz_offset(&tz, INT64_C(4000000000)), 8 * 3600);
    dff_tz_release(&tz);
    assert_int_equal(dff_tz_init(&tz, "UTC", NULL), DFF_OK);
    assert_int_equal(dff_tz_offset(&tz, 1634173323), 0);
    dff_tz_release(&tz);
    dff_tz_release(NULL);
}

static void
offsets_agree_with_the_c_library(void **state)
{
    static const char *const names[] = {
        "Asia/Shanghai", "Europe/Berlin", "America/New_York", "America/Sao_Paulo",
        "Australia/Sydney", "Asia/Kolkata", "America/St_Johns", "Pacific/Kiritimati",
        "Africa/Casablanca", "Europe/Dublin", "UTC", "Etc/GMT+5",
    };
    size_t i;

    (void) state;
    if (!has_tzdata())
        skip();
    for (i = 0; i < DFF_TEST_COUNT(names); i++) {
        dff_tz_t  tz;
        dff_err_t err;
        int64_t   s;

        if (dff_tz_init(&tz, names[i], &err) != DFF_OK)
            fail_msg("%s", err.message);
        assert_int_equal(setenv("TZ", names[i], 1), 0);
        tzset();
        for (s = INT64_C(-2000000000); s < INT64_C(2500000000); s += 86400 * 3 + 4321) {
            struct tm tm;
            time_t    t = (time_t) s;

            assert_non_null(localtime_r(&t, &tm));
            if (dff_tz_offset(&tz, s) != tm.tm_gmtoff) {
                fail_msg("%s at %lld: got %d, the C library says %ld", names[i], (long long) s,
                    dff_tz_offset(&tz, s), tm.tm_gmtoff);
            }
        }
        dff_tz_release(&tz);
    }
    assert_int_equal(unsetenv("TZ"), 0);
    tzset();
}

static void
a_name_that_is_no_zone_is_refused(void **state)
{
    static const char *const names[] = {
        "", "/etc/passwd", "../../../etc/passwd", "Asia/../../../etc/passwd", "No/Such", "Asia",
        "Asia/Shanghai ", "Asia/Sh\nanghai", "tzdata.zi", "zone.tab",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    };
    dff_tz_t  tz;
    dff_err_t err;
    size_t    i;

    (void) state;
    for (i = 0; i < DFF_TEST_COUNT(names); i++) {
        if (dff_tz_init(&tz, names[i], &err) == DFF_OK)
            fail_msg("<%s> was accepted", names[i]);
        assert_int_equal(dff_tz_offset(&tz, 0), 0);
        dff_tz_release(&tz);
    }
}

/* A file of version 2 with no transitions, one type of UTC, and a footer. */
static dff_str_t
make_zone(const char *footer)
{
    static const char head[] = "TZif2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
        "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\4";
    static const char type[] = "\0\0\0\0\0\0UTC";
    dff_buf_t         buf = DFF_BUF_INIT;
    int               i;

    for (i = 0; i < 2; i++) {
        dff_buf_add(&buf, head, sizeof(head) - 1);
        dff_buf_add(&buf, type, sizeof(type));
    }
    dff_buf_addf(&buf, "\n%s\n", footer);
    assert_false(dff_buf_failed(&buf));
    return (dff_str_t) { buf.data, buf.len };
}

static void
the_rule_of_a_footer_is_followed_or_left_alone(void **state)
{
    static const struct {
        const char *footer;
        int         january, july;       /* offsets in 2030 */
    } rows[] = {
        { "", 0, 0 },
        { "nonsense", 0, 0 },
        { "CE", 0, 0 },
        { "CET", 0, 0 },
        { "CET-", 0, 0 },
        { "CET-1CEST,J60,J300", 0, 0 },
        { "CET-1CEST,M13.1.0,M10.5.0", 0, 0 },
        { "CET-1CEST,M3.0.0,M10.5.0", 0, 0 },
        { "CET-1CEST,M3.5.0,M10.5.0/3x", 0, 0 },
        { "CET-99999999999CEST", 0, 0 },
        { "CET-25", 0, 0 },
        { "UTC80", 0, 0 },
        { "CET-1CEST25,M3.5.0,M10.5.0", 0, 0 },
        { "<+0330", 0, 0 },
        { "FAR-60", 0, 0 },
        { "FAR-2NEAR-27,M3.5.0,M10.5.0/3", 0, 0 },
        { "FAR167", 0, 0 },
        { "CST-8", 28800, 28800 },
        { "<+0330>-3:30", 12600, 12600 },
        { "CET-1CEST,M3.5.0,M10.5.0/3", 3600, 7200 },
        { "AEST-10AEDT,M10.1.0,M4.1.0/3", 39600, 36000 },
        { "IST-1GMT0,M10.5.0,M3.5.0/1", 0, 3600 },
        { "<-02>2<-01>,M3.5.0/-1,M10.5.0/0", -7200, -3600 },
    };
    size_t i;

    (void) state;
    for (i = 0; i < DFF_TEST_COUNT(rows); i++) {
        dff_str_t zone = make_zone(rows[i].footer);
        dff_tz_t  tz;

        assert_int_equal(dff_tz_init_bytes(&tz, zone, NULL), DFF_OK);
        if (dff_tz_offset(&tz, 1894500000) != rows[i].january
            || dff_tz_offset(&tz, 1910000000) != rows[i].july)
        {
            fail_msg("%s: got %d and %d", rows[i].footer, dff_tz_offset(&tz, 1894500000),
                dff_tz_offset(&tz, 1910000000));
        }
        dff_tz_release(&tz);
        dff_test_free(zone);
    }
}

static void
a_cut_or_flipped_file_is_never_read_over(void **state)
{
    dff_str_t zone = make_zone("CET-1CEST,M3.5.0,M10.5.0/3");
    dff_tz_t  tz;
    size_t    at;
    int       bit;

    (void) state;
    for (at = 0; at < zone.len; at++) {
        dff_str_t cut = dff_test_exact((dff_str_t) { zone.data, at });

        if (dff_tz_init_bytes(&tz, cut, NULL) == DFF_OK)
            (void) dff_tz_offset(&tz, 1910000000);
        dff_tz_release(&tz);
        dff_test_free(cut);
        for (bit = 0; bit < 8; bit++) {
            dff_str_t copy = dff_test_exact(zone);
            char     *p = (char *) (uintptr_t) copy.data;

            p[at] = (char) (p[at] ^ (1 << bit));
            if (dff_tz_init_bytes(&tz, copy, NULL) == DFF_OK)
                (void) dff_tz_offset(&tz, 1910000000);
            dff_tz_release(&tz);
            dff_test_free(copy);
        }
    }
    dff_test_free(zone);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zones_without_daylight_saving_are_always_known),
        cmocka_unit_test(offsets_agree_with_the_c_library),
        cmocka_unit_test(a_name_that_is_no_zone_is_refused),
        cmocka_unit_test(the_rule_of_a_footer_is_followed_or_left_alone),
        cmocka_unit_test(a_cut_or_flipped_file_is_never_read_over),
    };

    return cmocka_run_group_tests_name("dff_tz", tests, NULL, NULL);
}
