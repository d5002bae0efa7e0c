/*
 * Nonces of HTTP Digest: "<time><random><HMAC>", 66 letters and digits. Nothing is
 * stored for one: every node that shares SECRET can tell its own from a forged one, and
 * how old it is. A nonce is bound to a realm, and so to one link.
 *
 * Runs in nginx workers.
 */
#ifndef DFF_HTTP_NONCE_H
#define DFF_HTTP_NONCE_H

#include <stdint.h>

#include "dff_err.h"
#include "dff_id.h"
#include "dff_mac.h"

#define DFF_HTTP_NONCE_SIZE    67      /* with the NUL */
#define DFF_HTTP_NONCE_SKEW_S  60      /* what the clocks of nodes may differ by */

typedef enum {
    DFF_HTTP_NONCE_GOOD,
    DFF_HTTP_NONCE_OLD,        /* ours, but older than allowed */
    DFF_HTTP_NONCE_FOREIGN     /* not made here, or for another realm */
} dff_http_nonce_state_t;

/* key: dff_http_nonce_key(), wiped by the caller. */
int dff_http_nonce_key(unsigned char key[DFF_MAC_KEY_SIZE], dff_str_t secret, dff_err_t *err);

/* Returns the length, or 0: no randomness, or no HMAC. */
size_t dff_http_nonce_make(char out[DFF_HTTP_NONCE_SIZE],
    const unsigned char key[DFF_MAC_KEY_SIZE], dff_str_t realm, dff_id_source_t *ids,
    int64_t now_ms);

dff_http_nonce_state_t dff_http_nonce_check(dff_str_t nonce,
    const unsigned char key[DFF_MAC_KEY_SIZE], dff_str_t realm, int64_t now_ms,
    int64_t max_age_s);

#endif
