/*
 * The API auth of a route, made of what is stored. Runs in dffctl and the api processes.
 */
#include "store/dff_api_auth_route.h"

#include <jansson.h>
#include <openssl/crypto.h>

#include "dff_envelope.h"
#include "dff_id.h"
#include "store/dff_api_auth_config.h"
#include "store/dff_secret.h"

#include "dff_banned.h"


static int
dff_auth_route_open(dff_buf_t *plain, const dff_api_auth_source_t *source, const json_t *row,
    const char *key, dff_err_t *err)
{
    dff_buf_t context = DFF_BUF_INIT;
    int       rc = DFF_ERROR;

    dff_auth_config_context(&context, source->id, row);
    if (!dff_buf_failed(&context)) {
        rc = dff_secret_open(plain, source->secret, (dff_str_t) { context.data, context.len },
                             dff_auth_config_get(row, key), err);
    }
    dff_buf_release(&context);
    return rc;
}


static int
dff_auth_route_field(dff_buf_t *out, const dff_api_auth_source_t *source, const json_t *row,
    dff_str_t plain, dff_err_t *err)
{
    int           location = dff_auth_location_from(dff_auth_config_get(row, "location"));
    unsigned char key[DFF_MAC_KEY_SIZE];
    char          proof[DFF_MAC_SIZE];
    int           rc = DFF_ERROR;

    if (location >= 0 && dff_auth_field_key(key, source->secret, err) == DFF_OK
        && dff_auth_field(proof, key, source->id, plain, err) == DFF_OK)
    {
        dff_route_auth_add_field(out, &(dff_route_auth_field_t) {
            .location = (dff_auth_location_t) location,
            .name = dff_auth_config_get(row, "name"), .proof = dff_str_from(proof)
        });
        rc = DFF_OK;
    }
    OPENSSL_cleanse(key, sizeof(key));
    return rc;
}


/* Basic is checked by SHA-256 alone, so a route for it has no MD5. */
static int
dff_auth_route_user(dff_buf_t *out, const dff_api_auth_source_t *source, dff_auth_type_t type,
    const json_t *row, dff_str_t plain, dff_err_t *err)
{
    dff_route_auth_user_t user = { .username = dff_auth_config_get(row, "username") };
    char                  a1[DFF_DIGEST_COUNT][DFF_DIGEST_SIZE_MAX];
    char                  realm[DFF_AUTH_REALM_SIZE];
    size_t                len = dff_auth_realm(realm, source->kind, source->link_id);

    for (int i = 0; i < DFF_DIGEST_COUNT; i++) {
        if (type == DFF_AUTH_HTTP_BASIC && i == DFF_DIGEST_MD5) {
            continue;
        }
        if (dff_auth_a1(a1[i], (dff_digest_t) i, user.username, (dff_str_t) { realm, len }, plain,
                        err) != DFF_OK)
        {
            return DFF_ERROR;
        }
        user.a1[i] = dff_str_from(a1[i]);
    }
    dff_route_auth_add_user(out, &user);
    return DFF_OK;
}


static int
dff_auth_route_list(dff_buf_t *out, const dff_api_auth_source_t *source, dff_auth_type_t type,
    const json_t *config, dff_err_t *err)
{
    bool    fields = type == DFF_AUTH_FIXED_FIELD;
    json_t *rows = json_object_get(config, fields ? "fields" : "users"), *row;
    size_t  i;
    int     rc = DFF_OK;

    if (json_array_size(rows) == 0) {       /* of what is no list too */
        return dff_err_set(err, DFF_E_SYS, "API auth without a list");
    }

    dff_route_auth_begin(out, source->id, type);
    json_array_foreach(rows, i, row) {
        dff_buf_t plain = DFF_BUF_INIT;

        rc = dff_auth_route_open(&plain, source, row, fields ? "valueCipher" : "passwordCipher",
                                 err);
        if (rc == DFF_OK) {
            dff_str_t text = { plain.data == NULL ? "" : plain.data, plain.len };

            rc = fields
                ? dff_auth_route_field(out, source, row, text, err)
                : dff_auth_route_user(out, source, type, row, text, err);
        }
        dff_secret_wipe(&plain);
        if (rc != DFF_OK) {
            return rc;
        }
    }
    dff_route_auth_end(out);
    return rc;
}


static int
dff_auth_route_func(dff_buf_t *out, const dff_api_auth_source_t *source)
{
    dff_route_auth_func_t func = source->func;
    char                  func_id[DFF_FUNC_ID_MAX + 1];

    dff_api_auth_config_func(func_id, sizeof(func_id), source->stored);
    func.func_id = dff_str_from(func_id);
    if (!dff_id_is_func(func.func_id)) {
        return DFF_ERROR;
    }
    dff_route_auth_add_func(out, source->id, &func);
    return DFF_OK;
}


int
dff_api_auth_route(dff_buf_t *out, const dff_api_auth_source_t *source, dff_err_t *err)
{
    dff_buf_t made = DFF_BUF_INIT;
    json_t   *config = NULL;
    int       type = dff_auth_type_from(source->type), rc = DFF_ERROR;

    if (source->type.len > 0 && type >= 0) {
        config = json_loadb(source->stored.data, source->stored.len, 0, NULL);
        rc = type == DFF_AUTH_FUNC
            ? dff_auth_route_func(&made, source)
            : dff_auth_route_list(&made, source, (dff_auth_type_t) type, config, err);
    }
    if (rc == DFF_OK && !dff_buf_failed(&made)) {
        dff_buf_add(out, made.data, made.len);
    } else {
        dff_route_auth_add_closed(out, source->id, source->type.len == 0 ? "missing"
                                                                       : "unreadable");
    }
    dff_buf_release(&made);
    json_decref(config);
    return dff_buf_failed(out) ? dff_err_set(err, DFF_E_SYS, "out of memory") : DFF_OK;
}
