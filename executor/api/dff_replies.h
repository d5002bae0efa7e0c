/*
 * Running functions from an api process: a job is pushed on the loop, and a callback hears
 * its reply when it comes, or that none came in time. Replies come through
 * `reply:<producer>`, one list for each api process, with several BRPOPs outstanding on a
 * connection of its own, and are asked for again after a lost connection
 * (docs/protocol.md). Runs in the api processes.
 */
#ifndef DFF_REPLIES_H
#define DFF_REPLIES_H

#include "dff_envelope.h"

#include "api/dff_api.h"

typedef struct dff_replies_s dff_replies_t;
typedef struct dff_wait_s dff_wait_t;

#define DFF_REPLIES_WAITING_MAX  4096

/*
 * Once for each wait that was not cancelled, never from inside dff_replies_call. reply:
 * the outcome, whatever it is; valid during the call. NULL: err says why there is none,
 * DFF_E_API_TIMEOUT (the function goes on), DFF_E_WORKER_QUEUE_CONGESTION,
 * or DFF_E_SYS_CACHE (Redis; whether it runs is unknown). The wait is gone afterwards.
 */
typedef void (*dff_reply_fn)(void *ctx, const dff_reply_t *reply, const dff_err_t *err);

dff_replies_t *dff_replies_new(dff_api_t *api);
void dff_replies_free(dff_replies_t *replies);

/*
 * Fills id (unless there is one), producer, queuedAt and waitUntil of job, and expiresAt
 * when it is 0 (no start after the wait), and pushes it to its queue. Its texts are
 * copied. keep_late: after a timeout func-result can be asked for the task.
 * NULL: nothing was pushed, err says why.
 */
dff_wait_t *dff_replies_call(dff_replies_t *replies, dff_job_t *job, int wait_ms,
    bool keep_late, dff_reply_fn fn, void *ctx, dff_err_t *err);
/* Of a wait that has not ended. */
const char *dff_wait_task_id(const dff_wait_t *wait);
/* The caller is gone: fn is not called. The function runs to its end. */
void dff_wait_cancel(dff_wait_t *wait);

/* Does anybody wait? */
bool dff_replies_busy(const dff_replies_t *replies);
/* Every second: a connection that has fallen silent. */
void dff_replies_watch(dff_api_t *api);

#endif
