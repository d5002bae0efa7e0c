/* Tests of the command line against a small table. */
#include "ctl/dff_ctl.h"

#include "dff_test.h"

const dff_ctl_command_t dff_ctl_commands[] = {
    { .name = "start", .needs = DFF_CTL_REST, .help = "x" },
    { .name = "status", .options = { { "--json", NULL, "x", false } }, .help = "x" },
    { .name = "script publish", .words = { "FILE", "[MORE]" }, .help = "x",
      .options = { { "--id", "ID", "x", true }, { "--force", NULL, "x", false } } },
    { .name = "script list", .help = "x" },
    { .name = "auth add", .help = "x", .options = { { "--config", "JSON", "x", false } } },
};

const size_t dff_ctl_command_count = DFF_TEST_COUNT(dff_ctl_commands);

#define LINE_MAX_WORDS  8

static const struct {
    const char *line[LINE_MAX_WORDS];       /* without the program's name */
    int         rc;
    const char *command, *config;
    const char *words[2], *options[2];
    bool        help;
} lines[] = {
    { { NULL }, DFF_CTL_USAGE, NULL, "", { NULL }, { NULL }, false },
    { { "--help" }, DFF_CTL_OK, NULL, "", { NULL }, { NULL }, true },
    { { "status" }, DFF_CTL_OK, "status", "", { NULL }, { NULL }, false },
    { { "status", "--json" }, DFF_CTL_OK, "status", "", { NULL }, { "" }, false },
    { { "status", "--json=1" }, DFF_CTL_USAGE, "status", "", { NULL }, { "" }, false },
    { { "status", "x" }, DFF_CTL_USAGE, "status", "", { NULL }, { NULL }, false },
    { { "status", "--jso" }, DFF_CTL_USAGE, "status", "", { NULL }, { NULL }, false },
    { { "--config", "c", "status" }, DFF_CTL_OK, "status", "c", { NULL }, { NULL }, false },
    { { "status", "--config=d" }, DFF_CTL_OK, "status", "d", { NULL }, { NULL }, false },
    { { "status", "--config" }, DFF_CTL_USAGE, "status", "", { NULL }, { NULL }, false },
    { { "--config=", "status" }, DFF_CTL_USAGE, NULL, "", { NULL }, { NULL }, false },
    { { "--id", "status" }, DFF_CTL_USAGE, NULL, "", { NULL }, { NULL }, false },
    { { "script" }, DFF_CTL_USAGE, NULL, "", { NULL }, { NULL }, false },
    { { "scr", "list" }, DFF_CTL_USAGE, NULL, "", { NULL }, { NULL }, false },
    { { "script", "lis" }, DFF_CTL_USAGE, NULL, "", { NULL }, { NULL }, false },
    { { "script", "list" }, DFF_CTL_OK, "script list", "", { NULL }, { NULL }, false },
    { { "script", "publish", "f", "--id", "a" }, DFF_CTL_OK, "script publish", "", { "f" },
      { "a" }, false },
    { { "script", "publish", "--id=a=b", "f", "g", "--force" }, DFF_CTL_OK, "script publish", "",
      { "f", "g" }, { "a=b", "" }, false },
    { { "script", "publish", "--id", "a", "--", "--id" }, DFF_CTL_OK, "script publish", "",
      { "--id" }, { "a" }, false },
    { { "script", "publish", "-", "--id", "a" }, DFF_CTL_OK, "script publish", "", { "-" },
      { "a" }, false },
    { { "script", "publish", "f" }, DFF_CTL_USAGE, "script publish", "", { "f" }, { NULL }, false },
    { { "script", "publish", "--id", "a" }, DFF_CTL_USAGE, "script publish", "", { NULL }, { "a" },
      false },
    { { "script", "publish", "f", "--id" }, DFF_CTL_USAGE, "script publish", "", { "f" }, { NULL },
      false },
    { { "script", "publish", "--help" }, DFF_CTL_OK, "script publish", "", { NULL }, { NULL },
      true },
    { { "--config", "c", "auth", "add", "--config", "{}" }, DFF_CTL_OK, "auth add", "c", { NULL },
      { "{}" }, false },
    { { "auth", "add", "--config={}", "--help" }, DFF_CTL_OK, "auth add", "", { NULL }, { "{}" },
      true },
    { { "start", "redis", "--x" }, DFF_CTL_OK, "start", "", { NULL }, { NULL }, false },
};


static void
text_is(const char *got, const char *expected)
{
    if (expected == NULL) {
        assert_null(got);
    } else {
        assert_non_null(got);
        assert_string_equal(got, expected);
    }
}


static void
a_line_is_read_against_the_table(void **state)
{
    static dff_ctl_t ctl;

    (void) state;
    assert_non_null(freopen("/dev/null", "w", stderr));
    for (size_t i = 0; i < DFF_TEST_COUNT(lines); i++) {
        char *argv[LINE_MAX_WORDS + 1] = { (char *) (uintptr_t) "dffctl" };
        int   argc = 1;

        while (argc <= LINE_MAX_WORDS && lines[i].line[argc - 1] != NULL) {
            argv[argc] = (char *) (uintptr_t) lines[i].line[argc - 1];
            argc++;
        }
        memset(&ctl, 0, sizeof(ctl));
        if (dff_ctl_parse(&ctl, argc, argv) != lines[i].rc) {
            fail_msg("line %zu: not status %d", i, lines[i].rc);
        }
        text_is(ctl.command == NULL ? NULL : ctl.command->name, lines[i].command);
        text_is(ctl.config_path, lines[i].config);
        for (size_t k = 0; k < 2; k++) {
            text_is(ctl.words[k], lines[i].words[k]);
            text_is(ctl.options[k], lines[i].options[k]);
        }
        assert_int_equal(ctl.help, lines[i].help);
    }
}


static void
the_nearest_name_is_found(void **state)
{
    (void) state;
    text_is(dff_ctl_nearest("scirpt list", false)->name, "script list");
    text_is(dff_ctl_nearest("stauts", false)->name, "status");
    text_is(dff_ctl_nearest("scrip", true)->name, "script publish");
    assert_null(dff_ctl_nearest("foo", false));
    assert_null(dff_ctl_nearest("", false));
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_nearest_name_is_found),
        cmocka_unit_test(a_line_is_read_against_the_table),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
