/* The error table, its document, and the error value. */
#include "dff_err.h"

#include "dff_test.h"

#include "dff_banned.h"

static void
every_row_is_complete_unique_and_agrees_with_itself(void **state)
{
    int i, j;

    (void) state;
    for (i = DFF_REASON_NONE + 1; i < DFF_REASON_COUNT; i++) {
        const dff_err_row_t *row = dff_err_row((dff_reason_t) i);
        char                *end;

        assert_non_null(row->reason);
        assert_int_equal(row->reason[0], 'E');
        assert_true(strlen(row->message) > 5);
        /* "599.1": the integer part is the status, no trailing zero, a JSON number */
        assert_int_equal(strtol(row->code, &end, 10), row->http_status);
        assert_int_equal(*end, '.');
        assert_true(row->code[0] != '0');
        assert_int_equal(strspn(end + 1, "0123456789"), strlen(end + 1));
        assert_true(end[1] != '\0' && end[strlen(end) - 1] != '0');
        assert_true(row->http_status >= 400 && row->http_status <= 599);
        for (j = DFF_REASON_NONE + 1; j < i; j++) {
            const dff_err_row_t *other = dff_err_row((dff_reason_t) j);

            if (strcmp(row->code, other->code) == 0)
                fail_msg("%s stands there twice", row->code);
        }
    }
}

static void
codes_that_callers_key_on_are_as_documented(void **state)
{
    static const struct {
        dff_reason_t reason;
        const char  *name, *code;
    } rows[] = {
        { DFF_E_CLIENT_NOT_FOUND, "EClientNotFound", "404.41" },
        { DFF_E_CLIENT_BAD_REQUEST, "EClientBadRequest", "400.43" },
        { DFF_E_CLIENT_DUPLICATED, "EClientDuplicated", "409.42" },
        { DFF_E_CLIENT_UNSUPPORTED, "EClientUnsupported", "400.44" },
        { DFF_E_BODY_TOO_LARGE, "EClientBadRequest", "413.44" },
        { DFF_E_METHOD_NOT_ALLOWED, "EClientNotFound", "405.41" },
        { DFF_E_BIZ_CONDITION, "EBizCondition", "403.21" },
        { DFF_E_API_AUTH, "EAPIAuth", "401.99" },
        { DFF_E_USER_AUTH, "EUserAuth", "401.14" },
        { DFF_E_USER_PRIVILEGE, "EUserPrivilege", "401.15" },
        { DFF_E_USER_PASSWORD, "EUserPassword", "400.12" },
        { DFF_E_USER_DISABLED, "EUserDisabled", "401.16" },
        { DFF_E_USER_CAPTCHA, "EUserCaptcha", "400.13" },
        { DFF_E_BIZ_BAD_DATA, "EBizBadData", "403.23" },
        { DFF_E_BIZ_REQUEST_CONFLICT, "EBizRequestConflict", "409.25" },
        { DFF_E_SYS_LIMIT_REACHED, "ESysLimitReached", "503.1" },
        { DFF_E_SYS_ASYNC_TASK_FAILED, "ESysAsyncTaskFailed", "503.2" },
        { DFF_E_SYS_ASYNC_TASK_TIMEOUT, "ESysAsyncTaskTimeout", "503.21" },
        { DFF_E_SYS, "ESys", "500.5" },
        { DFF_E_SYS_CACHE, "ESysCache", "503.53" },
        { DFF_E_SYS_DB, "ESysDB", "503.52" },
        { DFF_E_API_TIMEOUT, "EAPITimeout", "599.1" },
        { DFF_E_SCRIPT_PRE_CHECK, "EScriptPreCheck", "599.2" },
        { DFF_E_FUNC_FAILED, "EFuncFailed", "599.3" },
        { DFF_E_FUNC_TIMEOUT, "EFuncTimeout", "599.31" },
        { DFF_E_FUNC_RESULT_PARSING_FAILED, "EFuncResultParsingFailed", "599.4" },
        { DFF_E_WORKER_QUEUE_CONGESTION, "EWorkerQueueCongestion", "599.5" },
    };
    size_t i;

    (void) state;
    assert_int_equal(DFF_TEST_COUNT(rows), DFF_REASON_COUNT - 1);
    for (i = 0; i < DFF_TEST_COUNT(rows); i++) {
        assert_string_equal(dff_err_row(rows[i].reason)->reason, rows[i].name);
        assert_string_equal(dff_err_row(rows[i].reason)->code, rows[i].code);
    }
    assert_string_equal(dff_err_row(DFF_E_API_TIMEOUT)->message, "Waiting function result timeout, "
        "but task is still running. Use task ID to fetch result later.");
    assert_string_equal(dff_err_row(DFF_E_FUNC_TIMEOUT)->message, "Calling Function timeout.");
}

static void
an_unknown_reason_has_the_row_of_esys(void **state)
{
    (void) state;
    assert_ptr_equal(dff_err_row((dff_reason_t) -1), dff_err_row(DFF_E_SYS));
    assert_ptr_equal(dff_err_row(DFF_REASON_COUNT), dff_err_row(DFF_E_SYS));
    assert_non_null(dff_err_row(DFF_REASON_NONE));
}

static void
each_row_has_its_section_in_the_document(void **state)
{
    char *document = dff_test_read_file("docs/errors.md");
    int   i;

    (void) state;
    for (i = DFF_REASON_NONE + 1; i < DFF_REASON_COUNT; i++) {
        const dff_err_row_t *row = dff_err_row((dff_reason_t) i);
        char                 heading[128];

        (void) snprintf(heading, sizeof(heading), "\n### %s %s\n", row->code, row->reason);
        if (strstr(document, heading) == NULL)
            fail_msg("docs/errors.md has no section \"### %s %s\"", row->code, row->reason);
    }
    free(document);
}

static void
an_error_collects_what_each_level_knows(void **state)
{
    dff_err_t err;

    (void) state;
    assert_int_equal(dff_err_set(&err, DFF_E_SYS_CACHE, "connect %s:%d: refused", "redis", 6379),
        DFF_ERROR);
    assert_int_equal(dff_err_wrap(&err, "auth link %s", "auln-1"), DFF_ERROR);
    assert_int_equal(err.reason, DFF_E_SYS_CACHE);
    assert_string_equal(err.message, "auth link auln-1: connect redis:6379: refused");
    assert_int_equal(dff_err_set(NULL, DFF_E_SYS, "x"), DFF_ERROR);
    assert_int_equal(dff_err_wrap(NULL, "x"), DFF_ERROR);
}

static void
a_long_message_is_cut_and_stays_a_string(void **state)
{
    dff_err_t err;
    char      text[3 * DFF_ERR_MESSAGE_SIZE];

    (void) state;
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    (void) dff_err_set(&err, DFF_E_SYS, "%s", text);
    assert_int_equal(strlen(err.message), DFF_ERR_MESSAGE_SIZE - 1);
    (void) dff_err_wrap(&err, "outer");
    assert_int_equal(strlen(err.message), DFF_ERR_MESSAGE_SIZE - 1);
    assert_memory_equal(err.message, "outer: xxx", 10);
    (void) dff_err_wrap(&err, "%s", text);
    assert_int_equal(strlen(err.message), DFF_ERR_MESSAGE_SIZE - 1);
    (void) dff_err_wrap(&err, "%s", "");
    assert_int_equal(strlen(err.message), DFF_ERR_MESSAGE_SIZE - 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_complete_unique_and_agrees_with_itself),
        cmocka_unit_test(codes_that_callers_key_on_are_as_documented),
        cmocka_unit_test(an_unknown_reason_has_the_row_of_esys),
        cmocka_unit_test(each_row_has_its_section_in_the_document),
        cmocka_unit_test(an_error_collects_what_each_level_knows),
        cmocka_unit_test(a_long_message_is_cut_and_stays_a_string),
    };

    return cmocka_run_group_tests_name("dff_err", tests, NULL, NULL);
}
