/* What is said of settings that are wrong: place, rule, and what was found. */
#include "dff_config_test.h"

#include "dff_banned.h"

/* What follows the line of a good SECRET, and what is found; P is the path of the file. */
typedef struct {
    const char *yaml, *findings;
} dff_findings_row_t;

static const dff_findings_row_t bad_numbers[] = {
    { "WEB_PORT: 0\n", "E F:2:11: WEB_PORT must be an integer from 1 to 65535, got 0\n" },
    { "WEB_PORT: 65536\n", "E F:2:11: WEB_PORT must be an integer from 1 to 65535, got "
      "65536\n" },
    { "WEB_PORT: 99999999999999999999\n", "E F:2:11: WEB_PORT must be an integer from 1 to "
      "65535, got 99999999999999999999\n" },
    { "WEB_PORT: 80.5\n", "E F:2:11: WEB_PORT must be an integer from 1 to 65535, got 80.5\n" },
    { "WEB_PORT: \"8088\"\n", "E F:2:11: WEB_PORT must be an integer from 1 to 65535, got "
      "\"8088\"\n" },
    { "WEB_PORT: \"\"\n", "E F:2:11: WEB_PORT must be an integer from 1 to 65535, but is "
      "empty\n" },
    { "WEB_PORT: [1]\n", "E F:2:11: WEB_PORT must be an integer from 1 to 65535, got a "
      "list\n" },
    { "WEB_PORT: {a: 1}\n", "E F:2:11: WEB_PORT must be an integer from 1 to 65535, got a "
      "mapping\n" },
    { "WEB_PORT: true\n", "E F:2:11: WEB_PORT must be an integer from 1 to 65535, got true\n" },
    { "_WEB_BODY_SIZE_LIMIT: 32X\n", "E F:2:23: _WEB_BODY_SIZE_LIMIT must be a size in bytes "
      "from 1K to 128M, with or without K, M or G, got 32X\n" },
    { "_WEB_BODY_SIZE_LIMIT: 1G\n", "E F:2:23: _WEB_BODY_SIZE_LIMIT must be a size in bytes "
      "from 1K to 128M, with or without K, M or G, got 1G\n" },
    { "_UPLOAD_FILE_SIZE_LIMIT: 9223372036854775807G\n", "E F:2:26: _UPLOAD_FILE_SIZE_LIMIT "
      "must be a size in bytes from 1K to 1024G, with or without K, M or G, got "
      "9223372036854775807G\n" },
};

static const dff_findings_row_t bad_texts[] = {
    { "MYSQL_PASSWORD: [a]\n", "E F:2:17: MYSQL_PASSWORD must be a text of up to 4096 bytes "
      "without control characters, got a list\n" },
    { "MYSQL_PASSWORD: \"hunter2\\n\"\n", "E F:2:17: MYSQL_PASSWORD must be a text of up to "
      "4096 bytes without control characters, got ***\n" },
    { "LOG_LEVEL: LOUD\n", "E F:2:12: LOG_LEVEL must be one of NONE, ERROR, WARNING, INFO, "
      "DEBUG, ALL, got LOUD\n" },
    { "LOG_FILE_FORMAT: xml\n", "E F:2:18: LOG_FILE_FORMAT must be one of text, json, got "
      "xml\n" },
    { "REDIS_USE_TLS: 1\n", "E F:2:16: REDIS_USE_TLS must be true or false, got 1\n" },
    { "REDIS_USE_TLS: \"true\"\n", "E F:2:16: REDIS_USE_TLS must be true or false, got "
      "\"true\"\n" },
    { "TIMEZONE: Asia/Shangai\n", "E F:2:11: TIMEZONE must be a zone that /usr/share/zoneinfo "
      "has, like Asia/Shanghai or UTC, got Asia/Shangai\n" },
    { "TIMEZONE: ../../../etc/passwd\n", "E F:2:11: TIMEZONE must be a zone that "
      "/usr/share/zoneinfo has, like Asia/Shanghai or UTC, got ../../../etc/passwd\n" },
    { "WEB_BIND: localhost\n", "E F:2:11: WEB_BIND must be an IPv4 or IPv6 address, got "
      "localhost\n" },
    { "WEB_BASE_URL: example.com\n", "E F:2:15: WEB_BASE_URL must be empty, or begin with "
      "http:// or https:// and a host, got example.com\n" },
    { "WEB_TRUSTED_PROXIES: 10.0.0.0/33\n", "E F:2:22: WEB_TRUSTED_PROXIES must be a list of "
      "addresses and networks, like 10.0.0.0/8, fd00::/8, got 10.0.0.0/33\n" },
    { "WEB_TRUSTED_PROXIES: [10.0.0.0/8, x]\n", "E F:2:22: WEB_TRUSTED_PROXIES must be a list "
      "of addresses and networks, like 10.0.0.0/8, fd00::/8, got 10.0.0.0/8,x\n" },
    { "WEB_TRUSTED_PROXIES: [\"10.0.0.0/8,::1\"]\n", "E F:2:23: no comma may be inside an item "
      "of a list\n" },
    { "WEB_TRUSTED_PROXIES: [[a]]\n", "E F:2:23: must be a single value here\n" },
    { "WORKER_QUEUE_ALIAS_MAP: cpu=10\n", "E F:2:25: WORKER_QUEUE_ALIAS_MAP must be a list of "
      "name=queue items with queues from 0 to 9, like cpu=9, got cpu=10\n" },
    { "_WORKER_GROUPS: 0-6;6-9\n", "E F:2:17: _WORKER_GROUPS must be groups of queues from 0 "
      "to 9, each queue once, like 0;1-6;7;8-9, got 0-6;6-9\n" },
    { "_CRONTAB_AUTO_CLEAN: 61 * * * *\n", "E F:2:22: _CRONTAB_AUTO_CLEAN must be empty, or a "
      "crontab line of five fields (minute hour day month weekday), got 61 * * * *\n" },
    { "_WORKER_USER: root; rm\n", "E F:2:15: _WORKER_USER must be the name of a system user, "
      "got root; rm\n" },
    { "_NODE_NAME: a b\n", "E F:2:13: _NODE_NAME must be empty, or 1 to 64 of letters, digits, "
      "'.', '_' and '-', got a b\n" },
    { "MYSQL_HOST: ''\n", "E F:2:13: MYSQL_HOST must be not empty, but is empty\n" },
};

static const dff_findings_row_t bad_pairs[] = {
    { "_FUNC_TASK_MIN_TIMEOUT: 60\n", "E F:2:1: _FUNC_TASK_MIN_TIMEOUT is 60, more than "
      "_FUNC_TASK_DEFAULT_TIMEOUT, which is 30\n" },
    { "_FUNC_TASK_MAX_API_TIMEOUT: 5\n", "E F:2:1: _FUNC_TASK_DEFAULT_API_TIMEOUT is 10, more "
      "than _FUNC_TASK_MAX_API_TIMEOUT, which is 5\n" },
    { "_WORKER_CONCURRENCY: 8\n_WORKER_MAX_CONCURRENCY: 4\n", "E F:2:1: _WORKER_CONCURRENCY is "
      "8, more than _WORKER_MAX_CONCURRENCY, which is 4\n" },
};

static const dff_findings_row_t unknown_keys[] = {
    { "LOG_LEVL: INFO\n", "W F:2:1: unknown key LOG_LEVL is ignored, did you mean "
      "LOG_LEVEL?\n" },
    { "LOG_LEEVL: INFO\n", "W F:2:1: unknown key LOG_LEEVL is ignored, did you mean "
      "LOG_LEVEL?\n" },
    { "WORKER_CONCURRENCY: 7\n", "W F:2:1: unknown key WORKER_CONCURRENCY is ignored, did you "
      "mean _WORKER_CONCURRENCY?\n" },
    { "MYSQL_HSOT: {a: [1, {b: 2}]}\nWEB_PORT: 0\n", "W F:2:1: unknown key MYSQL_HSOT is "
      "ignored, did you mean MYSQL_HOST?\nE F:3:11: WEB_PORT must be an integer from 1 to "
      "65535, got 0\n" },
    { "SOMETHING_ELSE: 1\n", "W F:2:1: unknown key SOMETHING_ELSE is ignored\n" },
    { "_WEB_AUTH_EXPIRES: 86400\n", "W F:2:1: unknown key _WEB_AUTH_EXPIRES is ignored\n" },
};

static const dff_findings_row_t bad_structure[] = {
    { "WEB_PORT: 1\nWEB_PORT: 2\n", "E F:3:1: WEB_PORT stands here again, first at "
      "P:2:1\n" },
    { "WEB_PORT:\nWEB_PORT: 2\n", "E F:3:1: WEB_PORT stands here again, first at "
      "P:2:1\n" },
    { "CUSTOM_a: 1\nCUSTOM_a: 2\n", "E F:3:11: CUSTOM_a stands here again\n" },
    { "CUSTOM_: 1\n", "E F:2:10: CUSTOM_ must be CUSTOM_ and up to 121 letters, digits and "
      "'_'\n" },
    { "CUSTOM_a-b: 1\n", "E F:2:13: CUSTOM_a-b must be CUSTOM_ and up to 121 letters, digits "
      "and '_'\n" },
    { "CUSTOM_a: {b: 1, b: 2}\n", "E F:2:18: the same key again\n" },
    { "CUSTOM_a: {[1]: 2}\n", "E F:2:12: a key must be a text\n" },
    { "CUSTOM_a: &x 1\nWEB_PORT: *x\nCUSTOM_b: *x\n", "E F:3:11: references (*name) are not "
      "supported, write the value out\nE F:4:11: references (*name) are not supported, write "
      "the value out\n" },
    { "[1]: 2\n", "E F:2:1: a key must be a text\n" },
    { "---\nWEB_PORT: 1\n", "E F:2:1: a second document, the file may have only one\n" },
};

/* Loads each with a good SECRET in line 1. */
static void
check_rows(dff_fixture_t *f, const dff_findings_row_t *rows, size_t nrows)
{
    size_t i;

    for (i = 0; i < nrows; i++) {
        dff_config_t cfg;
        dff_buf_t    yaml = DFF_BUF_INIT, expected = DFF_BUF_INIT;
        const char  *at = strstr(rows[i].findings, "P:");
        int          rc;

        dff_buf_addf(&yaml, SECRET_LINE "%s", rows[i].yaml);
        if (at == NULL) {
            dff_buf_addf(&expected, "%s", rows[i].findings);
        } else {
            dff_buf_addf(&expected, "%.*s%s%s", (int) (at - rows[i].findings), rows[i].findings,
                f->path, at + 1);
        }
        rc = load(f, yaml.data, &cfg, NULL);
        if (strcmp(f->findings.data, expected.data) != 0)
            fail_msg("row %zu <%s>:\n%sexpected:\n%s", i, rows[i].yaml, f->findings.data,
                expected.data);
        assert_int_equal(rc, strstr(expected.data, "E F:") == NULL ? DFF_OK : DFF_ERROR);
        dff_config_release(&cfg);
        dff_buf_release(&yaml);
        dff_buf_release(&expected);
    }
}

static void
every_bad_number_has_its_place_and_its_limit(void **state)
{
    check_rows(*state, bad_numbers, DFF_TEST_COUNT(bad_numbers));
}

static void
every_bad_text_has_its_place_and_its_rule(void **state)
{
    check_rows(*state, bad_texts, DFF_TEST_COUNT(bad_texts));
}

static void
a_limit_that_contradicts_another_names_both(void **state)
{
    check_rows(*state, bad_pairs, DFF_TEST_COUNT(bad_pairs));
}

static void
an_unknown_key_is_a_warning_with_what_was_meant(void **state)
{
    check_rows(*state, unknown_keys, DFF_TEST_COUNT(unknown_keys));
}

static void
keys_twice_references_and_other_documents_are_refused(void **state)
{
    check_rows(*state, bad_structure, DFF_TEST_COUNT(bad_structure));
}

static void
a_sample_or_missing_secret_is_refused_once(void **state)
{
    static const struct {
        const char *yaml, *findings;
    } rows[] = {
        { "SECRET: CHANGE-ME\n", "E F:1:9: SECRET must be a secret of your own, not the sample: "
          "for example the output of \"openssl rand -hex 32\", got ***\n" },
        { "SECRET: please-change-me-now-0123456789\n", "E F:1:9: SECRET must be a secret of your "
          "own, not the sample: for example the output of \"openssl rand -hex 32\", got ***\n" },
        { "SECRET: ''\n", "E F:1:9: SECRET must be set: for example to the output of \"openssl "
          "rand -hex 32\", the same on all nodes, but is empty\n" },
        { "SECRET:\n", "E F:1:1: SECRET must be set: for example to the output of \"openssl rand "
          "-hex 32\", the same on all nodes, but is missing\n" },
        { "WEB_PORT: 0\n", "E F:1:11: WEB_PORT must be an integer from 1 to 65535, got 0\n"
          "E F: SECRET must be set: for example to the output of \"openssl rand -hex 32\", the "
          "same on all nodes, but is missing\n" },
        { "SECRET: short\n",
          "W F:1:1: SECRET is short: 16 characters or more are hard to guess\n" },
    };
    dff_fixture_t *f = *state;
    size_t         i;

    for (i = 0; i < DFF_TEST_COUNT(rows); i++) {
        dff_config_t cfg;

        (void) load(f, rows[i].yaml, &cfg, NULL);
        assert_string_equal(f->findings.data, rows[i].findings);
        dff_config_release(&cfg);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FILE(every_bad_number_has_its_place_and_its_limit),
        WITH_FILE(every_bad_text_has_its_place_and_its_rule),
        WITH_FILE(a_limit_that_contradicts_another_names_both),
        WITH_FILE(an_unknown_key_is_a_warning_with_what_was_meant),
        WITH_FILE(keys_twice_references_and_other_documents_are_refused),
        WITH_FILE(a_sample_or_missing_secret_is_refused_once),
    };

    return cmocka_run_group_tests_name("dff_config_findings", tests, NULL, NULL);
}
