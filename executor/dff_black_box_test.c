/* Tests of a worker's black box. */
#include "dff_black_box.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static dff_black_box_t *
box_new(int *fd)
{
    dff_err_t        err;
    dff_black_box_t *box;

    assert_int_equal(dff_black_box_make(fd, &err), DFF_OK);
    box = dff_black_box_map(*fd);
    assert_non_null(box);
    return box;
}

static void
told(const dff_black_box_t *box, const char *expected)
{
    dff_buf_t out = DFF_BUF_INIT;

    dff_black_box_tell(box, &out);
    assert_int_equal(out.len, strlen(expected));
    assert_memory_equal(out.data == NULL ? "" : out.data, expected, out.len);
    dff_buf_release(&out);
}

static void
what_the_worker_wrote_is_told(void **state)
{
    int              fd;
    dff_black_box_t *box = box_new(&fd), *other = dff_black_box_map(fd);

    (void) state;
    told(NULL, "");
    told(box, "");
    dff_black_box_log(box, DFF_STR("one\n"));
    dff_black_box_log(box, DFF_STR("two"));
    told(other, "\nthe end of its log:\none\ntwo");
    (void) snprintf(box->stack, sizeof(box->stack), "File x\n");
    told(other, "\nat its soft limit: File x\n\nthe end of its log:\none\ntwo");
    dff_black_box_begin(box);
    told(other, "");

    assert_int_not_equal(ftruncate(fd, 1), 0);
    dff_black_box_unmap(other);
    dff_black_box_unmap(box);
    (void) close(fd);
}

static void
of_a_long_log_whole_lines_of_the_end_are_told(void **state)
{
    int              fd, i;
    dff_black_box_t *box = box_new(&fd);
    dff_buf_t        out = DFF_BUF_INIT;
    char             line[32], big[3 * DFF_BLACK_BOX_LOG];

    (void) state;
    for (i = 0; i < 2000; i++) {
        (void) snprintf(line, sizeof(line), "line %d\n", i);
        dff_black_box_log(box, dff_str_from(line));
    }
    dff_black_box_tell(box, &out);
    assert_memory_equal(out.data, "\nthe end of its log:\nline ", 26);
    assert_memory_equal(out.data + out.len - 9, "line 1999", 9);
    assert_true(out.len > DFF_BLACK_BOX_LOG - 20 && out.len < DFF_BLACK_BOX_LOG + 30);
    dff_buf_clear(&out);

    memset(big, 'x', sizeof(big));
    dff_black_box_log(box, (dff_str_t) { big, sizeof(big) });
    memset(box->stack, 'y', sizeof(box->stack));       /* a stranger's: without an end */
    dff_black_box_tell(box, &out);
    assert_int_equal(out.len, 20 + DFF_BLACK_BOX_STACK + 21 + DFF_BLACK_BOX_LOG);
    dff_buf_release(&out);
    dff_black_box_unmap(box);
    (void) close(fd);
}

/* The end of a log of size bytes of text, written in pieces of step, and of a tail. */
static void
end_of(dff_buf_t *out, const char *text, size_t size, size_t step, dff_str_t tail)
{
    int              fd;
    size_t           at;
    dff_black_box_t *box = box_new(&fd);

    dff_buf_clear(out);
    for (at = 0; at < size; at += step)
        dff_black_box_log(box, (dff_str_t) { text + at, step < size - at ? step : size - at });
    dff_black_box_log(box, tail);
    dff_black_box_end_of_log(box, out);
    dff_black_box_unmap(box);
    (void) close(fd);
}

static void
of_a_last_line_longer_than_the_box_the_end_is_told(void **state)
{
    static const size_t steps[] = { 2 * DFF_BLACK_BOX_LOG, DFF_BLACK_BOX_LOG, 1000 };
    char                wide[2 * DFF_BLACK_BOX_LOG];
    dff_buf_t           out = DFF_BUF_INIT;
    size_t              i, len;

    (void) state;
    for (i = 0; i < sizeof(wide); i++)
        wide[i] = "\xf0\x9f\x8d\x8b"[i % 4];           /* characters of four bytes */

    /* With each tail the box begins at another byte of a character. */
    for (len = 0; len <= 4; len++) {
        dff_str_t tail = { &"abc\n"[4 - len], len };

        for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
            end_of(&out, wide, sizeof(wide), steps[i], tail);
            assert_int_equal(out.len, (DFF_BLACK_BOX_LOG - len) / 4 * 4 + len);
            assert_memory_equal(out.data, "\xf0\x9f\x8d\x8b", 4);
            assert_memory_equal(out.data + out.len - len, tail.data, len);
        }
    }
    dff_buf_release(&out);
}

static void
of_a_first_write_longer_than_the_box_whole_lines_are_told(void **state)
{
    char      text[DFF_BLACK_BOX_LOG + 100];
    dff_buf_t out = DFF_BUF_INIT;

    (void) state;
    memset(text, 'x', sizeof(text));
    text[199] = '\n';
    text[200] = 'y';
    end_of(&out, text, sizeof(text), sizeof(text), DFF_STR(""));
    assert_int_equal(out.len, sizeof(text) - 200);
    assert_memory_equal(out.data, text + 200, out.len);

    /* What is written behind it follows it. */
    end_of(&out, text, sizeof(text), sizeof(text), DFF_STR("1\n2"));
    assert_int_equal(out.len, sizeof(text) - 200 + 3);
    assert_memory_equal(out.data, text + 200, out.len - 3);
    assert_memory_equal(out.data + out.len - 3, "1\n2", 3);

    /* Of what just has room nothing is missing. */
    end_of(&out, text, DFF_BLACK_BOX_LOG, DFF_BLACK_BOX_LOG, DFF_STR(""));
    assert_int_equal(out.len, DFF_BLACK_BOX_LOG);
    assert_memory_equal(out.data, text, out.len);
    dff_buf_release(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_worker_wrote_is_told),
        cmocka_unit_test(of_a_long_log_whole_lines_of_the_end_are_told),
        cmocka_unit_test(of_a_last_line_longer_than_the_box_the_end_is_told),
        cmocka_unit_test(of_a_first_write_longer_than_the_box_whole_lines_are_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
