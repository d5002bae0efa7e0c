/* The head of an SCGI request: executor/api/http/dff_scgi.c. However it is cut into
 * pieces, the outcome is the same. */
#include "api/http/dff_scgi.h"

#include "fuzz.h"

/* Feeds text in pieces of step bytes; *rest: what is behind the head. */
static int
feed(dff_scgi_t *scgi, dff_str_t text, size_t step, dff_str_t *rest)
{
    dff_err_t err;
    int       rc = 0;

    while (text.len > 0 && rc == 0) {
        dff_str_t piece = { text.data, text.len < step ? text.len : step };
        size_t    left = text.len - piece.len;

        rc = dff_scgi_feed(scgi, &piece, &err);
        left += piece.len;
        FUZZ_MUST(rc == DFF_ERROR || rc == 1 || piece.len == 0);
        text.data += text.len - left;
        text.len = left;
    }
    *rest = text;
    return rc;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    dff_str_t  text = fuzz_text(data, size), rest_whole, rest_bytes, name, value;
    dff_scgi_t whole = { 0 }, bytes = { 0 };
    int        rc = feed(&whole, text, size + 1, &rest_whole);
    size_t     at = 0, pairs = 0;

    FUZZ_MUST(feed(&bytes, text, 1, &rest_bytes) == rc);
    if (rc == 1) {
        FUZZ_MUST(rest_whole.len == rest_bytes.len && whole.body_len == bytes.body_len);
        while (dff_scgi_next(&whole, &at, &name, &value))
            pairs++;
        FUZZ_MUST(pairs > 0 && pairs <= DFF_SCGI_PAIRS_MAX && at == whole.head.len);
        FUZZ_MUST(dff_str_eq(dff_scgi_get(&whole, "SCGI"), DFF_STR("1")));
    }
    dff_scgi_release(&whole);
    dff_scgi_release(&bytes);
    return 0;
}
