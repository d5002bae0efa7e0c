/*
 * What a job runs, by its kind: a published function, the check of a script's
 * text, a draft, a piece of a file, a task of ours.
 *
 * Runs in the worker's main thread, GIL held, between dff_soft_limit_begin and _end.
 */
#ifndef DFF_CALL_KINDS_H
#define DFF_CALL_KINDS_H

#include "dff_envelope.h"
#include "dff_worker.h"

/* One job while it runs. */
typedef struct {
    dff_worker_t *worker;
    dff_job_t     job;
    dff_reply_t   reply;
    uint64_t      seq;
    PyObject     *check;          /* CHECK and DRAFT: what was exported so far; owned, or NULL */
    bool          limit_reached;
    bool          recycle;
} dff_call_t;

/* Does the job bring its script with it? */
static inline bool
dff_call_is_of_text(const dff_call_t *call)
{
    return call->job.kind == DFF_JOB_CHECK || call->job.kind == DFF_JOB_DRAFT;
}

/* Does a draft run the body of its script and nothing more? */
static inline bool
dff_call_is_body_alone(const dff_call_t *call)
{
    return call->job.kind == DFF_JOB_DRAFT
           && memchr(call->job.func_id.data, '.', call->job.func_id.len) == NULL;
}

/* Runs the job, which sets worker->running. The result, new reference; NULL: a Python
 * exception is set, or it is in worker->body already (FILE). */
PyObject *dff_call_kind_run(dff_call_t *call);

#endif
