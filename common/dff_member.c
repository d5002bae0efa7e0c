/* Members of an object's text: see the header. */
#include "dff_member.h"

#include "dff_route_auth.h"

#include "dff_banned.h"


bool
dff_member_get(dff_str_t object, const char *key, dff_json_member_t *member)
{
    dff_json_object_t it;

    if (dff_json_object_open(&it, object) != DFF_OK) {
        return false;
    }
    while (dff_json_object_next(&it, member, NULL) == 1) {
        if (dff_route_auth_is(member->key, dff_str_from(key))) {
            return true;
        }
    }
    return false;
}


dff_str_t
dff_member_value(dff_str_t object, const char *key)
{
    dff_json_member_t member;

    return dff_member_get(object, key, &member) ? member.value : DFF_STR_NULL;
}


dff_str_t
dff_json_decoded(dff_arena_t *arena, dff_str_t string)
{
    char *room = dff_arena_alloc(arena, string.len);
    size_t len;

    if (room == NULL || string.len < 2) {
        return DFF_STR_NULL;
    }
    len = dff_json_unescape((dff_str_t) { string.data + 1, string.len - 2 }, room);
    room[len] = '\0';
    return (dff_str_t) { room, len };
}


dff_str_t
dff_member_text(dff_arena_t *arena, dff_str_t object, const char *key)
{
    dff_json_member_t member;

    if (!dff_member_get(object, key, &member) || member.type != DFF_JSON_STRING) {
        return DFF_STR_NULL;
    }
    return dff_json_decoded(arena, member.value);
}


bool
dff_member_is(dff_str_t object, const char *key, dff_json_type_t type)
{
    dff_json_member_t member;

    return dff_member_get(object, key, &member) && member.type == type;
}
