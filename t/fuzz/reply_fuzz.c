/* The reply envelope: common/dff_envelope.c. */
#include "dff_envelope.h"

#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    dff_reply_t reply, again;
    dff_err_t   err;
    char       *text;
    size_t      len;

    if (dff_reply_decode(fuzz_text(data, size), &reply, &err) != DFF_OK)
        return 0;

    len = dff_reply_size(&reply);
    text = fuzz_room(len);
    FUZZ_MUST(dff_reply_write(text, &reply) == text + len);
    FUZZ_MUST(dff_reply_decode((dff_str_t) { text, len }, &again, &err) == DFF_OK);
    FUZZ_MUST(dff_str_eq(reply.id, again.id) && dff_str_eq(reply.control, again.control)
        && dff_str_eq(reply.body, again.body) && reply.status == again.status
        && reply.body_type == again.body_type);
    free(text);
    return 0;
}
