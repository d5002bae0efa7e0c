/* Records of tasks: see the header. */
#include "ngx_http_dff_task_record.h"

#include "dff_record.h"


void
ngx_http_dff_task_record_queued(ngx_http_dff_ctx_t *ctx, ngx_http_dff_call_t *call)
{
    u_char        *p;
    ngx_str_t      argv[3] = {
        ngx_string("LPUSH"), ngx_string(DFF_KEY_RECORDS), ngx_null_string
    };
    dff_record_t   record;

    ngx_memzero(&record, sizeof(dff_record_t));
    record.id = ngx_http_dff_str(call->node.str);
    record.func_id = ctx->route.func_id;
    record.origin = ctx->kind == DFF_ROUTE_BATCH ? DFF_ORIGIN_BATCH : DFF_ORIGIN_AUTH_LINK;
    record.origin_id = ngx_http_dff_str(ctx->link_id);
    record.exec_mode = DFF_EXEC_ASYNC;
    record.script_version = ctx->route.script_version;
    record.status = DFF_STATUS_QUEUED;
    record.queued_at_ms = call->queued_at_ms;

    p = ngx_pnalloc(ctx->request->pool, dff_record_size(&record));
    if (p == NULL) {
        return;
    }

    argv[2].data = p;
    argv[2].len = (u_char *) dff_record_write((char *) p, &record) - p;

    (void) ngx_http_dff_redis_command(&call->worker->commands, NULL, NULL, 3, argv);
}
