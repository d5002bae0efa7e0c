/* A job behind a call: see the header. */
#include "ngx_http_dff_afterwards.h"
#include "ngx_http_dff_ledger.h"

static ngx_int_t ngx_http_dff_afterwards_format(ngx_str_t *command, const dff_job_t *job,
    const ngx_str_t *envelope);
static void ngx_http_dff_afterwards_send(ngx_http_dff_worker_t *worker, ngx_str_t *command);
static void ngx_http_dff_afterwards_on_push(redisAsyncContext *ac, void *reply, void *data);


void
ngx_http_dff_afterwards(ngx_http_dff_worker_t *worker, ngx_str_t *id, const dff_job_t *job,
    const ngx_str_t *envelope)
{
    uint32_t              hash = ngx_murmur_hash2(id->data, id->len);
    ngx_str_t             command;
    ngx_http_dff_call_t  *call;

    if (ngx_http_dff_afterwards_format(&command, job, envelope) != NGX_OK) {
        return;
    }

    call = (ngx_http_dff_call_t *) ngx_str_rbtree_lookup(&worker->calls, id, hash);

    if (call == NULL || call->afterwards.data != NULL) {
        ngx_http_dff_afterwards_send(worker, &command);
        return;
    }

    call->afterwards = command;
    call->timer.cancelable = 0;    /* a worker that leaves stays until it has pushed it */
}


static ngx_int_t
ngx_http_dff_afterwards_format(ngx_str_t *command, const dff_job_t *job,
    const ngx_str_t *envelope)
{
    int         len;
    char       *text;
    size_t      lens[3];
    dff_key_t   key;
    const char *args[3];

    args[0] = "LPUSH";
    lens[0] = 5;
    args[1] = key;
    lens[1] = dff_key_queue_at(key, job->queue, job->node);
    args[2] = (const char *) envelope->data;
    lens[2] = envelope->len;

    len = redisFormatCommandArgv(&text, 3, args, lens);
    if (len < 0) {
        return NGX_ERROR;
    }

    command->data = (u_char *) text;
    command->len = len;

    return NGX_OK;
}


void
ngx_http_dff_afterwards_push(ngx_http_dff_call_t *call)
{
    if (call->afterwards.data != NULL) {
        ngx_http_dff_afterwards_send(call->worker, &call->afterwards);
    }
}


static void
ngx_http_dff_afterwards_send(ngx_http_dff_worker_t *worker, ngx_str_t *command)
{
    if (ngx_http_dff_redis_formatted(&worker->commands, ngx_http_dff_afterwards_on_push, worker,
                                     (char *) command->data, command->len)
        == NGX_OK)
    {
        ngx_http_dff_ledger_pushed(worker);
    }

    redisFreeCommand((char *) command->data);
    ngx_str_null(command);
}


static void
ngx_http_dff_afterwards_on_push(redisAsyncContext *ac, void *reply, void *data)
{
    ngx_http_dff_ledger_answered(data, reply);
}
