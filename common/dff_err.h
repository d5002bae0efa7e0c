/*
 * The error table, and the one error value that functions hand upwards.
 *
 * A row of the table is what callers of the HTTP API key on: reason, code and
 * HTTP status. Functions of common/ and executor/ return DFF_OK or DFF_ERROR
 * and fill a dff_err_t that the caller placed; each level above may add what
 * only it knows (dff_err_wrap); the top logs or answers once.
 * Runs in every process; no allocation, no globals.
 */
#ifndef DFF_ERR_H
#define DFF_ERR_H

#include "dff_str.h"

#define DFF_OK      0
#define DFF_ERROR (-1)

typedef enum {
    DFF_REASON_NONE = 0,
    DFF_E_CLIENT_NOT_FOUND,           /* 404.41 */
    DFF_E_CLIENT_BAD_REQUEST,         /* 400.43 */
    DFF_E_CLIENT_DUPLICATED,          /* 409.42 */
    DFF_E_CLIENT_UNSUPPORTED,         /* 400.44 */
    DFF_E_BODY_TOO_LARGE,             /* 413.44: reason EClientBadRequest */
    DFF_E_METHOD_NOT_ALLOWED,         /* 405.41: reason EClientNotFound */
    DFF_E_BIZ_CONDITION,              /* 403.21, sub-reason after a dot */
    DFF_E_API_AUTH,                   /* 401.99 */
    DFF_E_USER_AUTH,                  /* 401.14 */
    DFF_E_USER_PRIVILEGE,             /* 401.15 */
    DFF_E_USER_PASSWORD,              /* 400.12 */
    DFF_E_USER_DISABLED,              /* 401.16 */
    DFF_E_USER_CAPTCHA,               /* 400.13 */
    DFF_E_BIZ_BAD_DATA,               /* 403.23 */
    DFF_E_BIZ_REQUEST_CONFLICT,       /* 409.25, sub-reason after a dot */
    DFF_E_SYS_LIMIT_REACHED,          /* 503.10 */
    DFF_E_SYS_ASYNC_TASK_FAILED,      /* 503.20 */
    DFF_E_SYS_ASYNC_TASK_TIMEOUT,     /* 503.21 */
    DFF_E_SYS,                        /* 500.50 */
    DFF_E_SYS_CACHE,                  /* 503.53: Redis unreachable */
    DFF_E_SYS_DB,                     /* 503.52: MySQL unreachable */
    DFF_E_API_TIMEOUT,                /* 599.10 */
    DFF_E_SCRIPT_PRE_CHECK,           /* 599.20 */
    DFF_E_FUNC_FAILED,                /* 599.30 */
    DFF_E_FUNC_TIMEOUT,               /* 599.31 */
    DFF_E_FUNC_RESULT_PARSING_FAILED, /* 599.40 */
    DFF_E_WORKER_QUEUE_CONGESTION,    /* 599.50 */
    DFF_REASON_COUNT
} dff_reason_t;

typedef struct {
    const char *reason;       /* as callers see it: "EAPITimeout" */
    const char *code;         /* as a JSON number: "599.1" (no trailing zero) */
    int         http_status;  /* the integer part of code */
    const char *message;      /* default message */
} dff_err_row_t;

/* The row of a reason. Never NULL: an unknown value gives the row of ESys. */
const dff_err_row_t *dff_err_row(dff_reason_t reason);

#define DFF_ERR_MESSAGE_SIZE  1024

typedef struct {
    dff_reason_t reason;
    char         message[DFF_ERR_MESSAGE_SIZE];   /* NUL-terminated, cut if longer */
} dff_err_t;

/* Fills err (NULL is allowed: the caller does not care). Always DFF_ERROR. */
int dff_err_set(dff_err_t *err, dff_reason_t reason, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts "<text>: " before the message; keeps the reason. Always DFF_ERROR. */
int dff_err_wrap(dff_err_t *err, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
