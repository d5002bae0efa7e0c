/* What is hidden in logs and dumps, and what is not. */
#include "dff_mask.h"

#include "dff_err.h"
#include "dff_json.h"
#include "dff_test.h"

#include "dff_banned.h"

static void
names_of_secrets_are_known(void **state)
{
    (void) state;
    assert_true(dff_mask_is_secret(DFF_STR("password")));
    assert_true(dff_mask_is_secret(DFF_STR("userPassWord2")));
    assert_true(dff_mask_is_secret(DFF_STR("ACCESS_TOKEN")));
    assert_true(dff_mask_is_secret(DFF_STR("client-secret")));
    assert_true(dff_mask_is_secret(DFF_STR("Proxy-Authorization")));
    assert_false(dff_mask_is_secret(DFF_STR("pass")));
    assert_false(dff_mask_is_secret(DFF_STR("passwor")));
    assert_false(dff_mask_is_secret(DFF_STR("toke")));
    assert_false(dff_mask_is_secret(DFF_STR("")));
}

typedef struct {
    const char *text, *masked;
} row_t;

static void
members_of_json_are_hidden_by_their_names(void **state)
{
    static const row_t rows[] = {
        { "{\"password\":\"x\"}", "{\"password\":\"***\"}" },
        { "{\"passw\\u006Frd\":\"x\"}", "{\"passw\\u006Frd\":\"***\"}" },
        { "{ \"token\" :\n -1.5e3 , \"b\" : 2 }", "{\"token\":\"***\",\"b\":2}" },
        { "{\"token\":{\"a\":[1,{\"b\":\"}\\\"\"}]},\"c\":1}", "{\"token\":\"***\",\"c\":1}" },
        { "{\"token\":[],\"token\":null}", "{\"token\":\"***\",\"token\":\"***\"}" },
        { "[{\"a\":{\"my_Secret\":true}}]", "[{\"a\":{\"my_Secret\":\"***\"}}]" },
        { "{\"a\":\"password\",\"b\":[\"token\"]}", "{\"a\":\"password\",\"b\":[\"token\"]}" },
        { "{\"a\\\\\":\"x: y\",\"b\":\"\\\"\"}", "{\"a\\\\\":\"x: y\",\"b\":\"\\\"\"}" },
        { "{\"n\":123456789012345678901234567890}", "{\"n\":123456789012345678901234567890}" },
        { " 1 ", "1" },
        { "\"token\"", "\"token\"" },
        { "{\"token\":1}", "{\"token\":\"***\"}" },
    };
    char           room[256];
    size_t         i, size;
    dff_str_t      text;
    dff_mask_out_t out;

    (void) state;
    for (i = 0; i < DFF_TEST_COUNT(rows); i++) {
        text = dff_test_exact(dff_str_from(rows[i].text));
        out = (dff_mask_out_t) { room, 0, sizeof(room), false, false };
        (void) dff_mask_json(text, &out);
        dff_test_str_is((dff_str_t) { out.data, out.len }, rows[i].masked);
        assert_false(out.cut);

        /* cut at every length: a prefix of the whole, never more */
        for (size = 0; size < strlen(rows[i].masked); size++) {
            char *small = malloc(size + 1);

            assert_non_null(small);
            out = (dff_mask_out_t) { small, 0, size, false, false };
            (void) dff_mask_json(text, &out);
            assert_true(out.cut);
            assert_int_equal(out.len, size);
            assert_memory_equal(small, rows[i].masked, size);
            free(small);
        }
        dff_test_free(text);
    }
}

static void
a_name_too_long_to_look_at_counts_as_a_secret(void **state)
{
    char           text[400] = "{\"", room[512];
    dff_mask_out_t out = { room, 0, sizeof(room), false, false };

    (void) state;
    memset(text + 2, 'x', 300);
    memcpy(text + 302, "\":1}", 5);
    assert_int_equal(dff_mask_json(dff_str_from(text), &out), 1);
}

static void
fields_are_hidden_by_their_decoded_names(void **state)
{
    static const row_t rows[] = {
        { "a=1&token=x", "a=1&token=***" },
        { "p%61ssword=x&b=2", "p%61ssword=***&b=2" },
        { "%70ass%77ord=x%&b=%", "%70ass%77ord=***&b=%" },
        { "kwargs_token=", "kwargs_token=***" },
        { "token&a=1", "token&a=1" },
        { "a=token", "a=token" },
        { "kwargs={\"password\":\"x\"}&b=1", "kwargs={\"password\":\"***\"}&b=1" },
        { "kwargs=%7B%22a%22%3A%20%22%26%22,%22password%22:%22x%22%7D",
            "kwargs={\"a\":\"%26\",\"password\":\"***\"}" },
        { "kwargs={\"p\\u0061ssword\":1}", "kwargs={\"p\\u0061ssword\":\"***\"}" },
        { "kwargs={\"a\": 1}", "kwargs={\"a\": 1}" },
        { "kwargs={\"password\":\"x\"", "kwargs=***" },
        { "kwargs={\"p\\u0061ssword\":\"x\"", "kwargs=***" },
        { "kwargs={x:1}", "kwargs={x:1}" },
        { "kwargs=+[{\"token\":1}]", "kwargs=[{\"token\":\"***\"}]" },
        { "", "" },
        { "&&", "&&" },
    };
    char           room[256], scratch[256];
    size_t         i;
    dff_str_t      text;
    dff_mask_out_t out;

    (void) state;
    for (i = 0; i < DFF_TEST_COUNT(rows); i++) {
        text = dff_test_exact(dff_str_from(rows[i].text));
        out = (dff_mask_out_t) { room, 0, sizeof(room), false, false };
        dff_mask_fields(text, scratch, &out);
        dff_test_str_is((dff_str_t) { out.data, out.len }, rows[i].masked);
        assert_false(out.cut);
        if (strcmp(rows[i].text, rows[i].masked) != 0)
            assert_true(dff_mask_fields_needed(text, scratch));
        dff_test_free(text);
    }
    assert_false(dff_mask_fields_needed(DFF_STR("kwargs=%7B%22a%22:1%7D"), scratch));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_secrets_are_known),
        cmocka_unit_test(members_of_json_are_hidden_by_their_names),
        cmocka_unit_test(a_name_too_long_to_look_at_counts_as_a_secret),
        cmocka_unit_test(fields_are_hidden_by_their_decoded_names),
    };

    return cmocka_run_group_tests_name("dff_mask", tests, NULL, NULL);
}
