/*
 * Rebuilds all of Redis's scripts and routes from MySQL, link by script by script,
 * so that publishers go on meanwhile. Runs in dffctl and the api processes.
 */
#include "store/dff_sync.h"

#include <stdio.h>
#include <stdlib.h>

#include "dff_id.h"
#include "dff_keys.h"

#include "dff_banned.h"

#define DFF_SYNC_PAGE         1000      /* ids read at once */
#define DFF_SYNC_SCRIPTS      100       /* scripts read and locked at once, */
#define DFF_SYNC_BYTES        (4 << 20) /* but not more when their code is so much */
#define DFF_SYNC_LOOKUP       100       /* ids looked up in one statement: as many '?' below */
#define DFF_SYNC_TEN          "?, ?, ?, ?, ?, ?, ?, ?, ?, ?"
#define DFF_SYNC_TENS         DFF_SYNC_TEN ", " DFF_SYNC_TEN ", " DFF_SYNC_TEN ", " \
                              DFF_SYNC_TEN ", " DFF_SYNC_TEN

#define DFF_SYNC_SCRIPT_KIND  DFF_ROUTE_KIND_COUNT      /* beside those of routes */

static const struct {
    const char *orphans;    /* links to a function of a script that is not there */
    const char *lookup;
} dff_sync_tables[] = {
    [DFF_ROUTE_AUTH_LINK] = {
        "SELECT l.id FROM auth_link l LEFT JOIN script s"
        " ON s.id = SUBSTRING_INDEX(l.funcId, '.', 1)"
        " WHERE s.id IS NULL AND l.id > ? ORDER BY l.id LIMIT ?",
        "SELECT id FROM auth_link WHERE id IN (" DFF_SYNC_TENS ", " DFF_SYNC_TENS ")"
    },
    [DFF_ROUTE_BATCH] = {
        "SELECT l.id FROM batch l LEFT JOIN script s"
        " ON s.id = SUBSTRING_INDEX(l.funcId, '.', 1)"
        " WHERE s.id IS NULL AND l.id > ? ORDER BY l.id LIMIT ?",
        "SELECT id FROM batch WHERE id IN (" DFF_SYNC_TENS ", " DFF_SYNC_TENS ")"
    },
    [DFF_SYNC_SCRIPT_KIND] = {
        NULL, "SELECT id FROM script WHERE publishVersion > 0 AND id IN (" DFF_SYNC_TENS ", "
        DFF_SYNC_TENS ")"
    },
};

_Static_assert(sizeof(dff_sync_tables) / sizeof(dff_sync_tables[0]) == DFF_ROUTE_KIND_COUNT + 1,
               "statements for each kind");


/* Of a page of ids and sizes, as many from *at on as may be done at once: makes Redis say
 * what they are. *at is then behind them. */
static int
dff_sync_some(dff_db_t *db, dff_rcmd_t *rcmd, const dff_db_rows_t *ids, size_t *at,
    dff_sync_count_t *count, dff_err_t *err)
{
    const char *first = dff_db_cell(ids, *at, 0).data, *last = first;
    int64_t     bytes = 0;

    do {
        last = dff_db_cell(ids, *at, 0).data;
        bytes += dff_db_number(dff_db_cell(ids, *at, 1));
        (*at)++;
    } while (*at < ids->nrows && bytes < DFF_SYNC_BYTES);
    return dff_sync_some_scripts(db, rcmd, first, last, count, err);
}


/* Every script of MySQL, by pages: publishing may add some meanwhile. */
static int
dff_sync_scripts(dff_db_t *db, dff_rcmd_t *rcmd, dff_sync_count_t *count, dff_err_t *err)
{
    char   last[128] = "";
    size_t got;

    do {
        dff_db_value_t values[] = {
            DFF_DB_VALUE_TEXT(dff_str_from(last)), DFF_DB_VALUE_INT(DFF_SYNC_SCRIPTS)
        };
        dff_db_rows_t  ids;
        size_t         at = 0;
        int            rc = DFF_OK;

        if (dff_db_query(db, "SELECT id, LENGTH(code) FROM script WHERE id > ? ORDER BY id LIMIT ?",
                         DFF_DB_ARGS(values), &ids, err) != DFF_OK)
        {
            return DFF_ERROR;
        }
        got = ids.nrows;
        while (rc == DFF_OK && at < got) {
            rc = dff_sync_some(db, rcmd, &ids, &at, count, err);
        }
        if (got > 0) {
            (void) snprintf(last, sizeof(last), "%s", dff_db_cell(&ids, got - 1, 0).data);
        }
        dff_db_rows_release(&ids);
        if (rc != DFF_OK) {
            return rc;
        }
    } while (got == DFF_SYNC_SCRIPTS);
    return DFF_OK;
}


/* Links that ask a function are of other scripts than its own: they were made with whatever
 * version that had then. */
static int
dff_sync_asking(dff_db_t *db, dff_rcmd_t *rcmd, dff_sync_count_t *count, dff_err_t *err)
{
    dff_db_rows_t ids;
    int           rc = DFF_OK;

    if (dff_db_query(db, "SELECT id FROM api_auth WHERE type = 'func'", NULL, 0, &ids, err)
        != DFF_OK)
    {
        return DFF_ERROR;
    }
    for (size_t i = 0; rc == DFF_OK && i < ids.nrows; i++) {
        rc = dff_sync_api_auth(db, rcmd, dff_db_cell(&ids, i, 0).data, count, err);
    }
    dff_db_rows_release(&ids);
    return rc;
}


static int
dff_sync_orphans(dff_db_t *db, dff_rcmd_t *rcmd, dff_route_kind_t kind, dff_sync_count_t *count,
    dff_err_t *err)
{
    char   last[128] = "";
    size_t got;

    do {
        dff_db_value_t values[] = {
            DFF_DB_VALUE_TEXT(dff_str_from(last)), DFF_DB_VALUE_INT(DFF_SYNC_PAGE)
        };
        dff_db_rows_t  ids;
        int            rc = DFF_OK;

        if (dff_db_query(db, dff_sync_tables[kind].orphans, DFF_DB_ARGS(values), &ids, err)
            != DFF_OK)
        {
            return DFF_ERROR;
        }
        got = ids.nrows;
        for (size_t i = 0; rc == DFF_OK && i < got; i++) {
            (void) snprintf(last, sizeof(last), "%s", dff_db_cell(&ids, i, 0).data);
            rc = dff_sync_link(db, rcmd, kind, last, count, err);
        }
        dff_db_rows_release(&ids);
        if (rc != DFF_OK) {
            return rc;
        }
    } while (got == DFF_SYNC_PAGE);
    return DFF_OK;
}


static int
dff_sync_by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *) a, *(const char *const *) b);
}


/* One that may be too much: the removal looks again, under a lock. */
static int
dff_sync_stale_one(dff_db_t *db, dff_rcmd_t *rcmd, int kind, const char *id,
    dff_sync_count_t *count, dff_err_t *err)
{
    return kind == DFF_SYNC_SCRIPT_KIND ? dff_sync_script(db, rcmd, id, count, err)
        : dff_sync_link(db, rcmd, (dff_route_kind_t) kind, id, count, err);
}


/* Of up to DFF_SYNC_LOOKUP ids, those that MySQL does not have are removed. */
static int
dff_sync_stale_ids(dff_db_t *db, dff_rcmd_t *rcmd, int kind, const char **ids, size_t nids,
    dff_sync_count_t *count, dff_err_t *err)
{
    dff_db_value_t values[DFF_SYNC_LOOKUP];
    dff_db_rows_t  rows;
    const char    *found[DFF_SYNC_LOOKUP];
    size_t         nfound;
    int            rc = DFF_OK;

    if (nids == 0) {
        return DFF_OK;
    }
    for (size_t i = 0; i < DFF_SYNC_LOOKUP; i++) {
        values[i] = DFF_DB_VALUE_TEXT(dff_str_from(ids[i < nids ? i : 0]));
    }
    if (dff_db_query(db, dff_sync_tables[kind].lookup, DFF_DB_ARGS(values), &rows, err)
        != DFF_OK)
    {
        return DFF_ERROR;
    }
    nfound = rows.nrows < DFF_SYNC_LOOKUP ? rows.nrows : DFF_SYNC_LOOKUP;
    for (size_t i = 0; i < nfound; i++) {
        found[i] = dff_db_cell(&rows, i, 0).data;
    }
    qsort(found, nfound, sizeof(found[0]), dff_sync_by_text);

    for (size_t i = 0; rc == DFF_OK && i < nids; i++) {
        if (bsearch(&ids[i], found, nfound, sizeof(found[0]), dff_sync_by_text) == NULL) {
            rc = dff_sync_stale_one(db, rcmd, kind, ids[i], count, err);
        }
    }
    dff_db_rows_release(&rows);
    return rc;
}


/* Scripts of Redis that MySQL does not have. */
static int
dff_sync_stale_scripts(dff_db_t *db, dff_rcmd_t *rcmd, dff_sync_count_t *count, dff_err_t *err)
{
    redisReply *reply = dff_rcmd_run(rcmd, err, "HKEYS " DFF_KEY_SCRIPTS);
    const char *ids[DFF_SYNC_LOOKUP];
    size_t      nids = 0;
    int         rc = reply == NULL ? DFF_ERROR : DFF_OK;

    for (size_t i = 0; rc == DFF_OK && i < reply->elements; i++) {
        if (reply->element[i]->str == NULL) {
            continue;
        }
        ids[nids++] = reply->element[i]->str;
        if (nids == DFF_SYNC_LOOKUP) {
            rc = dff_sync_stale_ids(db, rcmd, DFF_SYNC_SCRIPT_KIND, ids, nids, count, err);
            nids = 0;
        }
    }
    if (rc == DFF_OK) {
        rc = dff_sync_stale_ids(db, rcmd, DFF_SYNC_SCRIPT_KIND, ids, nids, count, err);
    }
    if (reply != NULL) {
        freeReplyObject(reply);
    }
    return rc;
}


/* keys: a page of SCAN. */
static int
dff_sync_stale_page(dff_db_t *db, dff_rcmd_t *rcmd, dff_route_kind_t kind, size_t prefix_len,
    const redisReply *keys, dff_sync_count_t *count, dff_err_t *err)
{
    const char *ids[DFF_SYNC_LOOKUP];
    size_t      nids = 0;

    for (size_t i = 0; i < keys->elements; i++) {
        const char *id;

        if (keys->element[i]->str == NULL || keys->element[i]->len <= prefix_len) {
            continue;
        }
        id = keys->element[i]->str + prefix_len;
        if (!dff_id_is_link(dff_str_from(id))) {
            continue;       /* not written by us */
        }
        ids[nids++] = id;
        if (nids == DFF_SYNC_LOOKUP) {
            if (dff_sync_stale_ids(db, rcmd, kind, ids, nids, count, err) != DFF_OK) {
                return DFF_ERROR;
            }
            nids = 0;
        }
    }
    return dff_sync_stale_ids(db, rcmd, kind, ids, nids, count, err);
}


static int
dff_sync_stale_routes(dff_db_t *db, dff_rcmd_t *rcmd, dff_route_kind_t kind,
    dff_sync_count_t *count, dff_err_t *err)
{
    dff_key_t prefix;
    size_t    prefix_len = dff_key_route(prefix, dff_route_kind_name(kind), DFF_STR(""));
    char      cursor[32] = "0";

    do {
        redisReply *page;
        int         rc = DFF_ERROR;

        page = dff_rcmd_run(rcmd, err, "SCAN %s MATCH %s* COUNT 1000", cursor, prefix);
        if (page == NULL) {
            return DFF_ERROR;
        }
        if (page->type == REDIS_REPLY_ARRAY && page->elements == 2
            && page->element[0]->str != NULL)
        {
            (void) snprintf(cursor, sizeof(cursor), "%s", page->element[0]->str);
            rc = dff_sync_stale_page(db, rcmd, kind, prefix_len, page->element[1], count, err);
        } else {
            dff_err_set(err, DFF_E_SYS_CACHE, "Redis: unexpected reply to SCAN");
        }
        freeReplyObject(page);
        if (rc != DFF_OK) {
            return rc;
        }
    } while (strcmp(cursor, "0") != 0);
    return DFF_OK;
}


int
dff_sync_all(dff_db_t *db, dff_rcmd_t *rcmd, dff_sync_count_t *count, dff_err_t *err)
{
    *count = (dff_sync_count_t) { 0 };
    if (dff_sync_scripts(db, rcmd, count, err) != DFF_OK
        || dff_sync_asking(db, rcmd, count, err) != DFF_OK
        || dff_sync_stale_scripts(db, rcmd, count, err) != DFF_OK)
    {
        return DFF_ERROR;
    }
    for (int kind = 0; kind < DFF_ROUTE_KIND_COUNT; kind++) {
        if (dff_sync_orphans(db, rcmd, (dff_route_kind_t) kind, count, err) != DFF_OK
            || dff_sync_stale_routes(db, rcmd, (dff_route_kind_t) kind, count, err) != DFF_OK)
        {
            return DFF_ERROR;
        }
    }
    /* Whoever missed a message while Redis was away looks at everything anew. */
    return dff_rcmd_do(rcmd, err, "PUBLISH " DFF_CHANNEL_CHANGED " flush");
}
