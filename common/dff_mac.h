/*
 * Message authentication with keys made from SECRET, one key for each purpose, so that
 * what one part signs or encrypts is of no use to another. All nodes that share SECRET
 * agree. Runs in every process; pure code on libcrypto.
 */
#ifndef DFF_MAC_H
#define DFF_MAC_H

#include <stdbool.h>

#include "dff_err.h"
#include "dff_str.h"

#define DFF_MAC_KEY_SIZE  32
#define DFF_MAC_SIZE      65      /* hexadecimal text with its NUL */

/* The key of a purpose, a constant like "digest nonce". The caller wipes it. */
int dff_mac_key(unsigned char key[DFF_MAC_KEY_SIZE], dff_str_t secret, const char *purpose,
    dff_err_t *err);

/* HMAC-SHA256 of a list of parts: ("a", "bc") and ("ab", "c") differ. */
int dff_mac_text(char out[DFF_MAC_SIZE], const unsigned char key[DFF_MAC_KEY_SIZE],
    const dff_str_t *parts, size_t nparts, dff_err_t *err);

/* Compares in a time that does not depend on where they differ (on the length only). */
bool dff_mac_equal(dff_str_t a, dff_str_t b);

#endif
