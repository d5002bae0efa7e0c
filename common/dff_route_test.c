/* Routes: the stored JSON and the packed block. */
#include "dff_route.h"

#include "dff_test.h"

#include "dff_banned.h"

static const char minimal[] = "{\"v\":1,\"id\":\"auln-1\",\"kind\":\"al\",\"funcId\":\"a__b.c\"}";

static void
a_route_survives_encode_pack_and_a_move(void **state)
{
    dff_route_t route = {
        .kind = DFF_ROUTE_BATCH, .id = DFF_STR("bat-1"), .func_id = DFF_STR("demo__basic.plus"),
        .kwargs = DFF_STR("{\"y\":12345678901234567890,\"x\":\"INPUT_BY_CALLER\",\"z\":1.10}"),
        .api_auth = DFF_STR("{\"type\":\"httpBasic\"}"),
        .throttling = DFF_STR("{\"bySecond\":10}"),
        .expire_time_ms = INT64_MAX, .script_version = INT32_MAX, .timeout_s = 3600,
        .api_timeout_s = 180, .queue = 9, .max_memory_mb = 100, .cache_result_s = 0.1,
        .func_gone = true, .is_disabled = true, .retry_on_lost = true,
    };
    dff_route_t got;
    dff_buf_t   json = DFF_BUF_INIT;
    void       *block, *moved;
    size_t      size;
    dff_err_t   err;

    (void) state;
    dff_route_encode(&json, &route);
    assert_false(dff_buf_failed(&json));
    if (dff_route_pack((dff_str_t) { json.data, json.len }, &block, &size, &err) != DFF_OK)
        fail_msg("%s: %s", json.data, err.message);
    dff_buf_release(&json);
    moved = malloc(size);
    assert_non_null(moved);
    memcpy(moved, block, size);
    memset(block, 'x', size);
    free(block);

    dff_route_unpack(moved, &got);
    assert_int_equal(got.kind, route.kind);
    assert_true(dff_str_eq(got.id, route.id) && dff_str_eq(got.func_id, route.func_id));
    assert_true(dff_str_eq(got.kwargs, route.kwargs));
    assert_true(dff_str_eq(got.api_auth, route.api_auth));
    assert_true(dff_str_eq(got.throttling, route.throttling));
    assert_int_equal(got.expire_time_ms, route.expire_time_ms);
    assert_int_equal(got.script_version, route.script_version);
    assert_int_equal(got.timeout_s, route.timeout_s);
    assert_int_equal(got.api_timeout_s, route.api_timeout_s);
    assert_int_equal(got.queue, route.queue);
    assert_int_equal(got.max_memory_mb, route.max_memory_mb);
    assert_true(got.cache_result_s == route.cache_result_s);
    assert_true(got.func_gone && got.is_disabled && got.retry_on_lost);
    assert_true(got.throttling.data + got.throttling.len <= (char *) moved + size);
    free(moved);
}

static void
the_stored_json_is_as_documented(void **state)
{
    dff_route_t route = {
        .kind = DFF_ROUTE_AUTH_LINK, .id = DFF_STR("auln-plus"),
        .func_id = DFF_STR("demo__basic.plus"), .script_version = 3, .timeout_s = 30,
        .api_timeout_s = 10, .queue = 1,
    };
    dff_buf_t json = DFF_BUF_INIT;

    (void) state;
    dff_route_encode(&json, &route);
    assert_string_equal(json.data, "{\"v\":1,\"id\":\"auln-plus\",\"kind\":\"al\","
        "\"funcId\":\"demo__basic.plus\",\"scriptVersion\":3,\"funcGone\":false,"
        "\"isDisabled\":false,\"expireTimeMs\":0,\"kwargs\":{},\"func\":{\"timeout\":30,"
        "\"apiTimeout\":10,\"queue\":1,\"cacheResult\":0,\"retryOnLost\":false,\"maxMemory\":0},"
        "\"apiAuth\":null,\"throttling\":null}");
    dff_buf_release(&json);
}

static void
what_is_left_out_has_its_default(void **state)
{
    dff_route_t got;
    void       *block;
    size_t      size;

    (void) state;
    assert_int_equal(dff_route_pack(DFF_STR(minimal), &block, &size, NULL), DFF_OK);
    dff_route_unpack(block, &got);
    dff_test_str_is(got.kwargs, "{}");
    assert_int_equal(got.api_auth.len, 0);
    assert_int_equal(got.throttling.len, 0);
    assert_int_equal(got.queue, -1);
    assert_int_equal(got.timeout_s, 0);
    assert_false(got.func_gone || got.is_disabled || got.retry_on_lost);
    free(block);
}

static void
every_cut_is_refused(void **state)
{
    void  *block;
    size_t len, size;

    (void) state;
    for (len = 0; len < sizeof(minimal) - 1; len++) {
        dff_str_t cut = dff_test_exact((dff_str_t) { minimal, len });

        assert_int_equal(dff_route_pack(cut, &block, &size, NULL), DFF_ERROR);
        assert_null(block);
        dff_test_free(cut);
    }
}

#define HEAD  "{\"v\":1,\"id\":\"auln-1\",\"kind\":\"al\",\"funcId\":\"a__b.c\""

static void
a_bad_route_is_refused_with_its_reason(void **state)
{
    static const struct {
        const char *json, *says;
    } rows[] = {
        { "", "route is not a JSON object" },
        { "[]", "route is not a JSON object" },
        { "{}", "\"v\" is missing" },
        { "{\"v\":2}", "version 2 is not supported, this build reads version 1" },
        { "{\"v\":\"1\"}", "version \"1\" is not supported" },
        { "{\"v\":1,\"id\":\"a/b\"}", "\"id\" must be" },
        { "{\"v\":1,\"id\":\"auln-1\",\"kind\":\"cron\"}", "\"kind\" must be one of" },
        { "{\"v\":1,\"id\":\"auln-1\",\"kind\":\"al\",\"funcId\":\"a__b\"}", "\"funcId\" must be" },
        { HEAD ",\"kwargs\":[]}", "\"kwargs\" must be an object" },
        { HEAD ",\"kwargs\":\"{}\"}", "\"kwargs\" must be an object" },
        { HEAD ",\"expireTimeMs\":-1}", "\"expireTimeMs\" must be" },
        { HEAD ",\"funcGone\":0}", "\"funcGone\" must be true or false" },
        { HEAD ",\"func\":{\"queue\":10}}", "\"queue\" must be an integer from -1 to 9" },
        { HEAD ",\"func\":{\"queue\":-2}}", "\"queue\" must be an integer from -1 to 9" },
        { HEAD ",\"func\":{\"timeout\":86401}}", "\"timeout\" must be" },
        { HEAD ",\"func\":{\"maxMemory\":2147483648}}", "\"maxMemory\" must be" },
        { HEAD ",\"func\":{\"cacheResult\":-1}}", "\"cacheResult\" must be 0 to" },
        { HEAD ",\"func\":{\"cacheResult\":1e999}}", "\"cacheResult\" must be 0 to" },
        { HEAD ",\"func\":{\"cacheResult\":\"1\"}}", "\"cacheResult\" must be a number" },
        { HEAD ",\"func\":[]}", "\"func\" must be an object" },
        { HEAD ",\"v\":1}", "\"v\" stands there twice" },
    };
    void     *block;
    size_t    i, size;
    dff_err_t err;

    (void) state;
    for (i = 0; i < DFF_TEST_COUNT(rows); i++) {
        assert_int_equal(dff_route_pack(dff_str_from(rows[i].json), &block, &size, &err),
            DFF_ERROR);
        if (strstr(err.message, rows[i].says) == NULL)
            fail_msg("row %zu: %s", i, err.message);
        assert_null(block);
    }
}

static void
a_huge_route_is_refused(void **state)
{
    dff_buf_t json = DFF_BUF_INIT;
    void     *block;
    size_t    size, i;
    dff_err_t err;

    (void) state;
    dff_buf_addf(&json, "%s,\"kwargs\":{\"x\":\"", HEAD);
    for (i = 0; i < (1 << 20) / 16; i++)
        dff_buf_add_str(&json, DFF_STR("0123456789abcdef"));
    dff_buf_add_str(&json, DFF_STR("\"}}"));
    assert_int_equal(dff_route_pack((dff_str_t) { json.data, json.len }, &block, &size, &err),
        DFF_ERROR);
    assert_non_null(strstr(err.message, "the limit is"));
    dff_buf_release(&json);
}

static void
a_cache_time_that_no_json_has_is_written_as_none(void **state)
{
    dff_route_t route = { .id = DFF_STR("a"), .func_id = DFF_STR("a__b.c") };
    double      seconds[] = { -1, 0.0 / 0.0, 1.0 / 0.0 };
    size_t      i;

    (void) state;
    for (i = 0; i < DFF_TEST_COUNT(seconds); i++) {
        dff_buf_t json = DFF_BUF_INIT;

        route.cache_result_s = seconds[i];
        dff_route_encode(&json, &route);
        assert_non_null(strstr(json.data, "\"cacheResult\":0,"));
        dff_buf_release(&json);
    }
    assert_string_equal(dff_route_kind_name(DFF_ROUTE_AUTH_LINK), "al");
    assert_string_equal(dff_route_kind_name(DFF_ROUTE_BATCH), "bat");
    assert_string_equal(dff_route_kind_name(DFF_ROUTE_KIND_COUNT), "unknown");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_route_survives_encode_pack_and_a_move),
        cmocka_unit_test(the_stored_json_is_as_documented),
        cmocka_unit_test(what_is_left_out_has_its_default),
        cmocka_unit_test(every_cut_is_refused),
        cmocka_unit_test(a_bad_route_is_refused_with_its_reason),
        cmocka_unit_test(a_huge_route_is_refused),
        cmocka_unit_test(a_cache_time_that_no_json_has_is_written_as_none),
    };

    return cmocka_run_group_tests_name("dff_route", tests, NULL, NULL);
}
