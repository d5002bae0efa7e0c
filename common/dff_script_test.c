/* Published scripts as JSON. */
#include "dff_script.h"

#include "dff_test.h"

#include "dff_banned.h"

#define MD5  "0123456789abcdef0123456789abcdef"

static void
a_script_is_read_back_as_it_was_written(void **state)
{
    char         id[] = "demo__basic", funcs[] = "[{\"name\":\"plus\",\"n\":12345678901234567890}]";
    char         code[] = "def f():\n\treturn \"\xe4\xbd\xa0\\n\"\0# end";
    dff_script_t script = { id, 7, MD5, code, sizeof(code) - 1, funcs }, got;
    dff_buf_t    json = DFF_BUF_INIT;
    dff_str_t    bytes;
    dff_err_t    err;
    size_t       len;

    (void) state;
    dff_script_encode(&json, &script);
    assert_false(dff_buf_failed(&json));
    bytes = dff_test_exact((dff_str_t) { json.data, json.len });
    dff_buf_release(&json);
    if (dff_script_decode(bytes, &got, &err) != DFF_OK)
        fail_msg("%s", err.message);
    assert_string_equal(got.id, id);
    assert_int_equal(got.version, 7);
    assert_string_equal(got.md5, MD5);
    assert_int_equal(got.code_len, sizeof(code) - 1);
    assert_memory_equal(got.code, code, sizeof(code));
    assert_string_equal(got.funcs_json, funcs);
    dff_script_release(&got);
    dff_script_release(&got);

    for (len = 0; len < bytes.len; len++) {
        dff_str_t cut = dff_test_exact((dff_str_t) { bytes.data, len });

        assert_int_equal(dff_script_decode(cut, &got, NULL), DFF_ERROR);
        dff_script_release(&got);
        dff_test_free(cut);
    }
    dff_test_free(bytes);
    dff_script_release(NULL);
}

static void
an_empty_script_has_empty_code_and_no_functions(void **state)
{
    char         id[] = "a__b";
    dff_script_t script = { .id = id, .version = 1, .md5 = MD5 }, got;
    dff_buf_t    json = DFF_BUF_INIT;

    (void) state;
    dff_script_encode(&json, &script);
    assert_string_equal(json.data, "{\"v\":1,\"id\":\"a__b\",\"version\":1,\"md5\":\"" MD5
        "\",\"code\":\"\",\"funcs\":[]}");
    assert_int_equal(dff_script_decode((dff_str_t) { json.data, json.len }, &got, NULL), DFF_OK);
    assert_string_equal(got.code, "");
    assert_int_equal(got.code_len, 0);
    dff_script_release(&got);
    dff_buf_release(&json);
}

static void
a_bad_script_is_refused_with_its_reason(void **state)
{
    static const struct {
        const char *json, *says;
    } rows[] = {
        { "", "script is not a JSON object" },
        { "{}", "\"v\" is missing" },
        { "{\"v\":2}", "version 2 is not supported" },
        { "{\"v\":1,\"id\":\"ab\"}", "\"id\" must be" },
        { "{\"v\":1,\"id\":\"a__b\",\"version\":0}", "\"version\" must be" },
        { "{\"v\":1,\"id\":\"a__b\",\"version\":1,\"md5\":\"abc\"}", "\"md5\" must be" },
        { "{\"v\":1,\"id\":\"a__b\",\"version\":1,\"md5\":\"" MD5 "0\"}", "\"md5\" must be" },
        { "{\"v\":1,\"id\":\"a__b\",\"version\":1,\"md5\":\"X123456789abcdef0123456789abcdef\"}",
          "\"md5\" must be" },
        { "{\"v\":1,\"id\":\"a__b\",\"version\":1,\"md5\":\"" MD5 "\",\"code\":1}",
          "\"code\" must be a string" },
        { "{\"v\":1,\"id\":\"a__b\",\"version\":1,\"md5\":\"" MD5 "\",\"code\":\"\"}",
          "\"funcs\" is missing" },
        { "{\"v\":1,\"id\":\"a__b\",\"version\":1,\"md5\":\"" MD5 "\",\"code\":\"\",\"funcs\":{}}",
          "\"funcs\" must be an array" },
        { "{\"v\":1,\"id\":\"a__b\",\"version\":1,\"md5\":\"" MD5 "\",\"code\":\"\xff\","
          "\"funcs\":[]}",
          "not UTF-8" },
    };
    dff_script_t got;
    dff_err_t    err;
    size_t       i;

    (void) state;
    for (i = 0; i < DFF_TEST_COUNT(rows); i++) {
        assert_int_equal(dff_script_decode(dff_str_from(rows[i].json), &got, &err), DFF_ERROR);
        if (strstr(err.message, rows[i].says) == NULL)
            fail_msg("row %zu: %s", i, err.message);
        assert_null(got.id);
        assert_null(got.code);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_script_is_read_back_as_it_was_written),
        cmocka_unit_test(an_empty_script_has_empty_code_and_no_functions),
        cmocka_unit_test(a_bad_script_is_refused_with_its_reason),
    };

    return cmocka_run_group_tests_name("dff_script", tests, NULL, NULL);
}
