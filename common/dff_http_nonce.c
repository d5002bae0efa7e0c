/*
 * Nonces of HTTP Digest. Runs in nginx workers.
 */
#include "dff_http_nonce.h"

#include <stdio.h>

#include "dff_banned.h"

#define DFF_HTTP_NONCE_TIME    12     /* hexadecimal digits of ms, Unix time */
#define DFF_HTTP_NONCE_RANDOM  22
#define DFF_HTTP_NONCE_MAC     32     /* digits of the HMAC: 128 bits */
#define DFF_HTTP_NONCE_HEAD    (DFF_HTTP_NONCE_TIME + DFF_HTTP_NONCE_RANDOM)

_Static_assert(DFF_HTTP_NONCE_HEAD + DFF_HTTP_NONCE_MAC + 1 == DFF_HTTP_NONCE_SIZE,
    "the header knows the size");

int
dff_http_nonce_key(unsigned char key[DFF_MAC_KEY_SIZE], dff_str_t secret, dff_err_t *err)
{
    return dff_mac_key(key, secret, "nonce of HTTP Digest", err);
}

static int
dff_http_nonce_mac(char out[DFF_MAC_SIZE], const unsigned char key[DFF_MAC_KEY_SIZE],
    dff_str_t realm, const char *head)
{
    const dff_str_t parts[] = { realm, { head, DFF_HTTP_NONCE_HEAD } };

    return dff_mac_text(out, key, parts, 2, NULL);
}

size_t
dff_http_nonce_make(char out[DFF_HTTP_NONCE_SIZE], const unsigned char key[DFF_MAC_KEY_SIZE],
    dff_str_t realm, dff_id_source_t *ids, int64_t now_ms)
{
    char mac[DFF_MAC_SIZE], random[DFF_ID_SIZE];

    if (dff_id_make(ids, random, "") != DFF_HTTP_NONCE_RANDOM)
        return 0;
    (void) snprintf(out, DFF_HTTP_NONCE_SIZE, "%012llx%.*s",
        (unsigned long long) now_ms & 0xffffffffffffULL, DFF_HTTP_NONCE_RANDOM, random);
    if (dff_http_nonce_mac(mac, key, realm, out) != DFF_OK)
        return 0;
    memcpy(out + DFF_HTTP_NONCE_HEAD, mac, DFF_HTTP_NONCE_MAC);
    out[DFF_HTTP_NONCE_SIZE - 1] = '\0';
    return DFF_HTTP_NONCE_SIZE - 1;
}

/* Of a nonce whose HMAC is right, so it has nothing but digits. */
static int64_t
dff_http_nonce_time(const char *nonce)
{
    int64_t time_ms = 0;

    for (int i = 0; i < DFF_HTTP_NONCE_TIME; i++)
        time_ms = time_ms << 4 | (nonce[i] <= '9' ? nonce[i] - '0' : nonce[i] - 'a' + 10);
    return time_ms;
}

dff_http_nonce_state_t
dff_http_nonce_check(dff_str_t nonce, const unsigned char key[DFF_MAC_KEY_SIZE],
    dff_str_t realm, int64_t now_ms, int64_t max_age_s)
{
    char    mac[DFF_MAC_SIZE];
    int64_t age_ms;

    if (nonce.len != DFF_HTTP_NONCE_SIZE - 1
        || dff_http_nonce_mac(mac, key, realm, nonce.data) != DFF_OK
        || !dff_mac_equal((dff_str_t) { mac, DFF_HTTP_NONCE_MAC },
               (dff_str_t) { nonce.data + DFF_HTTP_NONCE_HEAD, DFF_HTTP_NONCE_MAC }))
    {
        return DFF_HTTP_NONCE_FOREIGN;
    }
    age_ms = now_ms - dff_http_nonce_time(nonce.data);
    return age_ms > max_age_s * 1000 || age_ms < -DFF_HTTP_NONCE_SKEW_S * 1000
        ? DFF_HTTP_NONCE_OLD : DFF_HTTP_NONCE_GOOD;
}
