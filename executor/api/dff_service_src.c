/* SRC: what a connector of a script needs to know of a data source, secrets included. */
#include "api/dff_service_op.h"

#include "store/dff_secret.h"
#include "store/dff_source.h"

#include "dff_banned.h"

enum { SRC_ID };

static const dff_service_arg_t dff_service_src_args[] = {
    [SRC_ID] = { "id", DFF_SERVICE_TEXT, 0, 1, 64 },
};

static int
dff_service_src_get(dff_service_call_t *call)
{
    dff_source_t source;
    int          rc;

    rc = dff_source_open(call->api->db, call->values[SRC_ID].text, &source, &call->err);
    if (rc == DFF_OK) {
        dff_buf_addf(call->result, "{\"type\":\"%s\",\"version\":\"%s\",\"config\":", source.type,
                     source.version);
        dff_buf_add_str(call->result, (dff_str_t) { source.config.data, source.config.len });
        dff_buf_add_str(call->result, DFF_STR("}"));
    }
    dff_source_release(&source);
    return rc;
}

static const dff_service_op_t dff_service_src_rows[] = {
    { DFF_SERVICE_FIELDS("src.get", dff_service_src_args), dff_service_src_get, NULL },
};

const dff_service_ops_t dff_service_src_ops = DFF_SERVICE_OPS(dff_service_src_rows);
