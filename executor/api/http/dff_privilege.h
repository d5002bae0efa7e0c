/*
 * Roles and what they may do. Runs in the api processes; pure code.
 */
#ifndef DFF_PRIVILEGE_H
#define DFF_PRIVILEGE_H

#include <stdbool.h>

#include "dff_str.h"

typedef enum {
    DFF_PRIVILEGE_NONE,         /* signed in is enough */
    DFF_GENERAL_R, DFF_GENERAL_W, DFF_USER_R, DFF_USER_W, DFF_USER_ROLE_SETTING,
    DFF_USER_CUSTOM_PRIVILEGE, DFF_ACCESS_KEY_R, DFF_ACCESS_KEY_W, DFF_SYSTEM_CONFIG_R,
    DFF_SYSTEM_CONFIG_W, DFF_DEBUG, DFF_PRIVILEGE_COUNT
} dff_privilege_t;

const char *dff_privilege_name(dff_privilege_t privilege);
/* Does its name end in _w? Such requests are recorded. */
bool dff_privilege_writes(dff_privilege_t privilege);
/* DFF_PRIVILEGE_NONE: no such name. */
dff_privilege_t dff_privilege_from(dff_str_t name);

/* roles and custom: comma lists as the user's row has them, empty for none. */
bool dff_privilege_granted(dff_privilege_t privilege, dff_str_t roles, dff_str_t custom);
/* Role sa or admin, or '*' among the custom privileges. */
bool dff_privilege_admin(dff_str_t roles, dff_str_t custom);
/* Everything that is: role sa, or '*'. */
bool dff_privilege_all(dff_str_t roles, dff_str_t custom);

/* Is item one of a comma list? */
bool dff_list_has(dff_str_t list, dff_str_t item);
/* The next item of a comma list (spaces around it removed), which then begins behind it.
 * False: the end. */
bool dff_list_next(dff_str_t *list, dff_str_t *item);

#endif
