/*
 * What a package may hold: known columns of the right types, and nothing for a script set
 * that is not in it. Runs in dffctl and the api processes; pure code.
 */
#include "store/dff_package_import.h"

#include <jansson.h>

#include "dff_json.h"
#include "dff_member.h"
#include "store/dff_package.h"

#include "dff_banned.h"

typedef struct {            /* one check */
    dff_str_t  json;
    json_t    *sets;        /* ids of the package's sets: keys of an object */
    dff_err_t *err;
} dff_package_check_t;


/* Scripts and functions belong to what the package has, and only to that. */
static int
dff_package_check_owner(const dff_package_check_t *check, dff_section_t section, dff_str_t row)
{
    dff_arena_t arena = { NULL };
    dff_str_t   id, set, script;
    int         rc = DFF_OK;

    if (section != DFF_SECTION_SCRIPTS && section != DFF_SECTION_FUNCS)
        return DFF_OK;
    id = dff_member_text(&arena, row, "id");
    set = dff_member_text(&arena, row, "scriptSetId");
    script = section == DFF_SECTION_FUNCS ? dff_member_text(&arena, row, "scriptId") : id;
    if (!dff_str_eq(dff_id_script_set(script), set)
        || (section == DFF_SECTION_FUNCS && !dff_str_eq(dff_id_func_script(id), script))
        || json_object_get(check->sets, set.data) == NULL)
        rc = dff_err_set(check->err, DFF_E_CLIENT_BAD_REQUEST,
                         "The package has %.*s in %s, which is of no script set in it",
                         (int) id.len, id.data, dff_section_name(section));
    dff_arena_release(&arena);
    return rc;
}


static int
dff_package_check_row(dff_package_check_t *check, dff_section_t section, dff_str_t row)
{
    dff_arena_t arena = { NULL };
    dff_str_t   id;
    int         rc = DFF_OK;

    if (dff_section_check(section, row, check->err) != DFF_OK)
        return DFF_ERROR;
    if (section != DFF_SECTION_SETS)
        return dff_package_check_owner(check, section, row);
    id = dff_member_text(&arena, row, "id");
    if (id.data == NULL || json_object_set_new(check->sets, id.data, json_true()) != 0)
        rc = dff_err_set(check->err, DFF_E_SYS, "out of memory");
    dff_arena_release(&arena);
    return rc;
}


/* The sets come first in the table of sections: what belongs to them is checked after. */
static int
dff_package_check_sections(dff_package_check_t *check)
{
    dff_json_array_t  it;
    dff_json_member_t row, list;

    for (int i = 0; i < DFF_SECTION_COUNT; i++) {
        dff_section_t section = (dff_section_t) i;

        if (!dff_member_get(check->json, dff_section_name(section), &list)
            || list.type == DFF_JSON_NULL)
            continue;
        if (dff_json_array_open(&it, list.value) != DFF_OK)
            return dff_err_set(check->err, DFF_E_CLIENT_BAD_REQUEST,
                               "The package has no list in %s", dff_section_name(section));
        while (dff_json_array_next(&it, &row, NULL) == 1) {
            if (dff_package_check_row(check, section, row.value) != DFF_OK)
                return DFF_ERROR;
        }
    }
    return DFF_OK;
}


int
dff_package_check(dff_str_t json, dff_err_t *err)
{
    dff_package_check_t check = { .json = json, .err = err };
    dff_json_member_t   list;
    dff_json_type_t     type;
    int                 rc;

    if (dff_json_check(json, NULL, &type, NULL) != DFF_OK || type != DFF_JSON_OBJECT
        || !dff_member_get(json, "scriptSets", &list))
        return dff_err_set(err, DFF_E_BIZ_CONDITION,
                           "The password is wrong, or this is no package");
    check.sets = json_object();
    rc = check.sets == NULL ? dff_err_set(err, DFF_E_SYS, "out of memory")
                            : dff_package_check_sections(&check);
    json_decref(check.sets);
    return rc;
}


int
dff_package_read(dff_arena_t *arena, dff_str_t text, dff_str_t password, dff_str_t *json,
    dff_err_t *err)
{
    dff_buf_t plain = DFF_BUF_INIT;
    int       rc = dff_package_decode(&plain, text, password, err);

    if (rc == DFF_OK) {
        json->data = dff_arena_copy(arena, (dff_str_t) { plain.data, plain.len });
        json->len = plain.len;
        rc = json->data == NULL ? dff_err_set(err, DFF_E_SYS, "out of memory")
                                : dff_package_check(*json, err);
    }
    dff_buf_release(&plain);
    return rc;
}
