/* The bytes of a .func-pkg file: see the header. */
#include "store/dff_package.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdint.h>
#include <stdlib.h>
#include <zlib.h>

#include "dff_banned.h"

#define DFF_PACKAGE_ENTRY  "dataflux-func.json"
#define DFF_PACKAGE_KEY    32
#define DFF_PACKAGE_BLOCK  16

enum {      /* of the ZIP format */
    DFF_ZIP_LOCAL_SIZE = 30, DFF_ZIP_CENTRAL_SIZE = 46, DFF_ZIP_END_SIZE = 22,
    DFF_ZIP_COMMENT_MAX = 65535, DFF_ZIP_STORED = 0, DFF_ZIP_DEFLATED = 8
};

#define DFF_ZIP_LOCAL    0x04034b50u
#define DFF_ZIP_CENTRAL  0x02014b50u
#define DFF_ZIP_END      0x06054b50u


static int
dff_package_broken(dff_err_t *err)
{
    return dff_err_set(err, DFF_E_BIZ_CONDITION, "The password is wrong, or this is no package");
}

/* --- ZIP ------------------------------------------------------------------------ */

static void
dff_zip_put(dff_buf_t *out, uint32_t value, int bytes)
{
    for (int i = 0; i < bytes; i++) {
        unsigned char c = (unsigned char) (value >> (8 * i));

        dff_buf_add(out, &c, 1);
    }
}


static uint32_t
dff_zip_take(const unsigned char *at, int bytes)
{
    uint32_t value = 0;

    for (int i = 0; i < bytes; i++) {
        value |= (uint32_t) at[i] << (8 * i);
    }
    return value;
}


/* Raw deflate of all of data. */
static int
dff_zip_deflate(dff_buf_t *out, dff_str_t data, dff_err_t *err)
{
    z_stream stream = { .next_in = (Bytef *) (uintptr_t) data.data,
                        .avail_in = (uInt) data.len };
    char    *room;
    int      rc = DFF_ERROR;

    if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -MAX_WBITS, 8,
                     Z_DEFAULT_STRATEGY) != Z_OK)
    {
        return dff_err_set(err, DFF_E_SYS, "zlib: out of memory");
    }
    room = dff_buf_reserve(out, deflateBound(&stream, data.len));
    if (room != NULL) {
        stream.next_out = (Bytef *) room;
        stream.avail_out = (uInt) deflateBound(&stream, data.len);
        if (deflate(&stream, Z_FINISH) == Z_STREAM_END) {
            out->len += stream.total_out;
            rc = DFF_OK;
        }
    }
    (void) deflateEnd(&stream);
    return rc == DFF_OK ? rc : dff_err_set(err, DFF_E_SYS, "the package cannot be compressed");
}


static int
dff_zip_write(dff_buf_t *out, dff_str_t json, dff_err_t *err)
{
    static const dff_str_t name = DFF_STR(DFF_PACKAGE_ENTRY);
    dff_buf_t              packed = DFF_BUF_INIT;
    uint32_t               crc = (uint32_t) crc32(0, (const Bytef *) json.data, (uInt) json.len);
    size_t                 central;

    if (dff_zip_deflate(&packed, json, err) != DFF_OK) {
        dff_buf_release(&packed);
        return DFF_ERROR;
    }
    for (int round = 0; round < 2; round++) {
        central = out->len;
        dff_zip_put(out, round == 0 ? DFF_ZIP_LOCAL : DFF_ZIP_CENTRAL, 4);
        if (round == 1) {
            dff_zip_put(out, 20, 2);        /* made by */
        }
        dff_zip_put(out, 20, 2);            /* needed */
        dff_zip_put(out, 0x0800, 2);        /* names are UTF-8 */
        dff_zip_put(out, DFF_ZIP_DEFLATED, 2);
        dff_zip_put(out, 0x00210000, 4);    /* 1980-01-01 */
        dff_zip_put(out, crc, 4);
        dff_zip_put(out, (uint32_t) packed.len, 4);
        dff_zip_put(out, (uint32_t) json.len, 4);
        dff_zip_put(out, (uint32_t) name.len, 2);
        dff_zip_put(out, 0, 2);             /* no extra field */
        if (round == 1) {
            dff_zip_put(out, 0, 2);         /* no comment, */
            dff_zip_put(out, 0, 4);         /* disk 0, no attributes */
            dff_zip_put(out, 0, 4);
            dff_zip_put(out, 0, 4);         /* the entry begins the file */
        }
        dff_buf_add_str(out, name);
        if (round == 0) {
            dff_buf_add(out, packed.data, packed.len);
        }
    }
    dff_buf_release(&packed);
    dff_zip_put(out, DFF_ZIP_END, 4);
    dff_zip_put(out, 0, 4);
    dff_zip_put(out, 0x00010001, 4);        /* one entry */
    dff_zip_put(out, DFF_ZIP_CENTRAL_SIZE + (uint32_t) name.len, 4);
    dff_zip_put(out, (uint32_t) central, 4);
    dff_zip_put(out, 0, 2);
    return dff_buf_failed(out) ? dff_err_set(err, DFF_E_SYS, "out of memory") : DFF_OK;
}


/* At most size bytes come out, which is what the entry says and we allow. */
static int
dff_zip_inflate(dff_buf_t *out, dff_str_t packed, size_t size, dff_err_t *err)
{
    z_stream stream = { .next_in = (Bytef *) (uintptr_t) packed.data,
                        .avail_in = (uInt) packed.len };
    char    *room = dff_buf_reserve(out, size + 1);
    int      got;

    if (room == NULL || inflateInit2(&stream, -MAX_WBITS) != Z_OK) {
        return dff_err_set(err, DFF_E_SYS, "out of memory");
    }
    stream.next_out = (Bytef *) room;
    stream.avail_out = (uInt) size;
    got = inflate(&stream, Z_FINISH);
    (void) inflateEnd(&stream);
    if (got != Z_STREAM_END || stream.total_out != size) {
        return dff_package_broken(err);
    }
    out->len += size;
    return DFF_OK;
}


/* Where the directory's end is; NULL: there is none. */
static const unsigned char *
dff_zip_find_end(dff_str_t zip)
{
    size_t least = zip.len > DFF_ZIP_END_SIZE + DFF_ZIP_COMMENT_MAX
        ? zip.len - DFF_ZIP_END_SIZE - DFF_ZIP_COMMENT_MAX : 0;

    for (size_t at = zip.len < DFF_ZIP_END_SIZE ? 0 : zip.len - DFF_ZIP_END_SIZE + 1;
         at > least; at--)
    {
        const unsigned char *p = (const unsigned char *) zip.data + at - 1;

        if (dff_zip_take(p, 4) == DFF_ZIP_END) {
            return p;
        }
    }
    return NULL;
}


/* The one entry of the ZIP. */
static int
dff_zip_read(dff_buf_t *out, dff_str_t zip, dff_err_t *err)
{
    const unsigned char *data = (const unsigned char *) zip.data;
    const unsigned char *end = dff_zip_find_end(zip), *central, *local;
    size_t               at, begin;
    uint32_t             packed, size, method, crc;

    if (end == NULL || dff_zip_take(end + 10, 2) != 1) {
        return dff_package_broken(err);
    }
    at = dff_zip_take(end + 16, 4);
    if (at > zip.len || zip.len - at < DFF_ZIP_CENTRAL_SIZE) {
        return dff_package_broken(err);
    }
    central = data + at;
    method = dff_zip_take(central + 10, 2);
    crc = dff_zip_take(central + 16, 4);
    packed = dff_zip_take(central + 20, 4);
    size = dff_zip_take(central + 24, 4);
    at = dff_zip_take(central + 42, 4);
    if (dff_zip_take(central, 4) != DFF_ZIP_CENTRAL || at > zip.len
        || zip.len - at < DFF_ZIP_LOCAL_SIZE)
    {
        return dff_package_broken(err);
    }
    if (size > DFF_PACKAGE_JSON_MAX) {
        return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST,
                           "The package has %u bytes inside, at most %u are allowed", size,
                           DFF_PACKAGE_JSON_MAX);
    }
    local = data + at;
    begin = at + DFF_ZIP_LOCAL_SIZE + dff_zip_take(local + 26, 2) + dff_zip_take(local + 28, 2);
    if (dff_zip_take(local, 4) != DFF_ZIP_LOCAL || begin > zip.len || zip.len - begin < packed
        || (method == DFF_ZIP_STORED && packed != size)
        || (method != DFF_ZIP_STORED && method != DFF_ZIP_DEFLATED))
    {
        return dff_package_broken(err);
    }
    if (method == DFF_ZIP_STORED) {
        dff_buf_add(out, data + begin, size);
    } else if (dff_zip_inflate(out, (dff_str_t) { zip.data + begin, packed }, size, err)
               != DFF_OK)
    {
        return DFF_ERROR;
    }
    if (dff_buf_failed(out)) {
        return dff_err_set(err, DFF_E_SYS, "out of memory");
    }
    return crc32(0, (const Bytef *) out->data, (uInt) out->len) == crc
        ? DFF_OK : dff_package_broken(err);
}

/* --- Base64 and the cipher -------------------------------------------------------------------- */

static int
dff_package_to_base64(dff_buf_t *out, dff_str_t bytes, dff_err_t *err)
{
    char *room = dff_buf_reserve(out, (bytes.len + 2) / 3 * 4 + 1);

    if (room == NULL) {
        return dff_err_set(err, DFF_E_SYS, "out of memory");
    }
    out->len += (size_t) EVP_EncodeBlock((unsigned char *) room,
                                         (const unsigned char *) bytes.data, (int) bytes.len);
    return DFF_OK;
}


static int
dff_package_from_base64(dff_buf_t *out, dff_str_t text, dff_err_t *err)
{
    size_t padding = 0;
    char  *room;
    int    len;

    while (text.len > 0 && strchr(" \t\r\n", text.data[text.len - 1]) != NULL) {
        text.len--;
    }
    while (text.len > 0 && strchr(" \t\r\n", text.data[0]) != NULL) {
        text = (dff_str_t) { text.data + 1, text.len - 1 };
    }
    if (text.len == 0 || text.len % 4 != 0) {
        return dff_package_broken(err);
    }
    while (padding < 2 && text.data[text.len - 1 - padding] == '=') {
        padding++;
    }
    room = dff_buf_reserve(out, text.len / 4 * 3 + 1);
    if (room == NULL) {
        return dff_err_set(err, DFF_E_SYS, "out of memory");
    }
    len = EVP_DecodeBlock((unsigned char *) room, (const unsigned char *) text.data,
                          (int) text.len);
    if (len < (int) padding) {
        return dff_package_broken(err);
    }
    out->len += (size_t) len - padding;
    return DFF_OK;
}


/* The password and blanks. bytes: whole blocks. */
static int
dff_package_cipher(dff_buf_t *out, dff_str_t bytes, dff_str_t password, bool encrypts,
    dff_err_t *err)
{
    unsigned char   key[DFF_PACKAGE_KEY], iv[DFF_PACKAGE_BLOCK] = { 0 };
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    char           *room = dff_buf_reserve(out, bytes.len + DFF_PACKAGE_BLOCK);
    int             len = 0, rc = DFF_ERROR;

    memset(key, ' ', sizeof(key));
    memcpy(key, password.len == 0 ? "" : password.data,
           password.len < sizeof(key) ? password.len : sizeof(key));
    if (ctx != NULL && room != NULL
        && EVP_CipherInit_ex(ctx, EVP_aes_256_cbc(), NULL, key, iv, encrypts) == 1
        && EVP_CIPHER_CTX_set_padding(ctx, 0) == 1
        && EVP_CipherUpdate(ctx, (unsigned char *) room, &len,
                            (const unsigned char *) bytes.data, (int) bytes.len) == 1)
    {
        out->len += (size_t) len;
        rc = DFF_OK;
    }
    EVP_CIPHER_CTX_free(ctx);
    OPENSSL_cleanse(key, sizeof(key));
    return rc == DFF_OK ? rc : dff_err_set(err, DFF_E_SYS, "the package cannot be encrypted");
}


int
dff_package_encode(dff_buf_t *out, dff_str_t json, dff_str_t password, dff_err_t *err)
{
    dff_buf_t zip = DFF_BUF_INIT, text = DFF_BUF_INIT, sealed = DFF_BUF_INIT;
    int       rc = DFF_ERROR;

    if (json.len > DFF_PACKAGE_JSON_MAX) {
        return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST,
                           "The package has %zu bytes inside, at most %u are allowed", json.len,
                           DFF_PACKAGE_JSON_MAX);
    }
    if (dff_zip_write(&zip, json, err) == DFF_OK
        && dff_package_to_base64(&text, (dff_str_t) { zip.data, zip.len }, err) == DFF_OK)
    {
        do {
            dff_buf_add_str(&text, DFF_STR(" "));
        } while (text.len % DFF_PACKAGE_BLOCK != 0 && !dff_buf_failed(&text));
        rc = dff_package_cipher(&sealed, (dff_str_t) { text.data, text.len }, password, true,
                                err);
    }
    if (rc == DFF_OK) {
        rc = dff_package_to_base64(out, (dff_str_t) { sealed.data, sealed.len }, err);
    }
    dff_buf_release(&zip);
    dff_buf_release(&text);
    dff_buf_release(&sealed);
    return rc;
}


int
dff_package_decode(dff_buf_t *out, dff_str_t text, dff_str_t password, dff_err_t *err)
{
    dff_buf_t sealed = DFF_BUF_INIT, plain = DFF_BUF_INIT, zip = DFF_BUF_INIT;
    int       rc = dff_package_from_base64(&sealed, text, err);

    if (rc == DFF_OK && (sealed.len == 0 || sealed.len % DFF_PACKAGE_BLOCK != 0)) {
        rc = dff_package_broken(err);
    }
    if (rc == DFF_OK) {
        rc = dff_package_cipher(&plain, (dff_str_t) { sealed.data, sealed.len }, password, false,
                                err);
    }
    if (rc == DFF_OK) {
        rc = dff_package_from_base64(&zip, (dff_str_t) { plain.data, plain.len }, err);
    }
    if (rc == DFF_OK) {
        rc = dff_zip_read(out, (dff_str_t) { zip.data, zip.len }, err);
    }
    dff_buf_release(&sealed);
    dff_buf_release(&plain);
    dff_buf_release(&zip);
    return rc;
}
