/* One request, from its head to its answer: see dff_web.h. */
#include "api/http/dff_web.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "dff_time.h"
#include "api/dff_sys_stats.h"
#include "api/http/dff_web_query.h"
#include "api/rest/dff_operation.h"

#include "dff_banned.h"

#define DFF_WEB_UPLOAD_MARGIN  (1u << 20)      /* what multipart adds to a file */

/* --- for handlers ---------------------------------------------------------------------------- */

dff_str_t
dff_web_data(const dff_web_call_t *call)
{
    return call->req.body.data == NULL ? DFF_STR_NULL : dff_member_value(call->req.body, "data");
}


/* Adds a value's text, which it takes. */
static int
dff_web_dump(dff_buf_t *out, json_t *value, dff_err_t *err)
{
    char *text = value == NULL ? NULL : json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);

    json_decref(value);
    if (text == NULL) {
        return dff_err_set(err, DFF_E_SYS, "out of memory");
    }
    dff_buf_clear(out);
    dff_buf_add_str(out, dff_str_from(text));
    free(text);
    return DFF_OK;
}


int
dff_web_reply(dff_web_call_t *call, json_t *data, dff_err_t *err)
{
    return dff_web_dump(&call->answer.data, data, err);
}


int
dff_web_refuse(dff_web_call_t *call, dff_err_t *err, dff_reason_t reason, const char *sub,
    json_t *detail, const char *fmt, ...)
{
    char    message[DFF_ERR_MESSAGE_SIZE];
    va_list args;

    va_start(args, fmt);
    (void) vsnprintf(message, sizeof(message), fmt, args);
    va_end(args);
    call->answer.sub_reason = sub;
    if (detail != NULL && dff_web_dump(&call->answer.detail, detail, err) != DFF_OK) {
        return DFF_ERROR;
    }
    return dff_err_set(err, reason, "%s", message);
}


int
dff_web_not_found(dff_web_call_t *call, dff_err_t *err, const char *entity, dff_str_t id)
{
    return dff_web_refuse(call, err, DFF_E_CLIENT_NOT_FOUND, NULL,
                          json_pack("{s:s, s:s%}", "entity", entity, "id",
                                    id.data == NULL ? "" : id.data, id.len),
                          "No such %s: %.*s", entity, (int) (id.len > 256 ? 256 : id.len),
                          id.data == NULL ? "" : id.data);
}

/* --- finishing ------------------------------------------------------------------------------- */

static void
dff_web_call_log(const dff_web_call_t *call, const dff_err_t *err)
{
    dff_log_t *log = &call->web->api->log;
    int        status = err == NULL ? 200 : dff_err_row(err->reason)->http_status;
    bool       bad = err != NULL && (err->reason == DFF_E_SYS || err->reason == DFF_E_SYS_DB
                                     || err->reason == DFF_E_SYS_CACHE);
    dff_str_t  path = call->req.path;

    /* The pattern, not the URL: a query may hold a token. */
    if (bad) {
        dff_log_error(log, call->req.trace_id, "%s %.*s: %d: %s", call->req.method_name.data,
                      (int) (path.len > 512 ? 512 : path.len), path.data, status, err->message);
    } else if (call->endpoint == NULL || (call->endpoint->flags & DFF_ENDPOINT_QUIET) == 0
               || strcmp(call->req.trace_id, DFF_WEB_PULL_LOG_TRACE_ID) != 0)
    {
        dff_log_info(log, call->req.trace_id, "[API] %s %.*s %d %s%s%lld ms",
                     call->req.method_name.data, (int) (path.len > 512 ? 512 : path.len),
                     path.data == NULL ? "" : path.data, status, call->user.id,
                     call->user.id[0] == '\0' ? "" : " ",
                     (long long) (dff_time_monotonic_ms() - call->req.began_mono_ms));
    }
}


/* Texts of our own failures stay in the log: callers get the general one. */
static void
dff_web_call_hide(dff_err_t *err)
{
    if (err->reason == DFF_E_SYS || err->reason == DFF_E_SYS_DB
        || err->reason == DFF_E_SYS_CACHE)
    {
        err->message[0] = '\0';
    }
}


void
dff_web_finish(dff_web_call_t *call, int rc, dff_err_t *err)
{
    dff_buf_t out = DFF_BUF_INIT;

    /* Who watches does not count. */
    if (call->endpoint != NULL && strstr(call->endpoint->pattern, "/monitor/") == NULL) {
        dff_sys_stats_count(call->web->stats, call->endpoint->pattern);
    }
    dff_web_call_log(call, rc == DFF_OK ? NULL : err);
    dff_operation_write(call, rc == DFF_OK ? NULL : err);
    dff_web_call_hide(err);
    if (call->conn == NULL) {
        dff_web_call_release(call);
        free(call);
        return;
    }
    dff_web_answer_write(&out, call, rc == DFF_OK ? NULL : err);
    dff_web_conn_answer(call->conn, &out);
    dff_buf_release(&out);
}


void
dff_web_call_fail(dff_web_call_t *call, const dff_err_t *err)
{
    dff_err_t copy = *err;

    dff_web_finish(call, DFF_ERROR, &copy);
}


void
dff_web_call_release(dff_web_call_t *call)
{
    if (call->wait != NULL) {
        dff_wait_cancel(call->wait);
        call->wait = NULL;
    }
    if (call->release != NULL) {
        call->release(call->state);
        call->release = NULL;
    }
    dff_web_answer_release(&call->answer);
    dff_arena_release(&call->arena);
}

/* --- waiting for a function ------------------------------------------------------------------ */

static void
dff_web_call_resumed(void *ctx, const dff_reply_t *reply, const dff_err_t *why)
{
    dff_web_call_t *call = ctx;
    dff_err_t       err = { 0 };
    int             rc;

    call->wait = NULL;
    if (why != NULL) {
        err = *why;
    }
    rc = call->resume(call, reply, &err);
    if (rc != DFF_WEB_WAITS) {
        dff_web_finish(call, rc, &err);
    }
}


int
dff_web_run(dff_web_call_t *call, dff_job_t *job, int wait_ms, dff_web_resume_fn resume,
    dff_err_t *err)
{
    /* Only who called a function has a task id to ask for its late result with. */
    bool keep_late = job->origin == DFF_ORIGIN_DIRECT;

    /* What was begun and is recorded comes to its end, also when its client has left. */
    call->outlives = dff_privilege_writes(call->endpoint->privilege)
        && (call->endpoint->flags & DFF_ENDPOINT_NO_RECORD) == 0;
    call->resume = resume;
    job->trace_id = dff_str_from(call->req.trace_id);
    call->wait = dff_replies_call(call->web->api->replies, job, wait_ms, keep_late,
                                  dff_web_call_resumed, call, err);
    if (call->wait == NULL) {
        return DFF_ERROR;
    }
    (void) snprintf(call->task_id, sizeof(call->task_id), "%s", dff_wait_task_id(call->wait));
    return DFF_WEB_WAITS;
}

/* --- checks ---------------------------------------------------------------------------------- */

static int
dff_web_call_no_route(dff_web_call_t *call, unsigned allowed, dff_err_t *err)
{
    dff_str_t method = call->req.method_name, url = call->req.path;

    if (dff_str_eq(method, DFF_STR("OPTIONS"))) {
        call->answer.content_type = "text/plain";       /* a preflight: headers only */
        return DFF_OK;
    }
    if (allowed != 0) {
        dff_web_answer_header(&call->answer, "Allow",
                              (allowed & DFF_WEB_GET) == 0 ? DFF_STR("POST")
                              : (allowed & DFF_WEB_POST) == 0 ? DFF_STR("GET")
                              : DFF_STR("GET, POST"));
        return dff_err_set(err, DFF_E_METHOD_NOT_ALLOWED, "%s",
                           dff_err_row(DFF_E_METHOD_NOT_ALLOWED)->message);
    }
    return dff_web_refuse(call, err, DFF_E_CLIENT_NOT_FOUND, NULL,
                          json_pack("{s:s%, s:s%, s:{s:s}}", "method",
                                    method.len == 0 ? "" : method.data, method.len, "url",
                                    url.len == 0 ? "" : url.data, url.len, "links", "doc",
                                    "/api/v1/openapi.json"), "No such route");
}


static int
dff_web_call_authorize(dff_web_call_t *call, const dff_err_t *why_not, dff_err_t *err)
{
    const dff_endpoint_t *row = call->endpoint;
    const dff_web_user_t *user = &call->user;
    const char           *wanted = dff_privilege_name(row->privilege);

    if (row->sign_in == DFF_SIGN_IN_NONE) {
        return DFF_OK;
    }
    if (user->id[0] == '\0') {
        *err = *why_not;
        return DFF_ERROR;
    }
    if (row->sign_in == DFF_SIGN_IN_TOKEN && user->by != DFF_AUTH_BY_TOKEN) {
        return dff_web_refuse(call, err, DFF_E_USER_AUTH, NULL,
                              json_pack("{s:s, s:[s]}", "authType", dff_auth_by_name(user->by),
                                        "supportedAuthType",
                                        dff_auth_by_name(DFF_AUTH_BY_TOKEN)),
                              "This route needs a token of a sign-in");
    }
    if ((row->flags & DFF_ENDPOINT_ADMIN) != 0
        && !dff_privilege_admin(user->roles, user->custom_privileges))
    {
        return dff_web_refuse(call, err, DFF_E_USER_PRIVILEGE, NULL,
                              json_pack("{s:[s]}", "requiredPrivileges", "admin"),
                              "Only administrators may do this");
    }
    if (!dff_privilege_granted(row->privilege, user->roles, user->custom_privileges)) {
        return dff_web_refuse(call, err, DFF_E_USER_PRIVILEGE, NULL,
                              json_pack("{s:[s]}", "requiredPrivileges", wanted),
                              "Privilege %s is needed", wanted);
    }
    return DFF_OK;
}


static int
dff_web_call_check_body(dff_web_call_t *call, dff_err_t *err)
{
    const dff_shape_t *shape = call->endpoint->body;

    if (shape == NULL || (call->endpoint->flags & DFF_ENDPOINT_UPLOAD) != 0) {
        return DFF_OK;
    }
    if (call->req.body.data == NULL) {
        call->req.body = DFF_STR("{}");     /* a missing key is what is missing */
    }
    return dff_shape_check(shape, call->req.body, err);
}


/* Who makes the request, and may they? */
static int
dff_web_call_check_user(dff_web_call_t *call, dff_err_t *err)
{
    dff_err_t why_not = { 0 };

    return dff_web_user_find(call, &why_not, err) == DFF_OK
        ? dff_web_call_authorize(call, &why_not, err) : DFF_ERROR;
}


/* What comes before the handler, in the order that the header promises. */
static int
dff_web_call_check(dff_web_call_t *call, dff_str_t body, dff_err_t *err)
{
    bool upload = (call->endpoint->flags & DFF_ENDPOINT_UPLOAD) != 0;

    call->req.raw_body = body;      /* the signature of an access key covers it */
    if (dff_web_call_check_user(call, err) != DFF_OK) {
        return DFF_ERROR;
    }
    if (call->req.method == DFF_WEB_POST && (call->endpoint->body != NULL || upload)
        && !(upload && call->req.body_kind == DFF_WEB_BODY_MULTIPART)
        && dff_web_request_body(&call->req, body, err) != DFF_OK)
    {
        return DFF_ERROR;
    }
    return dff_web_query_check(call->endpoint, &call->req, err) == DFF_OK
        ? dff_web_call_check_body(call, err) : DFF_ERROR;
}

/* --- from the connection --------------------------------------------------------------------- */

void
dff_web_call_begin(dff_web_call_t *call, const dff_scgi_t *scgi)
{
    dff_err_t err;
    unsigned  allowed;
    dff_str_t ip;

    call->bad_head = dff_web_request_read(&call->req, &call->arena, scgi, &call->web->api->ids,
                                          &err) != DFF_OK;
    ip = dff_scgi_get(scgi, "REMOTE_ADDR");
    if (ip.len < sizeof(call->client_ip)) {
        memcpy(call->client_ip, ip.data, ip.len);
    }
    if (call->bad_head) {
        call->head_err = err;
        return;
    }
    call->endpoint = dff_endpoint_find(&call->req, call->params, &allowed);
    call->allowed = allowed;
}


uint64_t
dff_web_call_body_max(const dff_web_call_t *call)
{
    if (call->endpoint != NULL && call->endpoint->sink != NULL) {
        return call->endpoint->sink->max;
    }
    if (call->endpoint != NULL && (call->endpoint->flags & DFF_ENDPOINT_UPLOAD) != 0) {
        return (uint64_t) DFF_WEB_IMPORT_MAX + DFF_WEB_UPLOAD_MARGIN;
    }
    return DFF_WEB_BODY_MAX;
}


void
dff_web_call_run(dff_web_call_t *call, dff_str_t body)
{
    dff_err_t err = { 0 };
    int       rc;

    if (call->bad_head) {
        err = call->head_err;
        rc = DFF_ERROR;
    } else if (call->endpoint == NULL) {
        rc = dff_web_call_no_route(call, call->allowed, &err);
    } else {
        rc = dff_web_call_check(call, body, &err);
        if (rc == DFF_OK) {
            rc = call->endpoint->handler(call, &err);
        }
    }
    if (rc != DFF_WEB_WAITS) {
        dff_web_finish(call, rc, &err);
    }
}


/* The body is not there yet: what an access key signs of it (version 2) is that of none. */
int
dff_web_call_sink_begin(dff_web_call_t *call, dff_err_t *err)
{
    if (dff_web_call_check_user(call, err) != DFF_OK
        || dff_web_query_check(call->endpoint, &call->req, err) != DFF_OK)
    {
        return DFF_ERROR;
    }
    return call->endpoint->sink->begin(call, err);
}


void
dff_web_call_sink_end(dff_web_call_t *call)
{
    dff_err_t err = { 0 };
    int       rc = call->endpoint->handler(call, &err);

    if (rc != DFF_WEB_WAITS) {
        dff_web_finish(call, rc, &err);
    }
}
