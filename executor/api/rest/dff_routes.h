/*
 * The groups of routes that make the table of endpoints (dff_endpoints.c), and what their
 * rows share.
 */
#ifndef DFF_ROUTES_H
#define DFF_ROUTES_H

#include "api/http/dff_web.h"
#include "api/rest/dff_answers.h"

/* One a line, so that two who add one do not meet. */
extern const dff_endpoint_group_t dff_access_key_routes;
extern const dff_endpoint_group_t dff_api_auth_routes;
extern const dff_endpoint_group_t dff_env_routes;
extern const dff_endpoint_group_t dff_file_service_routes;
extern const dff_endpoint_group_t dff_func_cache_routes;
extern const dff_endpoint_group_t dff_func_result_routes;
extern const dff_endpoint_group_t dff_func_routes;
extern const dff_endpoint_group_t dff_func_store_routes;
extern const dff_endpoint_group_t dff_func_sign_in_routes;
extern const dff_endpoint_group_t dff_link_routes;
extern const dff_endpoint_group_t dff_log_routes;
extern const dff_endpoint_group_t dff_monitor_node_routes;
extern const dff_endpoint_group_t dff_monitor_stat_routes;
extern const dff_endpoint_group_t dff_monitor_task_routes;
extern const dff_endpoint_group_t dff_operation_routes;
extern const dff_endpoint_group_t dff_package_routes;
extern const dff_endpoint_group_t dff_source_routes;
extern const dff_endpoint_group_t dff_openapi_routes;
extern const dff_endpoint_group_t dff_overview_routes;
extern const dff_endpoint_group_t dff_public_routes;
extern const dff_endpoint_group_t dff_recover_routes;
extern const dff_endpoint_group_t dff_python_routes;
extern const dff_endpoint_group_t dff_resource_routes;
extern const dff_endpoint_group_t dff_script_routes;
extern const dff_endpoint_group_t dff_script_set_routes;
extern const dff_endpoint_group_t dff_sign_in_routes;
extern const dff_endpoint_group_t dff_system_config_routes;
extern const dff_endpoint_group_t dff_system_log_routes;
extern const dff_endpoint_group_t dff_user_routes;

/* Rows of what every entity has. base: a literal like "/api/v1/users". */
#define DFF_ROUTE_LIST(base, what, entity_, privilege_, kind) \
    { DFF_WEB_GET, base "/do/list", "List " what, kind, privilege_, \
      .handler = dff_entity_list, .entity = (entity_), .flags = DFF_ENDPOINT_RAW }
#define DFF_ROUTE_GET(base, what, entity_, privilege_, kind) \
    { DFF_WEB_GET, base "/:id/do/get", "Get " what, kind, privilege_, \
      .handler = dff_entity_get, .entity = (entity_) }
#define DFF_ROUTE_ADD(base, what, entity_, privilege_, kind, body_) \
    { DFF_WEB_POST, base "/do/add", "Add " what, kind, privilege_, .body = (body_), \
      .handler = dff_entity_add, .entity = (entity_), .answer = &dff_answer_id }
#define DFF_ROUTE_MODIFY(base, what, entity_, privilege_, kind, body_) \
    { DFF_WEB_POST, base "/:id/do/modify", "Modify " what, kind, privilege_, .body = (body_), \
      .handler = dff_entity_modify, .entity = (entity_), .answer = &dff_answer_id }
/* With both methods: a page of another origin can make a browser send either, but never
 * the header with the token. */
#define DFF_ROUTE_DELETE(base, what, entity_, privilege_, kind) \
    { DFF_WEB_GET | DFF_WEB_POST, base "/:id/do/delete", "Delete " what, kind, privilege_, \
      .handler = dff_entity_delete, .entity = (entity_), .answer = &dff_answer_id }
#define DFF_ROUTE_ADD_MANY(base, what, entity_, privilege_, kind, body_) \
    { DFF_WEB_POST, base "/do/add-many", "Add many " what, kind, privilege_, .body = (body_), \
      .handler = dff_entity_add_many, .entity = (entity_), .answer = &dff_answer_ids }
#define DFF_ROUTE_MODIFY_MANY(base, what, entity_, privilege_, kind, body_) \
    { DFF_WEB_POST, base "/do/modify-many", "Modify many " what, kind, privilege_, \
      .body = (body_), .handler = dff_entity_modify_many, .entity = (entity_), \
      .answer = &dff_answer_ids }
#define DFF_ROUTE_DELETE_MANY(base, what, entity_, privilege_, kind) \
    { DFF_WEB_GET | DFF_WEB_POST, base "/do/delete-many", "Delete many " what, kind, \
      privilege_, .handler = dff_entity_delete_many, .entity = (entity_), \
      .answer = &dff_answer_ids }

/* The bodies {"data":{…}} of an entity's columns: NAME_add_body and so on. */
#define DFF_BODY_OF(name, columns, op_) \
    static const dff_shape_t name##_data = DFF_SHAPE_OP(columns, op_); \
    static const dff_prop_t name##_props[] = { \
        { "data", DFF_PROP_OBJECT, DFF_OP_BODY, DFF_OP_BODY, .shape = &name##_data } \
    }; \
    static const dff_shape_t name = DFF_SHAPE(name##_props)
/* {"data":[{…},…]} */
#define DFF_BODY_LIST_OF(name, columns, op_) \
    static const dff_shape_t name##_data = DFF_SHAPE_OP(columns, op_); \
    static const dff_prop_t name##_props[] = { \
        { "data", DFF_PROP_OBJECTS, DFF_OP_BODY, DFF_OP_BODY, .shape = &name##_data } \
    }; \
    static const dff_shape_t name = DFF_SHAPE(name##_props)

/* Columns that every table has. */
#define DFF_COLUMN_SEQ  { { "seq", DFF_PROP_INT }, DFF_CELL_INT, DFF_IN_BOTH }
#define DFF_COLUMN_TIMES \
    { { "createTime", DFF_PROP_TIME }, DFF_CELL_TIME, DFF_IN_BOTH }, \
    { { "updateTime", DFF_PROP_TIME }, DFF_CELL_TIME, DFF_IN_BOTH }
/* One that is only shown, under a name of its own, in lists. */
#define DFF_COLUMN_JOINED(name, sql_, cell_) \
    { { name, DFF_PROP_ANY }, cell_, DFF_IN_LIST, sql_ }

#define DFF_COUNT_OF(array)  (array), sizeof(array) / sizeof((array)[0])

#define DFF_TITLE_MAX  256      /* characters, as the columns have */
#define DFF_NOTE_MAX   16000    /* characters of a TEXT column, whatever they are */

/* What the checks of ids (dff_id.h) want. */
#define DFF_IDENTIFIER_EXPECTS  "a letter or _, then letters, digits and _, up to 64"
#define DFF_LINK_ID_EXPECTS     "1 to 64 of [0-9A-Za-z._-]"

#endif
