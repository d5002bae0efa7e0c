/* Packages: what is written can be read, and what is no package is refused. */
#include "store/dff_package.h"

#include "dff_test.h"

#include "dff_banned.h"

static void
what_is_written_can_be_read_with_its_password_only(void **state)
{
    static const char *const texts[] = { "{}", "{\"scriptSets\":[]}", "{\"a\":\"\xe4\xb8\xad\"}" };
    dff_err_t                err;

    (void) state;
    for (size_t i = 0; i < DFF_TEST_COUNT(texts); i++) {
        dff_buf_t text = DFF_BUF_INIT, json = DFF_BUF_INIT, wrong = DFF_BUF_INIT;

        assert_int_equal(dff_package_encode(&text, dff_str_from(texts[i]), DFF_STR("pass word"),
                                            &err), DFF_OK);
        assert_int_equal(dff_package_decode(&json, (dff_str_t) { text.data, text.len },
                                            DFF_STR("pass word"), &err), DFF_OK);
        dff_test_str_is((dff_str_t) { json.data, json.len }, texts[i]);
        assert_int_equal(dff_package_decode(&wrong, (dff_str_t) { text.data, text.len },
                                            DFF_STR("other"), &err), DFF_ERROR);
        assert_int_equal(err.reason, DFF_E_BIZ_CONDITION);
        dff_buf_release(&text);
        dff_buf_release(&json);
        dff_buf_release(&wrong);
    }
}

static void
every_cut_and_every_changed_byte_is_refused_or_harmless(void **state)
{
    dff_buf_t text = DFF_BUF_INIT, json = DFF_BUF_INIT;
    dff_err_t err;

    (void) state;
    assert_int_equal(dff_package_encode(&text, DFF_STR("{\"scripts\":[1,2,3]}"), DFF_STR(""),
                                        &err), DFF_OK);
    for (size_t len = 0; len < text.len; len++) {
        dff_str_t cut = dff_test_exact((dff_str_t) { text.data, len });

        dff_buf_clear(&json);
        assert_int_equal(dff_package_decode(&json, cut, DFF_STR(""), &err), DFF_ERROR);
        dff_test_free(cut);
    }
    for (size_t at = 0; at < text.len; at++) {
        char before = text.data[at];

        text.data[at] = before == 'A' ? 'B' : 'A';
        dff_buf_clear(&json);
        (void) dff_package_decode(&json, (dff_str_t) { text.data, text.len }, DFF_STR(""), &err);
        text.data[at] = before;
    }
    dff_buf_release(&text);
    dff_buf_release(&json);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_can_be_read_with_its_password_only),
        cmocka_unit_test(every_cut_and_every_changed_byte_is_refused_or_harmless),
    };

    return cmocka_run_group_tests_name("dff_package", tests, NULL, NULL);
}
