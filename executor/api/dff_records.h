/*
 * Records of tasks from Redis into MySQL: a batch every second, or one after the other
 * while there are more, with a pause as long as the batch took; without one when the list
 * is half full. One api process of the cluster does it, the one that holds
 * records:writer; when it is gone another has it within DFF_RECORDS_HOLD_MS.
 *
 * A batch is moved to records:writing and taken from there only after MySQL has committed
 * it, so that nothing is lost when MySQL or this process goes away; it may then be written
 * once more, which changes nothing (store/dff_task_rows.h). While MySQL is away the records
 * wait in Redis, DFF_RECORDS_MAX of them. What MySQL will never take is logged and put
 * into dff:bad. Runs in the api processes.
 */
#ifndef DFF_RECORDS_H
#define DFF_RECORDS_H

#include "api/dff_api.h"

#define DFF_RECORDS_HOLD_MS   30000
#define DFF_RECORDS_EVERY_MS  1000
#define DFF_RECORDS_BATCH     256
#define DFF_RECORDS_BYTES     (4 << 20)    /* a batch ends with the record that goes over it */

typedef struct dff_records_s dff_records_t;

/* NULL: no memory. */
dff_records_t *dff_records_new(dff_api_t *api);
/* Lets another process go on at once. */
void dff_records_free(dff_records_t *records);
/* Every second. */
void dff_records_tick(dff_api_t *api);

#endif
