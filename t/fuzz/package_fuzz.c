/*
 * Packages of scripts: executor/store/dff_package.c. Its cipher and Base64 would hide the
 * ZIP from the fuzzer, so this one is part of the file and hands bytes to each layer.
 */
#include "store/dff_package.c"

#include "fuzz.h"

static void
fuzz_zip(dff_str_t zip)
{
    dff_buf_t json = DFF_BUF_INIT, again = DFF_BUF_INIT, same = DFF_BUF_INIT;
    dff_err_t err;

    if (dff_zip_read(&json, zip, &err) == DFF_OK) {
        dff_str_t text = { json.data, json.len };

        FUZZ_MUST(json.len <= DFF_PACKAGE_JSON_MAX);
        FUZZ_MUST(dff_zip_write(&again, text, &err) == DFF_OK);
        FUZZ_MUST(dff_zip_read(&same, (dff_str_t) { again.data, again.len }, &err) == DFF_OK);
        FUZZ_MUST(dff_str_eq((dff_str_t) { same.data, same.len }, text));
    }
    dff_buf_release(&json);
    dff_buf_release(&again);
    dff_buf_release(&same);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char     *bytes = fuzz_room(size);
    dff_buf_t out = DFF_BUF_INIT;
    dff_err_t err;
    dff_str_t whole = { bytes, size };

    memcpy(bytes, data, size);
    fuzz_zip(whole);
    (void) dff_package_decode(&out, whole, DFF_STR("password"), &err);
    dff_buf_release(&out);
    free(bytes);
    return 0;
}
