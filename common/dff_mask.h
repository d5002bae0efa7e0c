/*
 * Hides values that are named like a secret (password, secret, token, authorization,
 * captcha; in any case, anywhere in the name) in texts that go to a log or into an error's
 * reqDump. Runs in every process; no allocation.
 *
 * Where a text cannot be read well enough to tell its names, more is hidden, never less.
 */
#ifndef DFF_MASK_H
#define DFF_MASK_H

#include <stdbool.h>
#include <stddef.h>

#include "dff_str.h"

#define DFF_MASK_TEXT  "***"

/* Where a masked text is written: what does not fit is left out, cut says so. */
typedef struct {
    char  *data;
    size_t len, size;
    bool   cut;
    bool   coded;     /* internal: inside the value of a field */
} dff_mask_out_t;

bool dff_mask_is_secret(dff_str_t name);

/* json: a text that dff_json_check() has accepted. Space between tokens is dropped.
 * Returns how many values were hidden as far as it was written. */
size_t dff_mask_json(dff_str_t json, dff_mask_out_t *out);

/*
 * Fields of a query or a form, as they were sent but for hidden values. In a value that
 * is itself JSON (kwargs={"password":…}) the members are hidden; if it only looks like
 * JSON and holds the name of a secret, the whole value is. scratch: text.len bytes.
 */
void dff_mask_fields(dff_str_t text, char *scratch, dff_mask_out_t *out);

/* Whether dff_mask_fields() could change anything; false for most. scratch as there. */
bool dff_mask_fields_needed(dff_str_t text, char *scratch);

#endif
