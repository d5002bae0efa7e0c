/*
 * A function call: push the job, wait, answer. Runs in nginx workers.
 *
 * A call outlives its request: the reply to the push and the reply of the function
 * come when they come. So callbacks get the call, which knows its request only while
 * that exists (its cleanup handler cuts the tie), and the call is freed when nothing
 * can arrive for it any more.
 */
#ifndef NGX_HTTP_DFF_CALL_H
#define NGX_HTTP_DFF_CALL_H

#include <jansson.h>

#include "ngx_http_dff_module.h"

/* States of a call; ngx_http_dff_call_move() checks the moves. */
typedef enum {
    NGX_HTTP_DFF_CALL_WAITING,     /* pushed; the timer has its patience with Redis until
                                      the push is confirmed, then the API timeout */
    NGX_HTTP_DFF_CALL_UNKNOWN,     /* nobody knows whether the job is queued: 503 unless a
                                      reply comes */
    NGX_HTTP_DFF_CALL_ABANDONED,   /* the client left: the reply will be dropped */
    NGX_HTTP_DFF_CALL_ENDED        /* answered */
} ngx_http_dff_call_state_e;

/*
 * What the end of a call means to the request that waits for it. Exactly one of these
 * runs, once, unless the client leaves first; ctx->call is NULL by then, so that another
 * call may be started.
 */
typedef struct {
    /* the job has ended; the reply's bytes are valid during the call */
    void         (*replied)(ngx_http_dff_ctx_t *ctx, const dff_reply_t *reply);
    /* no reply: as ngx_http_dff_answer_error() takes it, detail with its reference */
    void         (*failed)(ngx_http_dff_ctx_t *ctx, dff_reason_t reason, json_t *detail);
    ngx_uint_t     asked_later;  /* func-result may ask for the task after its timeout */
} ngx_http_dff_call_end_t;

typedef struct ngx_http_dff_call_s {
    ngx_str_node_t              node;        /* in worker->calls, by task id */
    ngx_http_dff_worker_t      *worker;
    ngx_http_dff_ctx_t         *ctx;         /* NULL: the request is gone */
    const ngx_http_dff_call_end_t *end;
    ngx_event_t                 timer;       /* patience with Redis, then API timeout */
    ngx_msec_t                  deadline;    /* of the API timeout, ngx_current_msec */
    ngx_http_dff_call_state_e   state;
    ngx_uint_t                  pushing;     /* Redis commands that still hold this */
    ngx_uint_t                  confirmed;   /* Redis has the job */
    ngx_uint_t                  queue;
    ngx_uint_t                  async;       /* answered when its push is confirmed */
    ngx_uint_t                  delayed;     /* pushed to where it waits for its time */
    ngx_int_t                   before;      /* jobs in the queue, when it was too long */
    int64_t                     marker_ttl_s;
    int64_t                     queued_at_ms; /* Unix time: of the envelope */
    ngx_str_t                   node_name;   /* must run there; empty: anywhere */
    ngx_str_t                   command;     /* its push; on the heap, until it is answered */
    ngx_str_t                   envelope;    /* in the command */
    ngx_str_t                   afterwards;  /* ngx_http_dff_afterwards.h; on the heap */
    u_char                      id[DFF_ID_SIZE];
} ngx_http_dff_call_t;

/* The last stage of a call: pushes the job of ctx->kwargs and ctx->options and arms the
 * timer; answers at once where it cannot. Always NGX_DONE. */
ngx_int_t ngx_http_dff_call_stage(ngx_http_dff_ctx_t *ctx);

/*
 * Pushes a job for a request and waits at most so long. The caller has filled job but for
 * what belongs to the call: id, trace, times, producer. Always tells the end by *end,
 * before or after this returns.
 */
void ngx_http_dff_call_start(ngx_http_dff_ctx_t *ctx, dff_job_t *job, ngx_msec_t wait,
    const ngx_http_dff_call_end_t *end);

/* How long a caller waits (ms) for a function with these limits. */
ngx_msec_t ngx_http_dff_call_wait(int64_t timeout_s, int64_t api_timeout_s);

/* A reply has come: answers the call that waits for it, or keeps the result for
 * func-result. raw: the whole reply as received. */
void ngx_http_dff_call_reply(ngx_http_dff_worker_t *worker, const dff_reply_t *reply,
    dff_str_t raw);

/* Between the files of a call: ngx_http_dff_call.c, ngx_http_dff_call_push.c (until Redis has
 * confirmed the push), ngx_http_dff_withdraw.c (when the queue is too long): */

#define NGX_HTTP_DFF_PATIENCE  1000    /* ms until 503 when Redis is away */

/* Takes the call out of everything, frees it when nothing can arrive for it any more. The
 * ctx, if its request is still there. */
ngx_http_dff_ctx_t *ngx_http_dff_call_end(ngx_http_dff_call_t *call);

/* After a callback that has lowered call->pushing: frees an ended call after the last. */
void ngx_http_dff_call_release(ngx_http_dff_call_t *call);

/* Sets the timer, exactly: nginx leaves one that is set where it is when the new time is
 * less than 300 ms from the old. at: ngx_current_msec. */
void ngx_http_dff_call_arm(ngx_http_dff_call_t *call, ngx_msec_t after);
void ngx_http_dff_call_arm_at(ngx_http_dff_call_t *call, ngx_msec_t at);

/* Ends the call: 503.53. message, state: see ngx_http_dff_answer_away(). Who was called by an
 * event runs the posted requests then; a handler of the request must not: its caller still
 * has the request. */
void ngx_http_dff_call_refused(ngx_http_dff_call_t *call, const char *message,
    const char *state);

/* The callback of the push. */
void ngx_http_dff_call_on_push(redisAsyncContext *ac, void *reply, void *data);

/* Patience has ended, but the push may still be on its way to Redis, as a large command is, or
 * keeps Redis busy: then patience begins anew, and this is 1. */
ngx_uint_t ngx_http_dff_call_is_leaving(ngx_http_dff_call_t *call);

/* The answer to an async call: where its result will be. */
void ngx_http_dff_call_accepted(ngx_http_dff_call_t *call);

/* Nobody knows whether Redis has the job: 503.53 in a while, unless its reply comes. */
void ngx_http_dff_call_unknown(ngx_http_dff_call_t *call);

#endif
