/*
 * Packages into the database: what a package holds is checked (known columns, the right
 * types, nothing for sets that are not in it), then replaces what is there as one
 * transaction, after a recover point was made. Runs in dffctl and the api processes.
 */
#ifndef DFF_PACKAGE_IMPORT_H
#define DFF_PACKAGE_IMPORT_H

#include <jansson.h>
#include <stdbool.h>

#include "store/dff_package_table.h"

typedef struct {
    dff_package_work_t work;
    dff_str_t          json;            /* checked */
    const char        *type;            /* of the recover point: import, recover */
    const char        *note;            /* of the recover point */
    bool               replaces_all;    /* all script sets go, not those of the package only */
    dff_str_t          locked_id;       /* after DFF_E_BIZ_CONDITION: what somebody has locked */
} dff_import_t;

/* The JSON of a package, in the arena, checked. DFF_E_BIZ_CONDITION: a wrong password, or no
 * package; DFF_E_CLIENT_BAD_REQUEST: what it holds is not allowed. */
int dff_package_read(dff_arena_t *arena, dff_str_t text, dff_str_t password, dff_str_t *json,
    dff_err_t *err);
int dff_package_check(dff_str_t json, dff_err_t *err);

/* DFF_E_BIZ_CONDITION: a script set or script is locked by another user. */
int dff_import_run(dff_import_t *import, dff_err_t *err);

/* Unique lines of what the sets require, a JSON array; null when there are none. */
int dff_import_requirements(const dff_import_t *import, json_t **pkgs, dff_err_t *err);
/* {"add":[…],"replace":[…]}: sets of the package that are not, and that are there; null for
 * an empty one. */
int dff_import_diff(const dff_import_t *import, json_t **diff, dff_err_t *err);

#endif
