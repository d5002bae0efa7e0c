/*
 * Publishing a script's draft, and running it: both wait for a worker. Runs in the api
 * processes.
 */
#ifndef DFF_SCRIPT_PUBLISH_H
#define DFF_SCRIPT_PUBLISH_H

#include "api/http/dff_web.h"

#define DFF_SCRIPT_DEBUG_QUEUE    7     /* of drafts */
#define DFF_SCRIPT_DEBUG_LIMIT_S  60

/* POST /api/v1/scripts/:id/do/publish */
int dff_script_publish(dff_web_call_t *call, dff_err_t *err);

/* What a failed reply tells: the reason, and {id, etype, einfoTEXT, traceInfo} as detail.
 * reply NULL: why there is none is in err already. Always DFF_ERROR. */
int dff_script_failed(dff_web_call_t *call, const dff_reply_t *reply, dff_str_t id,
    dff_reason_t failure, dff_err_t *err);

#endif
