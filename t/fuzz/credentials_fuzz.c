/* The Authorization header: common/dff_http_auth.c, and the nonces in it. */
#include "dff_http_auth.h"
#include "dff_http_nonce.h"

#include "fuzz.h"

static void
fuzz_inside(dff_str_t value, dff_str_t whole, const char *room)
{
    FUZZ_MUST(value.len == 0
              || (value.data >= whole.data && value.data + value.len <= whole.data + whole.len)
              || (value.data >= room && value.data + value.len <= room + whole.len));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const unsigned char key[DFF_MAC_KEY_SIZE] = "a key of no value";
    static char                made[DFF_HTTP_NONCE_SIZE];
    static dff_id_source_t     ids;
    char                      *header = fuzz_room(size), *room = fuzz_room(size);
    dff_http_digest_t          digest;
    dff_str_t                  whole = { header, size }, rest, username, password;
    const char                *what = NULL;

    if (made[0] == '\0') {
        dff_id_source_init(&ids);
        FUZZ_MUST(dff_http_nonce_make(made, key, DFF_STR("r"), &ids, 1000000000000) > 0);
    }
    memcpy(header, data, size);
    if (dff_http_auth_is(whole, DFF_STR("Basic"), &rest)) {
        if (dff_http_auth_basic(rest, room, &username, &password, &what) == DFF_OK) {
            fuzz_inside(username, whole, room);
            fuzz_inside(password, whole, room);
            FUZZ_MUST(username.len == 0 || memchr(username.data, ':', username.len) == NULL);
        } else {
            FUZZ_MUST(what != NULL);
        }
    }
    if (dff_http_auth_is(whole, DFF_STR("Digest"), &rest)) {
        if (dff_http_auth_digest(rest, room, &digest, &what) == DFF_OK) {
            const dff_str_t values[] = {
                digest.username, digest.realm, digest.nonce, digest.uri, digest.response,
                digest.cnonce, digest.nc_text
            };

            for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
                fuzz_inside(values[i], whole, room);
            FUZZ_MUST(digest.nc >= 1);
        } else {
            FUZZ_MUST(what != NULL);
        }
    }
    /* only what was made here is not foreign */
    FUZZ_MUST(dff_http_nonce_check(whole, key, DFF_STR("r"), 1000000001000, 300)
              == (dff_str_eq(whole, dff_str_from(made)) ? DFF_HTTP_NONCE_GOOD
                                                        : DFF_HTTP_NONCE_FOREIGN));
    free(room);
    free(header);
    return 0;
}
