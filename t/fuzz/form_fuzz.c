/* Fields of queries and forms: common/dff_form.c. */
#include "dff_form.h"

#include "dff_json.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    dff_form_t       form;
    dff_form_field_t field;
    dff_form_fail_t  fail;
    dff_str_t        text = fuzz_text(data, size);
    char            *room = dff_form_is_coded(text) ? fuzz_room(size) : NULL;
    size_t           decoded = 0, n = 0;
    int              rc;

    dff_form_open(&form, text, room);
    while ((rc = dff_form_next(&form, &field, &fail)) == 1) {
        decoded += field.name.len + field.value.len;
        n++;
        /* UTF-8, so nothing is replaced where it becomes JSON */
        char *json = fuzz_room(dff_json_escaped_size(field.value) + 2);
        char *end = json;

        *end++ = '"';
        end = dff_json_escape(end, field.value);
        *end++ = '"';
        char *back = fuzz_room((size_t) (end - json));

        FUZZ_MUST(dff_json_check((dff_str_t) { json, (size_t) (end - json) }, NULL, NULL, NULL)
            == DFF_OK);
        FUZZ_MUST(dff_json_unescape((dff_str_t) { json + 1, (size_t) (end - json) - 2 }, back)
            == field.value.len);
        FUZZ_MUST(memcmp(back, field.value.data, field.value.len) == 0);
        free(back);
        free(json);
    }
    FUZZ_MUST(decoded <= size && n <= DFF_FORM_FIELDS_MAX);
    if (rc == DFF_ERROR)
        FUZZ_MUST(fail.byte >= 1 && fail.byte <= size + 1 && fail.what[0] != '\0');
    free(room);
    return 0;
}
