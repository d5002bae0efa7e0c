/* Edit locks, and what scripts and their sets share: see the header. */
#include "api/rest/dff_script_lock.h"

#include "dff_digest.h"
#include "store/dff_publish.h"
#include "store/dff_sync.h"

#include "dff_banned.h"

typedef struct {            /* ids to be told of */
    dff_str_t *ids;
    size_t     count;
} dff_script_ids_t;


static int
dff_script_check_holder(dff_web_call_t *call, dff_str_t holder, const char *sub, dff_err_t *err)
{
    if (holder.len == 0 || dff_str_eq(holder, dff_str_from(call->user.id))) {
        return DFF_OK;
    }
    return dff_web_refuse(call, err, DFF_E_BIZ_CONDITION, sub,
                          json_pack("{s:s%}", "lockedByUserId", holder.data, holder.len),
                          "It is locked by another user");
}


int
dff_script_lock_set(dff_web_call_t *call, dff_str_t id, const char *sub, dff_err_t *err)
{
    dff_db_value_t values[] = { DFF_DB_VALUE_TEXT(id) };
    dff_db_rows_t  rows;
    int            rc;

    if (dff_db_query(call->web->api->db, "SELECT lockedByUserId FROM script_set WHERE id = ?"
                     " FOR UPDATE", DFF_DB_ARGS(values), &rows, err) != DFF_OK)
    {
        return DFF_ERROR;
    }
    rc = rows.nrows == 0 ? dff_web_not_found(call, err, "script set", id)
        : dff_script_check_holder(call, dff_db_cell(&rows, 0, 0), sub, err);
    dff_db_rows_release(&rows);
    return rc;
}


int
dff_script_lock_script(dff_web_call_t *call, dff_str_t id, const char *sub, char md5[33],
    dff_err_t *err)
{
    dff_db_value_t values[] = { DFF_DB_VALUE_TEXT(id) };
    dff_db_rows_t  rows;
    dff_str_t      stored;
    int            rc;

    /* The set first, as publishing does: no two wait for each other in a circle. */
    if (!dff_id_is_script(id)) {
        return dff_web_not_found(call, err, "script", id);
    }
    if (dff_script_lock_set(call, dff_id_script_set(id), sub, err) != DFF_OK
        || dff_db_query(call->web->api->db, "SELECT lockedByUserId, codeDraftMD5 FROM script"
                        " WHERE id = ? FOR UPDATE", DFF_DB_ARGS(values), &rows, err) != DFF_OK)
    {
        return DFF_ERROR;
    }
    rc = rows.nrows == 0 ? dff_web_not_found(call, err, "script", id)
        : dff_script_check_holder(call, dff_db_cell(&rows, 0, 0), sub, err);
    if (rc == DFF_OK && md5 != NULL) {
        stored = dff_db_cell(&rows, 0, 1);
        md5[0] = '\0';
        if (stored.len == DFF_DIGEST_MD5_SIZE - 1) {
            memcpy(md5, stored.data, DFF_DIGEST_MD5_SIZE);
        }
    }
    dff_db_rows_release(&rows);
    return rc;
}


int
dff_script_store_lock(dff_web_call_t *call, dff_write_t *write, const dff_column_t *column,
    const dff_json_member_t *value, dff_err_t *err)
{
    (void) column;
    if (value->type == DFF_JSON_NULL) {
        return DFF_OK;
    }
    return dff_write_set(write, "lockedByUserId", value->type == DFF_JSON_TRUE
                         ? DFF_DB_VALUE_TEXT(dff_str_from(call->user.id)) : DFF_DB_VALUE_NULL,
                         err);
}


int
dff_script_tell(dff_web_call_t *call, dff_str_t id, dff_err_t *err)
{
    dff_sync_count_t count = { 0 };
    const char      *copy = dff_arena_copy(&call->arena, id);

    return copy == NULL ? dff_err_set(err, DFF_E_SYS, "out of memory")
        : dff_sync_script(call->web->api->db, call->web->api->rcmd, copy, &count, err);
}


int
dff_script_remember(dff_web_call_t *call, const char *sql, dff_str_t value, dff_err_t *err)
{
    dff_db_value_t    values[] = { DFF_DB_VALUE_TEXT(value) };
    dff_script_ids_t *ids = dff_arena_alloc(&call->arena, sizeof(*ids));
    dff_db_rows_t     rows;
    int               rc = DFF_OK;

    if (ids == NULL) {
        return dff_err_set(err, DFF_E_SYS, "out of memory");
    }
    if (dff_db_query(call->web->api->db, sql, DFF_DB_ARGS(values), &rows, err) != DFF_OK) {
        return DFF_ERROR;
    }
    *ids = (dff_script_ids_t) {
        dff_arena_alloc(&call->arena, (rows.nrows + 1) * sizeof(*ids->ids)), 0
    };
    for (size_t i = 0; ids->ids != NULL && i < rows.nrows; i++) {
        ids->ids[ids->count] = dff_str_from(dff_arena_copy(&call->arena,
                                                           dff_db_cell(&rows, i, 0)));
        ids->count += ids->ids[ids->count].data != NULL;
    }
    if (ids->ids == NULL || ids->count < rows.nrows) {
        rc = dff_err_set(err, DFF_E_SYS, "out of memory");
    }
    call->state = ids;
    dff_db_rows_release(&rows);
    return rc;
}


int
dff_script_tell_remembered(dff_web_call_t *call, dff_err_t *err)
{
    const dff_script_ids_t *ids = call->state;

    for (size_t i = 0; ids != NULL && i < ids->count; i++) {
        if (dff_script_tell(call, ids->ids[i], err) != DFF_OK) {
            return DFF_ERROR;
        }
    }
    call->state = NULL;
    return DFF_OK;
}
