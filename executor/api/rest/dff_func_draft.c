/* Running functions of drafts: see the header. */
#include "api/rest/dff_func_call.h"

#include "dff_time.h"
#include "api/rest/dff_answers.h"
#include "api/rest/dff_script_publish.h"

#include "dff_banned.h"

#define DFF_FUNC_DRAFT_MARGIN_MS  5000

static const dff_prop_t dff_func_draft_props[] = {
    { "kwargs", DFF_PROP_FREE, DFF_OP_BODY },
};
const dff_shape_t dff_func_draft_body = DFF_SHAPE(dff_func_draft_props);

static const dff_prop_t dff_func_draft_value_props[] = {
    DFF_ANSWERED("raw", DFF_PROP_ANY), DFF_ANSWERED("repr", DFF_PROP_STR, .nullable = true),
    DFF_ANSWERED("jsonDumps", DFF_PROP_STR, .nullable = true),
    DFF_ANSWERED("_responseControl", DFF_PROP_MAP, .nullable = true,
                 .about = "How a DFF.RESP wants to be sent"),
};
static const dff_shape_t dff_func_draft_value = DFF_SHAPE(dff_func_draft_value_props);
static const dff_prop_t  dff_func_draft_result_props[] = {
    DFF_ANSWERED("exportedAPIFuncs", DFF_PROP_OBJECTS, .shape = &dff_answer_func),
    DFF_ANSWERED("logMessages", DFF_PROP_STRS),
    DFF_ANSWERED_MAYBE("funcResult", DFF_PROP_OBJECT, .shape = &dff_func_draft_value),
};
static const dff_shape_t dff_func_draft_result = DFF_SHAPE(dff_func_draft_result_props);
static const dff_prop_t  dff_func_draft_answer_props[] = {
    DFF_ANSWERED("result", DFF_PROP_OBJECT, .shape = &dff_func_draft_result),
    DFF_ANSWERED("traceInfo", DFF_PROP_NULL), DFF_ANSWERED("einfoTEXT", DFF_PROP_NULL),
    DFF_ANSWERED("cost", DFF_PROP_NUMBER, .about = "s"),
};
static const dff_shape_t dff_func_draft_answer_shape = DFF_SHAPE(dff_func_draft_answer_props);
const dff_prop_t         dff_func_draft_answer = {
    .type = DFF_PROP_OBJECT, .shape = &dff_func_draft_answer_shape
};

typedef struct {            /* a call that waits; in the arena */
    dff_str_t func_id;
    int64_t   began_ms;     /* monotonic */
} dff_func_draft_t;


/* {"scripts":{"<id>":"<draft>",…},"kwargs":{…}}: of all scripts of the set that have drafts. */
static int
dff_func_draft_kwargs(dff_web_call_t *call, dff_str_t script_id, dff_str_t *kwargs,
    dff_err_t *err)
{
    dff_db_value_t values[] = {
        DFF_DB_VALUE_TEXT(dff_id_script_set(script_id)), DFF_DB_VALUE_TEXT(script_id)
    };
    dff_buf_t      out = DFF_BUF_INIT;
    dff_db_rows_t  rows;
    bool           found = false;

    if (dff_db_query(call->web->api->db, "SELECT id, codeDraft FROM script WHERE scriptSetId = ?"
                     " AND codeDraft IS NOT NULL AND (id = ? OR codeMD5 IS NULL"
                     " OR codeMD5 <> codeDraftMD5)", DFF_DB_ARGS(values), &rows, err) != DFF_OK)
    {
        return DFF_ERROR;
    }
    dff_buf_add_str(&out, DFF_STR("{\"scripts\":{"));
    for (size_t i = 0; i < rows.nrows; i++) {
        found = found || dff_str_eq(dff_db_cell(&rows, i, 0), script_id);
        dff_buf_add_str(&out, i == 0 ? DFF_STR("") : DFF_STR(","));
        dff_buf_add_json_string(&out, dff_db_cell(&rows, i, 0));
        dff_buf_add_str(&out, DFF_STR(":"));
        dff_buf_add_json_string(&out, dff_db_cell(&rows, i, 1));
    }
    dff_db_rows_release(&rows);
    dff_buf_add_str(&out, DFF_STR("},\"kwargs\":"));
    dff_buf_add_str(&out, dff_func_kwargs(call));
    dff_buf_add_str(&out, DFF_STR("}"));
    kwargs->data = dff_buf_failed(&out) ? NULL
        : dff_arena_copy(&call->arena, (dff_str_t) { out.data, out.len });
    kwargs->len = out.len;
    dff_buf_release(&out);
    if (!found) {
        return dff_web_not_found(call, err, "script", script_id);
    }
    return kwargs->data != NULL ? DFF_OK : dff_err_set(err, DFF_E_SYS, "out of memory");
}


static int
dff_func_draft_resume(dff_web_call_t *call, const dff_reply_t *reply, dff_err_t *err)
{
    const dff_func_draft_t *work = call->state;
    dff_buf_t             *out = &call->answer.data;
    dff_str_t              so_far;

    if (reply != NULL && reply->status == DFF_STATUS_SUCCESS) {
        dff_buf_add_str(out, DFF_STR("{\"result\":"));
        dff_buf_add_str(out, reply->body);
        dff_buf_addf(out, ",\"traceInfo\":null,\"einfoTEXT\":null,\"cost\":%.3f}",
                     (double) (dff_time_monotonic_ms() - work->began_ms) / 1000);
        return DFF_OK;
    }
    if (reply != NULL && reply->status == DFF_STATUS_FAILURE
        && dff_json_check(reply->body, NULL, NULL, NULL) == DFF_OK)
    {
        so_far = dff_member_value(reply->body, "result");
        dff_buf_add_str(out, DFF_STR("{\"result\":"));
        dff_buf_add_str(out, so_far.data == NULL ? DFF_STR("null") : so_far);
        dff_buf_add_str(out, DFF_STR("}"));
        call->answer.data_with_error = true;
    }
    return dff_script_failed(call, reply, work->func_id, DFF_E_SCRIPT_PRE_CHECK, err);
}


int
dff_func_draft(dff_web_call_t *call, dff_err_t *err)
{
    dff_func_draft_t *work = dff_arena_alloc(&call->arena, sizeof(*work));
    dff_str_t        id = call->params[0], script_id = id;
    dff_job_t        job;

    if (work == NULL) {
        return dff_err_set(err, DFF_E_SYS, "out of memory");
    }
    if (dff_id_is_func(id)) {
        script_id = dff_id_func_script(id);
    }
    if (!dff_id_is_script(script_id)) {
        return dff_web_not_found(call, err, "script", id);
    }
    *work = (dff_func_draft_t) { .func_id = id, .began_ms = dff_time_monotonic_ms() };
    call->state = work;
    job = (dff_job_t) {
        .kind = DFF_JOB_DRAFT, .func_id = id, .origin = DFF_ORIGIN_DEBUG,
        .queue = DFF_SCRIPT_DEBUG_QUEUE, .timeout_s = DFF_SCRIPT_DEBUG_LIMIT_S,
    };
    if (dff_func_draft_kwargs(call, script_id, &job.kwargs, err) != DFF_OK) {
        return DFF_ERROR;
    }
    job.request = dff_func_request(call);
    return dff_web_run(call, &job, (job.timeout_s
                       + (int) call->web->api->cfg->func_extra_timeout_to_kill_s) * 1000
                       + DFF_FUNC_DRAFT_MARGIN_MS, dff_func_draft_resume, err);
}
