/* The table of settings, its document, and the checks of texts. */
#include "dff_config_table.h"

#include "dff_test.h"

#include "dff_banned.h"

static void
every_row_is_complete_and_its_default_passes_its_own_check(void **state)
{
    static char   base[] = "/tmp";
    dff_config_t  cfg;
    dff_err_t     err;
    size_t        i, j;

    (void) state;
    memset(&cfg, 0, sizeof(cfg));
    for (i = 0; dff_setting_at(i) != NULL; i++) {
        const dff_setting_t *row = dff_setting_at(i);
        dff_setting_input_t  input = { row->fallback, false, base };

        assert_true(strlen(row->about) > 2);
        assert_null(strchr(row->about, '|'));
        assert_int_equal(dff_setting_find(row->key), i);
        assert_true(row->offset < sizeof(cfg));
        if (strcmp(row->key, "SECRET") != 0 && dff_setting_store(row, &input, &cfg, &err) != DFF_OK)
            fail_msg("%s", err.message);
        for (j = 0; j < i; j++)
            assert_int_not_equal(row->offset, dff_setting_at(j)->offset);
    }
    assert_int_equal(i, DFF_SETTING_COUNT);
    assert_int_equal(dff_setting_find("NO_SUCH"), DFF_SETTING_NONE);
    dff_config_release(&cfg);
}

static void
the_reference_in_docs_is_the_one_of_the_table(void **state)
{
    char  *text = NULL, *document = dff_test_read_file("docs/configuration.md");
    size_t size = 0;
    FILE  *out = open_memstream(&text, &size);

    (void) state;
    assert_non_null(out);
    dff_config_document(out);
    assert_int_equal(fclose(out), 0);
    if (strcmp(text, document) != 0)
        fail_msg("docs/configuration.md is not what the table gives: run `make docs`");
    free(text);
    free(document);
}

static void
worker_groups_are_parsed_or_refused(void **state)
{
    static const struct {
        const char *text;
        int         count;
        unsigned    masks[3];
        const char *says;
    } rows[] = {
        { "0;1-6;7-9", 3, { 0x001, 0x07e, 0x380 }, NULL },
        { "0-9", 1, { 0x3ff }, NULL },
        { " 0 , 2-3 ; 9 ", 2, { 0x00d, 0x200 }, NULL },
        { "5-5", 1, { 0x020 }, NULL },
        { "", -1, { 0 }, "\"\" is no queue" },
        { ";", -1, { 0 }, "\"\" is no queue" },
        { "0;", -1, { 0 }, "\"\" is no queue" },
        { "0,,1", -1, { 0 }, "\"\" is no queue" },
        { "10", -1, { 0 }, "\"10\" is no queue" },
        { "6-1", -1, { 0 }, "\"6-1\" is no queue" },
        { "1-", -1, { 0 }, "\"1-\" is no queue" },
        { "-1", -1, { 0 }, "\"-1\" is no queue" },
        { "a", -1, { 0 }, "\"a\" is no queue" },
        { "1-2-3", -1, { 0 }, "\"1-2-3\" is no queue" },
        { "99999999999999999999", -1, { 0 }, "is no queue" },
        { "1;1", -1, { 0 }, "\"1\" names a queue a second time" },
        { "0-5;5-9", -1, { 0 }, "\"5-9\" names a queue a second time" },
        { "0;1;2;3;4;5;6;7;8;9;0", -1, { 0 }, "at most 10" },
    };
    unsigned  masks[10];
    dff_err_t err;
    size_t    i;
    int       j;

    (void) state;
    for (i = 0; i < DFF_TEST_COUNT(rows); i++) {
        assert_int_equal(dff_config_worker_groups(rows[i].text, masks, &err), rows[i].count);
        for (j = 0; j < rows[i].count; j++)
            assert_int_equal(masks[j], rows[i].masks[j]);
        if (rows[i].says != NULL && strstr(err.message, rows[i].says) == NULL)
            fail_msg("row %zu: %s", i, err.message);
    }
}

static void
crontab_lines_are_told_apart(void **state)
{
    static const char *const good[] = {
        "", "* * * * *", "*/15 * * * *", "0 0 1 1 0", "59 23 31 12 7", "0,1,2 1-3,5 */2 1-12/3 1-5",
        "  0\t0  * * *  ",
    };
    static const char *const bad[] = {
        " ", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * 32 * *",
        "* * * 0 *", "* * * 13 *", "* * * * 8", "*/0 * * * *", "5-1 * * * *", "1- * * * *",
        "-1 * * * *", ", * * * *", "1,,2 * * * *", "a * * * *", "*/ * * * *", "1/2/3 * * * *",
        "99999999999999999999 * * * *", "@daily",
    };
    size_t i;

    (void) state;
    for (i = 0; i < DFF_TEST_COUNT(good); i++) {
        if (dff_check_crontab(good[i]) != NULL)
            fail_msg("<%s> was refused", good[i]);
    }
    for (i = 0; i < DFF_TEST_COUNT(bad); i++) {
        if (dff_check_crontab(bad[i]) == NULL)
            fail_msg("<%s> was accepted", bad[i]);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_complete_and_its_default_passes_its_own_check),
        cmocka_unit_test(the_reference_in_docs_is_the_one_of_the_table),
        cmocka_unit_test(worker_groups_are_parsed_or_refused),
        cmocka_unit_test(crontab_lines_are_told_apart),
    };

    return cmocka_run_group_tests_name("dff_config_table", tests, NULL, NULL);
}
