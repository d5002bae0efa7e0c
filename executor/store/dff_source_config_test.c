/* Configs of data sources: what is stored of them, and what comes back. */
#include "store/dff_source.h"

#include "dff_test.h"

#include "dff_banned.h"

static const dff_str_t secret = DFF_STR("the secret of this test");

static int
seal(dff_buf_t *out, const char *type, const char *config, dff_str_t stored, dff_err_t *err)
{
    const dff_source_request_t request = { .id = DFF_STR("src"), .config = dff_str_from(config) };

    return dff_source_config_seal(out, secret, &request, dff_str_from(type), stored, err);
}

static void
secrets_are_sealed_and_come_back(void **state)
{
    dff_buf_t sealed = DFF_BUF_INIT, opened = DFF_BUF_INIT, told = DFF_BUF_INIT;
    dff_str_t stored;
    dff_err_t err;

    (void) state;
    assert_int_equal(seal(&sealed, "mysql", "{\"host\":\"h\",\"database\":\"d\",\"user\":\"u\","
                          "\"password\":\"hush\"}", DFF_STR_NULL, &err), DFF_OK);
    assert_null(strstr(sealed.data, "hush"));
    assert_null(strstr(sealed.data, "\"password\""));
    stored = (dff_str_t) { sealed.data, sealed.len };
    assert_int_equal(dff_source_config_open(&opened, secret, DFF_STR("src"), stored, &err), DFF_OK);
    assert_non_null(strstr(opened.data, "\"password\":\"hush\""));
    assert_non_null(strstr(opened.data, "\"port\":3306"));
    assert_non_null(strstr(opened.data, "\"charset\":\"utf8mb4\""));
    assert_null(strstr(opened.data, "Cipher"));

    dff_source_tell(&told, stored);
    assert_null(strstr(told.data, "Cipher"));
    assert_non_null(strstr(told.data, "\"host\":\"h\""));

    /* Of another source, or with another SECRET, it does not open. */
    dff_buf_clear(&opened);
    assert_int_equal(dff_source_config_open(&opened, secret, DFF_STR("other"), stored, &err),
                     DFF_ERROR);
    assert_int_equal(dff_source_config_open(&opened, DFF_STR("another secret here"),
                                            DFF_STR("src"), stored, &err), DFF_ERROR);
    dff_buf_release(&sealed);
    dff_buf_release(&opened);
    dff_buf_release(&told);
}

static void
a_secret_stays_until_it_is_removed(void **state)
{
    dff_buf_t first = DFF_BUF_INIT, second = DFF_BUF_INIT, opened = DFF_BUF_INIT;
    dff_err_t err;

    (void) state;
    assert_int_equal(seal(&first, "redis", "{\"host\":\"h\",\"password\":\"hush\"}", DFF_STR_NULL,
                          &err), DFF_OK);
    assert_int_equal(seal(&second, "redis", "{\"host\":\"h2\"}",
                          (dff_str_t) { first.data, first.len }, &err), DFF_OK);
    assert_int_equal(dff_source_config_open(&opened, secret, DFF_STR("src"),
                                            (dff_str_t) { second.data, second.len }, &err), DFF_OK);
    assert_non_null(strstr(opened.data, "\"password\":\"hush\""));
    assert_non_null(strstr(opened.data, "\"database\":0"));

    dff_buf_clear(&second);
    dff_buf_clear(&opened);
    assert_int_equal(seal(&second, "redis", "{\"host\":\"h2\",\"password\":null}",
                          (dff_str_t) { first.data, first.len }, &err), DFF_OK);
    assert_int_equal(dff_source_config_open(&opened, secret, DFF_STR("src"),
                                            (dff_str_t) { second.data, second.len }, &err), DFF_OK);
    assert_non_null(strstr(opened.data, "\"password\":\"\""));
    dff_buf_release(&first);
    dff_buf_release(&second);
    dff_buf_release(&opened);
}

static void
what_is_wrong_is_named_without_its_value(void **state)
{
    static const struct { const char *type, *config, *message; } cases[] = {
        { "moon", "{}", "type \"moon\": one of df_dataway, " },
        { "mysql", "", "a JSON object (bad JSON at line" },
        { "mysql", "{\"password\":\"hush\"", "a JSON object (bad JSON at line" },
        { "mysql", "[\"hush\"]", "it is another value" },
        { "mysql", "{\"host\":\"h\",\"hush\":1}", "unknown key \"hush\"" },
        { "mysql", "{\"host\":1}", "config.host must be a string" },
        { "mysql", "{\"host\":\"h\"}", "config.database is missing" },
        { "mysql", "{\"host\":\"h\",\"database\":\"d\",\"user\":\"u\"}",
          "config.password is missing" },
        { "redis", "{\"host\":\"h\",\"port\":0}",
          "config.port must be an integer from 1 to 65535" },
        { "redis", "{\"host\":\"h\",\"port\":\"1\"}", "config.port must be" },
        { "redis", "{\"host\":\"h\",\"database\":-1}", "config.database must be" },
        { "http", "{}", "config.host is missing" },
        { "http", "{\"host\":\"h\",\"protocol\":\"ftp\"}", "\"http\" or \"https\"" },
        { "mqtt", "{\"host\":\"h\",\"topicHandlers\":{}}", "must be a list" },
        { "redis", "{\"host\":\"h\",\"passwordCipher\":\"x\"}", "unknown key \"passwordCipher\"" },
    };
    size_t i;

    (void) state;
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        dff_buf_t out = DFF_BUF_INIT;
        dff_err_t err;

        assert_int_equal(seal(&out, cases[i].type, cases[i].config, DFF_STR_NULL, &err), DFF_ERROR);
        if (strstr(err.message, cases[i].message) == NULL)
            fail_msg("%s: %s", cases[i].config, err.message);
        dff_buf_release(&out);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(secrets_are_sealed_and_come_back),
        cmocka_unit_test(a_secret_stays_until_it_is_removed),
        cmocka_unit_test(what_is_wrong_is_named_without_its_value),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
