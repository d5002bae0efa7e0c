/* Job envelopes and replies: round trips, and bytes that must be refused. */
#include "dff_envelope.h"

#include "dff_buf.h"
#include "dff_test.h"

#include "dff_banned.h"

static const dff_job_t plain_job = {
    .id = DFF_STR("task-abc"), .func_id = DFF_STR("demo__basic.plus"), .queue = 1, .timeout_s = 30,
    .kwargs = DFF_STR("{\"x\":1}"),
};

static dff_str_t
encode_job(const dff_job_t *job)
{
    size_t size = dff_job_size(job);
    char  *out = malloc(size);

    assert_non_null(out);
    assert_ptr_equal(dff_job_write(out, job), out + size);
    return (dff_str_t) { out, size };
}

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
assert_jobs_equal(const dff_job_t *a, const dff_job_t *b)
{
    assert_int_equal(a->kind, b->kind);
    assert_true(dff_str_eq(a->id, b->id));
    assert_true(dff_str_eq(a->func_id, b->func_id));
    assert_true(dff_str_eq(a->origin_id, b->origin_id));
    assert_true(dff_str_eq(a->producer, b->producer));
    assert_true(dff_str_eq(a->trace_id, b->trace_id));
    assert_int_equal(a->origin, b->origin);
    assert_int_equal(a->exec_mode, b->exec_mode);
    assert_int_equal(a->return_type, b->return_type);
    assert_int_equal(a->queue, b->queue);
    assert_int_equal(a->timeout_s, b->timeout_s);
    assert_int_equal(a->max_memory_mb, b->max_memory_mb);
    assert_int_equal(a->script_version, b->script_version);
    assert_int_equal(a->queued_at_ms, b->queued_at_ms);
    assert_int_equal(a->triggered_at_ms, b->triggered_at_ms);
    assert_int_equal(a->crontab_delay_s, b->crontab_delay_s);
    assert_true(dff_str_eq(a->crontab, b->crontab));
    assert_true(dff_str_eq(a->chain, b->chain));
    assert_true(dff_str_eq(a->root_task_id, b->root_task_id));
    assert_int_equal(a->expires_at_ms, b->expires_at_ms);
    assert_int_equal(a->wait_until_ms, b->wait_until_ms);
    assert_int_equal(a->keep_result, b->keep_result);
    assert_int_equal(a->save_result, b->save_result);
    assert_int_equal(a->retry_on_lost, b->retry_on_lost);
    assert_int_equal(a->cache_ms, b->cache_ms);
    assert_true(dff_str_eq(a->cache_as, b->cache_as));
    assert_true(dff_str_eq(a->kwargs, b->kwargs));
    assert_true(dff_str_eq(a->request, b->request));
    assert_memory_equal(&a->shared, &b->shared, sizeof(a->shared));
}

/* A job with every field at its limit. */
static dff_job_t
full_job(char longest[DFF_TRACE_ID_MAX])
{
    memset(longest, 'z', DFF_TRACE_ID_MAX);
    return (dff_job_t) {
        .kind = DFF_JOB_CALL,
        .id = { longest, DFF_TASK_ID_MAX },
        .func_id = DFF_STR("demo__basic.plus"),
        .origin_id = { longest, DFF_TASK_ID_MAX },
        .producer = { longest, DFF_PRODUCER_MAX },
        .trace_id = { longest, DFF_TRACE_ID_MAX },
        .origin = DFF_ORIGIN_INTEGRATION,
        .exec_mode = DFF_EXEC_CRONTAB,
        .return_type = DFF_RETURN_ALL,
        .queue = 9,
        .timeout_s = DFF_TIMEOUT_MAX_S,
        .max_memory_mb = INT32_MAX,
        .script_version = INT32_MAX,
        .queued_at_ms = INT64_MAX,
        .triggered_at_ms = INT64_MAX,
        .crontab = DFF_STR("*/5 0-23/2 1,15 jan-mar SUN"),
        .crontab_delay_s = DFF_TIMEOUT_MAX_S,
        .root_task_id = { longest, DFF_TASK_ID_MAX },
        .chain = DFF_STR("demo__basic.minus,demo__other.plus"),
        .expires_at_ms = INT64_MAX,
        .wait_until_ms = INT64_MAX,
        .keep_result = true,
        .save_result = true,
        .retry_on_lost = true,
        .cache_ms = 1500,
        .cache_as = DFF_STR("00ff"),
        .kwargs = DFF_STR("{\"big\":12345678901234567890,\"a\":\"\\u0000\",\"b\":1.10}"),
        .request = DFF_STR("{\"method\":\"POST\",\"body\":{\"kwargs\":}}}"),
        .shared = { .size = 30, .at = 34 },
    };
}

static void
a_job_is_read_back_as_it_was_written(void **state)
{
    char      longest[DFF_TRACE_ID_MAX];
    dff_job_t jobs[] = { plain_job, full_job(longest), plain_job, plain_job, plain_job }, got;
    dff_err_t err;
    size_t    i;

    (void) state;
    jobs[2].kind = DFF_JOB_CHECK;
    jobs[2].func_id = DFF_STR("demo__basic");
    jobs[2].kwargs = DFF_STR("{\"code\":\"print(1)\"}");
    jobs[3].kind = jobs[4].kind = DFF_JOB_DRAFT;      /* of a function, of a script's body */
    jobs[4].func_id = DFF_STR("demo__basic");
    for (i = 0; i < DFF_TEST_COUNT(jobs); i++) {
        dff_str_t bytes = encode_job(&jobs[i]);

        assert_int_equal(dff_job_check(&jobs[i], &err), DFF_OK);
        if (dff_job_decode(bytes, &got, &err) != DFF_OK)
            fail_msg("job %zu: %s", i, err.message);
        assert_jobs_equal(&jobs[i], &got);
        dff_test_free(bytes);
    }
}

static void
each_value_of_each_enum_is_read_back(void **state)
{
    dff_job_t   job = plain_job, got;
    dff_reply_t reply = { .id = DFF_STR("task-1") }, back;
    int         i;

    (void) state;
    for (i = 0; i < DFF_ORIGIN_COUNT * DFF_EXEC_COUNT * DFF_RETURN_COUNT; i++) {
        dff_str_t bytes;

        job.origin = (dff_origin_t) (i % DFF_ORIGIN_COUNT);
        job.exec_mode = (dff_exec_mode_t) (i / DFF_ORIGIN_COUNT % DFF_EXEC_COUNT);
        job.return_type = (dff_return_type_t) (i / DFF_ORIGIN_COUNT / DFF_EXEC_COUNT);
        bytes = encode_job(&job);
        assert_int_equal(dff_job_decode(bytes, &got, NULL), DFF_OK);
        assert_jobs_equal(&job, &got);
        dff_test_free(bytes);
    }
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
a_plain_job_has_the_documented_bytes(void **state)
{
    dff_str_t bytes = encode_job(&plain_job);

    (void) state;
    dff_test_str_is(bytes, "DFF1 86 7 0\n{\"id\":\"task-abc\",\"func\":\"demo__basic.plus\","
        "\"queue\":1,\"origin\":\"authLink\",\"timeout\":30}{\"x\":1}");
    dff_test_free(bytes);
}

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

static void
the_request_has_what_it_shares_with_the_arguments(void **state)
{
    static const struct {
        dff_str_t        kwargs, request;
        dff_job_shared_t shared;
        const char      *whole;
    } rows[] = {
        { DFF_STR("{\"a\":1}"), DFF_STR("{\"body\":{\"kwargs\":}}"), { 7, 18 },
          "{\"body\":{\"kwargs\":{\"a\":1}}}" },
        { DFF_STR("{\"a\":1,\"fixed\":2}"), DFF_STR("{\"body\":{\"kwargs\":}}}"), { 6, 18 },
          "{\"body\":{\"kwargs\":{\"a\":1}}}" },
        { DFF_STR("{}"), DFF_STR("{\"body\":null}"), { 0, 0 }, "{\"body\":null}" },
        { DFF_STR("{}"), DFF_STR("{}"), { 2, 2 }, "{}{}" },
        { DFF_STR("{}"), DFF_STR(""), { 0, 0 }, "" },
    };
    size_t i;

    (void) state;
    for (i = 0; i < DFF_TEST_COUNT(rows); i++) {
        dff_job_t job = plain_job;
        char      whole[64];
        size_t    size;

        job.kwargs = rows[i].kwargs;
        job.request = rows[i].request;
        job.shared = rows[i].shared;
        assert_int_equal(dff_job_check(&job, NULL), DFF_OK);
        size = dff_job_request_size(&job);
        assert_int_equal(size, strlen(rows[i].whole));
        assert_ptr_equal(dff_job_request_write(whole, &job), whole + size);
        assert_memory_equal(whole, rows[i].whole, size);
    }
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

static void
a_bad_first_line_is_refused_with_its_reason(void **state)
{
    static const struct {
        dff_str_t   bytes;
        const char *says;
    } rows[] = {
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
    dff_job_t job;
    dff_err_t err;
    size_t    i;

    (void) state;
    for (i = 0; i < DFF_TEST_COUNT(rows); i++) {
        dff_str_t bytes = dff_test_exact(rows[i].bytes);

        assert_int_equal(dff_job_decode(bytes, &job, &err), DFF_ERROR);
        if (strstr(err.message, rows[i].says) == NULL)
            fail_msg("row %zu <%s>: %s", i, rows[i].bytes.data, err.message);
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

static void
a_bad_head_is_refused_with_the_field_and_its_limit(void **state)
{
    static const struct {
        const char *head;
        const char *says;
    } rows[] = {
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
    dff_job_t job;
    dff_err_t err;
    size_t    i;

    (void) state;
    for (i = 0; i < DFF_TEST_COUNT(rows); i++) {
        assert_int_equal(decode_parts(rows[i].head, "{}", "", &job, &err), DFF_ERROR);
        if (strstr(err.message, rows[i].says) == NULL)
            fail_msg("row %zu <%s>: %s", i, rows[i].head, err.message);
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

static void
names_and_return_types_answer_for_any_value(void **state)
{
    (void) state;
    assert_string_equal(dff_status_name(DFF_STATUS_LOST), "lost");
    assert_string_equal(dff_status_name((dff_status_t) 99), "unknown");
    assert_string_equal(dff_origin_name(DFF_ORIGIN_AUTH_LINK), "authLink");
    assert_string_equal(dff_origin_name((dff_origin_t) -1), "unknown");
    assert_string_equal(dff_exec_mode_name(DFF_EXEC_CRONTAB), "crontab");
    assert_string_equal(dff_exec_mode_name(DFF_EXEC_COUNT), "unknown");
    assert_string_equal(dff_return_type_name(DFF_RETURN_JSON_DUMPS), "jsonDumps");
    assert_string_equal(dff_return_type_name(DFF_RETURN_COUNT), "unknown");
    assert_int_equal(dff_return_type_from(DFF_STR("raw")), DFF_RETURN_RAW);
    assert_int_equal(dff_return_type_from(DFF_STR("ALL")), DFF_RETURN_ALL);
    assert_int_equal(dff_return_type_from(DFF_STR("all")), -1);
    assert_int_equal(dff_return_type_from(DFF_STR_NULL), -1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_job_is_read_back_as_it_was_written),
        cmocka_unit_test(each_value_of_each_enum_is_read_back),
        cmocka_unit_test(a_plain_job_has_the_documented_bytes),
        cmocka_unit_test(every_cut_and_every_byte_more_is_refused),
        cmocka_unit_test(the_request_has_what_it_shares_with_the_arguments),
        cmocka_unit_test(a_flipped_byte_never_breaks_the_reader),
        cmocka_unit_test(a_bad_first_line_is_refused_with_its_reason),
        cmocka_unit_test(a_bad_head_is_refused_with_the_field_and_its_limit),
        cmocka_unit_test(unknown_fields_any_order_and_white_space_are_accepted),
        cmocka_unit_test(a_section_that_is_no_object_is_refused),
        cmocka_unit_test(check_refuses_what_decode_would_refuse),
        cmocka_unit_test(a_reply_is_read_back_as_it_was_written),
        cmocka_unit_test(a_bad_reply_is_refused),
        cmocka_unit_test(names_and_return_types_answer_for_any_value),
    };

    return cmocka_run_group_tests_name("dff_envelope", tests, NULL, NULL);
}
