/* Text inside JSON strings, there and back. */
#include "dff_json.h"

#include "dff_err.h"

#include "dff_test.h"

#include "dff_banned.h"

static void
unescaping_gives_the_bytes_that_were_meant(void **state)
{
    static const struct {
        const char *raw, *text;
    } rows[] = {
        { "", "" }, { "plain", "plain" }, { "\\\"\\\\\\/\\b\\f\\n\\r\\t", "\"\\/\b\f\n\r\t" },
        { "\\u0041\\u00e9\\u4f60\\ud83d\\ude00", "A\xc3\xa9\xe4\xbd\xa0\xf0\x9f\x98\x80" },
        { "\\uD83D\\uDE00!", "\xf0\x9f\x98\x80!" },
        { "\\ud800", "\xef\xbf\xbd" }, { "\\udc00x", "\xef\xbf\xbdx" },
        { "\\ud800\\u0041", "\xef\xbf\xbd" "A" },
        { "\\ud800\\ud83d\\ude00", "\xef\xbf\xbd\xf0\x9f\x98\x80" },
        { "\\ud800\\n", "\xef\xbf\xbd\n" },
        /* not checked before, as the header asks: still no byte too far */
        { "a\\", "a" }, { "a\\u12", "a" }, { "\\", "" },
    };
    char   out[64];
    size_t i, n;

    (void) state;
    for (i = 0; i < DFF_TEST_COUNT(rows); i++) {
        dff_str_t raw = dff_test_exact(dff_str_from(rows[i].raw));

        n = dff_json_unescape(raw, out);
        assert_true(n <= raw.len);
        dff_test_str_is((dff_str_t) { out, n }, rows[i].text);
        dff_test_free(raw);
    }
    assert_int_equal(dff_json_unescape(DFF_STR("\\u0000"), out), 1);
    assert_int_equal(out[0], '\0');
    assert_int_equal(dff_json_unescape(DFF_STR_NULL, out), 0);
}

static void
escaping_measures_what_it_writes_and_is_read_back(void **state)
{
    static const struct {
        dff_str_t   text;
        const char *escaped;
    } rows[] = {
        { DFF_STR(""), "" },
        { DFF_STR("plain text of some length"), "plain text of some length" },
        { DFF_STR("\"\\/\b\f\n\r\t"), "\\\"\\\\/\\b\\f\\n\\r\\t" },
        { DFF_STR("\0\x01\x1f\x7f"), "\\u0000\\u0001\\u001f\x7f" },
        { DFF_STR("\xe4\xbd\xa0\xf0\x9f\x98\x80"), "\xe4\xbd\xa0\xf0\x9f\x98\x80" },
        { DFF_STR("a\xff" "b\xed\xa0\x80"),
          "a\xef\xbf\xbd" "b\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
        { DFF_STR("cut \xe4\xbd"), "cut \xef\xbf\xbd\xef\xbf\xbd" },
    };
    size_t i, size;

    (void) state;
    for (i = 0; i < DFF_TEST_COUNT(rows); i++) {
        dff_str_t text = dff_test_exact(rows[i].text);
        char     *out;

        size = dff_json_escaped_size(text);
        assert_int_equal(size, strlen(rows[i].escaped));
        out = malloc(size + 1);
        assert_non_null(out);
        assert_ptr_equal(dff_json_escape(out, text), out + size);
        dff_test_str_is((dff_str_t) { out, size }, rows[i].escaped);
        free(out);
        dff_test_free(text);
    }
    assert_int_equal(dff_json_escaped_size(DFF_STR_NULL), 0);
}

static void
any_bytes_become_a_string_that_the_reader_accepts(void **state)
{
    uint32_t seed = 12345;
    size_t   round, i;

    (void) state;
    for (round = 0; round < 2000; round++) {
        unsigned char bytes[40];
        char          out[6 * sizeof(bytes) + 2];
        char         *end;

        for (i = 0; i < sizeof(bytes); i++) {
            seed = seed * 1664525u + 1013904223u;
            bytes[i] = (unsigned char) (seed >> 24);
        }
        out[0] = '"';
        end = dff_json_escape(out + 1, (dff_str_t) { (char *) bytes, round % sizeof(bytes) });
        *end++ = '"';
        assert_int_equal(dff_json_check((dff_str_t) { out, (size_t) (end - out) }, NULL, NULL,
            NULL), DFF_OK);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unescaping_gives_the_bytes_that_were_meant),
        cmocka_unit_test(escaping_measures_what_it_writes_and_is_read_back),
        cmocka_unit_test(any_bytes_become_a_string_that_the_reader_accepts),
    };

    return cmocka_run_group_tests_name("dff_json_text", tests, NULL, NULL);
}
