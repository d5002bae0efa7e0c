/* Tests of the groups that a pool is made of. */
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
    dff_config_t cfg = { .worker_prefetch_multiplier = 10 };
    dff_master_t master = { .cfg = &cfg };
    dff_group_t  group = { .master = &master, .target = 5 };

    (void) state;
    assert_int_equal(dff_group_places(&group), 50);
    assert_int_equal(dff_group_room(&group), 50);
    group.held = 49;
    assert_int_equal(dff_group_room(&group), 1);
    /* each queue may bring one more than there are places */
    group.held = 53;
    assert_int_equal(dff_group_room(&group), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(groups_are_restricted_by_the_option),
        cmocka_unit_test(room_is_what_the_places_leave),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
