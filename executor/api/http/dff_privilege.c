/* Roles and privileges: see the header. */
#include "api/http/dff_privilege.h"

#include <stddef.h>

#include "dff_banned.h"

#define DFF_ROLE_SA        "sa"
#define DFF_ROLE_ADMIN     "admin"
#define DFF_ROLE_USER      "user"
#define DFF_ROLE_READONLY  "readonlyUser"

static const struct {
    const char *name;
    const char *roles;      /* beside sa */
} dff_privileges[] = {
    [DFF_PRIVILEGE_NONE] = { "", "" },
    [DFF_GENERAL_R] = { "general_r", DFF_ROLE_ADMIN "," DFF_ROLE_USER "," DFF_ROLE_READONLY },
    [DFF_GENERAL_W] = { "general_w", DFF_ROLE_ADMIN "," DFF_ROLE_USER },
    [DFF_USER_R] = { "user_r", DFF_ROLE_ADMIN "," DFF_ROLE_USER "," DFF_ROLE_READONLY },
    [DFF_USER_W] = { "user_w", DFF_ROLE_ADMIN },
    [DFF_USER_ROLE_SETTING] = { "user_roleSetting", DFF_ROLE_ADMIN },
    [DFF_USER_CUSTOM_PRIVILEGE] = { "user_customPrivilege", DFF_ROLE_ADMIN },
    [DFF_ACCESS_KEY_R] = { "accessKey_r", DFF_ROLE_ADMIN },
    [DFF_ACCESS_KEY_W] = { "accessKey_w", DFF_ROLE_ADMIN },
    [DFF_SYSTEM_CONFIG_R] = { "systemConfig_r", "" },
    [DFF_SYSTEM_CONFIG_W] = { "systemConfig_w", "" },
    [DFF_DEBUG] = { "debug", "" },
};

_Static_assert(sizeof(dff_privileges) / sizeof(dff_privileges[0]) == DFF_PRIVILEGE_COUNT,
               "a row for each privilege");


bool
dff_list_next(dff_str_t *list, dff_str_t *item)
{
    const char *at = list->data, *end = dff_str_end(*list), *stop;

    if (list->data == NULL) {
        return false;
    }
    stop = memchr(at, ',', (size_t) (end - at));
    stop = stop == NULL ? end : stop;
    *list = stop == end ? DFF_STR_NULL : (dff_str_t) { stop + 1, (size_t) (end - stop) - 1 };
    while (at < stop && *at == ' ') {
        at++;
    }
    while (stop > at && stop[-1] == ' ') {
        stop--;
    }
    *item = (dff_str_t) { at, (size_t) (stop - at) };
    return true;
}


bool
dff_list_has(dff_str_t list, dff_str_t item)
{
    dff_str_t at;

    while (list.len > 0 && dff_list_next(&list, &at)) {
        if (dff_str_eq(at, item)) {
            return true;
        }
    }
    return false;
}


const char *
dff_privilege_name(dff_privilege_t privilege)
{
    return dff_privileges[privilege].name;
}


bool
dff_privilege_writes(dff_privilege_t privilege)
{
    const char *name = dff_privileges[privilege].name;
    size_t      len = strlen(name);

    return len > 2 && strcmp(name + len - 2, "_w") == 0;
}


dff_privilege_t
dff_privilege_from(dff_str_t name)
{
    for (int i = 1; i < DFF_PRIVILEGE_COUNT; i++) {
        if (dff_str_eq(name, dff_str_from(dff_privileges[i].name))) {
            return (dff_privilege_t) i;
        }
    }
    return DFF_PRIVILEGE_NONE;
}


bool
dff_privilege_all(dff_str_t roles, dff_str_t custom)
{
    return dff_list_has(roles, DFF_STR(DFF_ROLE_SA)) || dff_list_has(roles, DFF_STR("*"))
        || dff_list_has(custom, DFF_STR("*"));
}


bool
dff_privilege_admin(dff_str_t roles, dff_str_t custom)
{
    return dff_privilege_all(roles, custom) || dff_list_has(roles, DFF_STR(DFF_ROLE_ADMIN));
}


bool
dff_privilege_granted(dff_privilege_t privilege, dff_str_t roles, dff_str_t custom)
{
    dff_str_t granting = dff_str_from(dff_privileges[privilege].roles), role;

    if (privilege == DFF_PRIVILEGE_NONE || dff_privilege_all(roles, custom)
        || dff_list_has(custom, dff_str_from(dff_privileges[privilege].name)))
    {
        return true;
    }
    while (granting.len > 0 && dff_list_next(&granting, &role)) {
        if (dff_list_has(roles, role)) {
            return true;
        }
    }
    return false;
}
