/* Sealed secrets: they open with what they were sealed with, and with nothing else. */
#include "store/dff_secret.h"

#include "dff_test.h"

#include "dff_banned.h"

#define SECRET   DFF_STR("a secret of the tests")
#define CONTEXT  DFF_STR("apia-1 user bob")

static dff_str_t
text_of(const dff_buf_t *buf)
{
    return (dff_str_t) { buf->data == NULL ? "" : buf->data, buf->len };
}

static void
what_was_sealed_opens_again_and_is_never_sealed_alike(void **state)
{
    char             huge[DFF_SECRET_PLAIN_MAX];
    const dff_str_t  rows[] = {
        DFF_STR("p"), DFF_STR(""), DFF_STR("J\xc3\xa4s\xc3\xb8n"), { "a\0b", 3 },
        { huge, sizeof(huge) },
    };
    dff_err_t err;

    (void) state;
    memset(huge, 'x', sizeof(huge));
    for (size_t i = 0; i < DFF_TEST_COUNT(rows); i++) {
        dff_buf_t one = DFF_BUF_INIT, two = DFF_BUF_INIT, plain = DFF_BUF_INIT;

        assert_int_equal(dff_secret_seal(&one, SECRET, CONTEXT, rows[i], &err), DFF_OK);
        assert_int_equal(dff_secret_seal(&two, SECRET, CONTEXT, rows[i], &err), DFF_OK);
        assert_string_not_equal(one.data, two.data);
        assert_int_equal(strncmp(one.data, "gcm1:", 5), 0);
        assert_true(rows[i].len < 2
                    || memmem(one.data, one.len, rows[i].data, rows[i].len) == NULL);
        assert_int_equal(dff_secret_open(&plain, SECRET, CONTEXT, text_of(&one), &err), DFF_OK);
        assert_true(dff_str_eq(text_of(&plain), rows[i]));
        dff_secret_wipe(&one);
        dff_secret_wipe(&two);
        dff_secret_wipe(&plain);
    }
    assert_int_equal(dff_secret_seal(&(dff_buf_t) { 0 }, SECRET, CONTEXT,
        (dff_str_t) { huge, sizeof(huge) + 1 }, &err), DFF_ERROR);
}

static void
another_secret_context_or_byte_does_not_open(void **state)
{
    dff_buf_t sealed = DFF_BUF_INIT, plain = DFF_BUF_INIT;
    dff_err_t err;

    (void) state;
    assert_int_equal(dff_secret_seal(&sealed, SECRET, CONTEXT, DFF_STR("p"), &err), DFF_OK);
    assert_int_equal(dff_secret_open(&plain, DFF_STR("other"), CONTEXT, text_of(&sealed), &err),
        DFF_ERROR);
    assert_non_null(strstr(err.message, "SECRET"));
    assert_int_equal(dff_secret_open(&plain, SECRET, DFF_STR("apia-1 user eve"), text_of(&sealed),
        &err), DFF_ERROR);
    assert_int_equal(dff_secret_open(&plain, DFF_STR_NULL, CONTEXT, text_of(&sealed), &err),
        DFF_ERROR);
    for (size_t i = 0; i < sealed.len; i++) {
        char was = sealed.data[i];

        sealed.data[i] = was == 'A' ? 'x' : 'A';     /* not only the bits that padding drops */
        assert_int_equal(dff_secret_open(&plain, SECRET, CONTEXT, text_of(&sealed), &err),
            DFF_ERROR);
        sealed.data[i] = was;
        assert_int_equal(dff_secret_open(&plain, SECRET, CONTEXT, (dff_str_t) { sealed.data, i },
            &err), DFF_ERROR);
    }
    assert_int_equal(plain.len, 0);
    assert_int_equal(dff_secret_open(&plain, SECRET, CONTEXT, DFF_STR("p"), &err), DFF_ERROR);
    dff_secret_wipe(&sealed);
    dff_secret_wipe(&plain);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_sealed_opens_again_and_is_never_sealed_alike),
        cmocka_unit_test(another_secret_context_or_byte_does_not_open),
    };

    return cmocka_run_group_tests_name("dff_secret", tests, NULL, NULL);
}
