/*
 * The OpenAPI document: the routes of the table, for who is signed in, and every auth link
 * that shows itself, with the arguments of its function.
 */
#include "api/rest/dff_openapi.h"
#include "api/rest/dff_routes.h"

#include <stdlib.h>

#include "dff_version.h"

#include "dff_banned.h"

#define DFF_OPENAPI_LINKS_MAX  10000

static const char dff_openapi_begin[] =
    "{\"openapi\":\"3.1.0\",\"info\":{\"title\":\"DFF\",\"version\":\"" DFF_VERSION "\"},"
    "\"servers\":[{\"url\":\"/\"}],\"components\":{\"securitySchemes\":{"
    "\"token\":{\"type\":\"apiKey\",\"in\":\"header\",\"name\":\"X-Dff-Auth-Token\"},"
    "\"accessKey\":{\"type\":\"apiKey\",\"in\":\"header\",\"name\":\"X-Dff-Ak-Sign\","
    "\"description\":\"With X-Dff-Ak-Id, X-Dff-Ak-Timestamp and X-Dff-Ak-Nonce\"}},"
    "\"schemas\":{\"Failure\":{\"type\":\"object\",\"additionalProperties\":false,"
    "\"required\":[\"ok\",\"error\",\"message\",\"reason\",\"reqDump\",\"traceId\",\"reqTime\","
    "\"respTime\",\"reqCost\"],\"properties\":{"
    "\"ok\":{\"const\":false},\"error\":{\"type\":\"number\"},\"message\":{\"type\":\"string\"},"
    "\"reason\":{\"type\":\"string\"},\"detail\":{},"
    "\"data\":{\"description\":\"Of a draft that failed: how far it came\"},"
    "\"reqDump\":{\"type\":\"object\","
    "\"required\":[\"method\",\"url\"],\"properties\":{\"method\":{\"type\":\"string\"},"
    "\"url\":{\"type\":\"string\"},\"body\":{}}},"
    "\"traceId\":{\"type\":\"string\"},\"reqTime\":{\"type\":\"string\"},"
    "\"respTime\":{\"type\":\"string\"},\"reqCost\":{\"type\":\"integer\"}}},"
    "\"Unreached\":{\"type\":\"object\",\"additionalProperties\":false,"
    "\"required\":[\"ok\",\"error\",\"message\",\"reason\"],\"properties\":{"
    "\"ok\":{\"const\":false},\"error\":{\"type\":\"number\"},\"message\":{\"type\":\"string\"},"
    "\"reason\":{\"type\":\"string\"}}}},"
    "\"responses\":{\"Failed\":{\"description\":\"Failed\",\"content\":{\"application/json\":{"
    "\"schema\":{\"$ref\":\"#/components/schemas/Failure\"}}}},"
    "\"Unreached\":{\"description\":\"Failed, or has reached no process of the API\","
    "\"content\":{\"application/json\":{\"schema\":{\"anyOf\":["
    "{\"$ref\":\"#/components/schemas/Failure\"},"
    "{\"$ref\":\"#/components/schemas/Unreached\"}]}}}},"
    "\"Returned\":{\"description\":\"What the function returned, with a status of its choice\","
    "\"content\":{\"*/*\":{}}},"
    "\"Chosen\":{\"description\":\"Failed, or what the function returned, with a status of its"
    " choice\",\"content\":{\"application/json\":{\"schema\":{\"anyOf\":["
    "{\"$ref\":\"#/components/schemas/Failure\"},"
    "{\"$ref\":\"#/components/schemas/Unreached\"},{}]}},\"*/*\":{}}}}},\"paths\":{";

/* What nginx says for itself (deploy/nginx-api.conf.in) has another shape. */
static const char dff_openapi_failures[] =
    "\"413\":{\"$ref\":\"#/components/responses/Unreached\"},"
    "\"503\":{\"$ref\":\"#/components/responses/Unreached\"},"
    "\"default\":{\"$ref\":\"#/components/responses/Failed\"}";

/* Any status from 200 to 599 may be the function's. */
static const char dff_openapi_chosen[] =
    "\"2XX\":{\"$ref\":\"#/components/responses/Returned\"},"
    "\"3XX\":{\"$ref\":\"#/components/responses/Returned\"},"
    "\"default\":{\"$ref\":\"#/components/responses/Chosen\"}";

/* --- routes ---------------------------------------------------------------------------------- */

/* "/api/v1/users/:id/do/get" as "/api/v1/users/{id}/do/get"; names: only those, as
 * parameters. */
static void
dff_openapi_path(dff_buf_t *out, const char *pattern)
{
    const char *at = pattern;

    while (*at != '\0') {
        size_t len = strcspn(at, ":*");

        dff_buf_add(out, at, len);
        at += len;
        if (*at == '*') {
            dff_buf_add_str(out, DFF_STR("{path}"));
            at++;
        } else if (*at == ':') {
            len = strcspn(++at, "/");
            dff_buf_addf(out, "{%.*s}", (int) len, at);
            at += len;
        }
    }
}


static void
dff_openapi_parameters(dff_buf_t *out, const dff_endpoint_t *row)
{
    const char *at = row->pattern, *comma = "";
    dff_prop_t  prop;

    dff_buf_add_str(out, DFF_STR(",\"parameters\":["));
    while ((at = strpbrk(at, ":*")) != NULL) {
        size_t len = *at == '*' ? 4 : strcspn(at + 1, "/");

        dff_buf_addf(out, "%s{\"name\":\"%.*s\",\"in\":\"path\",\"required\":true,"
                     "\"schema\":{\"type\":\"string\"}}", comma, (int) len,
                     *at == '*' ? "path" : at + 1);
        comma = ",";
        at++;
    }
    for (size_t i = 0; dff_web_query_prop(row, i, &prop); i++) {
        dff_buf_addf(out, "%s{\"name\":\"%s\",\"in\":\"query\",\"required\":%s,%s\"schema\":",
                     comma, prop.name, prop.required != 0 ? "true" : "false",
                     prop.type == DFF_PROP_STRS ? "\"style\":\"form\",\"explode\":false," : "");
        dff_openapi_prop(out, &prop);
        dff_buf_add_str(out, DFF_STR("}"));
        comma = ",";
    }
    dff_buf_add_str(out, DFF_STR("]"));
}


/* What "data" of a success is. Which columns a list has, the query may say. */
static void
dff_openapi_data(dff_buf_t *out, const dff_endpoint_t *row)
{
    const dff_entity_t *entity = row->entity;

    if (row->answer != NULL) {
        dff_openapi_prop(out, row->answer);
    } else if (row->handler == dff_entity_list) {
        dff_buf_add_str(out, DFF_STR("{\"type\":\"array\",\"items\":"));
        dff_openapi_row(out, entity, DFF_IN_LIST, (entity->flags & DFF_ENTITY_FIELDS) != 0);
        dff_buf_add_str(out, DFF_STR("}"));
    } else {
        dff_openapi_row(out, entity, DFF_IN_GET, false);
    }
}


static const char *const dff_openapi_normal[] = { "normal", NULL };
static const char *const dff_openapi_marker[] = { "marker", NULL };
static const char *const dff_openapi_markers[] = { "seq", NULL };

static const dff_prop_t dff_openapi_normal_props[] = {
    DFF_ANSWERED("pagingStyle", DFF_PROP_STR, .names = dff_openapi_normal),
    DFF_ANSWERED("pageSize", DFF_PROP_INT),
    DFF_ANSWERED("count", DFF_PROP_INT, .about = "Rows of this page"),
    DFF_ANSWERED("totalCount", DFF_PROP_INT), DFF_ANSWERED("pageNumber", DFF_PROP_INT),
    DFF_ANSWERED("pageCount", DFF_PROP_INT), DFF_ANSWERED("isFirstPage", DFF_PROP_BOOL),
};
static const dff_prop_t dff_openapi_marker_props[] = {
    DFF_ANSWERED("pagingStyle", DFF_PROP_STR, .names = dff_openapi_marker),
    DFF_ANSWERED("pageSize", DFF_PROP_INT),
    DFF_ANSWERED("count", DFF_PROP_INT, .about = "Rows of this page"),
    DFF_ANSWERED("pageMarkerField", DFF_PROP_STR, .nullable = true,
                 .names = dff_openapi_markers),
    DFF_ANSWERED("pageMarker", DFF_PROP_INT, .nullable = true,
                 .about = "The pageMarker of the query for the next page"),
    DFF_ANSWERED("isFirstPage", DFF_PROP_BOOL),
};

static const dff_shape_t dff_openapi_pages[] = {
    [DFF_PAGING_NORMAL] = DFF_SHAPE(dff_openapi_normal_props),
    [DFF_PAGING_MARKER] = DFF_SHAPE(dff_openapi_marker_props),
};


static void
dff_openapi_envelope(dff_buf_t *out, const dff_endpoint_t *row)
{
    bool paged = row->handler == dff_entity_list && row->entity->paging != DFF_PAGING_NONE;

    dff_buf_addf(out, "{\"type\":\"object\",\"additionalProperties\":false,"
                 "\"required\":[\"ok\",\"error\",\"message\",\"data\",%s"
                 "\"traceId\",\"reqTime\",\"respTime\",\"reqCost\"],"
                 "\"properties\":{\"ok\":{\"const\":true},\"error\":{\"const\":200},"
                 "\"message\":{\"const\":\"\"},\"data\":", paged ? "\"pageInfo\"," : "");
    dff_openapi_data(out, row);
    if (paged) {
        dff_buf_add_str(out, DFF_STR(",\"pageInfo\":"));
        dff_openapi_shape(out, &dff_openapi_pages[row->entity->paging]);
    }
    dff_buf_add_str(out, DFF_STR(",\"traceId\":{\"type\":\"string\"},"
                                 "\"reqTime\":{\"type\":\"string\"},"
                                 "\"respTime\":{\"type\":\"string\"},"
                                 "\"reqCost\":{\"type\":\"integer\"}}}"));
}


/* The envelope; of a list that "export" works for also the rows alone. */
static void
dff_openapi_json(dff_buf_t *out, const dff_endpoint_t *row)
{
    bool exports = row->handler == dff_entity_list
        && (row->entity->flags & DFF_ENTITY_EXPORT) != 0;

    dff_buf_add_str(out, exports ? DFF_STR("\"application/json\":{\"schema\":{\"anyOf\":[")
                                 : DFF_STR("\"application/json\":{\"schema\":"));
    dff_openapi_envelope(out, row);
    if (exports) {
        dff_buf_add_str(out, DFF_STR(",{\"description\":\"With export=json\",\"type\":\"array\","
                                     "\"items\":"));
        dff_openapi_row(out, row->entity, DFF_IN_LIST, true);
        dff_buf_add_str(out, DFF_STR("}]}},\"text/csv\":{}"));
    } else {
        dff_buf_add_str(out, DFF_STR("}"));
    }
}


static void
dff_openapi_responses(dff_buf_t *out, const dff_endpoint_t *row)
{
    dff_buf_add_str(out, DFF_STR(",\"responses\":{\"200\":{\"description\":\"Done\","
                                 "\"content\":{"));
    if ((row->flags & DFF_ENDPOINT_RAW) != 0 && row->handler != dff_entity_list) {
        dff_buf_add_str(out, DFF_STR("\"*/*\":{}"));
    } else {
        dff_openapi_json(out, row);
    }
    dff_buf_addf(out, "}},%s}", (row->flags & DFF_ENDPOINT_FUNC) != 0 ? dff_openapi_chosen
                 : dff_openapi_failures);
}


static void
dff_openapi_body(dff_buf_t *out, const dff_endpoint_t *row)
{
    if ((row->flags & DFF_ENDPOINT_UPLOAD) != 0) {
        dff_buf_add_str(out, DFF_STR(",\"requestBody\":{\"content\":{\"multipart/form-data\":{"
                                     "\"schema\":{\"type\":\"object\"}}}}"));
    } else if (row->body != NULL) {
        dff_buf_add_str(out, DFF_STR(",\"requestBody\":{\"required\":true,\"content\":{"
                                     "\"application/json\":{\"schema\":"));
        dff_openapi_shape(out, row->body);
        dff_buf_add_str(out, DFF_STR("}}}"));
    }
}


/* "get-users-id-do-get": unique, as method and path are. */
static void
dff_openapi_operation_id(dff_buf_t *out, const char *method, const char *pattern)
{
    dff_buf_addf(out, "\"operationId\":\"%s", method);
    for (const char *at = pattern + sizeof("/api/v1") - 1; *at != '\0'; at++) {
        char c = *at == '/' ? '-' : *at == '*' ? 'x' : *at;

        if (c != ':') {
            dff_buf_add(out, &c, 1);
        }
    }
    dff_buf_add_str(out, DFF_STR("\""));
}


static void
dff_openapi_operation(dff_buf_t *out, const dff_endpoint_t *row, unsigned method)
{
    const char *name = method == DFF_WEB_GET ? "get" : "post";

    dff_buf_addf(out, "\"%s\":{", name);
    dff_openapi_operation_id(out, name, row->pattern);
    dff_buf_addf(out, ",\"summary\":\"%s\",\"security\":%s", row->title,
                 row->sign_in == DFF_SIGN_IN_NONE ? "[]"
                 : row->sign_in == DFF_SIGN_IN_TOKEN ? "[{\"token\":[]}]"
                 : "[{\"token\":[]},{\"accessKey\":[]}]");
    if (row->privilege != DFF_PRIVILEGE_NONE) {
        dff_buf_addf(out, ",\"x-privilege\":\"%s\"", dff_privilege_name(row->privilege));
    }
    if ((row->flags & DFF_ENDPOINT_ADMIN) != 0) {
        dff_buf_add_str(out, DFF_STR(",\"x-admin\":true"));
    }
    dff_openapi_parameters(out, row);
    if (method == DFF_WEB_POST) {
        dff_openapi_body(out, row);
    }
    dff_openapi_responses(out, row);
    dff_buf_add_str(out, DFF_STR("}"));
}


/* All rows of one pattern, once. */
static bool
dff_openapi_pattern(dff_buf_t *out, size_t first)
{
    const dff_endpoint_t *begin = dff_endpoint_at(first), *row;
    const char           *comma = "";

    for (size_t i = 0; i < first; i++) {
        if (strcmp(dff_endpoint_at(i)->pattern, begin->pattern) == 0) {
            return false;
        }
    }
    dff_buf_add_str(out, DFF_STR("\""));
    dff_openapi_path(out, begin->pattern);
    dff_buf_add_str(out, DFF_STR("\":{"));
    for (size_t i = first; (row = dff_endpoint_at(i)) != NULL; i++) {
        for (unsigned method = DFF_WEB_GET; method <= DFF_WEB_POST; method <<= 1) {
            if ((row->methods & method) != 0 && strcmp(row->pattern, begin->pattern) == 0) {
                dff_buf_add_str(out, dff_str_from(comma));
                dff_openapi_operation(out, row, method);
                comma = ",";
            }
        }
    }
    dff_buf_add_str(out, DFF_STR("}"));
    return true;
}

/* --- auth links that show themselves --------------------------------------------------------- */

enum { LINK_ID, LINK_KWARGS, LINK_TITLE, LINK_ABOUT, LINK_NAME, LINK_ARGS, LINK_TAGS };

typedef struct {
    dff_buf_t *out;
    size_t     count;
} dff_openapi_links_t;


static bool
dff_openapi_given_by_caller(dff_str_t fixed, const char *name)
{
    dff_json_member_t member;

    return !dff_member_get(fixed, name, &member)
        || dff_str_eq(member.value, DFF_STR("\"INPUT_BY_CALLER\""))
        || dff_str_eq(member.value, DFF_STR("\"FROM_PARAMETER\""));
}


/* The arguments that a caller gives, in one of three forms: 'p' properties, 'r' names of
 * those without a default, 'e' an example. */
static void
dff_openapi_arguments(dff_buf_t *out, const dff_str_t *columns, char form)
{
    dff_json_object_t it;
    dff_json_member_t member;
    const char       *comma = "";

    if (dff_json_object_open(&it, columns[LINK_ARGS]) != DFF_OK) {
        return;
    }
    while (dff_json_object_next(&it, &member, NULL) == 1) {
        dff_str_t key = member.key, value = dff_member_value(member.value, "default");
        char      name[256];

        if (key.len == 0 || key.len >= sizeof(name) || key.data[0] == '*') {
            continue;
        }
        memcpy(name, key.data, key.len);
        name[key.len] = '\0';
        if (!dff_openapi_given_by_caller(columns[LINK_KWARGS], name)
            || (form == 'r' && value.data != NULL))
        {
            continue;
        }
        dff_buf_addf(out, "%s\"%s\"", comma, name);
        comma = ",";
        if (form == 'p') {
            dff_buf_add_str(out, value.data == NULL ? DFF_STR(":{") : DFF_STR(":{\"default\":"));
            dff_buf_add_str(out, value);
            dff_buf_add_str(out, DFF_STR("}"));
        } else if (form == 'e') {
            dff_buf_add_str(out, DFF_STR(":"));
            dff_buf_add_str(out, value.data == NULL ? DFF_STR("null") : value);
        }
    }
}


static int
dff_openapi_link(void *ctx, const dff_str_t *columns, size_t ncolumns, dff_err_t *err)
{
    dff_openapi_links_t *links = ctx;
    dff_buf_t           *out = links->out;
    dff_str_t            title = columns[LINK_TITLE].data == NULL ? columns[LINK_NAME]
                                                                  : columns[LINK_TITLE];

    (void) ncolumns;
    dff_buf_addf(out, "%s\"/api/v1/al/%s\":{\"post\":{\"operationId\":\"call-%s\","
                 "\"security\":[],\"summary\":", links->count++ == 0 ? "" : ",",
                 columns[LINK_ID].data, columns[LINK_ID].data);
    dff_buf_add_json_string(out, title);
    dff_buf_add_str(out, DFF_STR(",\"description\":"));
    dff_buf_add_json_string(out, columns[LINK_ABOUT].data == NULL ? DFF_STR("")
                            : columns[LINK_ABOUT]);
    dff_buf_add_str(out, DFF_STR(",\"tags\":"));
    dff_buf_add_str(out, columns[LINK_TAGS].data == NULL ? DFF_STR("[]") : columns[LINK_TAGS]);
    dff_buf_add_str(out, DFF_STR(",\"requestBody\":{\"required\":true,\"content\":{"
                                 "\"application/json\":{\"schema\":{\"type\":\"object\","
                                 "\"properties\":{\"kwargs\":{\"type\":\"object\","
                                 "\"properties\":{"));
    dff_openapi_arguments(out, columns, 'p');
    dff_buf_add_str(out, DFF_STR("},\"required\":["));
    dff_openapi_arguments(out, columns, 'r');
    dff_buf_add_str(out, DFF_STR("]},\"options\":{\"type\":\"object\"}}},"
                                 "\"example\":{\"kwargs\":{"));
    dff_openapi_arguments(out, columns, 'e');
    dff_buf_add_str(out, DFF_STR("}}}}},\"responses\":{\"200\":{\"description\":"
                                 "\"What the function returned\",\"content\":{\"*/*\":{}}},"));
    dff_buf_addf(out, "%s}}}", dff_openapi_chosen);
    return dff_buf_failed(out) ? dff_err_set(err, DFF_E_SYS, "out of memory") : DFF_OK;
}


static int
dff_openapi_get(dff_web_call_t *call, dff_err_t *err)
{
    dff_db_value_t      values[] = { DFF_DB_VALUE_INT(DFF_OPENAPI_LINKS_MAX) };
    dff_buf_t          *out = &call->answer.content;
    dff_openapi_links_t links = { .out = out };

    dff_buf_add(out, dff_openapi_begin, sizeof(dff_openapi_begin) - 1);
    /* The table of routes is nobody's business who has not signed in. */
    for (size_t i = 0; call->user.id[0] != '\0' && dff_endpoint_at(i) != NULL; i++) {
        size_t before = out->len;

        dff_buf_add_str(out, links.count == 0 ? DFF_STR("") : DFF_STR(","));
        if (dff_openapi_pattern(out, i)) {
            links.count++;
        } else {
            out->len = before;
        }
    }
    if (dff_db_each(call->web->api->db, "SELECT l.id, l.funcCallKwargsJSON, f.title,"
                    " f.description, f.name, f.kwargsJSON, f.tagsJSON FROM auth_link l"
                    " JOIN func f ON f.id = l.funcId WHERE l.showInDoc = 1 ORDER BY l.id LIMIT ?",
                    DFF_DB_ARGS(values), dff_openapi_link, &links, err) != DFF_OK)
    {
        return DFF_ERROR;
    }
    dff_buf_add_str(out, DFF_STR("}}"));
    call->answer.content_type = "application/json; charset=utf-8";
    return dff_buf_failed(out) ? dff_err_set(err, DFF_E_SYS, "out of memory") : DFF_OK;
}


static const dff_endpoint_t dff_openapi_rows[] = {
    { DFF_WEB_GET, "/api/v1/openapi.json", "Get this document", DFF_SIGN_IN_NONE,
      .handler = dff_openapi_get, .flags = DFF_ENDPOINT_RAW },
};

const dff_endpoint_group_t dff_openapi_routes = DFF_ENDPOINTS(dff_openapi_rows);
