/* Telling a node of its jobs: see the header. */
#include "ngx_http_dff_redis.h"
#include "ngx_http_dff_wake.h"
#include "ngx_http_dff_worker.h"

#include "dff_keys.h"


void
ngx_http_dff_wake(ngx_http_dff_call_t *call)
{
    u_char                     ttl[NGX_INT64_LEN], text[sizeof("wake 0")];
    dff_key_t                  queue, channel;
    ngx_http_dff_main_conf_t  *mcf = call->worker->mcf;

    ngx_str_t  add[3] = { ngx_string("SADD"), ngx_string(DFF_KEY_NODES), call->node_name };
    ngx_str_t  expire[3] = { ngx_string("EXPIRE"), ngx_null_string, ngx_null_string };
    ngx_str_t  publish[3] = { ngx_string("PUBLISH"), ngx_null_string, ngx_null_string };

    if (call->node_name.len == 0 || call->delayed) {
        return;
    }

    expire[1].len = dff_key_queue_at(queue, (int) call->queue,
                                     ngx_http_dff_str(call->node_name));
    expire[1].data = (u_char *) queue;
    expire[2].len = ngx_sprintf(ttl, "%L", mcf->config.upload_file_expires_s) - ttl;
    expire[2].data = ttl;

    publish[1].len = dff_key_wake(channel, ngx_http_dff_str(call->node_name));
    publish[1].data = (u_char *) channel;
    publish[2].len = ngx_sprintf(text, "wake %ui", call->queue) - text;
    publish[2].data = text;

    /* the ledger counts the queues of known nodes */
    (void) ngx_http_dff_redis_command(&call->worker->commands, NULL, NULL, 3, add);
    (void) ngx_http_dff_redis_command(&call->worker->commands, NULL, NULL, 3, expire);
    (void) ngx_http_dff_redis_command(&call->worker->commands, NULL, NULL, 3, publish);
}
