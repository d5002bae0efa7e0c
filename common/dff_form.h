/*
 * name=value fields of a query string or an URL-encoded form, over bytes that stay
 * where they are. Runs in every process; no allocation: what must be decoded is
 * written to the caller's room.
 *
 * Refused: a broken percent-encoding, text that is not UTF-8 once it is decoded, and
 * more fields than DFF_FORM_FIELDS_MAX. Any byte may be in a name or a value, NUL too.
 */
#ifndef DFF_FORM_H
#define DFF_FORM_H

#include <stdbool.h>
#include <stddef.h>

#include "dff_str.h"

#define DFF_FORM_FIELDS_MAX  1000

typedef struct {
    dff_str_t name, value;    /* decoded: in the text, or in the room */
} dff_form_field_t;

typedef struct {
    const char *what;         /* constant text: "bad percent-encoding" */
    size_t      byte;         /* of the text, from 1 */
} dff_form_fail_t;

typedef struct {
    const char *start, *at, *end;
    char       *room;
    size_t      count;
} dff_form_t;

/* Whether text has anything to decode: else its fields need no room. */
bool dff_form_is_coded(dff_str_t text);

/* room: text.len bytes, or NULL when the text is not coded. */
void dff_form_open(dff_form_t *form, dff_str_t text, char *room);

/* The next field, in order, repeats included, empty ones ("&&") passed over: 1 with
 * *field filled, 0 at the end, DFF_ERROR with *fail (may be NULL) filled. */
int dff_form_next(dff_form_t *form, dff_form_field_t *field, dff_form_fail_t *fail);

/* Decodes '+' and "%xx" to out, which has room for coded.len; what is no encoding
 * stands for itself, its offset is in *bad (may be NULL; coded.len: none is bad).
 * Returns the length. */
size_t dff_form_decode(dff_str_t coded, char *out, size_t *bad);

/* Is it text? The fields of an upload are checked with it, too. */
bool dff_form_is_utf8(dff_str_t text);

#endif
