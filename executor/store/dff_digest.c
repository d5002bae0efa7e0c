/*
 * Digests as text. Runs in dffctl and the api processes.
 */
#include "store/dff_digest.h"

#include <openssl/evp.h>

#include "dff_banned.h"


static int
dff_digest_hex(char *out, const EVP_MD *kind, dff_str_t data, dff_err_t *err)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char     raw[EVP_MAX_MD_SIZE];
    unsigned          len;

    /* A FIPS library has no MD5; then this is an error and not a wrong digest. */
    if (kind == NULL || EVP_Digest(data.data == NULL ? "" : data.data, data.len, raw, &len, kind,
                                   NULL) != 1)
    {
        return dff_err_set(err, DFF_E_SYS, "libcrypto cannot make the digest");
    }
    for (unsigned i = 0; i < len; i++) {
        *out++ = digits[raw[i] >> 4];
        *out++ = digits[raw[i] & 15];
    }
    *out = '\0';
    return DFF_OK;
}


int
dff_digest_md5(char out[DFF_DIGEST_MD5_SIZE], dff_str_t data, dff_err_t *err)
{
    return dff_digest_hex(out, EVP_md5(), data, err);
}


int
dff_digest_sha256(char out[DFF_DIGEST_SHA256_SIZE], dff_str_t data, dff_err_t *err)
{
    return dff_digest_hex(out, EVP_sha256(), data, err);
}
