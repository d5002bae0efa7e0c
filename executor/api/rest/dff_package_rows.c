/* Packages of scripts in the management API: export, import, confirmation. */
#include "api/rest/dff_package_call.h"
#include "api/rest/dff_routes.h"
#include "api/rest/dff_upload.h"

#include <stdio.h>
#include <stdlib.h>

#include "dff_digest.h"
#include "dff_keys.h"
#include "dff_time.h"
#include "store/dff_package_export.h"
#include "store/dff_package_import.h"

#include "dff_banned.h"

#define DFF_PACKAGE_CONFIRM_S  900
#define DFF_PACKAGE_OFFSET_S   (8 * 3600)      /* names of exports are at +08:00 */


dff_package_work_t
dff_package_work(dff_web_call_t *call)
{
    return (dff_package_work_t) {
        .db = call->web->api->db, .rcmd = call->web->api->rcmd, .arena = &call->arena,
        .ids = &call->web->api->ids, .user_id = dff_str_from(call->user.id),
    };
}

/* --- export ---------------------------------------------------------------------------------- */

static int
dff_package_export_call(dff_web_call_t *call, dff_err_t *err)
{
    dff_web_answer_t    *answer = &call->answer;
    dff_str_t            body = call->req.body;
    dff_package_work_t   work = dff_package_work(call);
    dff_package_wanted_t wanted = {
        .sets = dff_member_value(body, "scriptSetIds"),
        .sources = dff_member_value(body, "dataSourceIds"),
        .envs = dff_member_value(body, "envVariableIds"),
        .links = dff_member_is(body, "includeAuthLinks", DFF_JSON_TRUE),
        .crontabs = dff_member_is(body, "includeCrontabConfigs", DFF_JSON_TRUE),
        .batches = dff_member_is(body, "includeBatches", DFF_JSON_TRUE),
        .note = dff_member_text(&call->arena, body, "note"),
    };
    dff_time_civil_t     now;
    char                 name[64];

    dff_time_split(dff_time_now_ms() / 1000 + DFF_PACKAGE_OFFSET_S, &now);
    (void) snprintf(name, sizeof(name), "dataflux-func-%04d%02d%02d_%02d%02d%02d.func-pkg",
                    now.year, now.month, now.day, now.hour, now.minute, now.second);
    answer->content_type = "application/octet-stream";
    dff_web_answer_attachment(answer, dff_str_from(name));
    return dff_package_export(&work, &wanted, dff_member_text(&call->arena, body, "password"),
                              &answer->content, err);
}

/* --- import ---------------------------------------------------------------------------------- */

/* What the condition was that stopped an import. */
static int
dff_import_refused(dff_web_call_t *call, const dff_import_t *import, dff_err_t *err)
{
    if (err->reason != DFF_E_BIZ_CONDITION)
        return DFF_ERROR;
    if (import->locked_id.data == NULL) {
        call->answer.sub_reason = "InvalidPassword";
        return DFF_ERROR;
    }
    return dff_web_refuse(call, err, DFF_E_BIZ_CONDITION, "ModifyingScriptSetNotAllowed",
                          json_pack("{s:s%}", "id", import->locked_id.data,
                                    import->locked_id.len),
                          "A script set or a script of it is locked by another user");
}


static int
dff_import_from_point(dff_web_call_t *call, dff_str_t id, dff_str_t *json, dff_err_t *err)
{
    dff_db_value_t values[] = { DFF_DB_VALUE_TEXT(id) };
    dff_db_rows_t  rows;
    int            rc;

    if (dff_db_query(call->web->api->db, "SELECT exportData FROM script_recover_point"
                     " WHERE id = ?", DFF_DB_ARGS(values), &rows, err) != DFF_OK)
    {
        return DFF_ERROR;
    }
    if (rows.nrows == 0) {
        rc = dff_web_not_found(call, err, "script recover point", id);
    } else if (dff_db_cell(&rows, 0, 0).data == NULL) {
        rc = dff_err_set(err, DFF_E_CLIENT_UNSUPPORTED, "This recover point has no export");
    } else {
        rc = dff_package_read(&call->arena, dff_db_cell(&rows, 0, 0), DFF_STR(""), json, err);
    }
    dff_db_rows_release(&rows);
    return rc;
}


/* The key of a confirmation, which is of one user. */
static int
dff_import_key(dff_web_call_t *call, dff_str_t confirm_id, dff_key_t key, dff_err_t *err)
{
    dff_str_t parts[] = { confirm_id, dff_str_from(call->user.id) };
    char      digest[DFF_DIGEST_SIZE_MAX];

    if (dff_digest_joined(digest, DFF_DIGEST_SHA256, parts, 2, err) != DFF_OK) {
        return DFF_ERROR;
    }
    (void) dff_key_api(key, DFF_KEY_IMPORT, dff_str_from(digest));
    return DFF_OK;
}


/* Imports, or with check_only waits for the confirmation. */
static int
dff_import_go(dff_web_call_t *call, dff_import_t *import, bool check_only, dff_err_t *err)
{
    json_t   *diff = NULL, *pkgs = json_null();
    char      confirm[DFF_ID_SIZE];
    dff_str_t summary;
    dff_key_t key;
    int       rc;

    if (dff_id_make(&call->web->api->ids, confirm, "import-") == 0) {
        return dff_err_set(err, DFF_E_SYS, "the kernel gives no random bytes");
    }
    if (dff_import_diff(import, &diff, err) != DFF_OK) {
        return DFF_ERROR;
    }
    if (check_only) {
        rc = dff_import_key(call, dff_str_from(confirm), key, err);
        if (rc == DFF_OK) {
            rc = dff_rcmd_do(call->web->api->rcmd, err, "SET %s %b EX %d", key,
                             import->json.data, import->json.len, DFF_PACKAGE_CONFIRM_S);
        }
    } else {
        rc = dff_import_run(import, err) == DFF_OK
            ? dff_import_requirements(import, &pkgs, err) : DFF_ERROR;
    }
    if (rc != DFF_OK) {
        json_decref(diff);
        return dff_import_refused(call, import, err);
    }
    summary = dff_package_summary(&call->arena, import->json);
    return dff_web_reply(call, json_pack("{s:s, s:o, s:o, s:o}", "confirmId", confirm, "summary",
                                         json_loadb(summary.data, summary.len, 0, NULL), "diff",
                                         diff, "pkgs", pkgs), err);
}


static int
dff_import_upload(dff_web_call_t *call, dff_err_t *err)
{
    dff_import_t import = { .work = dff_package_work(call), .type = "import" };
    dff_upload_t upload = { 0 };
    dff_str_t    password;
    char         note[512];
    bool         check_only;
    int          rc = dff_upload_read(call, &upload, err);

    if (rc == DFF_OK) {
        password = dff_upload_field(&upload, "password");
        rc = dff_package_read(&call->arena, (dff_str_t) {
            upload.content.data == NULL ? "" : upload.content.data, upload.content.len },
            password.data == NULL ? DFF_STR("") : password, &import.json, err);
        rc = rc == DFF_OK ? DFF_OK : dff_import_refused(call, &import, err);
    }
    if (rc == DFF_OK) {
        (void) snprintf(note, sizeof(note), "Before the import of %.400s", upload.name.data);
        import.note = note;
        check_only = dff_web_query_bool(dff_upload_field(&upload, "checkOnly")) == 1;
        rc = dff_import_go(call, &import, check_only, err);
    }
    dff_upload_release(&upload);
    return rc;
}


static int
dff_package_import_call(dff_web_call_t *call, dff_err_t *err)
{
    dff_import_t import = {
        .work = dff_package_work(call), .type = "recover",
        .note = "Before a recover point was restored",
        .replaces_all = true
    };
    dff_str_t    point;

    if (call->req.body_kind == DFF_WEB_BODY_MULTIPART) {
        return dff_import_upload(call, err);
    }
    if (call->req.body.data == NULL
        || dff_json_object_open(&(dff_json_object_t) { 0 }, call->req.body) != DFF_OK)
    {
        return dff_web_refuse(call, err, DFF_E_BIZ_CONDITION, "PackageNotProvided", NULL,
                              "No package was given");
    }
    if (dff_member_text(&call->arena, call->req.body, "packageInstallURL").len > 0) {
        return dff_err_set(err, DFF_E_CLIENT_UNSUPPORTED,
                           "This server fetches no packages; upload the file");
    }
    point = dff_member_text(&call->arena, call->req.body, "scriptRecoverPointId");
    if (point.len == 0) {
        return dff_web_refuse(call, err, DFF_E_BIZ_CONDITION, "PackageNotProvided", NULL,
                              "No package was given");
    }
    return dff_import_from_point(call, point, &import.json, err) == DFF_OK
        ? dff_import_go(call, &import, false, err) : DFF_ERROR;
}


/* Each confirmation is good once. */
static int
dff_package_confirm_call(dff_web_call_t *call, dff_err_t *err)
{
    dff_rcmd_t  *rcmd = call->web->api->rcmd;
    dff_import_t import = {
        .work = dff_package_work(call), .type = "import", .note = "Before a confirmed import"
    };
    redisReply  *reply, *deleted;
    json_t      *pkgs = NULL;
    dff_key_t    key;

    if (dff_import_key(call, dff_member_text(&call->arena, call->req.body, "confirmId"), key, err)
        != DFF_OK
        || dff_rcmd_append(rcmd, err, "GET %s", key) != DFF_OK
        || dff_rcmd_append(rcmd, err, "DEL %s", key) != DFF_OK)
    {
        return DFF_ERROR;
    }
    reply = dff_rcmd_next(rcmd, err);
    deleted = reply == NULL ? NULL : dff_rcmd_next(rcmd, err);
    if (deleted != NULL && reply->type == REDIS_REPLY_STRING && deleted->integer == 1) {
        import.json.data = dff_arena_copy(&call->arena, (dff_str_t) { reply->str, reply->len });
        import.json.len = reply->len;
    }
    if (reply != NULL) {
        freeReplyObject(reply);
    }
    if (deleted == NULL) {
        return DFF_ERROR;
    }
    freeReplyObject(deleted);
    if (import.json.data == NULL) {
        return dff_web_refuse(call, err, DFF_E_BIZ_CONDITION, "ConfirmingImportTimeout", NULL,
                              "There is no such import to confirm, or not any more");
    }
    if (dff_import_run(&import, err) != DFF_OK
        || dff_import_requirements(&import, &pkgs, err) != DFF_OK)
        return dff_import_refused(call, &import, err);
    return dff_web_reply(call, json_pack("{s:o}", "pkgs", pkgs), err);
}

/* --- routes ---------------------------------------------------------------------------------- */

#define DFF_PACKAGE_FLAG(name)  { name, DFF_PROP_BOOL, DFF_OP_BODY, .nullable = true }

static const dff_prop_t dff_package_export_props[] = {
    { "password", DFF_PROP_STR, DFF_OP_BODY, DFF_OP_BODY, .nullable = true, .max = 24,
      .about = "Keeps casual readers out, nobody else" },
    { "scriptSetIds", DFF_PROP_STRS, DFF_OP_BODY, DFF_OP_BODY, .min = 1, .max = 400 },
    { "dataSourceIds", DFF_PROP_STRS, DFF_OP_BODY, .max = 400 },
    { "envVariableIds", DFF_PROP_STRS, DFF_OP_BODY, .max = 400 },
    DFF_PACKAGE_FLAG("includeAuthLinks"), DFF_PACKAGE_FLAG("includeCrontabConfigs"),
    DFF_PACKAGE_FLAG("includeBatches"),
    { "note", DFF_PROP_STR, DFF_OP_BODY, DFF_OP_BODY, .min = 1, .max = DFF_NOTE_MAX },
};
static const dff_shape_t dff_package_export_body = DFF_SHAPE(dff_package_export_props);

static const dff_prop_t dff_package_confirm_props[] = {
    { "confirmId", DFF_PROP_STR, DFF_OP_BODY, DFF_OP_BODY, .min = 1, .max = 64 },
};
static const dff_shape_t dff_package_confirm_body = DFF_SHAPE(dff_package_confirm_props);

/* The package without code: its other sections are what the exporting side has put in. */
static const dff_prop_t dff_package_row = { .type = DFF_PROP_MAP };
static const dff_prop_t dff_package_diff_props[] = {
    DFF_ANSWERED("add", DFF_PROP_LIST, .nullable = true, .of = &dff_package_row,
                 .about = "Script sets of the package that are not there"),
    DFF_ANSWERED("replace", DFF_PROP_LIST, .nullable = true, .of = &dff_package_row),
};
static const dff_shape_t dff_package_diff = DFF_SHAPE(dff_package_diff_props);
#define DFF_PACKAGE_PKGS \
    DFF_ANSWERED("pkgs", DFF_PROP_STRS, .nullable = true, \
                 .about = "Python packages that the imported script sets want")
static const dff_prop_t dff_package_import_props[] = {
    DFF_ANSWERED("confirmId", DFF_PROP_STR),
    DFF_ANSWERED("summary", DFF_PROP_MAP, .about = "The package without scripts and functions"),
    DFF_ANSWERED("diff", DFF_PROP_OBJECT, .shape = &dff_package_diff), DFF_PACKAGE_PKGS,
};
DFF_ANSWER(dff_package_import_answer, dff_package_import_props, DFF_PROP_OBJECT);

static const dff_prop_t dff_package_confirmed_props[] = { DFF_PACKAGE_PKGS };
DFF_ANSWER(dff_package_confirm_answer, dff_package_confirmed_props, DFF_PROP_OBJECT);

#define DFF_SCRIPT_SETS  "/api/v1/script-sets"

static const dff_endpoint_t dff_package_rows[] = {
    { DFF_WEB_POST, DFF_SCRIPT_SETS "/do/export", "Export script sets", DFF_SIGN_IN_ANY,
      DFF_GENERAL_W, .body = &dff_package_export_body, .handler = dff_package_export_call,
      .flags = DFF_ENDPOINT_RAW },
    { DFF_WEB_POST, DFF_SCRIPT_SETS "/do/import", "Import script sets", DFF_SIGN_IN_ANY,
      DFF_GENERAL_W, .handler = dff_package_import_call, .flags = DFF_ENDPOINT_UPLOAD,
      .answer = &dff_package_import_answer },
    { DFF_WEB_POST, DFF_SCRIPT_SETS "/do/confirm-import", "Confirm an import", DFF_SIGN_IN_ANY,
      DFF_GENERAL_W, .body = &dff_package_confirm_body, .handler = dff_package_confirm_call,
      .answer = &dff_package_confirm_answer },
};

const dff_endpoint_group_t dff_package_routes = DFF_ENDPOINTS(dff_package_rows);
