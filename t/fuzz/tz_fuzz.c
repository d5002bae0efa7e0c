/* Time zone files: common/dff_tz.c. */
#include "dff_tz.h"

#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    dff_tz_t  tz;
    dff_err_t err;
    int64_t   at;
    int       offset;

    if (dff_tz_init_bytes(&tz, fuzz_text(data, size), &err) == DFF_OK) {
        for (at = -4000000000; at < 8000000000; at += 100000001) {
            offset = dff_tz_offset(&tz, at);
            FUZZ_MUST(offset >= -26 * 3600 && offset <= 26 * 3600);
        }
    }
    dff_tz_release(&tz);
    return 0;
}
