/* What calls leave behind, as lists: logs, failures, tasks, results. */
#include "api/rest/dff_joined.h"

#include "dff_banned.h"

static const char *const dff_log_modes[] = { "sync", "async", "crontab", NULL };

/* A column of the table that is only shown. */
#define DFF_SHOWN(name, type, cell)  { { name, type }, cell, DFF_IN_BOTH }
#define DFF_SHOWN_TEXT(name)  DFF_SHOWN(name, DFF_PROP_STR, DFF_CELL_TEXT)
#define DFF_SHOWN_INT(name)   DFF_SHOWN(name, DFF_PROP_INT, DFF_CELL_INT)
#define DFF_SHOWN_TIME(name)  DFF_SHOWN(name, DFF_PROP_TIME, DFF_CELL_TIME)
#define DFF_SHOWN_JSON(name)  DFF_SHOWN(name, DFF_PROP_ANY, DFF_CELL_JSON)

#define DFF_LOG_SORTS(name)  static const dff_sort_t name##_sorts[] = { { "seq", "t.seq" } }

#define DFF_LOG_ENTITY(name, noun_, table_, joins_, more) \
    static const dff_entity_t name##_entity = { \
        .noun = noun_, .table = table_, .joins = joins_, DFF_ENTITY_TABLE(name), \
        .fuzzy = name##_fuzzy, .order = "t.seq DESC", more \
    }

#define DFF_LOG_LIST(base, what, name) \
    DFF_ROUTE_LIST("/api/v1/" base, what, &name##_entity, DFF_GENERAL_R, DFF_SIGN_IN_ANY)

/* --- script logs and failures ---------------------------------------------------------------- */

static const dff_column_t dff_script_log_columns[] = {
    DFF_COLUMN_SEQ, DFF_SHOWN_TEXT("id"), DFF_SHOWN_TEXT("funcId"),
    DFF_SHOWN_INT("scriptPublishVersion"), DFF_SHOWN_TEXT("execMode"),
    DFF_SHOWN_TEXT("messageTEXT"), DFF_COLUMN_TIMES, DFF_COLUMNS_FUNC_SHORT,
};
static const dff_filter_t dff_script_log_filters[] = {
    { "id", DFF_FILTER_IN, "t.id", NULL }, { "funcId", DFF_FILTER_IN, "t.funcId", NULL },
};
DFF_LOG_SORTS(dff_script_log);
static const char *const dff_script_log_fuzzy[] = {
    "t.messageTEXT", "func.id", "func.title", "func.description", NULL
};
DFF_LOG_ENTITY(dff_script_log, "script log", "script_log", DFF_JOIN_FUNC,
               .flags = DFF_ENTITY_FIELDS);

static const dff_column_t dff_script_failure_columns[] = {
    DFF_COLUMN_SEQ, DFF_SHOWN_TEXT("id"), DFF_SHOWN_TEXT("funcId"),
    DFF_SHOWN_INT("scriptPublishVersion"), DFF_SHOWN_TEXT("execMode"),
    DFF_SHOWN_TEXT("einfoTEXT"), DFF_SHOWN_TEXT("exception"), DFF_SHOWN_TEXT("note"),
    DFF_COLUMN_TIMES, DFF_COLUMNS_FUNC_SHORT,
};
static const dff_filter_t dff_script_failure_filters[] = {
    { "id", DFF_FILTER_IN, "t.id", NULL }, { "funcId", DFF_FILTER_IN, "t.funcId", NULL },
};
DFF_LOG_SORTS(dff_script_failure);
static const char *const dff_script_failure_fuzzy[] = {
    "t.einfoTEXT", "func.id", "func.title", "func.description", NULL
};
DFF_LOG_ENTITY(dff_script_failure, "script failure", "script_failure", DFF_JOIN_FUNC,
               .flags = DFF_ENTITY_FIELDS);

/* --- tasks of crontab configs and batches ---------------------------------------------------- */

#define DFF_TASK_COLUMNS(of) \
    DFF_COLUMN_SEQ, DFF_SHOWN_TEXT("id"), DFF_SHOWN_TEXT(of), DFF_SHOWN_TEXT("funcId"), \
    DFF_SHOWN_INT("scriptPublishVersion"), DFF_SHOWN_TIME("queueTime"), \
    DFF_SHOWN_TIME("startTime"), DFF_SHOWN_TIME("endTime"), DFF_SHOWN_TEXT("status"), \
    DFF_SHOWN_TEXT("logMessageTEXT"), DFF_SHOWN_TEXT("einfoTEXT"), DFF_COLUMN_TIMES
#define DFF_TASK_OWNER(prefix) \
    DFF_COLUMN_JOINED(prefix "_id", prefix ".id", DFF_CELL_TEXT), \
    DFF_COLUMN_JOINED(prefix "_funcId", prefix ".funcId", DFF_CELL_TEXT), \
    DFF_COLUMN_JOINED(prefix "_origin", prefix ".origin", DFF_CELL_TEXT), \
    DFF_COLUMN_JOINED(prefix "_note", prefix ".note", DFF_CELL_TEXT)

static const dff_column_t dff_crontab_task_columns[] = {
    DFF_TASK_COLUMNS("crontabConfigId"), DFF_TASK_OWNER("cron"), DFF_COLUMNS_FUNC_SHORT,
};
static const dff_filter_t dff_crontab_task_filters[] = {
    { "id", DFF_FILTER_IN, "t.id", NULL },
    { "crontabConfigId", DFF_FILTER_IN, "t.crontabConfigId", NULL }, DFF_FILTERS_FUNC,
};
DFF_LOG_SORTS(dff_crontab_task);
static const char *const dff_crontab_task_fuzzy[] = {
    "t.logMessageTEXT", "t.einfoTEXT", "func.id", "func.title", "func.description", NULL
};
DFF_LOG_ENTITY(dff_crontab_task, "crontab task info", "crontab_task_info",
               DFF_JOIN_FUNC " LEFT JOIN crontab_config cron ON cron.id = t.crontabConfigId",
               .flags = DFF_ENTITY_FIELDS);

static const dff_column_t dff_batch_task_columns[] = {
    DFF_TASK_COLUMNS("batchId"), DFF_TASK_OWNER("bat"), DFF_COLUMNS_FUNC_SHORT,
};
static const dff_filter_t dff_batch_task_filters[] = {
    { "id", DFF_FILTER_IN, "t.id", NULL },
    { "batchId", DFF_FILTER_IN, "t.batchId", NULL }, DFF_FILTERS_FUNC,
};
DFF_LOG_SORTS(dff_batch_task);
static const char *const dff_batch_task_fuzzy[] = {
    "t.logMessageTEXT", "t.einfoTEXT", "func.id", "func.title", "func.description", NULL
};
DFF_LOG_ENTITY(dff_batch_task, "batch task info", "batch_task_info",
               DFF_JOIN_FUNC " LEFT JOIN batch bat ON bat.id = t.batchId",
               .flags = DFF_ENTITY_FIELDS);

/* --- task results ---------------------------------------------------------------------------- */

static const dff_column_t dff_task_result_columns[] = {
    DFF_COLUMN_SEQ, DFF_SHOWN_TEXT("id"), DFF_SHOWN_TEXT("task"), DFF_SHOWN_TEXT("origin"),
    DFF_SHOWN_INT("startTime"), DFF_SHOWN_INT("endTime"), DFF_SHOWN_JSON("argsJSON"),
    DFF_SHOWN_JSON("kwargsJSON"), DFF_SHOWN_JSON("retvalJSON"), DFF_SHOWN_TEXT("status"),
    DFF_SHOWN_TEXT("einfoTEXT"), DFF_COLUMN_TIMES,
};
static const dff_filter_t dff_task_result_filters[] = {
    { "id", DFF_FILTER_LIKE, "t.id", NULL }, { "origin", DFF_FILTER_LIKE, "t.origin", NULL },
    { "funcId", DFF_FILTER_LIKE, "t.funcId", NULL },
    { "execMode", DFF_FILTER_EQ, "t.execMode", dff_log_modes },
};
DFF_LOG_SORTS(dff_task_result);
static const char *const dff_task_result_fuzzy[] = { "t.id", "t.origin", "t.funcId", NULL };

static const dff_entity_t dff_task_result_entity = {
    .noun = "Dataflux Func task result", .table = "task_result", .joins = "",
    DFF_ENTITY_TABLE(dff_task_result), .fuzzy = dff_task_result_fuzzy, .order = "t.seq DESC",
    .paging = DFF_PAGING_MARKER, .flags = DFF_ENTITY_FIELDS,
};

/* --- histories of scripts -------------------------------------------------------------------- */

static const dff_column_t dff_publish_history_columns[] = {
    DFF_COLUMN_SEQ, DFF_SHOWN_TEXT("id"),
    DFF_COLUMN_JOINED("scriptSetId", "SUBSTRING_INDEX(t.scriptId, '__', 1)", DFF_CELL_TEXT),
    DFF_SHOWN_TEXT("scriptId"), DFF_SHOWN_INT("scriptPublishVersion"), DFF_SHOWN_TEXT("note"),
    DFF_COLUMN_TIMES,
    DFF_COLUMN_JOINED("scpt_id", "scpt.id", DFF_CELL_TEXT),
    DFF_COLUMN_JOINED("scpt_title", "scpt.title", DFF_CELL_TEXT),
    DFF_COLUMN_JOINED("scpt_description", "scpt.description", DFF_CELL_TEXT),
    DFF_COLUMN_JOINED("sset_title", "sset.title", DFF_CELL_TEXT),
    DFF_COLUMN_JOINED("sset_description", "sset.description", DFF_CELL_TEXT),
};
static const dff_filter_t dff_publish_history_filters[] = {
    { "id", DFF_FILTER_IN, "t.id", NULL }, { "scriptId", DFF_FILTER_IN, "t.scriptId", NULL },
    { "scriptPublishVersion", DFF_FILTER_IN, "t.scriptPublishVersion", NULL },
};
DFF_LOG_SORTS(dff_publish_history);
static const char *const dff_publish_history_fuzzy[] = {
    "t.scriptCode_cache", "t.note", NULL
};
static const dff_entity_t dff_publish_history_entity = {
    .noun = "script publish history", .table = "script_publish_history",
    .joins = " LEFT JOIN script scpt ON scpt.id = t.scriptId"
             " LEFT JOIN script_set sset ON sset.id = scpt.scriptSetId",
    DFF_ENTITY_TABLE(dff_publish_history), .fuzzy = dff_publish_history_fuzzy,
    .fulltext = { "t.scriptCode_cache", "t.note" }, .order = "t.seq DESC",
    .flags = DFF_ENTITY_FIELDS | DFF_ENTITY_EXPORT,
};

static const dff_column_t dff_package_history_columns[] = {
    DFF_COLUMN_SEQ, DFF_SHOWN_TEXT("id"), DFF_SHOWN_TEXT("note"), DFF_SHOWN_JSON("summaryJSON"),
    DFF_COLUMN_TIMES,
};
static const dff_filter_t dff_package_history_filters[] = {
    { "id", DFF_FILTER_IN, "t.id", NULL },
};
DFF_LOG_SORTS(dff_package_history);
static const char *const dff_package_history_fuzzy[] = { "t.note", NULL };

static const dff_entity_t dff_export_history_entity = {
    .noun = "script set export history", .table = "script_set_export_history", .joins = "",
    DFF_ENTITY_TABLE(dff_package_history), .fuzzy = dff_package_history_fuzzy,
    .order = "t.seq DESC", .flags = DFF_ENTITY_FIELDS | DFF_ENTITY_EXPORT,
};
static const dff_entity_t dff_import_history_entity = {
    .noun = "script set import history", .table = "script_set_import_history", .joins = "",
    DFF_ENTITY_TABLE(dff_package_history), .fuzzy = dff_package_history_fuzzy,
    .order = "t.seq DESC", .flags = DFF_ENTITY_FIELDS | DFF_ENTITY_EXPORT,
};

static const dff_endpoint_t dff_log_rows[] = {
    DFF_LOG_LIST("script-logs", "script logs", dff_script_log),
    DFF_LOG_LIST("script-failures", "script failures", dff_script_failure),
    DFF_LOG_LIST("crontab-task-info", "tasks of crontab configs", dff_crontab_task),
    DFF_LOG_LIST("batch-task-info", "tasks of batches", dff_batch_task),
    DFF_LOG_LIST("script-publish-history", "published versions", dff_publish_history),
    DFF_LOG_LIST("script-set-export-history", "exports of script sets", dff_export_history),
    DFF_LOG_LIST("script-set-import-history", "imports of script sets", dff_import_history),
    DFF_LOG_LIST("dataflux-func-task-results", "results of tasks", dff_task_result),
    DFF_ROUTE_GET("/api/v1/dataflux-func-task-results", "a result of a task",
                  &dff_task_result_entity, DFF_GENERAL_R, DFF_SIGN_IN_ANY),
};

const dff_endpoint_group_t dff_log_routes = DFF_ENDPOINTS(dff_log_rows);
