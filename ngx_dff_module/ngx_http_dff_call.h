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

#include "ngx_http_dff_module.h"

/* States of a call; ngx_http_dff_call_move() checks the moves. */
typedef enum {
    NGX_HTTP_DFF_CALL_WAITING,     /* pushed; the API timer runs */
    NGX_HTTP_DFF_CALL_UNKNOWN,     /* the push was not answered: 503 unless a reply comes */
    NGX_HTTP_DFF_CALL_ABANDONED,   /* the client left: the reply will be dropped */
    NGX_HTTP_DFF_CALL_ENDED        /* answered */
} ngx_http_dff_call_state_e;

typedef struct ngx_http_dff_call_s {
    ngx_str_node_t              node;        /* in worker->calls, by task id */
    ngx_http_dff_worker_t      *worker;
    ngx_http_dff_ctx_t         *ctx;         /* NULL: the request is gone */
    ngx_event_t                 timer;       /* API timeout */
    ngx_http_dff_call_state_e   state;
    ngx_uint_t                  pushing;     /* Redis commands that still hold this */
    ngx_uint_t                  queue;
    ngx_uint_t                  async;       /* answered when its push is confirmed */
    ngx_uint_t                  unfold;
    ngx_uint_t                  save_result;
    int64_t                     marker_ttl_s;
    ngx_str_t                   node_name;   /* must run there; empty: anywhere */
    ngx_str_t                   envelope;    /* in the request's pool */
    u_char                      id[DFF_ID_SIZE];
} ngx_http_dff_call_t;

/* The last stage of a call: pushes the job of ctx->kwargs and ctx->options and arms the
 * timer; answers at once where it cannot. Always NGX_DONE. */
ngx_int_t ngx_http_dff_call_stage(ngx_http_dff_ctx_t *ctx);

/* A reply has come: answers the call that waits for it, or keeps the result for
 * func-result. raw: the whole reply as received. */
void ngx_http_dff_call_reply(ngx_http_dff_worker_t *worker, const dff_reply_t *reply,
    dff_str_t raw);

#endif
