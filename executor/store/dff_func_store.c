/* DFF.STORE in MySQL: see the header. The server's clock decides what has expired, as
 * several nodes share the table. */
#include "store/dff_func_store.h"

#include "dff_digest.h"

#include "dff_banned.h"

#define DFF_FUNC_STORE_PREFIX   "fnst-"
#define DFF_FUNC_STORE_ID_SIZE  (sizeof(DFF_FUNC_STORE_PREFIX) + DFF_DIGEST_MD5_SIZE)

#define DFF_FUNC_STORE_INSERT \
    "INSERT INTO func_store (id, scope, `key`, valueJSON, expireAt)" \
    " VALUES (?, ?, ?, ?, CEIL(UNIX_TIMESTAMP(NOW(3)) + ? / 1000))" \
    " ON DUPLICATE KEY UPDATE "
#define DFF_FUNC_STORE_EXPIRED  "(expireAt IS NOT NULL AND expireAt <= UNIX_TIMESTAMP(NOW(3)))"


/*
 * The id of a row: fnst- and the MD5 of <key>-<scope>. With a '-' in the scope two pairs
 * could have the same text ("a-b" of "c", "a" of "b-c"): those have a byte behind the key
 * instead that is in no UTF-8.
 */
static int
dff_func_store_id(const dff_func_store_key_t *key, char id[DFF_FUNC_STORE_ID_SIZE],
    dff_err_t *err)
{
    dff_buf_t text = DFF_BUF_INIT;
    int       rc;

    dff_buf_add_str(&text, key->key);
    dff_buf_add_str(&text, key->scope.len > 0 && memchr(key->scope.data, '-', key->scope.len)
                           ? DFF_STR("\xff") : DFF_STR("-"));
    dff_buf_add_str(&text, key->scope);
    memcpy(id, DFF_FUNC_STORE_PREFIX, sizeof(DFF_FUNC_STORE_PREFIX));
    rc = dff_buf_failed(&text)
        ? dff_err_set(err, DFF_E_SYS, "out of memory")
        : dff_digest_md5(id + sizeof(DFF_FUNC_STORE_PREFIX) - 1,
                         (dff_str_t) { text.data, text.len }, err);
    dff_buf_release(&text);
    return rc;
}


int
dff_func_store_set(dff_db_t *db, const dff_func_store_key_t *key,
    const dff_func_store_set_t *set, bool *done, dff_err_t *err)
{
    static const char replace[] = DFF_FUNC_STORE_INSERT
        "valueJSON = VALUES(valueJSON), expireAt = VALUES(expireAt)";
    /* Left to right: the value first, while expireAt is still the old one. */
    static const char keep[] = DFF_FUNC_STORE_INSERT
        "valueJSON = IF(" DFF_FUNC_STORE_EXPIRED ", VALUES(valueJSON), valueJSON),"
        " expireAt = IF(" DFF_FUNC_STORE_EXPIRED ", VALUES(expireAt), expireAt)";
    char              id[DFF_FUNC_STORE_ID_SIZE];
    dff_db_value_t    values[] = {
        DFF_DB_VALUE_NULL, DFF_DB_VALUE_TEXT(key->scope), DFF_DB_VALUE_TEXT(key->key),
        DFF_DB_VALUE_TEXT(set->value),
        set->expire_ms == 0 ? DFF_DB_VALUE_NULL : DFF_DB_VALUE_INT(set->expire_ms)
    };
    uint64_t          affected;

    if (dff_func_store_id(key, id, err) != DFF_OK) {
        return DFF_ERROR;
    }
    values[0] = DFF_DB_VALUE_TEXT(dff_str_from(id));
    if (dff_db_exec(db, set->not_exists ? keep : replace, DFF_DB_ARGS(values), &affected, err)
        != DFF_OK)
    {
        return DFF_ERROR;
    }
    *done = !set->not_exists || affected > 0;
    return DFF_OK;
}


static int
dff_func_store_take(void *ctx, const dff_str_t *columns, size_t ncolumns, dff_err_t *err)
{
    (void) ncolumns;
    (void) err;
    dff_buf_add_str(ctx, columns[0]);
    return DFF_OK;
}


int
dff_func_store_get(dff_db_t *db, const dff_func_store_key_t *key, dff_buf_t *out, dff_err_t *err)
{
    char           id[DFF_FUNC_STORE_ID_SIZE];
    dff_db_value_t values[1];

    if (dff_func_store_id(key, id, err) != DFF_OK) {
        return DFF_ERROR;
    }
    values[0] = DFF_DB_VALUE_TEXT(dff_str_from(id));
    return dff_db_each(db, "SELECT valueJSON FROM func_store WHERE id = ? AND NOT "
                           DFF_FUNC_STORE_EXPIRED, DFF_DB_ARGS(values), dff_func_store_take, out,
                       err);
}


int
dff_func_store_delete(dff_db_t *db, const dff_func_store_key_t *key, bool *found, dff_err_t *err)
{
    char           id[DFF_FUNC_STORE_ID_SIZE];
    dff_db_value_t values[1];
    uint64_t       affected;

    if (dff_func_store_id(key, id, err) != DFF_OK) {
        return DFF_ERROR;
    }
    values[0] = DFF_DB_VALUE_TEXT(dff_str_from(id));
    if (dff_db_exec(db, "DELETE FROM func_store WHERE id = ? AND NOT " DFF_FUNC_STORE_EXPIRED,
                    DFF_DB_ARGS(values), &affected, err) != DFF_OK)
    {
        return DFF_ERROR;
    }
    *found = affected > 0;
    return DFF_OK;
}
