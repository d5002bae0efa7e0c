/*
 * The bytes of a .func-pkg file: JSON in a ZIP with one entry, as Base64, encrypted with a
 * password, as Base64. The cipher is that of existing packages (AES-256-CBC without
 * integrity, a zero IV, keys and padding of blanks): it keeps casual readers out and
 * nobody else. Runs in dffctl and the api processes; pure code.
 *
 * Reading takes strangers' bytes: sizes and the ratio of the ZIP are bounded.
 */
#ifndef DFF_PACKAGE_H
#define DFF_PACKAGE_H

#include "dff_buf.h"
#include "dff_err.h"

#define DFF_PACKAGE_JSON_MAX  (128u << 20)      /* bytes of the JSON */

/* Adds the file's text to out. */
int dff_package_encode(dff_buf_t *out, dff_str_t json, dff_str_t password, dff_err_t *err);
/* Adds the JSON to out. DFF_E_BIZ_CONDITION: a wrong password, or no package. */
int dff_package_decode(dff_buf_t *out, dff_str_t text, dff_str_t password, dff_err_t *err);

#endif
