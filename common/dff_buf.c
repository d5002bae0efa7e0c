/*
 * The growable buffer of the executor and dffctl.
 */
#include "dff_buf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "dff_json.h"

#include "dff_banned.h"

#define DFF_BUF_MIN_SIZE  64

/* Makes room for len more bytes and the NUL. */
static bool
dff_buf_grow(dff_buf_t *buf, size_t len)
{
    size_t size, need;
    char  *data;

    if (buf->failed)
        return false;
    if (len > SIZE_MAX / 2 - buf->len - 1) {
        buf->failed = true;
        return false;
    }
    need = buf->len + len + 1;
    if (need <= buf->size)
        return true;

    size = buf->size < DFF_BUF_MIN_SIZE ? DFF_BUF_MIN_SIZE : buf->size + buf->size / 2;
    if (size < need)
        size = need;
    data = realloc(buf->data, size);
    if (data == NULL) {
        buf->failed = true;
        return false;
    }
    buf->data = data;
    buf->size = size;
    return true;
}

void
dff_buf_release(dff_buf_t *buf)
{
    if (buf == NULL)
        return;
    free(buf->data);
    *buf = DFF_BUF_INIT;
}

void
dff_buf_clear(dff_buf_t *buf)
{
    buf->len = 0;
    buf->failed = false;
    if (buf->data != NULL)
        buf->data[0] = '\0';
}

void
dff_buf_add(dff_buf_t *buf, const void *data, size_t len)
{
    if (!dff_buf_grow(buf, len))
        return;
    if (len > 0)
        memcpy(buf->data + buf->len, data, len);
    buf->len += len;
    buf->data[buf->len] = '\0';
}

void
dff_buf_add_str(dff_buf_t *buf, dff_str_t str)
{
    dff_buf_add(buf, str.data, str.len);
}

void
dff_buf_addf(dff_buf_t *buf, const char *fmt, ...)
{
    va_list args, again;
    size_t  room;
    int     n;

    if (!dff_buf_grow(buf, 0))
        return;
    room = buf->size - buf->len;

    va_start(args, fmt);
    va_copy(again, args);
    n = vsnprintf(buf->data + buf->len, room, fmt, args);
    va_end(args);

    if (n < 0) {
        buf->failed = true;
    } else if ((size_t) n >= room && dff_buf_grow(buf, (size_t) n)) {
        room = buf->size - buf->len;
        n = vsnprintf(buf->data + buf->len, room, fmt, again);
        buf->failed = n < 0 || (size_t) n >= room;
    }
    va_end(again);

    if (buf->failed)
        buf->data[buf->len] = '\0';
    else
        buf->len += (size_t) n;
}

void
dff_buf_add_json_escaped(dff_buf_t *buf, dff_str_t text)
{
    size_t size = dff_json_escaped_size(text);
    char  *out = dff_buf_reserve(buf, size);

    if (out == NULL)
        return;
    (void) dff_json_escape(out, text);
    buf->len += size;
    buf->data[buf->len] = '\0';
}

void
dff_buf_add_json_string(dff_buf_t *buf, dff_str_t text)
{
    dff_buf_add_str(buf, DFF_STR("\""));
    dff_buf_add_json_escaped(buf, text);
    dff_buf_add_str(buf, DFF_STR("\""));
}

char *
dff_buf_reserve(dff_buf_t *buf, size_t len)
{
    if (!dff_buf_grow(buf, len))
        return NULL;
    return buf->data + buf->len;
}

void
dff_buf_consume(dff_buf_t *buf, size_t len)
{
    if (len == 0 || buf->data == NULL)
        return;
    if (len > buf->len)
        len = buf->len;
    buf->len -= len;
    memmove(buf->data, buf->data + len, buf->len);
    buf->data[buf->len] = '\0';
}

bool
dff_buf_failed(const dff_buf_t *buf)
{
    return buf->failed;
}

char *
dff_buf_take(dff_buf_t *buf, size_t *len)
{
    char *data = NULL;

    /* An empty buffer has no memory yet; its owner expects text all the same. */
    if (dff_buf_grow(buf, 0)) {
        data = buf->data;
        data[buf->len] = '\0';
        if (len != NULL)
            *len = buf->len;
        *buf = DFF_BUF_INIT;
        return data;
    }
    if (len != NULL)
        *len = 0;
    dff_buf_release(buf);
    return NULL;
}
