/* A statement and its values: see the header. */
#include "store/dff_statement.h"

#include "dff_banned.h"


int
dff_statement_bind(dff_statement_t *statement, dff_db_value_t value, dff_err_t *err)
{
    if (statement->nvalues == DFF_DB_MAX_VALUES) {
        return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST, "the query has more than %d values",
                           DFF_DB_MAX_VALUES);
    }
    statement->values[statement->nvalues++] = value;
    return DFF_OK;
}
