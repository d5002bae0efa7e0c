/*
 * Digests as text. Runs in every process.
 */
#include "dff_digest.h"

#include <openssl/evp.h>

#include "dff_banned.h"

/* A FIPS library has no MD5; then this is an error and not a wrong digest. */
static int
dff_digest_failed(dff_err_t *err)
{
    return dff_err_set(err, DFF_E_SYS, "libcrypto cannot make the digest");
}

void
dff_digest_hex(char *out, const unsigned char *bytes, size_t len)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < len; i++) {
        *out++ = digits[bytes[i] >> 4];
        *out++ = digits[bytes[i] & 15];
    }
    *out = '\0';
}

int
dff_digest_joined(char out[DFF_DIGEST_SIZE_MAX], dff_digest_t kind, const dff_str_t *parts,
    size_t nparts, dff_err_t *err)
{
    EVP_MD_CTX   *ctx = EVP_MD_CTX_new();
    unsigned char raw[EVP_MAX_MD_SIZE];
    unsigned      len;
    int           rc = DFF_ERROR;

    if (ctx == NULL
        || EVP_DigestInit_ex(ctx, kind == DFF_DIGEST_MD5 ? EVP_md5() : EVP_sha256(), NULL) != 1)
    {
        dff_digest_failed(err);
        goto done;
    }
    for (size_t i = 0; i < nparts; i++) {
        if ((i > 0 && EVP_DigestUpdate(ctx, ":", 1) != 1)
            || (parts[i].len > 0 && EVP_DigestUpdate(ctx, parts[i].data, parts[i].len) != 1))
        {
            dff_digest_failed(err);
            goto done;
        }
    }
    if (EVP_DigestFinal_ex(ctx, raw, &len) != 1) {
        dff_digest_failed(err);
        goto done;
    }
    dff_digest_hex(out, raw, len);
    rc = DFF_OK;

done:
    EVP_MD_CTX_free(ctx);
    return rc;
}

int
dff_digest_md5(char out[DFF_DIGEST_MD5_SIZE], dff_str_t data, dff_err_t *err)
{
    char text[DFF_DIGEST_SIZE_MAX];
    int  rc = dff_digest_joined(text, DFF_DIGEST_MD5, &data, 1, err);

    if (rc == DFF_OK)
        memcpy(out, text, DFF_DIGEST_MD5_SIZE);
    return rc;
}

int
dff_digest_sha256(char out[DFF_DIGEST_SHA256_SIZE], dff_str_t data, dff_err_t *err)
{
    return dff_digest_joined(out, DFF_DIGEST_SHA256, &data, 1, err);
}
