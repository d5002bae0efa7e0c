/*
 * A YAML scalar as JSON. Plain ones are typed by the core schema (YAML 1.2), with
 * the yes, no, on and off of 1.1 as booleans too. What JSON has no form for (.inf,
 * .nan) and numbers with a leading zero (a postal code) stay strings. Runs at
 * start and reload.
 */
#include "dff_config_table.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <strings.h>

#include "dff_banned.h"

static bool
dff_scalar_is_word(dff_str_t text, const char *const *words)
{
    for ( ; *words != NULL; words++) {
        if (strlen(*words) == text.len && strncasecmp(*words, text.data, text.len) == 0)
            return true;
    }
    return false;
}

static dff_str_t
dff_scalar_digits(const char **p, const char *end)
{
    const char *start = *p;

    while (*p < end && **p >= '0' && **p <= '9')
        (*p)++;
    return (dff_str_t) { start, (size_t) (*p - start) };
}

/* 0x1F and 0o17 */
static bool
dff_scalar_based_int(dff_buf_t *out, dff_str_t text)
{
    char     digits[24];
    char    *end;
    uint64_t value;
    int      base;

    if (text.len < 3 || text.len - 2 >= sizeof(digits) || text.data[0] != '0')
        return false;
    base = text.data[1] == 'x' ? 16 : text.data[1] == 'o' ? 8 : 0;
    if (base == 0 || text.data[2] == '-' || text.data[2] == '+' || text.data[2] == ' ')
        return false;
    memcpy(digits, text.data + 2, text.len - 2);
    digits[text.len - 2] = '\0';
    if (base == 16 && digits[0] == '0' && (digits[1] | 0x20) == 'x')
        return false;                 /* strtoull would take a second 0x */
    errno = 0;
    value = strtoull(digits, &end, base);
    if (*end != '\0' || errno != 0)
        return false;
    dff_buf_addf(out, "%" PRIu64, value);
    return true;
}

/* [-+] digits [. digits] [e [-+] digits], with all the digits kept as they are. */
static bool
dff_scalar_decimal(dff_buf_t *out, dff_str_t text)
{
    const char *p = text.data, *end = dff_str_end(text), *exponent_sign = "";
    dff_str_t   whole, fraction = DFF_STR_NULL, exponent = DFF_STR_NULL;
    bool        negative = p < end && *p == '-', point = false;

    if (p < end && (*p == '-' || *p == '+'))
        p++;
    whole = dff_scalar_digits(&p, end);
    if (p < end && *p == '.') {
        point = true;
        p++;
        fraction = dff_scalar_digits(&p, end);
    }
    if (whole.len + fraction.len == 0 || (whole.len > 1 && whole.data[0] == '0'))
        return false;
    if (p < end && (*p | 0x20) == 'e') {
        p++;
        if (p < end && (*p == '-' || *p == '+'))
            exponent_sign = *p++ == '-' ? "-" : "";
        exponent = dff_scalar_digits(&p, end);
        if (exponent.len == 0)
            return false;
    }
    if (p != end)
        return false;

    dff_buf_add_str(out, negative ? DFF_STR("-") : DFF_STR(""));
    dff_buf_add_str(out, whole.len == 0 ? DFF_STR("0") : whole);
    if (point) {
        dff_buf_add_str(out, DFF_STR("."));
        dff_buf_add_str(out, fraction.len == 0 ? DFF_STR("0") : fraction);
    }
    if (exponent.len > 0)
        dff_buf_addf(out, "e%s%.*s", exponent_sign, (int) exponent.len, exponent.data);
    return true;
}

void
dff_config_scalar_json(dff_buf_t *out, dff_str_t text, bool quoted)
{
    static const char *const nulls[] = { "", "~", "null", NULL };
    static const char *const trues[] = { "true", "yes", "on", NULL };
    static const char *const falses[] = { "false", "no", "off", NULL };

    if (!quoted) {
        if (dff_scalar_is_word(text, nulls)) {
            dff_buf_add_str(out, DFF_STR("null"));
            return;
        }
        if (dff_scalar_is_word(text, trues)) {
            dff_buf_add_str(out, DFF_STR("true"));
            return;
        }
        if (dff_scalar_is_word(text, falses)) {
            dff_buf_add_str(out, DFF_STR("false"));
            return;
        }
        if (dff_scalar_based_int(out, text) || dff_scalar_decimal(out, text))
            return;
    }
    dff_buf_add_str(out, DFF_STR("\""));
    dff_buf_add_json_escaped(out, text);
    dff_buf_add_str(out, DFF_STR("\""));
}
