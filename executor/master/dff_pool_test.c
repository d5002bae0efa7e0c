/* Tests of the groups that a pool is made of. */
#include "master/dff_elastic.h"
#include "master/dff_elastic_memory.h"
#include "master/dff_pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void
groups_are_restricted_by_the_option(void **state)
{
    static const struct {
        const char *config, *only;
        int         count;            /* DFF_ERROR: refused */
        unsigned    masks[4];
    } cases[] = {
        { "0;1-6;7;8-9", NULL,   4, { 0x001, 0x07e, 0x080, 0x300 } },
        { "0-9",         NULL,   1, { 0x3ff } },
        { "0;1-6;7;8-9", "1-6",  1, { 0x07e } },
        { "0;1-6;7;8-9", "1-3",  1, { 0x00e } },
        { "0;1-6;7;8-9", "0;9",  2, { 0x001, 0x200 } },
        { "0-9",         "2,4",  1, { 0x014 } },
        { "0;1-6",       "1-9",  DFF_ERROR, { 0 } },
        { "0;1-6",       "7",    DFF_ERROR, { 0 } },
        { "0-9",         "",     DFF_ERROR, { 0 } },
        { "0-9",         "1-x",  DFF_ERROR, { 0 } },
        { "0;0",         NULL,   DFF_ERROR, { 0 } },
    };
    dff_config_t cfg;
    dff_err_t    err;
    unsigned     masks[10];
    size_t       i;
    int          n;

    (void) state;
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        memset(&cfg, 0, sizeof(cfg));
        cfg.worker_groups = (char *) (uintptr_t) cases[i].config;
        n = dff_pool_groups(&cfg, cases[i].only, masks, &err);
        assert_int_equal(n, cases[i].count);
        if (n > 0)
            assert_memory_equal(masks, cases[i].masks, (size_t) n * sizeof(masks[0]));
        else
            assert_true(err.message[0] != '\0');
    }
}

static void
room_is_what_the_places_leave(void **state)
{
    dff_config_t cfg = { .worker_concurrency = 5, .worker_prefetch_multiplier = 10 };
    dff_master_t master = { .cfg = &cfg };
    dff_group_t  group = { .master = &master };

    (void) state;
    dff_elastic_init_group(&group);
    assert_int_equal(group.ceiling, 25);
    assert_int_equal(dff_group_places(&group), 50);
    assert_int_equal(dff_group_room(&group), 50);
    group.held = 49;
    assert_int_equal(dff_group_room(&group), 1);
    /* each queue may bring one more than there are places */
    group.held = 53;
    assert_int_equal(dff_group_room(&group), 0);
}

static void
jobs_that_wait_are_claimed_ahead_no_more(void **state)
{
    dff_config_t cfg = { .worker_concurrency = 2, .worker_prefetch_multiplier = 10 };
    dff_master_t master = { .cfg = &cfg };
    dff_group_t  group = { .master = &master };
    int          i;

    (void) state;
    dff_elastic_init_group(&group);
    assert_int_equal(dff_group_places(&group), 20);

    /* every job waited for too long: one is claimed to tell that, until the group is full */
    for (i = 0; i < 6; i++)
        dff_elastic_started(&group, 0, 1000 + DFF_ELASTIC_WAIT_MS);
    assert_int_equal(dff_group_places(&group), 3);
    group.target = group.ceiling;
    assert_int_equal(dff_group_places(&group), 10);

    /* jobs that start one soon after the other */
    for (i = 0; i < 200; i++)
        dff_elastic_started(&group, 1000, 1000 + i / 10);
    assert_int_equal(dff_group_places(&group), 100);
    group.full = true;
    assert_int_equal(dff_group_places(&group), 10);

    /* a single one tells nothing */
    group.full = false;
    group.ahead = 0;
    dff_elastic_started(&group, 99000, 99000);
    assert_int_equal(dff_group_places(&group), 10);
}

static void
memory_is_read_from_meminfo(void **state)
{
    uint64_t total, available;

    (void) state;
    assert_int_equal(dff_elastic_meminfo("MemTotal:  100 kB\nMemFree: 1 kB\nMemAvailable:  42 kB\n",
                                         &total, &available), DFF_OK);
    assert_int_equal(total, 100);
    assert_int_equal(available, 42);
    assert_int_equal(dff_elastic_meminfo("MemTotal:  100 kB\n", &total, &available), DFF_ERROR);
    assert_int_equal(dff_elastic_meminfo("XMemTotal: 1\nMemAvailable: 1\n", &total, &available),
                     DFF_ERROR);
    assert_int_equal(dff_elastic_meminfo("MemTotal: x\nMemAvailable: 1\n", &total, &available),
                     DFF_ERROR);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(groups_are_restricted_by_the_option),
        cmocka_unit_test(room_is_what_the_places_leave),
        cmocka_unit_test(jobs_that_wait_are_claimed_ahead_no_more),
        cmocka_unit_test(memory_is_read_from_meminfo),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
