/*
 * Sealed secrets. Runs in dffctl and the api processes.
 */
#include "store/dff_secret.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdlib.h>

#include "dff_mac.h"

#include "dff_banned.h"

#define DFF_SECRET_PREFIX  DFF_STR("gcm1:")     /* a later form gets another number */
#define DFF_SECRET_NONCE   12
#define DFF_SECRET_TAG     16
#define DFF_SECRET_EXTRA   (DFF_SECRET_NONCE + DFF_SECRET_TAG)

typedef struct {            /* what both directions work with */
    EVP_CIPHER_CTX *cipher;
    unsigned char   key[DFF_MAC_KEY_SIZE];
    unsigned char  *bytes;  /* nonce, text, tag */
    size_t          size;
} dff_secret_work_t;


static int
dff_secret_begin(dff_secret_work_t *work, size_t room, dff_str_t secret, dff_err_t *err)
{
    *work = (dff_secret_work_t) { .size = room };
    work->cipher = EVP_CIPHER_CTX_new();
    work->bytes = malloc(room + 1);
    if (work->cipher == NULL || work->bytes == NULL) {
        return dff_err_set(err, DFF_E_SYS, "out of memory");
    }
    return dff_mac_key(work->key, secret, "secrets in the database", err);
}


static void
dff_secret_end(dff_secret_work_t *work)
{
    EVP_CIPHER_CTX_free(work->cipher);
    if (work->bytes != NULL) {
        OPENSSL_cleanse(work->bytes, work->size);
    }
    free(work->bytes);
    OPENSSL_cleanse(work->key, sizeof(work->key));
}


static bool
dff_secret_encrypt(dff_secret_work_t *work, dff_str_t context, dff_str_t plain)
{
    unsigned char  *text = work->bytes + DFF_SECRET_NONCE;
    EVP_CIPHER_CTX *cipher = work->cipher;
    int             len, ignored;

    return RAND_bytes(work->bytes, DFF_SECRET_NONCE) == 1
        && EVP_EncryptInit_ex(cipher, EVP_aes_256_gcm(), NULL, work->key, work->bytes) == 1
        && EVP_EncryptUpdate(cipher, NULL, &ignored, (const unsigned char *) context.data,
                             (int) context.len) == 1
        && EVP_EncryptUpdate(cipher, text, &len, (const unsigned char *) plain.data,
                             (int) plain.len) == 1
        && EVP_EncryptFinal_ex(cipher, text + len, &ignored) == 1
        && EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_GET_TAG, DFF_SECRET_TAG, text + plain.len)
           == 1;
}


int
dff_secret_seal(dff_buf_t *out, dff_str_t secret, dff_str_t context, dff_str_t plain,
    dff_err_t *err)
{
    dff_secret_work_t work;
    char             *room;
    int               rc = DFF_ERROR;

    if (plain.len > DFF_SECRET_PLAIN_MAX) {
        return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST, "a secret has at most %d bytes",
                           DFF_SECRET_PLAIN_MAX);
    }
    if (dff_secret_begin(&work, plain.len + DFF_SECRET_EXTRA, secret, err) != DFF_OK) {
        goto done;
    }
    if (!dff_secret_encrypt(&work, context, plain)) {
        dff_err_set(err, DFF_E_SYS, "libcrypto cannot encrypt");
        goto done;
    }
    dff_buf_add_str(out, DFF_SECRET_PREFIX);
    room = dff_buf_reserve(out, (work.size + 2) / 3 * 4 + 1);
    if (room != NULL) {
        out->len += (size_t) EVP_EncodeBlock((unsigned char *) room, work.bytes, (int) work.size);
    }
    rc = dff_buf_failed(out) ? dff_err_set(err, DFF_E_SYS, "out of memory") : DFF_OK;

done:
    dff_secret_end(&work);
    return rc;
}


/* Base64 into work->bytes; work->size becomes what it held. */
static bool
dff_secret_decode(dff_secret_work_t *work, dff_str_t text)
{
    int    got;
    size_t padding = 0;

    if (text.len % 4 != 0) {
        return false;
    }
    while (padding < 2 && padding < text.len && text.data[text.len - 1 - padding] == '=') {
        padding++;
    }
    got = EVP_DecodeBlock(work->bytes, (const unsigned char *) text.data, (int) text.len);
    if (got < (int) (DFF_SECRET_EXTRA + padding)) {
        return false;
    }
    work->size = (size_t) got - padding;
    return true;
}


static bool
dff_secret_decrypt(dff_secret_work_t *work, dff_str_t context, char *plain, size_t len)
{
    unsigned char  *text = work->bytes + DFF_SECRET_NONCE;
    EVP_CIPHER_CTX *cipher = work->cipher;
    int             got, ignored;

    return EVP_DecryptInit_ex(cipher, EVP_aes_256_gcm(), NULL, work->key, work->bytes) == 1
        && EVP_DecryptUpdate(cipher, NULL, &ignored, (const unsigned char *) context.data,
                             (int) context.len) == 1
        && EVP_DecryptUpdate(cipher, (unsigned char *) plain, &got, text, (int) len) == 1
        && EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_SET_TAG, DFF_SECRET_TAG, text + len) == 1
        && EVP_DecryptFinal_ex(cipher, (unsigned char *) plain + got, &ignored) == 1;
}


int
dff_secret_open(dff_buf_t *out, dff_str_t secret, dff_str_t context, dff_str_t sealed,
    dff_err_t *err)
{
    const dff_str_t   prefix = DFF_SECRET_PREFIX;
    dff_secret_work_t work = { 0 };
    char             *plain;
    size_t            len;
    int               rc = DFF_ERROR;

    if (sealed.len <= prefix.len || sealed.len > 2 * DFF_SECRET_PLAIN_MAX
        || memcmp(sealed.data, prefix.data, prefix.len) != 0)
    {
        return dff_err_set(err, DFF_E_SYS, "not a sealed secret of a known form");
    }
    sealed = (dff_str_t) { sealed.data + prefix.len, sealed.len - prefix.len };

    if (dff_secret_begin(&work, sealed.len, secret, err) != DFF_OK) {
        goto done;
    }
    if (!dff_secret_decode(&work, sealed)) {
        dff_err_set(err, DFF_E_SYS, "a sealed secret is damaged");
        goto done;
    }
    len = work.size - DFF_SECRET_EXTRA;
    plain = dff_buf_reserve(out, len + 1);
    if (plain == NULL) {
        dff_err_set(err, DFF_E_SYS, "out of memory");
        goto done;
    }
    if (!dff_secret_decrypt(&work, context, plain, len)) {
        OPENSSL_cleanse(plain, len);
        dff_err_set(err, DFF_E_SYS, "a sealed secret does not open: SECRET is not what it was");
        goto done;
    }
    out->len += len;
    out->data[out->len] = '\0';
    rc = DFF_OK;

done:
    dff_secret_end(&work);
    return rc;
}


void
dff_secret_wipe(dff_buf_t *buf)
{
    if (buf->data != NULL) {
        OPENSSL_cleanse(buf->data, buf->size);
    }
    dff_buf_release(buf);
}
