/* Counting of pushed jobs: see the header. */
#include "ngx_http_dff_ledger.h"

#include "dff_ledger.h"

static void ngx_http_dff_ledger_handler(ngx_event_t *ev);


void
ngx_http_dff_ledger_init(ngx_http_dff_worker_t *worker)
{
    worker->ledger.data = worker;
    worker->ledger.handler = ngx_http_dff_ledger_handler;
    worker->ledger.log = worker->log;
}


void
ngx_http_dff_ledger_pushed(ngx_http_dff_worker_t *worker)
{
    if (worker->pushed++ == 0) {
        ngx_http_dff_redis_before_flush(&worker->commands, &worker->ledger);
    }
}


/* With a link that has gone meanwhile the pushes have gone, too: nothing was written. */
static void
ngx_http_dff_ledger_handler(ngx_event_t *ev)
{
    u_char                  number[NGX_INT_T_LEN];
    ngx_http_dff_worker_t  *worker = ev->data;

    ngx_str_t  argv[4] = {
        ngx_string("HINCRBY"), ngx_string(DFF_KEY_LEDGER), ngx_string("accepted"),
        ngx_null_string
    };

    argv[3].data = number;
    argv[3].len = ngx_sprintf(number, "%ui", worker->pushed) - number;
    worker->pushed = 0;

    (void) ngx_http_dff_redis_command(&worker->commands, NULL, NULL, 4, argv);
}
