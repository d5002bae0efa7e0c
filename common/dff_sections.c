/* Bytes in sections: see the header. On the way of every call, in every process. */
#include "dff_sections.h"

#include <inttypes.h>
#include <string.h>

#include "dff_banned.h"

#define DFF_SECTIONS_VERSION      1
#define DFF_SECTIONS_LENGTH_MAX   10            /* digits of a section's length */

static size_t
dff_sections_digits(size_t n)
{
    size_t digits = 1;

    for (n /= 10; n > 0; n /= 10)
        digits++;
    return digits;
}

/* "DFF1 120 7 0\n" and the sections. */
size_t
dff_sections_size(const dff_sections_t *kind, const void *head, const dff_str_t *rest)
{
    size_t len = dff_fields_size(kind->head, head);
    size_t size = sizeof("DFF1 ") - 1 + dff_sections_digits(len) + 1 + len;
    int    i;

    for (i = 0; i < kind->count - 1; i++)
        size += dff_sections_digits(rest[i].len) + 1 + rest[i].len;
    return size;
}

static char *
dff_sections_put_length(char *out, size_t n, char after)
{
    size_t digits = dff_sections_digits(n), i;

    for (i = digits; i > 0; i--) {
        out[i - 1] = (char) ('0' + n % 10);
        n /= 10;
    }
    out[digits] = after;
    return out + digits + 1;
}

static char *
dff_sections_put(char *out, dff_str_t text)
{
    if (text.len > 0)
        memcpy(out, text.data, text.len);
    return out + text.len;
}

char *
dff_sections_write(const dff_sections_t *kind, char *out, const void *head, const dff_str_t *rest)
{
    int i, last = kind->count - 2;

    memcpy(out, kind->magic, 3);
    out[3] = '0' + DFF_SECTIONS_VERSION;
    out[4] = ' ';
    out = dff_sections_put_length(out + 5, dff_fields_size(kind->head, head), ' ');
    for (i = 0; i <= last; i++)
        out = dff_sections_put_length(out, rest[i].len, i < last ? ' ' : '\n');
    out = dff_fields_write(kind->head, out, head);
    for (i = 0; i <= last; i++)
        out = dff_sections_put(out, rest[i]);
    return out;
}

/* A decimal length and the byte after it. NULL: not well-formed. */
static const char *
dff_sections_take_length(const char *p, const char *end, char after, size_t *length)
{
    const char *start = p;
    uint64_t    n = 0;

    while (p < end && *p >= '0' && *p <= '9' && p - start < DFF_SECTIONS_LENGTH_MAX)
        n = n * 10 + (uint64_t) (*p++ - '0');
    if (p == start || p == end || *p != after || (*start == '0' && p - start > 1))
        return NULL;
    *length = n;      /* ten digits: no overflow, nor of the sum of three */
    return p + 1;
}

static const char *
dff_sections_take_magic(const dff_sections_t *kind, dff_str_t bytes, dff_err_t *err)
{
    const char *p = bytes.data, *end = dff_str_end(bytes);
    size_t      version;

    if (bytes.len < 3 || memcmp(p, kind->magic, 3) != 0) {
        (void) dff_err_set(err, DFF_E_SYS, "%s: %zu bytes that do not begin with \"%s\"",
            kind->noun, bytes.len, kind->magic);
        return NULL;
    }
    p = dff_sections_take_length(p + 3, end, ' ', &version);
    if (p == NULL) {
        (void) dff_err_set(err, DFF_E_SYS, "%s: no version after \"%s\"", kind->noun, kind->magic);
    } else if (version != DFF_SECTIONS_VERSION) {
        (void) dff_err_set(err, DFF_E_SYS, "%s: version %zu is not supported, this build reads "
            "version %d", kind->noun, version, DFF_SECTIONS_VERSION);
        return NULL;
    }
    return p;
}

/* Cuts bytes into the sections. */
static int
dff_sections_cut(const dff_sections_t *kind, dff_str_t bytes,
    dff_str_t sections[DFF_SECTIONS_MAX], dff_err_t *err)
{
    const char *p = dff_sections_take_magic(kind, bytes, err), *end = dff_str_end(bytes);
    uint64_t    sum = 0;
    int         i;

    if (p == NULL)
        return DFF_ERROR;
    for (i = 0; i < kind->count; i++) {
        p = dff_sections_take_length(p, end, i < kind->count - 1 ? ' ' : '\n',
            &sections[i].len);
        if (p == NULL) {
            return dff_err_set(err, DFF_E_SYS, "%s: its first line is not %s lengths", kind->noun,
                kind->count == 3 ? "three" : "four");
        }
        sum += sections[i].len;
    }
    if (sum != (uint64_t) (end - p)) {
        return dff_err_set(err, DFF_E_SYS, "%s: %zu bytes follow its first line, which speaks of "
            "%" PRIu64, kind->noun, (size_t) (end - p), sum);
    }
    for (i = 0; i < kind->count; i++) {
        sections[i].data = p;
        p += sections[i].len;
    }
    return DFF_OK;
}

int
dff_sections_read(const dff_sections_t *kind, dff_str_t bytes, void *head,
    dff_str_t rest[DFF_SECTIONS_MAX], dff_err_t *err)
{
    dff_str_t sections[DFF_SECTIONS_MAX];
    int       i;

    if (dff_sections_cut(kind, bytes, sections, err) != DFF_OK
        || dff_fields_read(kind->head, sections[0], head, err) != DFF_OK)
    {
        return DFF_ERROR;
    }
    for (i = 1; i < kind->count; i++)
        rest[i - 1] = sections[i];
    return DFF_OK;
}
