/* Tests of what is read from the answer to INFO. */
#include "dff_redis_info.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void
a_field_is_at_the_start_of_a_line_and_ends_with_it(void **state)
{
    static const struct {
        const char *info, *value;
    } cases[] = {
        { "", "" },
        { "a:", "" },
        { "a:1", "1" },
        { "a:1\n", "1" },
        { "a:1 \r\n", "1" },
        { "# Server\r\nb:2\r\na:1:3\r\nc:4\r\n", "1:3" },
        { "aa:2\r\nxa:3\r\n", "" },
        { "x a:3\r\n", "" },
        { "a:\r\n", "" },
        { "\n\n\na:1", "1" },
    };
    dff_str_t value;
    size_t    i;

    (void) state;
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        value = dff_redis_info_field(dff_str_from(cases[i].info), DFF_STR("a:"));
        assert_true(dff_str_eq(value, dff_str_from(cases[i].value)));
    }
}

static void
a_life_of_the_server_is_cut_to_size(void **state)
{
    char life[DFF_REDIS_RUN_ID_SIZE], info[256];

    (void) state;
    dff_redis_info_run_id(DFF_STR("redis_version:7.0.15\r\nrun_id:0a1b\r\n"), life);
    assert_string_equal(life, "0a1b");
    dff_redis_info_run_id(DFF_STR("redis_version:7.0.15\r\n"), life);
    assert_string_equal(life, "");

    memset(info, 'f', sizeof(info));
    memcpy(info, "run_id:", 7);
    dff_redis_info_run_id((dff_str_t) { info, sizeof(info) }, life);
    assert_int_equal(strlen(life), sizeof(life) - 1);
}

static void
a_server_that_evicts_is_known(void **state)
{
    static const struct {
        const char *info;
        bool        evicts;
    } cases[] = {
        { "", false },
        { "maxmemory:0\r\nmaxmemory_policy:allkeys-lru\r\n", false },
        { "maxmemory:1048576\r\nmaxmemory_policy:noeviction\r\n", false },
        { "maxmemory:1048576\r\nmaxmemory_policy:allkeys-lru\r\n", true },
        { "maxmemory:1048576\nmaxmemory_policy:volatile-ttl", true },
        { "maxmemory:1048576\r\n", false },
    };
    size_t i;

    (void) state;
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(dff_redis_info_evicts(dff_str_from(cases[i].info)), cases[i].evicts);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_field_is_at_the_start_of_a_line_and_ends_with_it),
        cmocka_unit_test(a_life_of_the_server_is_cut_to_size),
        cmocka_unit_test(a_server_that_evicts_is_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
