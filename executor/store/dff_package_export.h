/*
 * Packages out of the database: exports, and recover points, which are exports of all script
 * sets that are kept there. Runs in dffctl and the api processes.
 */
#ifndef DFF_PACKAGE_EXPORT_H
#define DFF_PACKAGE_EXPORT_H

#include <stdbool.h>

#include "store/dff_package_table.h"

typedef struct {            /* ids: texts of JSON arrays */
    dff_str_t sets;         /* data NULL: all */
    dff_str_t sources, envs;                /* data NULL: none */
    bool      links, crontabs, batches;     /* those of the sets' functions */
    dff_str_t note;
} dff_package_wanted_t;

typedef enum {
    DFF_PACKAGE_EXPORTED, DFF_PACKAGE_IMPORTED, DFF_PACKAGE_RECOVER
} dff_package_history_t;

/* Adds the JSON of a package to out: {"scriptSets":[…],…,"note":…}. */
int dff_package_collect(const dff_package_work_t *work, const dff_package_wanted_t *wanted,
    dff_buf_t *out, dff_err_t *err);
/* A package without scripts and functions, in the arena; data NULL: no memory. */
dff_str_t dff_package_summary(dff_arena_t *arena, dff_str_t json);

/* Adds the text of a package file to out, and a row to the history. */
int dff_package_export(const dff_package_work_t *work, const dff_package_wanted_t *wanted,
    dff_str_t password, dff_buf_t *out, dff_err_t *err);
/* Keeps all script sets as they are. type: import, recover, manual. */
int dff_package_recover_point(const dff_package_work_t *work, const char *type, dff_str_t note,
    char id[DFF_ID_SIZE], dff_err_t *err);

/* A row of a history. data: what it keeps; type: of a recover point, else NULL. */
int dff_package_remember(const dff_package_work_t *work, dff_package_history_t history,
    dff_str_t note, dff_str_t data, const char *type, char id[DFF_ID_SIZE], dff_err_t *err);

#endif
