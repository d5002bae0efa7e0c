/* The head of a part: see the header. */
#include "dff_multipart_head.h"

#include <strings.h>

#include "dff_banned.h"

/* --- parameters ---------------------------------------------------------------------- */

static size_t
dff_multipart_skip(const char *text, size_t at, size_t len, bool blanks)
{
    while (at < len && (text[at] == ' ' || text[at] == '\t') == blanks
           && (blanks || (text[at] != ';' && text[at] != '=')))
    {
        at++;
    }
    return at;
}

static int
dff_multipart_hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte that "%xx" at p stands for, -1 when it is none. */
static int
dff_multipart_percent(const char *p, const char *end)
{
    int high, low;

    if (end - p < 3 || *p != '%')
        return -1;
    high = dff_multipart_hex(p[1]);
    low = dff_multipart_hex(p[2]);
    return high < 0 || low < 0 ? -1 : high << 4 | low;
}

/*
 * Browsers (WHATWG) write %22, %0D and %0A for the three bytes that a quoted name cannot
 * hold and leave every other percent sign as it is; older programs put a backslash before
 * a quote or a backslash. Any other backslash is part of the name (C:\temp\a.txt).
 */
static size_t
dff_multipart_unquote(char *text, size_t len)
{
    const char *p = text, *end = text + len;
    char       *out = text;
    int         byte;

    while (p < end) {
        if (*p == '\\' && end - p > 1 && (p[1] == '"' || p[1] == '\\')) {
            *out++ = p[1];
            p += 2;
            continue;
        }
        byte = dff_multipart_percent(p, end);
        if (byte == '"' || byte == '\r' || byte == '\n') {
            *out++ = (char) byte;
            p += 3;
            continue;
        }
        *out++ = *p++;
    }
    return (size_t) (out - text);
}

/* A quoted value that begins at at; *stop: behind the closing quote. DFF_ERROR: none. */
static int
dff_multipart_quoted(char *value, size_t at, size_t len, size_t *stop, dff_str_t *out)
{
    size_t begin = ++at;

    while (at < len && value[at] != '"')
        at += value[at] == '\\' && at + 1 < len && (value[at + 1] == '"' || value[at + 1] == '\\')
              ? 2 : 1;
    if (at >= len)
        return DFF_ERROR;
    *stop = at + 1;
    *out = (dff_str_t) { value + begin, at - begin };
    return DFF_OK;
}

/* One `name=value` that begins at *at, which ends behind it. */
static int
dff_multipart_take_param(char *value, size_t len, size_t *at, dff_str_t *name, dff_str_t *text,
    bool *quoted)
{
    size_t begin = *at;

    *at = dff_multipart_skip(value, begin, len, false);
    *name = (dff_str_t) { value + begin, *at - begin };
    *at = dff_multipart_skip(value, *at, len, true);
    if (name->len == 0 || *at == len || value[*at] != '=')
        return DFF_ERROR;
    *at = dff_multipart_skip(value, *at + 1, len, true);

    *quoted = *at < len && value[*at] == '"';
    if (*quoted) {
        if (dff_multipart_quoted(value, *at, len, at, text) != DFF_OK)
            return DFF_ERROR;
    } else {
        begin = *at;
        *at = dff_multipart_skip(value, begin, len, false);
        *text = (dff_str_t) { value + begin, *at - begin };
    }
    *at = dff_multipart_skip(value, *at, len, true);
    return *at == len || value[*at] == ';' ? DFF_OK : DFF_ERROR;
}

int
dff_multipart_params(char *value, size_t len, dff_multipart_param_t *params, size_t count)
{
    size_t    at = 0, i;
    dff_str_t name, text;
    bool      quoted;

    /* the value itself: "form-data", "multipart/form-data" */
    while (at < len && value[at] != ';')
        at++;

    while (at < len) {
        at = dff_multipart_skip(value, at + 1, len, true);
        if (at == len)
            break;                    /* a semicolon at the end */
        if (dff_multipart_take_param(value, len, &at, &name, &text, &quoted) != DFF_OK)
            return DFF_ERROR;
        for (i = 0; i < count; i++) {
            if (name.len != strlen(params[i].name)
                || strncasecmp(name.data, params[i].name, name.len) != 0)
            {
                continue;
            }
            if (params[i].found)
                return DFF_ERROR;
            params[i].found = true;
            params[i].quoted = quoted;
            params[i].value = text;
        }
    }

    /* only now, as it is done in place */
    for (i = 0; i < count; i++) {
        if (params[i].quoted)
            params[i].value.len = dff_multipart_unquote(
                (char *) (uintptr_t) params[i].value.data, params[i].value.len);
    }
    return DFF_OK;
}

/* filename*=UTF-8''na%C3%AFve.txt (RFC 5987), in place. DFF_ERROR: not of that form. */
static int
dff_multipart_extended(dff_str_t *text)
{
    static const char charset[] = "utf-8'";
    char       *out = (char *) (uintptr_t) text->data;
    const char *p, *end = dff_str_end(*text);
    int         byte;

    if (text->len < sizeof(charset) || strncasecmp(text->data, charset, sizeof(charset) - 1) != 0)
        return DFF_ERROR;
    p = memchr(text->data + sizeof(charset) - 1, '\'', text->len - sizeof(charset) + 1);
    if (p == NULL)
        return DFF_ERROR;

    text->data = out;
    for (p++; p < end; p++) {
        if (*p != '%') {
            *out++ = *p;
            continue;
        }
        byte = dff_multipart_percent(p, end);
        if (byte < 0)
            return DFF_ERROR;
        *out++ = (char) byte;
        p += 2;
    }
    text->len = (size_t) (out - text->data);
    return DFF_OK;
}

/* --- header lines -------------------------------------------------------------------- */

static const char *
dff_multipart_disposition(char *value, size_t len, dff_multipart_part_t *part)
{
    static const char kind[] = "form-data";
    enum { NAME, FILENAME, EXTENDED, COUNT };
    dff_multipart_param_t params[COUNT] = {
        [NAME] = { .name = "name" }, [FILENAME] = { .name = "filename" },
        [EXTENDED] = { .name = "filename*" },
    };

    if (len < sizeof(kind) - 1 || strncasecmp(value, kind, sizeof(kind) - 1) != 0
        || (len > sizeof(kind) - 1 && memchr("; \t", value[sizeof(kind) - 1], 3) == NULL))
    {
        return "has a Content-Disposition that is not form-data";
    }
    if (dff_multipart_params(value, len, params, COUNT) != DFF_OK)
        return "has a malformed Content-Disposition";
    if (!params[NAME].found)
        return "has no name";
    if (params[EXTENDED].found && dff_multipart_extended(&params[EXTENDED].value) != DFF_OK)
        return "has a malformed filename*";

    part->name = params[NAME].value;
    part->filename = params[EXTENDED].found ? params[EXTENDED].value : params[FILENAME].value;
    part->is_file = params[FILENAME].found || params[EXTENDED].found;
    return NULL;
}

static const char *
dff_multipart_type(char *value, size_t len, dff_multipart_part_t *part)
{
    static const char nested[] = "multipart/";
    size_t            stop = 0;

    while (stop < len && value[stop] != ';' && value[stop] != ' ' && value[stop] != '\t')
        stop++;
    part->type = (dff_str_t) { value, stop };
    if (stop >= sizeof(nested) - 1 && strncasecmp(value, nested, sizeof(nested) - 1) == 0)
        return "is multipart itself";
    return NULL;
}

static const char *
dff_multipart_encoding(char *value, size_t len, dff_multipart_part_t *part)
{
    part->encoding = (dff_str_t) { value, len };
    return NULL;
}

static const struct {
    dff_str_t   name;
    const char *twice;
    const char *(*read)(char *value, size_t len, dff_multipart_part_t *part);
} dff_multipart_headers[] = {
    { { "Content-Disposition", 19 }, "has two Content-Dispositions", dff_multipart_disposition },
    { { "Content-Type", 12 }, "has two Content-Types", dff_multipart_type },
    { { "Content-Transfer-Encoding", 25 }, "has two Content-Transfer-Encodings",
      dff_multipart_encoding },
};

#define DFF_MULTIPART_HEADERS  (sizeof(dff_multipart_headers) / sizeof(dff_multipart_headers[0]))

/* One line without its CR LF. seen: bit n: headers[n] has been there. */
static const char *
dff_multipart_line(char *line, size_t len, dff_multipart_part_t *part, unsigned *seen)
{
    char  *colon = memchr(line, ':', len), *value;
    size_t name_len, i;

    if (colon == NULL || colon == line)
        return "has a header line without a name";
    name_len = (size_t) (colon - line);
    value = colon + 1;
    len -= name_len + 1;
    while (len > 0 && (*value == ' ' || *value == '\t')) {
        value++;
        len--;
    }
    while (len > 0 && (value[len - 1] == ' ' || value[len - 1] == '\t'))
        len--;

    for (i = 0; i < DFF_MULTIPART_HEADERS; i++) {
        if (dff_multipart_headers[i].name.len != name_len
            || strncasecmp(line, dff_multipart_headers[i].name.data, name_len) != 0)
        {
            continue;
        }
        if (*seen & (1u << i))
            return dff_multipart_headers[i].twice;
        *seen |= 1u << i;
        return dff_multipart_headers[i].read(value, len, part);
    }
    return NULL;
}

const char *
dff_multipart_head_read(char *head, size_t len, dff_multipart_part_t *part)
{
    char       *line = head, *end = head + len, *stop;
    const char *what;
    unsigned    seen = 0;

    *part = (dff_multipart_part_t) { .is_file = false };
    while (line < end) {
        stop = memchr(line, '\r', (size_t) (end - line));
        if (stop == NULL || stop == line)
            return "has a broken header";
        what = dff_multipart_line(line, (size_t) (stop - line), part, &seen);
        if (what != NULL)
            return what;
        line = stop + 2;
    }
    return (seen & 1) ? NULL : "has no Content-Disposition";
}

/* --- the boundary -------------------------------------------------------------------- */

int
dff_multipart_boundary(dff_str_t content_type, char out[DFF_MULTIPART_BOUNDARY_MAX],
    size_t *len, const char **what)
{
    static const char marks[] = "'()+_,-./:=? ";
    char                  copy[512];
    dff_multipart_param_t param = { .name = "boundary" };
    dff_str_t             boundary;
    size_t                i;

    if (content_type.len > sizeof(copy)) {
        *what = "Content-Type is longer than 512 bytes";
        return DFF_ERROR;
    }
    memcpy(copy, content_type.data, content_type.len);
    if (dff_multipart_params(copy, content_type.len, &param, 1) != DFF_OK) {
        *what = "Content-Type is malformed";
        return DFF_ERROR;
    }
    boundary = param.value;
    if (boundary.len == 0) {
        *what = "Content-Type has no boundary";
        return DFF_ERROR;
    }
    if (boundary.len > DFF_MULTIPART_BOUNDARY_MAX || boundary.data[boundary.len - 1] == ' ') {
        *what = "the boundary of Content-Type must have 1 to 70 characters, the last no blank";
        return DFF_ERROR;
    }
    for (i = 0; i < boundary.len; i++) {
        char c = boundary.data[i];

        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
              || memchr(marks, c, sizeof(marks) - 1) != NULL))
        {
            *what = "the boundary of Content-Type has a character that a boundary cannot have";
            return DFF_ERROR;
        }
        out[i] = c;
    }
    *len = boundary.len;
    return DFF_OK;
}
