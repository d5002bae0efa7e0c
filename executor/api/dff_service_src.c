/* SRC: what a connector of a script needs to know of a data source, secrets included. */
#include "api/dff_service_op.h"

#include <jansson.h>
#include <stdlib.h>

#include "dff_digest.h"
#include "dff_keys.h"
#include "store/dff_secret.h"
#include "store/dff_source.h"

#include "dff_banned.h"

enum { SRC_ID };
enum { SRC_TOKEN };

static const dff_service_arg_t dff_service_src_args[] = {
    [SRC_ID] = { "id", DFF_SERVICE_TEXT, 0, 1, 64 },
};

static const dff_service_arg_t dff_service_trial_args[] = {
    [SRC_TOKEN] = { "token", DFF_SERVICE_TEXT, 0, 1, 64 },
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

/* What api/rest/dff_source_try.c has put there, once. *reply: its text; the caller frees it. */
static int
dff_service_trial_take(dff_service_call_t *call, redisReply **reply)
{
    dff_rcmd_t *rcmd = call->api->rcmd;
    char        digest[DFF_DIGEST_SHA256_SIZE];
    dff_key_t   key;

    if (dff_digest_sha256(digest, call->values[SRC_TOKEN].text, &call->err) != DFF_OK)
        return DFF_ERROR;
    (void) dff_key_api(key, DFF_KEY_SOURCE_TRIAL, dff_str_from(digest));
    *reply = dff_rcmd_run(rcmd, &call->err, "GET %s", key);
    if (*reply == NULL)
        return DFF_ERROR;
    if ((*reply)->type != REDIS_REPLY_STRING)
        return dff_err_set(&call->err, DFF_E_CLIENT_NOT_FOUND, "no such trial");
    return dff_rcmd_do(rcmd, &call->err, "DEL %s", key);
}

/* A data source that is not stored yet. */
static int
dff_service_src_trial(dff_service_call_t *call)
{
    redisReply *reply = NULL;
    json_t     *entry = NULL;
    char       *config = NULL;
    dff_buf_t   plain = DFF_BUF_INIT;
    int         rc = dff_service_trial_take(call, &reply);

    if (rc == DFF_OK) {
        entry = json_loadb(reply->str, reply->len, 0, NULL);
        config = json_dumps(json_object_get(entry, "config"), JSON_COMPACT);
        rc = config == NULL ? dff_err_set(&call->err, DFF_E_SYS, "a trial that cannot be read")
            : dff_source_config_open(&plain, dff_str_from(call->api->cfg->secret),
                                     dff_str_from(json_string_value(json_object_get(entry, "id"))),
                                     dff_str_from(config), &call->err);
    }
    if (rc == DFF_OK) {
        dff_buf_addf(call->result, "{\"type\":\"%s\",\"version\":\"\",\"config\":",
                     json_string_value(json_object_get(entry, "type")));
        dff_buf_add_str(call->result, (dff_str_t) { plain.data, plain.len });
        dff_buf_add_str(call->result, DFF_STR("}"));
    }
    dff_secret_wipe(&plain);
    free(config);
    json_decref(entry);
    if (reply != NULL)
        freeReplyObject(reply);
    return rc;
}

static const dff_service_op_t dff_service_src_rows[] = {
    { DFF_SERVICE_FIELDS("src.get", dff_service_src_args), dff_service_src_get, NULL },
    { DFF_SERVICE_FIELDS("src.trial", dff_service_trial_args), dff_service_src_trial, NULL },
};

const dff_service_ops_t dff_service_src_ops = DFF_SERVICE_OPS(dff_service_src_rows);
