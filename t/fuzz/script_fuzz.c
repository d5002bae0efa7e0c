/* Scripts as Redis holds them: common/dff_script.c. */
#include "dff_script.h"

#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    dff_script_t script, again;
    dff_err_t    err;
    dff_buf_t    text = DFF_BUF_INIT;

    if (dff_script_decode(fuzz_text(data, size), &script, &err) != DFF_OK)
        return 0;

    dff_script_encode(&text, &script);
    FUZZ_MUST(!dff_buf_failed(&text));
    FUZZ_MUST(dff_script_decode((dff_str_t) { text.data, text.len }, &again, &err) == DFF_OK);
    FUZZ_MUST(script.code_len == again.code_len
        && memcmp(script.code, again.code, script.code_len) == 0
        && strcmp(script.id, again.id) == 0 && script.version == again.version);
    dff_script_release(&again);
    dff_buf_release(&text);
    dff_script_release(&script);
    return 0;
}
