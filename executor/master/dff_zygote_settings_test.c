/* Tests of the settings document: what is in it, and what must not be. */
#include "master/dff_zygote_proc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

static dff_config_custom_t custom[] = {
    { (char[]) { "CUSTOM_NUMBER" }, (char[]) { "12" } },
    { (char[]) { "CUSTOM_LIST" }, (char[]) { "[1,\"zwei\"]" } },
};

static void
make_config(dff_config_t *cfg)
{
    *cfg = (dff_config_t) { .ncustom = 2, .custom = custom };
    cfg->secret = strdup("the-secret");
    cfg->mysql_password = strdup("the-mysql-password");
    cfg->redis_password = strdup("the-redis-password");
    cfg->worker_user = strdup("nobody");
    cfg->resource_root_path = strdup("/res");
    cfg->node_name = strdup("node-1");
    cfg->run_path = strdup("/opt/dff/run");
    cfg->worker_queue_alias_map = strdup("cpu=9, slow=8;bad,x=77,=3,");
    cfg->func_min_timeout_s = 1;
    cfg->func_max_timeout_s = 3600;
    cfg->worker_max_tasks_per_child = 3000;
}

static void
the_document_has_every_field_and_no_secret(void **state)
{
    static const char *const fields[] = {
        "node", "workerUser", "pythonPath", "servicesSocket", "resourceRoot",
        "resourceRootShared", "custom",
        "threadPoolSize", "chainMax", "maxTasksPerChild", "maxRssMB", "timeoutRange",
        "apiTimeoutRange", "queueAliases",
    };
    dff_config_t cfg;
    dff_buf_t    out = DFF_BUF_INIT;
    dff_err_t    err;
    json_t      *doc, *aliases;
    size_t       i;

    (void) state;
    make_config(&cfg);
    assert_int_equal(dff_zygote_settings(&cfg, "/opt/dff/bin", &out, &err), DFF_OK);
    assert_null(strstr(out.data, "the-"));

    doc = json_loadb(out.data, out.len, 0, NULL);
    assert_non_null(doc);
    for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        assert_non_null(json_object_get(doc, fields[i]));
    assert_int_equal(json_object_size(doc), sizeof(fields) / sizeof(fields[0]));
    assert_string_equal(json_string_value(json_object_get(doc, "pythonPath")),
                        "/opt/dff/bin/../python");
    assert_int_equal(json_integer_value(json_object_get(json_object_get(doc, "custom"),
                                                        "CUSTOM_NUMBER")), 12);
    assert_string_equal(json_string_value(json_object_get(doc, "servicesSocket")),
                        "/opt/dff/run/services.sock");
    aliases = json_object_get(doc, "queueAliases");
    assert_int_equal(json_object_size(aliases), 2);
    assert_int_equal(json_integer_value(json_object_get(aliases, "cpu")), 9);
    assert_int_equal(json_integer_value(json_object_get(aliases, "slow")), 8);

    json_decref(doc);
    dff_buf_release(&out);
    free(cfg.secret);
    free(cfg.mysql_password);
    free(cfg.redis_password);
    free(cfg.worker_user);
    free(cfg.node_name);
    free(cfg.run_path);
    free(cfg.resource_root_path);
    free(cfg.worker_queue_alias_map);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_document_has_every_field_and_no_secret),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
