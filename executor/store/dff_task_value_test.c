/* Replies as JSON of a column, and back. */
#include "store/dff_task_value.h"

#include "dff_test.h"

#include "dff_banned.h"

/* One more level than the JSON reader goes down to. */
#define TEN     "[[[[[[[[[["
#define NET     "]]]]]]]]]]"
#define DEEP    TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN
#define END     NET NET NET NET NET NET NET NET NET NET NET NET NET

static const dff_reply_t replies[] = {
    { .status = DFF_STATUS_SUCCESS, .body_type = DFF_BODY_JSON, .started_at_ms = 1,
      .ended_at_ms = 1700000000123, .body = DFF_STR("{\"big\":12345678901234567890,\"f\":1.10}") },
    { .status = DFF_STATUS_SUCCESS, .body_type = DFF_BODY_JSON, .body = DFF_STR("null") },
    { .status = DFF_STATUS_SUCCESS, .body_type = DFF_BODY_JSON, .body = DFF_STR(DEEP END) },
    { .status = DFF_STATUS_SUCCESS, .body_type = DFF_BODY_TEXT, .body = DFF_STR("") },
    { .status = DFF_STATUS_SUCCESS, .body_type = DFF_BODY_TEXT,
      .body = DFF_STR("\"}\\ \0\n,\"raw\":\xc3\xa9\xf0\x9f\x8e\x89") },
    { .status = DFF_STATUS_SUCCESS, .body_type = DFF_BODY_RAW,
      .control = DFF_STR("{\"statusCode\":201,\"headers\":{\"a\":\",\\\"raw\\\":\"},\"raw\":1}"),
      .body = DFF_STR("<p>") },
    { .status = DFF_STATUS_SUCCESS, .body_type = DFF_BODY_RAW, .control = DFF_STR("{}"),
      .body = DFF_STR("\xff\0\x01") },
    { .status = DFF_STATUS_SUCCESS, .body_type = DFF_BODY_RAW, .control = DFF_STR("{}"),
      .body = DFF_STR("\xff\xfe") },
    { .status = DFF_STATUS_SUCCESS, .body_type = DFF_BODY_RAW, .control = DFF_STR("{}"),
      .body = DFF_STR("\xff\xfe\xfd\xfc") },
    { .status = DFF_STATUS_TIMEOUT, .body_type = DFF_BODY_JSON, .started_at_ms = 5,
      .body = DFF_STR("{\"etype\":\"SoftTimeLimitExceeded\",\"einfoTEXT\":\"x\"}") },
};

static void
a_reply_comes_back_as_it_was(void **state)
{
    (void) state;
    for (size_t i = 0; i < DFF_TEST_COUNT(replies); i++) {
        dff_buf_t   json = DFF_BUF_INIT, bytes = DFF_BUF_INIT;
        dff_reply_t got;
        dff_err_t   err;
        dff_str_t   exact;

        dff_task_value_write(&json, &replies[i]);
        assert_false(dff_buf_failed(&json));
        exact = dff_test_exact((dff_str_t) { json.data, json.len });
        if (dff_task_value_read(exact, DFF_STR("task-1"), &bytes, &err) != DFF_OK)
            fail_msg("reply %zu: %s", i, err.message);
        assert_int_equal(dff_reply_decode((dff_str_t) { bytes.data, bytes.len }, &got, &err),
                         DFF_OK);
        assert_true(dff_str_eq(got.id, DFF_STR("task-1")));
        assert_int_equal(got.status, replies[i].status);
        assert_int_equal(got.body_type, replies[i].body_type);
        assert_int_equal(got.started_at_ms, replies[i].started_at_ms);
        assert_int_equal(got.ended_at_ms, replies[i].ended_at_ms);
        assert_true(dff_str_eq(got.control, replies[i].control));
        if (!dff_str_eq(got.body, replies[i].body))
            fail_msg("reply %zu: body %.*s", i, (int) got.body.len, got.body.data);
        dff_test_free(exact);
        dff_buf_release(&json);
        dff_buf_release(&bytes);
    }
}

static void
what_is_none_of_ours_is_refused(void **state)
{
    static const dff_str_t rows[] = {
        DFF_STR(""), DFF_STR("null"), DFF_STR("{}"), DFF_STR("[1]"), DFF_STR("{\"raw\":1}"),
        DFF_STR("{\"status\":\"done\",\"type\":\"json\",\"raw\":1}"),
        DFF_STR("{\"status\":\"success\",\"type\":1,\"raw\":1}"),
        DFF_STR("{\"status\":\"success\",\"type\":\"text\",\"raw\":1}"),
        DFF_STR("{\"status\":\"success\",\"type\":\"text\",\"raw\":\"\\\"}"),
        DFF_STR("{\"status\":\"success\",\"type\":\"raw\",\"raw64\":\"=\"}"),
        DFF_STR("{\"status\":\"success\",\"type\":\"raw\",\"raw64\":\"a!b?\"}"),
        DFF_STR("{\"status\":\"success\",\"type\":\"json\",\"startedAt\":\"1\",\"raw\":1}"),
        DFF_STR("{\"status\":\"success\",\"type\":\"json\",\"raw\":1"),
    };

    (void) state;
    for (size_t i = 0; i < DFF_TEST_COUNT(rows); i++) {
        dff_buf_t bytes = DFF_BUF_INIT;
        dff_err_t err;
        dff_str_t exact = dff_test_exact(rows[i]);

        if (dff_task_value_read(exact, DFF_STR("task-1"), &bytes, &err) != DFF_ERROR)
            fail_msg("row %zu was taken", i);
        assert_int_equal(err.reason, DFF_E_FUNC_RESULT_PARSING_FAILED);
        dff_test_free(exact);
        dff_buf_release(&bytes);
    }
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reply_comes_back_as_it_was),
        cmocka_unit_test(what_is_none_of_ours_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
