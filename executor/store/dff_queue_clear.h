/*
 * Emptying a queue by an operator: each waiting job is taken out and answered as lost, so
 * that nobody waits for it in vain. Runs in dffctl and the api processes.
 */
#ifndef DFF_QUEUE_CLEAR_H
#define DFF_QUEUE_CLEAR_H

#include "store/dff_rcmd.h"

/*
 * As many jobs as there are now; those that come meanwhile stay, those that a master has
 * claimed run. node: of jobs that one node must run; "" for the others. result_ttl_s:
 * _WORKER_RESULT_EXPIRES. *dropped is added to.
 */
int dff_queue_clear(dff_rcmd_t *rcmd, int queue, dff_str_t node, int64_t result_ttl_s,
    long long *dropped, dff_err_t *err);

#endif
