/* Replies: round trips, and bytes that must be refused. */
#include "dff_envelope.h"

#include "dff_test.h"

#include "dff_banned.h"

static dff_str_t
encode_reply(const dff_reply_t *reply)
{
    size_t size = dff_reply_size(reply);
    char  *out = malloc(size);

    assert_non_null(out);
    assert_ptr_equal(dff_reply_write(out, reply), out + size);
    return (dff_str_t) { out, size };
}

static void
each_value_of_each_enum_of_a_reply_is_read_back(void **state)
{
    dff_reply_t reply = { .id = DFF_STR("task-1") }, back;
    int         i;

    (void) state;
    for (i = 0; i < DFF_STATUS_COUNT * DFF_BODY_COUNT; i++) {
        dff_str_t bytes;

        reply.status = (dff_status_t) (i % DFF_STATUS_COUNT);
        reply.body_type = (dff_body_type_t) (i / DFF_STATUS_COUNT);
        bytes = encode_reply(&reply);
        assert_int_equal(dff_reply_decode(bytes, &back, NULL), DFF_OK);
        assert_int_equal(back.status, reply.status);
        assert_int_equal(back.body_type, reply.body_type);
        dff_test_free(bytes);
    }
}

static void
a_reply_is_read_back_as_it_was_written(void **state)
{
    dff_reply_t reply = {
        .id = DFF_STR("task-1"), .status = DFF_STATUS_FAILURE, .body_type = DFF_BODY_JSON,
        .started_at_ms = 1700000000123, .ended_at_ms = INT64_MAX,
        .control = DFF_STR("{\"statusCode\":201}"), .body = DFF_STR("a\0b\n\xff"),
    };
    dff_reply_t got;
    dff_str_t   bytes = encode_reply(&reply);
    dff_err_t   err;
    size_t      len;

    (void) state;
    if (dff_reply_decode(bytes, &got, &err) != DFF_OK)
        fail_msg("%s", err.message);
    assert_true(dff_str_eq(got.id, reply.id));
    assert_int_equal(got.status, reply.status);
    assert_int_equal(got.body_type, reply.body_type);
    assert_int_equal(got.started_at_ms, reply.started_at_ms);
    assert_int_equal(got.ended_at_ms, reply.ended_at_ms);
    assert_true(dff_str_eq(got.control, reply.control));
    assert_true(dff_str_eq(got.body, reply.body));
    for (len = 0; len < bytes.len; len++) {
        dff_str_t cut = dff_test_exact((dff_str_t) { bytes.data, len });

        assert_int_equal(dff_reply_decode(cut, &got, NULL), DFF_ERROR);
        dff_test_free(cut);
    }
    dff_test_free(bytes);
}

static void
a_bad_reply_is_refused(void **state)
{
    static const struct {
        const char *bytes, *says;
    } rows[] = {
        { "DFF1 2 0 0\n{}", "do not begin with \"DFR\"" },
        { "DFR3 2 0 0\n{}", "version 3 is not supported" },
        { "DFR1 2 0 0\n{}", "\"id\" is missing" },
        { "DFR1 14 0 0\n{\"id\":\"task-1\"", "byte 14: expected ',' or '}'" },
        { "DFR1 15 0 0\n{\"id\":\"task-1\"", "14 bytes follow its first line" },
        { "DFR1 15 0 0\n{\"id\":\"task-1\"}", "\"status\" is missing" },
        { "DFR1 32 0 0\n{\"id\":\"task-1\",\"status\":\"done!\"}", "\"status\" must be one of" },
        { "DFR1 34 1 0\n{\"id\":\"task-1\",\"status\":\"success\"}1", "control is not a JSON" },
    };
    dff_reply_t reply;
    dff_err_t   err;
    size_t      i;

    (void) state;
    for (i = 0; i < DFF_TEST_COUNT(rows); i++) {
        assert_int_equal(dff_reply_decode(dff_str_from(rows[i].bytes), &reply, &err), DFF_ERROR);
        if (strstr(err.message, rows[i].says) == NULL)
            fail_msg("row %zu: %s", i, err.message);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_value_of_each_enum_of_a_reply_is_read_back),
        cmocka_unit_test(a_reply_is_read_back_as_it_was_written),
        cmocka_unit_test(a_bad_reply_is_refused),
    };

    return cmocka_run_group_tests_name("dff_envelope_reply", tests, NULL, NULL);
}
