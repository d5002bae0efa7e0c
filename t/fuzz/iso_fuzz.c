/* Times of callers: common/dff_iso.c. */
#include <stdbool.h>

#include "dff_iso.h"
#include "dff_time.h"

#include "fuzz.h"

#define FUZZ_YEAR_10000_MS  253402300800000

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static dff_tz_t tz;
    static bool     ready;
    char           *text = fuzz_room(size);
    dff_err_t       err;
    int64_t         at_ms;

    if (!ready) {
        ready = dff_tz_init(&tz, "UTC", &err) == DFF_OK;
        FUZZ_MUST(ready);
    }
    memcpy(text, data, size);
    if (dff_iso_read((dff_str_t) { text, size }, &tz, &at_ms) == DFF_OK) {
        /* a zone may lie a day beside */
        FUZZ_MUST(at_ms > -86400000 && at_ms < FUZZ_YEAR_10000_MS + 86400000);
    }
    free(text);
    return 0;
}
