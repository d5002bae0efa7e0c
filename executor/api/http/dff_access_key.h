/*
 * Requests that are signed with an access key (X-Dff-Ak-*): HMAC over time, nonce, method
 * and URL, in version v2 also over the digest of the body.
 *
 *   v1: hex(HMAC-SHA1(secret, timestamp & nonce & METHOD & URL))
 *   v2: hex(HMAC-SHA256(secret, "v2" & timestamp & nonce & METHOD & URL & hex(SHA-256(body))))
 *
 * with "&" between the parts. Each nonce is good once. Secrets are sealed in MySQL.
 * Runs in the api processes.
 */
#ifndef DFF_ACCESS_KEY_H
#define DFF_ACCESS_KEY_H

#include "api/http/dff_web.h"

#define DFF_ACCESS_KEY_SKEW_S   900
#define DFF_ACCESS_KEY_NONCE_S  86400

/* Does the request present one? */
bool dff_access_key_presented(const dff_web_call_t *call);

/* Checks it and fills call->user with its owner. *fatal: the error ends a public request,
 * too. */
int dff_access_key_find(dff_web_call_t *call, bool *fatal, dff_err_t *err);

/* The secret of a row, into out, which the caller wipes. */
int dff_access_key_open(dff_buf_t *out, const dff_config_t *cfg, dff_str_t id, dff_str_t sealed,
    dff_err_t *err);
int dff_access_key_seal(dff_buf_t *out, const dff_config_t *cfg, dff_str_t id, dff_str_t secret,
    dff_err_t *err);

#endif
