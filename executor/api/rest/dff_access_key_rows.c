/* Access keys, for programs that sign their requests. */
#include "api/rest/dff_entity.h"
#include "api/rest/dff_routes.h"

#include <openssl/crypto.h>
#include <stdio.h>

#include "api/http/dff_access_key.h"
#include "store/dff_secret.h"

#include "dff_banned.h"

#define DFF_ACCESS_KEY_SECRET  32       /* characters */


static int
dff_access_key_show(dff_web_call_t *call, dff_buf_t *out, dff_str_t id, dff_str_t cell,
    dff_err_t *err)
{
    dff_buf_t secret = DFF_BUF_INIT;

    if (dff_access_key_open(&secret, call->web->api->cfg, id, cell, err) == DFF_OK) {
        dff_buf_add_json_string(out, (dff_str_t) { secret.data, secret.len });
    } else {
        dff_buf_add_str(out, DFF_STR("null"));      /* of another SECRET: the rest is of use */
        *err = (dff_err_t) { 0 };
    }
    dff_secret_wipe(&secret);
    return DFF_OK;
}


static const dff_column_t dff_access_key_columns[] = {
    DFF_COLUMN_SEQ,
    { { "id", DFF_PROP_STR }, DFF_CELL_TEXT, DFF_IN_BOTH },
    { { "userId", DFF_PROP_STR }, DFF_CELL_TEXT, DFF_IN_GET },
    { { "name", DFF_PROP_STR, DFF_OP_ADD, DFF_OP_ADD, .max = DFF_TITLE_MAX }, DFF_CELL_TEXT,
      DFF_IN_BOTH },
    { { "secret", DFF_PROP_STR }, DFF_CELL_TEXT, DFF_IN_BOTH, "t.secretCipher",
      .show = dff_access_key_show },
    { { "webhookURL", DFF_PROP_STR, DFF_OP_ADD | DFF_OP_MODIFY, .nullable = true, .max = 2000 },
      DFF_CELL_TEXT, DFF_IN_BOTH },
    { { "webhookEvents", DFF_PROP_STRS, DFF_OP_ADD | DFF_OP_MODIFY, .nullable = true,
        .max = 100 }, DFF_CELL_LIST, DFF_IN_BOTH },
    { { "allowWebhookEcho", DFF_PROP_BOOL, DFF_OP_ADD | DFF_OP_MODIFY, .nullable = true },
      DFF_CELL_BOOL, DFF_IN_BOTH },
    DFF_COLUMN_TIMES,
    DFF_COLUMN_JOINED("u_id", "u.id", DFF_CELL_TEXT),
    DFF_COLUMN_JOINED("u_username", "u.username", DFF_CELL_TEXT),
    DFF_COLUMN_JOINED("u_name", "u.name", DFF_CELL_TEXT),
    DFF_COLUMN_JOINED("u_mobile", "u.mobile", DFF_CELL_TEXT),
};


/* A secret of 32 characters, sealed. */
static int
dff_access_key_make_secret(dff_web_call_t *call, dff_write_t *write, dff_err_t *err)
{
    char        first[DFF_ID_SIZE], second[DFF_ID_SIZE], secret[2 * DFF_ID_SIZE];
    dff_buf_t   sealed = DFF_BUF_INIT;
    const char *copy = NULL;
    int         rc = DFF_ERROR;

    if (dff_id_make(&call->web->api->ids, first, "") == 0
        || dff_id_make(&call->web->api->ids, second, "") == 0)
    {
        return dff_err_set(err, DFF_E_SYS, "the kernel gives no random bytes");
    }
    (void) snprintf(secret, sizeof(secret), "%s%s", first, second);
    if (dff_access_key_seal(&sealed, call->web->api->cfg, write->id,
                            (dff_str_t) { secret, DFF_ACCESS_KEY_SECRET }, err) == DFF_OK)
    {
        copy = dff_arena_copy(&call->arena, (dff_str_t) { sealed.data, sealed.len });
        rc = copy == NULL ? dff_err_set(err, DFF_E_SYS, "out of memory")
            : dff_write_set(write, "secretCipher", DFF_DB_VALUE_TEXT(dff_str_from(copy)), err);
    }
    OPENSSL_cleanse(first, sizeof(first));
    OPENSSL_cleanse(second, sizeof(second));
    OPENSSL_cleanse(secret, sizeof(secret));
    dff_buf_release(&sealed);
    return rc;
}


static int
dff_access_key_before(dff_web_call_t *call, dff_write_t *write, dff_err_t *err)
{
    const dff_db_value_t *echo = dff_write_get(write, "allowWebhookEcho");

    if (echo != NULL && echo->type == DFF_DB_NULL
        && dff_write_set(write, "allowWebhookEcho", DFF_DB_VALUE_INT(0), err) != DFF_OK)
    {
        return DFF_ERROR;
    }
    if (write->op != DFF_OP_ADD) {
        return DFF_OK;
    }
    if (call->user.integrated) {
        return dff_err_set(err, DFF_E_USER_PRIVILEGE, "A user of a sign-in function has no "
                           "access keys");
    }
    return dff_write_set(write, "userId", DFF_DB_VALUE_TEXT(dff_str_from(call->user.id)), err)
        == DFF_OK ? dff_access_key_make_secret(call, write, err) : DFF_ERROR;
}


static const dff_filter_t dff_access_key_filters[] = {
    { "id", DFF_FILTER_IN, "t.id", NULL },
    { "name", DFF_FILTER_LIKE, "t.name", NULL },
};

static const dff_sort_t dff_access_key_sorts[] = { { "seq", "t.seq" } };

static const char *const dff_access_key_fuzzy[] = { "t.id", "t.name", NULL };

static const dff_entity_t dff_access_key_entity = {
    .noun = "access key", .table = "access_key",
    .joins = " LEFT JOIN `user` u ON u.id = t.userId",
    DFF_ENTITY_TABLE(dff_access_key), .fuzzy = dff_access_key_fuzzy, .order = "t.seq DESC",
    .flags = DFF_ENTITY_FIELDS | DFF_ENTITY_EXPORT, .id_prefix = "ak-", .id_long = true,
    .before = dff_access_key_before,
};

DFF_BODY_OF(dff_access_key_add_body, dff_access_key_columns, DFF_OP_ADD);
DFF_BODY_OF(dff_access_key_modify_body, dff_access_key_columns, DFF_OP_MODIFY);

#define DFF_ACCESS_KEYS  "/api/v1/access-keys"

static const dff_endpoint_t dff_access_key_rows[] = {
    DFF_ROUTE_LIST(DFF_ACCESS_KEYS, "access keys", &dff_access_key_entity, DFF_ACCESS_KEY_R,
                   DFF_SIGN_IN_TOKEN),
    DFF_ROUTE_GET(DFF_ACCESS_KEYS, "an access key", &dff_access_key_entity, DFF_ACCESS_KEY_R,
                  DFF_SIGN_IN_TOKEN),
    DFF_ROUTE_ADD(DFF_ACCESS_KEYS, "an access key", &dff_access_key_entity, DFF_ACCESS_KEY_W,
                  DFF_SIGN_IN_TOKEN, &dff_access_key_add_body),
    DFF_ROUTE_MODIFY(DFF_ACCESS_KEYS, "an access key", &dff_access_key_entity, DFF_ACCESS_KEY_W,
                     DFF_SIGN_IN_TOKEN, &dff_access_key_modify_body),
    DFF_ROUTE_DELETE(DFF_ACCESS_KEYS, "an access key", &dff_access_key_entity, DFF_ACCESS_KEY_W,
                     DFF_SIGN_IN_TOKEN),
};

const dff_endpoint_group_t dff_access_key_routes = DFF_ENDPOINTS(dff_access_key_rows);
