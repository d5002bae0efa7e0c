/*
 * Secrets that must be had back (passwords of API auths, later of data sources) as text
 * for MySQL: AES-256-GCM with a key made from SECRET, so a copy of the database alone
 * gives nothing away. Runs in dffctl and the api processes; pure code on libcrypto.
 *
 * context says whose secret it is ("apia-x user bob"); a sealed text opens only with the
 * context it was sealed with, so it cannot be moved to another row.
 */
#ifndef DFF_SECRET_H
#define DFF_SECRET_H

#include "dff_buf.h"
#include "dff_err.h"

#define DFF_SECRET_PLAIN_MAX  65536     /* bytes */

/* Adds "gcm1:<Base64>" to out. */
int dff_secret_seal(dff_buf_t *out, dff_str_t secret, dff_str_t context, dff_str_t plain,
    dff_err_t *err);

/* Adds the plain text to out, which the caller wipes. DFF_ERROR: sealed with another
 * SECRET or context, or changed. */
int dff_secret_open(dff_buf_t *out, dff_str_t secret, dff_str_t context, dff_str_t sealed,
    dff_err_t *err);

/* Releases a buffer that had a secret in it. */
void dff_secret_wipe(dff_buf_t *buf);

#endif
