/*
 * A borrowed run of bytes: not NUL-terminated, may hold any byte, owned by
 * whoever owns the memory that it points into.
 */
#ifndef DFF_STR_H
#define DFF_STR_H

#include <stddef.h>
#include <string.h>

typedef struct {
    const char *data;
    size_t      len;
} dff_str_t;

#define DFF_STR(literal)  ((dff_str_t) { (literal), sizeof(literal) - 1 })
/* The value of a numeric macro as a literal, for messages that name a limit. */
#define DFF_STR_NUMBER(macro)   DFF_STR_NUMBER_(macro)
#define DFF_STR_NUMBER_(value)  #value
#define DFF_STR_NULL      ((dff_str_t) { NULL, 0 })

static inline dff_str_t
dff_str_from(const char *text)
{
    return (dff_str_t) { text, text == NULL ? 0 : strlen(text) };
}

/* One past the last byte. (C has no NULL + 0, and an empty string may be NULL.) */
static inline const char *
dff_str_end(dff_str_t text)
{
    return text.len == 0 ? text.data : text.data + text.len;
}

static inline int
dff_str_eq(dff_str_t a, dff_str_t b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

#endif
