/*
 * A statement that is put together from tables of the code, with its values: what is from
 * outside is bound, never part of the text. Runs in dffctl and the api processes.
 */
#ifndef DFF_STATEMENT_H
#define DFF_STATEMENT_H

#include "dff_buf.h"
#include "store/dff_db.h"

typedef struct {
    dff_buf_t      sql;                         /* begins as DFF_BUF_INIT; released by its owner */
    dff_db_value_t values[DFF_DB_MAX_VALUES];   /* texts are borrowed */
    size_t         nvalues;
    size_t         nfilters;                    /* of lists: conditions that came from filters */
} dff_statement_t;

/* DFF_E_CLIENT_BAD_REQUEST: there are too many. */
int dff_statement_bind(dff_statement_t *statement, dff_db_value_t value, dff_err_t *err);

#endif
