/* Answers of functions: see the header. */
#include "api/rest/dff_func_answer.h"

#include <errno.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dff_beneath.h"
#include "dff_own_header.h"

#include "dff_banned.h"


/* A header of a script's own. Here no cookies, which would be this API's; the status and the type
 * are said elsewhere. */
static bool
dff_func_answer_may(const char *name)
{
    static const char *const ours[] = { "set-cookie", "status", "content-type" };

    if (name[0] == '\0' || name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                      "0123456789-_")] != '\0')
        return false;
    if (dff_own_header(name))
        return false;
    for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
        if (strcasecmp(name, ours[i]) == 0)
            return false;
    }
    return true;
}


static void
dff_func_answer_headers(dff_web_call_t *call, const json_t *control)
{
    dff_web_answer_t *answer = &call->answer;
    const json_t     *status = json_object_get(control, "statusCode");
    const json_t     *download = json_object_get(control, "download");
    const char       *type = json_string_value(json_object_get(control, "contentType")), *name;
    json_t           *value;
    bool              is_disposed = false;      /* in the script's own words */

    if (json_is_integer(status) && json_integer_value(status) >= 200
        && json_integer_value(status) <= 599)
        answer->status = (int) json_integer_value(status);
    if (type != NULL && strpbrk(type, "\r\n") == NULL)
        answer->content_type = dff_arena_copy(&call->arena, dff_str_from(type));
    json_object_foreach(json_object_get(control, "headers"), name, value) {
        if (!json_is_string(value) || !dff_func_answer_may(name))
            continue;
        is_disposed = is_disposed || strcasecmp(name, "Content-Disposition") == 0;
        dff_web_answer_header(answer, name, dff_str_from(json_string_value(value)));
    }
    if (is_disposed)
        return;
    if (json_is_string(download))
        dff_web_answer_attachment(answer, dff_str_from(json_string_value(download)));
    else if (json_is_true(download))
        dff_web_answer_header(answer, "Content-Disposition", DFF_STR("attachment"));
}


/* Opened, and removed at once where the script wants that: what is open can still be sent. */
static int
dff_func_answer_open(dff_web_call_t *call, const char *path, bool removes, dff_err_t *err)
{
    dff_web_answer_t *answer = &call->answer;
    const char       *slash = strrchr(path, '/');
    struct stat       st;
    int               folder = -1;

    answer->file = dff_beneath_open(call->web->api->cfg->resource_root_path, dff_str_from(path),
                                    &folder);
    if (answer->file == -1)
        return dff_err_set(err, DFF_E_FUNC_RESULT_PARSING_FAILED, "The file that the function "
                           "returned cannot be sent: %s", strerror(errno));
    answer->has_file = true;        /* and is closed with the answer */
    if (fstat(answer->file, &st) != 0) {
        (void) close(folder);
        return dff_err_set(err, DFF_E_SYS, "fstat: %m");
    }
    answer->file_size = (uint64_t) st.st_size;
    if (removes && dff_beneath_unlink(folder, dff_str_from(slash == NULL ? path : slash + 1)) != 0)
        dff_log_warn(&call->web->api->log, call->req.trace_id, "%s is not removed: %s", path,
                     strerror(errno));
    (void) close(folder);
    return DFF_OK;
}


static int
dff_func_answer_file(dff_web_call_t *call, const json_t *control, dff_err_t *err)
{
    const char *path = json_string_value(json_object_get(control, "file"));
    const char *node = json_string_value(json_object_get(control, "node"));

    if (path == NULL)
        return DFF_OK;
    if (node != NULL && strcmp(node, call->web->api->node) != 0)
        return dff_err_set(err, DFF_E_FUNC_RESULT_PARSING_FAILED, "The file is on node %s; with "
                           "an auth link, or a resource folder that is shared "
                           "(RESOURCE_ROOT_SHARED), it can be sent from here", node);
    dff_web_answer_header(&call->answer, "X-Accel-Buffering", DFF_STR("no"));
    return dff_func_answer_open(call, path, json_is_true(json_object_get(control, "autoDelete")),
                                err);
}


int
dff_func_answer_control(dff_web_call_t *call, dff_str_t text, dff_err_t *err)
{
    json_t *control = json_loadb(text.data, text.len, 0, NULL);
    int     rc;

    dff_func_answer_headers(call, control);
    rc = dff_func_answer_file(call, control, err);
    json_decref(control);
    return rc;
}
