/* Reading of throttling rules. */
#include "dff_throttle.h"

#include "dff_test.h"

#include "dff_banned.h"

static void
every_rule_is_read_by_its_name(void **state)
{
    dff_throttle_t throttle;
    dff_err_t      err;

    (void) state;
    assert_int_equal(dff_throttle_read(&throttle, DFF_STR(
        " {\"bySecond\":1,\"byMinute\":2, \"byHour\":3,\"byDay\":4,\"byMonth\":5,\"byYear\":6} "),
        &err), DFF_OK);
    assert_int_equal(throttle.calls[DFF_THROTTLE_SECOND], 1);
    assert_int_equal(throttle.calls[DFF_THROTTLE_MINUTE], 2);
    assert_int_equal(throttle.calls[DFF_THROTTLE_HOUR], 3);
    assert_int_equal(throttle.calls[DFF_THROTTLE_DAY], 4);
    assert_int_equal(throttle.calls[DFF_THROTTLE_MONTH], 5);
    assert_int_equal(throttle.calls[DFF_THROTTLE_YEAR], 6);
}

static void
windows_get_shorter_from_rule_to_rule(void **state)
{
    (void) state;
    for (int rule = 1; rule < DFF_THROTTLE_RULES; rule++) {
        assert_true(dff_throttle_window_s((dff_throttle_rule_t) rule)
                    < dff_throttle_window_s((dff_throttle_rule_t) (rule - 1)));
    }
    assert_int_equal(dff_throttle_window_s(DFF_THROTTLE_MONTH), 30 * 86400);
    assert_int_equal(dff_throttle_window_s(DFF_THROTTLE_YEAR), 365 * 86400);
}

static void
nothing_null_and_an_empty_object_limit_nothing(void **state)
{
    static const char *const texts[] = { "", "null", "{}", "{\"byDay\":null}" };
    dff_throttle_t           throttle;
    dff_err_t                err;

    (void) state;
    for (size_t i = 0; i < DFF_TEST_COUNT(texts); i++) {
        throttle.calls[DFF_THROTTLE_DAY] = 7;
        assert_int_equal(dff_throttle_read(&throttle, dff_str_from(texts[i]), &err), DFF_OK);
        for (int rule = 0; rule < DFF_THROTTLE_RULES; rule++)
            assert_int_equal(throttle.calls[rule], 0);
    }
}

static void
anything_else_is_refused_with_its_name(void **state)
{
    static const struct { const char *text, *message; } rows[] = {
        { "{", "not JSON" },
        { "{\"bySecond\":1}x", "not JSON" },
        { "[1]", "must be a JSON object" },
        { "5", "must be a JSON object" },
        { "{\"bysecond\":1}", "unknown rule \"bysecond\"" },
        { "{\"byWeek\":1}", "unknown rule \"byWeek\"" },
        { "{\"\":1}", "unknown rule \"\"" },
        { "{\"bySecond\":0}", "\"bySecond\" must be an integer from 1" },
        { "{\"byMinute\":-1}", "\"byMinute\" must be" },
        { "{\"byHour\":1.5}", "\"byHour\" must be" },
        { "{\"byDay\":\"1\"}", "\"byDay\" must be" },
        { "{\"byMonth\":true}", "\"byMonth\" must be" },
        { "{\"byYear\":1000000001}", "\"byYear\" must be" },
        { "{\"byYear\":99999999999999999999}", "\"byYear\" must be" },
    };
    dff_throttle_t throttle;
    dff_err_t      err;

    (void) state;
    for (size_t i = 0; i < DFF_TEST_COUNT(rows); i++) {
        assert_int_equal(dff_throttle_read(&throttle, dff_str_from(rows[i].text), &err),
                         DFF_ERROR);
        assert_int_equal(err.reason, DFF_E_CLIENT_BAD_REQUEST);
        assert_non_null(strstr(err.message, rows[i].message));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_rule_is_read_by_its_name),
        cmocka_unit_test(windows_get_shorter_from_rule_to_rule),
        cmocka_unit_test(nothing_null_and_an_empty_object_limit_nothing),
        cmocka_unit_test(anything_else_is_refused_with_its_name),
    };

    return cmocka_run_group_tests_name("dff_throttle", tests, NULL, NULL);
}
