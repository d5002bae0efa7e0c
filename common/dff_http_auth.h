/*
 * Reading of the Authorization header of HTTP: Basic (RFC 7617) and Digest (RFC 7616).
 * Only reads; what the values are worth is dff_auth_proof.h's business.
 *
 * The bytes are a stranger's. Nothing is allocated: what must be decoded goes into room
 * that the caller gives, and results point there or into the header. Runs in nginx
 * workers.
 */
#ifndef DFF_HTTP_AUTH_H
#define DFF_HTTP_AUTH_H

#include <stdbool.h>
#include <stdint.h>

#include "dff_digest.h"
#include "dff_str.h"

#define DFF_HTTP_AUTH_MAX  8192     /* bytes of credentials that are read at all */

/* Do the credentials have this scheme, in any case of letters? *rest is what follows. */
bool dff_http_auth_is(dff_str_t header, dff_str_t scheme, dff_str_t *rest);

/* What follows "Basic". room: for as many bytes as credentials has. DFF_ERROR: *what
 * (a constant) says what is wrong. */
int dff_http_auth_basic(dff_str_t credentials, char *room, dff_str_t *username,
    dff_str_t *password, const char **what);

/* What follows "Digest": each value is there and well-formed; strings are unescaped. */
typedef struct {
    dff_str_t    username;
    dff_str_t    realm;
    dff_str_t    nonce;
    dff_str_t    uri;
    dff_str_t    response;
    dff_str_t    cnonce;
    dff_str_t    nc_text;       /* as it was sent: part of what is digested */
    uint32_t     nc;            /* from 1 */
    dff_digest_t algorithm;     /* MD5 where none is named */
} dff_http_digest_t;

/* Only qop=auth, no -sess algorithms, no userhash. room as above. */
int dff_http_auth_digest(dff_str_t credentials, char *room, dff_http_digest_t *digest,
    const char **what);

#endif
