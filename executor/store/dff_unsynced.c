/* Marks of what is not in Redis yet: see the header. */
#include "store/dff_unsynced.h"

#include <stdio.h>

#include "dff_time.h"
#include "store/dff_sync.h"

#include "dff_banned.h"

#define DFF_UNSYNCED_PAGE     64        /* things repaired in one call */
#define DFF_UNSYNCED_WORK_MS  300       /* then the rest waits for the next call */

static const char *const dff_unsynced_names[DFF_UNSYNCED_KINDS] = {
    [DFF_UNSYNCED_NOTHING] = "", [DFF_UNSYNCED_SCRIPT] = "script", [DFF_UNSYNCED_AUTH_LINK] = "al",
    [DFF_UNSYNCED_BATCH] = "bat", [DFF_UNSYNCED_API_AUTH] = "apiAuth",
};


dff_unsynced_kind_t
dff_unsynced_link_kind(dff_route_kind_t kind)
{
    return kind == DFF_ROUTE_AUTH_LINK ? DFF_UNSYNCED_AUTH_LINK : DFF_UNSYNCED_BATCH;
}


int
dff_unsynced_mark(dff_db_t *db, dff_unsynced_kind_t kind, dff_str_t id, dff_err_t *err)
{
    dff_db_value_t values[] = {
        DFF_DB_VALUE_TEXT(dff_str_from(dff_unsynced_names[kind])), DFF_DB_VALUE_TEXT(id)
    };

    return kind == DFF_UNSYNCED_NOTHING ? DFF_OK
        : dff_db_exec(db, "INSERT INTO unsynced (kind, id) VALUES (?, ?)", DFF_DB_ARGS(values),
                      NULL, err);
}


int
dff_unsynced_mark_set(dff_db_t *db, dff_str_t set_id, dff_err_t *err)
{
    dff_db_value_t values[] = {
        DFF_DB_VALUE_TEXT(dff_str_from(dff_unsynced_names[DFF_UNSYNCED_SCRIPT])),
        DFF_DB_VALUE_TEXT(set_id)
    };

    return dff_db_exec(db, "INSERT INTO unsynced (kind, id) SELECT ?, id FROM script"
                           " WHERE scriptSetId = ?", DFF_DB_ARGS(values), NULL, err);
}


int
dff_unsynced_see(dff_db_t *db, dff_unsynced_kind_t kind, dff_str_t id, dff_unsynced_seen_t *seen,
    dff_err_t *err)
{
    dff_db_value_t values[] = {
        DFF_DB_VALUE_TEXT(dff_str_from(dff_unsynced_names[kind])), DFF_DB_VALUE_TEXT(id),
        DFF_DB_VALUE_INT(DFF_UNSYNCED_SEEN_MAX)
    };
    dff_db_rows_t  rows;

    seen->count = 0;
    if (dff_db_query(db, "SELECT seq FROM unsynced WHERE kind = ? AND id = ? ORDER BY seq LIMIT ?",
                     DFF_DB_ARGS(values), &rows, err) != DFF_OK)
        return DFF_ERROR;
    for (size_t i = 0; i < rows.nrows; i++)
        seen->seq[seen->count++] = dff_db_number(dff_db_cell(&rows, i, 0));
    dff_db_rows_release(&rows);
    return DFF_OK;
}


/* By their numbers: one that is committed meanwhile may have a lower one than those seen. */
void
dff_unsynced_remove(dff_db_t *db, const dff_unsynced_seen_t *seen)
{
    for (size_t i = 0; i < seen->count; i++) {
        dff_db_value_t values[] = { DFF_DB_VALUE_INT(seen->seq[i]) };

        (void) dff_db_exec(db, "DELETE FROM unsynced WHERE seq = ?", DFF_DB_ARGS(values), NULL,
                           NULL);
    }
}

/* --- repair ---------------------------------------------------------------------------------- */

static int
dff_unsynced_sync(dff_db_t *db, dff_rcmd_t *rcmd, dff_str_t kind, const char *id, dff_err_t *err)
{
    dff_sync_count_t count = { 0 };

    for (int i = 0; i < DFF_UNSYNCED_KINDS; i++) {
        if (!dff_str_eq(kind, dff_str_from(dff_unsynced_names[i])))
            continue;
        switch ((dff_unsynced_kind_t) i) {
        case DFF_UNSYNCED_SCRIPT:
            return dff_sync_script(db, rcmd, id, &count, err);
        case DFF_UNSYNCED_AUTH_LINK:
            return dff_sync_link(db, rcmd, DFF_ROUTE_AUTH_LINK, id, &count, err);
        case DFF_UNSYNCED_BATCH:
            return dff_sync_link(db, rcmd, DFF_ROUTE_BATCH, id, &count, err);
        case DFF_UNSYNCED_API_AUTH:
            return dff_sync_api_auth(db, rcmd, id, &count, err);
        case DFF_UNSYNCED_NOTHING:
        case DFF_UNSYNCED_KINDS:
            break;
        }
    }
    return dff_err_set(err, DFF_E_SYS, "a mark of the unknown kind %.*s", (int) kind.len,
                       kind.data);
}


/* What no repetition helps must not stand in the way of others for ever. */
static int
dff_unsynced_drop(dff_db_t *db, dff_str_t kind, dff_str_t id, dff_unsynced_work_t *work,
    dff_err_t *err)
{
    dff_db_value_t values[] = { DFF_DB_VALUE_TEXT(kind), DFF_DB_VALUE_TEXT(id) };

    if (err->reason == DFF_E_SYS_DB || err->reason == DFF_E_SYS_CACHE)
        return DFF_ERROR;
    work->dropped++;
    (void) dff_err_wrap(err, "%.*s %.*s", (int) kind.len, kind.data, (int) id.len, id.data);
    work->why = *err;
    return dff_db_exec(db, "DELETE FROM unsynced WHERE kind = ? AND id = ?", DFF_DB_ARGS(values),
                       NULL, err);
}


int
dff_unsynced_repair(dff_db_t *db, dff_rcmd_t *rcmd, int age_ms, dff_unsynced_work_t *work,
    dff_err_t *err)
{
    dff_db_value_t values[] = {
        DFF_DB_VALUE_INT((int64_t) age_ms * 1000), DFF_DB_VALUE_INT(DFF_UNSYNCED_PAGE)
    };
    int64_t        end_ms = dff_time_monotonic_ms() + DFF_UNSYNCED_WORK_MS;
    dff_db_rows_t  rows;
    size_t         i;
    int            rc = DFF_OK;

    *work = (dff_unsynced_work_t) { 0 };
    if (dff_db_query(db, "SELECT kind, id FROM unsynced GROUP BY kind, id HAVING MIN(createTime)"
                         " <= NOW(3) - INTERVAL ? MICROSECOND ORDER BY MIN(seq) LIMIT ?",
                     DFF_DB_ARGS(values), &rows, err) != DFF_OK)
        return DFF_ERROR;
    for (i = 0; rc == DFF_OK && i < rows.nrows && dff_time_monotonic_ms() < end_ms; i++) {
        dff_str_t kind = dff_db_cell(&rows, i, 0), id = dff_db_cell(&rows, i, 1);

        if (dff_unsynced_sync(db, rcmd, kind, id.data, err) == DFF_OK)
            work->done++;
        else
            rc = dff_unsynced_drop(db, kind, id, work, err);
    }
    work->more = i < rows.nrows || rows.nrows == DFF_UNSYNCED_PAGE;
    dff_db_rows_release(&rows);
    return rc;
}
