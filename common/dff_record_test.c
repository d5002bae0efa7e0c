/* Records of tasks (dff_record.h): round trips, and bytes that must be refused. */
#include "dff_record.h"

#include "dff_buf.h"
#include "dff_json.h"
#include "dff_test.h"

#include "dff_banned.h"

static const dff_record_t plain_record = {
    .id = DFF_STR("task-abc"), .func_id = DFF_STR("demo__basic.plus"),
    .origin = DFF_ORIGIN_BATCH, .origin_id = DFF_STR("bat-1"), .exec_mode = DFF_EXEC_ASYNC,
};

static dff_str_t
encode(const dff_record_t *record)
{
    size_t size = dff_record_size(record);
    char  *out = malloc(size);

    assert_non_null(out);
    assert_ptr_equal(dff_record_write(out, record), out + size);
    return (dff_str_t) { out, size };
}

static void
assert_records_equal(const dff_record_t *a, const dff_record_t *b)
{
    assert_true(dff_str_eq(a->id, b->id));
    assert_true(dff_str_eq(a->func_id, b->func_id));
    assert_true(dff_str_eq(a->origin_id, b->origin_id));
    assert_int_equal(a->origin, b->origin);
    assert_int_equal(a->exec_mode, b->exec_mode);
    assert_int_equal(a->script_version, b->script_version);
    assert_int_equal(a->status, b->status);
    assert_int_equal(a->queued_at_ms, b->queued_at_ms);
    assert_int_equal(a->started_at_ms, b->started_at_ms);
    assert_int_equal(a->ended_at_ms, b->ended_at_ms);
    assert_int_equal(a->save_result, b->save_result);
    assert_true(dff_str_eq(a->kwargs, b->kwargs));
    assert_true(dff_str_eq(a->log, b->log));
    assert_true(dff_str_eq(a->reply, b->reply));
}

static void
a_record_is_read_back_as_it_was_written(void **state)
{
    dff_record_t records[2] = { plain_record, plain_record }, got;
    dff_err_t    err;

    (void) state;
    records[1].status = DFF_STATUS_TIMEOUT;
    records[1].script_version = INT32_MAX;
    records[1].queued_at_ms = records[1].started_at_ms = records[1].ended_at_ms = INT64_MAX;
    records[1].save_result = true;
    records[1].kwargs = DFF_STR("{\"big\":12345678901234567890,\"a\":\"\\u0000\"}");
    records[1].log = DFF_STR("[t] a\n\"\\\0\n");
    records[1].reply = DFF_STR("DFR1 2 0 0\n{}");
    for (int i = 0; i < 2; i++) {
        dff_str_t bytes = encode(&records[i]);

        if (dff_record_decode(bytes, &got, &err) != DFF_OK)
            fail_msg("record %d: %s", i, err.message);
        assert_records_equal(&records[i], &got);
        dff_test_free(bytes);
    }
}

/* As deep as a caller's arguments may be. */
static void
the_deepest_arguments_are_read_back(void **state)
{
    char         kwargs[4 * DFF_JSON_MAX_DEPTH + 16], *at = kwargs;
    dff_record_t record = plain_record, got;
    dff_err_t    err;
    dff_str_t    bytes;

    (void) state;
    memcpy(at, "{\"a\":", 5);
    at += 5;
    memset(at, '[', DFF_JSON_MAX_DEPTH - 1);
    at += DFF_JSON_MAX_DEPTH - 1;
    memset(at, ']', DFF_JSON_MAX_DEPTH - 1);
    at += DFF_JSON_MAX_DEPTH - 1;
    *at++ = '}';
    record.kwargs = (dff_str_t) { kwargs, (size_t) (at - kwargs) };
    assert_int_equal(dff_json_check(record.kwargs, NULL, NULL, NULL), DFF_OK);
    bytes = encode(&record);
    if (dff_record_decode(bytes, &got, &err) != DFF_OK)
        fail_msg("%s", err.message);
    assert_records_equal(&record, &got);
    dff_test_free(bytes);
}

static void
every_cut_is_refused(void **state)
{
    dff_record_t record = plain_record, got;
    dff_str_t    bytes;

    (void) state;
    record.log = DFF_STR("log");
    record.reply = DFF_STR("reply");
    bytes = encode(&record);
    for (size_t len = 0; len < bytes.len; len++) {
        dff_str_t cut = dff_test_exact((dff_str_t) { bytes.data, len });

        assert_int_equal(dff_record_decode(cut, &got, NULL), DFF_ERROR);
        dff_test_free(cut);
    }
    dff_test_free(bytes);
}

static void
jobs_of_batches_and_crontabs_and_with_save_result_leave_records(void **state)
{
    dff_job_t    job = { .id = DFF_STR("task-1"), .func_id = DFF_STR("a__b.c"),
                         .kwargs = DFF_STR("{\"x\":1}"), .queued_at_ms = 5, .script_version = 2 };
    dff_record_t record;

    (void) state;
    for (int origin = 0; origin < DFF_ORIGIN_COUNT; origin++) {
        job.origin = (dff_origin_t) origin;
        assert_int_equal(dff_record_wanted(&job),
                         origin == DFF_ORIGIN_BATCH || origin == DFF_ORIGIN_CRONTAB);
    }
    job.origin = DFF_ORIGIN_AUTH_LINK;
    dff_record_of_job(&record, &job);
    assert_int_equal(record.kwargs.len, 0);
    job.save_result = true;
    assert_true(dff_record_wanted(&job));
    dff_record_of_job(&record, &job);
    assert_true(dff_str_eq(record.kwargs, job.kwargs));
    assert_int_equal(record.queued_at_ms, 5);
    assert_int_equal(record.script_version, 2);
    job.kind = DFF_JOB_CHECK;
    assert_false(dff_record_wanted(&job));
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_is_read_back_as_it_was_written),
        cmocka_unit_test(the_deepest_arguments_are_read_back),
        cmocka_unit_test(every_cut_is_refused),
        cmocka_unit_test(jobs_of_batches_and_crontabs_and_with_save_result_leave_records),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
