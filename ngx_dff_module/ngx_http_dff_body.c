/* Request bodies: see the header. */
#include "ngx_http_dff_answer.h"
#include "ngx_http_dff_body.h"
#include "ngx_http_dff_stages.h"

static void ngx_http_dff_body_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_dff_body_collect(ngx_http_request_t *r, ngx_str_t *body);


ngx_int_t
ngx_http_dff_body_stage(ngx_http_dff_ctx_t *ctx)
{
    ngx_int_t            rc;
    ngx_http_request_t  *r = ctx->request;

    r->request_body_in_single_buf = 1;

    rc = ngx_http_read_client_request_body(r, ngx_http_dff_body_handler);

    if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
        ngx_http_finalize_request(r, rc);
        return NGX_DONE;
    }

    /* the reference that reading took; ours stays */
    ngx_http_finalize_request(r, NGX_DONE);

    return NGX_AGAIN;
}


static void
ngx_http_dff_body_handler(ngx_http_request_t *r)
{
    ngx_http_dff_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_dff_module);

    /* notices a client that leaves while it waits */
    r->read_event_handler = ngx_http_test_reading;

    if (ngx_http_dff_body_collect(r, &ctx->body) != NGX_OK) {
        ngx_http_dff_answer_error(ctx, DFF_E_SYS, NULL, NULL, NULL);
        return;
    }

    ngx_http_dff_stages_resume(ctx);
}


/* The body in one piece: where it lies in one buffer already, that one. */
static ngx_int_t
ngx_http_dff_body_collect(ngx_http_request_t *r, ngx_str_t *body)
{
    u_char       *p;
    size_t        size;
    ssize_t       n;
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    ngx_str_null(body);

    if (r->request_body == NULL || r->request_body->bufs == NULL) {
        return NGX_OK;
    }

    b = r->request_body->bufs->buf;

    if (r->request_body->bufs->next == NULL && !b->in_file) {
        body->data = b->pos;
        body->len = b->last - b->pos;
        return NGX_OK;
    }

    size = 0;
    for (cl = r->request_body->bufs; cl != NULL; cl = cl->next) {
        size += (size_t) ngx_buf_size(cl->buf);
    }

    p = ngx_pnalloc(r->pool, size);
    if (p == NULL) {
        return NGX_ERROR;
    }

    body->data = p;
    body->len = size;

    for (cl = r->request_body->bufs; cl != NULL; cl = cl->next) {
        b = cl->buf;

        if (ngx_buf_size(b) == 0) {
            continue;    /* the end of a chunked body: no memory to copy from */
        }

        if (!b->in_file) {
            p = ngx_cpymem(p, b->pos, b->last - b->pos);
            continue;
        }

        /* written by nginx a moment ago: this reads the page cache */
        size = (size_t) (b->file_last - b->file_pos);
        n = ngx_read_file(b->file, p, size, b->file_pos);
        if (n != (ssize_t) size) {
            return NGX_ERROR;
        }
        p += size;
    }

    return NGX_OK;
}
