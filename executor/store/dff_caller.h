/*
 * Pushing a job and waiting for its reply, from a program that may block.
 *
 * The caller is a producer of its own: a random name, and the list of replies with
 * it, which is deleted at the end. Runs in dffctl and the api processes.
 */
#ifndef DFF_CALLER_H
#define DFF_CALLER_H

#include "dff_envelope.h"
#include "store/dff_rcmd.h"

typedef struct {
    char        task_id[DFF_TASK_ID_MAX + 1];   /* set before anything is sent */
    dff_reply_t reply;                          /* points into bytes */
    char       *bytes;
} dff_caller_call_t;

#define DFF_CALLER_NEVER  (-1)      /* in expires_at_ms; 0 there asks for the usual time */

/* Settles expires_at_ms before the job is written: what was asked for, or otherwise_ms. */
void dff_caller_expiry(dff_job_t *job, int64_t otherwise_ms);

/*
 * Fills id, producer, queuedAt and waitUntil of job, and expiresAt when it is 0 (no
 * start after the wait), pushes it and waits wait_s.
 * DFF_OK: call->reply has the outcome, whatever it is. DFF_ERROR: no live node for
 * the queue, queue full (DFF_E_WORKER_QUEUE_CONGESTION), no answer in time
 * (DFF_E_API_TIMEOUT), or Redis is away; when the push may have happened, err says
 * that the state of the task is unknown. It is never repeated.
 */
int dff_caller_run(dff_rcmd_t *rcmd, const dff_config_t *cfg, dff_job_t *job, int wait_s,
    dff_caller_call_t *call, dff_err_t *err);
/*
 * Pushes job, which nobody waits for: fills id (into task_id), queuedAt, and expiresAt when
 * it is 0 (timeout x 24, as of a batch). func-result can be asked for it from now on.
 * DFF_ERROR: a field of job cannot be (DFF_E_CLIENT_BAD_REQUEST), the queue is full, or
 * Redis is away and the state of the task unknown.
 */
int dff_caller_start(dff_rcmd_t *rcmd, const dff_config_t *cfg, dff_job_t *job,
    char task_id[DFF_TASK_ID_MAX + 1], dff_err_t *err);
void dff_caller_release(dff_caller_call_t *call);        /* accepts a zeroed one */

/* What a reply that is no success says: reason, and "etype: text" as message.
 * Always DFF_ERROR. */
int dff_caller_failed(const dff_reply_t *reply, dff_err_t *err);

#endif
