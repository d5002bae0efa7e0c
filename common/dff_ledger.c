/* The ledger of the cluster: see the header. */
#include "dff_ledger.h"

#include "dff_banned.h"

static const char *const dff_ledger_names[] = {
    [DFF_LEDGER_ACCEPTED] = "accepted",
    [DFF_LEDGER_SUCCESS] = "success",
    [DFF_LEDGER_FAILURE] = "failure",
    [DFF_LEDGER_TIMEOUT] = "timeout",
    [DFF_LEDGER_EXPIRED] = "expired",
    [DFF_LEDGER_LOST] = "lost",
    [DFF_LEDGER_BAD] = "bad",
    [DFF_LEDGER_WITHDRAWN] = "withdrawn",
    [DFF_LEDGER_WAITING] = "waiting",
    [DFF_LEDGER_CLAIMED] = "claimed",
    [DFF_LEDGER_RUNNING] = "running",
};
_Static_assert(sizeof(dff_ledger_names) / sizeof(char *) == DFF_LEDGER_COUNT, "names");
_Static_assert(DFF_LEDGER_COUNT == 11 && DFF_LEDGER_WAITING == 8, "as in DFF_LEDGER_ROWS");

const char *
dff_ledger_name(dff_ledger_row_t row)
{
    return dff_ledger_names[row];
}

int64_t
dff_ledger_missing(const int64_t rows[DFF_LEDGER_COUNT])
{
    int64_t missing = rows[DFF_LEDGER_ACCEPTED];
    int     row;

    for (row = DFF_LEDGER_SUCCESS; row < DFF_LEDGER_COUNT; row++)
        missing -= rows[row];
    return missing;
}
