/*
 * Splits one of our migration files into its statements.
 *
 * Knows quotes ('' "" ``, backslash escapes), comments (-- # and C style) and the
 * semicolon. Comments are dropped, so that they may be improved in a released file
 * without changing its checksum; executable comments are refused. Pure code.
 */
#ifndef DFF_SQL_SPLIT_H
#define DFF_SQL_SPLIT_H

#include "dff_err.h"
#include "dff_str.h"

typedef struct {
    char    *text;      /* NUL-terminated, without comments and the semicolon */
    unsigned line;      /* where it begins in the file, from 1 */
} dff_sql_statement_t;

typedef struct {
    dff_sql_statement_t *items;
    size_t               count;
} dff_sql_statements_t;

/* DFF_ERROR: err names the line. statements is released then. */
int dff_sql_split(dff_str_t file, dff_sql_statements_t *statements, dff_err_t *err);
void dff_sql_statements_release(dff_sql_statements_t *statements);   /* accepts a zeroed one */

#endif
