/* Records of operations, and their list. */
#include "api/rest/dff_operation.h"

#include <stdlib.h>

#include "dff_mask.h"
#include "dff_time.h"
#include "api/rest/dff_entity.h"
#include "api/rest/dff_routes.h"

#include "dff_banned.h"

#define DFF_OPERATION_BODY_MAX  (256u << 10)       /* bytes that are kept */
#define DFF_OPERATION_CLIENT    128


/* JSON text with its secrets hidden, in the arena; data NULL: too long to be kept. */
static dff_str_t
dff_operation_masked(dff_web_call_t *call, dff_str_t json)
{
    dff_mask_out_t out = { .size = json.len + 1024 };

    if (json.len == 0 || json.len > DFF_OPERATION_BODY_MAX) {
        return DFF_STR_NULL;
    }
    out.data = dff_arena_alloc(&call->arena, out.size);
    if (out.data == NULL) {
        return DFF_STR_NULL;
    }
    (void) dff_mask_json(json, &out);
    return out.cut ? DFF_STR_NULL : (dff_str_t) { out.data, out.len };
}


/* Names and values as a JSON object, in the arena. */
static dff_str_t
dff_operation_pairs(dff_web_call_t *call, const dff_web_pair_t *pairs, size_t count)
{
    dff_buf_t out = DFF_BUF_INIT;
    dff_str_t text = DFF_STR_NULL;

    dff_buf_add_str(&out, DFF_STR("{"));
    for (size_t i = 0; i < count; i++) {
        dff_buf_add_str(&out, i == 0 ? DFF_STR("") : DFF_STR(","));
        dff_buf_add_json_string(&out, pairs[i].name);
        dff_buf_add_str(&out, DFF_STR(":"));
        dff_buf_add_json_string(&out, pairs[i].value);
    }
    dff_buf_add_str(&out, DFF_STR("}"));
    if (!dff_buf_failed(&out)) {
        text = dff_operation_masked(call, (dff_str_t) { out.data, out.len });
    }
    dff_buf_release(&out);
    return text;
}


/* The parameters of the pattern with their values. */
static dff_str_t
dff_operation_params(dff_web_call_t *call)
{
    dff_web_pair_t pairs[DFF_WEB_PARAMS_MAX];
    const char    *at = call->endpoint->pattern;
    size_t         count = 0;

    while (count < DFF_WEB_PARAMS_MAX && (at = strchr(at, ':')) != NULL) {
        pairs[count].name = (dff_str_t) { at + 1, strcspn(at + 1, "/") };
        pairs[count].value = call->params[count];
        at++;
        count++;
    }
    return dff_operation_pairs(call, pairs, count);
}


static dff_str_t
dff_operation_client(const dff_web_call_t *call)
{
    dff_str_t client = dff_web_header(&call->req, "HTTP_X_DFF_CLIENT_ID");

    for (size_t i = 0; i < client.len; i++) {
        if ((unsigned char) client.data[i] <= 0x20 || (unsigned char) client.data[i] >= 0x7f) {
            return DFF_STR_NULL;
        }
    }
    return client.len == 0 || client.len > DFF_OPERATION_CLIENT ? DFF_STR_NULL : client;
}


/* What callers are told, as JSON. */
static dff_str_t
dff_operation_answer(dff_web_call_t *call, const dff_err_t *err)
{
    dff_buf_t out = DFF_BUF_INIT;
    dff_str_t text = DFF_STR_NULL;

    if (call->answer.content_type != NULL && err == NULL) {
        return DFF_STR_NULL;
    }
    if (err == NULL) {
        dff_buf_add_str(&out, DFF_STR("{\"ok\":true,\"error\":200,\"data\":"));
        dff_buf_add_str(&out, call->answer.data.len == 0 ? DFF_STR("null")
                        : (dff_str_t) { call->answer.data.data, call->answer.data.len });
    } else {
        dff_buf_addf(&out, "{\"ok\":false,\"error\":%s,\"reason\":\"%s%s%s\",\"message\":",
                     dff_err_row(err->reason)->code, dff_err_row(err->reason)->reason,
                     call->answer.sub_reason == NULL ? "" : ".",
                     call->answer.sub_reason == NULL ? "" : call->answer.sub_reason);
        dff_buf_add_json_string(&out, dff_str_from(err->message));
    }
    dff_buf_add_str(&out, DFF_STR("}"));
    if (!dff_buf_failed(&out)) {
        text = dff_operation_masked(call, (dff_str_t) { out.data, out.len });
    }
    dff_buf_release(&out);
    return text;
}


/* Drafts that the editor saves by itself are none. */
static bool
dff_operation_wanted(const dff_web_call_t *call)
{
    dff_str_t data = dff_web_data(call);

    if (call->endpoint == NULL || call->bad_head
        || !dff_privilege_writes(call->endpoint->privilege)
        || (call->endpoint->flags & DFF_ENDPOINT_NO_RECORD) != 0)
    {
        return false;
    }
    return strcmp(call->endpoint->pattern, "/api/v1/scripts/:id/do/modify") != 0
        || data.data == NULL || dff_member_value(data, "codeDraft").data == NULL
        || dff_member_value(call->req.body, "prevCodeDraftMD5").data == NULL;
}


void
dff_operation_write(dff_web_call_t *call, const dff_err_t *err)
{
    const dff_web_request_t *req = &call->req;
    const dff_web_user_t    *user = &call->user;
    char                     id[DFF_ID_SIZE], ips[128];
    bool                     known = user->id[0] != '\0';
    dff_err_t                failure;

    if (!dff_operation_wanted(call) || dff_id_make(&call->web->api->ids, id, "oprd-") == 0) {
        return;
    }
    id[sizeof("oprd-") - 1 + 12] = '\0';
    (void) snprintf(ips, sizeof(ips), "[\"%.64s\"]", call->client_ip);

    dff_db_value_t values[] = {
        DFF_DB_VALUE_TEXT(dff_str_from(id)),
        DFF_DB_VALUE_TEXT_OR_NULL(known ? dff_str_from(user->id) : DFF_STR_NULL),
        DFF_DB_VALUE_TEXT_OR_NULL(known ? user->name : DFF_STR_NULL),
        DFF_DB_VALUE_TEXT_OR_NULL(dff_operation_client(call)),
        DFF_DB_VALUE_TEXT(dff_str_from(ips)),
        DFF_DB_VALUE_TEXT(dff_str_from(req->trace_id)),
        DFF_DB_VALUE_TEXT(req->method_name),
        DFF_DB_VALUE_TEXT(dff_str_from(call->endpoint->pattern)),
        DFF_DB_VALUE_TEXT_OR_NULL(dff_operation_pairs(call, req->query, req->nquery)),
        DFF_DB_VALUE_TEXT_OR_NULL(dff_operation_params(call)),
        /* Of strangers nothing is kept that they could fill the disk with. */
        DFF_DB_VALUE_TEXT_OR_NULL(known && req->body.data != NULL
                                  && (call->endpoint->flags & DFF_ENDPOINT_SECRET) == 0
                                  ? dff_operation_masked(call, req->body) : DFF_STR_NULL),
        DFF_DB_VALUE_TEXT_OR_NULL(call->file_info),
        DFF_DB_VALUE_INT(dff_time_monotonic_ms() - req->began_mono_ms),
        DFF_DB_VALUE_INT(err == NULL ? 200 : dff_err_row(err->reason)->http_status),
        DFF_DB_VALUE_TEXT_OR_NULL(dff_operation_answer(call, err)),
    };
    if (dff_db_exec(call->web->api->db, "INSERT INTO operation_record (id, userId, username,"
                    " clientId, clientIPsJSON, traceId, reqMethod, reqRoute, reqQueryJSON,"
                    " reqParamsJSON, reqBodyJSON, reqFileInfoJSON, reqCost, respStatusCode,"
                    " respBodyJSON) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    DFF_DB_ARGS(values), NULL, &failure) != DFF_OK)
    {
        dff_log_warn(&call->web->api->log, req->trace_id, "the operation is not recorded: %s",
                     failure.message);
    }
}

/* --- the list -------------------------------------------------------------------------------- */

#define DFF_OPERATION_COLUMN(name, type, cell) { { name, type }, cell, DFF_IN_BOTH }

static const dff_column_t dff_operation_columns[] = {
    DFF_COLUMN_SEQ,
    DFF_OPERATION_COLUMN("id", DFF_PROP_STR, DFF_CELL_TEXT),
    DFF_OPERATION_COLUMN("userId", DFF_PROP_STR, DFF_CELL_TEXT),
    DFF_OPERATION_COLUMN("username", DFF_PROP_STR, DFF_CELL_TEXT),
    DFF_OPERATION_COLUMN("clientId", DFF_PROP_STR, DFF_CELL_TEXT),
    DFF_OPERATION_COLUMN("clientIPsJSON", DFF_PROP_ANY, DFF_CELL_JSON),
    DFF_OPERATION_COLUMN("traceId", DFF_PROP_STR, DFF_CELL_TEXT),
    DFF_OPERATION_COLUMN("reqMethod", DFF_PROP_STR, DFF_CELL_TEXT),
    DFF_OPERATION_COLUMN("reqRoute", DFF_PROP_STR, DFF_CELL_TEXT),
    DFF_OPERATION_COLUMN("reqQueryJSON", DFF_PROP_ANY, DFF_CELL_JSON),
    DFF_OPERATION_COLUMN("reqParamsJSON", DFF_PROP_ANY, DFF_CELL_JSON),
    DFF_OPERATION_COLUMN("reqBodyJSON", DFF_PROP_ANY, DFF_CELL_JSON),
    DFF_OPERATION_COLUMN("reqFileInfoJSON", DFF_PROP_ANY, DFF_CELL_JSON),
    DFF_OPERATION_COLUMN("reqCost", DFF_PROP_INT, DFF_CELL_INT),
    DFF_OPERATION_COLUMN("respStatusCode", DFF_PROP_INT, DFF_CELL_INT),
    DFF_OPERATION_COLUMN("respBodyJSON", DFF_PROP_ANY, DFF_CELL_JSON),
    DFF_COLUMN_TIMES,
};

static const dff_filter_t dff_operation_filters[] = {
    { "id", DFF_FILTER_IN, "t.id", NULL },
    { "userId", DFF_FILTER_IN, "t.userId", NULL },
    { "username", DFF_FILTER_IN, "t.username", NULL },
    { "clientId", DFF_FILTER_IN, "t.clientId", NULL },
    { "traceId", DFF_FILTER_IN, "t.traceId", NULL },
    { "reqMethod", DFF_FILTER_IN, "t.reqMethod", NULL },
    { "reqRoute", DFF_FILTER_LIKE, "t.reqRoute", NULL },
    { "reqQueryJSON", DFF_FILTER_LIKE, "t.reqQueryJSON", NULL },
    { "reqParamsJSON", DFF_FILTER_LIKE, "t.reqParamsJSON", NULL },
    { "reqBodyJSON", DFF_FILTER_LIKE, "t.reqBodyJSON", NULL },
    { "respBodyJSON", DFF_FILTER_LIKE, "t.respBodyJSON", NULL },
    { "respStatusCode", DFF_FILTER_EQ, "t.respStatusCode", NULL },
};

static const dff_sort_t dff_operation_sorts[] = { { "seq", "t.seq" } };

static const char *const dff_operation_fuzzy[] = {
    "t.userId", "t.username", "t.clientId", "t.traceId", "t.reqMethod", "t.reqRoute",
    "t.reqQueryJSON", "t.reqParamsJSON", "t.reqBodyJSON", "t.respStatusCode", "t.respBodyJSON",
    NULL
};


/* The title of the route and what it worked on. */
static int
dff_operation_extend(dff_web_call_t *call, const dff_db_rows_t *rows, size_t id_column,
    dff_buf_t *extras, dff_err_t *err)
{
    enum { ROUTE = 8, PARAMS = 10, ANSWER = 15 };

    (void) id_column;
    (void) err;
    for (size_t i = 0; i < rows->nrows; i++) {
        dff_str_t             route = dff_db_cell(rows, i, ROUTE);
        dff_str_t             params = dff_db_cell(rows, i, PARAMS);
        dff_str_t             answer = dff_db_cell(rows, i, ANSWER);
        const dff_endpoint_t *row = NULL;
        dff_str_t             id = dff_member_text(&call->arena, params, "id");

        for (size_t k = 0; (row = dff_endpoint_at(k)) != NULL; k++) {
            if (dff_str_eq(route, dff_str_from(row->pattern))) {
                break;
            }
        }
        if (id.data == NULL && answer.data != NULL) {
            id = dff_member_text(&call->arena, dff_member_value(answer, "data"), "id");
        }
        dff_buf_add_str(&extras[i], DFF_STR(",\"_operationDescribe\":"));
        dff_buf_add_json_string(&extras[i], row == NULL ? route : dff_str_from(row->title));
        dff_buf_add_str(&extras[i], DFF_STR(",\"_operationEntityId\":"));
        if (id.data == NULL) {
            dff_buf_add_str(&extras[i], DFF_STR("null"));
        } else {
            dff_buf_add_json_string(&extras[i], id);
        }
    }
    return DFF_OK;
}


static const dff_prop_t dff_operation_more_props[] = {
    DFF_ANSWERED("_operationDescribe", DFF_PROP_STR, .about = "Title of the route"),
    DFF_ANSWERED("_operationEntityId", DFF_PROP_STR, .nullable = true,
                 .about = "What it worked on"),
};
static const dff_shape_t dff_operation_more = DFF_SHAPE(dff_operation_more_props);

const dff_entity_t dff_operation_entity = {
    .noun = "operation record", .table = "operation_record", .joins = "",
    DFF_ENTITY_TABLE(dff_operation), .fuzzy = dff_operation_fuzzy, .order = "t.seq DESC",
    .flags = DFF_ENTITY_FIELDS | DFF_ENTITY_EXPORT, .extend = dff_operation_extend,
    .more = &dff_operation_more,
};

static const dff_endpoint_t dff_operation_rows[] = {
    DFF_ROUTE_LIST("/api/v1/operation-records", "operation records", &dff_operation_entity,
                   DFF_GENERAL_R, DFF_SIGN_IN_ANY),
};

const dff_endpoint_group_t dff_operation_routes = DFF_ENDPOINTS(dff_operation_rows);
