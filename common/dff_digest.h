/* MD5 and SHA-256 as lower-case hexadecimal text. Runs in every process; pure code on
 * libcrypto, no globals. */
#ifndef DFF_DIGEST_H
#define DFF_DIGEST_H

#include "dff_err.h"
#include "dff_str.h"

#define DFF_DIGEST_MD5_SIZE     33      /* with the NUL */
#define DFF_DIGEST_SHA256_SIZE  65
#define DFF_DIGEST_SIZE_MAX     65

typedef enum { DFF_DIGEST_MD5, DFF_DIGEST_SHA256, DFF_DIGEST_COUNT } dff_digest_t;

int dff_digest_md5(char out[DFF_DIGEST_MD5_SIZE], dff_str_t data, dff_err_t *err);
int dff_digest_sha256(char out[DFF_DIGEST_SHA256_SIZE], dff_str_t data, dff_err_t *err);

/* Of the parts with ':' between them, as HTTP authentication joins what it digests. */
int dff_digest_joined(char out[DFF_DIGEST_SIZE_MAX], dff_digest_t kind, const dff_str_t *parts,
    size_t nparts, dff_err_t *err);

/* Lower-case hexadecimal of len bytes, with a NUL. */
void dff_digest_hex(char *out, const unsigned char *bytes, size_t len);

#endif
