/*
 * Outcomes of functions as `call` and `task show` give them: exit status, and JSON.
 */
#ifndef DFF_CTL_OUTCOME_H
#define DFF_CTL_OUTCOME_H

#include "dff_envelope.h"
#include "ctl/dff_ctl.h"
#include "store/dff_task_rows.h"

/* Exit status of each outcome. */
extern const int dff_ctl_outcomes[DFF_STATUS_COUNT];

/* One line of JSON on stdout. row: what MySQL knows of the task, NULL: nothing.
 * DFF_ERROR: no memory. */
int dff_ctl_outcome_json(const dff_reply_t *reply, const char *status,
    const dff_task_row_t *row);

#endif
