/* Scripts: drafts, locks, and the routes of them. Publishing is in dff_script_publish.c. */
#include "api/rest/dff_routes.h"
#include "api/rest/dff_script_lock.h"
#include "api/rest/dff_script_publish.h"

#include "store/dff_publish.h"

#include "dff_banned.h"

#define DFF_SCRIPT_ID_EXPECTS  "<set>__<script>, up to 64 of [A-Za-z0-9_]"

/* What a new script begins with. */
static const char dff_script_sample[] =
    "@DFF.API('Say hello')\n"
    "def hello(name='world'):\n"
    "    '''Returns a greeting for a name.'''\n"
    "    return f'Hello, {name}!'\n";


/* Code and its MD5 go together. */
static int
dff_script_store_draft(dff_web_call_t *call, dff_write_t *write, const dff_column_t *column,
    const dff_json_member_t *value, dff_err_t *err)
{
    dff_str_t given = dff_json_decoded(&call->arena, value->value), code, md5;

    (void) column;
    if (given.data == NULL) {
        return dff_err_set(err, DFF_E_SYS, "out of memory");
    }
    if (given.len == 0 && write->op == DFF_OP_ADD) {
        return DFF_OK;      /* as if it were left out */
    }
    return dff_publish_code(&call->arena, given, &code, &md5, err) == DFF_OK
        && dff_write_set(write, "codeDraft", DFF_DB_VALUE_TEXT(code), err) == DFF_OK
        && dff_write_set(write, "codeDraftMD5", DFF_DB_VALUE_TEXT(md5), err) == DFF_OK
        ? DFF_OK : DFF_ERROR;
}


static const dff_column_t dff_script_columns[] = {
    DFF_COLUMN_SEQ,
    { { "id", DFF_PROP_STR, DFF_OP_ADD, DFF_OP_ADD, .check = dff_id_is_script,
        .expects = DFF_SCRIPT_ID_EXPECTS }, DFF_CELL_TEXT, DFF_IN_BOTH },
    { { "title", DFF_PROP_STR, DFF_OP_ADD | DFF_OP_MODIFY, .nullable = true,
        .max = DFF_TITLE_MAX }, DFF_CELL_TEXT, DFF_IN_BOTH },
    { { "description", DFF_PROP_STR, DFF_OP_ADD | DFF_OP_MODIFY, .nullable = true,
        .max = DFF_NOTE_MAX }, DFF_CELL_TEXT, DFF_IN_BOTH },
    { { "scriptSetId", DFF_PROP_STR }, DFF_CELL_TEXT, DFF_IN_BOTH },
    { { "publishVersion", DFF_PROP_INT }, DFF_CELL_INT, DFF_IN_BOTH },
    { { "type", DFF_PROP_STR }, DFF_CELL_TEXT, DFF_IN_GET },
    { { "code", DFF_PROP_STR }, DFF_CELL_TEXT, DFF_IN_GET },
    { { "codeMD5", DFF_PROP_STR }, DFF_CELL_TEXT, DFF_IN_BOTH },
    { { "codeDraft", DFF_PROP_STR, DFF_OP_ADD | DFF_OP_MODIFY, .max = DFF_PUBLISH_CODE_MAX },
      DFF_CELL_TEXT, DFF_IN_GET, .store = dff_script_store_draft },
    { { "codeDraftMD5", DFF_PROP_STR }, DFF_CELL_TEXT, DFF_IN_BOTH },
    { { "lockedByUserId", DFF_PROP_STR }, DFF_CELL_TEXT, DFF_IN_BOTH },
    DFF_COLUMN_TIMES,
    DFF_COLUMN_JOINED("sset_title", "sset.title", DFF_CELL_TEXT),
    DFF_COLUMN_JOINED("sset_description", "sset.description", DFF_CELL_TEXT),
    DFF_COLUMN_JOINED("sset_lockedByUserId", "sset.lockedByUserId", DFF_CELL_TEXT),
    DFF_COLUMN_JOINED("isLocked", "(t.lockedByUserId IS NOT NULL"
                      " OR sset.lockedByUserId IS NOT NULL)", DFF_CELL_BOOL),
    { { "isLocked", DFF_PROP_BOOL, DFF_OP_MODIFY, .nullable = true }, DFF_CELL_BOOL, 0,
      .store = dff_script_store_lock },
};


static int
dff_script_add_check(dff_web_call_t *call, dff_write_t *write, dff_err_t *err)
{
    dff_str_t set = dff_id_script_set(write->id), code, md5;

    if (dff_script_lock_set(call, set, "AddingScriptNotAllowed", err) != DFF_OK
        || dff_write_set(write, "scriptSetId", DFF_DB_VALUE_TEXT(set), err) != DFF_OK)
    {
        return DFF_ERROR;
    }
    if (dff_write_get(write, "codeDraft") != NULL) {
        return DFF_OK;
    }
    return dff_publish_code(&call->arena, dff_str_from(dff_script_sample), &code, &md5, err)
           == DFF_OK
        && dff_write_set(write, "codeDraft", DFF_DB_VALUE_TEXT(code), err) == DFF_OK
        && dff_write_set(write, "codeDraftMD5", DFF_DB_VALUE_TEXT(md5), err) == DFF_OK
        ? DFF_OK : DFF_ERROR;
}


/* The row is locked: nobody writes between the comparison and our write. */
static int
dff_script_before(dff_web_call_t *call, dff_write_t *write, dff_err_t *err)
{
    dff_str_t expected = dff_member_text(&call->arena, call->req.body, "prevCodeDraftMD5");
    char      md5[33];

    if (write->op == DFF_OP_ADD) {
        return dff_script_add_check(call, write, err);
    }
    if (dff_script_lock_script(call, write->id, "ModifyingScriptNotAllowed", md5, err)
        != DFF_OK)
    {
        return DFF_ERROR;
    }
    if (expected.len > 0 && !dff_str_eq(expected, dff_str_from(md5))) {
        return dff_web_refuse(call, err, DFF_E_BIZ_REQUEST_CONFLICT,
                              "scriptDraftAlreadyChanged",
                              json_pack("{s:s}", "codeDraftMD5", md5),
                              "The draft has been changed meanwhile");
    }
    return DFF_OK;
}


static int
dff_script_remove(dff_web_call_t *call, dff_str_t id, dff_err_t *err)
{
    dff_db_value_t values[] = { DFF_DB_VALUE_TEXT(id) };

    return dff_script_lock_script(call, id, "DeletingScriptNotAllowed", NULL, err) == DFF_OK
        && dff_unsynced_mark(call->web->api->db, DFF_UNSYNCED_SCRIPT, id, err) == DFF_OK
        ? dff_db_exec(call->web->api->db, "DELETE FROM func WHERE scriptId = ?",
                      DFF_DB_ARGS(values), NULL, err) : DFF_ERROR;
}


static int
dff_script_after(dff_web_call_t *call, unsigned op, dff_str_t id, dff_err_t *err)
{
    return op == 0 ? dff_script_tell(call, id, err) : DFF_OK;
}


static const dff_filter_t dff_script_filters[] = {
    { "id", DFF_FILTER_IN, "t.id", NULL },
    { "scriptSetId", DFF_FILTER_IN, "t.scriptSetId", NULL },
};
static const dff_sort_t dff_script_sorts[] = {
    { "seq", "t.seq" }, { "id", "t.id" }, { "createTime", "t.createTime" },
    { "updateTime", "t.updateTime" },
};
static const char *const dff_script_fuzzy[] = {
    "t.id", "t.title", "t.description", "sset.id", "sset.title", "sset.description", NULL
};

static const dff_entity_t dff_script_entity = {
    .noun = "script", .table = "script",
    .joins = " LEFT JOIN script_set sset ON sset.id = t.scriptSetId",
    DFF_ENTITY_TABLE(dff_script), .fuzzy = dff_script_fuzzy,
    .fulltext = { "t.id", "t.code", "t.codeDraft" }, .order = "t.scriptSetId, t.id",
    .flags = DFF_ENTITY_FIELDS | DFF_ENTITY_EXPORT, .duplicated = "DuplicatedScriptID",
    .before = dff_script_before, .remove = dff_script_remove, .after = dff_script_after,
};


static int
dff_script_get(dff_web_call_t *call, dff_err_t *err)
{
    dff_str_t id = call->params[0];

    if (dff_entity_show(call, &dff_script_entity, DFF_IN_GET, id, err) != DFF_OK) {
        return DFF_ERROR;
    }
    return dff_entity_hold(call, "SELECT id FROM script_set WHERE id = ?", "script set",
                           dff_id_script_set(id), err);
}


static int
dff_script_modify(dff_web_call_t *call, dff_err_t *err)
{
    dff_write_t           write = {
        .entity = &dff_script_entity, .op = DFF_OP_MODIFY, .data = dff_web_data(call),
        .id = call->params[0]
    };
    const dff_db_value_t *md5;

    if (dff_entity_store(call, &write, err) != DFF_OK) {
        return DFF_ERROR;
    }
    md5 = dff_write_get(&write, "codeDraftMD5");
    return dff_web_reply(call, json_pack("{s:s%, s:s?}", "id", write.id.data, write.id.len,
                                         "codeDraftMD5", md5 == NULL ? NULL : md5->text.data),
                         err);
}


DFF_BODY_OF(dff_script_add_body, dff_script_columns, DFF_OP_ADD);

static const dff_shape_t dff_script_modify_data = DFF_SHAPE_OP(dff_script_columns, DFF_OP_MODIFY);
static const dff_prop_t dff_script_modify_props[] = {
    { "prevCodeDraftMD5", DFF_PROP_STR, DFF_OP_BODY, .max = 32,
      .about = "409.25 when the stored draft is another; left out: no check" },
    { "data", DFF_PROP_OBJECT, DFF_OP_BODY, DFF_OP_BODY, .shape = &dff_script_modify_data },
};
static const dff_shape_t dff_script_modify_body = DFF_SHAPE(dff_script_modify_props);

static const dff_prop_t dff_script_publish_data_props[] = {
    { "note", DFF_PROP_STR, DFF_OP_BODY, .nullable = true, .max = DFF_NOTE_MAX },
};
static const dff_shape_t dff_script_publish_data = DFF_SHAPE(dff_script_publish_data_props);
static const dff_prop_t dff_script_publish_props[] = {
    { "force", DFF_PROP_BOOL, DFF_OP_BODY, .about = "Also when nothing was edited" },
    { "wait", DFF_PROP_BOOL, DFF_OP_BODY, .about = "It is live when the answer comes, always" },
    { "data", DFF_PROP_OBJECT, DFF_OP_BODY, .shape = &dff_script_publish_data },
};
static const dff_shape_t dff_script_publish_body = DFF_SHAPE(dff_script_publish_props);

static const dff_prop_t dff_script_modify_answer_props[] = {
    DFF_ANSWERED("id", DFF_PROP_STR),
    DFF_ANSWERED("codeDraftMD5", DFF_PROP_STR, .nullable = true,
                 .about = "null when no draft was given"),
};
DFF_ANSWER(dff_script_modify_answer, dff_script_modify_answer_props, DFF_PROP_OBJECT);

static const dff_prop_t dff_script_publish_answer_props[] = {
    DFF_ANSWERED("id", DFF_PROP_STR), DFF_ANSWERED("publishVersion", DFF_PROP_INT),
    DFF_ANSWERED("exportedAPIFuncs", DFF_PROP_OBJECTS, .shape = &dff_answer_func),
};
DFF_ANSWER(dff_script_publish_answer, dff_script_publish_answer_props, DFF_PROP_OBJECT);

#define DFF_SCRIPTS  "/api/v1/scripts"

static const dff_endpoint_t dff_script_rows[] = {
    DFF_ROUTE_LIST(DFF_SCRIPTS, "scripts", &dff_script_entity, DFF_GENERAL_R, DFF_SIGN_IN_ANY),
    { DFF_WEB_GET, DFF_SCRIPTS "/:id/do/get", "Get a script", DFF_SIGN_IN_ANY, DFF_GENERAL_R,
      .handler = dff_script_get, .entity = &dff_script_entity, .flags = DFF_ENDPOINT_ROW },
    DFF_ROUTE_ADD(DFF_SCRIPTS, "a script", &dff_script_entity, DFF_GENERAL_W, DFF_SIGN_IN_ANY,
                  &dff_script_add_body),
    { DFF_WEB_POST, DFF_SCRIPTS "/:id/do/modify", "Modify a script", DFF_SIGN_IN_ANY,
      DFF_GENERAL_W, .body = &dff_script_modify_body, .handler = dff_script_modify,
      .entity = &dff_script_entity, .answer = &dff_script_modify_answer },
    DFF_ROUTE_DELETE(DFF_SCRIPTS, "a script", &dff_script_entity, DFF_GENERAL_W,
                     DFF_SIGN_IN_ANY),
    { DFF_WEB_POST, DFF_SCRIPTS "/:id/do/publish", "Publish a script", DFF_SIGN_IN_ANY,
      DFF_GENERAL_W, .body = &dff_script_publish_body, .handler = dff_script_publish,
      .entity = &dff_script_entity, .answer = &dff_script_publish_answer },
};

const dff_endpoint_group_t dff_script_routes = DFF_ENDPOINTS(dff_script_rows);
