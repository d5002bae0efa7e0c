/* Masking of secrets: see the header. */
#include "dff_mask.h"

#include <string.h>
#include <strings.h>

#include "dff_err.h"
#include "dff_form.h"
#include "dff_json.h"

#include "dff_banned.h"

#define DFF_MASK_NAME_MAX  256    /* a longer name counts as a secret's */

static const dff_str_t dff_mask_words[] = {
    DFF_STR("password"), DFF_STR("secret"), DFF_STR("token"), DFF_STR("authorization"),
    DFF_STR("captcha"),
};

static void
dff_mask_put(dff_mask_out_t *out, const char *data, size_t len)
{
    size_t room = out->size - out->len;

    if (len > room) {
        len = room;
        out->cut = true;
    }
    if (len > 0)
        memcpy(out->data + out->len, data, len);
    out->len += len;
}

/* Inside a field, what would end the value or be read as a code is encoded. */
static void
dff_mask_add(dff_mask_out_t *out, const char *data, size_t len)
{
    static const char digits[] = "0123456789ABCDEF";
    unsigned char     c;
    char              code[3];
    size_t            i;

    if (!out->coded) {
        dff_mask_put(out, data, len);
        return;
    }
    for (i = 0; i < len && !out->cut; i++) {
        c = (unsigned char) data[i];
        if (c > ' ' && c != 0x7f && strchr("%&+#", c) == NULL) {
            dff_mask_put(out, data + i, 1);
            continue;
        }
        code[0] = '%';
        code[1] = digits[c >> 4];
        code[2] = digits[c & 15];
        dff_mask_put(out, code, sizeof(code));
    }
}

bool
dff_mask_is_secret(dff_str_t name)
{
    size_t at, i;

    for (at = 0; at < name.len; at++) {
        for (i = 0; i < sizeof(dff_mask_words) / sizeof(dff_mask_words[0]); i++) {
            if (name.len - at >= dff_mask_words[i].len
                && (name.data[at] | 0x20) == dff_mask_words[i].data[0]
                && strncasecmp(name.data + at, dff_mask_words[i].data, dff_mask_words[i].len)
                    == 0)
            {
                return true;
            }
        }
    }
    return false;
}

/* --- JSON ------------------------------------------------------------------------ */

static bool
dff_mask_is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static const char *
dff_mask_skip_space(const char *p, const char *end)
{
    while (p < end && dff_mask_is_space(*p))
        p++;
    return p;
}

/* p at the opening quote; behind the closing one. */
static const char *
dff_mask_skip_string(const char *p, const char *end)
{
    for (p++; p < end && *p != '"'; p++) {
        if (*p == '\\')
            p++;
    }
    return p < end ? p + 1 : end;
}

static const char *
dff_mask_skip_value(const char *p, const char *end)
{
    size_t depth = 0;

    while (p < end) {
        if (*p == '"') {
            p = dff_mask_skip_string(p, end);
        } else if (*p == '{' || *p == '[') {
            depth++;
            p++;
        } else if (*p == '}' || *p == ']') {
            if (depth == 0)
                return p;      /* behind a number or a literal */
            depth--;
            p++;
        } else if (depth == 0) {
            if (*p == ',' || dff_mask_is_space(*p))
                return p;
            p++;
            continue;          /* a number goes on */
        } else {
            p++;
        }
        if (depth == 0)
            return p;
    }
    return end;
}

/* text: a key with its quotes. */
static bool
dff_mask_is_secret_key(dff_str_t text)
{
    char   name[DFF_MASK_NAME_MAX];
    size_t len;

    text = (dff_str_t) { text.data + 1, text.len - 2 };
    if (text.len > sizeof(name))
        return true;
    len = dff_json_unescape(text, name);
    return dff_mask_is_secret((dff_str_t) { name, len });
}

size_t
dff_mask_json(dff_str_t json, dff_mask_out_t *out)
{
    const char *p = json.data, *end = dff_str_end(json), *stop;
    size_t      hidden = 0;

    while (p < end && !out->cut) {
        if (*p != '"') {
            if (!dff_mask_is_space(*p))
                dff_mask_add(out, p, 1);
            p++;
            continue;
        }

        stop = dff_mask_skip_string(p, end);
        dff_mask_add(out, p, (size_t) (stop - p));

        /* in JSON, a string before a colon is a key and nothing else is */
        if (stop - p >= 2 && dff_mask_skip_space(stop, end) < end
            && *dff_mask_skip_space(stop, end) == ':'
            && dff_mask_is_secret_key((dff_str_t) { p, (size_t) (stop - p) }))
        {
            stop = dff_mask_skip_space(dff_mask_skip_space(stop, end) + 1, end);
            stop = dff_mask_skip_value(stop, end);
            dff_mask_add(out, ":\"" DFF_MASK_TEXT "\"", sizeof(":\"" DFF_MASK_TEXT "\"") - 1);
            hidden++;
        }
        p = stop;
    }
    return hidden;
}

/* --- fields ----------------------------------------------------------------------- */

/* sent: the value as it came, and the same decoded. */
static void
dff_mask_value(dff_str_t sent, dff_str_t decoded, dff_mask_out_t *out)
{
    const char    *end = dff_str_end(decoded), *first = dff_mask_skip_space(decoded.data, end);
    dff_mask_out_t trial = { out->data + out->len, 0, out->size - out->len, false, false };

    if (first == end || (*first != '{' && *first != '[')) {
        dff_mask_add(out, sent.data, sent.len);
        return;
    }
    if (dff_json_check(decoded, NULL, NULL, NULL) != DFF_OK) {
        if (dff_mask_is_secret(decoded) || memchr(decoded.data, '\\', decoded.len) != NULL)
            dff_mask_add(out, DFF_MASK_TEXT, sizeof(DFF_MASK_TEXT) - 1);
        else
            dff_mask_add(out, sent.data, sent.len);
        return;
    }

    /* With nothing to hide, the value stays as it was sent. */
    if (dff_mask_json(decoded, &trial) == 0 && !trial.cut) {
        dff_mask_add(out, sent.data, sent.len);
        return;
    }
    out->coded = true;
    (void) dff_mask_json(decoded, out);
    out->coded = false;
}

void
dff_mask_fields(dff_str_t text, char *scratch, dff_mask_out_t *out)
{
    const char *p = text.data, *last = dff_str_end(text), *end, *equals;
    dff_str_t   sent, decoded;

    for ( ; p < last && !out->cut; p = end + 1) {
        end = memchr(p, '&', (size_t) (last - p));
        if (end == NULL)
            end = last;
        equals = memchr(p, '=', (size_t) (end - p));
        if (equals == NULL)
            equals = end;

        sent = (dff_str_t) { p, (size_t) (equals - p) };
        decoded = (dff_str_t) { scratch, dff_form_decode(sent, scratch, NULL) };
        dff_mask_add(out, sent.data, sent.len);

        if (equals < end) {
            dff_mask_add(out, "=", 1);
            sent = (dff_str_t) { equals + 1, (size_t) (end - equals) - 1 };
            if (dff_mask_is_secret(decoded)) {
                dff_mask_add(out, DFF_MASK_TEXT, sizeof(DFF_MASK_TEXT) - 1);
            } else {
                decoded.len = dff_form_decode(sent, scratch, NULL);
                dff_mask_value(sent, decoded, out);
            }
        }
        if (end < last)
            dff_mask_add(out, "&", 1);
    }
}

bool
dff_mask_fields_needed(dff_str_t text, char *scratch)
{
    dff_str_t decoded = text;

    if (dff_form_is_coded(text))
        decoded = (dff_str_t) { scratch, dff_form_decode(text, scratch, NULL) };
    /* a backslash may write a name inside JSON in another way */
    return decoded.len > 0
        && (dff_mask_is_secret(decoded) || memchr(decoded.data, '\\', decoded.len) != NULL);
}
