/*
 * Counts the jobs that are pushed, for the ledger of the cluster (common/dff_ledger.h): one
 * command for all pushes of a turn of the event loop, behind them in the same write, so that
 * they arrive together or not at all. A Redis that begins to refuse in the middle of them, or
 * ends to, has taken some and not the count, or the other way round: what is owed then goes
 * with the next count, or after a second by itself: what was counted and not taken, as
 * withdrawn. Runs in nginx workers.
 */
#ifndef NGX_HTTP_DFF_LEDGER_H
#define NGX_HTTP_DFF_LEDGER_H

#include "ngx_http_dff_module.h"

void ngx_http_dff_ledger_init(ngx_http_dff_worker_t *worker);
/* What is owed goes to Redis now: the worker leaves. */
void ngx_http_dff_ledger_close(ngx_http_dff_worker_t *worker);
/* An LPUSH of a job was taken by worker->commands; its reply goes to the next function. */
void ngx_http_dff_ledger_pushed(ngx_http_dff_worker_t *worker);
/* reply: NULL when there was none. */
void ngx_http_dff_ledger_answered(ngx_http_dff_worker_t *worker, const redisReply *reply);

#endif
