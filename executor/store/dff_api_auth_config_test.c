/* Configs of API auths: what is given is sealed, and routes get proofs of it. */
#include "store/dff_api_auth_config.h"

#include "store/dff_api_auth_route.h"
#include "dff_test.h"

#include "dff_banned.h"

#define SECRET  DFF_STR("a secret of the tests")
#define ID      DFF_STR("apia-1")

static dff_str_t
text_of(const dff_buf_t *buf)
{
    return (dff_str_t) { buf->data == NULL ? "" : buf->data, buf->len };
}

static void
seal(dff_buf_t *out, dff_auth_type_t type, const char *given, dff_str_t stored)
{
    dff_err_t err;

    if (dff_api_auth_config_seal(out, SECRET, ID, type, dff_str_from(given), stored, &err)
        != DFF_OK)
    {
        fail_msg("%s", err.message);
    }
}

static void
route_of(dff_buf_t *out, dff_str_t secret, const char *type, dff_str_t stored)
{
    dff_api_auth_source_t source = {
        .secret = secret, .id = ID, .type = dff_str_from(type), .stored = stored,
        .kind = DFF_ROUTE_AUTH_LINK, .link_id = DFF_STR("auln-1"), .func = { .queue = -1 },
    };

    dff_buf_clear(out);
    assert_int_equal(dff_api_auth_route(out, &source, NULL), DFF_OK);
}

static void
a_route_has_the_a1_digests_of_its_realm_and_no_password(void **state)
{
    dff_buf_t             stored = DFF_BUF_INIT, route = DFF_BUF_INIT;
    dff_route_auth_t      auth;
    dff_route_auth_user_t user;
    dff_json_array_t      it;
    dff_err_t             err;
    char                  a1[DFF_DIGEST_SIZE_MAX];

    (void) state;
    seal(&stored, DFF_AUTH_HTTP_DIGEST,
        "{\"users\":[{\"username\":\"bob\",\"password\":\"swordfish\"}],\"funcId\":null}",
        DFF_STR_NULL);
    assert_null(strstr(stored.data, "swordfish"));
    assert_null(strstr(stored.data, "funcId"));

    route_of(&route, SECRET, "httpDigest", text_of(&stored));
    assert_null(strstr(route.data, "swordfish"));
    assert_int_equal(dff_route_auth_read(text_of(&route), &auth, &err), DFF_OK);
    assert_int_equal(dff_route_auth_open(&it, &auth, &err), DFF_OK);
    assert_int_equal(dff_route_auth_next_user(&it, &user, &err), 1);
    for (int i = 0; i < DFF_DIGEST_COUNT; i++) {
        assert_int_equal(dff_auth_a1(a1, (dff_digest_t) i, DFF_STR("bob"),
            DFF_STR("AuthLink:auln-1"), DFF_STR("swordfish"), &err), DFF_OK);
        dff_test_str_is(user.a1[i], a1);
    }
    assert_int_equal(dff_route_auth_next_user(&it, &user, &err), 0);

    /* Basic has no use for MD5. */
    route_of(&route, SECRET, "httpBasic", text_of(&stored));
    assert_null(strstr(route.data, "md5"));
    dff_buf_release(&stored);
    dff_buf_release(&route);
}

static void
a_field_of_a_header_is_in_lower_case_and_its_value_an_hmac(void **state)
{
    dff_buf_t              stored = DFF_BUF_INIT, route = DFF_BUF_INIT;
    dff_route_auth_t       auth;
    dff_route_auth_field_t field;
    dff_json_array_t       it;
    dff_err_t              err;
    unsigned char          key[DFF_MAC_KEY_SIZE];
    char                   proof[DFF_MAC_SIZE];

    (void) state;
    seal(&stored, DFF_AUTH_FIXED_FIELD, "{\"fields\":[{\"location\":\"header\","
        "\"name\":\"X-Token\",\"value\":\"swordfish\"}]}", DFF_STR_NULL);
    route_of(&route, SECRET, "fixedField", text_of(&stored));
    assert_null(strstr(route.data, "swordfish"));
    assert_int_equal(dff_route_auth_read(text_of(&route), &auth, &err), DFF_OK);
    assert_int_equal(dff_route_auth_open(&it, &auth, &err), DFF_OK);
    assert_int_equal(dff_route_auth_next_field(&it, &field, &err), 1);
    dff_test_str_is(field.name, "x-token");
    assert_int_equal(field.location, DFF_AUTH_HEADER);
    assert_int_equal(dff_auth_field_key(key, SECRET, &err), DFF_OK);
    assert_int_equal(dff_auth_field(proof, key, ID, DFF_STR("swordfish"), &err), DFF_OK);
    dff_test_str_is(field.proof, proof);
    dff_buf_release(&stored);
    dff_buf_release(&route);
}

static void
a_kept_password_is_the_users_own(void **state)
{
    dff_buf_t first = DFF_BUF_INIT, second = DFF_BUF_INIT, refused = DFF_BUF_INIT;
    dff_buf_t one = DFF_BUF_INIT, two = DFF_BUF_INIT;
    dff_err_t err;

    (void) state;
    seal(&first, DFF_AUTH_HTTP_BASIC,
        "{\"users\":[{\"username\":\"bob\",\"password\":\"swordfish\"}]}", DFF_STR_NULL);
    seal(&second, DFF_AUTH_HTTP_BASIC, "{\"users\":[{\"username\":\"bob\"}]}", text_of(&first));
    route_of(&one, SECRET, "httpBasic", text_of(&first));
    route_of(&two, SECRET, "httpBasic", text_of(&second));
    assert_string_equal(one.data, two.data);
    assert_int_equal(dff_api_auth_config_seal(&refused, SECRET, ID, DFF_AUTH_HTTP_BASIC,
        DFF_STR("{\"users\":[{\"username\":\"eve\"}]}"), text_of(&first), &err), DFF_ERROR);
    assert_int_equal(refused.len, 0);
    dff_buf_release(&first);
    dff_buf_release(&second);
    dff_buf_release(&one);
    dff_buf_release(&two);
}

static void
what_cannot_be_understood_is_a_closed_door(void **state)
{
    static const struct { const char *type, *stored, *why; } rows[] = {
        { "", "", "missing" }, { "", "{}", "missing" }, { "odd", "{}", "unreadable" },
        { "httpBasic", "", "unreadable" }, { "httpBasic", "{}", "unreadable" },
        { "httpBasic", "{\"users\":[]}", "unreadable" },
        { "httpBasic", "{\"users\":[{\"username\":\"bob\"}]}", "unreadable" },
        { "httpBasic", "{\"users\":[{\"username\":\"bob\",\"passwordCipher\":\"x\"}]}",
          "unreadable" },
        { "fixedField", "{\"fields\":[{\"location\":1}]}", "unreadable" },
        { "func", "{\"funcId\":\"x\"}", "unreadable" }, { "func", "[", "unreadable" },
    };
    dff_buf_t stored = DFF_BUF_INIT, route = DFF_BUF_INIT;
    char      expected[128];

    (void) state;
    for (size_t i = 0; i < DFF_TEST_COUNT(rows); i++) {
        route_of(&route, SECRET, rows[i].type, dff_str_from(rows[i].stored));
        (void) snprintf(expected, sizeof(expected),
            "{\"id\":\"apia-1\",\"type\":\"%s\",\"config\":{}}", rows[i].why);
        assert_string_equal(route.data, expected);
    }
    seal(&stored, DFF_AUTH_HTTP_BASIC,
        "{\"users\":[{\"username\":\"bob\",\"password\":\"swordfish\"}]}", DFF_STR_NULL);
    route_of(&route, DFF_STR("another secret"), "httpBasic", text_of(&stored));
    assert_non_null(strstr(route.data, "unreadable"));
    dff_buf_release(&stored);
    dff_buf_release(&route);
}

static void
a_listing_has_names_only(void **state)
{
    dff_buf_t stored = DFF_BUF_INIT, told = DFF_BUF_INIT;
    char      func_id[8];

    (void) state;
    seal(&stored, DFF_AUTH_FIXED_FIELD,
        "{\"fields\":[{\"location\":\"query\",\"name\":\"k\",\"value\":\"swordfish\"},"
        "{\"location\":\"body\",\"name\":\"l\",\"value\":\"swordfish\"}]}", DFF_STR_NULL);
    dff_api_auth_config_tell(&told, text_of(&stored));
    assert_string_equal(told.data, "query k, body l");
    dff_buf_clear(&told);
    dff_api_auth_config_tell(&told, DFF_STR("{\"funcId\":\"a__b.c\"}"));
    assert_string_equal(told.data, "a__b.c");
    dff_api_auth_config_func(func_id, sizeof(func_id), DFF_STR("{\"funcId\":\"a__b.cdef\"}"));
    assert_string_equal(func_id, "a__b.cd");
    dff_api_auth_config_func(func_id, sizeof(func_id), DFF_STR("{"));
    assert_string_equal(func_id, "");
    dff_buf_release(&stored);
    dff_buf_release(&told);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_route_has_the_a1_digests_of_its_realm_and_no_password),
        cmocka_unit_test(a_field_of_a_header_is_in_lower_case_and_its_value_an_hmac),
        cmocka_unit_test(a_kept_password_is_the_users_own),
        cmocka_unit_test(what_cannot_be_understood_is_a_closed_door),
        cmocka_unit_test(a_listing_has_names_only),
    };

    return cmocka_run_group_tests_name("dff_api_auth_config", tests, NULL, NULL);
}
