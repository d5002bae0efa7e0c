/* Environment variables in MySQL: see the header. */
#include "store/dff_env.h"

#include "dff_banned.h"

static const char *const dff_env_types[] = {
    "string", "integer", "float", "boolean", "json", "commaArray"
};

#define DFF_ENV_TYPES  "string, integer, float, boolean, json, commaArray"


bool
dff_env_is_id(dff_str_t id)
{
    for (size_t i = 0; i < id.len; i++) {
        char c = id.data[i];

        if (!(c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
              || (i > 0 && c >= '0' && c <= '9')))
        {
            return false;
        }
    }
    return id.len > 0 && id.len <= DFF_ENV_ID_MAX;
}


static int
dff_env_check(const dff_env_request_t *request, dff_err_t *err)
{
    const size_t types = sizeof(dff_env_types) / sizeof(dff_env_types[0]);
    size_t       i = 0;

    if (!dff_env_is_id(request->id)) {
        return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST, "\"%.*s\" is not an id of a variable: "
                           "letters, digits and _, not a digit first, up to %d",
                           (int) (request->id.len > 128 ? 128 : request->id.len),
                           request->id.data, DFF_ENV_ID_MAX);
    }
    while (request->type.data != NULL && i < types
           && !dff_str_eq(request->type, dff_str_from(dff_env_types[i])))
    {
        i++;
    }
    if (i == types) {
        return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST, "type \"%.*s\": one of " DFF_ENV_TYPES,
                           (int) (request->type.len > 64 ? 64 : request->type.len),
                           request->type.data);
    }
    return DFF_OK;
}


static int
dff_env_insert(dff_db_t *db, const dff_env_request_t *request, dff_err_t *err)
{
    dff_str_t      type = request->type.data == NULL ? DFF_STR("string") : request->type;
    dff_db_value_t values[] = {
        DFF_DB_VALUE_TEXT(request->id), DFF_DB_VALUE_TEXT_OR_NULL(request->title),
        DFF_DB_VALUE_TEXT_OR_NULL(request->description), DFF_DB_VALUE_TEXT(request->value),
        DFF_DB_VALUE_TEXT(type),
    };

    return dff_db_exec(db, "INSERT INTO env_variable (id, title, description, valueTEXT,"
                           " autoTypeCasting) VALUES (?, ?, ?, ?, ?)", DFF_DB_ARGS(values), NULL,
                       err);
}


static int
dff_env_update(dff_db_t *db, const dff_env_request_t *request, dff_err_t *err)
{
    dff_db_value_t values[] = {
        DFF_DB_VALUE_TEXT_OR_NULL(request->title),
        DFF_DB_VALUE_TEXT_OR_NULL(request->description),
        DFF_DB_VALUE_TEXT_OR_NULL(request->value), DFF_DB_VALUE_TEXT_OR_NULL(request->type),
        DFF_DB_VALUE_TEXT(request->id),
    };

    return dff_db_exec(db, "UPDATE env_variable SET title = COALESCE(?, title),"
                           " description = COALESCE(?, description),"
                           " valueTEXT = COALESCE(?, valueTEXT),"
                           " autoTypeCasting = COALESCE(?, autoTypeCasting) WHERE id = ?",
                       DFF_DB_ARGS(values), NULL, err);
}


static int
dff_env_body(dff_db_t *db, void *ctx, dff_err_t *err)
{
    const dff_env_request_t *request = ctx;
    dff_db_value_t           id[] = { DFF_DB_VALUE_TEXT(request->id) };
    dff_db_rows_t            rows;
    bool                     found;

    if (dff_db_query(db, "SELECT id FROM env_variable WHERE id = ? FOR UPDATE", DFF_DB_ARGS(id),
                     &rows, err) != DFF_OK)
    {
        return DFF_ERROR;
    }
    found = rows.nrows > 0;
    dff_db_rows_release(&rows);
    if (found && request->mode == DFF_ENV_ADD) {
        return dff_err_set(err, DFF_E_CLIENT_DUPLICATED, "variable %.*s exists already",
                           (int) request->id.len, request->id.data);
    }
    if (!found && request->mode == DFF_ENV_MODIFY) {
        return dff_err_set(err, DFF_E_CLIENT_NOT_FOUND, "no such variable: %.*s",
                           (int) request->id.len, request->id.data);
    }
    return found ? dff_env_update(db, request, err) : dff_env_insert(db, request, err);
}


int
dff_env_set(dff_db_t *db, const dff_env_request_t *request, dff_err_t *err)
{
    if (dff_env_check(request, err) != DFF_OK) {
        return DFF_ERROR;
    }
    return dff_db_transaction(db, dff_env_body, (void *) request, err);
}


int
dff_env_delete(dff_db_t *db, dff_str_t id, dff_err_t *err)
{
    dff_db_value_t values[] = { DFF_DB_VALUE_TEXT(id) };
    uint64_t       deleted;

    if (dff_db_exec(db, "DELETE FROM env_variable WHERE id = ?", DFF_DB_ARGS(values), &deleted,
                    err) != DFF_OK)
    {
        return DFF_ERROR;
    }
    return deleted > 0 ? DFF_OK
                       : dff_err_set(err, DFF_E_CLIENT_NOT_FOUND, "no such variable: %.*s",
                                     (int) (id.len > 128 ? 128 : id.len), id.data);
}


typedef struct {
    dff_env_row_fn row;
    void          *ctx;
} dff_env_each_t;


static int
dff_env_take(void *ctx, const dff_str_t *columns, size_t ncolumns, dff_err_t *err)
{
    const dff_env_each_t *each = ctx;
    const dff_env_row_t   row = {
        .id = columns[0], .title = columns[1], .type = columns[2], .value = columns[3]
    };

    (void) ncolumns;
    return each->row(each->ctx, &row, err);
}


int
dff_env_each(dff_db_t *db, dff_env_row_fn row, void *ctx, dff_err_t *err)
{
    dff_env_each_t each = { row, ctx };

    return dff_db_each(db, "SELECT id, title, autoTypeCasting, valueTEXT FROM env_variable"
                           " ORDER BY id", NULL, 0, dff_env_take, &each, err);
}
