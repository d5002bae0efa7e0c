/*
 * multipart/form-data, piece by piece: see the header.
 *
 * The delimiter of parts is CR LF "--" boundary. CR is its first byte and, as a boundary has
 * no CR, nowhere else in it; so a partial match that fails can only begin anew at the byte
 * that broke it, and no table of fallbacks is needed. At the start of the body its CR LF
 * counts as seen.
 */
#include "dff_multipart.h"

#include <stdio.h>

#include "dff_multipart_head.h"

#include "dff_banned.h"

static int
dff_multipart_refuse(dff_multipart_t *reader, const char *what)
{
    reader->state = DFF_MULTIPART_STOPPED;
    reader->fail.what = what;
    reader->fail.part = reader->parts;
    reader->fail.offset = reader->offset;
    return DFF_ERROR;
}

static int
dff_multipart_stop_if(dff_multipart_t *reader, int rc)
{
    return rc == DFF_OK ? DFF_OK : dff_multipart_refuse(reader, NULL);
}

void
dff_multipart_init(dff_multipart_t *reader, dff_str_t boundary, unsigned max_parts,
    const dff_multipart_handlers_t *handlers, void *ctx)
{
    reader->handlers = handlers;
    reader->ctx = ctx;
    reader->state = DFF_MULTIPART_PREAMBLE;
    reader->parts = 0;
    reader->max_parts = max_parts;
    reader->offset = 0;
    reader->matched = reader->implied = 2;
    memcpy(reader->delimiter, "\r\n--", 4);
    memcpy(reader->delimiter + 4, boundary.data, boundary.len);
    reader->delimiter_len = 4 + boundary.len;
    reader->head_len = 0;
    reader->fail = (dff_multipart_fail_t) { NULL, 0, 0 };
}

/* --- content, up to the next delimiter ----------------------------------------------- */

static int
dff_multipart_emit(dff_multipart_t *reader, const char *data, size_t len)
{
    if (len == 0 || reader->state == DFF_MULTIPART_PREAMBLE)
        return DFF_OK;
    return dff_multipart_stop_if(reader, reader->handlers->data(reader->ctx, data, len));
}

/* Goes on matching at p. Returns where it stopped: matched is then the whole delimiter, 0,
 * or what the bytes up to end have of it. */
static const char *
dff_multipart_match(dff_multipart_t *reader, const char *p, const char *end)
{
    while (p < end && reader->matched < reader->delimiter_len
           && *p == reader->delimiter[reader->matched])
    {
        reader->matched++;
        p++;
    }
    if (p < end && reader->matched < reader->delimiter_len)
        reader->matched = 0;
    return p;
}

/* Content or preamble. Returns where it stopped; NULL: failed. */
static const char *
dff_multipart_content(dff_multipart_t *reader, const char *p, const char *end)
{
    size_t      held = reader->matched;      /* a beginning that earlier bytes have brought */
    const char *run = p, *candidate;

    if (held > 0) {
        p = dff_multipart_match(reader, p, end);
        if (reader->matched == reader->delimiter_len)
            goto delimiter;
        if (reader->matched > 0)
            return p;
        /* it was content after all; what has been matched here is part of the run */
        if (dff_multipart_emit(reader, reader->delimiter + reader->implied,
                               held - reader->implied) != DFF_OK)
        {
            return NULL;
        }
        reader->implied = 0;
    }

    while (p < end && (candidate = memchr(p, '\r', (size_t) (end - p))) != NULL) {
        p = dff_multipart_match(reader, candidate, end);
        if (reader->matched == 0)
            continue;
        if (dff_multipart_emit(reader, run, (size_t) (candidate - run)) != DFF_OK)
            return NULL;
        if (reader->matched == reader->delimiter_len)
            goto delimiter;
        return p;
    }
    return dff_multipart_emit(reader, run, (size_t) (end - run)) == DFF_OK ? end : NULL;

delimiter:
    if (reader->state == DFF_MULTIPART_CONTENT
        && dff_multipart_stop_if(reader, reader->handlers->end(reader->ctx)) != DFF_OK)
    {
        return NULL;
    }
    reader->state = DFF_MULTIPART_BOUNDARY;
    reader->matched = reader->implied = 0;
    return p;
}

/* --- heads ------------------------------------------------------------------------------- */

static int
dff_multipart_begin(dff_multipart_t *reader)
{
    dff_multipart_part_t part;
    const char          *what;

    what = dff_multipart_head_read(reader->head, reader->head_len - 2, &part);
    if (what != NULL)
        return dff_multipart_refuse(reader, what);
    reader->state = DFF_MULTIPART_CONTENT;
    /* An empty part has its delimiter right behind the head's empty line. */
    reader->matched = reader->implied = 2;
    return dff_multipart_stop_if(reader, reader->handlers->begin(reader->ctx, &part));
}

/* One byte of a head. */
static int
dff_multipart_head_byte(dff_multipart_t *reader, char c)
{
    char  *head = reader->head;
    size_t len = reader->head_len;

    if (c == '\n' && (len == 0 || head[len - 1] != '\r'))
        return dff_multipart_refuse(reader, "has a header line that ends without CR");
    if (c != '\n' && len > 0 && head[len - 1] == '\r')
        return dff_multipart_refuse(reader, "has a CR in a header line");
    if (c == '\0')
        return dff_multipart_refuse(reader, "has a NUL in its header");
    if ((c == ' ' || c == '\t') && (len == 0 || head[len - 1] == '\n'))
        return dff_multipart_refuse(reader, "has a folded header line");
    if (len == DFF_MULTIPART_HEAD_MAX)
        return dff_multipart_refuse(reader, "has a header of more than 8192 bytes");
    head[len] = c;
    reader->head_len = ++len;
    if (c == '\n' && (len == 2 || (len > 3 && memcmp(head + len - 4, "\r\n", 2) == 0)))
        return dff_multipart_begin(reader);
    return DFF_OK;
}

/* --- behind a delimiter -------------------------------------------------------------- */

static int
dff_multipart_next_part(dff_multipart_t *reader)
{
    if (reader->parts == reader->max_parts)
        return dff_multipart_refuse(reader, "is the last that is allowed, but more follow");
    reader->parts++;
    reader->head_len = 0;
    reader->state = DFF_MULTIPART_HEAD;
    return DFF_OK;
}

/* One byte between a delimiter and the head, or the epilogue, behind it. */
static int
dff_multipart_boundary_byte(dff_multipart_t *reader, char c)
{
    switch (reader->state) {
    case DFF_MULTIPART_BOUNDARY:
        if (c == '-') {
            reader->state = DFF_MULTIPART_DASH;
            return DFF_OK;
        }
        reader->state = DFF_MULTIPART_PADDING;
        break;
    case DFF_MULTIPART_DASH:
        if (c != '-')
            return dff_multipart_refuse(reader, "is followed by text behind the boundary");
        reader->state = DFF_MULTIPART_EPILOGUE;
        return DFF_OK;
    case DFF_MULTIPART_LINE_END:
        if (c != '\n')
            return dff_multipart_refuse(reader, "is followed by a CR without LF");
        return dff_multipart_next_part(reader);
    default:
        break;
    }

    if (c == '\r')
        reader->state = DFF_MULTIPART_LINE_END;
    else if (c == '\n')
        return dff_multipart_refuse(reader, "is followed by a boundary line that ends without CR");
    else if (c != ' ' && c != '\t')
        return dff_multipart_refuse(reader, "is followed by text behind the boundary");
    return DFF_OK;
}

/* --- the reader ---------------------------------------------------------------------- */

int
dff_multipart_feed(dff_multipart_t *reader, const char *data, size_t len)
{
    const char *p = data, *end = data + len, *stopped;

    while (p < end) {
        switch (reader->state) {
        case DFF_MULTIPART_PREAMBLE:
        case DFF_MULTIPART_CONTENT:
            stopped = dff_multipart_content(reader, p, end);
            if (stopped == NULL)
                return DFF_ERROR;
            reader->offset += (uint64_t) (stopped - p);
            p = stopped;
            break;
        case DFF_MULTIPART_HEAD:
            if (dff_multipart_head_byte(reader, *p) != DFF_OK)
                return DFF_ERROR;
            reader->offset++;
            p++;
            break;
        case DFF_MULTIPART_EPILOGUE:
            reader->offset += (uint64_t) (end - p);
            return DFF_OK;
        case DFF_MULTIPART_STOPPED:
            return DFF_ERROR;
        default:
            if (dff_multipart_boundary_byte(reader, *p) != DFF_OK)
                return DFF_ERROR;
            reader->offset++;
            p++;
        }
    }
    return reader->state == DFF_MULTIPART_STOPPED ? DFF_ERROR : DFF_OK;
}

int
dff_multipart_finish(dff_multipart_t *reader)
{
    switch (reader->state) {
    case DFF_MULTIPART_EPILOGUE:
        return DFF_OK;
    case DFF_MULTIPART_STOPPED:
        return DFF_ERROR;
    case DFF_MULTIPART_PREAMBLE:
        return dff_multipart_refuse(reader, "its boundary does not occur in it");
    case DFF_MULTIPART_HEAD:
        return dff_multipart_refuse(reader, "ends in its header");
    case DFF_MULTIPART_CONTENT:
        return dff_multipart_refuse(reader, "ends before a boundary");
    default:
        return dff_multipart_refuse(reader, "is followed by a cut boundary");
    }
}

void
dff_multipart_explain(const dff_multipart_fail_t *fail, char *out, size_t size)
{
    const char *what = fail->what == NULL ? "was not taken" : fail->what;

    if (fail->part == 0) {
        (void) snprintf(out, size, "%s%s, at byte %llu",
                        strncmp(what, "is ", 3) == 0 ? "the beginning " : "", what,
                        (unsigned long long) fail->offset);
        return;
    }
    (void) snprintf(out, size, "part %u %s, at byte %llu", fail->part, what,
                    (unsigned long long) fail->offset);
}
