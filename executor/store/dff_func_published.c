/* Published functions as they stand in Redis. Runs in dffctl and the api processes. */
#include "store/dff_func.h"

#include "dff_id.h"
#include "dff_json.h"
#include "dff_keys.h"
#include "dff_script.h"

#include "dff_banned.h"


/* Does this row of funcs have the name? *config: its extraConfig, empty: none. */
static bool
dff_func_is_named(dff_str_t row, dff_str_t name, dff_str_t *config)
{
    dff_json_object_t it;
    dff_json_member_t member;
    dff_str_t         text;
    bool              found = false;

    *config = DFF_STR_NULL;
    if (dff_json_object_open(&it, row) != DFF_OK) {
        return false;
    }
    while (dff_json_object_next(&it, &member, NULL) == 1) {
        if (dff_str_eq(member.key, DFF_STR("name"))) {
            found = dff_json_plain_string(member.value, &text) == DFF_OK
                    && dff_str_eq(text, name);
        } else if (dff_str_eq(member.key, DFF_STR("extraConfig"))
                   && member.type == DFF_JSON_OBJECT)
        {
            *config = member.value;
        }
    }
    return found;
}


static int
dff_func_find_in(dff_str_t script_json, dff_str_t func_id, dff_func_config_t *config,
    int *script_version, dff_err_t *err)
{
    size_t            script_len = dff_id_func_script(func_id).len;
    dff_str_t         name = { func_id.data + script_len + 1, func_id.len - script_len - 1 };
    dff_str_t         extra;
    dff_script_t      script;
    dff_json_array_t  it;
    dff_json_member_t row;
    int               rc = DFF_ERROR;

    if (dff_script_decode(script_json, &script, err) != DFF_OK) {
        return DFF_ERROR;
    }
    *script_version = script.version;
    if (dff_json_array_open(&it, dff_str_from(script.funcs_json)) == DFF_OK) {
        while (rc != DFF_OK && dff_json_array_next(&it, &row, NULL) == 1) {
            if (dff_func_is_named(row.value, name, &extra)) {
                rc = DFF_OK;
            }
        }
    }
    rc = rc == DFF_OK ? dff_func_config_read(extra, config, err)
                      : dff_err_set(err, DFF_E_CLIENT_NOT_FOUND, "no such function: %.*s",
                                    (int) func_id.len, func_id.data);
    dff_script_release(&script);
    return rc;
}


int
dff_func_published(dff_rcmd_t *rcmd, dff_str_t func_id, dff_func_config_t *config,
    int *script_version, dff_err_t *err)
{
    dff_str_t   script_id = dff_id_func_script(func_id);
    redisReply *reply;
    int         rc;

    if (!dff_id_is_func(func_id)) {
        return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST, "\"%.*s\" is not the id of a function "
                           "(set__script.function)", (int) (func_id.len > 300 ? 300 : func_id.len),
                           func_id.data);
    }
    reply = dff_rcmd_run(rcmd, err, "HGET " DFF_KEY_SCRIPTS " %b", DFF_RCMD_B(script_id));
    if (reply == NULL) {
        return DFF_ERROR;
    }
    rc = reply->type != REDIS_REPLY_STRING
        ? dff_err_set(err, DFF_E_CLIENT_NOT_FOUND, "no such function: %.*s", (int) func_id.len,
                      func_id.data)
        : dff_func_find_in((dff_str_t) { reply->str, reply->len }, func_id, config,
                           script_version, err);
    freeReplyObject(reply);
    return rc;
}
