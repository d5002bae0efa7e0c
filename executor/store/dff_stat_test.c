/* Statistics of links: what Redis holds, as the management list shows it. */
#include "store/dff_stat.h"

#include "dff_test.h"

#include "dff_banned.h"

#define NOW_MS  INT64_C(1634169723456)      /* 2021-10-14 00:02:03 UTC, 08:02 in Shanghai */

static void
is_json(json_t *value, const char *expected)
{
    char *text = json_dumps(value, JSON_COMPACT);

    assert_string_equal(text, expected);
    free(text);
    json_decref(value);
}

static void
seven_days_are_listed_newest_first_in_the_servers_zone(void **state)
{
    dff_str_t pairs[] = {
        DFF_STR("2021-10-14"), DFF_STR("3"), DFF_STR("2021-10-08"), DFF_STR("7"),
        DFF_STR("2021-10-07"), DFF_STR("100"), DFF_STR("2021-10-12"), DFF_STR("x"),
        DFF_STR("2021-10-15"), DFF_STR("1"), DFF_STR("2021-10-13"),
    };
    json_t   *days;
    dff_tz_t  tz;
    dff_err_t err;

    (void) state;
    assert_int_equal(dff_tz_init(&tz, "Asia/Shanghai", &err), DFF_OK);
    is_json(dff_stat_days(pairs, DFF_TEST_COUNT(pairs), &tz, NOW_MS),
            "[{\"date\":\"2021-10-14\",\"count\":3},{\"date\":\"2021-10-13\",\"count\":0},"
            "{\"date\":\"2021-10-12\",\"count\":0},{\"date\":\"2021-10-11\",\"count\":0},"
            "{\"date\":\"2021-10-10\",\"count\":0},{\"date\":\"2021-10-09\",\"count\":0},"
            "{\"date\":\"2021-10-08\",\"count\":7}]");
    /* 16:00 UTC: the next day has begun there. */
    days = dff_stat_days(pairs, 2, &tz, NOW_MS + 57600000);
    is_json(json_incref(json_array_get(days, 1)), "{\"date\":\"2021-10-14\",\"count\":3}");
    json_decref(days);
    dff_tz_release(&tz);
}

static void
outcomes_and_costs_are_those_of_the_last_seven_days(void **state)
{
    dff_str_t calls[] = {
        DFF_STR("[1634169723000,10,\"OK\"]"), DFF_STR("[1634169722000,30,\"cached\"]"),
        DFF_STR("[1634169721000,20,\"OK\"]"),
        DFF_STR("[1634169720000,41,\"EBizCondition.AuthLinkThrottling\"]"),
        DFF_STR("[1633564923457,0,\"UnknowError\"]"), DFF_STR("[1633564923456,999,\"OK\"]"),
        DFF_STR("[1634169720000,1]"), DFF_STR("[1,2,3]"), DFF_STR("{"), DFF_STR(""),
        DFF_STR("[1634169720000,-1,\"OK\"]"),
    };
    json_t *status, *cost;

    (void) state;
    assert_int_equal(dff_stat_recent(calls, DFF_TEST_COUNT(calls), NOW_MS, &status, &cost),
                     DFF_OK);
    is_json(status, "{\"total\":5,\"OK\":2,\"cached\":1,"
                    "\"EBizCondition.AuthLinkThrottling\":1,\"UnknowError\":1}");
    is_json(cost, "{\"samples\":5,\"min\":0,\"max\":41,\"avg\":20,\"mid\":20,\"p75\":30,"
                  "\"p95\":41,\"p99\":41}");
}

static void
fewer_than_two_calls_have_no_costs(void **state)
{
    dff_str_t calls[] = { DFF_STR("[1634169723000,10,\"OK\"]") };
    json_t   *status, *cost;

    (void) state;
    for (size_t count = 0; count < 2; count++) {
        assert_int_equal(dff_stat_recent(calls, count, NOW_MS, &status, &cost), DFF_OK);
        is_json(status, count == 0 ? "{\"total\":0}" : "{\"total\":1,\"OK\":1}");
        is_json(cost, count == 0
                ? "{\"samples\":0,\"min\":null,\"max\":null,\"avg\":null,\"mid\":null,"
                  "\"p75\":null,\"p95\":null,\"p99\":null}"
                : "{\"samples\":1,\"min\":null,\"max\":null,\"avg\":null,\"mid\":null,"
                  "\"p75\":null,\"p95\":null,\"p99\":null}");
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(seven_days_are_listed_newest_first_in_the_servers_zone),
        cmocka_unit_test(outcomes_and_costs_are_those_of_the_last_seven_days),
        cmocka_unit_test(fewer_than_two_calls_have_no_costs),
    };

    return cmocka_run_group_tests_name("dff_stat", tests, NULL, NULL);
}
