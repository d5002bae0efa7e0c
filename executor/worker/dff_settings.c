/*
 * Reads the SETTINGS frame. Runs in the zygote, before Python.
 */
#include "dff_settings.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "dff_banned.h"

typedef struct {
    const char *name;
    size_t      offset;      /* of a char * or an int64_t in dff_settings_t */
    json_type   type;
    int         required;
} dff_settings_field_t;

#define FIELD(field)  offsetof(dff_settings_t, field)

static const dff_settings_field_t dff_settings_fields[] = {
    { "workerUser",       FIELD(worker_user),         JSON_STRING,  0 },
    { "pythonPath",       FIELD(python_path),         JSON_STRING,  1 },
    { "resourceRoot",     FIELD(resource_root),       JSON_STRING,  1 },
    { "maxTasksPerChild", FIELD(max_tasks_per_child), JSON_INTEGER, 1 },
    { "maxRssMB",         FIELD(max_rss_mb),          JSON_INTEGER, 1 },
};

static int
dff_settings_set(dff_settings_t *settings, const dff_settings_field_t *field,
    const json_t *value, dff_err_t *err)
{
    char   *base = (char *) settings;
    char   *text;
    int64_t number;

    if (value == NULL && field->required)
        return dff_err_set(err, DFF_E_SYS, "\"%s\" is missing", field->name);
    if (value != NULL && json_typeof(value) != field->type)
        return dff_err_set(err, DFF_E_SYS, "\"%s\" has the wrong type", field->name);

    if (field->type == JSON_INTEGER) {
        number = json_integer_value(value);
        if (number < 0)
            return dff_err_set(err, DFF_E_SYS, "\"%s\" is negative", field->name);
        memcpy(base + field->offset, &number, sizeof(number));
        return DFF_OK;
    }

    text = strdup(value == NULL ? "" : json_string_value(value));
    if (text == NULL)
        return dff_err_set(err, DFF_E_SYS, "no memory");
    memcpy(base + field->offset, &text, sizeof(text));
    return DFF_OK;
}

int
dff_settings_read(dff_settings_t *settings, dff_str_t json, dff_err_t *err)
{
    json_t      *doc;
    json_error_t where;
    size_t       i;
    int          rc = DFF_ERROR;

    *settings = (dff_settings_t) { 0 };
    doc = json_loadb(json.data, json.len, JSON_REJECT_DUPLICATES, &where);
    if (!json_is_object(doc)) {
        (void) dff_err_set(err, DFF_E_SYS, "not a JSON object: %s", where.text);
        goto done;
    }
    settings->text = strndup(json.data, json.len);
    if (settings->text == NULL) {
        (void) dff_err_set(err, DFF_E_SYS, "no memory");
        goto done;
    }
    for (i = 0; i < sizeof(dff_settings_fields) / sizeof(dff_settings_fields[0]); i++) {
        const dff_settings_field_t *field = &dff_settings_fields[i];

        if (dff_settings_set(settings, field, json_object_get(doc, field->name), err) != DFF_OK)
            goto done;
    }
    rc = DFF_OK;

done:
    json_decref(doc);
    if (rc != DFF_OK) {
        dff_settings_release(settings);
        (void) dff_err_wrap(err, "zygote settings");
    }
    return rc;
}

void
dff_settings_release(dff_settings_t *settings)
{
    free(settings->text);
    free(settings->worker_user);
    free(settings->python_path);
    free(settings->resource_root);
    *settings = (dff_settings_t) { 0 };
}
