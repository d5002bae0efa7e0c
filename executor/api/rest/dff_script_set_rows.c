/* Script sets. */
#include "api/rest/dff_routes.h"
#include "api/rest/dff_script_lock.h"

#include <stdio.h>

#include "dff_banned.h"

#define DFF_SET_EXPECTS  "a letter or _, then letters, digits and _, up to 64, without __"


static bool
dff_script_set_is_id(dff_str_t text)
{
    return dff_id_is_identifier(text) && dff_id_script_set(text).len == 0
        && !(text.len >= 2 && text.data[0] == '_' && text.data[1] == '_');
}


#define DFF_SET_TEXT(name, max_) \
    { { name, DFF_PROP_STR, DFF_OP_ADD | DFF_OP_MODIFY, .nullable = true, .max = (max_) }, \
      DFF_CELL_TEXT, DFF_IN_BOTH }

static const dff_column_t dff_script_set_columns[] = {
    DFF_COLUMN_SEQ,
    { { "id", DFF_PROP_STR, DFF_OP_ADD, DFF_OP_ADD, .max = 64, .check = dff_script_set_is_id,
        .expects = DFF_SET_EXPECTS }, DFF_CELL_TEXT, DFF_IN_BOTH },
    DFF_SET_TEXT("title", DFF_TITLE_MAX), DFF_SET_TEXT("description", DFF_NOTE_MAX),
    DFF_SET_TEXT("requirements", DFF_NOTE_MAX),
    { { "lockedByUserId", DFF_PROP_STR }, DFF_CELL_TEXT, DFF_IN_BOTH },
    DFF_COLUMN_TIMES,
    { { "isLocked", DFF_PROP_BOOL }, DFF_CELL_BOOL, DFF_IN_LIST,
      "t.lockedByUserId IS NOT NULL" },
    { { "isLocked", DFF_PROP_BOOL, DFF_OP_MODIFY, .nullable = true }, DFF_CELL_BOOL, 0,
      .store = dff_script_store_lock },
    { { "isBuiltin", DFF_PROP_BOOL }, DFF_CELL_BOOL, DFF_IN_BOTH },
};


static int
dff_script_set_before(dff_web_call_t *call, dff_write_t *write, dff_err_t *err)
{
    return write->op == DFF_OP_ADD ? DFF_OK
        : dff_script_lock_set(call, write->id, "ModifyingScriptSetNotAllowed", err);
}


/* Its scripts and their functions go with it; links and histories stay. */
static int
dff_script_set_remove(dff_web_call_t *call, dff_str_t id, dff_err_t *err)
{
    static const char sub[] = "DeletingScriptSetNotAllowed";
    dff_db_value_t    values[] = {
        DFF_DB_VALUE_TEXT(id), DFF_DB_VALUE_TEXT(dff_str_from(call->user.id))
    };
    dff_db_t         *db = call->web->api->db;
    dff_db_rows_t     rows;
    bool              locked;

    if (dff_script_lock_set(call, id, sub, err) != DFF_OK
        || dff_db_query(db, "SELECT id FROM script WHERE scriptSetId = ?"
                            " AND lockedByUserId <> ? LIMIT 1", DFF_DB_ARGS(values), &rows, err)
           != DFF_OK)
    {
        return DFF_ERROR;
    }
    locked = rows.nrows > 0;
    dff_db_rows_release(&rows);
    if (locked) {
        return dff_web_refuse(call, err, DFF_E_BIZ_CONDITION, sub, NULL,
                              "A script of it is locked by another user");
    }
    return dff_script_remember(call, "SELECT id FROM script WHERE scriptSetId = ? FOR UPDATE",
                               id, err) == DFF_OK
        && dff_unsynced_mark_set(db, id, err) == DFF_OK
        && dff_db_exec(db, "DELETE FROM func WHERE scriptSetId = ?", values, 1, NULL, err)
           == DFF_OK
        && dff_db_exec(db, "DELETE FROM script WHERE scriptSetId = ?", values, 1, NULL, err)
           == DFF_OK ? DFF_OK : DFF_ERROR;
}


static int
dff_script_set_after(dff_web_call_t *call, unsigned op, dff_str_t id, dff_err_t *err)
{
    (void) id;
    return op == 0 ? dff_script_tell_remembered(call, err) : DFF_OK;
}


static const dff_filter_t dff_script_set_filters[] = { { "id", DFF_FILTER_IN, "t.id", NULL } };
static const dff_sort_t dff_script_set_sorts[] = { { "seq", "t.seq" }, { "id", "t.id" } };
static const char *const dff_script_set_fuzzy[] = {
    "t.id", "t.title", "t.description", "t.requirements", NULL
};

static const dff_entity_t dff_script_set_entity = {
    .noun = "script set", .table = "script_set", .joins = "", DFF_ENTITY_TABLE(dff_script_set),
    .fuzzy = dff_script_set_fuzzy, .order = "t.id",
    .flags = DFF_ENTITY_FIELDS | DFF_ENTITY_NO_EXPORT, .duplicated = "DuplicatedScriptSetID",
    .before = dff_script_set_before, .remove = dff_script_set_remove,
    .after = dff_script_set_after,
};

/* --- clone ----------------------------------------------------------------------------------- */

/* The part of an id behind the old set's, with the new one in front. */
#define DFF_CLONE_ID(column)  "CONCAT(?, SUBSTRING(" column ", CHAR_LENGTH(?) + 1))"

static int
dff_script_set_clone_body(dff_db_t *db, void *ctx, dff_err_t *err)
{
    static const char *const statements[] = {
        "INSERT INTO script_set (id, title, description, requirements)"
        " SELECT ?, title, description, requirements FROM script_set WHERE id = ?",
        "INSERT INTO script (id, scriptSetId, title, description, publishVersion, type, code,"
        " codeMD5, codeDraft, codeDraftMD5) SELECT " DFF_CLONE_ID("id") ", ?, title,"
        " description, IF(code IS NULL, 0, 1), type, code, codeMD5, codeDraft, codeDraftMD5"
        " FROM script WHERE scriptSetId = ?",
        "INSERT INTO func (id, scriptSetId, scriptId, name, title, description, definition,"
        " argsJSON, kwargsJSON, extraConfigJSON, category, integration, tagsJSON, defOrder)"
        " SELECT " DFF_CLONE_ID("id") ", ?, " DFF_CLONE_ID("scriptId") ", name, title,"
        " description, definition, argsJSON, kwargsJSON, extraConfigJSON, category,"
        " integration, tagsJSON, defOrder FROM func WHERE scriptSetId = ?",
    };
    dff_web_call_t *call = ctx;
    dff_str_t       old = call->params[0];
    dff_str_t       new = dff_member_text(&call->arena, call->req.body, "newId");
    dff_db_value_t  o = DFF_DB_VALUE_TEXT(old), n = DFF_DB_VALUE_TEXT(new);
    dff_db_value_t  set[] = { n, o }, script[] = { n, o, n, o }, func[] = { n, o, n, n, o, o };

    return dff_entity_hold(call, "SELECT id FROM script_set WHERE id = ? LOCK IN SHARE MODE",
                           "script set", old, err) == DFF_OK
        && dff_db_exec(db, statements[0], DFF_DB_ARGS(set), NULL, err) == DFF_OK
        && dff_db_exec(db, statements[1], DFF_DB_ARGS(script), NULL, err) == DFF_OK
        && dff_db_exec(db, statements[2], DFF_DB_ARGS(func), NULL, err) == DFF_OK
        && dff_unsynced_mark_set(db, new, err) == DFF_OK
        ? dff_script_remember(call, "SELECT id FROM script WHERE scriptSetId = ?", new, err)
        : DFF_ERROR;
}


static int
dff_script_set_clone(dff_web_call_t *call, dff_err_t *err)
{
    dff_str_t new = dff_member_text(&call->arena, call->req.body, "newId");

    if (dff_db_transaction(call->web->api->db, dff_script_set_clone_body, call, err) != DFF_OK) {
        return dff_entity_translate(call, &dff_script_set_entity, err);
    }
    if (dff_script_tell_remembered(call, err) != DFF_OK) {
        return DFF_ERROR;
    }
    return dff_web_reply(call, json_pack("{s:s%}", "id", new.data, new.len), err);
}


static const dff_prop_t dff_script_set_clone_props[] = {
    { "newId", DFF_PROP_STR, DFF_OP_BODY, DFF_OP_BODY, .max = 64,
      .check = dff_script_set_is_id, .expects = DFF_SET_EXPECTS },
};
static const dff_shape_t dff_script_set_clone_shape = DFF_SHAPE(dff_script_set_clone_props);

DFF_BODY_OF(dff_script_set_add_body, dff_script_set_columns, DFF_OP_ADD);
DFF_BODY_OF(dff_script_set_modify_body, dff_script_set_columns, DFF_OP_MODIFY);

#define DFF_SCRIPT_SETS  "/api/v1/script-sets"

static const dff_endpoint_t dff_script_set_rows[] = {
    DFF_ROUTE_LIST(DFF_SCRIPT_SETS, "script sets", &dff_script_set_entity, DFF_GENERAL_R,
                   DFF_SIGN_IN_ANY),
    DFF_ROUTE_ADD(DFF_SCRIPT_SETS, "a script set", &dff_script_set_entity, DFF_GENERAL_W,
                  DFF_SIGN_IN_ANY, &dff_script_set_add_body),
    DFF_ROUTE_MODIFY(DFF_SCRIPT_SETS, "a script set", &dff_script_set_entity, DFF_GENERAL_W,
                     DFF_SIGN_IN_ANY, &dff_script_set_modify_body),
    DFF_ROUTE_DELETE(DFF_SCRIPT_SETS, "a script set", &dff_script_set_entity, DFF_GENERAL_W,
                     DFF_SIGN_IN_ANY),
    { DFF_WEB_POST, DFF_SCRIPT_SETS "/:id/do/clone", "Clone a script set", DFF_SIGN_IN_ANY,
      DFF_GENERAL_W, .body = &dff_script_set_clone_shape, .handler = dff_script_set_clone,
      .entity = &dff_script_set_entity, .answer = &dff_answer_id },
};

const dff_endpoint_group_t dff_script_set_routes = DFF_ENDPOINTS(dff_script_set_rows);
