/* Data sources in MySQL: see the header. */
#include "store/dff_source.h"

#include <stdio.h>

#include "dff_digest.h"
#include "store/dff_env.h"
#include "store/dff_secret.h"

#include "dff_banned.h"

#define DFF_SOURCE_RESERVED  DFF_STR("dataflux_")


static int
dff_source_not_found(dff_str_t id, dff_err_t *err)
{
    return dff_err_set(err, DFF_E_CLIENT_NOT_FOUND, "no such data source: %.*s",
                       (int) (id.len > 128 ? 128 : id.len), id.data);
}


static int
dff_source_insert(dff_db_t *db, const dff_source_request_t *request, dff_str_t sealed,
    dff_err_t *err)
{
    dff_db_value_t values[] = {
        DFF_DB_VALUE_TEXT(request->id), DFF_DB_VALUE_TEXT_OR_NULL(request->title),
        DFF_DB_VALUE_TEXT_OR_NULL(request->description), DFF_DB_VALUE_TEXT(request->type),
        DFF_DB_VALUE_TEXT(sealed),
    };

    if (dff_db_exec(db, "INSERT INTO data_source (id, title, description, type, configJSON)"
                        " VALUES (?, ?, ?, ?, ?)", DFF_DB_ARGS(values), NULL, err) == DFF_OK)
    {
        return DFF_OK;
    }
    if (err != NULL && err->reason == DFF_E_CLIENT_DUPLICATED) {
        dff_err_set(err, DFF_E_CLIENT_DUPLICATED, "data source %.*s exists already",
                    (int) request->id.len, request->id.data);
    }
    return DFF_ERROR;
}


static int
dff_source_update(dff_db_t *db, const dff_source_request_t *request, dff_str_t sealed,
    dff_err_t *err)
{
    dff_db_value_t values[] = {
        DFF_DB_VALUE_TEXT_OR_NULL(request->title),
        DFF_DB_VALUE_TEXT_OR_NULL(request->description), DFF_DB_VALUE_TEXT_OR_NULL(sealed),
        DFF_DB_VALUE_TEXT(request->id),
    };

    return dff_db_exec(db, "UPDATE data_source SET title = COALESCE(?, title),"
                           " description = COALESCE(?, description),"
                           " configJSON = COALESCE(?, configJSON) WHERE id = ?",
                       DFF_DB_ARGS(values), NULL, err);
}


/* rows: type, configJSON, isBuiltin of the one that is changed. */
static int
dff_source_modify(dff_db_t *db, const dff_source_request_t *request, const dff_db_rows_t *rows,
    dff_err_t *err)
{
    dff_str_t secret = dff_str_from(dff_db_config(db)->secret);
    dff_buf_t sealed = DFF_BUF_INIT;
    int       rc = DFF_OK;

    if (rows->nrows == 0) {
        return dff_source_not_found(request->id, err);
    }
    if (dff_db_number(dff_db_cell(rows, 0, 2)) != 0) {
        return dff_err_set(err, DFF_E_BIZ_CONDITION, "data source %.*s is built in",
                           (int) request->id.len, request->id.data);
    }
    if (request->config.data != NULL) {
        rc = dff_source_config_seal(&sealed, secret, request, dff_db_cell(rows, 0, 0),
                                    dff_db_cell(rows, 0, 1), err);
    }
    if (rc == DFF_OK) {
        rc = dff_source_update(db, request, (dff_str_t) { sealed.data, sealed.len }, err);
    }
    dff_buf_release(&sealed);
    return rc;
}


static int
dff_source_add(dff_db_t *db, const dff_source_request_t *request, dff_err_t *err)
{
    dff_str_t secret = dff_str_from(dff_db_config(db)->secret);
    dff_buf_t sealed = DFF_BUF_INIT;
    int       rc;

    rc = dff_source_config_seal(&sealed, secret, request, request->type, DFF_STR_NULL, err);
    if (rc == DFF_OK) {
        rc = dff_source_insert(db, request, (dff_str_t) { sealed.data, sealed.len }, err);
    }
    dff_buf_release(&sealed);
    return rc;
}


static int
dff_source_body(dff_db_t *db, void *ctx, dff_err_t *err)
{
    const dff_source_request_t *request = ctx;
    dff_db_value_t              id[] = { DFF_DB_VALUE_TEXT(request->id) };
    dff_db_rows_t               rows;
    int                         rc;

    if (request->mode == DFF_SOURCE_ADD) {
        return dff_source_add(db, request, err);
    }
    if (dff_db_query(db, "SELECT type, configJSON, isBuiltin FROM data_source WHERE id = ?"
                         " FOR UPDATE", DFF_DB_ARGS(id), &rows, err) != DFF_OK)
    {
        return DFF_ERROR;
    }
    rc = dff_source_modify(db, request, &rows, err);
    dff_db_rows_release(&rows);
    return rc;
}


int
dff_source_set(dff_db_t *db, const dff_source_request_t *request, dff_err_t *err)
{
    const dff_str_t reserved = DFF_SOURCE_RESERVED;

    if (!dff_env_is_id(request->id)) {
        return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST, "\"%.*s\" is not an id of a data source: "
                           "letters, digits and _, not a digit first, up to %d",
                           (int) (request->id.len > 128 ? 128 : request->id.len),
                           request->id.data, DFF_ENV_ID_MAX);
    }
    if (request->mode == DFF_SOURCE_ADD && request->id.len >= reserved.len
        && memcmp(request->id.data, reserved.data, reserved.len) == 0)
    {
        return dff_err_set(err, DFF_E_BIZ_CONDITION, "ids that begin with %s are reserved",
                           reserved.data);
    }
    return dff_db_transaction(db, dff_source_body, (void *) request, err);
}


int
dff_source_delete(dff_db_t *db, dff_str_t id, dff_err_t *err)
{
    dff_db_value_t values[] = { DFF_DB_VALUE_TEXT(id) };
    uint64_t       deleted;
    dff_db_rows_t  rows;
    bool           builtin;

    if (dff_db_exec(db, "DELETE FROM data_source WHERE id = ? AND isBuiltin = 0",
                    DFF_DB_ARGS(values), &deleted, err) != DFF_OK)
    {
        return DFF_ERROR;
    }
    if (deleted > 0) {
        return DFF_OK;
    }
    if (dff_db_query(db, "SELECT id FROM data_source WHERE id = ?", DFF_DB_ARGS(values), &rows,
                     err) != DFF_OK)
    {
        return DFF_ERROR;
    }
    builtin = rows.nrows > 0;
    dff_db_rows_release(&rows);
    return builtin ? dff_err_set(err, DFF_E_BIZ_CONDITION, "data source %.*s is built in",
                                 (int) id.len, id.data)
                   : dff_source_not_found(id, err);
}


int
dff_source_list(dff_db_t *db, int limit, dff_db_rows_t *rows, dff_err_t *err)
{
    dff_db_value_t values[] = { DFF_DB_VALUE_INT(limit) };

    return dff_db_query(db, "SELECT id, type, title, configJSON FROM data_source ORDER BY id"
                            " LIMIT ?", DFF_DB_ARGS(values), rows, err);
}


static int
dff_source_version(dff_source_t *source, dff_str_t type, dff_str_t stored, dff_err_t *err)
{
    dff_buf_t text = DFF_BUF_INIT;
    int       rc;

    (void) snprintf(source->type, sizeof(source->type), "%.*s", (int) type.len, type.data);
    dff_buf_add_str(&text, type);
    dff_buf_add_str(&text, DFF_STR(" "));
    dff_buf_add_str(&text, stored);
    rc = dff_buf_failed(&text) ? dff_err_set(err, DFF_E_SYS, "out of memory")
                               : dff_digest_md5(source->version,
                                                (dff_str_t) { text.data, text.len }, err);
    dff_buf_release(&text);
    return rc;
}


int
dff_source_open(dff_db_t *db, dff_str_t id, dff_source_t *source, dff_err_t *err)
{
    dff_str_t      secret = dff_str_from(dff_db_config(db)->secret);
    dff_db_value_t values[] = { DFF_DB_VALUE_TEXT(id) };
    dff_db_rows_t  rows;
    int            rc;

    *source = (dff_source_t) { .config = DFF_BUF_INIT };
    if (dff_db_query(db, "SELECT type, configJSON FROM data_source WHERE id = ?",
                     DFF_DB_ARGS(values), &rows, err) != DFF_OK)
    {
        return DFF_ERROR;
    }
    if (rows.nrows == 0) {
        rc = dff_source_not_found(id, err);
    } else {
        rc = dff_source_version(source, dff_db_cell(&rows, 0, 0), dff_db_cell(&rows, 0, 1), err);
        if (rc == DFF_OK) {
            rc = dff_source_config_open(&source->config, secret, id, dff_db_cell(&rows, 0, 1),
                                        err);
        }
    }
    dff_db_rows_release(&rows);
    return rc;
}


void
dff_source_release(dff_source_t *source)
{
    dff_secret_wipe(&source->config);
}
