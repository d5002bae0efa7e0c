/* Recover points of scripts: exports of all script sets that are kept in the database. */
#include "api/rest/dff_entity.h"
#include "api/rest/dff_package_call.h"
#include "api/rest/dff_routes.h"

#include "store/dff_package_export.h"

#include "dff_banned.h"

static const char *const dff_recover_types[] = { "import", "recover", "manual", "install", NULL };

static const dff_column_t dff_recover_columns[] = {
    DFF_COLUMN_SEQ,
    { { "id", DFF_PROP_STR }, DFF_CELL_TEXT, DFF_IN_BOTH },
    { { "type", DFF_PROP_STR }, DFF_CELL_TEXT, DFF_IN_BOTH },
    DFF_COLUMN_JOINED("hasTableDumpJSON", "0", DFF_CELL_BOOL),
    DFF_COLUMN_JOINED("hasExportData", "t.exportData IS NOT NULL", DFF_CELL_BOOL),
    { { "note", DFF_PROP_STR, DFF_OP_ADD, DFF_OP_ADD, .min = 1, .max = DFF_NOTE_MAX },
      DFF_CELL_TEXT, DFF_IN_BOTH },
    DFF_COLUMN_TIMES,
};
static const dff_filter_t dff_recover_filters[] = {
    { "id", DFF_FILTER_IN, "t.id", NULL },
    { "type", DFF_FILTER_IN, "t.type", dff_recover_types },
    { "note", DFF_FILTER_LIKE, "t.note", NULL },
};
static const dff_sort_t dff_recover_sorts[] = { { "seq", "t.seq" } };
static const char *const dff_recover_fuzzy[] = { "t.note", NULL };

static const dff_entity_t dff_recover_entity = {
    .noun = "script recover point", .table = "script_recover_point", .joins = "",
    DFF_ENTITY_TABLE(dff_recover), .fuzzy = dff_recover_fuzzy, .order = "t.seq DESC",
    .paging = DFF_PAGING_MARKER, .flags = DFF_ENTITY_FIELDS | DFF_ENTITY_EXPORT,
};


static int
dff_recover_add(dff_web_call_t *call, dff_err_t *err)
{
    dff_package_work_t work = dff_package_work(call);
    dff_str_t          note = dff_member_text(&call->arena, dff_web_data(call), "note");
    char               id[DFF_ID_SIZE];

    return dff_package_recover_point(&work, "manual", note, id, err) == DFF_OK
        ? dff_web_reply(call, json_pack("{s:s}", "id", id), err) : DFF_ERROR;
}


static int
dff_recover_old(dff_web_call_t *call, dff_err_t *err)
{
    (void) call;
    return dff_err_set(err, DFF_E_CLIENT_UNSUPPORTED, "Dumps of tables are not restored; import"
                       " the recover point with script-sets/do/import");
}


DFF_BODY_OF(dff_recover_add_body, dff_recover_columns, DFF_OP_ADD);

#define DFF_RECOVER_POINTS  "/api/v1/script-recover-points"

static const dff_endpoint_t dff_recover_rows[] = {
    DFF_ROUTE_LIST(DFF_RECOVER_POINTS, "recover points", &dff_recover_entity, DFF_GENERAL_R,
                   DFF_SIGN_IN_ANY),
    { DFF_WEB_POST, DFF_RECOVER_POINTS "/do/add", "Add a recover point", DFF_SIGN_IN_ANY,
      DFF_GENERAL_W, .body = &dff_recover_add_body, .handler = dff_recover_add,
      .answer = &dff_answer_id },
    { DFF_WEB_POST, DFF_RECOVER_POINTS "/:id/do/recover", "Restore an old recover point",
      DFF_SIGN_IN_ANY, DFF_GENERAL_W, .handler = dff_recover_old, .answer = &dff_answer_null },
};

const dff_endpoint_group_t dff_recover_routes = DFF_ENDPOINTS(dff_recover_rows);
