/*
 * Message authentication. Runs in every process.
 */
#include "dff_mac.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdint.h>

#include "dff_digest.h"

#include "dff_banned.h"

static int
dff_mac_failed(dff_err_t *err)
{
    return dff_err_set(err, DFF_E_SYS, "libcrypto cannot make the HMAC");
}

int
dff_mac_key(unsigned char key[DFF_MAC_KEY_SIZE], dff_str_t secret, const char *purpose,
    dff_err_t *err)
{
    unsigned len;

    if (secret.len == 0 || secret.len > INT32_MAX)
        return dff_err_set(err, DFF_E_SYS, "SECRET is not set");
    if (HMAC(EVP_sha256(), secret.data, (int) secret.len, (const unsigned char *) purpose,
             strlen(purpose), key, &len) == NULL
        || len != DFF_MAC_KEY_SIZE)
    {
        return dff_mac_failed(err);
    }
    return DFF_OK;
}

/* SHA-256 of the parts, each behind its length. */
static int
dff_mac_digest(unsigned char out[EVP_MAX_MD_SIZE], unsigned *size, const dff_str_t *parts,
    size_t nparts)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    int         ok = ctx != NULL && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1;

    for (size_t i = 0; ok && i < nparts; i++) {
        unsigned char len[8];

        for (size_t k = 0; k < sizeof(len); k++)
            len[k] = (unsigned char) ((uint64_t) parts[i].len >> (8 * k));
        ok = EVP_DigestUpdate(ctx, len, sizeof(len)) == 1
            && (parts[i].len == 0 || EVP_DigestUpdate(ctx, parts[i].data, parts[i].len) == 1);
    }
    ok = ok && EVP_DigestFinal_ex(ctx, out, size) == 1;
    EVP_MD_CTX_free(ctx);
    return ok ? DFF_OK : DFF_ERROR;
}

int
dff_mac_text(char out[DFF_MAC_SIZE], const unsigned char key[DFF_MAC_KEY_SIZE],
    const dff_str_t *parts, size_t nparts, dff_err_t *err)
{
    unsigned char digest[EVP_MAX_MD_SIZE], mac[EVP_MAX_MD_SIZE];
    unsigned      size, len;

    if (dff_mac_digest(digest, &size, parts, nparts) != DFF_OK
        || HMAC(EVP_sha256(), key, DFF_MAC_KEY_SIZE, digest, size, mac, &len) == NULL
        || len != DFF_MAC_KEY_SIZE)
    {
        return dff_mac_failed(err);
    }
    dff_digest_hex(out, mac, len);
    return DFF_OK;
}

bool
dff_mac_equal(dff_str_t a, dff_str_t b)
{
    return a.len == b.len && (a.len == 0 || CRYPTO_memcmp(a.data, b.data, a.len) == 0);
}
