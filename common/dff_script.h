/*
 * A published script as it stands in the hash dff:scripts (field: script id).
 *
 *   {"v":1,"id":"demo__basic","version":3,"md5":"…","code":"…",
 *    "funcs":[{"name":"plus", …the row of a function: docs/protocol.md…}]}
 *
 * Written by publishers (dffctl, api processes), read by masters.
 */
#ifndef DFF_SCRIPT_H
#define DFF_SCRIPT_H

#include "dff_buf.h"
#include "dff_err.h"

typedef struct {
    char  *id;
    int    version;       /* publish version, counts up from 1 */
    char   md5[33];
    char  *code;          /* UTF-8, NUL-terminated, may be empty */
    size_t code_len;
    char  *funcs_json;    /* JSON array text */
} dff_script_t;

void dff_script_encode(dff_buf_t *out, const dff_script_t *script);
/* Everything in *script is malloc'ed; dff_script_release frees it. */
int dff_script_decode(dff_str_t json, dff_script_t *script, dff_err_t *err);
void dff_script_release(dff_script_t *script);

#endif
