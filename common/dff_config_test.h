/*
 * What the tests of the configuration share: a file to load, and what is found in it.
 * Included by dff_config_*_test.c only; one file of its own for each test.
 */
#ifndef DFF_CONFIG_TEST_H
#define DFF_CONFIG_TEST_H

#include "dff_config.h"

#include <unistd.h>

#include "dff_buf.h"
#include "dff_config_table.h"
#include "dff_test.h"

#define SECRET_LINE  "SECRET: 0123456789abcdef0123456789abcdef\n"
#define WITH_FILE(test)  cmocka_unit_test_setup_teardown(test, set_up, tear_down)

typedef struct {
    char      folder[64];
    char      path[128];
    dff_buf_t findings;          /* a line each, the path replaced with "F" */
} dff_fixture_t;

static inline void
clear_environment(void)
{
    size_t i;

    for (i = 0; dff_setting_at(i) != NULL; i++) {
        char name[128];

        (void) snprintf(name, sizeof(name), "DFF_%s", dff_setting_at(i)->key);
        assert_int_equal(unsetenv(name), 0);
    }
}

static inline int
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

static inline int
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

static inline void
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

static inline int
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

static inline int
load(dff_fixture_t *f, const char *yaml, dff_config_t *cfg, dff_err_t *err)
{
    return load_bytes(f, dff_str_from(yaml), cfg, err);
}

#endif
