/*
 * The error table and the error value. Runs in every process.
 */
#include "dff_err.h"

#include <stdarg.h>
#include <stdio.h>

#include "dff_banned.h"

static const dff_err_row_t dff_err_rows[] = {
    [DFF_REASON_NONE] = { "", "200", 200, "" },

    [DFF_E_CLIENT_NOT_FOUND] =
        { "EClientNotFound", "404.41", 404, "Data not found." },
    [DFF_E_CLIENT_BAD_REQUEST] =
        { "EClientBadRequest", "400.43", 400, "Bad request." },
    [DFF_E_CLIENT_DUPLICATED] =
        { "EClientDuplicated", "409.42", 409, "Data already exists." },
    [DFF_E_CLIENT_UNSUPPORTED] =
        { "EClientUnsupported", "400.44", 400, "Not supported." },
    [DFF_E_BODY_TOO_LARGE] =
        { "EClientBadRequest", "413.44", 413, "Request body is too large." },
    [DFF_E_METHOD_NOT_ALLOWED] =
        { "EClientNotFound", "405.41", 405, "Method not allowed." },
    [DFF_E_BIZ_CONDITION] =
        { "EBizCondition", "403.21", 403, "Not allowed in the current condition." },
    [DFF_E_API_AUTH] =
        { "EAPIAuth", "401.99", 401, "API authentication failed." },
    [DFF_E_USER_AUTH] =
        { "EUserAuth", "401.14", 401, "Not signed in, or the sign-in has expired." },
    [DFF_E_USER_PRIVILEGE] =
        { "EUserPrivilege", "401.15", 401, "The user has no privilege for this." },
    [DFF_E_USER_PASSWORD] =
        { "EUserPassword", "400.12", 400, "Wrong username or password." },
    [DFF_E_USER_DISABLED] =
        { "EUserDisabled", "401.16", 401, "The user is disabled." },
    [DFF_E_USER_CAPTCHA] =
        { "EUserCaptcha", "400.13", 400, "The captcha is missing, wrong or used." },
    [DFF_E_BIZ_BAD_DATA] =
        { "EBizBadData", "403.23", 403, "The data is not usable." },
    [DFF_E_BIZ_REQUEST_CONFLICT] =
        { "EBizRequestConflict", "409.25", 409, "Somebody else has changed it meanwhile." },
    [DFF_E_SYS_LIMIT_REACHED] =
        { "ESysLimitReached", "503.1", 503, "Too much at once; try again." },
    [DFF_E_SYS_ASYNC_TASK_FAILED] =
        { "ESysAsyncTaskFailed", "503.2", 503, "The task failed, or no worker took it." },
    [DFF_E_SYS_ASYNC_TASK_TIMEOUT] =
        { "ESysAsyncTaskTimeout", "503.21", 503, "The task did not end in time." },
    [DFF_E_SYS] =
        { "ESys", "500.5", 500, "Internal error." },
    [DFF_E_SYS_CACHE] =
        { "ESysCache", "503.53", 503, "Redis cannot be reached." },
    [DFF_E_SYS_DB] =
        { "ESysDB", "503.52", 503, "MySQL cannot be reached." },
    [DFF_E_API_TIMEOUT] =
        { "EAPITimeout", "599.1", 599,
          "Waiting function result timeout, but task is still running. "
          "Use task ID to fetch result later." },
    [DFF_E_SCRIPT_PRE_CHECK] =
        { "EScriptPreCheck", "599.2", 599, "Script pre-check failed." },
    [DFF_E_FUNC_FAILED] =
        { "EFuncFailed", "599.3", 599, "Calling Function failed." },
    [DFF_E_FUNC_TIMEOUT] =
        { "EFuncTimeout", "599.31", 599, "Calling Function timeout." },
    [DFF_E_FUNC_RESULT_PARSING_FAILED] =
        { "EFuncResultParsingFailed", "599.4", 599, "Function result is not valid." },
    [DFF_E_WORKER_QUEUE_CONGESTION] =
        { "EWorkerQueueCongestion", "599.5", 599, "Too many tasks in the worker queue." },
};

_Static_assert(sizeof(dff_err_rows) / sizeof(dff_err_rows[0]) == DFF_REASON_COUNT,
    "every reason has a row");

const dff_err_row_t *
dff_err_row(dff_reason_t reason)
{
    if ((unsigned) reason >= DFF_REASON_COUNT)
        return &dff_err_rows[DFF_E_SYS];
    return &dff_err_rows[reason];
}

int
dff_err_set(dff_err_t *err, dff_reason_t reason, const char *fmt, ...)
{
    va_list args;

    if (err == NULL)
        return DFF_ERROR;
    err->reason = reason;
    va_start(args, fmt);
    if (vsnprintf(err->message, sizeof(err->message), fmt, args) < 0)
        err->message[0] = '\0';
    va_end(args);
    return DFF_ERROR;
}

int
dff_err_wrap(dff_err_t *err, const char *fmt, ...)
{
    char    inner[DFF_ERR_MESSAGE_SIZE];
    size_t  used;
    int     n;
    va_list args;

    if (err == NULL)
        return DFF_ERROR;
    memcpy(inner, err->message, sizeof(inner));
    inner[sizeof(inner) - 1] = '\0';

    va_start(args, fmt);
    n = vsnprintf(err->message, sizeof(err->message), fmt, args);
    va_end(args);
    if (n < 0)
        n = 0;
    used = (size_t) n < sizeof(err->message) ? (size_t) n : sizeof(err->message) - 1;

    if (snprintf(err->message + used, sizeof(err->message) - used, ": %s", inner) < 0)
        err->message[used] = '\0';
    return DFF_ERROR;
}
