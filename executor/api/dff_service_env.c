/* ENV: environment variables of scripts. */
#include "api/dff_service_op.h"

#include "store/dff_env.h"

#include "dff_banned.h"

static void
dff_service_env_text(dff_buf_t *out, const char *name, dff_str_t text)
{
    dff_buf_addf(out, "\"%s\":", name);
    if (text.data == NULL) {
        dff_buf_add_str(out, DFF_STR("null"));
        return;
    }
    dff_buf_add_str(out, DFF_STR("\""));
    dff_buf_add_json_escaped(out, text);
    dff_buf_add_str(out, DFF_STR("\""));
}

static int
dff_service_env_row(void *ctx, const dff_env_row_t *row, dff_err_t *err)
{
    dff_buf_t *out = ctx;

    (void) err;
    if (out->data[out->len - 1] == '}')
        dff_buf_add_str(out, DFF_STR(","));
    dff_buf_add_str(out, DFF_STR("{"));
    dff_service_env_text(out, "id", row->id);
    dff_buf_add_str(out, DFF_STR(","));
    dff_service_env_text(out, "title", row->title);
    dff_buf_add_str(out, DFF_STR(","));
    dff_service_env_text(out, "type", row->type);
    dff_buf_add_str(out, DFF_STR(","));
    dff_service_env_text(out, "value", row->value);
    dff_buf_add_str(out, DFF_STR("}"));
    return DFF_OK;
}

static int
dff_service_env_list(dff_service_call_t *call)
{
    dff_buf_add_str(call->result, DFF_STR("["));
    if (dff_buf_failed(call->result))
        return dff_err_set(&call->err, DFF_E_SYS, "out of memory");
    if (dff_env_each(call->api->db, dff_service_env_row, call->result, &call->err) != DFF_OK)
        return DFF_ERROR;
    dff_buf_add_str(call->result, DFF_STR("]"));
    return DFF_OK;
}

static const dff_service_op_t dff_service_env_rows[] = {
    { .fields = { "env.list", NULL, 0 }, .run = dff_service_env_list },
};

const dff_service_ops_t dff_service_env_ops = DFF_SERVICE_OPS(dff_service_env_rows);
