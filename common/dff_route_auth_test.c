/* API auths of routes: what is written is read back; the rest is refused. */
#include "dff_route_auth.h"

#include "dff_test.h"

#include "dff_banned.h"

#define MD5     "0123456789abcdef0123456789abcdef"
#define SHA256  MD5 MD5

static void
users_and_fields_are_read_as_they_were_written(void **state)
{
    static const char *const names[] = { "u", "a \"quoted\\\" one", "J\xc3\xa4s\xc3\xb8n\x01", "" };
    dff_buf_t              out = DFF_BUF_INIT, fields = DFF_BUF_INIT;
    dff_route_auth_t       auth;
    dff_route_auth_user_t  user;
    dff_route_auth_field_t field;
    dff_json_array_t       it;
    dff_err_t              err;

    (void) state;
    dff_route_auth_begin(&out, DFF_STR("apia-1"), DFF_AUTH_HTTP_DIGEST);
    dff_route_auth_begin(&fields, DFF_STR("apia-2"), DFF_AUTH_FIXED_FIELD);
    for (size_t i = 0; i < DFF_TEST_COUNT(names); i++) {
        dff_route_auth_add_user(&out, &(dff_route_auth_user_t) {
            .username = dff_str_from(names[i]), .a1 = { DFF_STR(MD5), DFF_STR(SHA256) } });
        dff_route_auth_add_field(&fields, &(dff_route_auth_field_t) {
            .location = DFF_AUTH_BODY, .name = dff_str_from(names[i]), .proof = DFF_STR(SHA256) });
    }
    dff_route_auth_end(&out);
    dff_route_auth_end(&fields);
    assert_false(dff_buf_failed(&out) || dff_buf_failed(&fields));

    assert_int_equal(dff_route_auth_read((dff_str_t) { out.data, out.len }, &auth, &err), DFF_OK);
    assert_int_equal(auth.type, DFF_AUTH_HTTP_DIGEST);
    dff_test_str_is(auth.id, "apia-1");
    assert_int_equal(dff_route_auth_open(&it, &auth, &err), DFF_OK);
    for (size_t i = 0; i < DFF_TEST_COUNT(names); i++) {
        assert_int_equal(dff_route_auth_next_user(&it, &user, &err), 1);
        assert_true(dff_route_auth_is(user.username, dff_str_from(names[i])));
        assert_false(dff_route_auth_is(user.username, DFF_STR("v")));
        dff_test_str_is(user.a1[DFF_DIGEST_MD5], MD5);
        dff_test_str_is(user.a1[DFF_DIGEST_SHA256], SHA256);
    }
    assert_int_equal(dff_route_auth_next_user(&it, &user, &err), 0);

    assert_int_equal(dff_route_auth_read((dff_str_t) { fields.data, fields.len }, &auth, &err),
        DFF_OK);
    assert_int_equal(dff_route_auth_open(&it, &auth, &err), DFF_OK);
    for (size_t i = 0; i < DFF_TEST_COUNT(names); i++) {
        assert_int_equal(dff_route_auth_next_field(&it, &field, &err), 1);
        assert_int_equal(field.location, DFF_AUTH_BODY);
        assert_true(dff_route_auth_is(field.name, dff_str_from(names[i])));
        dff_test_str_is(field.proof, SHA256);
    }
    assert_int_equal(dff_route_auth_next_field(&it, &field, &err), 0);
    dff_buf_release(&out);
    dff_buf_release(&fields);
}

static void
a_function_is_read_as_it_was_written(void **state)
{
    dff_route_auth_func_t func = {
        .func_id = DFF_STR("a__b.c"), .script_version = 3, .timeout_s = 2, .queue = -1,
        .func_gone = true,
    }, read;
    dff_route_auth_t      auth;
    dff_buf_t             out = DFF_BUF_INIT;
    dff_err_t             err;

    (void) state;
    dff_route_auth_add_func(&out, DFF_STR("apia-1"), &func);
    assert_int_equal(dff_route_auth_read((dff_str_t) { out.data, out.len }, &auth, &err), DFF_OK);
    assert_int_equal(auth.type, DFF_AUTH_FUNC);
    assert_int_equal(dff_route_auth_func_read(auth.config, &read, &err), DFF_OK);
    dff_test_str_is(read.func_id, "a__b.c");
    assert_int_equal(read.script_version, 3);
    assert_int_equal(read.timeout_s, 2);
    assert_int_equal(read.queue, -1);
    assert_true(read.func_gone);
    dff_buf_release(&out);
}

static void
a_closed_door_is_of_no_known_type_and_says_which_it_is(void **state)
{
    dff_route_auth_t auth;
    dff_buf_t        out = DFF_BUF_INIT;
    dff_err_t        err;

    (void) state;
    dff_route_auth_add_closed(&out, DFF_STR("apia-1"), "missing");
    assert_string_equal(out.data, "{\"id\":\"apia-1\",\"type\":\"missing\",\"config\":{}}");
    assert_int_equal(dff_route_auth_read((dff_str_t) { out.data, out.len }, &auth, &err),
        DFF_ERROR);
    assert_string_equal(err.message, "API auth apia-1 is of type \"missing\"");
    dff_buf_release(&out);
}

static void
what_is_no_api_auth_is_refused(void **state)
{
    static const char *const texts[] = {
        "", "null", "[]", "{}", "{\"id\":\"a\",\"type\":\"func\"}",
        "{\"id\":\"a/b\",\"type\":\"func\",\"config\":{}}",
        "{\"id\":\"a\",\"type\":\"func\",\"config\":[]}",
        "{\"id\":\"a\",\"type\":\"FUNC\",\"config\":{}}",
        "{\"id\":\"a\",\"type\":1,\"config\":{}}",
        "{\"id\":\"a\",\"type\":\"func\",\"config\":{}",
    };
    static const char *const lists[] = {
        "{}", "{\"users\":{}}", "{\"user\":[]}", "{\"users\":null}",
    };
    static const char *const users[] = {
        "[1]", "[{}]", "[{\"username\":\"u\"}]", "[{\"username\":\"u\",\"sha256\":\"00\"}]",
        "[{\"username\":1,\"sha256\":\"" SHA256 "\"}]",
        "[{\"sha256\":\"" SHA256 "\"}]",
        "[{\"username\":\"u\",\"sha256\":\"" SHA256 "\",\"md5\":\"1\"}]",
    };
    dff_route_auth_t      auth;
    dff_route_auth_user_t user;
    dff_route_auth_func_t func;
    dff_json_array_t      it;
    dff_err_t             err;

    (void) state;
    for (size_t i = 0; i < DFF_TEST_COUNT(texts); i++)
        assert_int_equal(dff_route_auth_read(dff_str_from(texts[i]), &auth, &err), DFF_ERROR);
    auth.type = DFF_AUTH_HTTP_BASIC;
    for (size_t i = 0; i < DFF_TEST_COUNT(lists); i++) {
        auth.config = dff_str_from(lists[i]);
        assert_int_equal(dff_route_auth_open(&it, &auth, &err), DFF_ERROR);
    }
    for (size_t i = 0; i < DFF_TEST_COUNT(users); i++) {
        assert_int_equal(dff_json_array_open(&it, dff_str_from(users[i])), DFF_OK);
        assert_int_equal(dff_route_auth_next_user(&it, &user, &err), DFF_ERROR);
    }
    assert_int_equal(dff_route_auth_func_read(DFF_STR("{}"), &func, &err), DFF_ERROR);
    assert_int_equal(dff_route_auth_func_read(DFF_STR("{\"funcId\":\"x\"}"), &func, &err),
        DFF_ERROR);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(users_and_fields_are_read_as_they_were_written),
        cmocka_unit_test(a_function_is_read_as_it_was_written),
        cmocka_unit_test(a_closed_door_is_of_no_known_type_and_says_which_it_is),
        cmocka_unit_test(what_is_no_api_auth_is_refused),
    };

    return cmocka_run_group_tests_name("dff_route_auth", tests, NULL, NULL);
}
