/* What a client asks before anybody has signed in. */
#include "api/rest/dff_routes.h"

#include <stdlib.h>
#include <sys/utsname.h>

#include "dff_version.h"
#include "api/http/dff_web_query.h"

#include "dff_banned.h"

#define DFF_PUBLIC_AUTH  DFF_WEB_QUERY_TOKEN


static int
dff_public_client_config(dff_web_call_t *call, dff_err_t *err)
{
    return dff_web_reply(call, json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}",
        "_WEB_CLIENT_ID_COOKIE", "xDFFClientId",
        "_WEB_CLIENT_LOCALE_COOKIE", "xDFFClientLocale",
        "_WEB_CLIENT_LANGUAGE_COOKIE", "xDFFClientLocaleLanguage",
        "_WEB_PAGE_SIZE_COOKIE", "xDFFPageSize",
        "_WEB_DRY_RUN_MODE_HEADER", "X-Dff-Use-Dry-Run-Mode",
        "_WEB_AUTH_HEADER", "X-Dff-Auth-Token",
        "_WEB_AUTH_QUERY", DFF_PUBLIC_AUTH,
        "_WEB_AUTH_LOCAL_STORAGE", DFF_PUBLIC_AUTH,
        "_WEB_AUTH_COOKIE", DFF_PUBLIC_AUTH), err);
}


static int
dff_public_image_info(dff_web_call_t *call, dff_err_t *err)
{
    struct utsname machine = { .machine = "" };

    (void) uname(&machine);     /* "" is as good as any answer */
    return dff_web_reply(call, json_pack(
        "{s:I, s:s, s:s, s:s, s:s, s:s}", "CREATE_TIMESTAMP", (json_int_t) 0,
        "CI_COMMIT_REF_NAME", DFF_VERSION, "PLATFORM", machine.machine, "CI_PIPELINE_ID", "",
        "CI_JOB_ID", "", "CI_BUILD_ID", ""), err);
}


/* Entries of the schema's migrations; seq "latest": the last one, a number: later ones. */
static int
dff_public_upgrade_info(dff_web_call_t *call, dff_err_t *err)
{
    dff_str_t     seq = dff_web_query(&call->req, "seq");
    bool          latest = dff_str_eq(seq, DFF_STR("latest"));
    int64_t       after = 0;
    dff_db_rows_t rows;
    json_t       *list = json_array();

    if (seq.data != NULL && !latest && dff_json_int64(seq, &after) != DFF_OK) {
        json_decref(list);
        return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST, "query seq must be a number or latest");
    }
    if (dff_db_query(call->web->api->db, "SELECT version FROM schema_migration ORDER BY version",
                     NULL, 0, &rows, err) != DFF_OK)
    {
        json_decref(list);
        return DFF_ERROR;
    }
    for (size_t i = 0; i < rows.nrows; i++) {
        int64_t version = dff_db_number(dff_db_cell(&rows, i, 0));

        if (latest ? i + 1 == rows.nrows : version > after) {
            (void) json_array_append_new(list, json_pack("{s:I, s:s}", "seq",
                                                         (json_int_t) version, "database", ""));
        }
    }
    dff_db_rows_release(&rows);
    return dff_web_reply(call, list, err);
}

/* --- func-system-config ---------------------------------------------------------------------- */

/* What the answer has, and where it is always the same. */
typedef struct {
    dff_prop_t  prop;       /* first: the shape of the answer is made of these */
    const char *json;       /* NULL: not always the same */
} dff_public_member_t;

#define DFF_PUBLIC(name, type, json)  { DFF_ANSWERED(name, type), json }

static const dff_prop_t dff_public_sign_in_func_props[] = {
    DFF_ANSWERED("id", DFF_PROP_STR), DFF_ANSWERED("name", DFF_PROP_STR, .about = "Its title"),
};
static const dff_shape_t dff_public_sign_in_func = DFF_SHAPE(dff_public_sign_in_func_props);

static const dff_public_member_t dff_public_members[] = {
    DFF_PUBLIC("WEB_BASE_URL", DFF_PROP_STR, NULL),
    DFF_PUBLIC("_HOSTNAME", DFF_PROP_STR, NULL),
    DFF_PUBLIC("_PIP_INSTALL_DIR", DFF_PROP_STR, NULL),
    DFF_PUBLIC("MODE", DFF_PROP_STR, "\"prod\""),
    DFF_PUBLIC("WEB_INNER_BASE_URL", DFF_PROP_STR, "\"\""),
    DFF_PUBLIC("_WEB_CLIENT_ID_HEADER", DFF_PROP_STR, "\"X-Dff-Client-Id\""),
    DFF_PUBLIC("_WEB_ORIGIN_HEADER", DFF_PROP_STR, "\"X-Dff-Origin\""),
    DFF_PUBLIC("_WEB_AUTH_HEADER", DFF_PROP_STR, "\"X-Dff-Auth-Token\""),
    DFF_PUBLIC("_WEB_AUTH_QUERY", DFF_PROP_STR, "\"" DFF_PUBLIC_AUTH "\""),
    DFF_PUBLIC("_WEB_TRACE_ID_HEADER", DFF_PROP_STR, "\"X-Trace-Id\""),
    DFF_PUBLIC("_WEB_PULL_LOG_TRACE_ID", DFF_PROP_STR, "\"" DFF_WEB_PULL_LOG_TRACE_ID "\""),
    DFF_PUBLIC("_FUNC_PKG_EXPORT_FILENAME", DFF_PROP_STR, "\"dataflux-func\""),
    DFF_PUBLIC("_FUNC_PKG_EXPORT_EXT", DFF_PROP_STR, "\".func-pkg\""),
    DFF_PUBLIC("_FUNC_PKG_PASSWORD_LENGTH_RANGE_LIST", DFF_PROP_STRS, "[\"12\",\"20\"]"),
    DFF_PUBLIC("_FUNC_ARGUMENT_PLACEHOLDER_LIST", DFF_PROP_STRS,
               "[\"INPUT_BY_CALLER\",\"FROM_PARAMETER\"]"),
    DFF_PUBLIC("_FUNC_TASK_DEBUG_TIMEOUT", DFF_PROP_INT, "60"),
    DFF_PUBLIC("_INTERNAL_KEEP_SCRIPT_FAILURE", DFF_PROP_BOOL, "false"),
    DFF_PUBLIC("_INTERNAL_KEEP_SCRIPT_LOG", DFF_PROP_BOOL, "false"),
    DFF_PUBLIC("_ENABLE_DATA_SOURCE_SQLSERVER", DFF_PROP_BOOL, "false"),
    DFF_PUBLIC("_ENABLE_DATA_SOURCE_ORACLE", DFF_PROP_BOOL, "false"),
    DFF_PUBLIC("_EX_UPLOAD_RESOURCE_FILE_SIZE_LIMIT", DFF_PROP_INT, "10737418240"),
    DFF_PUBLIC("_FUNC_TASK_DEFAULT_TIMEOUT", DFF_PROP_INT, NULL),
    DFF_PUBLIC("_FUNC_TASK_MIN_TIMEOUT", DFF_PROP_INT, NULL),
    DFF_PUBLIC("_FUNC_TASK_MAX_TIMEOUT", DFF_PROP_INT, NULL),
    DFF_PUBLIC("_FUNC_TASK_DEFAULT_API_TIMEOUT", DFF_PROP_INT, NULL),
    DFF_PUBLIC("_FUNC_TASK_MIN_API_TIMEOUT", DFF_PROP_INT, NULL),
    DFF_PUBLIC("_FUNC_TASK_MAX_API_TIMEOUT", DFF_PROP_INT, NULL),
    DFF_PUBLIC("_FUNC_TASK_EXTRA_TIMEOUT_TO_KILL", DFF_PROP_INT, NULL),
    { DFF_ANSWERED_MAYBE("_INTEGRATED_SIGN_IN_FUNC", DFF_PROP_OBJECTS,
                         .shape = &dff_public_sign_in_func), NULL },
};
DFF_ANSWER(dff_public_system_answer, dff_public_members, DFF_PROP_OBJECT);


static void
dff_public_add(dff_buf_t *out, const char *key, const char *text)
{
    dff_buf_addf(out, ",\"%s\":", key);
    dff_buf_add_json_string(out, dff_str_from(text));
}


static int
dff_public_add_sign_in_funcs(dff_web_call_t *call, dff_buf_t *out, dff_err_t *err)
{
    dff_db_rows_t rows;

    if (dff_db_query(call->web->api->db, "SELECT id, COALESCE(title, name) FROM func"
                     " WHERE integration = 'signIn' ORDER BY id LIMIT 100", NULL, 0, &rows, err)
        != DFF_OK)
    {
        return DFF_ERROR;
    }
    for (size_t i = 0; i < rows.nrows; i++) {
        dff_buf_add_str(out, i == 0 ? DFF_STR(",\"_INTEGRATED_SIGN_IN_FUNC\":[{\"id\":")
                                    : DFF_STR(",{\"id\":"));
        dff_buf_add_json_string(out, dff_db_cell(&rows, i, 0));
        dff_buf_add_str(out, DFF_STR(",\"name\":"));
        dff_buf_add_json_string(out, dff_db_cell(&rows, i, 1));
        dff_buf_add_str(out, DFF_STR("}"));
    }
    dff_buf_add_str(out, rows.nrows > 0 ? DFF_STR("]") : DFF_STR(""));
    dff_db_rows_release(&rows);
    return DFF_OK;
}


static int
dff_public_system_config(dff_web_call_t *call, dff_err_t *err)
{
    const dff_config_t *cfg = call->web->api->cfg;
    dff_buf_t          *out = &call->answer.data;
    char               *packages = NULL;

    const struct { const char *key; int64_t value; } numbers[] = {
        { "_FUNC_TASK_DEFAULT_TIMEOUT", cfg->func_default_timeout_s },
        { "_FUNC_TASK_MIN_TIMEOUT", cfg->func_min_timeout_s },
        { "_FUNC_TASK_MAX_TIMEOUT", cfg->func_max_timeout_s },
        { "_FUNC_TASK_DEFAULT_API_TIMEOUT", cfg->func_default_api_timeout_s },
        { "_FUNC_TASK_MIN_API_TIMEOUT", cfg->func_min_api_timeout_s },
        { "_FUNC_TASK_MAX_API_TIMEOUT", cfg->func_max_api_timeout_s },
        { "_FUNC_TASK_EXTRA_TIMEOUT_TO_KILL", cfg->func_extra_timeout_to_kill_s },
    };

    dff_buf_add_str(out, DFF_STR("{\"WEB_BASE_URL\":"));
    dff_buf_add_json_string(out, dff_str_from(cfg->web_base_url));
    dff_public_add(out, "_HOSTNAME", call->web->api->node);
    if (asprintf(&packages, "%s/extra-python-packages", cfg->resource_root_path) < 0) {
        return dff_err_set(err, DFF_E_SYS, "out of memory");
    }
    dff_public_add(out, "_PIP_INSTALL_DIR", packages);
    free(packages);
    for (size_t i = 0; i < sizeof(dff_public_members) / sizeof(dff_public_members[0]); i++) {
        if (dff_public_members[i].json != NULL) {
            dff_buf_addf(out, ",\"%s\":%s", dff_public_members[i].prop.name,
                         dff_public_members[i].json);
        }
    }
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        dff_buf_addf(out, ",\"%s\":%lld", numbers[i].key, (long long) numbers[i].value);
    }
    if (dff_public_add_sign_in_funcs(call, out, err) != DFF_OK) {
        return DFF_ERROR;
    }
    dff_buf_add_str(out, DFF_STR("}"));
    return DFF_OK;
}


static int
dff_public_echo(dff_web_call_t *call, dff_err_t *err)
{
    (void) err;
    dff_buf_add_str(&call->answer.data, call->req.body);
    return DFF_OK;
}


static const dff_prop_t dff_public_echo_props[] = {
    { "echo", DFF_PROP_ANY, DFF_OP_BODY },
};
static const dff_shape_t dff_public_echo_body = DFF_SHAPE(dff_public_echo_props);
static const dff_prop_t  dff_public_echo_answer = {
    .type = DFF_PROP_OBJECT, .shape = &dff_public_echo_body
};

#define DFF_PUBLIC_NAME(name)  DFF_ANSWERED(name, DFF_PROP_STR)
static const dff_prop_t dff_public_client_props[] = {
    DFF_PUBLIC_NAME("_WEB_CLIENT_ID_COOKIE"), DFF_PUBLIC_NAME("_WEB_CLIENT_LOCALE_COOKIE"),
    DFF_PUBLIC_NAME("_WEB_CLIENT_LANGUAGE_COOKIE"), DFF_PUBLIC_NAME("_WEB_PAGE_SIZE_COOKIE"),
    DFF_PUBLIC_NAME("_WEB_DRY_RUN_MODE_HEADER"), DFF_PUBLIC_NAME("_WEB_AUTH_HEADER"),
    DFF_PUBLIC_NAME("_WEB_AUTH_QUERY"), DFF_PUBLIC_NAME("_WEB_AUTH_LOCAL_STORAGE"),
    DFF_PUBLIC_NAME("_WEB_AUTH_COOKIE"),
};
DFF_ANSWER(dff_public_client_answer, dff_public_client_props, DFF_PROP_OBJECT);

static const dff_prop_t dff_public_upgrade_entry_props[] = {
    DFF_ANSWERED("seq", DFF_PROP_INT), DFF_ANSWERED("database", DFF_PROP_STR, .about = "Empty"),
};
DFF_ANSWER(dff_public_upgrade_answer, dff_public_upgrade_entry_props, DFF_PROP_OBJECTS);

static const dff_prop_t dff_public_upgrade_props[] = {
    { "seq", DFF_PROP_STR, DFF_OP_BODY, .about = "A number: later ones; latest: the last one" },
};
static const dff_shape_t dff_public_upgrade_query = DFF_SHAPE(dff_public_upgrade_props);

static const dff_endpoint_t dff_public_rows[] = {
    { DFF_WEB_GET, "/api/v1/client-config/do/get", "Get names of headers and cookies",
      DFF_SIGN_IN_NONE, .handler = dff_public_client_config, .answer = &dff_public_client_answer },
    { DFF_WEB_GET, "/api/v1/image-info/do/get", "Get the version", DFF_SIGN_IN_NONE,
      .handler = dff_public_image_info, .answer = &dff_answer_image },
    { DFF_WEB_GET, "/api/v1/func-system-config", "Get the configuration that clients need",
      DFF_SIGN_IN_NONE, .handler = dff_public_system_config,
      .answer = &dff_public_system_answer },
    { DFF_WEB_GET, "/api/v1/upgrade-info", "Get the versions of the schema", DFF_SIGN_IN_NONE,
      .query = &dff_public_upgrade_query, .handler = dff_public_upgrade_info,
      .answer = &dff_public_upgrade_answer },
    { DFF_WEB_POST, "/api/v1/do/echo", "Echo the body", DFF_SIGN_IN_ANY,
      .body = &dff_public_echo_body, .handler = dff_public_echo,
      .answer = &dff_public_echo_answer },
};

const dff_endpoint_group_t dff_public_routes = DFF_ENDPOINTS(dff_public_rows);
