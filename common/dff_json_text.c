/*
 * Text inside JSON strings: escaping, unescaping, and the tables for both. Runs in
 * every process.
 */
#include "dff_json.h"

#include "dff_json_scan.h"

#include "dff_banned.h"

const uint8_t dff_json_class[256] = {
    [0 ... 0x1f] = DFF_JSON_CONTROL,
    ['"'] = DFF_JSON_QUOTE,
    ['\\'] = DFF_JSON_BACKSLASH,
    [0x80 ... 0xff] = DFF_JSON_UTF8,
};

const char dff_json_escapes[256] = {
    ['"'] = '"', ['\\'] = '\\', ['/'] = '/', ['b'] = '\b',
    ['f'] = '\f', ['n'] = '\n', ['r'] = '\r', ['t'] = '\t',
};

/* The short escape of a byte; 0: \u00xx if it is a control character. */
static const char dff_json_short_escape[256] = {
    ['"'] = '"', ['\\'] = '\\', ['\b'] = 'b',
    ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't',
};

/* U+FFFD, for what cannot be said in UTF-8. */
static const char dff_json_replacement[3] = { '\xef', '\xbf', '\xbd' };

/* The bounds of the second byte shut out overlong forms, surrogates and what is
 * above U+10FFFF (Unicode, table 3-7). */
size_t
dff_json_utf8_len(const char *p, const char *end)
{
    unsigned char first = (unsigned char) p[0], second;
    unsigned char low = 0x80, high = 0xbf;
    size_t        len, i;

    if (first < 0x80)
        return 1;
    if (first < 0xc2 || first > 0xf4)
        return 0;
    len = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if ((size_t) (end - p) < len)
        return 0;
    switch (first) {
    case 0xe0: low = 0xa0; break;
    case 0xed: high = 0x9f; break;
    case 0xf0: low = 0x90; break;
    case 0xf4: high = 0x8f; break;
    }
    second = (unsigned char) p[1];
    if (second < low || second > high)
        return 0;
    for (i = 2; i < len; i++) {
        if (((unsigned char) p[i] & 0xc0) != 0x80)
            return 0;
    }
    return len;
}

int
dff_json_hex4(const char *p, const char *end)
{
    int value = 0, i;
    char c;

    if (end - p < 4)
        return -1;
    for (i = 0; i < 4; i++) {
        c = p[i];
        if (c >= '0' && c <= '9')
            value = value * 16 + (c - '0');
        else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
            value = value * 16 + ((c | 0x20) - 'a' + 10);
        else
            return -1;
    }
    return value;
}

static char *
dff_json_put_utf8(char *out, unsigned code)
{
    if (code < 0x80) {
        *out++ = (char) code;
    } else if (code < 0x800) {
        *out++ = (char) (0xc0 | code >> 6);
        *out++ = (char) (0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
        *out++ = (char) (0xe0 | code >> 12);
        *out++ = (char) (0x80 | (code >> 6 & 0x3f));
        *out++ = (char) (0x80 | (code & 0x3f));
    } else {
        *out++ = (char) (0xf0 | code >> 18);
        *out++ = (char) (0x80 | (code >> 12 & 0x3f));
        *out++ = (char) (0x80 | (code >> 6 & 0x3f));
        *out++ = (char) (0x80 | (code & 0x3f));
    }
    return out;
}

/* p stands behind "\u". Takes a surrogate pair as one character; a lone half
 * becomes U+FFFD. Returns where reading goes on. */
static const char *
dff_json_take_unicode(const char *p, const char *end, unsigned *code)
{
    int first = dff_json_hex4(p, end), second;

    p += 4;
    *code = (unsigned) first;
    if (first < 0xd800 || first > 0xdfff)
        return p;
    *code = 0xfffd;
    if (first > 0xdbff || end - p < 6 || p[0] != '\\' || p[1] != 'u')
        return p;
    second = dff_json_hex4(p + 2, end);
    if (second < 0xdc00 || second > 0xdfff)
        return p;
    *code = 0x10000u + (((unsigned) first - 0xd800u) << 10) + ((unsigned) second - 0xdc00u);
    return p + 6;
}

size_t
dff_json_unescape(dff_str_t raw, char *out)
{
    const char *p = raw.data, *end = dff_str_end(raw), *stop;
    char       *o = out;
    unsigned    code;

    while (p < end) {
        stop = memchr(p, '\\', (size_t) (end - p));
        if (stop == NULL)
            stop = end;
        memcpy(o, p, (size_t) (stop - p));
        o += stop - p;
        p = stop;
        /* raw was checked, so both bounds hold; without the check a stray end
         * of raw must still not be read over. */
        if (end - p < 2)
            break;
        if (p[1] != 'u') {
            *o++ = dff_json_escapes[(unsigned char) p[1]];
            p += 2;
        } else if (dff_json_hex4(p + 2, end) < 0) {
            break;
        } else {
            p = dff_json_take_unicode(p + 2, end, &code);
            o = dff_json_put_utf8(o, code);
        }
    }
    return (size_t) (o - out);
}

size_t
dff_json_escaped_size(dff_str_t text)
{
    const char *p = text.data, *end = dff_str_end(text), *stop;
    size_t      size = 0, len;

    while (p < end) {
        stop = dff_json_skip_plain(p, end);
        size += (size_t) (stop - p);
        p = stop;
        if (p == end)
            break;
        if (dff_json_class[(unsigned char) *p] == DFF_JSON_UTF8) {
            len = dff_json_utf8_len(p, end);
            size += len == 0 ? sizeof(dff_json_replacement) : len;
            p += len == 0 ? 1 : len;
        } else {
            size += dff_json_short_escape[(unsigned char) *p] != 0 ? 2 : 6;
            p++;
        }
    }
    return size;
}

/* A byte that cannot stand for itself; returns the end. */
static char *
dff_json_escape_byte(char *out, unsigned char c)
{
    static const char digits[] = "0123456789abcdef";

    *out++ = '\\';
    if (dff_json_short_escape[c] != 0) {
        *out++ = dff_json_short_escape[c];
        return out;
    }
    memcpy(out, "u00", 3);
    out[3] = digits[c >> 4];
    out[4] = digits[c & 15];
    return out + 5;
}

char *
dff_json_escape(char *out, dff_str_t text)
{
    const char *p = text.data, *end = dff_str_end(text), *stop;
    size_t      len;

    while (p < end) {
        stop = dff_json_skip_plain(p, end);
        memcpy(out, p, (size_t) (stop - p));
        out += stop - p;
        p = stop;
        if (p == end)
            break;
        if (dff_json_class[(unsigned char) *p] != DFF_JSON_UTF8) {
            out = dff_json_escape_byte(out, (unsigned char) *p++);
            continue;
        }
        len = dff_json_utf8_len(p, end);
        if (len > 0) {
            memcpy(out, p, len);
            out += len;
            p += len;
        } else {
            memcpy(out, dff_json_replacement, sizeof(dff_json_replacement));
            out += sizeof(dff_json_replacement);
            p++;
        }
    }
    return out;
}
