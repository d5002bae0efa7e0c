/* Tables as JSON schemas: see the header. */
#include "api/rest/dff_openapi.h"

#include "dff_banned.h"

static const struct {
    const char *type;       /* NULL: any */
    const char *format;
    const char *least, *most;       /* what min and max are; NULL: nothing */
} dff_openapi_types[] = {
    [DFF_PROP_STR] = { "string", NULL, "minLength", "maxLength" },
    [DFF_PROP_INT] = { "integer", NULL, "minimum", "maximum" },
    [DFF_PROP_NUMBER] = { "number" }, [DFF_PROP_BOOL] = { "boolean" },
    [DFF_PROP_TIME] = { "string", "date-time" },
    [DFF_PROP_STRS] = { "array", NULL, "minItems", "maxItems" },
    [DFF_PROP_FREE] = { "object" }, [DFF_PROP_ANY] = { NULL },
    [DFF_PROP_OBJECT] = { "object" },
    [DFF_PROP_OBJECTS] = { "array", NULL, "minItems", "maxItems" },
    [DFF_PROP_NULL] = { "null" },
    [DFF_PROP_LIST] = { "array", NULL, "minItems", "maxItems" },
    [DFF_PROP_MAP] = { "object" }, [DFF_PROP_EITHER] = { NULL },
    [DFF_PROP_ROWS] = { "array" },
};

static const char *const dff_openapi_cells[] = {
    [DFF_CELL_TEXT] = "\"type\":[\"string\",\"null\"]",
    [DFF_CELL_INT] = "\"type\":[\"integer\",\"null\"]",
    [DFF_CELL_BOOL] = "\"type\":[\"boolean\",\"null\"]",
    [DFF_CELL_TIME] = "\"type\":[\"string\",\"null\"],\"format\":\"date-time\"",
    [DFF_CELL_JSON] = "",
    [DFF_CELL_LIST] = "\"type\":[\"array\",\"null\"],\"items\":{\"type\":\"string\"}",
};


static void
dff_openapi_enum(dff_buf_t *out, const char *const *names, bool nullable)
{
    dff_buf_add_str(out, DFF_STR(",\"enum\":["));
    for (size_t i = 0; names[i] != NULL; i++) {
        dff_buf_addf(out, "%s\"%s\"", i == 0 ? "" : ",", names[i]);
    }
    dff_buf_add_str(out, nullable ? DFF_STR(",null]") : DFF_STR("]"));
}


static void
dff_openapi_limits(dff_buf_t *out, const dff_prop_t *prop)
{
    if (dff_openapi_types[prop->type].least == NULL) {
        return;
    }
    if (prop->min > 0) {
        dff_buf_addf(out, ",\"%s\":%lld", dff_openapi_types[prop->type].least,
                     (long long) prop->min);
    }
    if (prop->max > 0) {
        dff_buf_addf(out, ",\"%s\":%lld", dff_openapi_types[prop->type].most,
                     (long long) prop->max);
    }
}


static void
dff_openapi_about(dff_buf_t *out, const dff_prop_t *prop)
{
    dff_buf_t text = DFF_BUF_INIT;

    dff_buf_addf(&text, "%s%s%s", prop->about == NULL ? "" : prop->about,
                 prop->about != NULL && prop->expects != NULL ? "; " : "",
                 prop->expects == NULL ? "" : prop->expects);
    if (text.len > 0) {
        dff_buf_add_str(out, DFF_STR(",\"description\":"));
        dff_buf_add_json_string(out, (dff_str_t) { text.data, text.len });
    }
    dff_buf_release(&text);
}


static void
dff_openapi_value(dff_buf_t *out, const char *key, const dff_prop_t *of)
{
    dff_buf_addf(out, ",\"%s\":", key);
    if (of == NULL) {
        dff_buf_add_str(out, DFF_STR("{}"));
    } else {
        dff_openapi_prop(out, of);
    }
}


/* What is inside a list or an object of any names; the names that a text may be. */
static void
dff_openapi_inner(dff_buf_t *out, const dff_prop_t *prop)
{
    bool nullable = prop->nullable || prop->type == DFF_PROP_FREE;

    switch (prop->type) {
    case DFF_PROP_STRS:
        dff_buf_add_str(out, DFF_STR(",\"items\":{\"type\":\"string\""));
        if (prop->names != NULL) {
            dff_openapi_enum(out, prop->names, false);
        }
        dff_buf_add_str(out, DFF_STR("}"));
        return;
    case DFF_PROP_OBJECTS:
        dff_buf_add_str(out, DFF_STR(",\"items\":"));
        dff_openapi_shape(out, prop->shape);
        return;
    case DFF_PROP_ROWS:
        dff_buf_add_str(out, DFF_STR(",\"items\":"));
        dff_openapi_row(out, prop->entity, DFF_IN_LIST, false);
        return;
    case DFF_PROP_LIST:
        dff_openapi_value(out, "items", prop->of);
        return;
    case DFF_PROP_MAP:
        dff_openapi_value(out, "additionalProperties", prop->of);
        return;
    default:
        if (prop->names != NULL) {
            dff_openapi_enum(out, prop->names, nullable);
        }
    }
}


/* One of several schemas: those of EITHER, and null. */
static void
dff_openapi_either(dff_buf_t *out, const dff_prop_t *prop)
{
    const char *comma = "";

    dff_buf_add_str(out, DFF_STR("{\"anyOf\":["));
    if (prop->nullable) {
        dff_buf_add_str(out, DFF_STR("{\"type\":\"null\"}"));
        comma = ",";
    }
    if (prop->type == DFF_PROP_OBJECT) {
        dff_buf_add_str(out, dff_str_from(comma));
        dff_openapi_shape(out, prop->shape);
    }
    for (size_t i = 0; prop->type == DFF_PROP_EITHER && i < prop->shape->count; i++) {
        dff_buf_add_str(out, dff_str_from(comma));
        dff_openapi_prop(out, dff_shape_prop(prop->shape, i));
        comma = ",";
    }
    dff_buf_add_str(out, DFF_STR("]"));
    dff_openapi_about(out, prop);
    dff_buf_add_str(out, DFF_STR("}"));
}


void
dff_openapi_prop(dff_buf_t *out, const dff_prop_t *prop)
{
    const char *type = dff_openapi_types[prop->type].type;
    bool        nullable = prop->nullable || prop->type == DFF_PROP_FREE;

    if (prop->type == DFF_PROP_OBJECT && !nullable) {
        dff_openapi_shape(out, prop->shape);
        return;
    }
    if (prop->type == DFF_PROP_OBJECT || prop->type == DFF_PROP_EITHER) {
        dff_openapi_either(out, prop);
        return;
    }
    if (type == NULL) {
        dff_buf_add_str(out, DFF_STR("{\"title\":\"any\""));
    } else {
        dff_buf_addf(out, nullable ? "{\"type\":[\"%s\",\"null\"]" : "{\"type\":\"%s\"", type);
    }
    if (dff_openapi_types[prop->type].format != NULL) {
        dff_buf_addf(out, ",\"format\":\"%s\"", dff_openapi_types[prop->type].format);
    }
    dff_openapi_limits(out, prop);
    dff_openapi_inner(out, prop);
    dff_openapi_about(out, prop);
    dff_buf_add_str(out, DFF_STR("}"));
}


void
dff_openapi_shape(dff_buf_t *out, const dff_shape_t *shape)
{
    bool first = true;

    dff_buf_add_str(out, DFF_STR("{\"type\":\"object\",\"additionalProperties\":false,"
                                 "\"properties\":{"));
    for (size_t i = 0; i < shape->count; i++) {
        const dff_prop_t *prop = dff_shape_prop(shape, i);

        if ((prop->ops & shape->op) == 0) {
            continue;
        }
        dff_buf_addf(out, "%s\"%s\":", first ? "" : ",", prop->name);
        dff_openapi_prop(out, prop);
        first = false;
    }
    dff_buf_add_str(out, DFF_STR("},\"required\":["));
    first = true;
    for (size_t i = 0; i < shape->count; i++) {
        const dff_prop_t *prop = dff_shape_prop(shape, i);

        if ((prop->ops & prop->required & shape->op) != 0) {
            dff_buf_addf(out, "%s\"%s\"", first ? "" : ",", prop->name);
            first = false;
        }
    }
    dff_buf_add_str(out, DFF_STR("]}"));
}


/* What a row of a list has more than columns is not among the columns. */
static const dff_shape_t *
dff_openapi_more(const dff_entity_t *entity, unsigned in)
{
    static const dff_shape_t none = { NULL, 0, 0, 0 };

    return in == DFF_IN_LIST && entity->more != NULL ? entity->more : &none;
}


void
dff_openapi_row(dff_buf_t *out, const dff_entity_t *entity, unsigned in, bool picked)
{
    const dff_shape_t *more = dff_openapi_more(entity, in);
    const char        *comma = "";

    dff_buf_add_str(out, DFF_STR("{\"type\":\"object\",\"additionalProperties\":false,"
                                 "\"properties\":{"));
    for (size_t i = 0; i < entity->ncolumns; i++) {
        if ((entity->columns[i].in & in) != 0) {
            dff_buf_addf(out, "%s\"%s\":{%s}", comma, entity->columns[i].prop.name,
                         dff_openapi_cells[entity->columns[i].cell]);
            comma = ",";
        }
    }
    for (size_t i = 0; i < more->count; i++) {
        dff_buf_addf(out, "%s\"%s\":", comma, dff_shape_prop(more, i)->name);
        dff_openapi_prop(out, dff_shape_prop(more, i));
        comma = ",";
    }
    dff_buf_add_str(out, DFF_STR("},\"required\":["));
    comma = "";
    for (size_t i = 0; !picked && i < entity->ncolumns; i++) {
        if ((entity->columns[i].in & in) != 0) {
            dff_buf_addf(out, "%s\"%s\"", comma, entity->columns[i].prop.name);
            comma = ",";
        }
    }
    for (size_t i = 0; !picked && i < more->count; i++) {
        if (dff_shape_prop(more, i)->required != 0) {
            dff_buf_addf(out, "%s\"%s\"", comma, dff_shape_prop(more, i)->name);
            comma = ",";
        }
    }
    dff_buf_add_str(out, DFF_STR("]}"));
}
