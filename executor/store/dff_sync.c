/*
 * From MySQL to Redis: one script, one link. Runs in dffctl and the api processes.
 */
#include "store/dff_sync.h"

#include <stdarg.h>
#include <stdio.h>

#include "dff_keys.h"
#include "dff_script.h"
#include "store/dff_api_auth_route.h"
#include "store/dff_func.h"
#include "store/dff_unsynced.h"

#include "dff_banned.h"

/* Routes in one MULTI: bounds the buffers here and the time that Redis is busy. */
#define DFF_SYNC_BATCH  500

/* Only the link rows are locked (the selects inside read what is committed), so
 * that two syncs never wait for each other in a circle. */
#define DFF_SYNC_AUTH_FUNC                                                                  \
    "FROM api_auth a JOIN func f ON f.id = JSON_UNQUOTE(JSON_EXTRACT(a.configJSON, '$.funcId'))" \
    " JOIN script s ON s.id = f.scriptId WHERE a.id = l.apiAuthId AND a.type = 'func'"

#define DFF_SYNC_SELECT(table, expire, throttling)                                          \
    "SELECT l.id, l.funcId, l.funcCallKwargsJSON, l.isDisabled, " expire ", " throttling ","  \
    " l.apiAuthId,"                                                                         \
    " (SELECT a.type FROM api_auth a WHERE a.id = l.apiAuthId),"                            \
    " (SELECT a.configJSON FROM api_auth a WHERE a.id = l.apiAuthId),"                      \
    " (SELECT f.extraConfigJSON FROM func f WHERE f.id = l.funcId),"                        \
    " (SELECT s.publishVersion FROM func f JOIN script s ON s.id = f.scriptId"              \
    "   WHERE f.id = l.funcId),"                                                            \
    " (SELECT f.extraConfigJSON " DFF_SYNC_AUTH_FUNC "),"                                   \
    " (SELECT s.publishVersion " DFF_SYNC_AUTH_FUNC ")"                                     \
    " FROM " table " l"

#define DFF_SYNC_OF_SCRIPT  " WHERE l.funcId >= ? AND l.funcId < ? FOR UPDATE"
#define DFF_SYNC_OF_ID      " WHERE l.id = ? FOR UPDATE"

#define DFF_SYNC_AUTH_LINK \
    DFF_SYNC_SELECT("auth_link", "CAST(UNIX_TIMESTAMP(l.expireTime) * 1000 AS SIGNED)", \
                    "l.throttlingJSON")
#define DFF_SYNC_BATCH_LINK  DFF_SYNC_SELECT("batch", "NULL", "NULL")

static const struct {
    const char *of_script;
    const char *of_id;
} dff_sync_selects[] = {
    [DFF_ROUTE_AUTH_LINK] = { DFF_SYNC_AUTH_LINK DFF_SYNC_OF_SCRIPT,
                              DFF_SYNC_AUTH_LINK DFF_SYNC_OF_ID },
    [DFF_ROUTE_BATCH] = { DFF_SYNC_BATCH_LINK DFF_SYNC_OF_SCRIPT,
                          DFF_SYNC_BATCH_LINK DFF_SYNC_OF_ID },
};

_Static_assert(sizeof(dff_sync_selects) / sizeof(dff_sync_selects[0]) == DFF_ROUTE_KIND_COUNT,
               "selects for each kind");

enum {      /* columns of the selects */
    DFF_SYNC_ID, DFF_SYNC_FUNC, DFF_SYNC_KWARGS, DFF_SYNC_DISABLED, DFF_SYNC_EXPIRE,
    DFF_SYNC_THROTTLING, DFF_SYNC_AUTH_ID, DFF_SYNC_AUTH_TYPE, DFF_SYNC_AUTH_CONFIG,
    DFF_SYNC_CONFIG, DFF_SYNC_VERSION, DFF_SYNC_AUTH_FUNC_CONFIG, DFF_SYNC_AUTH_FUNC_VERSION
};

typedef struct {            /* one run of a transaction */
    dff_rcmd_t         *rcmd;
    const dff_config_t *cfg;
    const char         *id;         /* of the script or link; of some scripts: the first */
    const char         *last;       /* of some scripts */
    dff_route_kind_t    kind;
    size_t              in_batch;   /* routes since MULTI */
    dff_sync_count_t    done;       /* of this run */
} dff_sync_t;


/* An API auth that is named but gone stays a demand that nobody can meet. */
static int
dff_sync_add_api_auth(dff_buf_t *out, const dff_config_t *cfg, dff_route_kind_t kind,
    const dff_str_t *columns, dff_err_t *err)
{
    dff_func_config_t     config;
    dff_api_auth_source_t source = {
        .secret = dff_str_from(cfg->secret),
        .id = columns[DFF_SYNC_AUTH_ID],
        .type = columns[DFF_SYNC_AUTH_TYPE],
        .stored = columns[DFF_SYNC_AUTH_CONFIG],
        .kind = kind,
        .link_id = columns[DFF_SYNC_ID],
    };

    if (source.id.data == NULL) {
        return DFF_OK;
    }
    if (dff_func_config_read(columns[DFF_SYNC_AUTH_FUNC_CONFIG], &config, err) != DFF_OK) {
        return dff_err_wrap(err, "function of API auth %.*s", (int) source.id.len, source.id.data);
    }
    source.func = (dff_route_auth_func_t) {
        .script_version = (int) dff_db_number(columns[DFF_SYNC_AUTH_FUNC_VERSION]),
        .timeout_s = config.timeout_s,
        .api_timeout_s = config.api_timeout_s,
        .queue = config.queue,
        .max_memory_mb = config.max_memory_mb,
        .func_gone = columns[DFF_SYNC_AUTH_FUNC_VERSION].data == NULL,
    };
    return dff_api_auth_route(out, &source, err);
}


static int
dff_sync_encode(dff_buf_t *out, dff_buf_t *auth, const dff_sync_t *sync,
    const dff_str_t *columns, dff_err_t *err)
{
    dff_func_config_t config;
    dff_route_t       route;

    if (dff_func_config_read(columns[DFF_SYNC_CONFIG], &config, err) != DFF_OK) {
        return dff_err_wrap(err, "function %.*s", (int) columns[DFF_SYNC_FUNC].len,
                            columns[DFF_SYNC_FUNC].data);
    }
    if (dff_sync_add_api_auth(auth, sync->cfg, sync->kind, columns, err) != DFF_OK) {
        return DFF_ERROR;
    }

    route = (dff_route_t) {
        .kind = sync->kind,
        .id = columns[DFF_SYNC_ID],
        .func_id = columns[DFF_SYNC_FUNC],
        .kwargs = columns[DFF_SYNC_KWARGS],
        .api_auth = { auth->data, auth->len },
        .throttling = columns[DFF_SYNC_THROTTLING],
        .expire_time_ms = dff_db_number(columns[DFF_SYNC_EXPIRE]),
        .script_version = (int) dff_db_number(columns[DFF_SYNC_VERSION]),
        .timeout_s = config.timeout_s,
        .api_timeout_s = config.api_timeout_s,
        .queue = config.queue,
        .max_memory_mb = config.max_memory_mb,
        .cache_result_s = config.cache_result_s,
        .func_gone = columns[DFF_SYNC_VERSION].data == NULL,
        .is_disabled = dff_db_number(columns[DFF_SYNC_DISABLED]) != 0,
        .retry_on_lost = config.retry_on_lost,
    };
    dff_route_encode(out, &route);
    return dff_buf_failed(out) || dff_buf_failed(auth)
        ? dff_err_set(err, DFF_E_SYS, "out of memory") : DFF_OK;
}


/* The message on the change channel: "script demo__basic 7", "route al auln-x". */
static int
dff_sync_announce(dff_rcmd_t *rcmd, dff_err_t *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int
dff_sync_announce(dff_rcmd_t *rcmd, dff_err_t *err, const char *format, ...)
{
    char    text[DFF_KEY_MAX];
    va_list args;
    int     len;

    va_start(args, format);
    len = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (len < 0 || (size_t) len >= sizeof(text)) {
        return dff_err_set(err, DFF_E_SYS, "change message is too long: %.80s", text);
    }
    return dff_rcmd_append(rcmd, err, "PUBLISH " DFF_CHANNEL_CHANGED " %b", text, (size_t) len);
}


/* SET and PUBLISH of one route, inside the MULTI that is open. */
static int
dff_sync_route(dff_sync_t *sync, const dff_str_t *columns, dff_err_t *err)
{
    const char *kind = dff_route_kind_name(sync->kind);
    dff_str_t   id = columns[DFF_SYNC_ID];
    dff_buf_t   json = DFF_BUF_INIT, auth = DFF_BUF_INIT;
    dff_key_t   key;
    int         rc = DFF_ERROR;

    if (dff_sync_encode(&json, &auth, sync, columns, err) != DFF_OK) {
        dff_err_wrap(err, "%s %.*s", kind, (int) id.len, id.data);
        goto done;
    }
    dff_key_route(key, kind, id);
    if (dff_rcmd_append(sync->rcmd, err, "SET %s %b", key, json.data, json.len) != DFF_OK
        || dff_sync_announce(sync->rcmd, err, "route %s %.*s", kind, (int) id.len, id.data)
           != DFF_OK)
    {
        goto done;
    }
    sync->done.routes++;
    sync->in_batch++;
    rc = DFF_OK;

done:
    dff_buf_release(&json);
    dff_buf_release(&auth);
    return rc;
}


/* A row of a select above. */
static int
dff_sync_row(void *ctx, const dff_str_t *columns, size_t ncolumns, dff_err_t *err)
{
    dff_sync_t *sync = ctx;

    (void) ncolumns;
    if (sync->in_batch == DFF_SYNC_BATCH) {
        sync->in_batch = 0;
        if (dff_rcmd_exec(sync->rcmd, err) != DFF_OK
            || dff_rcmd_multi(sync->rcmd, err) != DFF_OK)
        {
            return DFF_ERROR;
        }
    }
    return dff_sync_route(sync, columns, err);
}


/* HSET of one. columns: publishVersion, codeMD5, code */
static int
dff_sync_append_script(dff_db_t *db, dff_sync_t *sync, dff_str_t id, const dff_db_rows_t *rows,
    size_t row, dff_err_t *err)
{
    dff_str_t    md5 = dff_db_cell(rows, row, 1), code = dff_db_cell(rows, row, 2);
    dff_script_t script = { .code_len = code.len };
    dff_buf_t    funcs = DFF_BUF_INIT, json = DFF_BUF_INIT;
    int          rc = DFF_ERROR;

    if (md5.len != sizeof(script.md5) - 1) {
        return dff_err_set(err, DFF_E_SYS, "script %s: its row has no MD5", id.data);
    }
    if (dff_func_rows_json(db, id, &funcs, err) != DFF_OK) {
        goto done;
    }
    script.id = (char *) (uintptr_t) id.data;       /* encode only reads */
    script.version = (int) dff_db_number(dff_db_cell(rows, row, 0));
    script.code = (char *) (uintptr_t) code.data;
    script.funcs_json = funcs.data;
    memcpy(script.md5, md5.data, sizeof(script.md5));
    dff_script_encode(&json, &script);
    if (dff_buf_failed(&json)) {
        dff_err_set(err, DFF_E_SYS, "out of memory");
        goto done;
    }
    sync->done.scripts++;
    sync->done.version = script.version;
    rc = dff_rcmd_append(sync->rcmd, err, "HSET " DFF_KEY_SCRIPTS " %s %b", id.data, json.data,
                         json.len);

done:
    dff_buf_release(&funcs);
    dff_buf_release(&json);
    return rc;
}


/* One script inside the MULTI that is open. row: of rows, or behind the last: there is none. */
static int
dff_sync_one(dff_db_t *db, dff_sync_t *sync, dff_str_t id, const dff_db_rows_t *rows, size_t row,
    dff_err_t *err)
{
    bool published = row < rows->nrows && dff_db_number(dff_db_cell(rows, row, 0)) > 0
                     && dff_db_cell(rows, row, 2).data != NULL;

    sync->done.version = 0;
    if (published) {
        if (dff_sync_append_script(db, sync, id, rows, row, err) != DFF_OK) {
            return DFF_ERROR;
        }
    } else {
        sync->done.removed += sync->last == NULL;       /* of some: it was never there */
        if (dff_rcmd_append(sync->rcmd, err, "HDEL " DFF_KEY_SCRIPTS " %s", id.data) != DFF_OK) {
            return DFF_ERROR;
        }
    }
    return dff_rcmd_append(sync->rcmd, err, "INCR " DFF_KEY_SCRIPTS_VERSION) == DFF_OK
        ? dff_sync_announce(sync->rcmd, err, "script %s %d", id.data, sync->done.version)
        : DFF_ERROR;
}


/* The routes of all links to functions of scripts from id to last. Function ids are
 * "<script>.…": '.' and '/', which follows it in ASCII, are less than what ids are made of,
 * and the columns compare by bytes, so the index gives the range. */
static int
dff_sync_routes(dff_db_t *db, dff_sync_t *sync, dff_err_t *err)
{
    char           first[DFF_KEY_MAX], end[DFF_KEY_MAX];
    dff_db_value_t range[2];

    (void) snprintf(first, sizeof(first), "%.128s.", sync->id);
    (void) snprintf(end, sizeof(end), "%.128s/", sync->last == NULL ? sync->id : sync->last);
    range[0] = DFF_DB_VALUE_TEXT(dff_str_from(first));
    range[1] = DFF_DB_VALUE_TEXT(dff_str_from(end));
    for (int kind = 0; kind < DFF_ROUTE_KIND_COUNT; kind++) {
        sync->kind = (dff_route_kind_t) kind;
        if (dff_db_each(db, dff_sync_selects[kind].of_script, DFF_DB_ARGS(range), dff_sync_row,
                        sync, err) != DFF_OK)
        {
            return DFF_ERROR;
        }
    }
    return DFF_OK;
}


/* Everything of a script, in one MULTI as far as the routes fit into it. */
static int
dff_sync_script_rows(dff_db_t *db, dff_sync_t *sync, const dff_db_rows_t *rows, dff_err_t *err)
{
    return dff_rcmd_multi(sync->rcmd, err) == DFF_OK
        && dff_sync_one(db, sync, dff_str_from(sync->id), rows, 0, err) == DFF_OK
        && dff_sync_routes(db, sync, err) == DFF_OK ? dff_rcmd_exec(sync->rcmd, err) : DFF_ERROR;
}


/* The same of all scripts from id to last. */
static int
dff_sync_some_rows(dff_db_t *db, dff_sync_t *sync, const dff_db_rows_t *rows, dff_err_t *err)
{
    if (dff_rcmd_multi(sync->rcmd, err) != DFF_OK) {
        return DFF_ERROR;
    }
    for (size_t i = 0; i < rows->nrows; i++) {
        if (dff_sync_one(db, sync, dff_db_cell(rows, i, 3), rows, i, err) != DFF_OK) {
            return dff_err_wrap(err, "script %s", dff_db_cell(rows, i, 3).data);
        }
    }
    return dff_sync_routes(db, sync, err) == DFF_OK ? dff_rcmd_exec(sync->rcmd, err) : DFF_ERROR;
}


static int
dff_sync_some_body(dff_db_t *db, void *ctx, dff_err_t *err)
{
    dff_sync_t    *sync = ctx;
    dff_db_value_t ids[] = {
        DFF_DB_VALUE_TEXT(dff_str_from(sync->id)), DFF_DB_VALUE_TEXT(dff_str_from(sync->last))
    };
    dff_db_rows_t  rows;
    int            rc;

    sync->done = (dff_sync_count_t) { 0 };
    sync->in_batch = 0;
    if (dff_db_query(db, "SELECT publishVersion, codeMD5, code, id FROM script WHERE id >= ?"
                         " AND id <= ? ORDER BY id FOR UPDATE", DFF_DB_ARGS(ids), &rows, err)
        != DFF_OK)
    {
        return DFF_ERROR;
    }
    rc = dff_sync_some_rows(db, sync, &rows, err);
    if (rc != DFF_OK) {
        dff_rcmd_abandon(sync->rcmd);
    }
    dff_db_rows_release(&rows);
    return rc;
}


static int
dff_sync_script_body(dff_db_t *db, void *ctx, dff_err_t *err)
{
    dff_sync_t    *sync = ctx;
    dff_db_value_t id[] = { DFF_DB_VALUE_TEXT(dff_str_from(sync->id)) };
    dff_db_rows_t  rows;
    int            rc;

    sync->done = (dff_sync_count_t) { 0 };
    sync->in_batch = 0;
    /* The lock comes before the first read that makes the transaction's view. */
    if (dff_db_query(db, "SELECT publishVersion, codeMD5, code FROM script WHERE id = ?"
                         " FOR UPDATE", DFF_DB_ARGS(id), &rows, err) != DFF_OK)
    {
        return DFF_ERROR;
    }
    rc = dff_sync_script_rows(db, sync, &rows, err);
    if (rc != DFF_OK) {
        dff_rcmd_abandon(sync->rcmd);
    }
    dff_db_rows_release(&rows);
    return rc;
}


static int
dff_sync_link_body(dff_db_t *db, void *ctx, dff_err_t *err)
{
    dff_sync_t    *sync = ctx;
    dff_db_value_t id[] = { DFF_DB_VALUE_TEXT(dff_str_from(sync->id)) };
    const char    *kind = dff_route_kind_name(sync->kind);
    dff_key_t      key;

    sync->done = (dff_sync_count_t) { 0 };
    sync->in_batch = 0;
    if (dff_rcmd_multi(sync->rcmd, err) != DFF_OK
        || dff_db_each(db, dff_sync_selects[sync->kind].of_id, DFF_DB_ARGS(id), dff_sync_row,
                       sync, err) != DFF_OK)
    {
        goto failed;
    }
    if (sync->done.routes == 0) {
        dff_key_route(key, kind, id[0].text);
        sync->done.removed++;
        if (dff_rcmd_append(sync->rcmd, err, "DEL %s", key) != DFF_OK
            || dff_sync_announce(sync->rcmd, err, "route %s %s", kind, sync->id) != DFF_OK)
        {
            goto failed;
        }
    }
    if (dff_rcmd_exec(sync->rcmd, err) == DFF_OK) {
        return DFF_OK;
    }

failed:
    dff_rcmd_abandon(sync->rcmd);
    return DFF_ERROR;
}


static int
dff_sync_run(dff_db_t *db, dff_db_body_fn body, dff_sync_t *sync, dff_sync_count_t *count,
    dff_err_t *err)
{
    /* Before the lock is taken: no row is held while Redis is being looked for. */
    if (dff_rcmd_connect(sync->rcmd, err) != DFF_OK
        || dff_db_transaction(db, body, sync, err) != DFF_OK)
    {
        return DFF_ERROR;
    }
    count->scripts += sync->done.scripts;
    count->routes += sync->done.routes;
    count->removed += sync->done.removed;
    count->version = sync->done.version;
    return DFF_OK;
}


int
dff_sync_some_scripts(dff_db_t *db, dff_rcmd_t *rcmd, const char *first, const char *last,
    dff_sync_count_t *count, dff_err_t *err)
{
    dff_sync_t sync = {
        .rcmd = rcmd, .cfg = dff_db_config(db), .id = first, .last = last
    };

    return dff_sync_run(db, dff_sync_some_body, &sync, count, err);
}


int
dff_sync_script(dff_db_t *db, dff_rcmd_t *rcmd, const char *script_id, dff_sync_count_t *count,
    dff_err_t *err)
{
    dff_sync_t          sync = { .rcmd = rcmd, .cfg = dff_db_config(db), .id = script_id };
    dff_unsynced_seen_t seen;

    if (dff_unsynced_see(db, DFF_UNSYNCED_SCRIPT, dff_str_from(script_id), &seen, err) != DFF_OK
        || dff_sync_run(db, dff_sync_script_body, &sync, count, err) != DFF_OK)
    {
        return DFF_ERROR;
    }
    /* Each link in a transaction of its own: their rows are of other scripts, whose syncs
     * may hold them and wait for ours. */
    if (dff_sync_auth_func(db, rcmd, script_id, count, err) != DFF_OK) {
        return DFF_ERROR;
    }
    dff_unsynced_remove(db, &seen);
    return DFF_OK;
}


int
dff_sync_link(dff_db_t *db, dff_rcmd_t *rcmd, dff_route_kind_t kind, const char *id,
    dff_sync_count_t *count, dff_err_t *err)
{
    dff_sync_t          sync = { .rcmd = rcmd, .cfg = dff_db_config(db), .id = id, .kind = kind };
    dff_unsynced_seen_t seen;

    if (dff_unsynced_see(db, dff_unsynced_link_kind(kind), dff_str_from(id), &seen, err) != DFF_OK
        || dff_sync_run(db, dff_sync_link_body, &sync, count, err) != DFF_OK)
    {
        return DFF_ERROR;
    }
    dff_unsynced_remove(db, &seen);
    return DFF_OK;
}
