/* The file as YAML: what is no YAML, what values become, and its bounds. */
#include "dff_config_test.h"

#include "dff_json.h"

#include "dff_banned.h"

static void
bad_yaml_is_located(void **state)
{
    static const struct {
        dff_str_t   yaml;
        const char *begins;
    } rows[] = {
        { DFF_STR("SECRET: a: b\n"), "E F:1:10: bad YAML: mapping values are not allowed" },
        { DFF_STR("CUSTOM_a: [1\n"), "E F:2:1: bad YAML: did not find expected ',' or ']'" },
        { DFF_STR("SECRET: \"abc\n"), "E F:2:1: bad YAML: found unexpected end of stream" },
        { DFF_STR("SECRET: x\n\tWEB_PORT: 1\n"), "E F:2:1: bad YAML: found a tab" },
        { DFF_STR("SECRET: x\n  WEB_PORT: 1\n"), "E F:2:11: bad YAML: " },
        { DFF_STR("SECRET: \xff\xfe\n"), "E F: bad YAML: byte 8: invalid leading UTF-8 octet" },
        { DFF_STR("SECRET: a\0b\n"), "E F: bad YAML: byte 9: control characters are not allowed" },
        { DFF_STR("SECRET: \"a\\0b\"\n"), "E F:1:9: a value with a NUL character" },
        { DFF_STR("\"SEC\\0RET\": a\n"), "E F:1:1: a value with a NUL character" },
        { DFF_STR("just text\n"), "E F:1:1: expected \"KEY: value\" lines" },
        { DFF_STR("- a\n"), "E F:1:1: expected \"KEY: value\" lines" },
        { DFF_STR(""), "E F: SECRET must be set" },
        { DFF_STR("# only a comment\n"), "E F: SECRET must be set" },
        { DFF_STR("---\n...\n"), "E F: SECRET must be set" },
        { DFF_STR("{}\n"), "E F: SECRET must be set" },
    };
    dff_fixture_t *f = *state;
    size_t         i;

    for (i = 0; i < DFF_TEST_COUNT(rows); i++) {
        dff_config_t cfg;
        dff_err_t    err;

        assert_int_equal(load_bytes(f, rows[i].yaml, &cfg, &err), DFF_ERROR);
        if (strncmp(f->findings.data, rows[i].begins, strlen(rows[i].begins)) != 0)
            fail_msg("row %zu <%s>: %s", i, rows[i].yaml.data, f->findings.data);
        assert_true(err.message[0] != '\0');
        assert_null(cfg.secret);
    }
}

static void
every_cut_of_a_file_is_survived(void **state)
{
    static const char yaml[] = SECRET_LINE "CUSTOM_a: {b: [1, 'x', {c: ~}], \"d\": |\n"
        "  text\n  }\nWEB_TRUSTED_PROXIES:\n  - 10.0.0.0/8\n  - ::1\nWORKER_QUEUE_ALIAS_MAP:\n"
        "  cpu: 9\n  io: 2\n";
    dff_fixture_t *f = *state;
    size_t         len;

    for (len = 0; len <= sizeof(yaml) - 1; len++) {
        dff_config_t cfg;

        (void) load_bytes(f, (dff_str_t) { yaml, len }, &cfg, NULL);
        dff_config_release(&cfg);
    }
}

static void
a_missing_folder_or_huge_file_is_an_error(void **state)
{
    dff_fixture_t *f = *state;
    dff_config_t   cfg;
    dff_err_t      err;
    size_t         size = (1 << 20) + 2;
    char          *big = malloc(size);

    assert_int_equal(dff_config_load(&cfg, "/no/such/file.yaml", NULL, NULL, &err), DFF_ERROR);
    assert_string_equal(err.message, "/no/such/file.yaml: cannot be opened: No such file or "
        "directory");
    assert_int_equal(dff_config_load(&cfg, f->folder, NULL, NULL, &err), DFF_ERROR);
    assert_non_null(strstr(err.message, "Is a directory"));
    assert_non_null(big);
    memset(big, '#', size);
    assert_int_equal(load_bytes(f, (dff_str_t) { big, size }, &cfg, &err), DFF_ERROR);
    assert_non_null(strstr(err.message, "larger than 1048576 bytes"));
    free(big);
}

static void
custom_values_keep_their_types(void **state)
{
    static const struct {
        const char *yaml, *json;
    } rows[] = {
        { "", "null" }, { "~", "null" }, { "Null", "null" }, { "''", "\"\"" },
        { "true", "true" }, { "Yes", "true" }, { "off", "false" }, { "\"true\"", "\"true\"" },
        { "0", "0" }, { "-1", "-1" }, { "+12", "12" }, { "123456789012345678901234567890",
          "123456789012345678901234567890" },
        { "0x1F", "31" }, { "0o17", "15" }, { "0x", "\"0x\"" }, { "0xfffffffffffffffff",
          "\"0xfffffffffffffffff\"" }, { "0x0x1", "\"0x0x1\"" }, { "0x-1", "\"0x-1\"" },
        { "007", "\"007\"" }, { "1.50", "1.50" }, { ".5", "0.5" }, { "5.", "5.0" },
        { "-.5e+3", "-0.5e3" }, { "1e-3", "1e-3" }, { "1e", "\"1e\"" }, { ".", "\".\"" },
        { "-", NULL }, { "1.2.3", "\"1.2.3\"" }, { "1_000", "\"1_000\"" }, { ".inf", "\".inf\"" },
        { ".nan", "\".nan\"" }, { "2021-10-14", "\"2021-10-14\"" }, { "text", "\"text\"" },
        { "'it''s'", "\"it's\"" }, { "\"a\\n\\\"\\u4f60\"", "\"a\\n\\\"\xe4\xbd\xa0\"" },
        { "|\n  a\n  b\n", "\"a\\nb\\n\"" }, { "!!str 12", "\"12\"" }, { "! 12", "\"12\"" },
        { "[]", "[]" }, { "{}", "{}" },
        { "[1, a, [true, ~], {b: 1.0}]", "[1,\"a\",[true,null],{\"b\":1.0}]" },
        { "\n  a: 1\n  2: [x]\n  'b c': {}\n", "{\"a\":1,\"2\":[\"x\"],\"b c\":{}}" },
    };
    dff_fixture_t *f = *state;
    size_t         i;

    for (i = 0; i < DFF_TEST_COUNT(rows); i++) {
        dff_config_t cfg;
        dff_buf_t    yaml = DFF_BUF_INIT;

        dff_buf_addf(&yaml, SECRET_LINE "CUSTOM_x: %s\nWEB_PORT: 81\n", rows[i].yaml);
        if (load(f, yaml.data, &cfg, NULL) != DFF_OK) {
            if (rows[i].json != NULL)
                fail_msg("row %zu <%s>: %s", i, rows[i].yaml, f->findings.data);
        } else {
            assert_int_equal(cfg.web_port, 81);
            assert_int_equal(cfg.ncustom, 1);
            assert_string_equal(cfg.custom[0].json, rows[i].json);
            assert_int_equal(dff_json_check(dff_str_from(cfg.custom[0].json), NULL, NULL, NULL),
                DFF_OK);
        }
        dff_config_release(&cfg);
        dff_buf_release(&yaml);
    }
}

static void
nesting_and_number_of_custom_keys_are_bounded(void **state)
{
    dff_fixture_t *f = *state;
    dff_config_t   cfg;
    dff_buf_t      yaml = DFF_BUF_INIT;
    size_t         i;

    dff_buf_addf(&yaml, SECRET_LINE "CUSTOM_x: ");
    for (i = 0; i < 40; i++)
        dff_buf_add_str(&yaml, DFF_STR("["));
    for (i = 0; i < 40; i++)
        dff_buf_add_str(&yaml, DFF_STR("]"));
    assert_int_equal(load(f, yaml.data, &cfg, NULL), DFF_ERROR);
    assert_string_equal(f->findings.data, "E F:2:43: nested too deeply\n");

    dff_buf_clear(&yaml);
    dff_buf_addf(&yaml, SECRET_LINE);
    for (i = 0; i < 1001; i++)
        dff_buf_addf(&yaml, "CUSTOM_%zu: 1\n", i);
    assert_int_equal(load(f, yaml.data, &cfg, NULL), DFF_ERROR);
    assert_string_equal(f->findings.data, "E F:1002:14: more than 1000 CUSTOM_ keys\n");
    dff_buf_release(&yaml);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FILE(bad_yaml_is_located),
        WITH_FILE(every_cut_of_a_file_is_survived),
        WITH_FILE(a_missing_folder_or_huge_file_is_an_error),
        WITH_FILE(custom_values_keep_their_types),
        WITH_FILE(nesting_and_number_of_custom_keys_are_bounded),
    };

    return cmocka_run_group_tests_name("dff_config_yaml", tests, NULL, NULL);
}
