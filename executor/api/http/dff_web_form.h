/*
 * A form as JSON: "data[name]=x&data[tags][]=a" is {"data":{"name":"x","tags":["a"]}}. All
 * values are strings. Runs in the api processes; pure code.
 */
#ifndef DFF_WEB_FORM_H
#define DFF_WEB_FORM_H

#include "dff_arena.h"
#include "dff_err.h"

#define DFF_WEB_FORM_DEPTH_MAX  8

int dff_web_form_json(dff_arena_t *arena, dff_str_t form, dff_str_t *json, dff_err_t *err);

/* Value of the two hexadecimal digits at a place of text; -1: there are none. */
int dff_web_hex(dff_str_t text, size_t at);

#endif
