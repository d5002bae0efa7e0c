/*
 * Data sources that are tried: connected to before they are stored, tested, asked. A worker
 * does it, as a job of kind `system` (executor/python/dff_runtime/system.py): api processes
 * have no drivers, and must not wait for others' servers. Runs in the api processes.
 *
 * The config of one that is not stored yet waits in Redis for the worker, sealed like those
 * in MySQL, for seconds, and once.
 */
#ifndef DFF_SOURCE_TRY_H
#define DFF_SOURCE_TRY_H

#include "api/http/dff_web.h"

#define DFF_SOURCE_TRY_LIMIT_S     3            /* of the test or query itself */
#define DFF_SOURCE_TRY_MEMORY_MB   512          /* by which the worker may grow */
#define DFF_SOURCE_TRY_RESULT_MAX  (16u << 20)  /* bytes of a query's result as JSON */
#define DFF_SOURCE_TRIAL_EXPIRES_S 30

/* Connects with a sealed config (dff_source.h). then() is called when that went well, and
 * ends the call as a handler. DFF_WEB_WAITS, or DFF_ERROR. */
int dff_source_try_config(dff_web_call_t *call, dff_str_t id, dff_str_t type, dff_str_t sealed,
    dff_web_handler_fn then, dff_err_t *err);

int dff_source_test(dff_web_call_t *call, dff_err_t *err);      /* GET :id/do/test */
int dff_source_query(dff_web_call_t *call, dff_err_t *err);     /* POST :id/do/query */

extern const dff_shape_t dff_source_query_body;

#endif
