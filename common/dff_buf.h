/*
 * A growable byte buffer on malloc, for code outside nginx (inside nginx,
 * sizes are measured first and memory comes from the request's pool).
 *
 * A failed allocation is remembered: later appends do nothing, and
 * dff_buf_failed() tells at the end, so that a sequence of appends needs one
 * check. data is always NUL-terminated when it is not NULL (len does not
 * count the NUL).
 */
#ifndef DFF_BUF_H
#define DFF_BUF_H

#include <stdbool.h>
#include <stddef.h>

#include "dff_str.h"

typedef struct {
    char  *data;
    size_t len;
    size_t size;      /* allocated bytes */
    bool   failed;
} dff_buf_t;

#define DFF_BUF_INIT  ((dff_buf_t) { NULL, 0, 0, false })

void dff_buf_release(dff_buf_t *buf);           /* accepts NULL and a zeroed one */
void dff_buf_clear(dff_buf_t *buf);             /* len = 0, memory kept, failed reset */
void dff_buf_add(dff_buf_t *buf, const void *data, size_t len);
void dff_buf_add_str(dff_buf_t *buf, dff_str_t str);
void dff_buf_addf(dff_buf_t *buf, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Adds text as the inside of a JSON string, escaped (no quotes around). */
void dff_buf_add_json_escaped(dff_buf_t *buf, dff_str_t text);
/* The same between quotes. */
void dff_buf_add_json_string(dff_buf_t *buf, dff_str_t text);
/* Makes room for len more bytes and returns where to write them, or NULL. The
 * caller adds what it wrote to buf->len; the NUL is back with the next call. */
char *dff_buf_reserve(dff_buf_t *buf, size_t len);
/* Drops the first len bytes. */
void dff_buf_consume(dff_buf_t *buf, size_t len);
bool dff_buf_failed(const dff_buf_t *buf);
/* Ownership of data moves to the caller, who frees it; buf is empty after. NULL:
 * an allocation had failed. An empty buffer gives "". len may be NULL. */
char *dff_buf_take(dff_buf_t *buf, size_t *len);

#endif
