/*
 * Shared by dff_db.c, dff_db_each.c and dff_db_kept.c only.
 */
#ifndef DFF_DB_INTERNAL_H
#define DFF_DB_INTERNAL_H

#include <mysql.h>

#include "store/dff_db.h"

/* MySQL 8 dropped my_bool for bool. */
#if defined(MARIADB_BASE_VERSION) || MYSQL_VERSION_ID < 80001
typedef my_bool dff_my_bool_t;
#else
typedef bool dff_my_bool_t;
#endif

#define DFF_DB_KEPT  4                     /* statements that stay prepared */

typedef struct {
    MYSQL_STMT *stmt;                      /* NULL: the slot is free */
    char       *sql;
} dff_db_kept_t;

struct dff_db_s {
    const dff_config_t *cfg;
    unsigned            io_timeout_s, connect_timeout_s;
    int                 retry_ms;
    int64_t             retry_at_ms;       /* monotonic: not before, see patience */
    dff_err_t           away;              /* why it could not connect */
    MYSQL               handle;
    bool                connected;
    bool                in_transaction;
    bool                brief;             /* see dff_db_transaction_brief() */
    bool                lost;              /* inside a transaction: nothing goes on */
    unsigned            last_errno;
    int64_t             last_use_ms;       /* monotonic */
    dff_db_kept_t       kept[DFF_DB_KEPT]; /* of this connection */
    unsigned            last_kept;         /* the slot that was filled last */
};

/* NULL: err says why. */
MYSQL_STMT *dff_db_prepare(dff_db_t *db, const char *sql, dff_err_t *err);
int dff_db_execute(dff_db_t *db, MYSQL_STMT *stmt, const dff_db_value_t *args, size_t nargs,
    dff_err_t *err);
/* Prepares, binds and executes. NULL: err says why. */
MYSQL_STMT *dff_db_start(dff_db_t *db, const char *sql, const dff_db_value_t *args,
    size_t nargs, dff_err_t *err);
/* The statement's error as err. Always DFF_ERROR. */
int dff_db_fail_stmt(dff_db_t *db, MYSQL_STMT *stmt, dff_err_t *err);
/* After mysql_close(), which has cut them off. */
void dff_db_kept_release(dff_db_t *db);

#endif
