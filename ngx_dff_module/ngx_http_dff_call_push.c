/* The push of a call, and what Redis says to it: see ngx_http_dff_call.h. */
#include "ngx_http_dff_answer.h"
#include "ngx_http_dff_call.h"
#include "ngx_http_dff_late.h"
#include "ngx_http_dff_ledger.h"
#include "ngx_http_dff_outcome.h"
#include "ngx_http_dff_task_record.h"
#include "ngx_http_dff_withdraw.h"

static void ngx_http_dff_call_confirmed(ngx_http_dff_call_t *call);
static void ngx_http_dff_call_drop_command(ngx_http_dff_call_t *call);


void
ngx_http_dff_call_on_push(redisAsyncContext *ac, void *data, void *privdata)
{
    redisReply           *reply = data;
    ngx_connection_t     *c;
    ngx_http_dff_call_t  *call = privdata;

    call->pushing--;

    if (!call->delayed) {
        ngx_http_dff_ledger_answered(call->worker, reply);
    }

    if (reply != NULL && reply->type == REDIS_REPLY_INTEGER) {
        ngx_http_dff_call_confirmed(call);
    }

    if (call->state != NGX_HTTP_DFF_CALL_WAITING) {
        ngx_http_dff_call_release(call);
        return;
    }

    if (reply != NULL && reply->type == REDIS_REPLY_INTEGER
        && reply->integer > call->worker->mcf->config.worker_queue_limit)
    {
        ngx_http_dff_withdraw(call, (ngx_int_t) reply->integer - 1);
        return;
    }

    /* the usual long wait begins: without what is needed no more */
    ngx_http_dff_call_drop_command(call);

    if (reply == NULL) {
        ngx_http_dff_call_unknown(call);
        return;
    }

    if (reply->type != REDIS_REPLY_INTEGER) {
        if (call->async) {
            ngx_http_dff_late_unmark(call->worker, ngx_http_dff_str(call->node.str));
        }
        c = call->ctx->request->connection;
        ngx_http_dff_call_refused(call, reply->type == REDIS_REPLY_ERROR ? reply->str
                                                : "unexpected answer to the push", "refused");
        ngx_http_run_posted_requests(c);
        return;
    }

    if (reply->integer < 0) {
        /* a delayed job, which is not put where there are too many */
        ngx_http_dff_withdraw_tell(call, (ngx_int_t) -reply->integer);
        return;
    }

    if (call->async) {
        ngx_http_dff_call_accepted(call);
    }
}


/* The timer goes on as the API timeout. An async call keeps its patience: its answer
 * comes with this, or soon. */
static void
ngx_http_dff_call_confirmed(ngx_http_dff_call_t *call)
{
    if (call->state == NGX_HTTP_DFF_CALL_ENDED) {
        return;
    }

    call->confirmed = 1;

    if (!call->async) {
        ngx_http_dff_call_arm_at(call, call->deadline - (call->end->asked_later
                                                         ? NGX_HTTP_DFF_LATE_LEAD : 0));
    }
}


static void
ngx_http_dff_call_drop_command(ngx_http_dff_call_t *call)
{
    ngx_free(call->command.data);
    ngx_str_null(&call->command);
    ngx_str_null(&call->envelope);
}


/* Redis may have the job. It is never pushed again; its reply may yet come. */
void
ngx_http_dff_call_unknown(ngx_http_dff_call_t *call)
{
    ngx_msec_t  elapsed;

    elapsed = ngx_http_dff_waited(call->ctx);
    call->state = NGX_HTTP_DFF_CALL_UNKNOWN;
    ngx_http_dff_call_arm(call, elapsed < NGX_HTTP_DFF_PATIENCE
                                ? NGX_HTTP_DFF_PATIENCE - elapsed : 1);
}


void
ngx_http_dff_call_accepted(ngx_http_dff_call_t *call)
{
    ngx_str_t            data = ngx_string("{\"result\":null}");
    ngx_connection_t    *c;
    ngx_http_dff_ctx_t  *ctx;

    ngx_http_dff_task_record_queued(call->ctx, call);

    ctx = ngx_http_dff_call_end(call);
    c = ctx->request->connection;

    ngx_http_dff_answer_data(ctx, data, ngx_http_dff_outcome_task(ctx));
    ngx_http_run_posted_requests(c);
}


ngx_uint_t
ngx_http_dff_call_is_leaving(ngx_http_dff_call_t *call)
{
    ngx_msec_int_t  left = NGX_HTTP_DFF_PATIENCE;

    if (call->state == NGX_HTTP_DFF_CALL_UNKNOWN
        || !ngx_http_dff_redis_busy(&call->worker->commands))
    {
        return 0;
    }

    /* of an async call: the queue was too long, and the job is taken back */
    if (call->confirmed && !call->async) {
        return 0;
    }

    if (!call->async) {
        left = ngx_min(left, (ngx_msec_int_t) (call->deadline - ngx_current_msec));
    }

    if (left <= 0) {
        return 0;
    }

    ngx_http_dff_call_arm(call, (ngx_msec_t) left);
    return 1;
}
