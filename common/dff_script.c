/*
 * Published scripts as JSON. Written by publishers, read by masters.
 */
#include "dff_script.h"

#include <limits.h>
#include <stdlib.h>

#include "dff_fields.h"
#include "dff_id.h"
#include "dff_json.h"

#include "dff_banned.h"

#define DFF_SCRIPT_FORMAT    1
#define DFF_SCRIPT_MD5_SIZE  32

/* A script's JSON as it lies in the bytes that were read. */
typedef struct {
    int       format;
    int       version;
    dff_str_t id;
    dff_str_t md5;
    dff_str_t code;          /* with quotes and escapes */
    dff_str_t funcs;
} dff_script_record_t;

static bool
dff_script_is_md5(dff_str_t text)
{
    size_t i;

    for (i = 0; i < text.len; i++) {
        if (strchr("0123456789abcdef", text.data[i]) == NULL || text.data[i] == '\0')
            return false;
    }
    return text.len == DFF_SCRIPT_MD5_SIZE;
}

#define DFF_SCRIPT_ROW(name, member, kind, ...) \
    { DFF_FIELD_NAME(name), offsetof(dff_script_record_t, member), (kind), \
      DFF_FIELD_REQUIRED, __VA_ARGS__ }

static const dff_field_t dff_script_rows[] = {
    DFF_SCRIPT_ROW("v", format, DFF_FIELD_VERSION, 0, DFF_SCRIPT_FORMAT, NULL, NULL),
    DFF_SCRIPT_ROW("id", id, DFF_FIELD_STR, 1, DFF_SCRIPT_ID_MAX, NULL, dff_id_is_script),
    DFF_SCRIPT_ROW("version", version, DFF_FIELD_INT, 1, INT_MAX, NULL, NULL),
    DFF_SCRIPT_ROW("md5", md5, DFF_FIELD_STR, 1, DFF_SCRIPT_MD5_SIZE, NULL, dff_script_is_md5),
    DFF_SCRIPT_ROW("code", code, DFF_FIELD_STRING, 0, 0, NULL, NULL),
    DFF_SCRIPT_ROW("funcs", funcs, DFF_FIELD_ARRAY, 0, 0, NULL, NULL),
};

static const dff_fields_t dff_script_fields = DFF_FIELDS("script", dff_script_rows);

void
dff_script_encode(dff_buf_t *out, const dff_script_t *script)
{
    dff_buf_addf(out, "{\"v\":%d,\"id\":\"", DFF_SCRIPT_FORMAT);
    dff_buf_add_json_escaped(out, dff_str_from(script->id));
    dff_buf_addf(out, "\",\"version\":%d,\"md5\":\"%s\",\"code\":\"", script->version, script->md5);
    dff_buf_add_json_escaped(out, (dff_str_t) { script->code, script->code_len });
    dff_buf_add_str(out, DFF_STR("\",\"funcs\":"));
    dff_buf_add_str(out, script->funcs_json == NULL ? DFF_STR("[]")
                                                    : dff_str_from(script->funcs_json));
    dff_buf_add_str(out, DFF_STR("}"));
}

static char *
dff_script_copy(dff_str_t text)
{
    return strndup(text.data, text.len);
}

int
dff_script_decode(dff_str_t json, dff_script_t *script, dff_err_t *err)
{
    dff_script_record_t record = { 0 };
    dff_str_t           code;

    memset(script, 0, sizeof(*script));
    if (dff_fields_read(&dff_script_fields, json, &record, err) != DFF_OK)
        return DFF_ERROR;
    code = (dff_str_t) { record.code.data + 1, record.code.len - 2 };

    script->version = record.version;
    memcpy(script->md5, record.md5.data, DFF_SCRIPT_MD5_SIZE);
    script->id = dff_script_copy(record.id);
    script->funcs_json = dff_script_copy(record.funcs);
    script->code = malloc(code.len + 1);
    if (script->id == NULL || script->funcs_json == NULL || script->code == NULL) {
        dff_script_release(script);
        return dff_err_set(err, DFF_E_SYS, "script: no memory for %zu bytes", json.len);
    }
    script->code_len = dff_json_unescape(code, script->code);
    script->code[script->code_len] = '\0';
    return DFF_OK;
}

void
dff_script_release(dff_script_t *script)
{
    if (script == NULL)
        return;
    free(script->id);
    free(script->code);
    free(script->funcs_json);
    memset(script, 0, sizeof(*script));
}
