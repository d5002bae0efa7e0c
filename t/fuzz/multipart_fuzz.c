/*
 * common/dff_multipart.c: what the parts of a body are does not depend on the pieces that
 * it comes in. The first byte is the size of the pieces; the boundary is "b".
 */
#include "dff_multipart.h"

#include <stdbool.h>

#include "fuzz.h"

typedef struct {
    uint64_t hash;
    bool     open;
} seen_t;

static void
see(seen_t *seen, dff_str_t bytes)
{
    size_t i;

    for (i = 0; i < bytes.len; i++)
        seen->hash = (seen->hash ^ (unsigned char) bytes.data[i]) * 1099511628211ull;
}

static int
on_begin(void *ctx, const dff_multipart_part_t *part)
{
    seen_t *seen = ctx;

    FUZZ_MUST(!seen->open);
    seen->open = true;
    see(seen, part->name);
    see(seen, part->filename);
    see(seen, part->type);
    see(seen, part->encoding);
    return DFF_OK;
}

static int
on_data(void *ctx, const char *data, size_t len)
{
    FUZZ_MUST(len > 0 && ((seen_t *) ctx)->open);
    see(ctx, (dff_str_t) { data, len });
    return DFF_OK;
}

static int
on_end(void *ctx)
{
    ((seen_t *) ctx)->open = false;
    return DFF_OK;
}

/* Each piece in memory of just its size. */
static int
read_body(const uint8_t *data, size_t size, size_t step, seen_t *seen)
{
    static const dff_multipart_handlers_t handlers = { on_begin, on_data, on_end };
    static dff_multipart_t                reader;
    char                                  why[160];
    size_t                                at, len;
    int                                   rc = DFF_OK;

    *seen = (seen_t) { .open = false };
    dff_multipart_init(&reader, DFF_STR("b"), 100, &handlers, seen);
    for (at = 0; at < size && rc == DFF_OK; at += len) {
        char *piece;

        len = size - at < step ? size - at : step;
        piece = fuzz_room(len);
        memcpy(piece, data + at, len);
        rc = dff_multipart_feed(&reader, piece, len);
        free(piece);
    }
    if (rc == DFF_OK)
        rc = dff_multipart_finish(&reader);
    if (rc != DFF_OK) {
        FUZZ_MUST(reader.fail.what != NULL && reader.fail.offset <= size);
        dff_multipart_explain(&reader.fail, why, sizeof(why));
    }
    return rc;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char        boundary[DFF_MULTIPART_BOUNDARY_MAX];
    size_t      len;
    const char *what;
    seen_t      whole, pieces;

    (void) dff_multipart_boundary(fuzz_text(data, size), boundary, &len, &what);
    if (size < 2)
        return 0;
    FUZZ_MUST(read_body(data + 1, size - 1, size, &whole)
              == read_body(data + 1, size - 1, (size_t) data[0] + 1, &pieces));
    FUZZ_MUST(whole.hash == pieces.hash);
    return 0;
}
