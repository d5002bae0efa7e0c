/*
 * Python packages that scripts can use: those of the interpreter, and those that were
 * installed into the resource folder; and what a worker says of itself.
 */
#include "api/rest/dff_routes.h"

#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "dff_keys.h"
#include "dff_time.h"
#include "api/rest/dff_file_work.h"

#include "dff_banned.h"

#define DFF_PYTHON_PROGRAM     "/usr/bin/python3"
#define DFF_PYTHON_INSTALL     "../python/dff_runtime/install.py"   /* from our own folder on */
#define DFF_PYTHON_LOCK_S      660      /* more than install.py may take */
#define DFF_PYTHON_STATUS_S    3600
#define DFF_PYTHON_PKG_MAX     256
#define DFF_PYTHON_MIRROR_MAX  1024
#define DFF_PYTHON_QUEUE       0        /* the system's own */
#define DFF_PYTHON_TASK_S      5
#define DFF_PYTHON_MARGIN_MS   2000

/* --- asking a worker ------------------------------------------------------------------------- */

/* No worker, or none in time: the same to who asks what it is. */
static int
dff_python_told(dff_web_call_t *call, const dff_reply_t *reply, dff_err_t *err)
{
    if (reply == NULL && err->reason == DFF_E_API_TIMEOUT)
        err->reason = DFF_E_SYS_ASYNC_TASK_FAILED;
    if (reply == NULL)
        return DFF_ERROR;
    if (reply->status != DFF_STATUS_SUCCESS || reply->body_type != DFF_BODY_JSON)
        return dff_err_set(err, DFF_E_SYS_ASYNC_TASK_FAILED, "No worker could tell");
    dff_buf_add_str(&call->answer.data, reply->body);
    return DFF_OK;
}


static int
dff_python_ask(dff_web_call_t *call, const char *task, dff_err_t *err)
{
    dff_job_t job = {
        .kind = DFF_JOB_SYSTEM, .func_id = dff_str_from(task), .queue = DFF_PYTHON_QUEUE,
        .timeout_s = DFF_PYTHON_TASK_S, .origin = DFF_ORIGIN_DEBUG, .kwargs = DFF_STR("{}"),
    };

    return dff_web_run(call, &job, DFF_PYTHON_TASK_S * 1000 + DFF_PYTHON_MARGIN_MS,
                       dff_python_told, err);
}


static int
dff_python_image(dff_web_call_t *call, dff_err_t *err)
{
    return dff_python_ask(call, "dff__worker.image", err);
}


static int
dff_python_installed(dff_web_call_t *call, dff_err_t *err)
{
    return dff_python_ask(call, "dff__worker.packages", err);
}

/* --- installing ------------------------------------------------------------------------------ */

/* The length of what begins a text, of letters, digits and these. */
static size_t
dff_python_span(dff_str_t text, size_t from, const char *more)
{
    size_t len = 0;

    while (from + len < text.len) {
        char c = text.data[from + len];

        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
              || (c != '\0' && strchr(more, c) != NULL)))
            break;
        len++;
    }
    return len;
}


/* name[extra,extra]==version, the last two optional: nothing that pip takes for an option,
 * a path or an address. */
static bool
dff_python_is_package(dff_str_t text)
{
    size_t at, len;

    if (dff_python_span(text, 0, "") == 0)
        return false;
    at = dff_python_span(text, 0, "._-");
    if (at < text.len && text.data[at] == '[') {
        len = dff_python_span(text, at + 1, ",._-");
        if (len == 0 || at + 1 + len >= text.len || text.data[at + 1 + len] != ']')
            return false;
        at += len + 2;
    }
    if (at == text.len)
        return true;
    if (text.len - at < 3 || text.data[at] != '=' || text.data[at + 1] != '=')
        return false;
    return at + 2 + dff_python_span(text, at + 2, ".+!_-") == text.len;
}


static bool
dff_python_is_mirror(dff_str_t text)
{
    static const dff_str_t schemes[] = { DFF_STR("http://"), DFF_STR("https://") };
    bool                   good = false;

    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
        good = good || (text.len > schemes[i].len
                        && memcmp(text.data, schemes[i].data, schemes[i].len) == 0);
    for (size_t i = 0; i < text.len; i++)
        good = good && text.data[i] > ' ' && text.data[i] < 0x7f;
    return good;
}


static int
dff_python_status_set(dff_web_call_t *call, const char *status, dff_str_t message, dff_err_t *err)
{
    dff_str_t pkg = dff_member_text(&call->arena, call->req.body, "pkg");
    char      now[DFF_TIME_ISO_SIZE];
    dff_buf_t text = DFF_BUF_INIT;
    int       rc;

    (void) dff_time_iso_utc(now, dff_time_now_ms());
    dff_buf_add_str(&text, DFF_STR("{\"pkg\":"));
    dff_buf_add_json_string(&text, pkg);
    dff_buf_addf(&text, ",\"status\":\"%s\",\"message\":", status);
    dff_buf_add_json_string(&text, message);
    dff_buf_addf(&text, ",\"timestamp\":\"%s\"}", now);
    rc = dff_buf_failed(&text) ? dff_err_set(err, DFF_E_SYS, "out of memory")
        : dff_rcmd_do(call->web->api->rcmd, err, "SET " DFF_KEY_PYTHON_INSTALL " %b EX %d",
                      text.data, text.len, DFF_PYTHON_STATUS_S);
    dff_buf_release(&text);
    return rc;
}


/* One at a time in the whole cluster: the folder may be shared. */
static int
dff_python_lock(dff_web_call_t *call, dff_err_t *err)
{
    redisReply *reply = dff_rcmd_run(call->web->api->rcmd, err, "SET " DFF_KEY_PYTHON_LOCK
                                     " 1 NX EX %d", DFF_PYTHON_LOCK_S);
    bool        locked = reply != NULL && reply->type == REDIS_REPLY_STATUS;

    if (reply == NULL)
        return DFF_ERROR;
    freeReplyObject(reply);
    return locked ? DFF_OK : dff_web_refuse(call, err, DFF_E_BIZ_CONDITION, NULL, NULL,
                                            "Another package is being installed; try again");
}


/* When Redis is away now, the lock expires; the status is told by the answer alone. */
static void
dff_python_end(dff_web_call_t *call, const char *status, dff_str_t message)
{
    (void) dff_python_status_set(call, status, message, NULL);
    (void) dff_rcmd_do(call->web->api->rcmd, NULL, "DEL " DFF_KEY_PYTHON_LOCK);
}


/* said: what install.py has written. */
static int
dff_python_install_answer(dff_web_call_t *call, dff_str_t said, dff_err_t *err)
{
    dff_str_t pkg = dff_member_text(&call->arena, call->req.body, "pkg");
    dff_str_t message, text;

    if (dff_json_check(said, &said, NULL, NULL) != DFF_OK)
        said = DFF_STR("{\"message\":\"the installation ended without a word\"}");
    if (dff_member_is(said, "ok", DFF_JSON_TRUE)) {
        dff_python_end(call, "SUCCESS", DFF_STR(""));
        return DFF_OK;
    }
    message = dff_member_text(&call->arena, said, "message");
    text = dff_member_text(&call->arena, said, "stderr");
    dff_python_end(call, "FAILURE", message);
    return dff_web_refuse(call, err, DFF_E_SYS, NULL, json_pack(
        "{s:s%, s:s%, s:s%}", "package", pkg.data, pkg.len, "stderr",
        text.data == NULL ? "" : text.data, text.len, "message",
        message.data == NULL ? "" : message.data, message.len), "pip: %s: %.*s", pkg.data,
        (int) message.len, message.data == NULL ? "" : message.data);
}


static int
dff_python_install(dff_web_call_t *call, dff_err_t *err)
{
    dff_str_t   pkg = dff_member_text(&call->arena, call->req.body, "pkg");
    dff_str_t   mirror = dff_member_text(&call->arena, call->req.body, "mirror");
    char        exe[PATH_MAX + 1], program[PATH_MAX + sizeof(DFF_PYTHON_INSTALL) + 2];
    ssize_t     n = readlink("/proc/self/exe", exe, PATH_MAX);
    char *const words[] = {
        (char *) DFF_PYTHON_PROGRAM, (char *) "-I", program,
        call->web->api->cfg->resource_root_path, (char *) (uintptr_t) pkg.data,
        mirror.len == 0 ? NULL : (char *) (uintptr_t) mirror.data, NULL
    };

    if (n <= 0 || pkg.data == NULL)
        return dff_err_set(err, DFF_E_SYS, "/proc/self/exe: %m");
    exe[n] = '\0';
    (void) snprintf(program, sizeof(program), "%s/" DFF_PYTHON_INSTALL, dirname(exe));
    if (dff_python_lock(call, err) != DFF_OK)
        return DFF_ERROR;
    if (dff_python_status_set(call, "RUNNING", DFF_STR(""), err) == DFF_OK
        && dff_file_work_run(call, words, dff_python_install_answer, err) == DFF_WEB_WAITS)
        return DFF_WEB_WAITS;
    dff_python_end(call, "FAILURE", dff_str_from(err->message));
    return DFF_ERROR;
}


static int
dff_python_status(dff_web_call_t *call, dff_err_t *err)
{
    redisReply *reply = dff_rcmd_run(call->web->api->rcmd, err, "GET " DFF_KEY_PYTHON_INSTALL);

    if (reply == NULL)
        return DFF_ERROR;
    dff_buf_add_str(&call->answer.data, reply->type == REDIS_REPLY_STRING
                    ? (dff_str_t) { reply->str, reply->len } : DFF_STR("null"));
    freeReplyObject(reply);
    return DFF_OK;
}

/* --- routes ---------------------------------------------------------------------------------- */

static const dff_prop_t dff_python_install_props[] = {
    { "pkg", DFF_PROP_STR, DFF_OP_BODY, DFF_OP_BODY, .max = DFF_PYTHON_PKG_MAX,
      .check = dff_python_is_package, .expects = "a name like six, six==1.16.0 or name[extra]" },
    { "mirror", DFF_PROP_STR, DFF_OP_BODY, .nullable = true, .max = DFF_PYTHON_MIRROR_MAX,
      .check = dff_python_is_mirror, .expects = "an address that begins with http:// or https://",
      .about = "Address of the package index; without, as pip is configured" },
};
static const dff_shape_t dff_python_install_body = DFF_SHAPE(dff_python_install_props);

static const dff_prop_t dff_python_package_props[] = {
    DFF_ANSWERED("name", DFF_PROP_STR), DFF_ANSWERED("version", DFF_PROP_STR),
    DFF_ANSWERED("isBuiltin", DFF_PROP_BOOL, .about = "Of the interpreter"),
};
DFF_ANSWER(dff_python_installed_answer, dff_python_package_props, DFF_PROP_OBJECTS);

static const char *const dff_python_states[] = { "RUNNING", "SUCCESS", "FAILURE", NULL };
static const dff_prop_t  dff_python_status_props[] = {
    DFF_ANSWERED("pkg", DFF_PROP_STR),
    DFF_ANSWERED("status", DFF_PROP_STR, .names = dff_python_states),
    DFF_ANSWERED("message", DFF_PROP_STR), DFF_ANSWERED("timestamp", DFF_PROP_TIME),
};
DFF_ANSWER(dff_python_status_answer, dff_python_status_props, DFF_PROP_OBJECT, .nullable = true,
           .about = "null when nothing was installed within the last hour");

static const dff_endpoint_t dff_python_rows[] = {
    { DFF_WEB_GET, "/api/v1/worker-image-info/do/get", "Get the version of a worker",
      DFF_SIGN_IN_NONE, .handler = dff_python_image, .answer = &dff_answer_image },
    { DFF_WEB_GET, "/api/v1/python-packages/installed", "List Python packages", DFF_SIGN_IN_ANY,
      DFF_GENERAL_R, .handler = dff_python_installed, .answer = &dff_python_installed_answer },
    { DFF_WEB_GET, "/api/v1/python-packages/install-status",
      "Get the state of the last installation of a Python package", DFF_SIGN_IN_ANY,
      DFF_GENERAL_R, .handler = dff_python_status, .answer = &dff_python_status_answer },
    { DFF_WEB_POST, "/api/v1/python-packages/install", "Install a Python package",
      DFF_SIGN_IN_ANY, DFF_GENERAL_W, .body = &dff_python_install_body,
      .handler = dff_python_install, .answer = &dff_answer_null },
};

const dff_endpoint_group_t dff_python_routes = DFF_ENDPOINTS(dff_python_rows);
