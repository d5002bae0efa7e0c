/* Fields of queries and forms. */
#include "dff_form.h"

#include "dff_err.h"
#include "dff_test.h"

#include "dff_banned.h"

/* The fields as "name=value;…", or "! what, byte". */
static void
read_fields(dff_str_t text, char *out, size_t size)
{
    dff_form_t       form;
    dff_form_field_t field;
    dff_form_fail_t  fail = { "", 0 };
    dff_str_t        exact = dff_test_exact(text);
    char            *room = malloc(text.len == 0 ? 1 : text.len);
    size_t           len = 0;
    int              rc;

    assert_non_null(room);
    out[0] = '\0';
    dff_form_open(&form, exact, dff_form_is_coded(exact) ? room : NULL);
    while ((rc = dff_form_next(&form, &field, &fail)) == 1) {
        len += (size_t) snprintf(out + len, size - len, "%.*s=%.*s;", (int) field.name.len,
            field.name.data == NULL ? "" : field.name.data, (int) field.value.len,
            field.value.data == NULL ? "" : field.value.data);
        assert_true(len < size);
    }
    if (rc == DFF_ERROR)
        (void) snprintf(out, size, "! %s, %zu", fail.what, fail.byte);
    free(room);
    dff_test_free(exact);
}

static void
texts_are_split_decoded_and_refused_as_expected(void **state)
{
    static const struct {
        dff_str_t   text;
        const char *fields;
    } rows[] = {
        { DFF_STR("a=1%"), "! bad percent-encoding, 4" },
        { DFF_STR("a=%7"), "! bad percent-encoding, 3" },
        { DFF_STR("a=%7G&b=1"), "! bad percent-encoding, 3" },
        { DFF_STR("a=%4&b=1"), "! bad percent-encoding, 3" },
        { DFF_STR("%=1"), "! bad percent-encoding, 1" },
        { DFF_STR("a=1&b%-1=2"), "! bad percent-encoding, 6" },
        { DFF_STR("a=\xff"), "! text that is not UTF-8, 3" },
        { DFF_STR("a=%ff"), "! text that is not UTF-8, 3" },
        { DFF_STR("a=%c3"), "! text that is not UTF-8, 3" },
        { DFF_STR("x=1&%C0%AF=2"), "! text that is not UTF-8, 5" },
        { DFF_STR("a=%ED%A0%80"), "! text that is not UTF-8, 3" },
        { DFF_STR(""), "" },
        { DFF_STR("&&&"), "" },
        { DFF_STR("="), "=;" },
        { DFF_STR("a"), "a=;" },
        { DFF_STR("=b"), "=b;" },
        { DFF_STR("a=b=c&d=%3d%26"), "a=b=c;d==&;" },
        { DFF_STR("a=1&&a=2&"), "a=1;a=2;" },
        { DFF_STR("a+b=c+%2B"), "a b=c +;" },
        { DFF_STR("a=%e4%b8%ad"), "a=\xe4\xb8\xad;" },
        { DFF_STR("a=\xe4\xb8\xad"), "a=\xe4\xb8\xad;" },
        { DFF_STR("a=%C3%a9"), "a=\xc3\xa9;" },
    };
    char   out[256];
    size_t i;

    (void) state;
    for (i = 0; i < DFF_TEST_COUNT(rows); i++) {
        read_fields(rows[i].text, out, sizeof(out));
        assert_string_equal(out, rows[i].fields);
    }
}

static void
a_nul_is_a_byte_like_any_other(void **state)
{
    dff_form_t       form;
    dff_form_field_t field;
    char             room[16];

    (void) state;
    dff_form_open(&form, DFF_STR("a%00b=\0c"), room);
    assert_int_equal(dff_form_next(&form, &field, NULL), 1);
    assert_int_equal(field.name.len, 3);
    assert_memory_equal(field.name.data, "a\0b", 3);
    assert_int_equal(field.value.len, 2);
    assert_memory_equal(field.value.data, "\0c", 2);
    assert_int_equal(dff_form_next(&form, &field, NULL), 0);
}

static void
a_thousand_fields_are_taken_and_not_one_more(void **state)
{
    char             text[2 * (DFF_FORM_FIELDS_MAX + 1)];
    size_t           i;
    dff_form_t       form;
    dff_form_field_t field;
    dff_form_fail_t  fail;

    (void) state;
    for (i = 0; i < sizeof(text); i += 2)
        memcpy(text + i, "a&", 2);
    dff_form_open(&form, (dff_str_t) { text, sizeof(text) - 2 }, NULL);
    for (i = 0; i < DFF_FORM_FIELDS_MAX; i++)
        assert_int_equal(dff_form_next(&form, &field, &fail), 1);
    assert_int_equal(dff_form_next(&form, &field, &fail), 0);

    dff_form_open(&form, (dff_str_t) { text, sizeof(text) }, NULL);
    for (i = 0; i < DFF_FORM_FIELDS_MAX; i++)
        assert_int_equal(dff_form_next(&form, &field, &fail), 1);
    assert_int_equal(dff_form_next(&form, &field, &fail), DFF_ERROR);
    assert_string_equal(fail.what, "more than 1000 fields");
    assert_int_equal(fail.byte, 2 * DFF_FORM_FIELDS_MAX + 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_split_decoded_and_refused_as_expected),
        cmocka_unit_test(a_nul_is_a_byte_like_any_other),
        cmocka_unit_test(a_thousand_fields_are_taken_and_not_one_more),
    };

    return cmocka_run_group_tests_name("dff_form", tests, NULL, NULL);
}
