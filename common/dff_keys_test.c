/* The names of Redis keys. */
#include "dff_keys.h"

#include "dff_test.h"

#include "dff_banned.h"

static void
keys_are_spelt_as_the_protocol_says(void **state)
{
    dff_key_t key;

    (void) state;
#define IS(call, text) \
    assert_int_equal(call, strlen(text)); \
    assert_string_equal(key, text)
    IS(dff_key_queue(key, 0), "dff:queue:0");
    IS(dff_key_queue(key, 9), "dff:queue:9");
    IS(dff_key_claimed(key, DFF_STR("node-1")), "dff:claimed:node-1");
    IS(dff_key_queue_at(key, 7, DFF_STR("node-1")), "dff:queue:7@node-1");
    IS(dff_key_queue_at(key, 7, DFF_STR_NULL), "dff:queue:7");
    IS(dff_key_wake(key, DFF_STR("node-1")), "dff:wake:node-1");
    IS(dff_key_started(key, DFF_STR("node-1")), "dff:started:node-1");
    IS(dff_key_node(key, DFF_STR("node-1")), "dff:node:node-1");
    IS(dff_key_reply(key, DFF_STR("ngx-1")), "dff:reply:ngx-1");
    IS(dff_key_result(key, DFF_STR("task-1")), "dff:result:task-1");
    IS(dff_key_route(key, "al", DFF_STR("auln-1")), "dff:route:al:auln-1");
    IS(dff_key_route(key, "bat", DFF_STR("bat-1")), "dff:route:bat:bat-1");
    IS(dff_key_nonce(key, DFF_STR("n1")), "dff:nonce:n1");
    IS(dff_key_throttle(key, "bat", DFF_STR("bat-1"), "bySecond", 1634173323),
       "dff:throttle:bat:bat-1:bySecond:1634173323");
    IS(dff_key_cache_result(key, DFF_STR("demo__basic.plus"), 7, DFF_STR("00ff")),
       "dff:cache:result:demo__basic.plus:7:00ff");
    IS(dff_key_stat_count(key, "al", DFF_STR("auln-1")), "dff:stat:count:al:auln-1");
    IS(dff_key_stat_recent(key, "al", DFF_STR("auln-1")), "dff:stat:recent:al:auln-1");
    IS(dff_key_api(key, DFF_KEY_SESSION, DFF_STR("00ff")), "dff:session:00ff");
    IS(dff_key_api(key, DFF_KEY_CAPTCHA, DFF_STR("00ff")), "dff:captcha:00ff");
    IS(dff_key_api(key, DFF_KEY_SIGN_IN, DFF_STR("00ff")), "dff:sign-in:00ff");
    IS(dff_key_api(key, DFF_KEY_SIGN_IN_WAIT, DFF_STR("00ff")), "dff:sign-in-wait:00ff");
    IS(dff_key_api(key, DFF_KEY_AK_NONCE, DFF_STR("00ff")), "dff:ak-nonce:00ff");
    IS(dff_key_api(key, DFF_KEY_IMPORT, DFF_STR("00ff")), "dff:import:00ff");
    IS(dff_key_node(key, DFF_STR_NULL), "dff:node:");
#undef IS
}

static void
a_part_that_does_not_fit_is_cut(void **state)
{
    char      huge[2 * DFF_KEY_MAX];
    dff_str_t part = { huge, sizeof(huge) };
    struct {
        dff_key_t key;
        char      after[8];
    } place;

    (void) state;
    memset(huge, 'x', sizeof(huge));
    memset(&place, 'z', sizeof(place));
    assert_int_equal(dff_key_route(place.key, "al", part), DFF_KEY_MAX - 1);
    assert_int_equal(place.key[DFF_KEY_MAX - 1], '\0');
    assert_int_equal(dff_key_result(place.key, part), DFF_KEY_MAX - 1);
    assert_int_equal(dff_key_cache_result(place.key, part, 1, part), DFF_KEY_MAX - 1);
    assert_int_equal(strlen(place.key), DFF_KEY_MAX - 1);
    assert_memory_equal(place.after, "zzzzzzzz", 8);
}

static void
keys_of_the_cache_of_scripts_can_be_taken_apart(void **state)
{
    static const dff_str_t parts[][2] = {
        { DFF_STR("demo__basic"), DFF_STR("k") }, { DFF_STR("a:1:b"), DFF_STR(":") },
        { DFF_STR(""), DFF_STR("") }, { DFF_STR("s"), DFF_STR("a\0b") },
    };
    static const dff_str_t others[] = {
        DFF_STR("dff:cache:func:"), DFF_STR("dff:cache:func:1"), DFF_STR("dff:cache:func::s:k"),
        DFF_STR("dff:cache:func:9:s:k"), DFF_STR("dff:cache:func:1:s"), DFF_STR("dff:queue:1"),
        DFF_STR("dff:cache:func:99999999999999999999999:s:k"), DFF_STR("dff:cache:func:1:sk"),
    };
    dff_str_t scope, name;
    size_t    i;

    (void) state;
    for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        dff_buf_t key = DFF_BUF_INIT;

        dff_key_func_cache(&key, parts[i][0], parts[i][1]);
        assert_true(dff_key_func_cache_parts((dff_str_t) { key.data, key.len }, &scope, &name));
        assert_true(dff_str_eq(scope, parts[i][0]) && dff_str_eq(name, parts[i][1]));
        if (i == 0)
            assert_string_equal(key.data, "dff:cache:func:11:demo__basic:k");
        dff_buf_release(&key);
    }
    for (i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        assert_false(dff_key_func_cache_parts(others[i], &scope, &name));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_spelt_as_the_protocol_says),
        cmocka_unit_test(a_part_that_does_not_fit_is_cut),
        cmocka_unit_test(keys_of_the_cache_of_scripts_can_be_taken_apart),
    };

    return cmocka_run_group_tests_name("dff_keys", tests, NULL, NULL);
}
