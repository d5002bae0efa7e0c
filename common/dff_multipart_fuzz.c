/*
 * libFuzzer target: what a body's parts are does not depend on the pieces it comes in.
 *
 *   clang -g -fsanitize=fuzzer,address,undefined -D_GNU_SOURCE -Icommon \
 *       common/dff_multipart*.c -o /tmp/fuzz   (without the _test.c)
 */
#include "dff_multipart.h"

#include <stdlib.h>

#include "dff_banned.h"

typedef struct {
    uint64_t hash;
    bool     open;
} dff_fuzz_t;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
dff_fuzz_add(dff_fuzz_t *fuzz, dff_str_t bytes)
{
    size_t i;

    for (i = 0; i < bytes.len; i++)
        fuzz->hash = (fuzz->hash ^ (unsigned char) bytes.data[i]) * 1099511628211ull;
}

static int
dff_fuzz_begin(void *ctx, const dff_multipart_part_t *part)
{
    dff_fuzz_t *fuzz = ctx;

    if (fuzz->open)
        abort();
    fuzz->open = true;
    dff_fuzz_add(fuzz, part->name);
    dff_fuzz_add(fuzz, part->filename);
    dff_fuzz_add(fuzz, part->type);
    dff_fuzz_add(fuzz, part->encoding);
    return DFF_OK;
}

static int
dff_fuzz_data(void *ctx, const char *data, size_t len)
{
    if (len == 0)
        abort();
    dff_fuzz_add(ctx, (dff_str_t) { data, len });
    return DFF_OK;
}

static int
dff_fuzz_end(void *ctx)
{
    ((dff_fuzz_t *) ctx)->open = false;
    return DFF_OK;
}

static int
dff_fuzz_run(const char *data, size_t size, size_t step, dff_fuzz_t *fuzz)
{
    static const dff_multipart_handlers_t handlers = {
        dff_fuzz_begin, dff_fuzz_data, dff_fuzz_end
    };
    static dff_multipart_t reader;
    size_t                 at, len;

    *fuzz = (dff_fuzz_t) { .open = false };
    dff_multipart_init(&reader, DFF_STR("b"), 100, &handlers, fuzz);
    for (at = 0; at < size; at += len) {
        len = size - at < step ? size - at : step;
        if (dff_multipart_feed(&reader, data + at, len) != DFF_OK)
            return DFF_ERROR;
    }
    return dff_multipart_finish(&reader);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char        boundary[DFF_MULTIPART_BOUNDARY_MAX];
    size_t      len;
    const char *what;
    dff_fuzz_t  whole, pieces;

    (void) dff_multipart_boundary((dff_str_t) { (const char *) data, size }, boundary, &len, &what);
    if (size < 2)
        return 0;
    if (dff_fuzz_run((const char *) data + 1, size - 1, size, &whole)
        != dff_fuzz_run((const char *) data + 1, size - 1, (size_t) data[0] + 1, &pieces)
        || whole.hash != pieces.hash)
    {
        abort();
    }
    return 0;
}
