/* Who makes a request: see the header. */
#include "api/http/dff_web_user.h"

#include "api/http/dff_access_key.h"
#include "api/http/dff_session.h"
#include "api/http/dff_web.h"

#include "dff_banned.h"


const char *
dff_auth_by_name(dff_auth_by_t by)
{
    return by == DFF_AUTH_BY_ACCESS_KEY ? "builtin.byAccessKey"
        : by == DFF_AUTH_BY_TOKEN ? "builtin.byXAuthToken" : "";
}


int
dff_web_user_read(dff_web_user_t *user, dff_arena_t *arena, dff_db_t *db, dff_str_t id,
    dff_err_t *err)
{
    dff_db_value_t values[] = { DFF_DB_VALUE_TEXT(id) };
    dff_str_t     *texts[] = {
        &user->username, &user->name, &user->roles, &user->custom_privileges
    };
    dff_db_rows_t  rows;
    int            rc = DFF_OK;

    if (id.len >= sizeof(user->id)) {
        return dff_err_set(err, DFF_E_CLIENT_NOT_FOUND, "No such user");
    }
    if (dff_db_query(db, "SELECT username, name, roles, customPrivileges, isDisabled,"
                         " authVersion FROM user WHERE id = ?", DFF_DB_ARGS(values), &rows, err)
        != DFF_OK)
    {
        return DFF_ERROR;
    }
    if (rows.nrows == 0) {
        rc = dff_err_set(err, DFF_E_CLIENT_NOT_FOUND, "No such user");
        goto done;
    }
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        *texts[i] = dff_str_from(dff_arena_copy(arena, dff_db_cell(&rows, 0, i)));
        if (texts[i]->data == NULL) {
            rc = dff_err_set(err, DFF_E_SYS, "out of memory");
        }
    }
    user->is_disabled = dff_db_number(dff_db_cell(&rows, 0, 4)) != 0;
    user->auth_version = dff_db_number(dff_db_cell(&rows, 0, 5));
    if (rc == DFF_OK) {
        memcpy(user->id, id.data, id.len);
        user->id[id.len] = '\0';
    }

done:
    dff_db_rows_release(&rows);
    return rc;
}


int
dff_web_user_find(dff_web_call_t *call, dff_err_t *why_not, dff_err_t *err)
{
    dff_str_t token = dff_session_token(call);
    bool      fatal;

    (void) dff_err_set(why_not, DFF_E_USER_AUTH, "%s", dff_err_row(DFF_E_USER_AUTH)->message);
    if (token.len > 0 && dff_session_find(call, token, why_not) == DFF_OK) {
        return DFF_OK;
    }
    if (!dff_access_key_presented(call)) {
        return DFF_OK;
    }
    if (dff_access_key_find(call, &fatal, why_not) == DFF_OK || !fatal) {
        return DFF_OK;
    }
    *err = *why_not;
    return DFF_ERROR;
}
