/*
 * Writes Python strings as UTF-8, straight from their own representation:
 * PyUnicode_AsUTF8 would leave a second copy in every string that it touches,
 * and it fails for lone surrogates.
 */
#include "dff_py_text.h"

#include <stdbool.h>
#include <stdint.h>

#include "dff_banned.h"

/* Characters turned into bytes between two looks at the buffer's room. */
#define DFF_PY_TEXT_CHUNK  512

#define DFF_REPLACEMENT  0xfffdu

/* For ASCII: 0: as it is; 'u': \u00XX; else the letter after the backslash. */
static const char dff_py_text_escape[128] = {
    [0x00 ... 0x07] = 'u',
    ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', [0x0b] = 'u', ['\f'] = 'f', ['\r'] = 'r',
    [0x0e ... 0x1f] = 'u',
    ['"'] = '"', ['\\'] = '\\',
};

static char *
dff_py_text_put_wide(char *out, Py_UCS4 c)
{
    if (c >= 0xd800 && c <= 0xdfff)
        c = DFF_REPLACEMENT;
    if (c < 0x800) {
        *out++ = (char) (0xc0 | (c >> 6));
    } else if (c < 0x10000) {
        *out++ = (char) (0xe0 | (c >> 12));
        *out++ = (char) (0x80 | ((c >> 6) & 0x3f));
    } else {
        *out++ = (char) (0xf0 | (c >> 18));
        *out++ = (char) (0x80 | ((c >> 12) & 0x3f));
        *out++ = (char) (0x80 | ((c >> 6) & 0x3f));
    }
    *out++ = (char) (0x80 | (c & 0x3f));
    return out;
}

static char *
dff_py_text_put_escape(char *out, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    char              kind = dff_py_text_escape[c];

    *out++ = '\\';
    *out++ = kind;
    if (kind == 'u') {
        *out++ = '0';
        *out++ = '0';
        *out++ = hex[c >> 4];
        *out++ = hex[c & 0xf];
    }
    return out;
}

/* Strings of ASCII only: runs that need no escape are copied as they are. */
static void
dff_py_text_add_ascii(dff_buf_t *out, const unsigned char *text, size_t len)
{
    size_t at = 0, run;
    char   escaped[6];

    while (at < len) {
        run = at;
        while (run < len && dff_py_text_escape[text[run]] == 0)
            run++;
        dff_buf_add(out, text + at, run - at);
        if (run == len)
            return;
        dff_buf_add(out, escaped, (size_t) (dff_py_text_put_escape(escaped, text[run]) - escaped));
        at = run + 1;
    }
}

static void
dff_py_text_add_any(dff_buf_t *out, PyObject *str, bool json)
{
    int         kind = PyUnicode_KIND(str);
    const void *data = PyUnicode_DATA(str);
    Py_ssize_t  len = PyUnicode_GET_LENGTH(str), at = 0, stop;
    char       *start, *end;

    while (at < len) {
        stop = len - at > DFF_PY_TEXT_CHUNK ? at + DFF_PY_TEXT_CHUNK : len;
        start = dff_buf_reserve(out, (size_t) (stop - at) * 6);   /* \u00XX is the longest */
        if (start == NULL)
            return;
        for (end = start; at < stop; at++) {
            Py_UCS4 c = PyUnicode_READ(kind, data, at);

            if (c >= 0x80)
                end = dff_py_text_put_wide(end, c);
            else if (json && dff_py_text_escape[c] != 0)
                end = dff_py_text_put_escape(end, (unsigned char) c);
            else
                *end++ = (char) c;
        }
        out->len += (size_t) (end - start);
    }
}

/* Only strings of long deprecated C functions are ever not ready. */
static bool
dff_py_text_ready(dff_buf_t *out, PyObject *str)
{
#if PY_VERSION_HEX < 0x030c0000
    if (PyUnicode_READY(str) != 0) {
        PyErr_Clear();
        out->failed = true;
        return false;
    }
#else
    (void) out;
    (void) str;
#endif
    return true;
}

void
dff_py_text_add(dff_buf_t *out, PyObject *str)
{
    if (!dff_py_text_ready(out, str))
        return;
    if (PyUnicode_IS_ASCII(str))
        dff_buf_add(out, PyUnicode_1BYTE_DATA(str), (size_t) PyUnicode_GET_LENGTH(str));
    else
        dff_py_text_add_any(out, str, false);
}

void
dff_py_text_add_json(dff_buf_t *out, PyObject *str)
{
    if (!dff_py_text_ready(out, str))
        return;
    dff_buf_add(out, "\"", 1);
    if (PyUnicode_IS_ASCII(str))
        dff_py_text_add_ascii(out, PyUnicode_1BYTE_DATA(str), (size_t) PyUnicode_GET_LENGTH(str));
    else
        dff_py_text_add_any(out, str, true);
    dff_buf_add(out, "\"", 1);
}
