/* Columns, filters and joins that lists of links and of tasks share: the function, its
 * script and its set. */
#ifndef DFF_JOINED_H
#define DFF_JOINED_H

#include "api/rest/dff_entity.h"
#include "api/rest/dff_routes.h"

#define DFF_JOIN_FUNC    " LEFT JOIN func ON func.id = t.funcId"
#define DFF_JOIN_SCRIPT \
    " LEFT JOIN script scpt ON scpt.id = func.scriptId" \
    " LEFT JOIN script_set sset ON sset.id = func.scriptSetId"

#define DFF_COLUMNS_FUNC_SHORT \
    DFF_COLUMN_JOINED("func_id", "func.id", DFF_CELL_TEXT), \
    DFF_COLUMN_JOINED("func_name", "func.name", DFF_CELL_TEXT), \
    DFF_COLUMN_JOINED("func_title", "func.title", DFF_CELL_TEXT), \
    DFF_COLUMN_JOINED("func_definition", "func.definition", DFF_CELL_TEXT), \
    DFF_COLUMN_JOINED("func_category", "func.category", DFF_CELL_TEXT)

#define DFF_COLUMNS_FUNC_BEGIN \
    DFF_COLUMN_JOINED("func_id", "func.id", DFF_CELL_TEXT), \
    DFF_COLUMN_JOINED("func_name", "func.name", DFF_CELL_TEXT), \
    DFF_COLUMN_JOINED("func_title", "func.title", DFF_CELL_TEXT), \
    DFF_COLUMN_JOINED("func_description", "func.description", DFF_CELL_TEXT), \
    DFF_COLUMN_JOINED("func_definition", "func.definition", DFF_CELL_TEXT)
#define DFF_COLUMNS_FUNC_ARGS \
    DFF_COLUMN_JOINED("func_argsJSON", "func.argsJSON", DFF_CELL_JSON), \
    DFF_COLUMN_JOINED("func_kwargsJSON", "func.kwargsJSON", DFF_CELL_JSON)
#define DFF_COLUMNS_FUNC_END \
    DFF_COLUMN_JOINED("func_extraConfigJSON", "func.extraConfigJSON", DFF_CELL_JSON), \
    DFF_COLUMN_JOINED("func_category", "func.category", DFF_CELL_TEXT), \
    DFF_COLUMN_JOINED("func_integration", "func.integration", DFF_CELL_TEXT), \
    DFF_COLUMN_JOINED("func_tagsJSON", "func.tagsJSON", DFF_CELL_JSON)

#define DFF_COLUMNS_SCRIPT \
    DFF_COLUMN_JOINED("scpt_id", "scpt.id", DFF_CELL_TEXT), \
    DFF_COLUMN_JOINED("scpt_title", "scpt.title", DFF_CELL_TEXT), \
    DFF_COLUMN_JOINED("scpt_description", "scpt.description", DFF_CELL_TEXT), \
    DFF_COLUMN_JOINED("scpt_publishVersion", "scpt.publishVersion", DFF_CELL_INT), \
    DFF_COLUMN_JOINED("sset_id", "sset.id", DFF_CELL_TEXT), \
    DFF_COLUMN_JOINED("sset_title", "sset.title", DFF_CELL_TEXT), \
    DFF_COLUMN_JOINED("sset_description", "sset.description", DFF_CELL_TEXT)

#define DFF_FILTERS_FUNC \
    { "funcId", DFF_FILTER_IN, "t.funcId", NULL }, \
    { "func_scriptSetId", DFF_FILTER_IN, "func.scriptSetId", NULL }, \
    { "func_scriptId", DFF_FILTER_IN, "func.scriptId", NULL }, \
    { "func_tags", DFF_FILTER_TAGS, "func.tagsJSON", NULL }

#define DFF_FUNC_EXPECTS  "a function id like demo__basic.plus"

/* Inside a transaction: is the function published? 404 of func when not. */
int dff_hold_func(dff_web_call_t *call, dff_str_t id, dff_err_t *err);

/* API or UI, as the request says where it comes from. */
dff_str_t dff_origin_of(const dff_web_call_t *call);

extern const char *const dff_link_origins[];

#endif
