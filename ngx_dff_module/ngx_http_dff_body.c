/* Request bodies: see the header. */
#include "ngx_http_dff_answer.h"
#include "ngx_http_dff_body.h"
#include "ngx_http_dff_gather.h"
#include "ngx_http_dff_stages.h"
#include "ngx_http_dff_upload.h"

#define NGX_HTTP_DFF_BODY_SLICES     4      /* buffers in one turn of the event loop */
#define NGX_HTTP_DFF_BODY_FILE_SLICE 16384

/* While a body is read; in the request's pool. */
struct ngx_http_dff_body_s {
    ngx_http_dff_ctx_t     *ctx;
    off_t                   received;
    off_t                   limit;
    ngx_uint_t              staged;     /* the stage is still running */
    ngx_uint_t              begun;      /* nginx has handed over what there is */
    ngx_http_dff_gather_t   gather;
};

static void ngx_http_dff_body_begun(ngx_http_request_t *r);
static void ngx_http_dff_body_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_dff_body_read(ngx_http_dff_body_t *body);
static ngx_int_t ngx_http_dff_body_take_chain(ngx_http_dff_body_t *body);
static ngx_int_t ngx_http_dff_body_take_file(ngx_http_dff_body_t *body, ngx_buf_t *b);
static ngx_int_t ngx_http_dff_body_take(ngx_http_dff_body_t *body, u_char *data, size_t len);
static ngx_int_t ngx_http_dff_body_complete(ngx_http_dff_body_t *body);
static ngx_int_t ngx_http_dff_body_broken(ngx_http_dff_ctx_t *ctx, ngx_int_t rc);
static const char *ngx_http_dff_body_noun(ngx_http_dff_ctx_t *ctx);


ngx_int_t
ngx_http_dff_body_stage(ngx_http_dff_ctx_t *ctx)
{
    ngx_int_t             rc;
    ngx_uint_t            is_upload;
    dff_config_t         *config = &ctx->worker->mcf->config;
    ngx_http_request_t   *r = ctx->request;
    ngx_http_dff_body_t  *body;

    body = ngx_pcalloc(r->pool, sizeof(ngx_http_dff_body_t));
    if (body == NULL) {
        ngx_http_dff_answer_error(ctx, DFF_E_SYS, NULL, NULL, NULL);
        return NGX_DONE;
    }

    is_upload = ngx_http_dff_upload_is(ctx);

    ctx->reading = body;
    body->ctx = ctx;
    body->gather.pool = r->pool;

    if (r != r->main && r->method == NGX_HTTP_GET) {
        /* a part of a page, a judge of a request: the body is the main request's */
        return ngx_http_dff_body_complete(body);
    }

    body->limit = is_upload ? config->upload_file_size_limit : config->web_body_size_limit;

    if (r->headers_in.content_length_n > body->limit) {
        return ngx_http_dff_body_too_large(ctx, is_upload ? "upload" : "body", body->limit);
    }

    if (is_upload && ngx_http_dff_upload_begin(ctx) != NGX_OK) {
        return NGX_DONE;
    }

    r->request_body_no_buffering = 1;
    body->staged = 1;

    rc = ngx_http_read_client_request_body(r, ngx_http_dff_body_begun);

    if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
        return ngx_http_dff_body_broken(ctx, rc);
    }

    /* the reference that reading took; ours stays */
    ngx_http_finalize_request(r, NGX_DONE);

    body->staged = 0;

    if (!body->begun) {
        return NGX_AGAIN;
    }

    r->read_event_handler = ngx_http_dff_body_handler;

    return ngx_http_dff_body_read(body);
}


/* Called before the reading function returns; but later, and with the whole body, where
 * nginx buffers in spite of us: HTTP/2, when the end of the stream was there first. */
static void
ngx_http_dff_body_begun(ngx_http_request_t *r)
{
    ngx_http_dff_ctx_t   *ctx;
    ngx_http_dff_body_t  *body;

    ctx = ngx_http_get_module_ctx(r, ngx_http_dff_module);
    body = ctx->reading;
    body->begun = 1;

    if (!body->staged && ngx_http_dff_body_read(body) == NGX_OK) {
        ngx_http_dff_stages_resume(ctx);
    }
}


/* More has come, or it is our turn again. */
static void
ngx_http_dff_body_handler(ngx_http_request_t *r)
{
    ngx_int_t            rc;
    ngx_http_dff_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_dff_module);

    rc = ngx_http_read_unbuffered_request_body(r);

    if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
        (void) ngx_http_dff_body_broken(ctx, rc);
        return;
    }

    if (ngx_http_dff_body_read(ctx->reading) == NGX_OK) {
        ngx_http_dff_stages_resume(ctx);
    }
}


/* Takes what is there, and what nginx can read at once: NGX_OK: the body is complete. */
static ngx_int_t
ngx_http_dff_body_read(ngx_http_dff_body_t *body)
{
    ngx_int_t            rc;
    ngx_uint_t           slices;
    ngx_http_request_t  *r = body->ctx->request;

    for (slices = 0; /* void */; slices++) {

        if (ngx_http_dff_body_take_chain(body) != NGX_OK) {
            return NGX_DONE;
        }

        if (!r->reading_body) {
            return ngx_http_dff_body_complete(body);
        }

        if (slices == NGX_HTTP_DFF_BODY_SLICES) {
            /* others first; the event goes with the connection */
            ngx_post_event(r->connection->read, &ngx_posted_next_events);
            return NGX_AGAIN;
        }

        rc = ngx_http_read_unbuffered_request_body(r);

        if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
            return ngx_http_dff_body_broken(body->ctx, rc);
        }

        if (rc == NGX_AGAIN && r->request_body->bufs == NULL) {
            return NGX_AGAIN;
        }
    }
}


/* Takes what is in nginx's buffers. While it reads on they go back to it; those of a body
 * that is complete stay as they are, as mirrors of the request read them, too. */
static ngx_int_t
ngx_http_dff_body_take_chain(ngx_http_dff_body_t *body)
{
    size_t               len;
    u_char              *data;
    ngx_int_t            rc;
    ngx_buf_t           *b;
    ngx_uint_t           more;
    ngx_chain_t         *cl, *next;
    ngx_http_request_t  *r = body->ctx->request;

    if (r->request_body == NULL) {
        return NGX_OK;
    }

    cl = r->request_body->bufs;
    more = r->reading_body;

    if (more) {
        r->request_body->bufs = NULL;
    }

    if (cl != NULL && cl->next == NULL && !cl->buf->in_file && !more
        && body->received == 0 && body->ctx->upload == NULL
        && cl->buf->last - cl->buf->pos <= body->limit)
    {
        /* the usual call: all of it lies in one buffer and may stay there */
        body->received = cl->buf->last - cl->buf->pos;
        body->gather.text.data = cl->buf->pos;
        body->gather.text.len = (size_t) body->received;
        return NGX_OK;
    }

    for ( /* void */ ; cl != NULL; cl = next) {
        b = cl->buf;
        next = cl->next;

        if (more) {
            ngx_free_chain(r->pool, cl);
        }

        if (ngx_buf_size(b) == 0) {
            continue;    /* the end of a chunked body: no memory to copy from */
        }

        if (b->in_file) {
            rc = ngx_http_dff_body_take_file(body, b);

        } else {
            data = b->pos;
            len = b->last - data;
            b->pos = more ? b->last : b->pos;
            rc = ngx_http_dff_body_take(body, data, len);
        }

        /* after an answer nothing of the request may be touched */
        if (rc != NGX_OK) {
            return rc;
        }
    }

    return NGX_OK;
}


/* HTTP/2 puts what came with the headers into a file when it has no length. It is small,
 * and in the page cache. */
static ngx_int_t
ngx_http_dff_body_take_file(ngx_http_dff_body_t *body, ngx_buf_t *b)
{
    off_t    at;
    u_char   slice[NGX_HTTP_DFF_BODY_FILE_SLICE];
    size_t   len;
    ssize_t  n;

    for (at = b->file_pos; at < b->file_last; at += n) {

        len = (size_t) ngx_min(b->file_last - at, (off_t) sizeof(slice));

        n = ngx_read_file(b->file, slice, len, at);
        if (n != (ssize_t) len) {
            ngx_http_dff_answer_error(body->ctx, DFF_E_SYS, NULL, NULL, NULL);
            return NGX_DONE;
        }

        if (ngx_http_dff_body_take(body, slice, len) != NGX_OK) {
            return NGX_DONE;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_dff_body_take(ngx_http_dff_body_t *body, u_char *data, size_t len)
{
    ngx_http_dff_ctx_t  *ctx = body->ctx;

    if ((off_t) len > body->limit - body->received) {
        return ngx_http_dff_body_too_large(ctx, ngx_http_dff_body_noun(ctx), body->limit);
    }

    body->received += len;

    if (ctx->upload != NULL) {
        return ngx_http_dff_upload_take(ctx, data, len);
    }

    if (ngx_http_dff_gather_add(&body->gather, data, len) != NGX_OK) {
        ngx_http_dff_answer_error(ctx, DFF_E_SYS, NULL, NULL, NULL);
        return NGX_DONE;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_dff_body_complete(ngx_http_dff_body_t *body)
{
    ngx_http_dff_ctx_t  *ctx = body->ctx;

    /* notices a client that leaves while it waits */
    ctx->request->read_event_handler = ngx_http_test_reading;

    /* a slow upload is not the function's fault */
    ctx->asked = ngx_current_msec;

    if (ctx->upload != NULL) {
        return ngx_http_dff_upload_finish(ctx);
    }

    ctx->body = ngx_http_dff_gather_take(&body->gather);

    return NGX_OK;
}


/* nginx cannot read on. */
static ngx_int_t
ngx_http_dff_body_broken(ngx_http_dff_ctx_t *ctx, ngx_int_t rc)
{
    ngx_http_request_t        *r = ctx->request;
    ngx_http_core_loc_conf_t  *clcf;

    if (rc == NGX_HTTP_BAD_REQUEST && !r->connection->error) {
        r->keepalive = 0;
        ngx_http_dff_answer_error(ctx, DFF_E_CLIENT_BAD_REQUEST, NULL,
                                  "Invalid request body: its transfer encoding is broken", NULL);
        return NGX_DONE;
    }

    if (rc == NGX_HTTP_REQUEST_ENTITY_TOO_LARGE) {
        /* the location has a limit of its own, and the body had not told its length */
        clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);
        return ngx_http_dff_body_too_large(ctx, ngx_http_dff_body_noun(ctx),
                                           clcf->client_max_body_size);
    }

    if (rc == NGX_HTTP_INTERNAL_SERVER_ERROR) {
        /* no memory, or a file of nginx's that takes no more: its log has said so */
        r->keepalive = 0;
        ngx_http_dff_answer_error(ctx, DFF_E_SYS, NULL, NULL, NULL);
        return NGX_DONE;
    }

    /* the client has left, or was too slow */
    ngx_http_finalize_request(r, rc);

    return NGX_DONE;
}


ngx_int_t
ngx_http_dff_body_too_large(ngx_http_dff_ctx_t *ctx, const char *what, off_t limit)
{
    char                 message[128];
    ngx_http_request_t  *r = ctx->request;

    (void) snprintf(message, sizeof(message), "The %s is larger than the limit of %lld bytes",
                    what, (long long) limit);

    /* the rest of it is not waited for */
    r->keepalive = 0;
    r->lingering_close = 1;

    ngx_http_dff_answer_error(ctx, DFF_E_BODY_TOO_LARGE, NULL, message,
                              json_pack("{s:I}", "limit", (json_int_t) limit));
    return NGX_DONE;
}


static const char *
ngx_http_dff_body_noun(ngx_http_dff_ctx_t *ctx)
{
    return ctx->upload != NULL ? "upload" : "body";
}
