/* Files of another node: see the header. */
#include <jansson.h>

#include "ngx_http_dff_afterwards.h"
#include "ngx_http_dff_answer.h"
#include "ngx_http_dff_call.h"
#include "ngx_http_dff_file.h"
#include "ngx_http_dff_relay.h"
#include "ngx_http_dff_result_cache.h"

#include "dff_json.h"

#define NGX_HTTP_DFF_RELAY_PIECE    (512 * 1024)
#define NGX_HTTP_DFF_RELAY_TIMEOUT  10             /* s, for a piece */
#define NGX_HTTP_DFF_RELAY_QUEUE    0              /* no user's function is in the way there */
#define NGX_HTTP_DFF_RELAY_FUNC     "dff__file.read"

typedef struct {
    ngx_http_dff_ctx_t      *ctx;
    ngx_http_dff_control_t   control;
    ngx_str_t                task_id;     /* the call's own, not a piece's */
    ngx_str_t                kwargs;      /* room for the text of a piece's job */
    ngx_str_t                path;        /* escaped */
    off_t                    size;        /* of the file; -1: not known yet */
    off_t                    offset;      /* of the next piece */
    json_int_t               mtime;
    ngx_str_t                state;       /* of the file at its first piece */
    ngx_buf_t               *b;
} ngx_http_dff_relay_t;

static void ngx_http_dff_relay_ask(ngx_http_dff_relay_t *relay);
static void ngx_http_dff_relay_job(ngx_http_dff_relay_t *relay, dff_job_t *job, size_t size);
static void ngx_http_dff_relay_replied(ngx_http_dff_ctx_t *ctx, const dff_reply_t *reply);
static void ngx_http_dff_relay_failed(ngx_http_dff_ctx_t *ctx, dff_reason_t reason,
    json_t *detail);
static ngx_int_t ngx_http_dff_relay_take(ngx_http_dff_relay_t *relay,
    const dff_reply_t *reply, const char **why);
static ngx_int_t ngx_http_dff_relay_begin(ngx_http_dff_relay_t *relay, const char *state,
    size_t len);
static void ngx_http_dff_relay_send(ngx_http_dff_relay_t *relay);
static void ngx_http_dff_relay_writer(ngx_http_request_t *r);
static ngx_uint_t ngx_http_dff_relay_is_held(ngx_http_request_t *r);
static void ngx_http_dff_relay_wait(ngx_http_request_t *r);
static void ngx_http_dff_relay_cleanup(void *data);

static const char  ngx_http_dff_relay_nonsense[] = "no sense in the reply";


void
ngx_http_dff_relay_answer(ngx_http_dff_ctx_t *ctx, ngx_http_dff_control_t *control)
{
    size_t                 len;
    u_char                *p;
    ngx_pool_t            *pool = ctx->request->pool;
    ngx_pool_cleanup_t    *cleanup;
    ngx_http_dff_relay_t  *relay;

    len = dff_json_escaped_size(ngx_http_dff_str(control->file));

    relay = ngx_pcalloc(pool, sizeof(ngx_http_dff_relay_t));
    cleanup = ngx_pool_cleanup_add(pool, 0);
    p = ngx_pnalloc(pool, 2 * len + 128);

    if (relay == NULL || cleanup == NULL || p == NULL) {
        ngx_http_dff_answer_error(ctx, DFF_E_SYS, NULL, NULL, NULL);
        return;
    }

    relay->ctx = ctx;
    relay->control = *control;
    relay->task_id = ctx->task_id;
    relay->size = -1;
    relay->path.data = p;
    relay->path.len = len;
    relay->kwargs.data = (u_char *) dff_json_escape((char *) p, ngx_http_dff_str(control->file));

    relay->b = ngx_create_temp_buf(pool, NGX_HTTP_DFF_RELAY_PIECE);
    if (relay->b == NULL) {
        ngx_http_dff_answer_error(ctx, DFF_E_SYS, NULL, NULL, NULL);
        return;
    }

    cleanup->handler = ngx_http_dff_relay_cleanup;
    cleanup->data = relay;
    ctx->relay = relay;

    ngx_http_dff_relay_ask(relay);
}


static void
ngx_http_dff_relay_ask(ngx_http_dff_relay_t *relay)
{
    dff_job_t  job;

    static const ngx_http_dff_call_end_t  end = {
        ngx_http_dff_relay_replied, ngx_http_dff_relay_failed, 0
    };

    ngx_http_dff_relay_job(relay, &job, NGX_HTTP_DFF_RELAY_PIECE);
    ngx_http_dff_call_start(relay->ctx, &job, NGX_HTTP_DFF_RELAY_TIMEOUT * 1000, &end);
}


static void
ngx_http_dff_relay_job(ngx_http_dff_relay_t *relay, dff_job_t *job, size_t size)
{
    relay->kwargs.len = ngx_sprintf(relay->kwargs.data, "{\"path\":\"%V\",\"offset\":%O,"
                                    "\"size\":%uz,\"delete\":%s}", &relay->path, relay->offset,
                                    size, relay->control.auto_delete ? "true" : "false")
                        - relay->kwargs.data;

    ngx_memzero(job, sizeof(dff_job_t));
    job->kind = DFF_JOB_FILE;
    job->func_id = DFF_STR(NGX_HTTP_DFF_RELAY_FUNC);
    job->node = ngx_http_dff_str(relay->control.node);
    job->origin = DFF_ORIGIN_DIRECT;
    job->queue = NGX_HTTP_DFF_RELAY_QUEUE;
    job->timeout_s = NGX_HTTP_DFF_RELAY_TIMEOUT;
    job->expires_at_ms = 1;
    job->retry_on_lost = 1;
    job->kwargs = ngx_http_dff_str(relay->kwargs);
}


static void
ngx_http_dff_relay_failed(ngx_http_dff_ctx_t *ctx, dff_reason_t reason, json_t *detail)
{
    ngx_http_dff_relay_t  *relay = ctx->relay;

    ctx->task_id = relay->task_id;

    if (relay->size == -1) {
        if (ngx_http_dff_result_cache_void(ctx)) {
            json_decref(detail);    /* its node may be gone, and the file with it */
            return;
        }

        ngx_http_dff_answer_error(ctx, reason, NULL, NULL, detail);
        return;
    }

    /* the header has promised more: only a broken connection says that it does not come */
    json_decref(detail);
    ngx_http_finalize_request(ctx->request, NGX_ERROR);
}


static void
ngx_http_dff_relay_replied(ngx_http_dff_ctx_t *ctx, const dff_reply_t *reply)
{
    json_t                *told = NULL;
    ngx_int_t              rc;
    const char            *why;
    ngx_http_dff_relay_t  *relay = ctx->relay;

    ctx->task_id = relay->task_id;

    if (reply->status == DFF_STATUS_SUCCESS) {

        rc = ngx_http_dff_relay_take(relay, reply, &why);

        if (rc == NGX_OK) {
            ngx_http_dff_relay_send(relay);
            return;
        }

        if (rc == NGX_DONE) {
            return;
        }

    } else {
        told = json_loadb(reply->body.data, reply->body.len, 0, NULL);
        why = json_string_value(json_object_get(told, "einfoTEXT"));
        why = why != NULL ? why : ngx_http_dff_relay_nonsense;
    }

    if (relay->size == -1) {
        ngx_http_dff_file_missing(ctx, &relay->control, why);

    } else {
        ngx_log_error(NGX_LOG_WARN, ctx->request->connection->log, 0,
                      "dff: file \"%V\" of node \"%V\" was lost after %O of %O bytes: %s",
                      &relay->control.file, &relay->control.node, relay->offset, relay->size,
                      why);
        ngx_http_finalize_request(ctx->request, NGX_ERROR);
    }

    json_decref(told);
}


/* One piece into the buffer, before the first the header. NGX_DECLINED: it is not what was
 * asked for, and why. NGX_DONE: the request has ended. */
static ngx_int_t
ngx_http_dff_relay_take(ngx_http_dff_relay_t *relay, const dff_reply_t *reply, const char **why)
{
    size_t       len = 0;
    json_t      *document;
    ngx_int_t    rc;
    json_int_t   size, mtime;
    const char  *state = "";

    document = json_loadb(reply->control.data, reply->control.len, 0, NULL);
    rc = NGX_DECLINED;
    *why = ngx_http_dff_relay_nonsense;

    /* an executor of an earlier build tells no state: size and time must do, as before */
    if (json_unpack(document, "{s:I, s:I, s?s%}", "size", &size, "mtime", &mtime,
                    "state", &state, &len) != 0)
    {
        goto done;
    }

    if (relay->size != -1
        && (size != relay->size
            || mtime != relay->mtime
            || len != relay->state.len
            || ngx_memcmp(state, relay->state.data, len) != 0))
    {
        *why = "it has changed";
        goto done;
    }

    if (size < 0
        || reply->body.len > NGX_HTTP_DFF_RELAY_PIECE
        || (off_t) reply->body.len > size - relay->offset
        || (reply->body.len == 0 && size != relay->offset))
    {
        goto done;
    }

    relay->b->pos = relay->b->start;
    relay->b->last = ngx_cpymem(relay->b->start, reply->body.data, reply->body.len);
    relay->offset += reply->body.len;

    rc = NGX_OK;

    if (relay->size == -1) {
        relay->size = size;
        relay->mtime = mtime;
        rc = ngx_http_dff_relay_begin(relay, state, len);
    }

done:

    json_decref(document);

    return rc;
}


/* The header, and what the other pieces are compared with. */
static ngx_int_t
ngx_http_dff_relay_begin(ngx_http_dff_relay_t *relay, const char *state, size_t len)
{
    ngx_http_dff_ctx_t  *ctx = relay->ctx;
    ngx_http_request_t  *r = ctx->request;

    r->headers_out.last_modified_time = (time_t) relay->mtime;
    r->headers_out.content_length_n = relay->size;

    relay->state.len = len;
    relay->state.data = ngx_pnalloc(r->pool, len);
    if (relay->state.data != NULL) {
        ngx_memcpy(relay->state.data, state, len);
    }

    if (relay->state.data == NULL
        || ngx_http_set_etag(r) != NGX_OK
        || ngx_http_dff_control_apply(ctx, &relay->control) != NGX_OK)
    {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return NGX_DONE;
    }

    return ngx_http_dff_answer_begin(ctx, relay->control.status, relay->control.type,
                                     relay->size);
}


static void
ngx_http_dff_relay_send(ngx_http_dff_relay_t *relay)
{
    ngx_int_t            rc;
    ngx_uint_t           ended;
    ngx_chain_t          out;
    ngx_http_request_t  *r = relay->ctx->request;

    relay->b->flush = 1;
    relay->b->temporary = relay->b->last != relay->b->pos;

    ended = relay->offset == relay->size;
    if (ended) {
        ngx_http_dff_answer_end(r, relay->b);
    }

    out.buf = relay->b;
    out.next = NULL;

    rc = ngx_http_output_filter(r, &out);

    if (rc == NGX_ERROR || ended) {
        ngx_http_finalize_request(r, rc);
        return;
    }

    if (ngx_http_dff_relay_is_held(r)) {
        r->write_event_handler = ngx_http_dff_relay_writer;
        ngx_http_dff_relay_wait(r);
        return;
    }

    ngx_http_dff_relay_ask(relay);
}


/* The caller takes more. */
static void
ngx_http_dff_relay_writer(ngx_http_request_t *r)
{
    ngx_event_t         *wev = r->connection->write;
    ngx_http_dff_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_dff_module);

    if (wev->timedout) {
        r->connection->timedout = 1;
        ngx_http_finalize_request(r, NGX_HTTP_REQUEST_TIME_OUT);
        return;
    }

    if (ngx_http_output_filter(r, NULL) == NGX_ERROR) {
        ngx_http_finalize_request(r, NGX_ERROR);
        return;
    }

    if (ngx_http_dff_relay_is_held(r)) {
        ngx_http_dff_relay_wait(r);
        return;
    }

    if (wev->timer_set && !wev->delayed) {
        ngx_del_timer(wev);    /* the other one ends a pause of "limit_rate" */
    }

    r->write_event_handler = ngx_http_request_empty_handler;
    ngx_http_dff_relay_ask(ctx->relay);
}


/* nginx has not sent the piece yet, or keeps it until this part of a page has its turn. */
static ngx_uint_t
ngx_http_dff_relay_is_held(ngx_http_request_t *r)
{
    return r->buffered || r->connection->buffered || r->postponed != NULL;
}


static void
ngx_http_dff_relay_wait(ngx_http_request_t *r)
{
    ngx_event_t               *wev = r->connection->write;
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    if (r->connection->data != r) {
        return;    /* the turn is another part's, and so is the connection */
    }

    if (!wev->delayed) {
        ngx_add_timer(wev, clcf->send_timeout);
    }

    if (ngx_handle_write_event(wev, clcf->send_lowat) != NGX_OK) {
        ngx_http_finalize_request(r, NGX_ERROR);
    }
}


/* The caller has left before the last piece, with which the file would have gone: one more
 * job, of no bytes, for which nobody waits. */
static void
ngx_http_dff_relay_cleanup(void *data)
{
    u_char                *p;
    dff_job_t              job;
    ngx_str_t              envelope;
    ngx_http_dff_relay_t  *relay = data;
    u_char                 id[DFF_ID_SIZE];

    if (!relay->control.auto_delete || relay->size == -1 || relay->offset >= relay->size) {
        return;
    }

    relay->offset = relay->size;
    ngx_http_dff_relay_job(relay, &job, 0);
    job.id.data = (char *) id;
    job.id.len = dff_id_make(&relay->ctx->worker->ids, (char *) id, "task-");
    job.queued_at_ms = dff_time_now_ms();
    job.expires_at_ms = job.queued_at_ms + NGX_HTTP_DFF_RELAY_TIMEOUT * 10 * 1000;

    p = ngx_alloc(dff_job_size(&job), relay->ctx->worker->log);
    if (p == NULL || job.id.len == 0) {
        ngx_free(p);
        return;
    }

    envelope.data = p;
    envelope.len = (u_char *) dff_job_write((char *) p, &job) - p;

    /* a piece that is on its way must not find the file gone */
    ngx_http_dff_afterwards(relay->ctx->worker, &relay->ctx->task_id, &job, &envelope);
    ngx_free(p);
}
