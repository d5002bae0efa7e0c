/*
 * Making identifiers, and telling good ones from bad. Runs in every process.
 */
#include "dff_id.h"

#include <errno.h>
#include <stdint.h>
#include <sys/random.h>

#include "dff_envelope.h"

#include "dff_banned.h"

#define DFF_ID_RANDOM_CHARS  22      /* 62^22 > 2^130 */
#define DFF_ID_PREFIX_MAX    16

enum {
    DFF_ID_DIGIT = 1,
    DFF_ID_ALPHA = 2,                /* letters and '_' */
    DFF_ID_MARK  = 4                 /* '.' and '-' */
};

static const uint8_t dff_id_class[256] = {
    ['0' ... '9'] = DFF_ID_DIGIT,
    ['A' ... 'Z'] = DFF_ID_ALPHA,
    ['a' ... 'z'] = DFF_ID_ALPHA,
    ['_'] = DFF_ID_ALPHA,
    ['.'] = DFF_ID_MARK,
    ['-'] = DFF_ID_MARK,
};

void
dff_id_source_init(dff_id_source_t *source)
{
    memset(source, 0, sizeof(*source));
}

static bool
dff_id_source_fill(dff_id_source_t *source)
{
    size_t  have = 0;
    ssize_t n;

    while (have < sizeof(source->bytes)) {
        n = getrandom(source->bytes + have, sizeof(source->bytes) - have, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        have += (size_t) n;
    }
    source->left = sizeof(source->bytes);
    return true;
}

/* The bytes are wiped as they are handed out: an id may be a secret (a task id
 * gives access to its result), and a core file should not hold those made. */
static bool
dff_id_source_next(dff_id_source_t *source, unsigned char *byte)
{
    if (source->left == 0 && !dff_id_source_fill(source))
        return false;
    source->left--;
    *byte = source->bytes[source->left];
    source->bytes[source->left] = 0;
    return true;
}

size_t
dff_id_make(dff_id_source_t *source, char out[DFF_ID_SIZE], const char *prefix)
{
    static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    size_t            len = strnlen(prefix, DFF_ID_PREFIX_MAX);
    size_t            end = len + DFF_ID_RANDOM_CHARS;
    unsigned char     byte;

    memcpy(out, prefix, len);
    while (len < end) {
        if (!dff_id_source_next(source, &byte)) {
            out[0] = '\0';
            return 0;
        }
        byte &= 63;
        if (byte < 62)               /* 62 and 63 are thrown away: no bias */
            out[len++] = digits[byte];
    }
    out[len] = '\0';
    return len;
}

size_t
dff_id_make_trace(dff_id_source_t *source, char out[DFF_TRACE_ID_SIZE])
{
    static const char digits[] = "0123456789ABCDEF";
    unsigned char     byte = 0;
    char             *p = out;
    int               i;

    memcpy(p, "TRACE-", 6);
    p += 6;
    for (i = 0; i < 16; i++) {
        if (!dff_id_source_next(source, &byte)) {
            out[0] = '\0';
            return 0;
        }
        if (i == 6)
            byte = (byte & 0x0f) | 0x40;       /* version 4 */
        if (i == 8)
            byte = (byte & 0x3f) | 0x80;       /* variant 1 */
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *p++ = '-';
        *p++ = digits[byte >> 4];
        *p++ = digits[byte & 15];
    }
    *p = '\0';
    return (size_t) (p - out);
}

/* [A-Za-z_][A-Za-z0-9_]* */
static bool
dff_id_is_name(const char *p, const char *end)
{
    if (p == end || dff_id_class[(unsigned char) *p] != DFF_ID_ALPHA)
        return false;
    for (p++; p < end; p++) {
        if (!(dff_id_class[(unsigned char) *p] & (DFF_ID_ALPHA | DFF_ID_DIGIT)))
            return false;
    }
    return true;
}

bool
dff_id_is_identifier(dff_str_t id)
{
    return id.len <= DFF_SCRIPT_ID_MAX && dff_id_is_name(id.data, dff_str_end(id));
}

bool
dff_id_is_script(dff_str_t id)
{
    const char *set_end, *end = dff_str_end(id);

    if (id.len == 0 || id.len > DFF_SCRIPT_ID_MAX)
        return false;
    set_end = memmem(id.data, id.len, "__", 2);
    return set_end != NULL && dff_id_is_name(id.data, set_end)
        && dff_id_is_name(set_end + 2, end);
}

bool
dff_id_is_func(dff_str_t id)
{
    dff_str_t script = dff_id_func_script(id);

    if (id.len > DFF_FUNC_ID_MAX || script.len == id.len)
        return false;
    return dff_id_is_script(script)
        && dff_id_is_name(id.data + script.len + 1, id.data + id.len);
}

bool
dff_id_is_chain(dff_str_t ids)
{
    const char *begin = ids.data, *end = dff_str_end(ids);

    for ( ;; ) {
        size_t      left = (size_t) (end - begin);
        const char *comma = left == 0 ? NULL : memchr(begin, ',', left);
        dff_str_t   id = { begin, comma == NULL ? left : (size_t) (comma - begin) };

        if (!dff_id_is_func(id))
            return false;
        if (comma == NULL)
            return true;
        begin = comma + 1;
    }
}

bool
dff_id_is_link(dff_str_t id)
{
    size_t i;

    if (id.len == 0 || id.len > DFF_TASK_ID_MAX)
        return false;
    for (i = 0; i < id.len; i++) {
        if (dff_id_class[(unsigned char) id.data[i]] == 0)
            return false;
    }
    return true;
}

bool
dff_id_is_trace(dff_str_t id)
{
    size_t        i;
    unsigned char c;

    if (id.len == 0 || id.len > DFF_TRACE_ID_MAX)
        return false;
    for (i = 0; i < id.len; i++) {
        c = (unsigned char) id.data[i];
        if (c <= 0x20 || c >= 0x7f || c == '"' || c == '\\')
            return false;
    }
    return true;
}

dff_str_t
dff_id_func_script(dff_str_t func_id)
{
    const char *dot = func_id.len == 0 ? NULL : memchr(func_id.data, '.', func_id.len);

    if (dot != NULL)
        func_id.len = (size_t) (dot - func_id.data);
    return func_id;
}

dff_str_t
dff_id_script_set(dff_str_t script_id)
{
    const char *end = script_id.len == 0 ? NULL : memmem(script_id.data, script_id.len, "__", 2);

    script_id.len = end == NULL ? 0 : (size_t) (end - script_id.data);
    return script_id;
}
