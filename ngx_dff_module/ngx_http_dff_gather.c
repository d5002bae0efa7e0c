/* Gathering of bytes: see the header. */
#include "ngx_http_dff_gather.h"

#define NGX_HTTP_DFF_GATHER_MIN  256


ngx_int_t
ngx_http_dff_gather_add(ngx_http_dff_gather_t *gather, const void *data, size_t len)
{
    size_t   size;
    u_char  *p;

    if (len > gather->size - gather->text.len) {

        size = ngx_max(gather->size * 2, NGX_HTTP_DFF_GATHER_MIN);
        size = ngx_max(size, gather->text.len + len);

        p = ngx_pnalloc(gather->pool, size);
        if (p == NULL) {
            return NGX_ERROR;
        }

        if (gather->text.len != 0) {
            ngx_memcpy(p, gather->text.data, gather->text.len);
            /* gives back what was large; the pool keeps the small */
            (void) ngx_pfree(gather->pool, gather->text.data);
        }

        gather->text.data = p;
        gather->size = size;
    }

    if (len != 0) {
        ngx_memcpy(gather->text.data + gather->text.len, data, len);
        gather->text.len += len;
    }

    return NGX_OK;
}
