/*
 * Fields of queries and forms: see the header. Runs in every process, on bytes from
 * strangers.
 */
#include "dff_form.h"

#include <string.h>

#include "dff_err.h"
#include "dff_json_scan.h"

#include "dff_banned.h"

static int
dff_form_fail(const dff_form_t *form, const char *at, const char *what, dff_form_fail_t *fail)
{
    if (fail != NULL)
        *fail = (dff_form_fail_t) { what, (size_t) (at - form->start) + 1 };
    return DFF_ERROR;
}

static int
dff_form_hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool
dff_form_is_coded(dff_str_t text)
{
    return text.len > 0 && (memchr(text.data, '%', text.len) != NULL
        || memchr(text.data, '+', text.len) != NULL);
}

size_t
dff_form_decode(dff_str_t coded, char *out, size_t *bad)
{
    const char *p, *end = dff_str_end(coded);
    char       *to = out;
    int         high, low;
    size_t      first_bad = coded.len;

    for (p = coded.data; p < end; p++) {
        if (*p != '%') {
            *to++ = *p == '+' ? ' ' : *p;
            continue;
        }
        high = end - p < 3 ? -1 : dff_form_hex(p[1]);
        low = high < 0 ? -1 : dff_form_hex(p[2]);
        if (low < 0) {
            if (first_bad == coded.len)
                first_bad = (size_t) (p - coded.data);
            *to++ = '%';
            continue;
        }
        *to++ = (char) (high << 4 | low);
        p += 2;
    }
    if (bad != NULL)
        *bad = first_bad;
    return (size_t) (to - out);
}

bool
dff_form_is_utf8(dff_str_t text)
{
    const char *p = text.data, *end = dff_str_end(text);
    size_t      len;

    while (p < end) {
        if (dff_json_class[(unsigned char) *p] != DFF_JSON_UTF8) {
            p++;
            continue;
        }
        len = dff_json_utf8_len(p, end);
        if (len == 0)
            return false;
        p += len;
    }
    return true;
}

/* A name or a value, decoded where it is coded. */
static int
dff_form_part(dff_form_t *form, const char *from, const char *to, dff_str_t *part,
    dff_form_fail_t *fail)
{
    dff_str_t coded = { from, (size_t) (to - from) };
    size_t    bad;

    *part = coded;
    if (dff_form_is_coded(coded)) {
        *part = (dff_str_t) { form->room, dff_form_decode(coded, form->room, &bad) };
        form->room += part->len;
        if (bad < coded.len)
            return dff_form_fail(form, from + bad, "bad percent-encoding", fail);
    }
    if (!dff_form_is_utf8(*part))
        return dff_form_fail(form, from, "text that is not UTF-8", fail);
    return DFF_OK;
}

void
dff_form_open(dff_form_t *form, dff_str_t text, char *room)
{
    *form = (dff_form_t) {
        .start = text.data, .at = text.data, .end = dff_str_end(text), .room = room, .count = 0
    };
}

int
dff_form_next(dff_form_t *form, dff_form_field_t *field, dff_form_fail_t *fail)
{
    const char *start, *end, *equals;

    while (form->at < form->end && *form->at == '&')
        form->at++;
    if (form->at == form->end)
        return 0;

    start = form->at;
    if (form->count++ == DFF_FORM_FIELDS_MAX)
        return dff_form_fail(form, start, "more than " DFF_STR_NUMBER(DFF_FORM_FIELDS_MAX)
            " fields", fail);

    end = memchr(start, '&', (size_t) (form->end - start));
    if (end == NULL)
        end = form->end;
    equals = memchr(start, '=', (size_t) (end - start));
    if (equals == NULL)
        equals = end;

    form->at = end;
    if (dff_form_part(form, start, equals, &field->name, fail) != DFF_OK
        || dff_form_part(form, equals < end ? equals + 1 : end, end, &field->value, fail)
            != DFF_OK)
    {
        return DFF_ERROR;
    }
    return 1;
}
