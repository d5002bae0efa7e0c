/*
 * What is in a package of scripts: sections, the table that each one is of, and its columns.
 * Exports select by these rows, imports insert nothing else. Runs in dffctl and the api
 * processes.
 */
#ifndef DFF_PACKAGE_TABLE_H
#define DFF_PACKAGE_TABLE_H

#include "dff_arena.h"
#include "dff_buf.h"
#include "dff_id.h"
#include "store/dff_db.h"
#include "store/dff_rcmd.h"

typedef struct {            /* who works on packages, and with what */
    dff_db_t        *db;
    dff_rcmd_t      *rcmd;
    dff_arena_t     *arena;
    dff_id_source_t *ids;
    dff_str_t        user_id;       /* only locks of others hinder; data NULL: none do */
} dff_package_work_t;

typedef enum {
    DFF_SECTION_SETS, DFF_SECTION_SCRIPTS, DFF_SECTION_FUNCS, DFF_SECTION_LINKS,
    DFF_SECTION_CRONTABS, DFF_SECTION_BATCHES, DFF_SECTION_SOURCES, DFF_SECTION_ENVS,
    DFF_SECTION_COUNT
} dff_section_t;

const char *dff_section_name(dff_section_t section);
const char *dff_section_table(dff_section_t section);

/* Adds ",\"scripts\":[…]" with the rows whose set (of sources and variables: whose id) is
 * among ids, an array's text; data NULL: of all. */
int dff_section_export(const dff_package_work_t *work, dff_section_t section, dff_str_t ids,
    dff_buf_t *out, dff_err_t *err);

/* Checks a row of a package: known columns of the right types, ids. */
int dff_section_check(dff_section_t section, dff_str_t row, dff_err_t *err);
/* Inserts a checked row. */
int dff_section_insert(const dff_package_work_t *work, dff_section_t section, dff_str_t row,
    dff_err_t *err);

#endif
