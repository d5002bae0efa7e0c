/* STORE: durable keys and values of scripts. */
#include "api/dff_service_op.h"

#include "store/dff_func_store.h"

#include "dff_banned.h"

enum { STORE_KEY, STORE_SCOPE, STORE_VALUE, STORE_EXPIRE, STORE_NOT_EXISTS };

static const dff_service_arg_t dff_service_store_set_args[] = {
    [STORE_KEY] = DFF_SERVICE_KEY,
    [STORE_SCOPE] = DFF_SERVICE_SCOPE,
    [STORE_VALUE] = { "value", DFF_SERVICE_VALUE, 0, 0, 0 },
    [STORE_EXPIRE] = { "expire", DFF_SERVICE_SECONDS, DFF_SERVICE_OPTIONAL, 0,
                       DFF_SERVICE_EXPIRE_MAX_S },
    [STORE_NOT_EXISTS] = { "notExists", DFF_SERVICE_BOOL, DFF_SERVICE_OPTIONAL, 0, 0 },
};

static const dff_service_arg_t dff_service_store_key_args[] = {
    [STORE_KEY] = DFF_SERVICE_KEY,
    [STORE_SCOPE] = DFF_SERVICE_SCOPE,
};

static dff_func_store_key_t
dff_service_store_key(const dff_service_call_t *call)
{
    return (dff_func_store_key_t) { .scope = call->values[STORE_SCOPE].text,
                                    .key = call->values[STORE_KEY].text };
}

static void
dff_service_store_bool(dff_service_call_t *call, bool value)
{
    dff_buf_add_str(call->result, value ? DFF_STR("true") : DFF_STR("false"));
}

static int
dff_service_store_set(dff_service_call_t *call)
{
    const dff_func_store_key_t key = dff_service_store_key(call);
    const dff_func_store_set_t set = {
        .value = call->values[STORE_VALUE].text,
        .expire_ms = call->values[STORE_EXPIRE].number,
        .not_exists = call->values[STORE_NOT_EXISTS].number != 0,
    };
    bool                       done;

    if (dff_func_store_set(call->api->db, &key, &set, &done, &call->err) != DFF_OK)
        return DFF_ERROR;
    dff_service_store_bool(call, done);
    return DFF_OK;
}

static int
dff_service_store_get(dff_service_call_t *call)
{
    const dff_func_store_key_t key = dff_service_store_key(call);
    size_t                     begin = call->result->len;

    if (dff_func_store_get(call->api->db, &key, call->result, &call->err) != DFF_OK)
        return DFF_ERROR;
    if (call->result->len == begin)
        dff_buf_add_str(call->result, DFF_STR("null"));
    return DFF_OK;
}

static int
dff_service_store_delete(dff_service_call_t *call)
{
    const dff_func_store_key_t key = dff_service_store_key(call);
    bool                       found;

    if (dff_func_store_delete(call->api->db, &key, &found, &call->err) != DFF_OK)
        return DFF_ERROR;
    dff_service_store_bool(call, found);
    return DFF_OK;
}

static const dff_service_op_t dff_service_store_rows[] = {
    { DFF_SERVICE_FIELDS("store.set", dff_service_store_set_args), dff_service_store_set, NULL },
    { DFF_SERVICE_FIELDS("store.get", dff_service_store_key_args), dff_service_store_get, NULL },
    { DFF_SERVICE_FIELDS("store.delete", dff_service_store_key_args), dff_service_store_delete,
      NULL },
};

const dff_service_ops_t dff_service_store_ops = DFF_SERVICE_OPS(dff_service_store_rows);
