/* File services: a folder of the resource folder that anybody may read. */
#include "api/rest/dff_entity.h"
#include "api/rest/dff_file_index.h"
#include "api/rest/dff_routes.h"

#include "api/rest/dff_file_answer.h"

#include "dff_banned.h"

#define DFF_FILE_SERVICE_REST  4        /* segments in front of the path: api, v1, fs, id */


static bool
dff_file_service_is_id(dff_str_t text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];

        if (!((c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '.'
              || c == '_' || c == '-'))
        {
            return false;
        }
    }
    /* In a URL "." and ".." are no names. */
    return text.len >= 1 && text.len <= 64 && !dff_str_eq(text, DFF_STR("."))
        && !dff_str_eq(text, DFF_STR(".."));
}

/* --- the entity ------------------------------------------------------------------------------ */

/* Without a slash in front, with one behind. */
static int
dff_file_service_store_root(dff_web_call_t *call, dff_write_t *write, const dff_column_t *column,
    const dff_json_member_t *value, dff_err_t *err)
{
    dff_file_path_t path;
    dff_err_t       why;
    char           *room = dff_arena_alloc(&call->arena, sizeof(path.text) + 1);
    dff_str_t       text = dff_json_decoded(&call->arena, value->value);

    if (room == NULL || text.data == NULL) {
        return dff_err_set(err, DFF_E_SYS, "out of memory");
    }
    if (dff_file_path_read(&path, text, &why) != DFF_OK || !dff_file_path_is_writable(&path)) {
        return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST,
                           "data.root must be a folder below the resource folder, and none of "
                           "the system's own");
    }
    memcpy(room, path.text, path.len);
    memcpy(room + path.len, "/", 2);
    return dff_write_set(write, column->prop.name,
                         DFF_DB_VALUE_TEXT(((dff_str_t) { room, path.len + 1 })), err);
}


static const dff_column_t dff_file_service_columns[] = {
    DFF_COLUMN_SEQ,
    { { "id", DFF_PROP_STR, DFF_OP_ADD, .nullable = true, .max = 64,
        .check = dff_file_service_is_id, .expects = DFF_LINK_ID_EXPECTS }, DFF_CELL_TEXT,
      DFF_IN_BOTH },
    { { "root", DFF_PROP_STR, DFF_OP_ADD | DFF_OP_MODIFY, DFF_OP_ADD, .min = 1,
        .max = DFF_BENEATH_PATH_MAX }, DFF_CELL_TEXT, DFF_IN_BOTH,
      .store = dff_file_service_store_root },
    { { "isDisabled", DFF_PROP_BOOL, DFF_OP_ADD | DFF_OP_MODIFY }, DFF_CELL_BOOL, DFF_IN_BOTH },
    { { "note", DFF_PROP_STR, DFF_OP_ADD | DFF_OP_MODIFY, .nullable = true,
        .max = DFF_NOTE_MAX }, DFF_CELL_TEXT, DFF_IN_BOTH },
    DFF_COLUMN_TIMES,
};

static const dff_filter_t dff_file_service_filters[] = {
    { "id", DFF_FILTER_IN, "t.id", NULL },
    { "root", DFF_FILTER_LIKE, "t.root", NULL },
};

static const dff_sort_t dff_file_service_sorts[] = {
    { "seq", "t.seq" }, { "id", "t.id" }, { "root", "t.root" },
    { "createTime", "t.createTime" }, { "updateTime", "t.updateTime" },
};

static const char *const dff_file_service_fuzzy[] = { "t.id", "t.root", NULL };

static const dff_entity_t dff_file_service_entity = {
    .noun = "file service", .table = "file_service", .joins = "",
    DFF_ENTITY_TABLE(dff_file_service), .fuzzy = dff_file_service_fuzzy, .order = "t.seq DESC",
    .paging = DFF_PAGING_NONE, .flags = DFF_ENTITY_FIELDS | DFF_ENTITY_EXPORT,
    .id_prefix = "fsvc-", .duplicated = "DuplicatedScriptID",
};

/* --- serving --------------------------------------------------------------------------------- */

static int
dff_file_service_not_found(dff_web_call_t *call)
{
    dff_web_answer_t *answer = &call->answer;

    answer->content_type = "text/html; charset=utf-8";
    answer->status = 404;
    dff_file_answer_guard(answer, "sandbox; default-src 'none'");
    dff_buf_add_str(&answer->content, DFF_STR(
        "<!DOCTYPE html>\n<html><head><title>Not Found</title></head>"
        "<body><h1>Not Found</h1></body></html>\n"));
    return DFF_OK;
}


/* The path behind the id, each name decoded once. A name with a separator in it was written
 * to mean something else to somebody else. */
static int
dff_file_service_path(dff_web_call_t *call, dff_str_t root, dff_file_path_t *path,
    dff_err_t *err)
{
    const dff_web_request_t *req = &call->req;
    dff_err_t                why;

    if (dff_file_path_read(path, root, &why) != DFF_OK || !dff_file_path_is_writable(path)) {
        return dff_err_set(err, DFF_E_SYS, "the root of a file service is no path: %s",
                           why.message);
    }
    for (size_t i = DFF_FILE_SERVICE_REST; i < req->nsegments; i++) {
        dff_str_t name = req->segments[i];

        if (name.len > 0 && (!dff_file_name_ok(name) || memchr(name.data, '\\', name.len) != NULL
                             || dff_file_path_add(path, name, &why) != DFF_OK))
        {
            return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST,
                               "the path has a name that cannot be one");
        }
    }
    return DFF_OK;
}


static int
dff_file_service_find(dff_web_call_t *call, dff_file_path_t *path, dff_err_t *err)
{
    dff_db_value_t values[] = { DFF_DB_VALUE_TEXT(call->params[0]) };
    dff_db_rows_t  rows;
    int            rc;

    if (dff_db_query(call->web->api->db, "SELECT root, isDisabled FROM file_service WHERE id = ?",
                     DFF_DB_ARGS(values), &rows, err) != DFF_OK)
    {
        return DFF_ERROR;
    }
    if (rows.nrows == 0) {
        rc = dff_web_not_found(call, err, "file service", call->params[0]);
    } else if (dff_db_number(dff_db_cell(&rows, 0, 1)) != 0) {
        rc = dff_web_refuse(call, err, DFF_E_BIZ_CONDITION, "FileServiceDisabled", NULL,
                            "This file service is disabled");
    } else {
        rc = dff_file_service_path(call, dff_db_cell(&rows, 0, 0), path, err);
    }
    dff_db_rows_release(&rows);
    return rc;
}


static int
dff_file_service_get(dff_web_call_t *call, dff_err_t *err)
{
    dff_file_path_t path;
    bool            top = true, missing;
    int             folder;

    if (dff_file_service_find(call, &path, err) != DFF_OK) {
        return DFF_ERROR;
    }
    for (size_t i = DFF_FILE_SERVICE_REST; i < call->req.nsegments; i++) {
        top = top && call->req.segments[i].len == 0;
    }
    folder = dff_file_answer_folder(call, &path);
    if (folder != -1) {
        return dff_file_index(call, folder, top, err);
    }
    if (dff_file_answer(call, &path, true, &missing, err) == DFF_OK) {
        return DFF_OK;
    }
    return err->reason == DFF_E_BIZ_CONDITION ? dff_file_service_not_found(call) : DFF_ERROR;
}


DFF_BODY_OF(dff_file_service_add_body, dff_file_service_columns, DFF_OP_ADD);
DFF_BODY_OF(dff_file_service_modify_body, dff_file_service_columns, DFF_OP_MODIFY);

#define DFF_FILE_SERVICES  "/api/v1/file-services"

static const dff_endpoint_t dff_file_service_rows[] = {
    DFF_ROUTE_LIST(DFF_FILE_SERVICES, "file services", &dff_file_service_entity, DFF_GENERAL_R,
                   DFF_SIGN_IN_ANY),
    DFF_ROUTE_ADD(DFF_FILE_SERVICES, "a file service", &dff_file_service_entity, DFF_GENERAL_W,
                  DFF_SIGN_IN_ANY, &dff_file_service_add_body),
    DFF_ROUTE_MODIFY(DFF_FILE_SERVICES, "a file service", &dff_file_service_entity,
                     DFF_GENERAL_W, DFF_SIGN_IN_ANY, &dff_file_service_modify_body),
    DFF_ROUTE_DELETE(DFF_FILE_SERVICES, "a file service", &dff_file_service_entity,
                     DFF_GENERAL_W, DFF_SIGN_IN_ANY),
    { DFF_WEB_GET, "/api/v1/fs/:id/*", "Get a file or folder of a file service",
      DFF_SIGN_IN_NONE, DFF_PRIVILEGE_NONE, .handler = dff_file_service_get,
      .flags = DFF_ENDPOINT_RAW },
};

const dff_endpoint_group_t dff_file_service_routes = DFF_ENDPOINTS(dff_file_service_rows);
