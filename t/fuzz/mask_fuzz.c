/* Masking of secrets: common/dff_mask.c. The first byte is the room for the result. */
#include "dff_mask.h"

#include <jansson.h>

#include "dff_json.h"
#include "fuzz.h"

/* No member with the name of a secret has kept its value. */
static void
look(json_t *value)
{
    json_t     *item;
    const char *key;
    size_t      i;

    json_array_foreach(value, i, item)
        look(item);
    json_object_foreach(value, key, item) {
        if (dff_mask_is_secret(dff_str_from(key)))
            FUZZ_MUST(json_is_string(item) && strcmp(json_string_value(item), "***") == 0);
        else
            look(item);
    }
}

static void
mask_json(dff_str_t text)
{
    dff_mask_out_t out = { NULL, 0, text.len * 6 + 8, false, false };
    json_t        *tree;

    out.data = fuzz_room(out.size);
    (void) dff_mask_json(text, &out);
    FUZZ_MUST(!out.cut);
    FUZZ_MUST(dff_json_check((dff_str_t) { out.data, out.len }, NULL, NULL, NULL) == DFF_OK);
    tree = json_loadb(out.data, out.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    look(tree);
    json_decref(tree);
    free(out.data);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    dff_mask_out_t out = { NULL, 0, 0, false, false };
    dff_str_t      text;
    char          *scratch;

    if (size == 0)
        return 0;
    text = fuzz_text(data + 1, size - 1);
    out.size = data[0];

    if (dff_json_check(text, NULL, NULL, NULL) == DFF_OK) {
        mask_json(text);
        out.data = fuzz_room(out.size);
        (void) dff_mask_json(text, &out);
        free(out.data);
        out.len = 0;
        out.cut = false;
    }

    out.data = fuzz_room(out.size);
    scratch = fuzz_room(text.len);
    (void) dff_mask_fields_needed(text, scratch);
    dff_mask_fields(text, scratch, &out);
    FUZZ_MUST(out.len <= out.size && (out.cut || out.size > 0 || text.len == 0));
    free(scratch);
    free(out.data);
    return 0;
}
