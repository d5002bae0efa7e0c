/* The strict JSON reader: common/dff_json.c, beside jansson. */
#include "dff_json.h"

#include <jansson.h>

#include "fuzz.h"

static void
walk_members(dff_str_t object)
{
    dff_json_object_t it;
    dff_json_member_t member;
    int64_t           number;
    char             *key;
    int               rc;

    FUZZ_MUST(dff_json_object_open(&it, object) == DFF_OK);
    while ((rc = dff_json_object_next(&it, &member, NULL)) == 1) {
        key = fuzz_room(member.key.len);
        FUZZ_MUST(dff_json_unescape(member.key, key) <= member.key.len);
        free(key);
        FUZZ_MUST(dff_json_check(member.value, NULL, NULL, NULL) == DFF_OK);
        if (member.type == DFF_JSON_NUMBER)
            (void) dff_json_int64(member.value, &number);
    }
    FUZZ_MUST(rc == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    dff_json_fail_t fail;
    dff_json_type_t type;
    dff_str_t       value, text = fuzz_text(data, size);
    json_t         *tree;
    int             rc = dff_json_check(text, &value, &type, &fail);

    tree = json_loadb((const char *) data, size, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    if (rc == DFF_OK) {
        FUZZ_MUST(value.len > 0 && value.len <= size);
        if (type == DFF_JSON_OBJECT)
            walk_members(text);
    } else {
        FUZZ_MUST(fail.offset <= size && fail.line >= 1 && fail.column >= 1);
        /* what we refuse jansson refuses, but for levels, and a NUL behind a number */
        FUZZ_MUST(tree == NULL || strstr(fail.what, "levels") != NULL
            || memchr(data, '\0', size) != NULL);
    }
    json_decref(tree);
    return 0;
}
