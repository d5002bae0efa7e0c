/* Job envelopes: round trips, what a request shares, and the names of values. */
#include "dff_envelope_test.h"

#include "dff_banned.h"

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
each_value_of_each_enum_of_a_job_is_read_back(void **state)
{
    dff_job_t job = plain_job, got;
    int       i;

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
        cmocka_unit_test(each_value_of_each_enum_of_a_job_is_read_back),
        cmocka_unit_test(a_plain_job_has_the_documented_bytes),
        cmocka_unit_test(the_request_has_what_it_shares_with_the_arguments),
        cmocka_unit_test(names_and_return_types_answer_for_any_value),
    };

    return cmocka_run_group_tests_name("dff_envelope", tests, NULL, NULL);
}
