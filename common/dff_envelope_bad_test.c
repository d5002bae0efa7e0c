/* Bytes of jobs that must be refused, and what is accepted though it looks odd. */
#include "dff_envelope_test.h"

#include "dff_buf.h"

#include "dff_banned.h"

static void
every_cut_and_every_byte_more_is_refused(void **state)
{
    char      longest[DFF_TRACE_ID_MAX];
    dff_job_t job = full_job(longest), got;
    dff_str_t bytes = encode_job(&job);
    dff_err_t err;
    size_t    len;

    (void) state;
    for (len = 0; len < bytes.len; len++) {
        dff_str_t cut = dff_test_exact((dff_str_t) { bytes.data, len });

        err.message[0] = '\0';
        assert_int_equal(dff_job_decode(cut, &got, &err), DFF_ERROR);
        assert_int_equal(err.reason, DFF_E_SYS);
        assert_true(strlen(err.message) > 10);
        dff_test_free(cut);
    }
    {
        dff_buf_t more = DFF_BUF_INIT;

        dff_buf_add_str(&more, bytes);
        dff_buf_add(&more, "\0", 1);
        assert_int_equal(dff_job_decode((dff_str_t) { more.data, more.len }, &got, &err),
            DFF_ERROR);
        dff_buf_release(&more);
    }
    assert_int_equal(dff_job_decode(DFF_STR_NULL, &got, NULL), DFF_ERROR);
    dff_test_free(bytes);
}

/* One flipped byte may still be a good job, but must never be read over. */
static void
a_flipped_byte_never_breaks_the_reader(void **state)
{
    char      longest[DFF_TRACE_ID_MAX];
    dff_job_t job = full_job(longest), got;
    dff_str_t bytes = encode_job(&job);
    size_t    at;
    int       bit;

    (void) state;
    for (at = 0; at < bytes.len; at++) {
        for (bit = 0; bit < 8; bit++) {
            dff_str_t copy = dff_test_exact(bytes);
            char     *p = (char *) (uintptr_t) copy.data;

            p[at] = (char) (p[at] ^ (1 << bit));
            if (dff_job_decode(copy, &got, NULL) == DFF_OK) {
                assert_int_equal(dff_job_check(&got, NULL), DFF_OK);
                assert_true(got.kwargs.data >= copy.data);
                assert_true(dff_str_end(got.request) <= dff_str_end(copy));
            }
            dff_test_free(copy);
        }
    }
    dff_test_free(bytes);
}

static const struct {
    dff_str_t   bytes;
    const char *says;
} bad_lines[] = {
    { DFF_STR(""), "do not begin with \"DFF\"" },
    { DFF_STR("DF"), "do not begin with \"DFF\"" },
    { DFF_STR("DFR1 2 0 0\n{}"), "do not begin with \"DFF\"" },
    { DFF_STR("dff1 2 0 0\n{}"), "do not begin with \"DFF\"" },
    { DFF_STR("DFF"), "no version" },
    { DFF_STR("DFFx 2 0 0\n{}"), "no version" },
    { DFF_STR("DFF 2 0 0\n{}"), "no version" },
    { DFF_STR("DFF2 2 0 0\n{}"), "version 2 is not supported, this build reads version 1" },
    { DFF_STR("DFF12 2 0 0\n{}"), "version 12 is not supported" },
    { DFF_STR("DFF0 2 0 0\n{}"), "version 0 is not supported" },
    { DFF_STR("DFF01 2 0 0\n{}"), "no version" },
    { DFF_STR("DFF1 2 0\n{}"), "not three lengths" },
    { DFF_STR("DFF1 2 0 0 \n{}"), "not three lengths" },
    { DFF_STR("DFF1 2 0 0 0\n{}"), "not three lengths" },
    { DFF_STR("DFF1  2 0 0\n{}"), "not three lengths" },
    { DFF_STR("DFF1 -2 0 0\n{}"), "not three lengths" },
    { DFF_STR("DFF1 +2 0 0\n{}"), "not three lengths" },
    { DFF_STR("DFF1 02 0 0\n{}"), "not three lengths" },
    { DFF_STR("DFF1 0x2 0 0\n{}"), "not three lengths" },
    { DFF_STR("DFF1 2\t0 0\n{}"), "not three lengths" },
    { DFF_STR("DFF1 2 0 0\r\n{}"), "not three lengths" },
    { DFF_STR("DFF1 2 0 0\0{}"), "not three lengths" },
    { DFF_STR("DFF1 18446744073709551614 0 4\n{}"), "not three lengths" },
    { DFF_STR("DFF1 99999999999 0 0\n{}"), "not three lengths" },
    { DFF_STR("DFF1 4294967298 0 0\n{}"), "2 bytes follow its first line, which speaks of "
      "4294967298" },
    { DFF_STR("DFF1 9999999999 9999999999 9999999999\n{}"), "speaks of 29999999997" },
    { DFF_STR("DFF1 1 0 0\n{}"), "2 bytes follow" },
    { DFF_STR("DFF1 2 2 0\n{}"), "2 bytes follow" },
    { DFF_STR("DFF1 0 0 0\n"), "job head is not a JSON object" },
    { DFF_STR("DFF1 2 0 0\n[]"), "job head is not a JSON object" },
    { DFF_STR("DFF1 2 0 0\n{}"), "\"id\" is missing" },
    { DFF_STR("DFF1 3 0 0\n{} x"), "bytes follow" },
    { DFF_STR("DFF1 4 0 0\n{} x"), "byte 3: expected the end" },
};

static void
a_bad_first_line_is_refused_with_its_reason(void **state)
{
    dff_job_t job;
    dff_err_t err;
    size_t    i;

    (void) state;
    for (i = 0; i < DFF_TEST_COUNT(bad_lines); i++) {
        dff_str_t bytes = dff_test_exact(bad_lines[i].bytes);

        assert_int_equal(dff_job_decode(bytes, &job, &err), DFF_ERROR);
        if (strstr(err.message, bad_lines[i].says) == NULL)
            fail_msg("row %zu <%s>: %s", i, bad_lines[i].bytes.data, err.message);
        dff_test_free(bytes);
    }
}

#define ID     "\"id\":\"task-1\","
#define FUNC   "\"func\":\"a__b.c\","
#define REST   "\"queue\":1,\"timeout\":30"
#define GOOD   ID FUNC REST

static int
decode_parts(const char *head, const char *kwargs, const char *request, dff_job_t *job,
    dff_err_t *err)
{
    dff_buf_t buf = DFF_BUF_INIT;
    dff_str_t bytes;
    int       rc;

    dff_buf_addf(&buf, "DFF1 %zu %zu %zu\n%s%s%s", strlen(head), strlen(kwargs), strlen(request),
        head, kwargs, request);
    assert_false(dff_buf_failed(&buf));
    bytes = dff_test_exact((dff_str_t) { buf.data, buf.len });
    dff_buf_release(&buf);
    rc = dff_job_decode(bytes, job, err);
    dff_test_free(bytes);
    return rc;
}

static const struct {
    const char *head;
    const char *says;
} bad_heads[] = {
    { "{" FUNC REST "}", "\"id\" is missing" },
    { "{" ID REST "}", "\"func\" is missing" },
    { "{" ID FUNC "\"timeout\":30}", "\"queue\" is missing" },
    { "{" ID FUNC "\"queue\":1}", "\"timeout\" is missing" },
    { "{" GOOD, "expected ',' or '}'" },
    { "{" GOOD ",}", "expected a key" },
    { "{" GOOD "} {}", "expected the end" },
    { "{\"id\":\"\"," FUNC REST "}", "\"id\" must be a well-formed string of up to 64 bytes" },
    { "{\"id\":1," FUNC REST "}", "\"id\" must be a well-formed string" },
    { "{\"id\":null," FUNC REST "}", "\"id\" must be a well-formed string" },
    { "{\"id\":\"task 1\"," FUNC REST "}", "\"id\" must be a well-formed string" },
    { "{\"id\":\"task\\u0031\"," FUNC REST "}", "\"id\" must be a well-formed string" },
    { "{\"id\":\"t\xc3\xa4sk\"," FUNC REST "}", "\"id\" must be a well-formed string" },
    { "{\"id\":\"0123456789012345678901234567890123456789012345678901234567890123x\"," FUNC
      REST "}", "\"id\" must be a well-formed string of up to 64 bytes" },
    { "{" ID "\"func\":\"a__b\"," REST "}", "\"func\" must be the id of a function" },
    { "{" ID "\"func\":\"a.c\"," REST "}", "\"func\" must be the id of a function" },
    { "{" ID "\"func\":\"a__b.c\"," REST ",\"kind\":\"check\"}",
      "\"func\" must be the id of a script" },
    { "{" ID FUNC REST ",\"kind\":\"Call\"}", "\"kind\" must be one of the known names" },
    { "{" ID FUNC REST ",\"kind\":1}", "\"kind\" must be one of the known names, got 1" },
    { "{" ID FUNC "\"timeout\":30,\"queue\":10}",
      "\"queue\" must be an integer from 0 to 9, got 10" },
    { "{" ID FUNC "\"timeout\":30,\"queue\":-1}", "\"queue\" must be an integer" },
    { "{" ID FUNC "\"timeout\":30,\"queue\":\"1\"}", "\"queue\" must be an integer" },
    { "{" ID FUNC "\"timeout\":30,\"queue\":1.0}", "\"queue\" must be an integer" },
    { "{" ID FUNC "\"timeout\":30,\"queue\":4294967297}", "\"queue\" must be an integer" },
    { "{" ID FUNC "\"queue\":1,\"timeout\":0}", "\"timeout\" must be an integer from 1" },
    { "{" ID FUNC "\"queue\":1,\"timeout\":86401}", "\"timeout\" must be an integer from 1" },
    { "{" ID FUNC "\"queue\":1,\"timeout\":99999999999999999999}", "\"timeout\" must be" },
    { "{" GOOD ",\"queuedAt\":-1}", "\"queuedAt\" must be an integer" },
    { "{" GOOD ",\"queuedAt\":9223372036854775808}", "\"queuedAt\" must be an integer" },
    { "{" GOOD ",\"keep\":1}", "\"keep\" must be true or false, got 1" },
    { "{" GOOD ",\"keep\":\"true\"}", "\"keep\" must be true or false" },
    { "{" GOOD ",\"origin\":\"\"}", "\"origin\" must be one of the known names" },
    { "{" GOOD ",\"producer\":\"a b\"}", "\"producer\" must be a well-formed string" },
    { "{" GOOD ",\"producer\":\"\"}", "\"producer\" must be a well-formed string" },
    { "{" GOOD ",\"trace\":\"a\\\\b\"}", "\"trace\" must be a well-formed string" },
    { "{" GOOD ",\"trace\":[]}", "\"trace\" must be a well-formed string" },
    { "{" GOOD "," ID "\"x\":1}", "\"id\" stands there twice" },
    { "{" GOOD ",\"x\":[[[}", "expected a value" },
};

static void
a_bad_head_is_refused_with_the_field_and_its_limit(void **state)
{
    dff_job_t job;
    dff_err_t err;
    size_t    i;

    (void) state;
    for (i = 0; i < DFF_TEST_COUNT(bad_heads); i++) {
        assert_int_equal(decode_parts(bad_heads[i].head, "{}", "", &job, &err), DFF_ERROR);
        if (strstr(err.message, bad_heads[i].says) == NULL)
            fail_msg("row %zu <%s>: %s", i, bad_heads[i].head, err.message);
    }
}

static void
unknown_fields_any_order_and_white_space_are_accepted(void **state)
{
    static const char *const heads[] = {
        "{" GOOD "}",
        "{\"timeout\":30,\"queue\":1," FUNC "\"id\":\"task-1\"}",
        "{" GOOD ",\"later\":{\"a\":[1,\"\\u0041\"]},\"more\":null}",
        "{\"i\\u0064\":7," GOOD "}",
        " { " ID " " FUNC "\n" REST " } ",
    };
    dff_job_t job;
    dff_err_t err;
    size_t    i;

    (void) state;
    for (i = 0; i < DFF_TEST_COUNT(heads); i++) {
        if (decode_parts(heads[i], "{}", "", &job, &err) != DFF_OK)
            fail_msg("row %zu: %s", i, err.message);
        assert_int_equal(job.queue, 1);
        assert_int_equal(job.timeout_s, 30);
        assert_int_equal(job.kind, DFF_JOB_CALL);
    }
}

static void
a_section_that_is_no_object_is_refused(void **state)
{
    dff_job_t job;

    (void) state;
    assert_int_equal(decode_parts("{" GOOD "}", "", "", &job, NULL), DFF_ERROR);
    assert_int_equal(decode_parts("{" GOOD "}", "{", "", &job, NULL), DFF_ERROR);
    assert_int_equal(decode_parts("{" GOOD "}", "[]", "", &job, NULL), DFF_ERROR);
    assert_int_equal(decode_parts("{" GOOD "}", "{}", "1", &job, NULL), DFF_ERROR);
    assert_int_equal(decode_parts("{" GOOD "}", "{}", "{}", &job, NULL), DFF_OK);
}

static void
check_refuses_what_decode_would_refuse(void **state)
{
    dff_job_t job;
    dff_err_t err;

    (void) state;
#define REFUSED(member, value) \
    job = plain_job; \
    job.member = value; \
    assert_int_equal(dff_job_check(&job, &err), DFF_ERROR)
    REFUSED(id, DFF_STR_NULL);
    REFUSED(id, DFF_STR("a\"b"));
    REFUSED(func_id, DFF_STR("demo"));
    REFUSED(func_id, DFF_STR("demo__basic.plus\","));
    REFUSED(queue, 10);
    REFUSED(queue, -1);
    REFUSED(timeout_s, 0);
    REFUSED(timeout_s, DFF_TIMEOUT_MAX_S + 1);
    REFUSED(trace_id, DFF_STR("a\\b"));
    REFUSED(trace_id, DFF_STR("a\nb"));
    REFUSED(producer, DFF_STR("x y"));
    REFUSED(origin, (dff_origin_t) 77);
    REFUSED(queued_at_ms, -1);
    REFUSED(kwargs, DFF_STR_NULL);
    REFUSED(request, DFF_STR("[]"));
    REFUSED(shared, ((dff_job_shared_t) { .size = (int64_t) plain_job.kwargs.len + 1 }));
    REFUSED(shared, ((dff_job_shared_t) { .size = INT64_MAX }));
    REFUSED(shared, ((dff_job_shared_t) { .at = (int64_t) plain_job.request.len + 1 }));
    REFUSED(shared, ((dff_job_shared_t) { .size = -1 }));
    REFUSED(shared, ((dff_job_shared_t) { .at = INT64_MAX }));
    REFUSED(shared, ((dff_job_shared_t) { .at = -1 }));
#undef REFUSED
    assert_int_equal(dff_job_check(&plain_job, NULL), DFF_OK);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_cut_and_every_byte_more_is_refused),
        cmocka_unit_test(a_flipped_byte_never_breaks_the_reader),
        cmocka_unit_test(a_bad_first_line_is_refused_with_its_reason),
        cmocka_unit_test(a_bad_head_is_refused_with_the_field_and_its_limit),
        cmocka_unit_test(unknown_fields_any_order_and_white_space_are_accepted),
        cmocka_unit_test(a_section_that_is_no_object_is_refused),
        cmocka_unit_test(check_refuses_what_decode_would_refuse),
    };

    return cmocka_run_group_tests_name("dff_envelope_bad", tests, NULL, NULL);
}
