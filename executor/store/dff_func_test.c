/* Tests of reading what a worker's check answers. */
#include "store/dff_func.h"

#include "dff_test.h"

#define ROW(name, rest) \
    "{\"name\":\"" name "\",\"title\":null,\"description\":null,\"definition\":\"" name "()\"," \
    "\"args\":[],\"kwargs\":{},\"category\":\"general\",\"tags\":[]" rest "}"

static const struct {
    const char  *answer;
    dff_reason_t reason;
    const char  *message;
} bad[] = {
    { "", DFF_E_SYS, "check answer" },
    { "[]", DFF_E_SYS, "check answer" },
    { "{}", DFF_E_SYS, "check answer: no \"funcs\"" },
    { "{\"funcs\":{}}", DFF_E_SYS, "check answer: no \"funcs\"" },
    { "{\"funcs\":[1]}", DFF_E_SYS, "check answer: a function is not an object" },
    { "{\"funcs\":[", DFF_E_SYS, "check answer" },
    { "{\"funcs\":[{}]}", DFF_E_SYS, "check answer: member \"name\" is missing" },
    { "{\"funcs\":[{\"name\":1}]}", DFF_E_SYS, "check answer: member \"name\" is not" },
    { "{\"funcs\":[" ROW("a", "") "," ROW("a", "") "]}", DFF_E_CLIENT_DUPLICATED,
      "function a is exported more than once" },
    { "{\"funcs\":[" ROW("a-b", "") "]}", DFF_E_CLIENT_BAD_REQUEST, "function a-b: a name" },
    { "{\"funcs\":[" ROW("a\\u0000b", "") "]}", DFF_E_CLIENT_BAD_REQUEST, "name has a NUL" },
    { "{\"funcs\":[" ROW("a", ",\"extraConfig\":{\"timeout\":\"x\"}") "]}",
      DFF_E_CLIENT_BAD_REQUEST, "function a: extraConfig.timeout" },
    { "{\"funcs\":[" ROW("a", ",\"extraConfig\":{\"queue\":10}") "]}",
      DFF_E_CLIENT_BAD_REQUEST, "function a: extraConfig.queue" },
    { "{\"funcs\":[" ROW("a", ",\"extraConfig\":[]") "]}", DFF_E_SYS, "check answer" },
    { "{\"funcs\":[" ROW("a", ",\"defOrder\":-1") "]}", DFF_E_SYS, "check answer: bad defOrder" },
    { "{\"funcs\":[" ROW("a1234567890123456789012345678901234567890123456789012345678901234", "")
      "]}", DFF_E_CLIENT_BAD_REQUEST, "function a" },
};


static void
texts_are_kept_byte_for_byte(void **state)
{
    static const char answer[] =
        "{\"x\":[\"]\"],\"funcs\": [ {\"name\":\"plus\",\"title\":\"\\u4f60\\\"\","
        "\"description\":\"a\\nb\",\"definition\":\"plus(x)\",\"args\":[\"x\", \"]\", \"a\\\"{\"],"
        "\"kwargs\":{\"z\":{\"default\":1.10},\"b\":{\"default\":123456789012345678901234567890},"
        "\"a\":{}},\"extraConfig\":{},\"category\":\"c\",\"tags\":[ ],\"integration\":\"signIn\","
        "\"defOrder\":7,\"new\":{\"later\":[1]}} , " ROW("b", ",\"extraConfig\":{\"queue\":3}")
        " ] }";
    dff_str_t         text = dff_test_exact(DFF_STR(answer));
    dff_funcs_t       funcs;
    dff_func_config_t config;
    dff_err_t         err;

    (void) state;
    assert_int_equal(dff_func_parse(text, DFF_STR("demo__basic"), &funcs, &err), DFF_OK);
    assert_int_equal(funcs.count, 2);
    assert_string_equal(funcs.items[0].name, "plus");
    assert_string_equal(funcs.items[0].title, "\xe4\xbd\xa0\"");
    assert_string_equal(funcs.items[0].description, "a\nb");
    assert_string_equal(funcs.items[0].args_json, "[\"x\", \"]\", \"a\\\"{\"]");
    assert_string_equal(funcs.items[0].kwargs_json,
                        "{\"z\":{\"default\":1.10},"
                        "\"b\":{\"default\":123456789012345678901234567890},\"a\":{}}");
    assert_null(funcs.items[0].extra_config_json);
    assert_string_equal(funcs.items[0].integration, "signIn");
    assert_int_equal(funcs.items[0].def_order, 7);
    assert_null(funcs.items[1].title);
    assert_int_equal(dff_func_config_read(dff_str_from(funcs.items[1].extra_config_json), &config,
                                          &err), DFF_OK);
    assert_int_equal(config.queue, 3);
    dff_func_release(&funcs);
    dff_test_free(text);
}


static void
no_functions_are_no_error(void **state)
{
    dff_funcs_t funcs;
    dff_err_t   err;

    (void) state;
    assert_int_equal(dff_func_parse(DFF_STR("{\"funcs\":[]}"), DFF_STR("a__b"), &funcs, &err),
                     DFF_OK);
    assert_int_equal(funcs.count, 0);
    dff_func_release(&funcs);
}


static void
bad_answers_are_refused(void **state)
{
    (void) state;
    for (size_t i = 0; i < DFF_TEST_COUNT(bad); i++) {
        dff_str_t   text = dff_test_exact(dff_str_from(bad[i].answer));
        dff_funcs_t funcs;
        dff_err_t   err;

        if (dff_func_parse(text, DFF_STR("demo__basic"), &funcs, &err) != DFF_ERROR) {
            fail_msg("accepted: %s", bad[i].answer);
        }
        if (strncmp(err.message, bad[i].message, strlen(bad[i].message)) != 0) {
            fail_msg("expected <%s>, got <%s>", bad[i].message, err.message);
        }
        assert_int_equal(err.reason, bad[i].reason);
        assert_null(funcs.items);
        dff_test_free(text);
    }
}


static void
every_cut_of_an_answer_is_refused(void **state)
{
    static const char answer[] = "{\"funcs\":[" ROW("a", ",\"extraConfig\":{\"timeout\":3}") "]}";

    (void) state;
    for (size_t len = 0; len + 1 < sizeof(answer) - 1; len++) {
        dff_str_t   text = dff_test_exact((dff_str_t) { answer, len });
        dff_funcs_t funcs;
        dff_err_t   err;

        assert_int_equal(dff_func_parse(text, DFF_STR("demo__basic"), &funcs, &err), DFF_ERROR);
        dff_test_free(text);
    }
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_kept_byte_for_byte),
        cmocka_unit_test(no_functions_are_no_error),
        cmocka_unit_test(bad_answers_are_refused),
        cmocka_unit_test(every_cut_of_an_answer_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
