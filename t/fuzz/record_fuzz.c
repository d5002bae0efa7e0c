/* The record of a task: common/dff_record.c. */
#include "dff_record.h"

#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    dff_record_t record, again;
    dff_err_t   err;
    char       *text;
    size_t      len;

    if (dff_record_decode(fuzz_text(data, size), &record, &err) != DFF_OK)
        return 0;

    len = dff_record_size(&record);
    text = fuzz_room(len);
    FUZZ_MUST(dff_record_write(text, &record) == text + len);
    FUZZ_MUST(dff_record_decode((dff_str_t) { text, len }, &again, &err) == DFF_OK);
    FUZZ_MUST(dff_str_eq(record.id, again.id) && dff_str_eq(record.kwargs, again.kwargs)
        && dff_str_eq(record.log, again.log) && dff_str_eq(record.reply, again.reply)
        && record.status == again.status && record.ended_at_ms == again.ended_at_ms);
    free(text);
    return 0;
}
