/* Frames and requests of the services socket. */
#include "api/dff_service_request.h"

#include "dff_test.h"

#include "dff_banned.h"

enum { TEXT, INT, SECONDS, BOOL, VALUE, OBJECT, LIST };

static const dff_service_arg_t every_args[] = {
    [TEXT] = { "text", DFF_SERVICE_TEXT, DFF_SERVICE_OPTIONAL, 2, 3 },
    [INT] = { "int", DFF_SERVICE_INT, DFF_SERVICE_OPTIONAL, -5, 5 },
    [SECONDS] = { "seconds", DFF_SERVICE_SECONDS, DFF_SERVICE_OPTIONAL, 0, 100 },
    [BOOL] = { "bool", DFF_SERVICE_BOOL, DFF_SERVICE_OPTIONAL, 0, 0 },
    [VALUE] = { "value", DFF_SERVICE_VALUE, DFF_SERVICE_OPTIONAL, 0, 0 },
    [OBJECT] = { "object", DFF_SERVICE_OBJECT, DFF_SERVICE_OPTIONAL, 0, 0 },
    [LIST] = { "list", DFF_SERVICE_LIST, DFF_SERVICE_OPTIONAL, 0, 0 },
};
static const dff_service_arg_t must_args[] = { { "text", DFF_SERVICE_TEXT, 0, 0, 9 } };

static const dff_service_fields_t every = { "every", every_args, 7 };
static const dff_service_fields_t must = { "must", must_args, 1 };

static const dff_service_fields_t *
find(dff_str_t op)
{
    return dff_str_eq(op, DFF_STR("every")) ? &every : dff_str_eq(op, DFF_STR("must")) ? &must
                                                                                       : NULL;
}

static void
every_type_is_read(void **state)
{
    dff_service_request_t request;
    dff_err_t             err;
    dff_str_t             json = DFF_STR(
        "{\"op\":\"every\",\"text\":\"\\u00e4\\u0000b\",\"int\":-5,\"seconds\":0.0001,"
        "\"bool\":true,\"value\": [1.0, \"x\"] ,\"object\":{\"a\":1},\"list\":[]}");

    (void) state;
    assert_int_equal(dff_service_request_read(&request, json, find, &err), DFF_OK);
    assert_true(dff_str_eq(request.values[TEXT].text, DFF_STR("\xc3\xa4\0b")));
    assert_int_equal(request.values[TEXT].text.data[4], '\0');
    assert_int_equal(request.values[INT].number, -5);
    assert_int_equal(request.values[SECONDS].number, 1);
    assert_int_equal(request.values[BOOL].number, 1);
    assert_true(dff_str_eq(request.values[VALUE].text, DFF_STR("[1.0, \"x\"]")));
    assert_true(dff_str_eq(request.values[OBJECT].text, DFF_STR("{\"a\":1}")));
    assert_true(dff_str_eq(request.values[LIST].text, DFF_STR("[]")));
    dff_service_request_release(&request);
}

static void
null_is_as_if_it_were_left_out(void **state)
{
    dff_service_request_t request;
    dff_err_t             err;
    dff_str_t             json = DFF_STR("{\"text\":null,\"op\":\"every\",\"value\":null}");

    (void) state;
    assert_int_equal(dff_service_request_read(&request, json, find, &err), DFF_OK);
    assert_false(request.values[TEXT].given);
    assert_false(request.values[VALUE].given);
    dff_service_request_release(&request);
}

static void
what_is_wrong_is_named(void **state)
{
    static const struct { const char *json, *message; } cases[] = {
        { "", "no JSON object" }, { "[]", "no JSON object" }, { "{\"op\":\"every\"", "no JSON" },
        { "{\"op\":\"every\"}x", "no JSON object" }, { "{}", "\"op\" is missing" },
        { "{\"op\":\"none\"}", "no operation \"none\"" }, { "{\"op\":7}", "plain string" },
        { "{\"op\":\"every\",\"op\":\"every\"}", "\"op\" is given twice" },
        { "{\"op\":\"every\",\"x\":1}", "every: unknown field \"x\"" },
        { "{\"op\":\"every\",\"int\":1,\"int\":1}", "\"int\" is given twice" },
        { "{\"op\":\"must\"}", "must: \"text\" is missing" },
        { "{\"op\":\"must\",\"text\":null}", "\"text\" must be a string" },
        { "{\"op\":\"every\",\"text\":\"x\"}", "2 to 3 characters, it has 1" },
        { "{\"op\":\"every\",\"text\":\"xxxx\"}", "2 to 3 characters, it has 4" },
        { "{\"op\":\"every\",\"int\":6}", "\"int\" must be -5 to 5, got 6" },
        { "{\"op\":\"every\",\"int\":1.0}", "an integer of 64 bits, got 1.0" },
        { "{\"op\":\"every\",\"int\":99999999999999999999}", "an integer of 64 bits" },
        { "{\"op\":\"every\",\"seconds\":0}", "seconds above 0" },
        { "{\"op\":\"every\",\"seconds\":101}", "seconds above 0" },
        { "{\"op\":\"every\",\"bool\":0}", "true or false" },
        { "{\"op\":\"every\",\"object\":[]}", "\"object\" must be an object" },
        { "{\"op\":\"every\",\"list\":{}}", "\"list\" must be a list" },
    };
    size_t i;

    (void) state;
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        dff_service_request_t request;
        dff_err_t             err;

        assert_int_equal(dff_service_request_read(&request, dff_str_from(cases[i].json), find,
                                                  &err), DFF_ERROR);
        dff_service_request_release(&request);
        if (strstr(err.message, cases[i].message) == NULL)
            fail_msg("%s: %s", cases[i].json, err.message);
        assert_int_equal(err.reason, DFF_E_CLIENT_BAD_REQUEST);
    }
}

static void
a_frame_is_whole_or_awaited_or_too_large(void **state)
{
    static const char whole[] = "\0\0\0\2{}more", large[] = "\2\0\0\1x", limit[] = "\2\0\0\0x";
    dff_str_t         json;
    dff_err_t         err;
    size_t            size, len;

    (void) state;
    for (len = 0; len < 6; len++) {
        assert_int_equal(dff_service_frame((dff_str_t) { whole, len }, &json, &size, &err), 0);
        assert_int_equal(size, len < 4 ? 0 : 2);
    }
    assert_int_equal(dff_service_frame((dff_str_t) { whole, 10 }, &json, &size, &err), 1);
    assert_true(dff_str_eq(json, DFF_STR("{}")));
    assert_int_equal(dff_service_frame((dff_str_t) { limit, 5 }, &json, &size, &err), 0);
    assert_int_equal(dff_service_frame((dff_str_t) { large, 5 }, &json, &size, &err), DFF_ERROR);
    assert_int_equal(size, (32u << 20) + 1);
}

static void
answers_are_frames(void **state)
{
    dff_buf_t out = DFF_BUF_INIT;
    dff_str_t json, all;
    dff_err_t err;
    size_t    begin, size;
    char     *huge;

    (void) state;
    begin = dff_service_answer_begin(&out);
    dff_buf_add_str(&out, DFF_STR("[1]"));
    assert_int_equal(dff_service_answer_end(&out, begin, &err), DFF_OK);
    dff_service_answer_error(&out, "KeyError", "a \"b\"\n");
    all = (dff_str_t) { out.data, out.len };
    assert_int_equal(dff_service_frame(all, &json, &size, &err), 1);
    assert_true(dff_str_eq(json, DFF_STR("{\"ok\":true,\"result\":[1]}")));
    all = (dff_str_t) { json.data + json.len, out.len - json.len - 4 };
    assert_int_equal(dff_service_frame(all, &json, &size, &err), 1);
    assert_true(dff_str_eq(json, DFF_STR("{\"ok\":false,\"error\":\"KeyError\","
                                         "\"message\":\"a \\\"b\\\"\\n\"}")));

    size = out.len;
    begin = dff_service_answer_begin(&out);
    huge = dff_buf_reserve(&out, 33u << 20);
    assert_non_null(huge);
    memset(huge, '1', 33u << 20);
    out.len += 33u << 20;
    assert_int_equal(dff_service_answer_end(&out, begin, &err), DFF_ERROR);
    assert_int_equal(out.len, size);
    dff_buf_release(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_is_read),
        cmocka_unit_test(null_is_as_if_it_were_left_out),
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(a_frame_is_whole_or_awaited_or_too_large),
        cmocka_unit_test(answers_are_frames),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
