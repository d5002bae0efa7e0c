/* The growable buffer. */
#include "dff_buf.h"

#include "dff_test.h"

#include "dff_banned.h"

static void
an_empty_buffer_can_be_used_and_released_in_every_way(void **state)
{
    dff_buf_t buf = { NULL, 0, 0, false };
    char     *text;
    size_t    len = 7;

    (void) state;
    dff_buf_release(NULL);
    dff_buf_release(&buf);
    dff_buf_clear(&buf);
    dff_buf_consume(&buf, 10);
    assert_false(dff_buf_failed(&buf));
    dff_buf_add(&buf, NULL, 0);
    assert_string_equal(buf.data, "");
    dff_buf_release(&buf);
    text = dff_buf_take(&buf, &len);
    assert_string_equal(text, "");
    assert_int_equal(len, 0);
    free(text);
}

static void
appends_of_all_kinds_add_up(void **state)
{
    dff_buf_t buf = DFF_BUF_INIT;
    char      expected[4096] = "";
    size_t    i, len = 0;

    (void) state;
    for (i = 0; i < 200; i++) {
        dff_buf_add(&buf, "a\0b", 3);
        memcpy(expected + len, "a\0b", 3);
        len += 3;
        dff_buf_add_str(&buf, DFF_STR("str"));
        memcpy(expected + len, "str", 3);
        len += 3;
        dff_buf_addf(&buf, "%zu;", i);
        len += (size_t) snprintf(expected + len, sizeof(expected) - len, "%zu;", i);
        assert_int_equal(buf.len, len);
        assert_int_equal(buf.data[len], '\0');
    }
    assert_memory_equal(buf.data, expected, len);
    assert_false(dff_buf_failed(&buf));
    dff_buf_release(&buf);
}

static void
formatted_text_longer_than_the_room_is_whole(void **state)
{
    dff_buf_t buf = DFF_BUF_INIT;
    size_t    width;

    (void) state;
    for (width = 1; width < 300; width++) {
        dff_buf_clear(&buf);
        dff_buf_add(&buf, "<", 1);
        dff_buf_addf(&buf, "%*d>", (int) width, 5);
        assert_int_equal(buf.len, width + 2);
        assert_int_equal(buf.data[width], '5');
        assert_int_equal(buf.data[width + 1], '>');
        if (width % 2)
            dff_buf_release(&buf);
    }
    dff_buf_release(&buf);
}

static void
an_impossible_size_is_remembered_until_clear(void **state)
{
    dff_buf_t buf = DFF_BUF_INIT;

    (void) state;
    dff_buf_add(&buf, "kept", 4);
    assert_null(dff_buf_reserve(&buf, SIZE_MAX));
    assert_true(dff_buf_failed(&buf));
    dff_buf_add(&buf, "more", 4);
    dff_buf_addf(&buf, "more");
    dff_buf_add_json_escaped(&buf, DFF_STR("more"));
    assert_null(dff_buf_reserve(&buf, 1));
    assert_string_equal(buf.data, "kept");
    assert_null(dff_buf_reserve(&buf, SIZE_MAX / 2));
    dff_buf_clear(&buf);
    assert_false(dff_buf_failed(&buf));
    dff_buf_add(&buf, "new", 3);
    assert_string_equal(buf.data, "new");
    buf.failed = true;
    assert_null(dff_buf_take(&buf, NULL));
    assert_null(buf.data);
}

static void
reserved_room_is_filled_by_the_caller(void **state)
{
    dff_buf_t buf = DFF_BUF_INIT;
    char     *p, *text;
    size_t    len;

    (void) state;
    dff_buf_add(&buf, "ab", 2);
    p = dff_buf_reserve(&buf, 1000);
    assert_non_null(p);
    memset(p, 'x', 1000);
    assert_int_equal(buf.len, 2);
    buf.len += 1000;
    text = dff_buf_take(&buf, &len);
    assert_int_equal(len, 1002);
    assert_int_equal(strlen(text), 1002);
    assert_null(buf.data);
    assert_int_equal(buf.size, 0);
    free(text);
}

static void
consuming_drops_the_front(void **state)
{
    dff_buf_t buf = DFF_BUF_INIT;

    (void) state;
    dff_buf_add_str(&buf, DFF_STR("0123456789"));
    dff_buf_consume(&buf, 0);
    dff_buf_consume(&buf, 4);
    assert_string_equal(buf.data, "456789");
    dff_buf_consume(&buf, 100);
    assert_int_equal(buf.len, 0);
    assert_string_equal(buf.data, "");
    dff_buf_release(&buf);
}

static void
escaped_text_is_appended_with_its_nul(void **state)
{
    dff_buf_t buf = DFF_BUF_INIT;

    (void) state;
    dff_buf_add_json_escaped(&buf, DFF_STR("a\"\n\0"));
    assert_string_equal(buf.data, "a\\\"\\n\\u0000");
    dff_buf_add_json_escaped(&buf, DFF_STR_NULL);
    assert_int_equal(buf.len, strlen(buf.data));
    dff_buf_release(&buf);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_buffer_can_be_used_and_released_in_every_way),
        cmocka_unit_test(appends_of_all_kinds_add_up),
        cmocka_unit_test(formatted_text_longer_than_the_room_is_whole),
        cmocka_unit_test(an_impossible_size_is_remembered_until_clear),
        cmocka_unit_test(reserved_room_is_filled_by_the_caller),
        cmocka_unit_test(consuming_drops_the_front),
        cmocka_unit_test(escaped_text_is_appended_with_its_nul),
    };

    return cmocka_run_group_tests_name("dff_buf", tests, NULL, NULL);
}
