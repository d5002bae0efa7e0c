/* The queue limit: see the header. */
#include "ngx_http_dff_late.h"
#include "ngx_http_dff_withdraw.h"

#include "dff_ledger.h"

static void ngx_http_dff_withdraw_on_reply(redisAsyncContext *ac, void *reply, void *data);


void
ngx_http_dff_withdraw(ngx_http_dff_call_t *call, ngx_int_t before)
{
    dff_key_t  key;
    ngx_str_t  argv[5] = {
        ngx_string("EVAL"), ngx_string(DFF_LEDGER_WITHDRAW), ngx_string("1"), ngx_null_string,
        ngx_null_string
    };

    call->before = before;

    /* from the end where pushes arrive: it is among the first looked at */
    argv[3].len = dff_key_queue_at(key, (int) call->queue, ngx_http_dff_str(call->node_name));
    argv[3].data = (u_char *) key;
    argv[4] = call->envelope;

    if (ngx_http_dff_redis_command(&call->worker->commands, ngx_http_dff_withdraw_on_reply,
                                   call, 5, argv)
        == NGX_OK)
    {
        call->pushing++;
        return;
    }

    if (call->async) {
        ngx_http_dff_call_accepted(call);   /* it stays where it is, and will run */
    }
}


static void
ngx_http_dff_withdraw_on_reply(redisAsyncContext *ac, void *data, void *privdata)
{
    redisReply           *reply = data;
    ngx_http_dff_call_t  *call = privdata;

    call->pushing--;

    if (call->state != NGX_HTTP_DFF_CALL_WAITING) {
        ngx_http_dff_call_release(call);
        return;
    }

    if (reply == NULL) {
        /* Redis may have removed it: then no reply will come */
        ngx_http_dff_call_unknown(call);
        return;
    }

    if (reply->type == REDIS_REPLY_INTEGER && reply->integer == 1) {
        ngx_http_dff_withdraw_tell(call, call->before);
        return;
    }

    if (call->async) {
        ngx_http_dff_call_accepted(call);   /* claimed in the meantime */
    }
}


void
ngx_http_dff_withdraw_tell(ngx_http_dff_call_t *call, ngx_int_t length)
{
    json_t                         *detail, *queue;
    ngx_connection_t               *c;
    ngx_http_dff_ctx_t             *ctx;
    ngx_http_dff_worker_t          *worker = call->worker;
    const ngx_http_dff_call_end_t  *end = call->end;

    queue = call->delayed ? json_string("delayed") : json_integer((json_int_t) call->queue);
    detail = json_pack("{s:o, s:I, s:I}", "queue", queue, "length", (json_int_t) length,
                       "limit", (json_int_t) worker->mcf->config.worker_queue_limit);

    if (call->async) {
        ngx_http_dff_late_unmark(worker, ngx_http_dff_str(call->node.str));
    }

    ctx = ngx_http_dff_call_end(call);
    c = ctx->request->connection;

    end->failed(ctx, DFF_E_WORKER_QUEUE_CONGESTION, detail);
    ngx_http_run_posted_requests(c);
}
