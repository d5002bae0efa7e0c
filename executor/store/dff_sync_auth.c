/*
 * Links that depend on an API auth, or on the script of its function: they are made anew
 * one by one, each under its own lock. Runs in dffctl and the api processes.
 */
#include "store/dff_sync.h"

#include <stdio.h>

#include "store/dff_unsynced.h"

#include "dff_banned.h"

#define DFF_SYNC_PAGE  1000     /* ids read at once */

typedef enum { DFF_SYNC_BY_AUTH, DFF_SYNC_BY_SCRIPT } dff_sync_by_t;

#define DFF_SYNC_OF_AUTH(table) \
    "SELECT id FROM " table " WHERE apiAuthId = ? AND id > ? ORDER BY id LIMIT ?"
#define DFF_SYNC_OF_SCRIPT(table) \
    "SELECT l.id FROM api_auth a JOIN " table " l ON l.apiAuthId = a.id" \
    " WHERE a.type = 'func' AND" \
    " SUBSTRING_INDEX(JSON_UNQUOTE(JSON_EXTRACT(a.configJSON, '$.funcId')), '.', 1) = ?" \
    " AND l.id > ? ORDER BY l.id LIMIT ?"

static const char *const dff_sync_dependents[DFF_ROUTE_KIND_COUNT][2] = {
    [DFF_ROUTE_AUTH_LINK] = { DFF_SYNC_OF_AUTH("auth_link"), DFF_SYNC_OF_SCRIPT("auth_link") },
    [DFF_ROUTE_BATCH] = { DFF_SYNC_OF_AUTH("batch"), DFF_SYNC_OF_SCRIPT("batch") },
};


static int
dff_sync_page(dff_db_t *db, dff_rcmd_t *rcmd, dff_route_kind_t kind, const dff_db_rows_t *ids,
    dff_sync_count_t *count, dff_err_t *err)
{
    for (size_t i = 0; i < ids->nrows; i++) {
        const char *id = dff_db_cell(ids, i, 0).data;

        if (dff_sync_link(db, rcmd, kind, id, count, err) != DFF_OK) {
            return dff_err_wrap(err, "%s %s", dff_route_kind_name(kind), id);
        }
    }
    return DFF_OK;
}


static int
dff_sync_depending(dff_db_t *db, dff_rcmd_t *rcmd, dff_sync_by_t by, const char *on,
    dff_sync_count_t *count, dff_err_t *err)
{
    for (int kind = 0; kind < DFF_ROUTE_KIND_COUNT; kind++) {
        char   last[128] = "";
        size_t got;

        do {
            dff_db_value_t values[] = {
                DFF_DB_VALUE_TEXT(dff_str_from(on)), DFF_DB_VALUE_TEXT(dff_str_from(last)),
                DFF_DB_VALUE_INT(DFF_SYNC_PAGE)
            };
            dff_db_rows_t  ids;
            int            rc;

            if (dff_db_query(db, dff_sync_dependents[kind][by], DFF_DB_ARGS(values), &ids, err)
                != DFF_OK)
            {
                return DFF_ERROR;
            }
            got = ids.nrows;
            rc = dff_sync_page(db, rcmd, (dff_route_kind_t) kind, &ids, count, err);
            if (got > 0) {
                (void) snprintf(last, sizeof(last), "%s", dff_db_cell(&ids, got - 1, 0).data);
            }
            dff_db_rows_release(&ids);
            if (rc != DFF_OK) {
                return rc;
            }
        } while (got == DFF_SYNC_PAGE);
    }
    return DFF_OK;
}


int
dff_sync_api_auth(dff_db_t *db, dff_rcmd_t *rcmd, const char *api_auth_id,
    dff_sync_count_t *count, dff_err_t *err)
{
    dff_unsynced_seen_t seen;

    if (dff_unsynced_see(db, DFF_UNSYNCED_API_AUTH, dff_str_from(api_auth_id), &seen, err)
        != DFF_OK
        || dff_sync_depending(db, rcmd, DFF_SYNC_BY_AUTH, api_auth_id, count, err) != DFF_OK)
    {
        return DFF_ERROR;
    }
    dff_unsynced_remove(db, &seen);
    return DFF_OK;
}


int
dff_sync_auth_func(dff_db_t *db, dff_rcmd_t *rcmd, const char *script_id,
    dff_sync_count_t *count, dff_err_t *err)
{
    return dff_sync_depending(db, rcmd, DFF_SYNC_BY_SCRIPT, script_id, count, err);
}
