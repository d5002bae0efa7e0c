/* Frames between the master and a worker: executor/dff_frame.c. */
#include "dff_frame.h"

#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    dff_frame_head_t head;
    dff_str_t        payload, field, bytes = fuzz_text(data, size);
    dff_err_t        err;
    uint32_t         small;
    uint64_t         large;
    size_t           len;

    while (dff_frame_peek(bytes, &head, &payload, &err) == 1) {
        len = sizeof(head) + head.size;
        FUZZ_MUST(len <= bytes.len && payload.len == head.size);
        (void) dff_frame_get_u32(&payload, &small);
        (void) dff_frame_get_u64(&payload, &large);
        while (dff_frame_get_str(&payload, &field) == DFF_OK) {
            FUZZ_MUST(field.len <= head.size);
        }
        bytes = (dff_str_t) { bytes.data + len, bytes.len - len };
    }
    return 0;
}
