/* The configuration: what is accepted, and what is said of the rest. */
#include "dff_config.h"

#include <unistd.h>

#include "dff_buf.h"
#include "dff_config_table.h"
#include "dff_json.h"
#include "dff_test.h"

#include "dff_banned.h"

#define SECRET_LINE  "SECRET: 0123456789abcdef0123456789abcdef\n"

typedef struct {
    char      folder[64];
    char      path[128];
    dff_buf_t findings;          /* a line each, the path replaced with "F" */
} dff_fixture_t;

static void
clear_environment(void)
{
    size_t i;

    for (i = 0; dff_setting_at(i) != NULL; i++) {
        char name[128];

        (void) snprintf(name, sizeof(name), "DFF_%s", dff_setting_at(i)->key);
        assert_int_equal(unsetenv(name), 0);
    }
}

static int
set_up(void **state)
{
    dff_fixture_t *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    clear_environment();
    (void) snprintf(f->folder, sizeof(f->folder), "/tmp/dff-config-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    (void) snprintf(f->path, sizeof(f->path), "%s/user-config.yaml", f->folder);
    *state = f;
    return 0;
}

static int
tear_down(void **state)
{
    dff_fixture_t *f = *state;

    clear_environment();
    (void) unlink(f->path);
    assert_int_equal(rmdir(f->folder), 0);
    dff_buf_release(&f->findings);
    free(f);
    return 0;
}

static void
collect(void *ctx, dff_config_severity_t severity, const char *text)
{
    dff_fixture_t *f = ctx;

    dff_buf_addf(&f->findings, "%s ", severity == DFF_CONFIG_ERROR ? "E" : "W");
    if (strncmp(text, f->path, strlen(f->path)) == 0) {
        dff_buf_add_str(&f->findings, DFF_STR("F"));
        text += strlen(f->path);
    }
    dff_buf_addf(&f->findings, "%s\n", text);
}

static int
load_bytes(dff_fixture_t *f, dff_str_t yaml, dff_config_t *cfg, dff_err_t *err)
{
    FILE *file = fopen(f->path, "we");

    assert_non_null(file);
    assert_int_equal(fwrite(yaml.data, 1, yaml.len, file), yaml.len);
    assert_int_equal(fclose(file), 0);
    dff_buf_clear(&f->findings);
    dff_buf_add(&f->findings, "", 0);
    return dff_config_load(cfg, f->path, collect, f, err);
}

static int
load(dff_fixture_t *f, const char *yaml, dff_config_t *cfg, dff_err_t *err)
{
    return load_bytes(f, dff_str_from(yaml), cfg, err);
}

static void
a_file_with_a_secret_alone_has_all_defaults(void **state)
{
    dff_fixture_t *f = *state;
    dff_config_t   cfg;
    char           expected[256];
    dff_err_t      err;

    if (load(f, SECRET_LINE, &cfg, &err) != DFF_OK)
        fail_msg("%s", err.message);
    assert_string_equal(f->findings.data, "");
    assert_string_equal(cfg.path, f->path);
    assert_int_equal(cfg.log_level, DFF_LOG_WARNING);
    assert_false(cfg.log_json);
    assert_string_equal(cfg.timezone, "Asia/Shanghai");
    assert_string_equal(cfg.web_bind, "0.0.0.0");
    assert_int_equal(cfg.web_port, 8088);
    assert_string_equal(cfg.web_cors_origin, "true");
    assert_true(cfg.web_cors_credentials);
    assert_int_equal(cfg.web_body_size_limit, 32 << 20);
    assert_int_equal(cfg.upload_file_size_limit, 1 << 30);
    assert_int_equal(cfg.upload_file_expires_s, 3600);
    assert_int_equal(cfg.http_auth_nonce_max_age_s, 300);
    assert_string_equal(cfg.mysql_database, "dataflux_func");
    assert_string_equal(cfg.mysql_socket, "");
    assert_int_equal(cfg.redis_database, 5);
    assert_false(cfg.redis_use_tls);
    assert_int_equal(cfg.db_auto_backup_limit, 168);
    assert_string_equal(cfg.worker_queue_alias_map, "cpu=9");
    assert_string_equal(cfg.worker_groups, "0;1-6;7;8-9");
    assert_int_equal(cfg.worker_concurrency, 5);
    assert_int_equal(cfg.worker_max_concurrency, 0);
    assert_int_equal(cfg.worker_prefetch_multiplier, 10);
    assert_int_equal(cfg.worker_max_tasks_per_child, 3000);
    assert_int_equal(cfg.worker_max_rss_mb, 512);
    assert_int_equal(cfg.worker_queue_limit, 100000);
    assert_int_equal(cfg.worker_result_expires_s, 3600);
    assert_string_equal(cfg.worker_user, "dff-worker");
    assert_int_equal(cfg.func_default_timeout_s, 30);
    assert_int_equal(cfg.func_min_timeout_s, 1);
    assert_int_equal(cfg.func_max_timeout_s, 3600);
    assert_int_equal(cfg.func_default_api_timeout_s, 10);
    assert_int_equal(cfg.func_min_api_timeout_s, 1);
    assert_int_equal(cfg.func_max_api_timeout_s, 180);
    assert_int_equal(cfg.func_extra_timeout_to_kill_s, 5);
    assert_int_equal(cfg.func_chain_max, 5);
    assert_int_equal(cfg.func_thread_pool_size, 5);
    assert_string_equal(cfg.crontab_auto_backup_db, "0 * * * *");
    assert_string_equal(cfg.node_name, "");
    assert_int_equal(cfg.ncustom, 0);
    (void) snprintf(expected, sizeof(expected), "%s/logs/dataflux-func.log", f->folder);
    assert_string_equal(cfg.log_file_path, expected);
    (void) snprintf(expected, sizeof(expected), "%s/resources", f->folder);
    assert_string_equal(cfg.resource_root_path, expected);
    (void) snprintf(expected, sizeof(expected), "%s/sqldump/", f->folder);
    assert_string_equal(cfg.db_auto_backup_path, expected);
    assert_string_equal(cfg.run_path, "/tmp/run");
    dff_config_release(&cfg);
    dff_config_release(&cfg);
    dff_config_release(NULL);
}

static void
without_a_file_the_install_folder_and_the_environment_count(void **state)
{
    dff_config_t cfg;
    dff_err_t    err;

    (void) state;
    assert_int_equal(setenv("DFF_SECRET", "0123456789abcdef", 1), 0);
    if (dff_config_load(&cfg, NULL, NULL, NULL, &err) != DFF_OK)
        fail_msg("%s", err.message);
    assert_null(cfg.path);
    assert_string_equal(cfg.log_file_path, "/usr/local/dataflux-func/data/logs/dataflux-func.log");
    assert_string_equal(cfg.run_path, "/usr/local/dataflux-func/run");
    dff_config_release(&cfg);

    assert_int_equal(unsetenv("DFF_SECRET"), 0);
    assert_int_equal(dff_config_load(&cfg, NULL, NULL, NULL, &err), DFF_ERROR);
    assert_non_null(strstr(err.message, "environment DFF_SECRET: SECRET must be set"));
    assert_null(cfg.secret);
}

static void
every_finding_has_its_place_and_its_limit(void **state)
{
    /* What follows a good SECRET in line 1, and the findings. */
    static const struct {
        const char *yaml, *findings;
    } rows[] = {
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
        { "_WEB_BODY_SIZE_LIMIT: 32X\n", "E F:2:23: _WEB_BODY_SIZE_LIMIT must be a size in bytes "
          "from 1K to 128M, with or without K, M or G, got 32X\n" },
        { "_WEB_BODY_SIZE_LIMIT: 1G\n", "E F:2:23: _WEB_BODY_SIZE_LIMIT must be a size in bytes "
          "from 1K to 128M, with or without K, M or G, got 1G\n" },
        { "_UPLOAD_FILE_SIZE_LIMIT: 9223372036854775807G\n", "E F:2:26: _UPLOAD_FILE_SIZE_LIMIT "
          "must be a size in bytes from 1K to 1024G, with or without K, M or G, got "
          "9223372036854775807G\n" },
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

        { "_FUNC_TASK_MIN_TIMEOUT: 60\n", "E F:2:1: _FUNC_TASK_MIN_TIMEOUT is 60, more than "
          "_FUNC_TASK_DEFAULT_TIMEOUT, which is 30\n" },
        { "_FUNC_TASK_MAX_API_TIMEOUT: 5\n", "E F:2:1: _FUNC_TASK_DEFAULT_API_TIMEOUT is 10, more "
          "than _FUNC_TASK_MAX_API_TIMEOUT, which is 5\n" },
        { "_WORKER_CONCURRENCY: 8\n_WORKER_MAX_CONCURRENCY: 4\n", "E F:2:1: _WORKER_CONCURRENCY is "
          "8, more than _WORKER_MAX_CONCURRENCY, which is 4\n" },

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
    dff_fixture_t *f = *state;
    size_t         i;

    for (i = 0; i < DFF_TEST_COUNT(rows); i++) {
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

static void
good_values_of_every_kind_are_taken(void **state)
{
    dff_fixture_t *f = *state;
    dff_config_t   cfg;
    char           expected[256];

    if (load(f, "SECRET: 1234567890123456\nLOG_LEVEL: info\nLOG_FILE_FORMAT: JSON\n"
        "LOG_FILE_PATH: /var/log/x.log\nTIMEZONE: UTC\nWEB_BIND: '::'\nWEB_PORT: 80\n"
        "WEB_BASE_URL: https://example.com\nWEB_CORS_ORIGIN: [https://a, https://b]\n"
        "WEB_CORS_CREDENTIALS: no\nWEB_TRUSTED_PROXIES:\n  - 10.0.0.0/8\n  - ::1\n"
        "_WEB_BODY_SIZE_LIMIT: 2m\n_UPLOAD_FILE_SIZE_LIMIT: '1048576'\n"
        "MYSQL_PASSWORD: 007\nMYSQL_USER: true\nREDIS_PASSWORD: ~\nREDIS_SOCKET: ../r/redis.sock\n"
        "RESOURCE_ROOT_PATH: ./res\nREDIS_USE_TLS: On\nWORKER_QUEUE_ALIAS_MAP: {cpu: 9, io: 2}\n"
        "_WORKER_GROUPS: 0-9\n_CRONTAB_AUTO_CLEAN: ''\n_RUN_PATH: /run/dff\n"
        "_CRONTAB_AUTO_BACKUP_DB: 0,30 1-5/2 */10 1-12 7\n_WORKER_MAX_CONCURRENCY: 20\n", &cfg,
        NULL) != DFF_OK)
    {
        fail_msg("%s", f->findings.data);
    }
    assert_string_equal(f->findings.data, "");
    assert_string_equal(cfg.secret, "1234567890123456");
    assert_int_equal(cfg.log_level, DFF_LOG_INFO);
    assert_true(cfg.log_json);
    assert_string_equal(cfg.log_file_path, "/var/log/x.log");
    assert_string_equal(cfg.web_bind, "::");
    assert_string_equal(cfg.web_base_url, "https://example.com");
    assert_string_equal(cfg.web_cors_origin, "https://a,https://b");
    assert_false(cfg.web_cors_credentials);
    assert_string_equal(cfg.web_trusted_proxies, "10.0.0.0/8,::1");
    assert_int_equal(cfg.web_body_size_limit, 2 << 20);
    assert_int_equal(cfg.upload_file_size_limit, 1048576);
    assert_string_equal(cfg.mysql_password, "007");
    assert_string_equal(cfg.mysql_user, "true");
    assert_string_equal(cfg.redis_password, "");
    assert_string_equal(cfg.redis_socket, "/tmp/r/redis.sock");
    (void) snprintf(expected, sizeof(expected), "%s/res", f->folder);
    assert_string_equal(cfg.resource_root_path, expected);
    assert_true(cfg.redis_use_tls);
    assert_string_equal(cfg.worker_queue_alias_map, "cpu=9,io=2");
    assert_string_equal(cfg.crontab_auto_clean, "");
    assert_string_equal(cfg.run_path, "/run/dff");
    assert_int_equal(cfg.worker_max_concurrency, 20);
    dff_config_release(&cfg);
}

static void
the_environment_wins_with_the_same_checks(void **state)
{
    dff_fixture_t *f = *state;
    dff_config_t   cfg;

    assert_int_equal(setenv("DFF_WEB_PORT", "81", 1), 0);
    assert_int_equal(setenv("DFF_REDIS_USE_TLS", "true", 1), 0);
    assert_int_equal(setenv("DFF_CUSTOM_A", "[1, \"x\"]", 1), 0);
    assert_int_equal(setenv("DFF_CUSTOM_B", "1e3", 1), 0);
    assert_int_equal(setenv("DFF_SOMETHING", "1", 1), 0);
    assert_int_equal(load(f, SECRET_LINE "WEB_PORT: 80\nCUSTOM_A: file\n", &cfg, NULL), DFF_OK);
    assert_string_equal(f->findings.data, "");
    assert_int_equal(cfg.web_port, 81);
    assert_true(cfg.redis_use_tls);
    assert_int_equal(cfg.ncustom, 2);
    assert_string_equal(cfg.custom[0].key, "CUSTOM_A");
    assert_string_equal(cfg.custom[0].json, "[1, \"x\"]");
    assert_string_equal(cfg.custom[1].json, "1e3");
    dff_config_release(&cfg);

    assert_int_equal(setenv("DFF_WEB_PORT", "0", 1), 0);
    assert_int_equal(load(f, SECRET_LINE, &cfg, NULL), DFF_ERROR);
    assert_string_equal(f->findings.data,
        "E environment DFF_WEB_PORT: WEB_PORT must be an integer from 1 to 65535, got 0\n");
    assert_int_equal(setenv("DFF_WEB_PORT", "80", 1), 0);
    assert_int_equal(setenv("DFF_WEB_PROT", "80", 1), 0);
    assert_int_equal(load(f, SECRET_LINE, &cfg, NULL), DFF_OK);
    assert_string_equal(f->findings.data, "W environment DFF_WEB_PROT: unknown key WEB_PROT is "
        "ignored, did you mean DFF_WEB_PORT?\n");
    dff_config_release(&cfg);
    assert_int_equal(setenv("DFF_SECRET", "CHANGE-ME", 1), 0);
    assert_int_equal(unsetenv("DFF_WEB_PROT"), 0);
    assert_int_equal(load(f, SECRET_LINE, &cfg, NULL), DFF_ERROR);
    assert_non_null(strstr(f->findings.data, "E environment DFF_SECRET: SECRET must be a secret"));
    assert_int_equal(unsetenv("DFF_CUSTOM_A") | unsetenv("DFF_CUSTOM_B")
        | unsetenv("DFF_SOMETHING"), 0);
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

static void
what_is_shown_hides_secrets_and_can_be_loaded(void **state)
{
    dff_fixture_t *f = *state;
    dff_config_t   cfg, again;
    char          *text = NULL, *shown = NULL;
    size_t         size = 0, i;
    FILE          *out = open_memstream(&text, &size);

    assert_non_null(out);
    assert_int_equal(load(f, "SECRET: 0123456789secret\nMYSQL_PASSWORD: hunter2\n"
        "CUSTOM_LIST: [1, 'a\"b']\nCUSTOM_DB_PASSWORD: hunter3\nMYSQL_USER: \"a\\\"b\"\n"
        "LOG_LEVEL: ALL\n_WEB_BODY_SIZE_LIMIT: 1M\n", &cfg, NULL), DFF_OK);
    dff_config_show(&cfg, out);
    assert_int_equal(fclose(out), 0);
    for (i = 0; dff_setting_at(i) != NULL; i++) {
        char line[128];

        (void) snprintf(line, sizeof(line), "\n%s: ", dff_setting_at(i)->key);
        assert_non_null(strstr(text, line));
    }
    assert_null(strstr(text, "hunter"));
    assert_null(strstr(text, "0123456789secret"));
    assert_non_null(strstr(text, "\nSECRET: \"***\"\n"));
    assert_non_null(strstr(text, "\nREDIS_PASSWORD: \"\"\n"));
    assert_non_null(strstr(text, "\nCUSTOM_DB_PASSWORD: \"***\"\n"));

    if (load(f, text, &again, NULL) != DFF_OK)
        fail_msg("%s", f->findings.data);
    assert_string_equal(again.mysql_user, cfg.mysql_user);
    assert_string_equal(again.log_file_path, cfg.log_file_path);
    assert_int_equal(again.log_level, cfg.log_level);
    assert_int_equal(again.web_body_size_limit, cfg.web_body_size_limit);
    assert_string_equal(again.custom[0].json, cfg.custom[0].json);
    dff_config_release(&again);
    dff_config_release(&cfg);
    free(text);
    free(shown);
}

int
main(void)
{
#define WITH_FILE(test)  cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH_FILE(a_file_with_a_secret_alone_has_all_defaults),
        WITH_FILE(without_a_file_the_install_folder_and_the_environment_count),
        WITH_FILE(every_finding_has_its_place_and_its_limit),
        WITH_FILE(bad_yaml_is_located),
        WITH_FILE(every_cut_of_a_file_is_survived),
        WITH_FILE(a_missing_folder_or_huge_file_is_an_error),
        WITH_FILE(a_sample_or_missing_secret_is_refused_once),
        WITH_FILE(good_values_of_every_kind_are_taken),
        WITH_FILE(the_environment_wins_with_the_same_checks),
        WITH_FILE(custom_values_keep_their_types),
        WITH_FILE(nesting_and_number_of_custom_keys_are_bounded),
        WITH_FILE(what_is_shown_hides_secrets_and_can_be_loaded),
    };

    return cmocka_run_group_tests_name("dff_config", tests, NULL, NULL);
}
