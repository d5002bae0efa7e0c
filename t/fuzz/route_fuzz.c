/* Routes as Redis holds them: common/dff_route.c. */
#include "dff_route.h"

#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    dff_route_t route, again;
    dff_err_t   err;
    dff_buf_t   text = DFF_BUF_INIT;
    void       *block, *second;
    char       *moved;
    size_t      len, second_len;

    if (dff_route_pack(fuzz_text(data, size), &block, &len, &err) != DFF_OK)
        return 0;

    /* it may be copied anywhere: shared memory, a request's pool */
    moved = fuzz_room(len);
    memcpy(moved, block, len);
    free(block);
    dff_route_unpack(moved, &route);

    dff_route_encode(&text, &route);
    FUZZ_MUST(!dff_buf_failed(&text));
    FUZZ_MUST(dff_route_pack((dff_str_t) { text.data, text.len }, &second, &second_len, &err)
        == DFF_OK);
    dff_route_unpack(second, &again);
    FUZZ_MUST(dff_str_eq(route.id, again.id) && dff_str_eq(route.func_id, again.func_id)
        && dff_str_eq(route.kwargs, again.kwargs) && dff_str_eq(route.api_auth, again.api_auth)
        && dff_str_eq(route.throttling, again.throttling) && route.queue == again.queue
        && route.expire_time_ms == again.expire_time_ms);
    free(second);
    dff_buf_release(&text);
    free(moved);
    return 0;
}
