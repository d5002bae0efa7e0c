/*
 * Statements that stay prepared: those that come in masses cost the server more to prepare
 * than to run. Runs in the api processes.
 */
#include "store/dff_db_internal.h"

#include <stdlib.h>
#include <string.h>

#include "dff_banned.h"


static void
dff_db_kept_forget(dff_db_kept_t *kept)
{
    if (kept->stmt != NULL) {
        (void) mysql_stmt_close(kept->stmt);     /* nothing can be lost */
    }
    free(kept->sql);
    *kept = (dff_db_kept_t) { .stmt = NULL };
}


void
dff_db_kept_release(dff_db_t *db)
{
    for (size_t i = 0; i < DFF_DB_KEPT; i++) {
        dff_db_kept_forget(&db->kept[i]);
    }
}


/* The slot of a statement, prepared now if need be. NULL: err says why. */
static dff_db_kept_t *
dff_db_kept_find(dff_db_t *db, const char *sql, dff_err_t *err)
{
    dff_db_kept_t kept;

    for (size_t i = 0; i < DFF_DB_KEPT; i++) {
        if (db->kept[i].stmt != NULL && strcmp(db->kept[i].sql, sql) == 0) {
            return &db->kept[i];
        }
    }

    kept.stmt = dff_db_prepare(db, sql, err);
    if (kept.stmt == NULL) {
        return NULL;
    }
    kept.sql = strdup(sql);
    if (kept.sql == NULL) {
        (void) mysql_stmt_close(kept.stmt);
        (void) dff_err_set(err, DFF_E_SYS, "out of memory");
        return NULL;
    }
    db->last_kept = (db->last_kept + 1) % DFF_DB_KEPT;
    dff_db_kept_forget(&db->kept[db->last_kept]);
    db->kept[db->last_kept] = kept;
    return &db->kept[db->last_kept];
}


int
dff_db_exec_kept(dff_db_t *db, const char *sql, const dff_db_value_t *args, size_t nargs,
    dff_err_t *err)
{
    dff_db_kept_t *kept;

    /* First, since a new connection has none of them. */
    if (dff_db_connect(db, err) != DFF_OK) {
        return DFF_ERROR;
    }
    kept = dff_db_kept_find(db, sql, err);
    if (kept == NULL) {
        return DFF_ERROR;
    }
    if (dff_db_execute(db, kept->stmt, args, nargs, err) != DFF_OK) {
        dff_db_kept_forget(kept);      /* the server may not have it any more */
        return DFF_ERROR;
    }
    return DFF_OK;
}
