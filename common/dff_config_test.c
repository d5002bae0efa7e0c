/* The configuration: defaults, what is accepted, what wins, and how it is shown. */
#include "dff_config_test.h"

#include "dff_banned.h"

static void
load_defaults(dff_fixture_t *f, dff_config_t *cfg)
{
    dff_err_t err;

    if (load(f, SECRET_LINE, cfg, &err) != DFF_OK)
        fail_msg("%s", err.message);
    assert_string_equal(f->findings.data, "");
}

static void
a_file_with_a_secret_alone_has_all_defaults(void **state)
{
    dff_fixture_t *f = *state;
    dff_config_t   cfg;

    load_defaults(f, &cfg);
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
    assert_int_equal(cfg.ncustom, 0);
    dff_config_release(&cfg);
    dff_config_release(&cfg);
    dff_config_release(NULL);
}

static void
so_have_the_stores_and_the_node(void **state)
{
    dff_config_t cfg;

    load_defaults(*state, &cfg);
    assert_string_equal(cfg.mysql_database, "dataflux_func");
    assert_string_equal(cfg.mysql_socket, "");
    assert_int_equal(cfg.redis_database, 5);
    assert_false(cfg.redis_use_tls);
    assert_int_equal(cfg.db_auto_backup_limit, 168);
    assert_string_equal(cfg.crontab_auto_backup_db, "0 * * * *");
    assert_string_equal(cfg.node_name, "");
    dff_config_release(&cfg);
}

static void
so_have_workers_and_functions(void **state)
{
    dff_config_t cfg;

    load_defaults(*state, &cfg);
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
    dff_config_release(&cfg);
}

static void
paths_are_below_the_folder_of_the_file(void **state)
{
    dff_fixture_t *f = *state;
    dff_config_t   cfg;
    char           expected[256];

    load_defaults(f, &cfg);
    (void) snprintf(expected, sizeof(expected), "%s/logs/dataflux-func.log", f->folder);
    assert_string_equal(cfg.log_file_path, expected);
    (void) snprintf(expected, sizeof(expected), "%s/resources", f->folder);
    assert_string_equal(cfg.resource_root_path, expected);
    (void) snprintf(expected, sizeof(expected), "%s/sqldump/", f->folder);
    assert_string_equal(cfg.db_auto_backup_path, expected);
    assert_string_equal(cfg.run_path, "/tmp/run");
    dff_config_release(&cfg);
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

static void
add_key(void *ctx, const char *key)
{
    dff_buf_addf(ctx, "%s ", key);
}

static void
what_a_reload_does_not_apply_is_told(void **state)
{
    dff_fixture_t *f = *state;
    dff_config_t   old, new;
    dff_buf_t      told = DFF_BUF_INIT;

    assert_int_equal(load(f, SECRET_LINE, &old, NULL), DFF_OK);
    dff_config_restart_keys(&old, &old, add_key, &told);
    assert_int_equal(told.len, 0);

    /* Some of several types, and of those that a reload applies. */
    assert_int_equal(load(f, "SECRET: fedcba9876543210fedcba9876543210\nLOG_FILE_FORMAT: json\n"
        "LOG_LEVEL: ALL\nLOG_FILE_PATH: /tmp/x.log\nTIMEZONE: UTC\nMYSQL_HOST: example\n"
        "MYSQL_PORT: 3307\nMYSQL_SOCKET: /tmp/x\nMYSQL_USER: x\nMYSQL_PASSWORD: x\n"
        "MYSQL_DATABASE: x\nREDIS_PORT: 6380\nREDIS_SOCKET: /tmp/x\nREDIS_USE_TLS: true\n"
        "RESOURCE_ROOT_PATH: /tmp/x\nRESOURCE_ROOT_SHARED: true\n_WORKER_QUEUE_LIMIT: 7\n"
        "_NODE_NAME: x\n", &new, NULL), DFF_OK);
    dff_config_restart_keys(&old, &new, add_key, &told);
    assert_int_equal(dff_buf_failed(&told), false);
    dff_buf_add(&told, "", 1);
    assert_string_equal(told.data,
                        "REDIS_PORT REDIS_SOCKET REDIS_USE_TLS _NODE_NAME ");
    dff_buf_release(&told);
    dff_config_release(&new);
    dff_config_release(&old);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FILE(a_file_with_a_secret_alone_has_all_defaults),
        WITH_FILE(so_have_the_stores_and_the_node),
        WITH_FILE(so_have_workers_and_functions),
        WITH_FILE(paths_are_below_the_folder_of_the_file),
        WITH_FILE(without_a_file_the_install_folder_and_the_environment_count),
        WITH_FILE(good_values_of_every_kind_are_taken),
        WITH_FILE(the_environment_wins_with_the_same_checks),
        WITH_FILE(what_is_shown_hides_secrets_and_can_be_loaded),
        WITH_FILE(what_a_reload_does_not_apply_is_told),
    };

    return cmocka_run_group_tests_name("dff_config", tests, NULL, NULL);
}
