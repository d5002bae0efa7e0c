/*
 * func-result of a task that Redis has forgotten. nginx answers func-result and sends only
 * those here that it has no result for (ngx_http_dff_saved.h): a saved reply is put into
 * Redis for a minute, and the request goes back to be answered there, in any case.
 */
#include "api/rest/dff_routes.h"

#include "dff_keys.h"
#include "store/dff_task_rows.h"

#include "dff_banned.h"

#define DFF_FUNC_RESULT_PATH  "/api/v1/func-result"
#define DFF_FUNC_RESULT_S     60


/* Not where another request, or the task itself, has put one meanwhile. */
static int
dff_func_result_restore(dff_web_call_t *call, dff_str_t id, dff_err_t *err)
{
    dff_api_t *api = call->web->api;
    dff_buf_t  reply = DFF_BUF_INIT;
    dff_key_t  key;
    int        rc;

    rc = dff_task_rows_reply(api->db, id, &reply, err);
    if (rc != DFF_OK && err->reason == DFF_E_CLIENT_NOT_FOUND) {
        rc = DFF_OK;
    } else if (rc == DFF_OK) {
        dff_key_result(key, id);
        rc = dff_rcmd_do(api->rcmd, err, "SET %s %b NX EX %d", key, reply.data, reply.len,
                         DFF_FUNC_RESULT_S);
    }
    dff_buf_release(&reply);
    return rc;
}


static int
dff_func_result_get(dff_web_call_t *call, dff_err_t *err)
{
    dff_str_t id = dff_web_query(&call->req, "taskId");
    dff_str_t url = call->req.url;

    if (id.data == NULL || !dff_id_is_link(id)) {
        return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST, "query taskId must be a task id");
    }
    if (dff_func_result_restore(call, id, err) != DFF_OK) {
        return DFF_ERROR;
    }
    call->answer.content_type = "text/plain";
    dff_web_answer_header(&call->answer, "X-Accel-Redirect", url);
    return DFF_OK;
}


static const char *const dff_func_result_types[] = { "raw", "jsonDumps", NULL };

static const dff_prop_t dff_func_result_props[] = {
    { "taskId", DFF_PROP_STR, DFF_OP_BODY, DFF_OP_BODY, .max = DFF_TASK_ID_MAX },
    { "returnType", DFF_PROP_STR, DFF_OP_BODY, .names = dff_func_result_types },
    { "unfold", DFF_PROP_BOOL, DFF_OP_BODY, .about = "The result alone, without an envelope" },
};
static const dff_shape_t dff_func_result_query = DFF_SHAPE(dff_func_result_props);

static const dff_endpoint_t dff_func_result_rows[] = {
    { DFF_WEB_GET, DFF_FUNC_RESULT_PATH, "Get the result of a task", DFF_SIGN_IN_NONE,
      .query = &dff_func_result_query, .handler = dff_func_result_get,
      .flags = DFF_ENDPOINT_RAW | DFF_ENDPOINT_CHECKED },
};

const dff_endpoint_group_t dff_func_result_routes = DFF_ENDPOINTS(dff_func_result_rows);
