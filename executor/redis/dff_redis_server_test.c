/* Tests of what a Redis server must be: read from the text of INFO. */
#include "redis/dff_redis_link.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void
servers_are_told_apart_by_info(void **state)
{
    static const struct {
        const char *info;
        int         rc;
        const char *not_now;
        const char *message;      /* part of it */
    } cases[] = {
        { "", DFF_ERROR, NULL, "no Redis" },
        { "redis_version:", DFF_ERROR, NULL, "no Redis" },
        { "redis_version:x.1\r\n", DFF_ERROR, NULL, "no Redis" },
        { "# Server\r\nredis_version:3.2.12\r\n", DFF_ERROR, NULL, "4.0 or later" },
        { "# Server\r\nredis_version:4.0.0\r\n", DFF_OK, NULL, "" },
        { "# Server\nredis_version:7.0.15\nrun_id:abc\nloading:0\ncluster_enabled:0", DFF_OK,
          NULL, "" },
        { "redis_version:10.0.1\r\nloading:1\r\n", DFF_OK, "loading", "" },
        { "redis_version:7.0.15\r\nrole:slave\r\nslave_read_only:1\r\n", DFF_OK, "replica", "" },
        { "redis_version:7.0.15\r\nrole:slave\r\nslave_read_only:0\r\n", DFF_OK, NULL, "" },
        { "redis_version:7.0.15\r\ncluster_enabled:1\r\n", DFF_ERROR, NULL, "cluster mode" },
        /* only at the start of a line */
        { "x_redis_version:7\r\n", DFF_ERROR, NULL, "no Redis" },
        { "redis_version:6.2\r\nx_cluster_enabled:1\r\nxloading:1\r\n", DFF_OK, NULL, "" },
    };
    char      run_id[DFF_REDIS_RUN_ID_SIZE];
    const char *not_now;
    dff_err_t err;
    size_t    i;

    (void) state;
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        err.message[0] = '\0';
        assert_int_equal(dff_redis_check_info(dff_str_from(cases[i].info), run_id, &not_now,
                                              &err), cases[i].rc);
        assert_int_equal(not_now == NULL, cases[i].not_now == NULL);
        if (not_now != NULL)
            assert_non_null(strstr(not_now, cases[i].not_now));
        assert_non_null(strstr(err.message, cases[i].message));
    }
}

static void
the_run_id_is_read_and_cut_to_size(void **state)
{
    char      run_id[DFF_REDIS_RUN_ID_SIZE], info[256];
    const char *not_now;
    dff_err_t err;

    (void) state;
    assert_int_equal(dff_redis_check_info(DFF_STR("redis_version:7.0.1\r\nrun_id:0a1b\r\n"),
                                          run_id, &not_now, &err), DFF_OK);
    assert_string_equal(run_id, "0a1b");

    memset(info, 'f', sizeof(info));
    memcpy(info, "redis_version:7\nrun_id:", 23);
    assert_int_equal(dff_redis_check_info((dff_str_t) { info, sizeof(info) }, run_id, &not_now,
                                          &err), DFF_OK);
    assert_int_equal(strlen(run_id), sizeof(run_id) - 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(servers_are_told_apart_by_info),
        cmocka_unit_test(the_run_id_is_read_and_cut_to_size),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
