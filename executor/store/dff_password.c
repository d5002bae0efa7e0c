/*
 * Password hashes. Runs in dffctl and the api processes.
 */
#include "store/dff_password.h"

#include <crypt.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>

#include "dff_banned.h"

#define DFF_PASSWORD_METHOD  "$y$"     /* yescrypt, at the cost that libcrypt advises */


int
dff_password_hash(char out[DFF_PASSWORD_HASH_SIZE], const char *password, dff_err_t *err)
{
    struct crypt_data *data;
    char               setting[CRYPT_GENSALT_OUTPUT_SIZE];
    const char        *hash;
    int                rc = DFF_ERROR;

    data = calloc(1, sizeof(*data));      /* 32 KiB: too much for some stacks */
    if (data == NULL) {
        return dff_err_set(err, DFF_E_SYS, "out of memory");
    }

    /* No random bytes given: libcrypt takes them from the kernel. */
    hash = crypt_gensalt_rn(DFF_PASSWORD_METHOD, 0, NULL, 0, setting, sizeof(setting)) == NULL
        ? NULL : crypt_r(password, setting, data);
    if (hash == NULL || hash[0] == '*' || strlen(hash) >= DFF_PASSWORD_HASH_SIZE) {
        dff_err_set(err, DFF_E_SYS, "libcrypt cannot make a yescrypt hash");
        goto done;
    }
    memcpy(out, hash, strlen(hash) + 1);
    rc = DFF_OK;

done:
    OPENSSL_cleanse(data, sizeof(*data));
    free(data);
    return rc;
}


bool
dff_password_matches(const char *password, const char *hash)
{
    struct crypt_data *data = calloc(1, sizeof(*data));
    const char        *made;
    bool               same;

    if (data == NULL) {
        return false;
    }
    made = crypt_r(password, hash, data);
    same = made != NULL && made[0] != '*' && strlen(made) == strlen(hash)
        && CRYPTO_memcmp(made, hash, strlen(hash)) == 0;
    OPENSSL_cleanse(data, sizeof(*data));
    free(data);
    return same;
}
