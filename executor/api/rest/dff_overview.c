/* The first page of clients: numbers, queues, scripts, latest operations; and the clearing
 * of what calls and operations leave behind. */
#include "api/rest/dff_entity.h"
#include "api/rest/dff_routes.h"

#include "api/rest/dff_operation.h"
#include "store/dff_cluster.h"

#include "dff_banned.h"

#define DFF_OVERVIEW_PRESSURE  300000       /* of one worker, as clients have it */

typedef struct {
    const char *name;
    int       (*add)(dff_web_call_t *call, dff_buf_t *out, dff_err_t *err);
} dff_overview_section_t;

/* --- bizEntityCount -------------------------------------------------------------------------- */

static const struct {
    const char *name, *sql;
} dff_overview_counts[] = {
    { "scriptSet", "SELECT COUNT(*) FROM script_set" },
    { "script", "SELECT COUNT(*) FROM script" },
    { "func", "SELECT COUNT(*) FROM func" },
    { "dataSource", "SELECT COUNT(*) FROM data_source" },
    { "envVariable", "SELECT COUNT(*) FROM env_variable" },
    { "authLink", "SELECT COUNT(*) FROM auth_link" },
    { "crontabConfig", "SELECT COUNT(*) FROM crontab_config" },
    { "batch", "SELECT COUNT(*) FROM batch" },
    { "fileService", "SELECT COUNT(*) FROM file_service" },
    { "user", "SELECT COUNT(*) FROM user" },
};


static int
dff_overview_add_counts(dff_web_call_t *call, dff_buf_t *out, dff_err_t *err)
{
    dff_buf_add_str(out, DFF_STR("["));
    for (size_t i = 0; i < sizeof(dff_overview_counts) / sizeof(dff_overview_counts[0]); i++) {
        dff_db_rows_t rows;

        if (dff_db_query(call->web->api->db, dff_overview_counts[i].sql, NULL, 0, &rows, err)
            != DFF_OK)
        {
            return DFF_ERROR;
        }
        dff_buf_addf(out, "%s{\"name\":\"%s\",\"count\":%lld}", i == 0 ? "" : ",",
                     dff_overview_counts[i].name,
                     (long long) dff_db_number(dff_db_cell(&rows, 0, 0)));
        dff_db_rows_release(&rows);
    }
    dff_buf_add_str(out, DFF_STR("]"));
    return DFF_OK;
}

/* --- workerQueueInfo ------------------------------------------------------------------------- */

/* Workers that take jobs of a queue, on all nodes. */
static int64_t
dff_overview_workers(const dff_cluster_t *nodes, int queue)
{
    int64_t workers = 0;

    for (size_t i = 0; i < nodes->count; i++) {
        size_t  k;
        json_t *group;

        json_array_foreach(json_object_get(nodes->items[i].heartbeat, "groups"), k, group) {
            const char *queues = json_string_value(json_object_get(group, "queues"));
            unsigned    masks[DFF_QUEUE_COUNT];

            if (queues != NULL && dff_config_worker_groups(queues, masks, NULL) == 1
                && (masks[0] & (1u << queue)) != 0)
            {
                workers += json_integer_value(json_object_get(group, "workers"));
            }
        }
    }
    return workers;
}


/* The pressure is at its most where calls are refused: at _WORKER_QUEUE_LIMIT jobs. */
static int
dff_overview_add_queues(dff_web_call_t *call, dff_buf_t *out, dff_err_t *err)
{
    dff_api_t    *api = call->web->api;
    long long     lengths[DFF_QUEUE_COUNT];
    dff_cluster_t nodes;

    if (dff_cluster_queue_lengths(api->rcmd, lengths, err) != DFF_OK
        || dff_cluster_list(api->rcmd, &nodes, err) != DFF_OK)
    {
        return DFF_ERROR;
    }
    dff_buf_add_str(out, DFF_STR("["));
    for (int queue = 0; queue < DFF_QUEUE_COUNT; queue++) {
        int64_t workers = dff_overview_workers(&nodes, queue);
        int64_t most = (workers > 0 ? workers : 1) * DFF_OVERVIEW_PRESSURE;
        double  part = (double) lengths[queue] / (double) api->cfg->worker_queue_limit;

        dff_buf_addf(out, "%s{\"workerCount\":%lld,\"maxPressure\":%lld,\"pressure\":%lld,"
                     "\"taskCount\":%lld}", queue == 0 ? "" : ",", (long long) workers,
                     (long long) most, (long long) ((double) most * part), lengths[queue]);
    }
    dff_buf_add_str(out, DFF_STR("]"));
    dff_cluster_release(&nodes);
    return DFF_OK;
}

/* --- scriptOverview -------------------------------------------------------------------------- */

static const dff_column_t dff_overview_script_columns[] = {
    DFF_COLUMN_SEQ,
    { { "id", DFF_PROP_STR }, DFF_CELL_TEXT, DFF_IN_LIST },
    { { "title", DFF_PROP_STR }, DFF_CELL_TEXT, DFF_IN_LIST },
    { { "scriptSetId", DFF_PROP_STR }, DFF_CELL_TEXT, DFF_IN_LIST },
    { { "publishVersion", DFF_PROP_INT }, DFF_CELL_INT, DFF_IN_LIST },
    { { "codeMD5", DFF_PROP_STR }, DFF_CELL_TEXT, DFF_IN_LIST },
    { { "codeDraftMD5", DFF_PROP_STR }, DFF_CELL_TEXT, DFF_IN_LIST },
    DFF_COLUMN_JOINED("codeSize", "COALESCE(LENGTH(t.code), 0)", DFF_CELL_INT),
    DFF_COLUMN_TIMES,
    DFF_COLUMN_JOINED("scriptSetTitle", "sset.title", DFF_CELL_TEXT),
    DFF_COLUMN_JOINED("latestPublishTime", "(SELECT MAX(h.createTime) FROM script_publish_history h"
                      " WHERE h.scriptId = t.id)", DFF_CELL_TIME),
    DFF_COLUMN_JOINED("funcCount", "(SELECT COUNT(*) FROM func f WHERE f.scriptId = t.id)",
                      DFF_CELL_INT),
};

static const dff_entity_t dff_overview_script_entity = {
    .noun = "script", .table = "script",
    .joins = " LEFT JOIN script_set sset ON sset.id = t.scriptSetId",
    .columns = dff_overview_script_columns,
    .ncolumns = sizeof(dff_overview_script_columns) / sizeof(dff_overview_script_columns[0]),
    .order = "t.scriptSetId, t.id", .paging = DFF_PAGING_NONE,
};

static const dff_endpoint_t dff_overview_script_list = {
    DFF_WEB_GET, "", "", DFF_SIGN_IN_ANY, DFF_GENERAL_R, .handler = dff_entity_list,
    .entity = &dff_overview_script_entity,
};


/* The list of another endpoint as a part of this answer. */
static int
dff_overview_add_list(dff_web_call_t *call, const dff_endpoint_t *list, dff_buf_t *out,
    dff_err_t *err)
{
    const dff_endpoint_t *own = call->endpoint;
    dff_web_pair_t        query = call->req.query[0];
    size_t                nquery = call->req.nquery;
    int                   rc;

    call->endpoint = list;
    call->req.query[0] = (dff_web_pair_t) { DFF_STR("pageSize"), DFF_STR("10") };
    call->req.nquery = list->entity->paging == DFF_PAGING_NONE ? 0 : 1;
    rc = list->handler(call, err);
    dff_buf_add(out, call->answer.data.data, call->answer.data.len);
    dff_buf_clear(&call->answer.data);
    dff_buf_clear(&call->answer.page_info);
    call->endpoint = own;
    call->req.query[0] = query;
    call->req.nquery = nquery;
    return rc;
}


static int
dff_overview_add_scripts(dff_web_call_t *call, dff_buf_t *out, dff_err_t *err)
{
    return dff_overview_add_list(call, &dff_overview_script_list, out, err);
}


static int
dff_overview_add_operations(dff_web_call_t *call, dff_buf_t *out, dff_err_t *err)
{
    return dff_overview_add_list(call, &dff_operation_routes.rows[0], out, err);
}


static const dff_overview_section_t dff_overview_sections[] = {
    { "bizEntityCount", dff_overview_add_counts },
    { "workerQueueInfo", dff_overview_add_queues },
    { "scriptOverview", dff_overview_add_scripts },
    { "latestOperations", dff_overview_add_operations },
};


static int
dff_overview_get(dff_web_call_t *call, dff_err_t *err)
{
    dff_str_t sections = dff_web_query(&call->req, "sections");
    dff_buf_t out = DFF_BUF_INIT;
    int       rc = DFF_OK;

    dff_buf_add_str(&out, DFF_STR("{"));
    for (size_t i = 0; i < sizeof(dff_overview_sections) / sizeof(dff_overview_sections[0]); i++) {
        const dff_overview_section_t *section = &dff_overview_sections[i];

        if (rc == DFF_OK
            && (sections.len == 0 || dff_list_has(sections, dff_str_from(section->name))))
        {
            dff_buf_addf(&out, "%s\"%s\":", out.len == 1 ? "" : ",", section->name);
            rc = section->add(call, &out, err);
        }
    }
    dff_buf_add_str(&out, DFF_STR("}"));
    if (rc == DFF_OK) {
        dff_buf_clear(&call->answer.data);
        dff_buf_add(&call->answer.data, out.data, out.len);
        rc = dff_buf_failed(&out) ? dff_err_set(err, DFF_E_SYS, "out of memory") : DFF_OK;
    }
    dff_buf_release(&out);
    return rc;
}

/* --- clearing -------------------------------------------------------------------------------- */

static const char *const dff_overview_cleared[] = {
    "DELETE FROM script_log", "DELETE FROM script_failure", "DELETE FROM task_result",
    "DELETE FROM crontab_task_info", "DELETE FROM batch_task_info",
    "DELETE FROM operation_record",
};


/* Its own record comes afterwards, and stays. */
static int
dff_overview_clear(dff_web_call_t *call, dff_err_t *err)
{
    for (size_t i = 0; i < sizeof(dff_overview_cleared) / sizeof(dff_overview_cleared[0]); i++) {
        if (dff_db_exec(call->web->api->db, dff_overview_cleared[i], NULL, 0, NULL, err)
            != DFF_OK)
        {
            return DFF_ERROR;
        }
    }
    return DFF_OK;
}


static const char *const dff_overview_names[] = {
    "bizEntityCount", "workerQueueInfo", "scriptOverview", "latestOperations", NULL
};
static const dff_prop_t dff_overview_props[] = {
    { "sections", DFF_PROP_STRS, DFF_OP_BODY, .names = dff_overview_names,
      .about = "Only these; all when left out" },
};
static const dff_shape_t dff_overview_query = DFF_SHAPE(dff_overview_props);

static const dff_prop_t dff_overview_count_props[] = {
    DFF_ANSWERED("name", DFF_PROP_STR), DFF_ANSWERED("count", DFF_PROP_INT),
};
static const dff_shape_t dff_overview_count = DFF_SHAPE(dff_overview_count_props);
static const dff_prop_t  dff_overview_queue_props[] = {
    DFF_ANSWERED("workerCount", DFF_PROP_INT), DFF_ANSWERED("maxPressure", DFF_PROP_INT),
    DFF_ANSWERED("pressure", DFF_PROP_INT), DFF_ANSWERED("taskCount", DFF_PROP_INT),
};
static const dff_shape_t dff_overview_queue = DFF_SHAPE(dff_overview_queue_props);
static const dff_prop_t  dff_overview_answer_props[] = {
    DFF_ANSWERED_MAYBE("bizEntityCount", DFF_PROP_OBJECTS, .shape = &dff_overview_count),
    DFF_ANSWERED_MAYBE("workerQueueInfo", DFF_PROP_OBJECTS, .shape = &dff_overview_queue,
                       .min = DFF_QUEUE_COUNT, .max = DFF_QUEUE_COUNT),
    DFF_ANSWERED_MAYBE("scriptOverview", DFF_PROP_ROWS, .entity = &dff_overview_script_entity),
    DFF_ANSWERED_MAYBE("latestOperations", DFF_PROP_ROWS, .entity = &dff_operation_entity),
};
DFF_ANSWER(dff_overview_answer, dff_overview_answer_props, DFF_PROP_OBJECT);

static const dff_endpoint_t dff_overview_rows[] = {
    { DFF_WEB_GET, "/api/v1/func/overview", "Get an overview", DFF_SIGN_IN_ANY, DFF_GENERAL_R,
      .query = &dff_overview_query, .handler = dff_overview_get,
      .answer = &dff_overview_answer },
    { DFF_WEB_POST, "/api/v1/log-cache-tables/do/clear", "Clear logs, records and results",
      DFF_SIGN_IN_ANY, DFF_GENERAL_W, .handler = dff_overview_clear,
      .flags = DFF_ENDPOINT_ADMIN, .answer = &dff_answer_null },
};

const dff_endpoint_group_t dff_overview_routes = DFF_ENDPOINTS(dff_overview_rows);
