/* Users: who may sign in, and with which roles. */
#include "api/rest/dff_entity.h"
#include "api/rest/dff_routes.h"

#include "store/dff_password.h"

#include "dff_banned.h"

#define DFF_ROLE_SA  "sa"

static const char *const dff_user_roles[] = {
    "admin", "user", "readonlyUser", "customUser", NULL
};


/* A comma list of privileges, '*' among them. */
static bool
dff_user_is_privilege_list(dff_str_t text)
{
    dff_str_t item;

    while (text.len > 0 && dff_list_next(&text, &item)) {
        if (!dff_str_eq(item, DFF_STR("*"))
            && dff_privilege_from(item) == DFF_PRIVILEGE_NONE)
        {
            return false;
        }
    }
    return true;
}


static int
dff_user_store_password(dff_web_call_t *call, dff_write_t *write, const dff_column_t *column,
    const dff_json_member_t *value, dff_err_t *err)
{
    dff_str_t   plain = dff_json_decoded(&call->arena, value->value);
    char        hash[DFF_PASSWORD_HASH_SIZE];
    const char *copy;

    if (plain.len == 0 && write->op == DFF_OP_MODIFY) {
        return DFF_OK;      /* unchanged */
    }
    if (plain.len == 0) {
        return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST, "data.%s must not be empty",
                           column->prop.name);
    }
    if (dff_password_hash(hash, plain.data, err) != DFF_OK) {
        return DFF_ERROR;
    }
    copy = dff_arena_copy(&call->arena, dff_str_from(hash));
    return copy == NULL ? dff_err_set(err, DFF_E_SYS, "out of memory")
        : dff_write_set(write, "passwordHash", DFF_DB_VALUE_TEXT(dff_str_from(copy)), err);
}


static const dff_column_t dff_user_columns[] = {
    DFF_COLUMN_SEQ,
    { { "id", DFF_PROP_STR }, DFF_CELL_TEXT, DFF_IN_BOTH },
    { { "username", DFF_PROP_STR, DFF_OP_ADD | DFF_OP_MODIFY, DFF_OP_ADD, .min = 1, .max = 30 },
      DFF_CELL_TEXT, DFF_IN_BOTH },
    { { "password", DFF_PROP_STR, DFF_OP_ADD | DFF_OP_MODIFY, DFF_OP_ADD,
        .max = DFF_PASSWORD_MAX }, DFF_CELL_TEXT, 0, .store = dff_user_store_password },
    { { "name", DFF_PROP_STR, DFF_OP_ADD | DFF_OP_MODIFY, DFF_OP_ADD, .max = 50 },
      DFF_CELL_TEXT, DFF_IN_BOTH },
    { { "mobile", DFF_PROP_STR, DFF_OP_ADD | DFF_OP_MODIFY, .nullable = true, .max = 20 },
      DFF_CELL_TEXT, DFF_IN_BOTH },
    { { "markers", DFF_PROP_STRS }, DFF_CELL_LIST, DFF_IN_LIST },
    { { "roles", DFF_PROP_STRS, DFF_OP_ADD | DFF_OP_MODIFY, DFF_OP_ADD, .nullable = true,
        .max = 8, .names = dff_user_roles }, DFF_CELL_LIST, DFF_IN_BOTH },
    { { "customPrivileges", DFF_PROP_STR, DFF_OP_ADD | DFF_OP_MODIFY, .nullable = true,
        .max = 1000, .check = dff_user_is_privilege_list,
        .expects = "a comma list of privileges" }, DFF_CELL_LIST, DFF_IN_BOTH },
    { { "isDisabled", DFF_PROP_BOOL, DFF_OP_ADD | DFF_OP_MODIFY }, DFF_CELL_BOOL, DFF_IN_BOTH },
    DFF_COLUMN_TIMES,
};

/* --- who may do what to whom ----------------------------------------------------------------- */

/* Does the caller have everything that these roles and privileges give? */
static bool
dff_user_covers(const dff_web_user_t *caller, dff_str_t roles, dff_str_t custom)
{
    if (dff_privilege_all(roles, custom)) {
        return dff_privilege_all(caller->roles, caller->custom_privileges);
    }
    for (int i = 1; i < DFF_PRIVILEGE_COUNT; i++) {
        dff_privilege_t privilege = (dff_privilege_t) i;

        if (dff_privilege_granted(privilege, roles, custom)
            && !dff_privilege_granted(privilege, caller->roles, caller->custom_privileges))
        {
            return false;
        }
    }
    return true;
}


static int
dff_user_refuse(dff_web_call_t *call, dff_err_t *err, const char *privilege, const char *why)
{
    return dff_web_refuse(call, err, DFF_E_USER_PRIVILEGE, NULL,
                          json_pack("{s:[s]}", "requiredPrivileges", privilege), "%s", why);
}


/* What is granted needs a privilege of its own, and is no more than the caller has. */
static int
dff_user_check_grant(dff_web_call_t *call, const dff_write_t *write, const char *column,
    dff_privilege_t privilege, dff_err_t *err)
{
    const dff_web_user_t *caller = &call->user;
    const dff_db_value_t *value = dff_write_get(write, column);
    dff_str_t             granted = value == NULL || value->type != DFF_DB_TEXT
        ? DFF_STR("") : value->text;
    bool                  roles = privilege == DFF_USER_ROLE_SETTING;

    if (value == NULL || (granted.len == 0 && (write->op & DFF_OP_ADDS) != 0)) {
        return DFF_OK;
    }
    if (!dff_privilege_granted(privilege, caller->roles, caller->custom_privileges)) {
        return dff_user_refuse(call, err, dff_privilege_name(privilege),
                               roles ? "Roles may be set with this privilege only"
                                     : "Privileges may be given with this privilege only");
    }
    if (!dff_user_covers(caller, roles ? granted : DFF_STR(""), roles ? DFF_STR("") : granted)) {
        return dff_user_refuse(call, err, dff_privilege_name(privilege),
                               "Nobody can give more than he has");
    }
    return DFF_OK;
}


/* rows: roles, customPrivileges, authVersion of the user that is changed. */
static int
dff_user_check_target(dff_web_call_t *call, dff_str_t roles, dff_str_t custom, dff_err_t *err)
{
    roles = roles.data == NULL ? DFF_STR("") : roles;
    custom = custom.data == NULL ? DFF_STR("") : custom;
    if (dff_list_has(roles, DFF_STR(DFF_ROLE_SA))) {
        return dff_web_refuse(call, err, DFF_E_BIZ_CONDITION, "adminUserCannotBeModified", NULL,
                              "A super administrator cannot be modified or deleted");
    }
    return dff_user_covers(&call->user, roles, custom) ? DFF_OK
        : dff_user_refuse(call, err, dff_privilege_name(DFF_USER_W),
                          "This user has privileges that you do not have");
}


static int
dff_user_read_target(dff_web_call_t *call, dff_str_t id, int64_t *auth_version, dff_err_t *err)
{
    dff_db_value_t values[] = { DFF_DB_VALUE_TEXT(id) };
    dff_db_rows_t  rows;
    int            rc;

    if (dff_db_query(call->web->api->db, "SELECT roles, customPrivileges, authVersion FROM user"
                     " WHERE id = ?", DFF_DB_ARGS(values), &rows, err) != DFF_OK)
    {
        return DFF_ERROR;
    }
    if (rows.nrows == 0) {
        rc = dff_web_not_found(call, err, "user", id);
    } else {
        *auth_version = dff_db_number(dff_db_cell(&rows, 0, 2));
        rc = dff_user_check_target(call, dff_db_cell(&rows, 0, 0), dff_db_cell(&rows, 0, 1), err);
    }
    dff_db_rows_release(&rows);
    return rc;
}


static int
dff_user_before(dff_web_call_t *call, dff_write_t *write, dff_err_t *err)
{
    int64_t auth_version = 0;

    if (dff_user_check_grant(call, write, "roles", DFF_USER_ROLE_SETTING, err) != DFF_OK
        || dff_user_check_grant(call, write, "customPrivileges", DFF_USER_CUSTOM_PRIVILEGE, err)
           != DFF_OK)
    {
        return DFF_ERROR;
    }
    if (write->op != DFF_OP_MODIFY) {
        return DFF_OK;
    }
    if (dff_user_read_target(call, write->id, &auth_version, err) != DFF_OK) {
        return DFF_ERROR;
    }
    if (dff_write_get(write, "passwordHash") == NULL && dff_write_get(write, "roles") == NULL
        && dff_write_get(write, "customPrivileges") == NULL
        && dff_write_get(write, "isDisabled") == NULL)
    {
        return DFF_OK;
    }
    /* Ends the sign-ins that he has. */
    return dff_write_set(write, "authVersion", DFF_DB_VALUE_INT(auth_version + 1), err);
}


static int
dff_user_remove(dff_web_call_t *call, dff_str_t id, dff_err_t *err)
{
    static const char *const statements[] = {
        "DELETE FROM access_key WHERE userId = ?",
        /* Nobody else could open what he has locked. */
        "UPDATE script_set SET lockedByUserId = NULL WHERE lockedByUserId = ?",
        "UPDATE script SET lockedByUserId = NULL WHERE lockedByUserId = ?",
    };
    dff_db_value_t values[] = { DFF_DB_VALUE_TEXT(id) };
    int64_t        auth_version;

    if (dff_str_eq(id, dff_str_from(call->user.id))) {
        return dff_web_refuse(call, err, DFF_E_BIZ_CONDITION, NULL, NULL,
                              "Nobody can delete himself");
    }
    if (dff_user_read_target(call, id, &auth_version, err) != DFF_OK) {
        return DFF_ERROR;
    }
    for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++) {
        if (dff_db_exec(call->web->api->db, statements[i], DFF_DB_ARGS(values), NULL, err)
            != DFF_OK)
        {
            return DFF_ERROR;
        }
    }
    return DFF_OK;
}


static const dff_filter_t dff_user_filters[] = {
    { "id", DFF_FILTER_IN, "t.id", NULL },
    { "username", DFF_FILTER_LIKE, "t.username", NULL },
    { "name", DFF_FILTER_LIKE, "t.name", NULL },
    { "mobile", DFF_FILTER_LIKE, "t.mobile", NULL },
    { "isDisabled", DFF_FILTER_BOOL, "t.isDisabled", NULL },
};

static const dff_sort_t dff_user_sorts[] = {
    { "seq", "t.seq" }, { "username", "t.username" }, { "name", "t.name" },
};

static const char *const dff_user_fuzzy[] = {
    "t.id", "t.username", "t.name", "t.mobile", NULL
};

static const dff_entity_t dff_user_entity = {
    .noun = "user", .table = "user", .joins = "",
    DFF_ENTITY_TABLE(dff_user), .fuzzy = dff_user_fuzzy, .order = "t.seq DESC",
    .flags = DFF_ENTITY_FIELDS | DFF_ENTITY_EXPORT, .id_prefix = "u-",
    .duplicated_key = "USERNAME", .duplicated_key_sub = "username",
    .before = dff_user_before, .remove = dff_user_remove,
};

DFF_BODY_OF(dff_user_add_body, dff_user_columns, DFF_OP_ADD);
DFF_BODY_OF(dff_user_modify_body, dff_user_columns, DFF_OP_MODIFY);

#define DFF_USERS  "/api/v1/users"

static const dff_endpoint_t dff_user_rows[] = {
    DFF_ROUTE_LIST(DFF_USERS, "users", &dff_user_entity, DFF_USER_R, DFF_SIGN_IN_TOKEN),
    DFF_ROUTE_GET(DFF_USERS, "a user", &dff_user_entity, DFF_USER_R, DFF_SIGN_IN_TOKEN),
    DFF_ROUTE_ADD(DFF_USERS, "a user", &dff_user_entity, DFF_USER_W, DFF_SIGN_IN_TOKEN,
                  &dff_user_add_body),
    DFF_ROUTE_MODIFY(DFF_USERS, "a user", &dff_user_entity, DFF_USER_W, DFF_SIGN_IN_TOKEN,
                     &dff_user_modify_body),
    DFF_ROUTE_DELETE(DFF_USERS, "a user", &dff_user_entity, DFF_USER_W, DFF_SIGN_IN_TOKEN),
};

const dff_endpoint_group_t dff_user_routes = DFF_ENDPOINTS(dff_user_rows);


int
dff_entity_profile(dff_web_call_t *call, dff_err_t *err)
{
    static const char begin[] = "{\"isSignedIn\":true,\"error\":null,";
    dff_buf_t         row;

    if (dff_entity_show(call, &dff_user_entity, DFF_IN_LIST, dff_str_from(call->user.id), err)
        != DFF_OK)
    {
        return DFF_ERROR;
    }
    row = call->answer.data;
    call->answer.data = DFF_BUF_INIT;
    dff_buf_add(&call->answer.data, begin, sizeof(begin) - 1);
    dff_buf_add(&call->answer.data, row.data + 1, row.len - 1);
    dff_buf_release(&row);
    return DFF_OK;
}
