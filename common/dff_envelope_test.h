/*
 * What the tests of envelopes share: a plain job, and one with every field at its limit.
 * Included by dff_envelope_*_test.c only.
 */
#ifndef DFF_ENVELOPE_TEST_H
#define DFF_ENVELOPE_TEST_H

#include "dff_envelope.h"

#include "dff_test.h"

static const dff_job_t plain_job = {
    .id = DFF_STR("task-abc"), .func_id = DFF_STR("demo__basic.plus"), .queue = 1, .timeout_s = 30,
    .kwargs = DFF_STR("{\"x\":1}"),
};

static inline dff_str_t
encode_job(const dff_job_t *job)
{
    size_t size = dff_job_size(job);
    char  *out = malloc(size);

    assert_non_null(out);
    assert_ptr_equal(dff_job_write(out, job), out + size);
    return (dff_str_t) { out, size };
}

/* A job with every field at its limit. */
static inline dff_job_t
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

#endif
