/* Counting of pushed jobs: see the header. */
#include "ngx_http_dff_ledger.h"

#include "dff_ledger.h"

#define NGX_HTTP_DFF_LEDGER_RETRY  1000    /* ms */

static void ngx_http_dff_ledger_handler(ngx_event_t *ev);
static void ngx_http_dff_ledger_count(ngx_http_dff_worker_t *worker);
static void ngx_http_dff_ledger_withdraw(ngx_http_dff_worker_t *worker);
static ngx_int_t ngx_http_dff_ledger_add(ngx_http_dff_worker_t *worker, const char *field,
    ngx_int_t number, redisCallbackFn *callback);
static void ngx_http_dff_ledger_arm(ngx_http_dff_worker_t *worker);
static ngx_http_dff_worker_t *ngx_http_dff_ledger_worker(redisAsyncContext *ac);
static void ngx_http_dff_ledger_on_count(redisAsyncContext *ac, void *reply, void *data);
static void ngx_http_dff_ledger_on_withdrawn(redisAsyncContext *ac, void *reply, void *data);


void
ngx_http_dff_ledger_init(ngx_http_dff_worker_t *worker)
{
    worker->ledger.data = worker;
    worker->ledger.handler = ngx_http_dff_ledger_handler;
    worker->ledger.log = worker->log;
    worker->ledger.cancelable = 1;
}


void
ngx_http_dff_ledger_close(ngx_http_dff_worker_t *worker)
{
    ngx_http_dff_ledger_handler(&worker->ledger);
}


void
ngx_http_dff_ledger_pushed(ngx_http_dff_worker_t *worker)
{
    if (worker->pushed++ == 0) {
        ngx_http_dff_redis_before_flush(&worker->commands, &worker->ledger);
    }
}


static void
ngx_http_dff_ledger_handler(ngx_event_t *ev)
{
    ngx_http_dff_worker_t  *worker = ev->data;

    if (worker->pushed != 0 || worker->owed > 0) {
        ngx_http_dff_ledger_count(worker);

    } else if (worker->owed < 0) {
        ngx_http_dff_ledger_withdraw(worker);
    }

    ngx_http_dff_ledger_arm(worker);
}


static void
ngx_http_dff_ledger_count(ngx_http_dff_worker_t *worker)
{
    ngx_int_t  number;

    /* a counter never goes back */
    number = ngx_max((ngx_int_t) worker->pushed + worker->owed, 0);

    if (ngx_http_dff_ledger_add(worker, "accepted", number, ngx_http_dff_ledger_on_count)
        == NGX_OK)
    {
        worker->owed -= number - (ngx_int_t) worker->pushed;

    } else {
        /* the pushes were not written either; they are answered, and not to be settled */
        worker->answered = 0;
        worker->taken = 0;
    }

    worker->pushed = 0;
}


/* No push has come that would have made up for what was counted and not taken. */
static void
ngx_http_dff_ledger_withdraw(ngx_http_dff_worker_t *worker)
{
    if (ngx_http_dff_ledger_add(worker, "withdrawn", -worker->owed,
                                ngx_http_dff_ledger_on_withdrawn)
        == NGX_OK)
    {
        worker->owed = 0;
    }
}


/* callback gets the number. */
static ngx_int_t
ngx_http_dff_ledger_add(ngx_http_dff_worker_t *worker, const char *field, ngx_int_t number,
    redisCallbackFn *callback)
{
    u_char     text[NGX_INT_T_LEN];
    ngx_str_t  argv[4] = {
        ngx_string("HINCRBY"), ngx_string(DFF_KEY_LEDGER), ngx_null_string, ngx_null_string
    };

    argv[2].data = (u_char *) field;
    argv[2].len = ngx_strlen(field);
    argv[3].data = text;
    argv[3].len = ngx_sprintf(text, "%i", number) - text;

    return ngx_http_dff_redis_behind(&worker->commands, callback, (void *) number, 4, argv);
}


/* What is owed does not wait for the next push. */
static void
ngx_http_dff_ledger_arm(ngx_http_dff_worker_t *worker)
{
    if (worker->owed != 0 && !worker->ledger.timer_set) {
        ngx_add_timer(&worker->ledger, NGX_HTTP_DFF_LEDGER_RETRY);
    }
}


void
ngx_http_dff_ledger_answered(ngx_http_dff_worker_t *worker, const redisReply *reply)
{
    worker->answered++;
    worker->taken += reply != NULL && reply->type == REDIS_REPLY_INTEGER;
}


static ngx_http_dff_worker_t *
ngx_http_dff_ledger_worker(redisAsyncContext *ac)
{
    ngx_http_dff_redis_t  *link = ac->data;

    return (ngx_http_dff_worker_t *) ((u_char *) link
                                      - offsetof(ngx_http_dff_worker_t, commands));
}


/* Replies come in order: since the last count they were those of the pushes before this one. */
static void
ngx_http_dff_ledger_on_count(redisAsyncContext *ac, void *data, void *privdata)
{
    ngx_int_t               number = (ngx_int_t) privdata;
    redisReply             *reply = data;
    ngx_http_dff_worker_t  *worker = ngx_http_dff_ledger_worker(ac);

    if (reply != NULL) {
        worker->owed += (ngx_int_t) worker->taken - (ngx_int_t) worker->answered;
    }

    if (reply != NULL && reply->type == REDIS_REPLY_ERROR) {
        worker->owed += number;
    }

    worker->answered = 0;
    worker->taken = 0;
    ngx_http_dff_ledger_arm(worker);
}


static void
ngx_http_dff_ledger_on_withdrawn(redisAsyncContext *ac, void *data, void *privdata)
{
    redisReply             *reply = data;
    ngx_http_dff_worker_t  *worker = ngx_http_dff_ledger_worker(ac);

    if (reply != NULL && reply->type == REDIS_REPLY_ERROR) {
        worker->owed -= (ngx_int_t) privdata;
    }

    ngx_http_dff_ledger_arm(worker);
}
