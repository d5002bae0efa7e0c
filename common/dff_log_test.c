/* Lines of the log: form, cutting, and several writers of one file. */
#include "dff_log.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dff_test.h"

#include "dff_banned.h"

typedef struct {
    char         folder[64];
    char         path[128], moved[128];
    dff_config_t cfg;            /* only what a log reads */
    dff_log_t    log;
} dff_fixture_t;

static char shanghai[] = "Asia/Shanghai";

static int
set_up(void **state)
{
    dff_fixture_t *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    (void) snprintf(f->folder, sizeof(f->folder), "/tmp/dff-log-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    (void) snprintf(f->path, sizeof(f->path), "%s/x.log", f->folder);
    (void) snprintf(f->moved, sizeof(f->moved), "%s/x.log.1", f->folder);
    f->cfg.log_file_path = f->path;
    f->cfg.log_level = DFF_LOG_INFO;
    f->cfg.timezone = shanghai;
    f->log.fd = -1;
    *state = f;
    return 0;
}

static int
tear_down(void **state)
{
    dff_fixture_t *f = *state;

    dff_log_close(&f->log);
    (void) unlink(f->path);
    (void) unlink(f->moved);
    assert_int_equal(rmdir(f->folder), 0);
    free(f);
    return 0;
}

static void
open_log(dff_fixture_t *f, bool json)
{
    dff_err_t err;

    f->cfg.log_json = json;
    if (dff_log_open(&f->log, &f->cfg, "executor/master", &err) != DFF_OK)
        fail_msg("%s", err.message);
}

static char *
read_file(const char *path)
{
    FILE  *file = fopen(path, "re");
    char  *text = NULL;
    size_t size = 0;

    assert_non_null(file);
    if (getdelim(&text, &size, '\0', file) < 0)
        text[0] = '\0';
    assert_int_equal(fclose(file), 0);
    return text;
}

static void
a_text_line_has_time_level_process_id_and_text(void **state)
{
    dff_fixture_t *f = *state;
    char          *text, expected[128];

    open_log(f, false);
    dff_log_warn(&f->log, "task-1", "%s %d", "hello", 7);
    dff_log_info(&f->log, NULL, "no id");
    dff_log_debug(&f->log, NULL, "too detailed");
    text = read_file(f->path);
    /* 2026-01-02T03:04:05.678+08:00 is 29 characters */
    assert_memory_equal(text + 23, "+08:00 ", 7);
    (void) snprintf(expected, sizeof(expected), "WARNING executor/master[%d] task-1 hello 7\n",
        (int) getpid());
    assert_memory_equal(text + 30, expected, strlen(expected));
    assert_non_null(strstr(text, " INFO executor/master["));
    assert_non_null(strstr(text, "] - no id\n"));
    assert_null(strstr(text, "too detailed"));
    free(text);
}

static void
the_zone_is_ours_and_the_process_keeps_its_own(void **state)
{
    dff_fixture_t *f = *state;
    char           out[256];

    assert_int_equal(setenv("TZ", "America/New_York", 1), 0);
    open_log(f, false);
    (void) dff_log_format(&f->log, out, sizeof(out), DFF_LOG_INFO, NULL, DFF_STR("x"));
    assert_memory_equal(out + 23, "+08:00 ", 7);
    assert_string_equal(getenv("TZ"), "America/New_York");
    assert_int_equal(unsetenv("TZ"), 0);
}

static void
json_lines_have_the_same_as_fields(void **state)
{
    dff_fixture_t *f = *state;
    char          *text;
    json_t        *line;
    json_error_t   error;

    open_log(f, true);
    dff_log_error(&f->log, "TRACE-\"1\"", "line 1\nline\t2 \x01 \"q\" \xff \xe4\xbd\xa0");
    text = read_file(f->path);
    assert_int_equal(strchr(text, '\n') - text, strlen(text) - 1);
    line = json_loads(text, 0, &error);
    if (line == NULL)
        fail_msg("%s: %s", text, error.text);
    assert_string_equal(json_string_value(json_object_get(line, "level")), "ERROR");
    assert_string_equal(json_string_value(json_object_get(line, "process")), "executor/master");
    assert_int_equal(json_integer_value(json_object_get(line, "pid")), getpid());
    assert_string_equal(json_string_value(json_object_get(line, "id")), "TRACE-\"1\"");
    assert_string_equal(json_string_value(json_object_get(line, "text")),
        "line 1\nline\t2 \x01 \"q\" \xef\xbf\xbd \xe4\xbd\xa0");
    assert_int_equal(strlen(json_string_value(json_object_get(line, "time"))), 29);
    json_decref(line);
    free(text);
}

static void
a_text_cannot_forge_a_line_or_steer_a_terminal(void **state)
{
    dff_fixture_t *f = *state;
    char          *text;

    open_log(f, false);
    dff_log_error(&f->log, "a\nb", "one\n2026-01-01T00:00:00.000+08:00 ERROR fake\r\x1b[31m\x7f");
    text = read_file(f->path);
    assert_non_null(strstr(text,
        "one\n\t2026-01-01T00:00:00.000+08:00 ERROR fake\\x0d\\x1b[31m\\x7f\n"));
    assert_non_null(strstr(text, "] a\\nb one"));
    free(text);
}

static void
a_line_is_cut_to_its_room_between_characters(void **state)
{
    static const char long_text[] = "\xe4\xbd\xa0\"\n\x01\xf0\x9f\x98\x80" "abc\xff"
        "\xe4\xbd\xa0\"\n\x01\xf0\x9f\x98\x80" "abc\xff\xe4\xbd\xa0\"\n\x01\xf0\x9f\x98\x80" "abc";
    dff_fixture_t *f = *state;
    int            json;
    size_t         size, len;

    for (json = 0; json < 2; json++) {
        open_log(f, json);
        for (size = 0; size < 300; size++) {
            char *out = malloc(size + 1);

            assert_non_null(out);
            len = dff_log_format(&f->log, out, size, DFF_LOG_INFO, "task-1", DFF_STR(long_text));
            if (size > 0) {
                assert_true(len < size);
                assert_int_equal(strlen(out), len);
            }
            if (len > 0) {
                assert_int_equal(out[len - 1], '\n');
                if (json) {
                    json_t *line = json_loads(out, 0, NULL);

                    if (line == NULL)
                        fail_msg("size %zu: %s", size, out);
                    json_decref(line);
                }
            }
            free(out);
        }
        dff_log_close(&f->log);
    }
}

static void
a_long_text_is_whole(void **state)
{
    enum { LENGTH = 300000 };
    dff_fixture_t *f = *state;
    char          *big = malloc(LENGTH + 1), *text;

    assert_non_null(big);
    memset(big, 'x', LENGTH);
    big[LENGTH] = '\0';
    open_log(f, false);
    dff_log_error(&f->log, NULL, "%s|end", big);
    text = read_file(f->path);
    assert_true(strlen(text) > LENGTH);
    assert_string_equal(text + strlen(text) - 6, "x|end\n");
    free(text);
    free(big);
}

static void
logging_leaves_errno_alone(void **state)
{
    dff_fixture_t *f = *state;

    open_log(f, false);
    errno = ENOENT;
    dff_log_error(&f->log, NULL, "%m");
    assert_int_equal(errno, ENOENT);
}

static void
reopening_after_a_rotation_loses_nothing(void **state)
{
    dff_fixture_t *f = *state;
    char          *text;

    open_log(f, false);
    dff_log_info(&f->log, NULL, "before");
    assert_int_equal(rename(f->path, f->moved), 0);
    dff_log_info(&f->log, NULL, "between");
    dff_log_reopen(&f->log);
    dff_log_info(&f->log, NULL, "after");
    text = read_file(f->moved);
    assert_non_null(strstr(text, "before\n"));
    assert_non_null(strstr(text, "between\n"));
    assert_null(strstr(text, "after\n"));
    free(text);
    text = read_file(f->path);
    assert_non_null(strstr(text, "after\n"));
    free(text);
}

static void
a_reopen_that_fails_keeps_the_old_file(void **state)
{
    dff_fixture_t *f = *state;
    char          *text;

    open_log(f, false);
    assert_int_equal(rename(f->path, f->moved), 0);
    assert_int_equal(mkdir(f->path, 0700), 0);
    dff_log_reopen(&f->log);
    dff_log_info(&f->log, NULL, "still here");
    text = read_file(f->moved);
    assert_non_null(strstr(text, "reopen log file"));
    assert_non_null(strstr(text, "still here\n"));
    free(text);
    assert_int_equal(rmdir(f->path), 0);
}

static void
a_log_that_cannot_be_opened_is_stderr(void **state)
{
    dff_fixture_t *f = *state;
    static char    nowhere[] = "/no/such/folder/x.log", empty[] = "";
    dff_err_t      err;

    f->cfg.log_file_path = nowhere;
    assert_int_equal(dff_log_open(&f->log, &f->cfg, "nginx", &err), DFF_ERROR);
    assert_string_equal(err.message,
        "open log file /no/such/folder/x.log: No such file or directory");
    assert_true(f->log.to_stderr);
    assert_int_equal(f->log.fd, -1);
    dff_log_close(&f->log);
    f->cfg.log_file_path = empty;
    assert_int_equal(dff_log_open(&f->log, &f->cfg, "nginx", &err), DFF_ERROR);
}

static void
the_file_is_not_for_everyone_and_not_for_children(void **state)
{
    dff_fixture_t *f = *state;
    struct stat    st;

    open_log(f, false);
    assert_int_equal(fstat(f->log.fd, &st), 0);
    assert_int_equal(st.st_mode & 07, 0);
    assert_int_equal(fcntl(f->log.fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    assert_int_equal(fcntl(f->log.fd, F_GETFL) & O_APPEND, O_APPEND);
}

static void
lines_of_several_processes_stay_whole(void **state)
{
    enum { WRITERS = 4, LINES = 500, LENGTH = 3000 };
    dff_fixture_t *f = *state;
    char          *text, *line, *next;
    int            i, n, status, count = 0;

    open_log(f, false);
    for (i = 0; i < WRITERS; i++) {
        pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid == 0) {
            char body[LENGTH + 1];

            memset(body, 'a' + i, LENGTH);
            body[LENGTH] = '\0';
            for (n = 0; n < LINES; n++)
                dff_log_write(&f->log, DFF_LOG_INFO, NULL, "%s", body);
            _exit(0);
        }
    }
    for (i = 0; i < WRITERS; i++) {
        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
    }
    text = read_file(f->path);
    for (line = text; *line != '\0'; line = next + 1) {
        next = strchr(line, '\n');
        assert_non_null(next);
        assert_true(next - line > LENGTH);
        for (i = 1; i <= LENGTH; i++)
            assert_int_equal(next[-i], next[-1]);
        count++;
    }
    assert_int_equal(count, WRITERS * LINES);
    free(text);
}

int
main(void)
{
#define WITH_FILE(test)  cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH_FILE(a_text_line_has_time_level_process_id_and_text),
        WITH_FILE(the_zone_is_ours_and_the_process_keeps_its_own),
        WITH_FILE(json_lines_have_the_same_as_fields),
        WITH_FILE(a_text_cannot_forge_a_line_or_steer_a_terminal),
        WITH_FILE(a_line_is_cut_to_its_room_between_characters),
        WITH_FILE(a_long_text_is_whole),
        WITH_FILE(logging_leaves_errno_alone),
        WITH_FILE(reopening_after_a_rotation_loses_nothing),
        WITH_FILE(a_reopen_that_fails_keeps_the_old_file),
        WITH_FILE(a_log_that_cannot_be_opened_is_stderr),
        WITH_FILE(the_file_is_not_for_everyone_and_not_for_children),
        WITH_FILE(lines_of_several_processes_stay_whole),
    };

    return cmocka_run_group_tests_name("dff_log", tests, NULL, NULL);
}
