/*
 * Values out of JSON texts that were checked (dff_json.h), one at a time and by their names:
 * nothing is parsed ahead. Runs in dffctl and the api processes; pure code.
 */
#ifndef DFF_MEMBER_H
#define DFF_MEMBER_H

#include "dff_arena.h"
#include "dff_json.h"

/* A member of an object's text. False: it is not there. */
bool dff_member_get(dff_str_t object, const char *key, dff_json_member_t *member);
/* The exact text of its value; data NULL: it is not there. */
dff_str_t dff_member_value(dff_str_t object, const char *key);
/* A string, decoded; data NULL: not there, null, no string, or no memory. */
dff_str_t dff_member_text(dff_arena_t *arena, dff_str_t object, const char *key);
bool dff_member_is(dff_str_t object, const char *key, dff_json_type_t type);
/* The quotes and escapes of a string's text undone. data NULL: no memory. */
dff_str_t dff_json_decoded(dff_arena_t *arena, dff_str_t string);

#endif
