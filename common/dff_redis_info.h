/*
 * What Redis says of itself in its answer to INFO. Used by the executor and the nginx workers;
 * pure code.
 */
#ifndef DFF_REDIS_INFO_H
#define DFF_REDIS_INFO_H

#include <stdbool.h>

#include "dff_str.h"

#define DFF_REDIS_RUN_ID_SIZE  48      /* of the C text; Redis has 40 digits */

/* The value of "name:" at the start of a line, "" when there is none. */
dff_str_t dff_redis_info_field(dff_str_t info, dff_str_t name);
/* It takes keys away when its memory is full, so jobs: maxmemory with another policy than
 * noeviction. */
bool dff_redis_info_evicts(dff_str_t info);
/* The life of the server (its run_id, cut to size): what it numbers begins anew with the next. */
void dff_redis_info_run_id(dff_str_t info, char run_id[DFF_REDIS_RUN_ID_SIZE]);

#endif
