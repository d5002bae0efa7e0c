/*
 * What a route holds of the secrets of its API auth, and what nginx compares with it.
 *
 * A route has no password and no field value, only these proofs of them: for a user the
 * A1 digests of RFC 7616 (they contain the realm, so they are of no use for another
 * link), for a field an HMAC keyed from SECRET. docs/protocol.md, "API auth of a route".
 *
 * Runs in dffctl and the api processes (which write routes) and in nginx workers.
 */
#ifndef DFF_AUTH_PROOF_H
#define DFF_AUTH_PROOF_H

#include "dff_digest.h"
#include "dff_http_auth.h"
#include "dff_mac.h"
#include "dff_route.h"

typedef enum {
    DFF_AUTH_FIXED_FIELD, DFF_AUTH_HTTP_BASIC, DFF_AUTH_HTTP_DIGEST, DFF_AUTH_FUNC,
    DFF_AUTH_TYPE_COUNT
} dff_auth_type_t;

typedef enum {
    DFF_AUTH_HEADER, DFF_AUTH_QUERY, DFF_AUTH_BODY, DFF_AUTH_LOCATION_COUNT
} dff_auth_location_t;

/* "fixedField", …; "header", … */
const char *dff_auth_type_name(dff_auth_type_t type);
const char *dff_auth_location_name(dff_auth_location_t location);
/* -1: text is none of the names. */
int dff_auth_type_from(dff_str_t text);
int dff_auth_location_from(dff_str_t text);

#define DFF_AUTH_REALM_SIZE  96

/* "AuthLink:<id>" or "Batch:<id>", NUL-terminated; the length. */
size_t dff_auth_realm(char out[DFF_AUTH_REALM_SIZE], dff_route_kind_t kind, dff_str_t link_id);

/* H(username:realm:password). */
int dff_auth_a1(char out[DFF_DIGEST_SIZE_MAX], dff_digest_t kind, dff_str_t username,
    dff_str_t realm, dff_str_t password, dff_err_t *err);

/* The response that a client with this A1 sends for its digest and this method. */
int dff_auth_response(char out[DFF_DIGEST_SIZE_MAX], dff_str_t a1,
    const dff_http_digest_t *digest, dff_str_t method, dff_err_t *err);

/* The proof of a field's value; key: dff_auth_field_key(), wiped by the caller. */
int dff_auth_field_key(unsigned char key[DFF_MAC_KEY_SIZE], dff_str_t secret, dff_err_t *err);
int dff_auth_field(char out[DFF_MAC_SIZE], const unsigned char key[DFF_MAC_KEY_SIZE],
    dff_str_t auth_id, dff_str_t value, dff_err_t *err);

#endif
