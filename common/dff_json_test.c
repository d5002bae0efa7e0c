/* The strict JSON reader against good, bad and hostile bytes. */
#include "dff_json.h"

#include "dff_err.h"

#include "dff_test.h"

#include "dff_banned.h"

typedef struct {
    dff_str_t   text;
    const char *what;             /* NULL: good */
    size_t      line, column;
} dff_json_case_t;

#define GOOD(text)                     { DFF_STR(text), NULL, 0, 0 }
#define BAD(text, what, line, column)  { DFF_STR(text), (what), (line), (column) }

static const dff_json_case_t cases[] = {
    BAD("", "expected a value", 1, 1),
    BAD("  \n ", "expected a value", 2, 2),
    BAD("{", "expected a key in double quotes", 1, 2),
    BAD("[", "expected a value", 1, 2),
    BAD("]", "expected a value", 1, 1),
    BAD("{]", "expected a key in double quotes", 1, 2),
    BAD("[}", "expected a value", 1, 2),
    BAD("[1}", "expected ',' or ']'", 1, 3),
    BAD("{\"a\":1]", "expected ',' or '}'", 1, 7),
    BAD("{\"a\"", "expected ':' after a key", 1, 5),
    BAD("{\"a\" 1}", "expected ':' after a key", 1, 6),
    BAD("{\"a\":", "expected a value", 1, 6),
    BAD("{\"a\":1", "expected ',' or '}'", 1, 7),
    BAD("{\"a\":1,}", "expected a key in double quotes", 1, 8),
    BAD("{,\"a\":1}", "expected a key in double quotes", 1, 2),
    BAD("{'a':1}", "expected a key in double quotes", 1, 2),
    BAD("{a:1}", "expected a key in double quotes", 1, 2),
    BAD("{1:1}", "expected a key in double quotes", 1, 2),
    BAD("[1,]", "expected a value", 1, 4),
    BAD("[1 2]", "expected ',' or ']'", 1, 4),
    BAD("{\n  \"a\": 1,\n  \"b\" 2\n}", "expected ':' after a key", 3, 7),
    BAD("1 2", "expected the end of the document", 1, 3),
    BAD("{} x", "expected the end of the document", 1, 4),
    BAD("1\0", "expected the end of the document", 1, 2),
    BAD("\0", "expected a value", 1, 1),
    BAD("\xef\xbb\xbf{}", "expected a value", 1, 1),
    BAD("nul", "expected a value", 1, 1),
    BAD("True", "expected a value", 1, 1),
    BAD("NaN", "expected a value", 1, 1),
    BAD("nullx", "expected the end of the document", 1, 5),
    BAD("+1", "expected a value", 1, 1),
    BAD("-", "expected a digit after '-'", 1, 2),
    BAD("-x", "expected a digit after '-'", 1, 2),
    BAD("01", "number with a leading zero", 1, 2),
    BAD("-01", "number with a leading zero", 1, 3),
    BAD("1.", "expected a digit after the decimal point", 1, 3),
    BAD(".5", "expected a value", 1, 1),
    BAD("1e", "expected a digit in the exponent", 1, 3),
    BAD("1e+", "expected a digit in the exponent", 1, 4),
    BAD("\"", "string without a closing quote", 1, 2),
    BAD("\"abc", "string without a closing quote", 1, 5),
    BAD("\"abc\\", "string without a closing quote", 1, 6),
    BAD("\"abc\\\"", "string without a closing quote", 1, 7),
    BAD("\"a\\x\"", "unknown escape in a string", 1, 3),
    BAD("\"\\u12\"", "\\u needs four hexadecimal digits", 1, 2),
    BAD("\"\\u12G4\"", "\\u needs four hexadecimal digits", 1, 2),
    BAD("\"\\u123", "\\u needs four hexadecimal digits", 1, 2),
    BAD("\"a\nb\"", "control character in a string, it must be escaped", 1, 3),
    BAD("\"a\tb\"", "control character in a string, it must be escaped", 1, 3),
    BAD("\"a\0b\"", "control character in a string, it must be escaped", 1, 3),
    BAD("\"01234567890123456789\x1f\"", "control character in a string, it must be escaped", 1, 22),
    BAD("\"\x80\"", "string is not UTF-8", 1, 2),
    BAD("\"\xc0\xaf\"", "string is not UTF-8", 1, 2),              /* overlong '/' */
    BAD("\"\xc1\xbf\"", "string is not UTF-8", 1, 2),
    BAD("\"\xe0\x80\xaf\"", "string is not UTF-8", 1, 2),          /* overlong */
    BAD("\"\xed\xa0\x80\"", "string is not UTF-8", 1, 2),          /* surrogate */
    BAD("\"\xf0\x80\x80\xaf\"", "string is not UTF-8", 1, 2),      /* overlong */
    BAD("\"\xf4\x90\x80\x80\"", "string is not UTF-8", 1, 2),      /* above U+10FFFF */
    BAD("\"\xf8\x88\x80\x80\x80\"", "string is not UTF-8", 1, 2),
    BAD("\"\xff\"", "string is not UTF-8", 1, 2),
    BAD("\"\xe4\xb8\"", "string is not UTF-8", 1, 2),              /* cut */
    BAD("\"\xe4", "string is not UTF-8", 1, 2),
    BAD("\"abcdefgh\xe4\xb8x\"", "string is not UTF-8", 1, 10),
    BAD("\xc3\xa4", "expected a value", 1, 1),

    GOOD("null"), GOOD("true"), GOOD(" false "), GOOD("0"), GOOD("-0"), GOOD("-0.0e-0"),
    GOOD("123456789012345678901234567890"), GOOD("1E5"), GOOD("1.5e+300"), GOOD("\"\""),
    GOOD("\t\r\n {} \n"), GOOD("[]"), GOOD("[ ]"), GOOD("{ }"), GOOD("[[],{},[{}]]"),
    GOOD("{\"a\":{\"b\":[1,2,{\"c\":null}]},\"a\":2}"),
    GOOD("\"\x7f ~\""), GOOD("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\ude00\\ud800\""),
    GOOD("\"\xc2\x80 \xdf\xbf \xe0\xa0\x80 \xed\x9f\xbf \xee\x80\x80 \xf0\x90\x80\x80 "
         "\xf4\x8f\xbf\xbf\""),
    GOOD("\"eight by eight, then some more: 0123456789\""),
};

static void
a_document_is_accepted_or_its_failure_is_located(void **state)
{
    size_t i;

    (void) state;
    for (i = 0; i < DFF_TEST_COUNT(cases); i++) {
        dff_str_t       text = dff_test_exact(cases[i].text);
        dff_json_fail_t fail = { NULL, 0, 0, 0 };
        int             rc = dff_json_check(text, NULL, NULL, &fail);

        if ((rc == DFF_OK) != (cases[i].what == NULL))
            fail_msg("row %zu <%s>: got %d (%s)", i, cases[i].text.data, rc, fail.what);
        if (rc != DFF_OK) {
            if (strcmp(fail.what, cases[i].what) != 0 || fail.line != cases[i].line
                || fail.column != cases[i].column)
            {
                fail_msg("row %zu <%s>: got \"%s\" at %zu:%zu", i, cases[i].text.data, fail.what,
                    fail.line, fail.column);
            }
            assert_true(fail.offset <= text.len);
        }
        dff_test_free(text);
    }
}

static void
every_cut_of_a_document_is_refused_without_reading_over_its_end(void **state)
{
    static const char whole[] =
        "{\"plain\":\"0123456789abcdef\",\"esc\":\"\\u12ab\\n\\ud83d\\ude00\",\"n\":[-1.5e+10,0],"
        "\"utf\":\"\xe4\xbd\xa0\xf0\x9f\x98\x80\",\"deep\":[[{\"a\":[true,false,null]}]]}";
    size_t len;

    (void) state;
    for (len = 0; len < sizeof(whole) - 1; len++) {
        dff_str_t       text = dff_test_exact((dff_str_t) { whole, len });
        dff_json_fail_t fail;

        assert_int_equal(dff_json_check(text, NULL, NULL, &fail), DFF_ERROR);
        assert_true(fail.offset <= len);
        dff_test_free(text);
    }
    assert_int_equal(dff_json_check(DFF_STR(whole), NULL, NULL, NULL), DFF_OK);
}

static void
each_of_the_256_bytes_is_judged_alike_by_both_string_paths(void **state)
{
    int c;

    (void) state;
    for (c = 0; c < 256; c++) {
        char      byte = (char) c;
        char      near[3] = { '"', byte, '"' };
        char      wide[32];
        dff_str_t a, b;
        int       at;
        bool      good = c >= 0x20 && c < 0x80 && c != '"' && c != '\\';

        for (at = 1; at <= 24; at++) {
            memset(wide, 'x', sizeof(wide));
            wide[0] = wide[26] = '"';
            wide[at] = byte;
            a = dff_test_exact((dff_str_t) { near, 3 });
            b = dff_test_exact((dff_str_t) { wide, 27 });
            assert_int_equal(dff_json_check(a, NULL, NULL, NULL), good ? DFF_OK : DFF_ERROR);
            assert_int_equal(dff_json_check(b, NULL, NULL, NULL), good ? DFF_OK : DFF_ERROR);
            dff_test_free(a);
            dff_test_free(b);
        }
    }
}

static void
depth_has_a_limit_that_counts_both_brackets(void **state)
{
    char            text[8 * DFF_JSON_MAX_DEPTH];
    size_t          depth, n, i;
    dff_json_fail_t fail;

    (void) state;
    for (depth = DFF_JSON_MAX_DEPTH - 1; depth <= DFF_JSON_MAX_DEPTH + 1; depth++) {
        n = 0;
        for (i = 0; i < depth; i++) {
            if (i % 2) {
                memcpy(text + n, "{\"a\":", 5);
                n += 5;
            } else {
                text[n++] = '[';
            }
        }
        text[n++] = '1';
        for (i = depth; i > 0; i--)
            text[n++] = (i - 1) % 2 ? '}' : ']';
        assert_int_equal(dff_json_check((dff_str_t) { text, n }, NULL, NULL, &fail),
            depth <= DFF_JSON_MAX_DEPTH ? DFF_OK : DFF_ERROR);
        if (depth > DFF_JSON_MAX_DEPTH)
            assert_string_equal(fail.what, "nested more than 128 levels deep");
    }
}

static void
a_million_open_brackets_cost_nothing(void **state)
{
    size_t len = 1 << 20;
    char  *text = malloc(len);

    (void) state;
    assert_non_null(text);
    memset(text, '[', len);
    assert_int_equal(dff_json_check((dff_str_t) { text, len }, NULL, NULL, NULL), DFF_ERROR);
    free(text);
}

static void
check_gives_the_text_without_the_space_around_it(void **state)
{
    dff_str_t       value;
    dff_json_type_t type;

    (void) state;
    assert_int_equal(dff_json_check(DFF_STR(" \n{\"a\" : 1.50}\t"), &value, &type, NULL), DFF_OK);
    dff_test_str_is(value, "{\"a\" : 1.50}");
    assert_int_equal(type, DFF_JSON_OBJECT);
    assert_int_equal(dff_json_check(DFF_STR("[{}]"), &value, &type, NULL), DFF_OK);
    assert_int_equal(type, DFF_JSON_ARRAY);
    assert_int_equal(dff_json_check(DFF_STR("[]"), &value, &type, NULL), DFF_OK);
    assert_int_equal(type, DFF_JSON_ARRAY);
    assert_int_equal(dff_json_check(DFF_STR_NULL, NULL, NULL, NULL), DFF_ERROR);
}

static void
members_come_in_order_with_their_exact_text(void **state)
{
    static const struct {
        const char     *key, *value;
        dff_json_type_t type;
        bool            escaped;
    } expected[] = {
        { "a", "12345678901234567890.0", DFF_JSON_NUMBER, false },
        { "", "\"x\\u0041\"", DFF_JSON_STRING, false },
        { "k\\\"", "[1, 2 ]", DFF_JSON_ARRAY, true },
        { "a", "{ }", DFF_JSON_OBJECT, false },
        { "t", "true", DFF_JSON_TRUE, false },
        { "f", "false", DFF_JSON_FALSE, false },
        { "n", "null", DFF_JSON_NULL, false },
    };
    dff_json_object_t it;
    dff_json_member_t member;
    size_t            i;

    (void) state;
    assert_int_equal(dff_json_object_open(&it, DFF_STR(" { \"a\" : 12345678901234567890.0 ,"
        "\"\":\"x\\u0041\",\"k\\\"\":[1, 2 ],\"a\":{ },\"t\":true,\"f\":false,\n\"n\":null } ")),
        DFF_OK);
    for (i = 0; i < DFF_TEST_COUNT(expected); i++) {
        assert_int_equal(dff_json_object_next(&it, &member, NULL), 1);
        dff_test_str_is(member.key, expected[i].key);
        dff_test_str_is(member.value, expected[i].value);
        assert_int_equal(member.type, expected[i].type);
        assert_int_equal(member.key_escaped, expected[i].escaped);
    }
    assert_int_equal(dff_json_object_next(&it, &member, NULL), 0);
    assert_int_equal(dff_json_object_next(&it, &member, NULL), 0);
}

static void
the_member_walk_fails_where_the_object_is_bad(void **state)
{
    static const struct {
        const char *text;
        int         members;         /* good ones before the failure */
        const char *what;
    } rows[] = {
        { "{", 0, "expected a key in double quotes" },
        { "{\"a\":1", 1, "expected ',' or '}'" },
        { "{\"a\":1,", 1, "expected a key in double quotes" },
        { "{\"a\":1,}", 1, "expected a key in double quotes" },
        { "{\"a\":1 \"b\":2}", 1, "expected ',' or '}'" },
        { "{\"a\":1}}", 1, "expected the end of the document" },
        { "{\"a\":[1}", 0, "expected ',' or ']'" },
        { "{\"a\":}", 0, "expected a value" },
    };
    size_t i;

    (void) state;
    for (i = 0; i < DFF_TEST_COUNT(rows); i++) {
        dff_str_t         text = dff_test_exact(dff_str_from(rows[i].text));
        dff_json_object_t it;
        dff_json_member_t member;
        dff_json_fail_t   fail;
        int               n = 0, rc;

        assert_int_equal(dff_json_object_open(&it, text), DFF_OK);
        while ((rc = dff_json_object_next(&it, &member, &fail)) == 1)
            n++;
        assert_int_equal(rc, DFF_ERROR);
        assert_int_equal(n, rows[i].members);
        assert_string_equal(fail.what, rows[i].what);
        assert_int_equal(dff_json_object_next(&it, &member, &fail), 0);
        dff_test_free(text);
    }
}

static void
only_an_object_can_be_walked(void **state)
{
    static const char *const texts[] = { "", "  ", "[]", "\"a\"", "null", "1" };
    dff_json_object_t        it;
    dff_json_member_t        member;
    size_t                   i;

    (void) state;
    for (i = 0; i < DFF_TEST_COUNT(texts); i++) {
        assert_int_equal(dff_json_object_open(&it, dff_str_from(texts[i])), DFF_ERROR);
        assert_int_equal(dff_json_object_next(&it, &member, NULL), 0);
    }
    assert_int_equal(dff_json_object_open(&it, DFF_STR_NULL), DFF_ERROR);
}

static void
integers_are_read_to_their_limits_and_not_beyond(void **state)
{
    static const struct {
        const char *text;
        bool        good;
        int64_t     value;
    } rows[] = {
        { "", false, 0 }, { "-", false, 0 }, { "+1", false, 0 }, { "01", false, 0 },
        { "00", false, 0 }, { "-01", false, 0 }, { "1.0", false, 0 }, { "1e3", false, 0 },
        { " 1", false, 0 }, { "1 ", false, 0 }, { "0x10", false, 0 }, { "\"1\"", false, 0 },
        { "9223372036854775808", false, 0 }, { "-9223372036854775809", false, 0 },
        { "18446744073709551616", false, 0 }, { "99999999999999999999999999", false, 0 },
        { "0", true, 0 }, { "-0", true, 0 }, { "7", true, 7 }, { "-1", true, -1 },
        { "9223372036854775807", true, INT64_MAX }, { "-9223372036854775808", true, INT64_MIN },
    };
    int64_t value;
    size_t  i;

    (void) state;
    for (i = 0; i < DFF_TEST_COUNT(rows); i++) {
        dff_str_t text = dff_test_exact(dff_str_from(rows[i].text));

        value = 42;
        assert_int_equal(dff_json_int64(text, &value), rows[i].good ? DFF_OK : DFF_ERROR);
        assert_true(value == (rows[i].good ? rows[i].value : 42));
        dff_test_free(text);
    }
}

static void
only_a_string_without_escapes_is_plain(void **state)
{
    dff_str_t text = DFF_STR_NULL;

    (void) state;
    assert_int_equal(dff_json_plain_string(DFF_STR(""), &text), DFF_ERROR);
    assert_int_equal(dff_json_plain_string(DFF_STR("\""), &text), DFF_ERROR);
    assert_int_equal(dff_json_plain_string(DFF_STR("12"), &text), DFF_ERROR);
    assert_int_equal(dff_json_plain_string(DFF_STR("\"a\\n\""), &text), DFF_ERROR);
    assert_int_equal(dff_json_plain_string(DFF_STR("\"\""), &text), DFF_OK);
    assert_int_equal(text.len, 0);
    assert_int_equal(dff_json_plain_string(DFF_STR("\"a b\""), &text), DFF_OK);
    dff_test_str_is(text, "a b");
}

static void
elements_of_an_array_come_in_order_until_it_is_bad(void **state)
{
    static const struct { const char *text; int opens, elements, end; } rows[] = {
        { " [ 1 , {\"a\":[]} ,\"x\" ] ", DFF_OK, 3, 0 }, { "[]", DFF_OK, 0, 0 },
        { "[1,]", DFF_OK, 1, DFF_ERROR }, { "[1", DFF_OK, 1, DFF_ERROR },
        { "[1}", DFF_OK, 1, DFF_ERROR }, { "[1 2]", DFF_OK, 1, DFF_ERROR },
        { "[1]]", DFF_OK, 1, DFF_ERROR }, { "[", DFF_OK, 0, DFF_ERROR },
        { "{}", DFF_ERROR, 0, 0 }, { "", DFF_ERROR, 0, 0 },
    };
    dff_json_array_t  it;
    dff_json_member_t element;
    size_t            i;
    int               rc, count;

    (void) state;
    for (i = 0; i < DFF_TEST_COUNT(rows); i++) {
        dff_str_t text = dff_test_exact(dff_str_from(rows[i].text));

        assert_int_equal(dff_json_array_open(&it, text), rows[i].opens);
        for (count = 0; (rc = dff_json_array_next(&it, &element, NULL)) == 1; count++)
            assert_int_equal(element.key.len, 0);
        assert_int_equal(count, rows[i].elements);
        assert_int_equal(rc, rows[i].end);
        dff_test_free(text);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elements_of_an_array_come_in_order_until_it_is_bad),
        cmocka_unit_test(a_document_is_accepted_or_its_failure_is_located),
        cmocka_unit_test(every_cut_of_a_document_is_refused_without_reading_over_its_end),
        cmocka_unit_test(each_of_the_256_bytes_is_judged_alike_by_both_string_paths),
        cmocka_unit_test(depth_has_a_limit_that_counts_both_brackets),
        cmocka_unit_test(a_million_open_brackets_cost_nothing),
        cmocka_unit_test(check_gives_the_text_without_the_space_around_it),
        cmocka_unit_test(members_come_in_order_with_their_exact_text),
        cmocka_unit_test(the_member_walk_fails_where_the_object_is_bad),
        cmocka_unit_test(only_an_object_can_be_walked),
        cmocka_unit_test(integers_are_read_to_their_limits_and_not_beyond),
        cmocka_unit_test(only_a_string_without_escapes_is_plain),
    };

    return cmocka_run_group_tests_name("dff_json", tests, NULL, NULL);
}
