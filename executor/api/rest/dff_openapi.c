/* Tables as JSON schemas: see the header. */
#include "api/rest/dff_openapi.h"

#include "dff_banned.h"

static const struct {
    const char *type;       /* NULL: any */
    const char *format;
} dff_openapi_types[] = {
    [DFF_PROP_STR] = { "string", NULL }, [DFF_PROP_INT] = { "integer", NULL },
    [DFF_PROP_NUMBER] = { "number", NULL }, [DFF_PROP_BOOL] = { "boolean", NULL },
    [DFF_PROP_TIME] = { "string", "date-time" }, [DFF_PROP_STRS] = { "array", NULL },
    [DFF_PROP_FREE] = { "object", NULL }, [DFF_PROP_ANY] = { NULL, NULL },
    [DFF_PROP_OBJECT] = { "object", NULL }, [DFF_PROP_OBJECTS] = { "array", NULL },
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
dff_openapi_limits(dff_buf_t *out, const dff_prop_t *prop, const char *least, const char *most)
{
    if (prop->min > 0) {
        dff_buf_addf(out, ",\"%s\":%lld", least, (long long) prop->min);
    }
    if (prop->max > 0) {
        dff_buf_addf(out, ",\"%s\":%lld", most, (long long) prop->max);
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


void
dff_openapi_prop(dff_buf_t *out, const dff_prop_t *prop)
{
    const char *type = dff_openapi_types[prop->type].type;
    bool        nullable = prop->nullable || prop->type == DFF_PROP_FREE;

    if (prop->type == DFF_PROP_OBJECT && !nullable) {
        dff_openapi_shape(out, prop->shape);
        return;
    }
    if (prop->type == DFF_PROP_OBJECT) {
        dff_buf_add_str(out, DFF_STR("{\"anyOf\":[{\"type\":\"null\"},"));
        dff_openapi_shape(out, prop->shape);
        dff_buf_add_str(out, DFF_STR("]}"));
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
    if (prop->type == DFF_PROP_STR) {
        dff_openapi_limits(out, prop, "minLength", "maxLength");
    } else if (prop->type == DFF_PROP_INT) {
        dff_openapi_limits(out, prop, "minimum", "maximum");
    } else if (prop->type == DFF_PROP_STRS || prop->type == DFF_PROP_OBJECTS) {
        dff_openapi_limits(out, prop, "minItems", "maxItems");
        dff_buf_add_str(out, DFF_STR(",\"items\":"));
    }
    if (prop->type == DFF_PROP_OBJECTS) {
        dff_openapi_shape(out, prop->shape);
    } else if (prop->type == DFF_PROP_STRS) {
        dff_buf_add_str(out, DFF_STR("{\"type\":\"string\""));
        if (prop->names != NULL) {
            dff_openapi_enum(out, prop->names, false);
        }
        dff_buf_add_str(out, DFF_STR("}"));
    } else if (prop->names != NULL) {
        dff_openapi_enum(out, prop->names, nullable);
    }
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


void
dff_openapi_row(dff_buf_t *out, const dff_entity_t *entity, unsigned in, bool picked)
{
    bool first = true;

    dff_buf_add_str(out, DFF_STR("{\"type\":\"object\",\"properties\":{"));
    for (size_t i = 0; i < entity->ncolumns; i++) {
        if ((entity->columns[i].in & in) != 0) {
            dff_buf_addf(out, "%s\"%s\":{%s}", first ? "" : ",", entity->columns[i].prop.name,
                         dff_openapi_cells[entity->columns[i].cell]);
            first = false;
        }
    }
    dff_buf_add_str(out, DFF_STR("}"));
    first = true;
    for (size_t i = 0; !picked && i < entity->ncolumns; i++) {
        if ((entity->columns[i].in & in) != 0) {
            dff_buf_addf(out, "%s\"%s\"", first ? ",\"required\":[" : ",",
                         entity->columns[i].prop.name);
            first = false;
        }
    }
    dff_buf_add_str(out, first ? DFF_STR("}") : DFF_STR("]}"));
}
