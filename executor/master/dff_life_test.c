/* Tests of what a life of Redis may have forgotten: whose results are told all the same. */
#include "master/dff_life.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#include "master/dff_heartbeat.h"
#include "master/dff_recent.h"
#include "redis/dff_redis_internal.h"

/* Seconds since the last heartbeat was taken, as none ever was: that counts as at 0. */
static time_t now_s;

/* In place of the C library's. */
int
clock_gettime(clockid_t clock, struct timespec *now)
{
    (void) clock;
    *now = (struct timespec) { .tv_sec = now_s };
    return 0;
}

static void
redis_is_back(dff_master_t *master, const char *run_id, time_t heartbeat_age_s)
{
    now_s = heartbeat_age_s;
    (void) snprintf(master->command->run_id, sizeof(master->command->run_id), "%s", run_id);
    dff_life_ready(master);
}

static void
only_what_nobody_can_have_taken_over_since_is_told(void **state)
{
    dff_redis_link_t link = { .state = DFF_LINK_DOWN };
    dff_master_t     master = { .command = &link };

    (void) state;
    TAILQ_INIT(&master.runs);
    master.heartbeat = dff_heartbeat_new(&master);
    master.recent = dff_recent_new(&master, DFF_RECENT_MAX_BYTES);
    master.quiet = dff_recent_new(&master, DFF_RECENT_MAX_BYTES);
    master.former = dff_recent_new(&master, DFF_RECENT_MAX_BYTES);

    redis_is_back(&master, "first", 100);
    assert_int_equal(master.life.number, 1);
    assert_false(dff_life_forgot(&master, 0));
    assert_false(dff_life_forgot(&master, 1));

    redis_is_back(&master, "second", 5);
    assert_true(dff_life_forgot(&master, 1));
    assert_false(dff_life_forgot(&master, 2));
    redis_is_back(&master, "second", 5);
    assert_true(dff_life_forgot(&master, 1));
    redis_is_back(&master, "second", 20);       /* others have seen no heartbeat of ours */
    assert_int_equal(master.life.number, 3);
    assert_false(dff_life_forgot(&master, 1));
    assert_false(dff_life_forgot(&master, 2));
    redis_is_back(&master, "second", 5);
    assert_false(dff_life_forgot(&master, 1));

    redis_is_back(&master, "third", 5);
    assert_int_equal(master.life.number, 4);
    assert_false(dff_life_forgot(&master, 1));
    assert_false(dff_life_forgot(&master, 2));
    assert_true(dff_life_forgot(&master, 3));
    redis_is_back(&master, "fourth", 20);
    assert_false(dff_life_forgot(&master, 4));
    redis_is_back(&master, "fifth", 5);
    assert_false(dff_life_forgot(&master, 4));
    assert_true(dff_life_forgot(&master, 5));

    dff_recent_free(master.former);
    dff_recent_free(master.quiet);
    dff_recent_free(master.recent);
    dff_heartbeat_free(master.heartbeat);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_nobody_can_have_taken_over_since_is_told),
    };

    return cmocka_run_group_tests_name("dff_life", tests, NULL, NULL);
}
