/* Published functions: lists of them, and the routes that run one. */
#include "api/rest/dff_joined.h"
#include "api/rest/dff_func_call.h"

#include <stdlib.h>

#include "dff_banned.h"

#define DFF_FUNC_SHOWN(name, cell)  { { name, DFF_PROP_ANY }, cell, DFF_IN_BOTH }

static const dff_column_t dff_func_columns[] = {
    DFF_COLUMN_SEQ,
    DFF_FUNC_SHOWN("id", DFF_CELL_TEXT), DFF_FUNC_SHOWN("scriptSetId", DFF_CELL_TEXT),
    DFF_FUNC_SHOWN("scriptId", DFF_CELL_TEXT), DFF_FUNC_SHOWN("name", DFF_CELL_TEXT),
    DFF_FUNC_SHOWN("title", DFF_CELL_TEXT), DFF_FUNC_SHOWN("description", DFF_CELL_TEXT),
    DFF_FUNC_SHOWN("definition", DFF_CELL_TEXT), DFF_FUNC_SHOWN("argsJSON", DFF_CELL_JSON),
    DFF_FUNC_SHOWN("kwargsJSON", DFF_CELL_JSON),
    DFF_FUNC_SHOWN("extraConfigJSON", DFF_CELL_JSON),
    DFF_FUNC_SHOWN("category", DFF_CELL_TEXT), DFF_FUNC_SHOWN("integration", DFF_CELL_TEXT),
    DFF_FUNC_SHOWN("tagsJSON", DFF_CELL_JSON), DFF_FUNC_SHOWN("defOrder", DFF_CELL_INT),
    DFF_COLUMN_TIMES,
    DFF_COLUMN_JOINED("scpt_id", "scpt.id", DFF_CELL_TEXT),
    DFF_COLUMN_JOINED("scpt_title", "scpt.title", DFF_CELL_TEXT),
    DFF_COLUMN_JOINED("scpt_description", "scpt.description", DFF_CELL_TEXT),
    DFF_COLUMN_JOINED("scpt_codeMD5", "scpt.codeMD5", DFF_CELL_TEXT),
    DFF_COLUMN_JOINED("scpt_publishVersion", "scpt.publishVersion", DFF_CELL_INT),
    DFF_COLUMN_JOINED("sset_id", "sset.id", DFF_CELL_TEXT),
    DFF_COLUMN_JOINED("sset_title", "sset.title", DFF_CELL_TEXT),
    DFF_COLUMN_JOINED("sset_description", "sset.description", DFF_CELL_TEXT),
};

#define DFF_FUNC_JOINS \
    " LEFT JOIN script scpt ON scpt.id = t.scriptId" \
    " LEFT JOIN script_set sset ON sset.id = t.scriptSetId"

#define DFF_FUNC_FILTERS \
    { "id", DFF_FILTER_IN, "t.id", NULL }, \
    { "scriptSetId", DFF_FILTER_IN, "t.scriptSetId", NULL }, \
    { "scriptId", DFF_FILTER_IN, "t.scriptId", NULL }, \
    { "category", DFF_FILTER_IN, "t.category", NULL }, \
    { "integration", DFF_FILTER_IN, "t.integration", NULL }, \
    { "tags", DFF_FILTER_TAGS, "t.tagsJSON", NULL }

static const dff_filter_t dff_func_filters[] = { DFF_FUNC_FILTERS };
static const dff_sort_t dff_func_sorts[] = {
    { "seq", "t.seq" }, { "id", "t.id" }, { "defOrder", "t.defOrder" },
};
static const char *const dff_func_fuzzy[] = { "t.id", "t.title", "t.description", NULL };

static const dff_entity_t dff_func_entity = {
    .noun = "func", .table = "func", .joins = DFF_FUNC_JOINS, DFF_ENTITY_TABLE(dff_func),
    .fuzzy = dff_func_fuzzy, .order = "t.scriptId, t.defOrder", .flags = DFF_ENTITY_FIELDS,
};

/* --- for documentation: all functions that are not hidden ------------------------------------ */

static const dff_column_t dff_func_doc_columns[] = {
    DFF_COLUMN_JOINED("url", "CONCAT('/api/v1/func/', t.id)", DFF_CELL_TEXT),
    DFF_FUNC_SHOWN("id", DFF_CELL_TEXT), DFF_FUNC_SHOWN("name", DFF_CELL_TEXT),
    DFF_FUNC_SHOWN("title", DFF_CELL_TEXT), DFF_FUNC_SHOWN("description", DFF_CELL_TEXT),
    DFF_FUNC_SHOWN("definition", DFF_CELL_TEXT), DFF_FUNC_SHOWN("argsJSON", DFF_CELL_JSON),
    DFF_FUNC_SHOWN("kwargsJSON", DFF_CELL_JSON),
    DFF_FUNC_SHOWN("extraConfigJSON", DFF_CELL_JSON),
    DFF_FUNC_SHOWN("category", DFF_CELL_TEXT), DFF_FUNC_SHOWN("integration", DFF_CELL_TEXT),
    DFF_FUNC_SHOWN("tagsJSON", DFF_CELL_JSON), DFF_FUNC_SHOWN("scriptId", DFF_CELL_TEXT),
    DFF_COLUMN_JOINED("scriptTitle", "scpt.title", DFF_CELL_TEXT),
    DFF_COLUMN_JOINED("scriptDescription", "scpt.description", DFF_CELL_TEXT),
    DFF_FUNC_SHOWN("scriptSetId", DFF_CELL_TEXT),
    DFF_COLUMN_JOINED("scriptSetTitle", "sset.title", DFF_CELL_TEXT),
    DFF_COLUMN_JOINED("scriptSetDescription", "sset.description", DFF_CELL_TEXT),
};

static const dff_filter_t dff_func_doc_filters[] = {
    DFF_FUNC_FILTERS,
    { "name", DFF_FILTER_LIKE, "t.name", NULL }, { "title", DFF_FILTER_LIKE, "t.title", NULL },
};

static const dff_entity_t dff_func_doc_entity = {
    .noun = "func", .table = "func", .joins = DFF_FUNC_JOINS,
    .columns = dff_func_doc_columns,
    .ncolumns = sizeof(dff_func_doc_columns) / sizeof(dff_func_doc_columns[0]),
    .filters = dff_func_doc_filters,
    .nfilters = sizeof(dff_func_doc_filters) / sizeof(dff_func_doc_filters[0]),
    .fuzzy = dff_func_fuzzy, .order = "t.scriptId, t.defOrder", .paging = DFF_PAGING_NONE,
    .where = "COALESCE(JSON_EXTRACT(t.extraConfigJSON, '$.isHidden'), 'false') <> 'true'",
};

/* --- links that show themselves, for everybody ----------------------------------------------- */

static const dff_column_t dff_link_doc_columns[] = {
    DFF_COLUMN_JOINED("url", "CONCAT('/api/v1/al/', t.id)", DFF_CELL_TEXT),
    DFF_FUNC_SHOWN("id", DFF_CELL_TEXT), DFF_FUNC_SHOWN("funcId", DFF_CELL_TEXT),
    DFF_FUNC_SHOWN("funcCallKwargsJSON", DFF_CELL_JSON),
    DFF_FUNC_SHOWN("expireTime", DFF_CELL_TIME),
    DFF_FUNC_SHOWN("throttlingJSON", DFF_CELL_JSON), DFF_FUNC_SHOWN("isDisabled", DFF_CELL_BOOL),
    DFF_COLUMN_JOINED("funcName", "func.name", DFF_CELL_TEXT),
    DFF_COLUMN_JOINED("funcTitle", "func.title", DFF_CELL_TEXT),
    DFF_COLUMN_JOINED("funcDescription", "func.description", DFF_CELL_TEXT),
    DFF_COLUMN_JOINED("funcDefinition", "func.definition", DFF_CELL_TEXT),
    DFF_COLUMN_JOINED("funcArgsJSON", "func.argsJSON", DFF_CELL_JSON),
    DFF_COLUMN_JOINED("funcKwargsJSON", "func.kwargsJSON", DFF_CELL_JSON),
    DFF_COLUMN_JOINED("funcCategory", "func.category", DFF_CELL_TEXT),
    DFF_COLUMN_JOINED("funcIntegration", "func.integration", DFF_CELL_TEXT),
    DFF_COLUMN_JOINED("funcTagsJSON", "func.tagsJSON", DFF_CELL_JSON),
};

static const dff_filter_t dff_link_doc_filters[] = {
    { "funcId", DFF_FILTER_IN, "t.funcId", NULL },
    { "funcName", DFF_FILTER_IN, "func.name", NULL },
    { "funcCategory", DFF_FILTER_IN, "func.category", NULL },
    { "scriptId", DFF_FILTER_IN, "func.scriptId", NULL },
    { "scriptSetId", DFF_FILTER_IN, "func.scriptSetId", NULL },
    { "funcTags", DFF_FILTER_TAGS, "func.tagsJSON", NULL },
};

static const char *const dff_link_doc_fuzzy[] = {
    "func.id", "func.title", "func.description", NULL
};

static const dff_entity_t dff_link_doc_entity = {
    .noun = "auth link", .table = "auth_link", .joins = DFF_JOIN_FUNC,
    .columns = dff_link_doc_columns,
    .ncolumns = sizeof(dff_link_doc_columns) / sizeof(dff_link_doc_columns[0]),
    .filters = dff_link_doc_filters,
    .nfilters = sizeof(dff_link_doc_filters) / sizeof(dff_link_doc_filters[0]),
    .fuzzy = dff_link_doc_fuzzy, .order = "t.seq DESC", .paging = DFF_PAGING_NONE,
    .where = "t.showInDoc = 1 AND func.id IS NOT NULL",
};

/* --- tags ------------------------------------------------------------------------------------ */

static const dff_filter_t dff_func_tag_filters[] = {
    { "scriptSetId", DFF_FILTER_IN, "t.scriptSetId", NULL },
    { "scriptId", DFF_FILTER_IN, "t.scriptId", NULL },
    { "name", DFF_FILTER_LIKE, "t.name", NULL },
};

static const dff_entity_t dff_func_tag_entity = {
    .noun = "func", .table = "func", .joins = "", .filters = dff_func_tag_filters,
    .nfilters = 3, .order = "t.seq", .paging = DFF_PAGING_NONE,
};

static const dff_prop_t dff_func_tag_query_props[] = {
    { "tagPattern", DFF_PROP_STR, DFF_OP_BODY, .max = 256,
      .about = "* is one or more characters but . and |; ** at the end is that and anything" },
};
static const dff_shape_t dff_func_tag_query = DFF_SHAPE(dff_func_tag_query_props);


/* Both end with a NUL. Patterns are short: the depth is their number of stars. */
static bool
dff_func_tag_matches(const char *pattern, const char *tag)
{
    for ( ; *pattern != '*'; pattern++, tag++) {
        if (*pattern != *tag) {
            return false;
        }
        if (*pattern == '\0') {
            return true;
        }
    }
    if (strcmp(pattern, "**") == 0) {
        return *tag != '\0' && *tag != '.' && *tag != '|';
    }
    while (*tag != '\0' && *tag != '.' && *tag != '|') {
        if (dff_func_tag_matches(pattern + 1, ++tag)) {
            return true;
        }
    }
    return false;
}


static int
dff_func_tag_compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *) a, *(const char *const *) b);
}


/* Adds those tags of a function that match. */
static int
dff_func_tag_collect(dff_web_call_t *call, dff_str_t tags, json_t *found, dff_err_t *err)
{
    dff_str_t         pattern = dff_web_query(&call->req, "tagPattern");
    dff_json_array_t  it;
    dff_json_member_t member;

    if (dff_json_check(tags, &tags, NULL, NULL) != DFF_OK
        || dff_json_array_open(&it, tags) != DFF_OK)
    {
        return DFF_OK;
    }
    while (dff_json_array_next(&it, &member, NULL) == 1) {
        const char *tag = member.type == DFF_JSON_STRING
            ? dff_json_decoded(&call->arena, member.value).data : NULL;
        const char *wanted = dff_arena_copy(&call->arena, pattern);

        if (tag != NULL && wanted != NULL
            && (pattern.len == 0 || dff_func_tag_matches(wanted, tag))
            && json_object_set_new(found, tag, json_true()) != 0)
        {
            return dff_err_set(err, DFF_E_SYS, "out of memory");
        }
    }
    return DFF_OK;
}


static int
dff_func_tag_list(dff_web_call_t *call, dff_err_t *err)
{
    dff_statement_t statement = { .sql = DFF_BUF_INIT };
    dff_db_rows_t   rows = { 0 };
    json_t         *found = json_object(), *list = json_array(), *value;
    const char     *key, **tags;
    size_t          count = 0;
    int             rc;

    dff_buf_add_str(&statement.sql, DFF_STR("SELECT DISTINCT t.tagsJSON"));
    rc = dff_entity_add_from(call, &statement, false, err);
    if (rc == DFF_OK) {
        rc = dff_db_query(call->web->api->db, statement.sql.data, statement.values,
                          statement.nvalues, &rows, err);
    }
    for (size_t i = 0; rc == DFF_OK && i < rows.nrows; i++) {
        rc = dff_func_tag_collect(call, dff_db_cell(&rows, i, 0), found, err);
    }
    dff_db_rows_release(&rows);
    dff_buf_release(&statement.sql);

    tags = dff_arena_alloc(&call->arena, (json_object_size(found) + 1) * sizeof(*tags));
    json_object_foreach(found, key, value) {
        if (tags != NULL) {
            tags[count++] = key;
        }
    }
    qsort(tags, count, sizeof(*tags), dff_func_tag_compare);
    for (size_t i = 0; i < count; i++) {
        (void) json_array_append_new(list, json_string(tags[i]));
    }
    json_decref(found);
    if (rc != DFF_OK) {
        json_decref(list);
        return rc;
    }
    return dff_web_reply(call, list, err);
}


static const dff_prop_t dff_func_tag_answer = {
    .type = DFF_PROP_STRS, .about = "Sorted, each once"
};


static int
dff_func_get(dff_web_call_t *call, dff_err_t *err)
{
    return dff_entity_show(call, &dff_func_entity, DFF_IN_GET, call->params[0], err);
}


static const dff_endpoint_t dff_func_rows[] = {
    DFF_ROUTE_LIST("/api/v1/funcs", "functions", &dff_func_entity, DFF_GENERAL_R,
                   DFF_SIGN_IN_ANY),
    { DFF_WEB_GET, "/api/v1/func-list", "List functions for documentation", DFF_SIGN_IN_ANY,
      DFF_GENERAL_R, .handler = dff_entity_list, .entity = &dff_func_doc_entity },
    { DFF_WEB_GET, "/api/v1/func-tag-list", "List tags of functions", DFF_SIGN_IN_ANY,
      DFF_GENERAL_R, .query = &dff_func_tag_query, .handler = dff_func_tag_list,
      .entity = &dff_func_tag_entity, .flags = DFF_ENDPOINT_FILTERS,
      .answer = &dff_func_tag_answer },
    { DFF_WEB_GET, "/api/v1/auth-link-func-list", "List documented auth links",
      DFF_SIGN_IN_NONE, .handler = dff_entity_list, .entity = &dff_link_doc_entity },
    { DFF_WEB_GET, "/api/v1/func/:funcId", "Get a function", DFF_SIGN_IN_ANY, DFF_GENERAL_R,
      .handler = dff_func_get, .entity = &dff_func_entity, .flags = DFF_ENDPOINT_ROW },
    { DFF_WEB_POST, "/api/v1/func/:funcId", "Call a function", DFF_SIGN_IN_ANY, DFF_GENERAL_W,
      .body = &dff_func_call_body, .handler = dff_func_call,
      .flags = DFF_ENDPOINT_RAW | DFF_ENDPOINT_FUNC | DFF_ENDPOINT_NO_RECORD },
    { DFF_WEB_POST, "/api/v1/func-draft/:funcId", "Run a draft", DFF_SIGN_IN_ANY, DFF_GENERAL_W,
      .body = &dff_func_draft_body, .handler = dff_func_draft,
      .flags = DFF_ENDPOINT_NO_RECORD, .answer = &dff_func_draft_answer },
    { DFF_WEB_GET, "/api/v1/cron/:id", "Run a crontab config now", DFF_SIGN_IN_ANY,
      DFF_GENERAL_R, .handler = dff_func_cron, .answer = &dff_answer_null },
};

const dff_endpoint_group_t dff_func_routes = DFF_ENDPOINTS(dff_func_rows);
