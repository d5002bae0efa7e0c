/*
 * One connection to MySQL or MariaDB, and the statements that run on it.
 *
 * Every statement is prepared and its values are bound; there is no call that
 * takes values inside the SQL text. The connection is made at the first use and
 * again at the next use after it was lost; a statement is never repeated, since
 * nobody knows whether it ran. Session: utf8mb4, UTC, strict mode.
 *
 * Runs in dffctl and the api processes, one connection for each process, opened
 * after the last fork. Blocks: not for event loops. Nothing here prints or exits.
 *
 * Errors: DFF_E_SYS_DB (server away, or it cannot do it now), and for what a
 * server says about the values DFF_E_CLIENT_DUPLICATED (unique key) and
 * DFF_E_CLIENT_BAD_REQUEST (too long, out of range); DFF_E_SYS is our mistake.
 */
#ifndef DFF_DB_H
#define DFF_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dff_config.h"
#include "dff_err.h"
#include "dff_str.h"

typedef struct dff_db_s dff_db_t;

/* cfg must outlive the connection. io_timeout_s bounds each wait for an answer;
 * 0: none (migrations). NULL: no memory. No I/O is done. */
dff_db_t *dff_db_new(const dff_config_t *cfg, unsigned io_timeout_s);
void dff_db_free(dff_db_t *db);

/* For a process that serves others: connecting waits connect_s (else 5 s), and after it
 * failed every call fails at once, with that error, for retry_ms (else 0). */
void dff_db_set_patience(dff_db_t *db, unsigned connect_s, int retry_ms);

/* Connects when there is no connection; the other calls do it themselves. */
int dff_db_connect(dff_db_t *db, dff_err_t *err);
/* What the connection was made with. */
const dff_config_t *dff_db_config(const dff_db_t *db);
/* "10.11.6-MariaDB…": of the connection, valid while it lasts; "" without one. */
const char *dff_db_server_version(const dff_db_t *db);

typedef enum { DFF_DB_NULL, DFF_DB_INT, DFF_DB_TEXT } dff_db_type_t;

typedef struct {            /* a bound value; text is borrowed */
    dff_db_type_t type;
    int64_t       number;
    dff_str_t     text;
} dff_db_value_t;

#define DFF_DB_VALUE_NULL     ((dff_db_value_t) { .type = DFF_DB_NULL })
#define DFF_DB_VALUE_INT(n)   ((dff_db_value_t) { .type = DFF_DB_INT, .number = (n) })
#define DFF_DB_VALUE_TEXT(s)  ((dff_db_value_t) { .type = DFF_DB_TEXT, .text = (s) })
/* NULL pointer in data: SQL NULL. */
#define DFF_DB_VALUE_TEXT_OR_NULL(s) \
    ((dff_db_value_t) { .type = (s).data == NULL ? DFF_DB_NULL : DFF_DB_TEXT, .text = (s) })

#define DFF_DB_MAX_VALUES   512
#define DFF_DB_MAX_COLUMNS  48

/* The values of one array, for the calls below. */
#define DFF_DB_ARGS(array)  (array), sizeof(array) / sizeof((array)[0])

/* A statement without rows. *affected (may be NULL): rows changed, as the server
 * counts (an upsert that updates counts 2). */
int dff_db_exec(dff_db_t *db, const char *sql, const dff_db_value_t *args, size_t nargs,
    uint64_t *affected, dff_err_t *err);

/* The same for a statement that is run again and again: it stays prepared as long as the
 * connection lasts. Only for few different texts. */
int dff_db_exec_kept(dff_db_t *db, const char *sql, const dff_db_value_t *args, size_t nargs,
    dff_err_t *err);

/* Columns of a row as text; data == NULL: SQL NULL. Valid during the call. */
typedef int (*dff_db_row_fn)(void *ctx, const dff_str_t *columns, size_t ncolumns,
    dff_err_t *err);

/*
 * A statement with rows, handed over one by one as they come, so that memory does
 * not grow with their number. row returns DFF_OK to go on. While it runs, the
 * connection takes no other statement.
 */
int dff_db_each(dff_db_t *db, const char *sql, const dff_db_value_t *args, size_t nargs,
    dff_db_row_fn row, void *ctx, dff_err_t *err);

/* All rows in memory; for statements that bound their number. */
typedef struct {
    size_t     nrows, ncolumns;
    dff_str_t *cells;         /* nrows x ncolumns; NUL-terminated; data NULL: SQL NULL */
    char      *bytes;
} dff_db_rows_t;

int dff_db_query(dff_db_t *db, const char *sql, const dff_db_value_t *args, size_t nargs,
    dff_db_rows_t *rows, dff_err_t *err);
void dff_db_rows_release(dff_db_rows_t *rows);      /* accepts a zeroed one */

static inline dff_str_t
dff_db_cell(const dff_db_rows_t *rows, size_t row, size_t column)
{
    return rows->cells[row * rows->ncolumns + column];
}

/* The number in a cell; 0 for NULL and for text that is none. */
int64_t dff_db_number(dff_str_t cell);

/*
 * Runs body inside a transaction: committed when it returns DFF_OK, rolled back
 * else. When the server chose it as the victim of a deadlock, or a lock was not
 * given in time, body is called again (at most 5 times): it must have no effects
 * but its statements, or ones that may be repeated. Not nested.
 */
typedef int (*dff_db_body_fn)(dff_db_t *db, void *ctx, dff_err_t *err);
int dff_db_transaction(dff_db_t *db, dff_db_body_fn body, void *ctx, dff_err_t *err);
/* For what can as well be done later: a lock of others is waited for a second, once. */
int dff_db_transaction_brief(dff_db_t *db, dff_db_body_fn body, void *ctx, dff_err_t *err);

/* A definition statement of our own migration files (no values, not prepared:
 * the protocol of prepared statements does not know all of them). */
int dff_db_define(dff_db_t *db, const char *sql, dff_err_t *err);
/* Number of the server's or client's error of the last statement, 0: none. */
unsigned dff_db_errno(const dff_db_t *db);

/* Is the error of the last statement one of the server's state, whatever was asked: it is
 * read-only, its disk is full, others hold a lock? The same may succeed later. */
bool dff_db_is_for_now(const dff_db_t *db);

#endif
