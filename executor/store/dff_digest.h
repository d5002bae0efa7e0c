/* Digests as lower-case hexadecimal text. Pure code on libcrypto. */
#ifndef DFF_DIGEST_H
#define DFF_DIGEST_H

#include "dff_err.h"
#include "dff_str.h"

#define DFF_DIGEST_MD5_SIZE     33      /* with the NUL */
#define DFF_DIGEST_SHA256_SIZE  65

int dff_digest_md5(char out[DFF_DIGEST_MD5_SIZE], dff_str_t data, dff_err_t *err);
int dff_digest_sha256(char out[DFF_DIGEST_SHA256_SIZE], dff_str_t data, dff_err_t *err);

#endif
