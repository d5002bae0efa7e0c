/*
 * MySQL access with bound values. Runs in dffctl and the api processes.
 */
#include "store/dff_db_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dff_time.h"

#include "dff_banned.h"

#define DFF_DB_CONNECT_TIMEOUT_S  5
#define DFF_DB_PING_AFTER_MS      10000     /* idle longer: the server may have closed it */
#define DFF_DB_TRANSACTION_TRIES  5

/* What waits for locks of others: of rows, and of whole tables (ALTER, LOCK TABLES). The second
 * has no bound of its own in a server; what waits for it would only end by io_timeout_s. */
#define DFF_DB_LOCKS_BRIEF  "SET innodb_lock_wait_timeout = 1, lock_wait_timeout = 1"
#define DFF_DB_LOCKS_USUAL  "SET innodb_lock_wait_timeout = 10, lock_wait_timeout = DEFAULT"

/* Numbers of errors, the same in all servers and both client libraries. */
enum {
    DFF_ER_DISK_FULL = 1021, DFF_ER_DB_DENIED = 1044, DFF_ER_ACCESS_DENIED = 1045,
    DFF_ER_NO_DB = 1049, DFF_ER_BAD_FIELD = 1054,
    DFF_ER_DUP_ENTRY = 1062, DFF_ER_PARSE = 1064, DFF_ER_TABLE_FULL = 1114,
    DFF_ER_NO_SUCH_TABLE = 1146, DFF_ER_LOCK_WAIT_TIMEOUT = 1205, DFF_ER_DEADLOCK = 1213,
    DFF_ER_OUT_OF_RANGE = 1264, DFF_ER_SERVER_OPTION = 1290, DFF_ER_WRONG_VALUE = 1292,
    DFF_ER_BAD_VALUE = 1366, DFF_ER_DATA_TOO_LONG = 1406,
    DFF_ER_READ_ONLY_TRANSACTION = 1792, DFF_ER_READ_ONLY_MODE = 1836,
    DFF_CR_FIRST = 2000, DFF_CR_LAST = 2999
};

static const struct {
    unsigned     number;
    dff_reason_t reason;
    const char  *hint;
} dff_db_errors[] = {
    { DFF_ER_DUP_ENTRY, DFF_E_CLIENT_DUPLICATED, "" },
    { DFF_ER_DATA_TOO_LONG, DFF_E_CLIENT_BAD_REQUEST, "" },
    { DFF_ER_OUT_OF_RANGE, DFF_E_CLIENT_BAD_REQUEST, "" },
    { DFF_ER_WRONG_VALUE, DFF_E_CLIENT_BAD_REQUEST, "" },
    { DFF_ER_BAD_VALUE, DFF_E_CLIENT_BAD_REQUEST, "" },
    { DFF_ER_PARSE, DFF_E_SYS, "" },
    { DFF_ER_BAD_FIELD, DFF_E_SYS, "; does the schema need `dffctl db migrate`?" },
    { DFF_ER_NO_SUCH_TABLE, DFF_E_SYS_DB, "; run `dffctl db migrate`" },
    { DFF_ER_NO_DB, DFF_E_SYS_DB,
      "; create it with CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci" },
    { DFF_ER_DB_DENIED, DFF_E_SYS_DB, "; see MYSQL_DATABASE and what MYSQL_USER was granted" },
    { DFF_ER_ACCESS_DENIED, DFF_E_SYS_DB, "; see MYSQL_USER and MYSQL_PASSWORD" },
};


static int
dff_db_where(const dff_db_t *db, char *out, size_t size)
{
    const dff_config_t *cfg = db->cfg;

    if (cfg->mysql_socket[0] != '\0') {
        return snprintf(out, size, "MySQL at %s", cfg->mysql_socket);
    }
    return snprintf(out, size, "MySQL at %s:%lld", cfg->mysql_host, (long long) cfg->mysql_port);
}


static bool
dff_db_is_client_errno(unsigned number)
{
    return number >= DFF_CR_FIRST && number <= DFF_CR_LAST;
}


static void
dff_db_close(dff_db_t *db)
{
    mysql_close(&db->handle);
    db->connected = false;
    dff_db_kept_release(db);
}


/* Turns an error of the server or the client library into err. */
static int
dff_db_fail(dff_db_t *db, unsigned number, const char *text, dff_err_t *err)
{
    dff_reason_t reason = DFF_E_SYS_DB;
    const char  *hint = "";
    char         where[300];

    db->last_errno = number;
    for (size_t i = 0; i < sizeof(dff_db_errors) / sizeof(dff_db_errors[0]); i++) {
        if (dff_db_errors[i].number == number) {
            reason = dff_db_errors[i].reason;
            hint = dff_db_errors[i].hint;
        }
    }

    (void) dff_db_where(db, where, sizeof(where));      /* cut is good enough */
    dff_err_set(err, reason, "%s: %s (%u)%s", where, text, number, hint);

    if (dff_db_is_client_errno(number) && db->connected) {
        dff_db_close(db);
        db->lost = db->in_transaction;
    }
    return DFF_ERROR;
}


static int
dff_db_fail_handle(dff_db_t *db, dff_err_t *err)
{
    char text[512];

    /* The handle is closed by dff_db_fail: its text must be saved first. */
    (void) snprintf(text, sizeof(text), "%s", mysql_error(&db->handle));
    return dff_db_fail(db, mysql_errno(&db->handle), text, err);
}


int
dff_db_fail_stmt(dff_db_t *db, MYSQL_STMT *stmt, dff_err_t *err)
{
    char text[512];

    (void) snprintf(text, sizeof(text), "%s", mysql_stmt_error(stmt));
    return dff_db_fail(db, mysql_stmt_errno(stmt), text, err);
}


dff_db_t *
dff_db_new(const dff_config_t *cfg, unsigned io_timeout_s)
{
    dff_db_t *db = calloc(1, sizeof(*db));

    if (db != NULL) {
        db->cfg = cfg;
        db->io_timeout_s = io_timeout_s;
        db->connect_timeout_s = DFF_DB_CONNECT_TIMEOUT_S;
    }
    return db;
}


void
dff_db_set_patience(dff_db_t *db, unsigned connect_s, int retry_ms)
{
    db->connect_timeout_s = connect_s;
    db->retry_ms = retry_ms;
}


void
dff_db_free(dff_db_t *db)
{
    if (db == NULL) {
        return;
    }
    if (db->connected) {
        dff_db_close(db);
    }
    free(db);
}


static int
dff_db_open(dff_db_t *db, dff_err_t *err)
{
    const dff_config_t *cfg = db->cfg;
    unsigned            connect_timeout = db->connect_timeout_s;
    bool                by_socket = cfg->mysql_socket[0] != '\0';
    /* Else the library takes its own socket for a host named localhost. */
    unsigned            protocol = by_socket ? MYSQL_PROTOCOL_SOCKET : MYSQL_PROTOCOL_TCP;

    if (mysql_init(&db->handle) == NULL) {
        return dff_err_set(err, DFF_E_SYS_DB, "MySQL client: out of memory");
    }

    (void) mysql_options(&db->handle, MYSQL_OPT_PROTOCOL, &protocol);
    (void) mysql_options(&db->handle, MYSQL_OPT_CONNECT_TIMEOUT, &connect_timeout);
    (void) mysql_options(&db->handle, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    /* Sets time zone and mode before anything else can run on the session. Left to
     * right assignments in UPDATE are relied upon, so the mode is ours as a whole. */
    (void) mysql_options(&db->handle, MYSQL_INIT_COMMAND,
                         "SET NAMES utf8mb4 COLLATE utf8mb4_unicode_ci, "
                         "time_zone = '+00:00', innodb_lock_wait_timeout = 10, "
                         "sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'");
    if (db->io_timeout_s > 0) {
        (void) mysql_options(&db->handle, MYSQL_OPT_READ_TIMEOUT, &db->io_timeout_s);
        (void) mysql_options(&db->handle, MYSQL_OPT_WRITE_TIMEOUT, &db->io_timeout_s);
    }

    if (mysql_real_connect(&db->handle, by_socket ? "localhost" : cfg->mysql_host,
                           cfg->mysql_user, cfg->mysql_password, cfg->mysql_database,
                           (unsigned) cfg->mysql_port, by_socket ? cfg->mysql_socket : NULL, 0)
        == NULL)
    {
        (void) dff_db_fail_handle(db, err);
        mysql_close(&db->handle);
        return DFF_ERROR;
    }

    db->connected = true;
    db->last_use_ms = dff_time_monotonic_ms();
    return DFF_OK;
}


int
dff_db_connect(dff_db_t *db, dff_err_t *err)
{
    if (db->lost) {
        return dff_err_set(err, DFF_E_SYS_DB,
                           "the connection to MySQL was lost inside a transaction");
    }

    db->last_errno = 0;
    if (db->connected && !db->in_transaction
        && dff_time_monotonic_ms() - db->last_use_ms > DFF_DB_PING_AFTER_MS
        && mysql_ping(&db->handle) != 0)
    {
        dff_db_close(db);
    }

    if (db->connected) {
        db->last_use_ms = dff_time_monotonic_ms();
        return DFF_OK;
    }
    if (db->retry_at_ms > dff_time_monotonic_ms()) {
        return dff_err_set(err, db->away.reason, "%s", db->away.message);
    }
    if (dff_db_open(db, &db->away) != DFF_OK) {
        db->retry_at_ms = dff_time_monotonic_ms() + db->retry_ms;
        return dff_err_set(err, db->away.reason, "%s", db->away.message);
    }
    return DFF_OK;
}


const dff_config_t *
dff_db_config(const dff_db_t *db)
{
    return db->cfg;
}


const char *
dff_db_server_version(const dff_db_t *db)
{
    return db->connected ? mysql_get_server_info((MYSQL *) &db->handle) : "";
}


unsigned
dff_db_errno(const dff_db_t *db)
{
    return db->last_errno;
}


bool
dff_db_is_for_now(const dff_db_t *db)
{
    switch (db->last_errno) {
    case DFF_ER_DISK_FULL:
    case DFF_ER_TABLE_FULL:
    case DFF_ER_LOCK_WAIT_TIMEOUT:
    case DFF_ER_DEADLOCK:
    case DFF_ER_SERVER_OPTION:               /* --read-only */
    case DFF_ER_READ_ONLY_TRANSACTION:
    case DFF_ER_READ_ONLY_MODE:
        return true;
    default:
        return false;
    }
}


int
dff_db_define(dff_db_t *db, const char *sql, dff_err_t *err)
{
    if (dff_db_connect(db, err) != DFF_OK) {
        return DFF_ERROR;
    }
    if (mysql_real_query(&db->handle, sql, strlen(sql)) != 0) {
        return dff_db_fail_handle(db, err);
    }
    if (mysql_field_count(&db->handle) != 0) {
        MYSQL_RES *result = mysql_store_result(&db->handle);

        mysql_free_result(result);
        return dff_err_set(err, DFF_E_SYS, "a statement without rows was expected: %.80s", sql);
    }
    return DFF_OK;
}


static int
dff_db_bind_args(dff_db_t *db, MYSQL_STMT *stmt, const dff_db_value_t *args, size_t nargs,
    dff_err_t *err)
{
    MYSQL_BIND *binds;
    int         rc = DFF_OK;

    if (nargs != mysql_stmt_param_count(stmt) || nargs > DFF_DB_MAX_VALUES) {
        return dff_err_set(err, DFF_E_SYS, "statement has %lu values, %zu were given",
                           mysql_stmt_param_count(stmt), nargs);
    }
    if (nargs == 0) {
        return DFF_OK;
    }

    binds = calloc(nargs, sizeof(*binds));
    if (binds == NULL) {
        return dff_err_set(err, DFF_E_SYS, "out of memory");
    }

    for (size_t i = 0; i < nargs; i++) {
        switch (args[i].type) {
        case DFF_DB_NULL:
            binds[i].buffer_type = MYSQL_TYPE_NULL;
            break;
        case DFF_DB_INT:
            binds[i].buffer_type = MYSQL_TYPE_LONGLONG;
            binds[i].buffer = (void *) &args[i].number;
            break;
        case DFF_DB_TEXT:
            binds[i].buffer_type = MYSQL_TYPE_STRING;
            binds[i].buffer = (void *) (args[i].text.data == NULL ? "" : args[i].text.data);
            binds[i].buffer_length = args[i].text.len;
            break;
        }
    }

    /* The library copies the array, not the buffers: those are the caller's. */
    if (mysql_stmt_bind_param(stmt, binds) != 0) {
        rc = dff_db_fail_stmt(db, stmt, err);
    }
    free(binds);
    return rc;
}


MYSQL_STMT *
dff_db_prepare(dff_db_t *db, const char *sql, dff_err_t *err)
{
    MYSQL_STMT *stmt;

    if (dff_db_connect(db, err) != DFF_OK) {
        return NULL;
    }
    stmt = mysql_stmt_init(&db->handle);
    if (stmt == NULL) {
        (void) dff_db_fail_handle(db, err);
        return NULL;
    }
    if (mysql_stmt_prepare(stmt, sql, strlen(sql)) != 0) {
        (void) dff_db_fail_stmt(db, stmt, err);
        (void) mysql_stmt_close(stmt);       /* what failed is in err already */
        return NULL;
    }
    return stmt;
}


int
dff_db_execute(dff_db_t *db, MYSQL_STMT *stmt, const dff_db_value_t *args, size_t nargs,
    dff_err_t *err)
{
    if (dff_db_bind_args(db, stmt, args, nargs, err) != DFF_OK) {
        return DFF_ERROR;
    }
    return mysql_stmt_execute(stmt) == 0 ? DFF_OK : dff_db_fail_stmt(db, stmt, err);
}


MYSQL_STMT *
dff_db_start(dff_db_t *db, const char *sql, const dff_db_value_t *args, size_t nargs,
    dff_err_t *err)
{
    MYSQL_STMT *stmt = dff_db_prepare(db, sql, err);

    if (stmt != NULL && dff_db_execute(db, stmt, args, nargs, err) != DFF_OK) {
        (void) mysql_stmt_close(stmt);       /* what failed is in err already */
        return NULL;
    }
    return stmt;
}


int
dff_db_exec(dff_db_t *db, const char *sql, const dff_db_value_t *args, size_t nargs,
    uint64_t *affected, dff_err_t *err)
{
    MYSQL_STMT *stmt = dff_db_start(db, sql, args, nargs, err);

    if (stmt == NULL) {
        return DFF_ERROR;
    }
    if (affected != NULL) {
        *affected = mysql_stmt_affected_rows(stmt);
    }
    (void) mysql_stmt_close(stmt);       /* the statement is done; nothing can be lost */
    return DFF_OK;
}


/* One try. *again: the server gave up on it, and it may be tried anew. */
static int
dff_db_try_transaction(dff_db_t *db, dff_db_body_fn body, void *ctx, bool *again, dff_err_t *err)
{
    unsigned number;
    int      rc;

    *again = false;
    /* A connection that was lost while idle shows here, where nothing is lost with it:
     * the second time is on a new one. */
    if (dff_db_define(db, "START TRANSACTION", err) != DFF_OK
        && (db->connected || dff_db_define(db, "START TRANSACTION", err) != DFF_OK))
    {
        return DFF_ERROR;
    }
    db->in_transaction = true;

    rc = db->brief ? dff_db_define(db, DFF_DB_LOCKS_BRIEF, err) : DFF_OK;
    if (rc == DFF_OK) {
        rc = body(db, ctx, err);
    }
    if (rc == DFF_OK && dff_db_define(db, "COMMIT", err) == DFF_OK) {
        db->in_transaction = false;
        return DFF_OK;
    }
    if (rc == DFF_OK && db->lost) {
        dff_err_wrap(err, "COMMIT: it is not known whether the changes were stored");
    }

    number = db->last_errno;
    *again = number == DFF_ER_DEADLOCK || (number == DFF_ER_LOCK_WAIT_TIMEOUT && !db->brief);
    /* A lost connection rolls back by itself. */
    if (!db->lost && dff_db_define(db, "ROLLBACK", NULL) != DFF_OK && db->connected) {
        dff_db_close(db);
    }
    db->in_transaction = false;
    db->lost = false;
    db->last_errno = number;
    return DFF_ERROR;
}


int
dff_db_transaction(dff_db_t *db, dff_db_body_fn body, void *ctx, dff_err_t *err)
{
    bool again;

    for (unsigned try = 1; ; try++) {
        if (dff_db_try_transaction(db, body, ctx, &again, err) == DFF_OK) {
            return DFF_OK;
        }
        if (!again || try == DFF_DB_TRANSACTION_TRIES) {
            return DFF_ERROR;
        }
        (void) usleep(try * 20000);     /* interrupted is as good */
    }
}


int
dff_db_transaction_brief(dff_db_t *db, dff_db_body_fn body, void *ctx, dff_err_t *err)
{
    unsigned number;
    int      rc;

    db->brief = true;
    rc = dff_db_transaction(db, body, ctx, err);
    db->brief = false;
    number = db->last_errno;
    /* A new connection begins with the usual times. */
    if (db->connected && dff_db_define(db, DFF_DB_LOCKS_USUAL, NULL) != DFF_OK && db->connected) {
        dff_db_close(db);
    }
    db->last_errno = number;
    return rc;
}
