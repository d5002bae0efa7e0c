/* Tests of the frame layout: what is written is read back, and bytes that are
 * no frame are refused. */
#include "dff_frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void
a_written_frame_is_read_back(void **state)
{
    dff_buf_t        buf = DFF_BUF_INIT;
    dff_frame_head_t head;
    dff_str_t        payload, text;
    dff_err_t        err;
    uint32_t         u32;
    uint64_t         u64;
    size_t           begin;

    (void) state;
    dff_buf_add(&buf, "before", 6);
    begin = dff_frame_begin(&buf, DFF_FRAME_CHILD_EXIT, 77);
    dff_frame_put_u32(&buf, 4000000000u);
    dff_frame_put_u64(&buf, 1ull << 60);
    dff_frame_put_str(&buf, DFF_STR("a\0b"));
    dff_frame_put_str(&buf, DFF_STR_NULL);
    dff_frame_end(&buf, begin);
    assert_false(dff_buf_failed(&buf));

    assert_int_equal(dff_frame_peek((dff_str_t) { buf.data + begin, buf.len - begin }, &head,
                                    &payload, &err), 1);
    assert_int_equal(head.type, DFF_FRAME_CHILD_EXIT);
    assert_int_equal(head.seq, 77);
    assert_int_equal(sizeof(head) + head.size, buf.len - begin);
    assert_int_equal(dff_frame_get_u32(&payload, &u32), DFF_OK);
    assert_true(u32 == 4000000000u);
    assert_int_equal(dff_frame_get_u64(&payload, &u64), DFF_OK);
    assert_true(u64 == 1ull << 60);
    assert_int_equal(dff_frame_get_str(&payload, &text), DFF_OK);
    assert_true(dff_str_eq(text, DFF_STR("a\0b")));
    assert_int_equal(dff_frame_get_str(&payload, &text), DFF_OK);
    assert_int_equal(text.len, 0);
    assert_int_equal(dff_frame_get_u32(&payload, &u32), DFF_ERROR);
    dff_buf_release(&buf);
}

static void
every_cut_of_a_frame_asks_for_more(void **state)
{
    dff_buf_t        buf = DFF_BUF_INIT;
    dff_frame_head_t head;
    dff_str_t        payload;
    size_t           begin, len;

    (void) state;
    begin = dff_frame_begin(&buf, DFF_FRAME_NEED_SCRIPT, 0);
    dff_frame_put_str(&buf, DFF_STR("demo__basic"));
    dff_frame_end(&buf, begin);

    for (len = 0; len < buf.len; len++) {
        assert_int_equal(dff_frame_peek((dff_str_t) { buf.data, len }, &head, &payload, NULL), 0);
    }
    assert_int_equal(dff_frame_peek((dff_str_t) { buf.data, len }, &head, &payload, NULL), 1);
    dff_buf_release(&buf);
}

static void
bytes_that_are_no_frame_are_refused(void **state)
{
    static const dff_frame_head_t bad[] = {
        { .version = 0, .type = DFF_FRAME_JOB },
        { .version = 2, .type = DFF_FRAME_JOB },
        { .version = 1, .type = 0 },
        { .version = 1, .type = DFF_FRAME_TYPE_COUNT },
        { .version = 1, .type = 0xffff },
        { .version = 1, .type = DFF_FRAME_JOB, .size = DFF_FRAME_MAX_SIZE + 1 },
        { .version = 1, .type = DFF_FRAME_JOB, .size = 0xffffffff },
    };
    dff_frame_head_t head;
    dff_str_t        payload;
    dff_err_t        err;
    size_t           i;

    (void) state;
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        err.message[0] = '\0';
        assert_int_equal(dff_frame_peek((dff_str_t) { (const char *) &bad[i], sizeof(bad[i]) },
                                        &head, &payload, &err), DFF_ERROR);
        assert_true(err.message[0] != '\0');
    }
}

static void
a_length_beyond_the_payload_is_refused(void **state)
{
    char      bytes[8] = { 5, 0, 0, 0, 'a', 'b', 'c', 'd' };
    dff_str_t payload = { bytes, sizeof(bytes) };
    dff_str_t text = DFF_STR("untouched");

    (void) state;
    assert_int_equal(dff_frame_get_str(&payload, &text), DFF_ERROR);
    assert_int_equal(payload.len, sizeof(bytes));
    bytes[0] = 4;
    assert_int_equal(dff_frame_get_str(&payload, &text), DFF_OK);
    assert_int_equal(payload.len, 0);
    memset(bytes, 0xff, sizeof(bytes));
    payload = (dff_str_t) { bytes, sizeof(bytes) };
    assert_int_equal(dff_frame_get_str(&payload, &text), DFF_ERROR);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_written_frame_is_read_back),
        cmocka_unit_test(every_cut_of_a_frame_asks_for_more),
        cmocka_unit_test(bytes_that_are_no_frame_are_refused),
        cmocka_unit_test(a_length_beyond_the_payload_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
