/*
 * The strict JSON reader.
 *
 * Values are walked without recursion: the kinds of the open brackets are kept
 * in a small array, so that depth costs a byte and not a stack frame. Runs in
 * every process, on bytes from strangers.
 */
#include "dff_json.h"

#include "dff_err.h"
#include "dff_json_scan.h"

#include "dff_banned.h"

typedef struct {
    const char *at, *end;
    const char *what;         /* set by the first failure; at stands at it */
} dff_json_reader_t;

static int
dff_json_fail(dff_json_reader_t *r, const char *what)
{
    r->what = what;
    return DFF_ERROR;
}

/* Line and column are counted only now: the good case pays nothing for them. */
static void
dff_json_explain(dff_json_fail_t *fail, const dff_json_reader_t *r, const char *start)
{
    const char *p, *line_start = start;

    if (fail == NULL)
        return;
    fail->what = r->what;
    fail->offset = (size_t) (r->at - start);
    fail->line = 1;
    for (p = start; p < r->at; p++) {
        if (*p == '\n') {
            fail->line++;
            line_start = p + 1;
        }
    }
    fail->column = (size_t) (r->at - line_start) + 1;
}

static void
dff_json_skip_space(dff_json_reader_t *r)
{
    while (r->at < r->end
           && (*r->at == ' ' || *r->at == '\n' || *r->at == '\r' || *r->at == '\t'))
    {
        r->at++;
    }
}

/* at stands at the opening quote; ends behind the closing one. */
static int
dff_json_skip_string(dff_json_reader_t *r, bool *escaped)
{
    size_t len;

    r->at++;
    for ( ;; ) {
        r->at = dff_json_skip_plain(r->at, r->end);
        if (r->at == r->end)
            return dff_json_fail(r, "string without a closing quote");

        switch (dff_json_class[(unsigned char) *r->at]) {
        case DFF_JSON_QUOTE:
            r->at++;
            return DFF_OK;
        case DFF_JSON_BACKSLASH:
            *escaped = true;
            if (r->end - r->at < 2) {
                r->at = r->end;
                return dff_json_fail(r, "string without a closing quote");
            }
            if (r->at[1] == 'u') {
                if (dff_json_hex4(r->at + 2, r->end) < 0)
                    return dff_json_fail(r, "\\u needs four hexadecimal digits");
                r->at += 6;
            } else if (dff_json_escapes[(unsigned char) r->at[1]] != 0) {
                r->at += 2;
            } else {
                return dff_json_fail(r, "unknown escape in a string");
            }
            break;
        case DFF_JSON_UTF8:
            len = dff_json_utf8_len(r->at, r->end);
            if (len == 0)
                return dff_json_fail(r, "string is not UTF-8");
            r->at += len;
            break;
        default:
            return dff_json_fail(r, "control character in a string, it must be escaped");
        }
    }
}

static bool
dff_json_skip_digits(dff_json_reader_t *r)
{
    const char *start = r->at;

    while (r->at < r->end && *r->at >= '0' && *r->at <= '9')
        r->at++;
    return r->at > start;
}

static int
dff_json_skip_number(dff_json_reader_t *r)
{
    if (*r->at == '-')
        r->at++;
    if (r->at < r->end && *r->at == '0') {
        r->at++;
        if (r->at < r->end && *r->at >= '0' && *r->at <= '9')
            return dff_json_fail(r, "number with a leading zero");
    } else if (!dff_json_skip_digits(r)) {
        return dff_json_fail(r, "expected a digit after '-'");
    }
    if (r->at < r->end && *r->at == '.') {
        r->at++;
        if (!dff_json_skip_digits(r))
            return dff_json_fail(r, "expected a digit after the decimal point");
    }
    if (r->at < r->end && (*r->at | 0x20) == 'e') {
        r->at++;
        if (r->at < r->end && (*r->at == '+' || *r->at == '-'))
            r->at++;
        if (!dff_json_skip_digits(r))
            return dff_json_fail(r, "expected a digit in the exponent");
    }
    return DFF_OK;
}

static int
dff_json_skip_literal(dff_json_reader_t *r, dff_str_t literal)
{
    if ((size_t) (r->end - r->at) < literal.len
        || memcmp(r->at, literal.data, literal.len) != 0)
    {
        return dff_json_fail(r, "expected a value");
    }
    r->at += literal.len;
    return DFF_OK;
}

/* at stands at the first byte of a value that is no object and no array. */
static int
dff_json_skip_scalar(dff_json_reader_t *r, dff_json_type_t *type)
{
    bool escaped = false;

    switch (*r->at) {
    case '"':
        *type = DFF_JSON_STRING;
        return dff_json_skip_string(r, &escaped);
    case '-': case '0': case '1': case '2': case '3': case '4':
    case '5': case '6': case '7': case '8': case '9':
        *type = DFF_JSON_NUMBER;
        return dff_json_skip_number(r);
    case 't':
        *type = DFF_JSON_TRUE;
        return dff_json_skip_literal(r, DFF_STR("true"));
    case 'f':
        *type = DFF_JSON_FALSE;
        return dff_json_skip_literal(r, DFF_STR("false"));
    case 'n':
        *type = DFF_JSON_NULL;
        return dff_json_skip_literal(r, DFF_STR("null"));
    default:
        return dff_json_fail(r, "expected a value");
    }
}

/* A key, its colon, and the space up to the value. */
static int
dff_json_skip_key(dff_json_reader_t *r, dff_str_t *key, bool *escaped)
{
    const char *start = r->at;

    *escaped = false;
    if (r->at == r->end || *r->at != '"')
        return dff_json_fail(r, "expected a key in double quotes");
    if (dff_json_skip_string(r, escaped) != DFF_OK)
        return DFF_ERROR;
    *key = (dff_str_t) { start + 1, (size_t) (r->at - start) - 2 };

    dff_json_skip_space(r);
    if (r->at == r->end || *r->at != ':')
        return dff_json_fail(r, "expected ':' after a key");
    r->at++;
    dff_json_skip_space(r);
    return DFF_OK;
}

/*
 * One whole value. open[] has the closing bracket of each level that is open.
 * outer: levels around this value, for the depth limit.
 */
static int
dff_json_skip_value(dff_json_reader_t *r, size_t outer, dff_json_type_t *type)
{
    char            open[DFF_JSON_MAX_DEPTH];
    size_t          depth = 0;
    dff_json_type_t here;
    dff_str_t       key;
    bool            escaped;

    for ( ;; ) {
        if (r->at == r->end)
            return dff_json_fail(r, "expected a value");

        if (*r->at == '{' || *r->at == '[') {
            if (outer + depth >= DFF_JSON_MAX_DEPTH)
                return dff_json_fail(r, "nested more than " DFF_STR_NUMBER(DFF_JSON_MAX_DEPTH)
                    " levels deep");
            here = *r->at == '{' ? DFF_JSON_OBJECT : DFF_JSON_ARRAY;
            open[depth++] = *r->at == '{' ? '}' : ']';
            r->at++;
            dff_json_skip_space(r);
            if (r->at == r->end || *r->at != open[depth - 1]) {
                if (depth == 1)
                    *type = here;
                if (here == DFF_JSON_OBJECT && dff_json_skip_key(r, &key, &escaped) != DFF_OK)
                    return DFF_ERROR;
                continue;
            }
            depth--;
            r->at++;
        } else if (dff_json_skip_scalar(r, &here) != DFF_OK) {
            return DFF_ERROR;
        }

        if (depth == 0) {
            *type = here;
            return DFF_OK;
        }

        for ( ;; ) {          /* behind a value inside brackets */
            dff_json_skip_space(r);
            if (r->at == r->end || (*r->at != ',' && *r->at != open[depth - 1])) {
                return dff_json_fail(r, open[depth - 1] == '}' ? "expected ',' or '}'"
                                                               : "expected ',' or ']'");
            }
            if (*r->at++ == ',')
                break;
            if (--depth == 0)
                return DFF_OK;
        }
        dff_json_skip_space(r);
        if (open[depth - 1] == '}' && dff_json_skip_key(r, &key, &escaped) != DFF_OK)
            return DFF_ERROR;
    }
}

int
dff_json_check(dff_str_t data, dff_str_t *value, dff_json_type_t *type, dff_json_fail_t *fail)
{
    const char       *start;
    dff_json_type_t   found = DFF_JSON_NULL;
    dff_json_reader_t r = { data.data, dff_str_end(data), NULL };

    dff_json_skip_space(&r);
    start = r.at;
    if (dff_json_skip_value(&r, 0, &found) == DFF_OK) {
        if (value != NULL)
            *value = (dff_str_t) { start, (size_t) (r.at - start) };
        if (type != NULL)
            *type = found;
        dff_json_skip_space(&r);
        if (r.at == r.end)
            return DFF_OK;
        (void) dff_json_fail(&r, "expected the end of the document");
    }
    dff_json_explain(fail, &r, data.data);
    return DFF_ERROR;
}

/* Objects and arrays are walked alike, but for the brackets and the keys. */
static int
dff_json_open(dff_json_object_t *it, dff_str_t text, char bracket)
{
    dff_json_reader_t r = { text.data, dff_str_end(text), NULL };

    dff_json_skip_space(&r);
    *it = (dff_json_object_t) {
        .start = text.data, .at = r.at, .end = r.end, .first = true, .done = false
    };
    if (r.at == r.end || *r.at != bracket) {
        it->done = true;
        return DFF_ERROR;
    }
    it->at++;
    return DFF_OK;
}

/* The bracket or comma before a member. 1: a member follows, 0: the object ends. */
static int
dff_json_step(dff_json_object_t *it, dff_json_reader_t *r, char bracket)
{
    dff_json_skip_space(r);
    if (r->at < r->end && *r->at == bracket) {
        r->at++;
        dff_json_skip_space(r);
        it->done = true;
        return r->at == r->end ? 0 : dff_json_fail(r, "expected the end of the document");
    }
    if (it->first) {
        it->first = false;
        return 1;
    }
    if (r->at == r->end || *r->at != ',')
        return dff_json_fail(r, bracket == '}' ? "expected ',' or '}'" : "expected ',' or ']'");
    r->at++;
    dff_json_skip_space(r);
    return 1;
}

static int
dff_json_next(dff_json_object_t *it, dff_json_member_t *member, dff_json_fail_t *fail,
    char bracket)
{
    dff_json_reader_t r = { it->at, it->end, NULL };
    const char       *value;
    int               step;

    if (it->done)
        return 0;
    step = dff_json_step(it, &r, bracket);
    if (step == 0)
        return 0;
    member->key = DFF_STR_NULL;
    member->key_escaped = false;
    if (step == DFF_ERROR
        || (bracket == '}'
            && dff_json_skip_key(&r, &member->key, &member->key_escaped) != DFF_OK))
    {
        goto failed;
    }
    value = r.at;
    if (dff_json_skip_value(&r, 1, &member->type) != DFF_OK)
        goto failed;
    member->value = (dff_str_t) { value, (size_t) (r.at - value) };
    it->at = r.at;
    return 1;

failed:
    it->done = true;
    dff_json_explain(fail, &r, it->start);
    return DFF_ERROR;
}

int
dff_json_object_open(dff_json_object_t *it, dff_str_t object)
{
    return dff_json_open(it, object, '{');
}

int
dff_json_object_next(dff_json_object_t *it, dff_json_member_t *member, dff_json_fail_t *fail)
{
    return dff_json_next(it, member, fail, '}');
}

int
dff_json_array_open(dff_json_array_t *it, dff_str_t array)
{
    return dff_json_open(it, array, '[');
}

int
dff_json_array_next(dff_json_array_t *it, dff_json_member_t *member, dff_json_fail_t *fail)
{
    return dff_json_next(it, member, fail, ']');
}

int
dff_json_int64(dff_str_t number, int64_t *value)
{
    const char *p = number.data, *end = dff_str_end(number);
    bool        negative = number.len > 0 && *p == '-';
    int64_t     sum = 0;

    if (negative)
        p++;
    if (p == end || (*p == '0' && end - p > 1))
        return DFF_ERROR;
    for ( ; p < end; p++) {
        if (*p < '0' || *p > '9')
            return DFF_ERROR;
        /* Counted on the negative side, which reaches one further. */
        if (__builtin_mul_overflow(sum, 10, &sum)
            || __builtin_sub_overflow(sum, *p - '0', &sum))
        {
            return DFF_ERROR;
        }
    }
    if (!negative && sum == INT64_MIN)
        return DFF_ERROR;
    *value = negative ? sum : -sum;
    return DFF_OK;
}

int
dff_json_plain_string(dff_str_t value, dff_str_t *text)
{
    if (value.len < 2 || value.data[0] != '"' || value.data[value.len - 1] != '"')
        return DFF_ERROR;
    value = (dff_str_t) { value.data + 1, value.len - 2 };
    if (value.len > 0 && memchr(value.data, '\\', value.len) != NULL)
        return DFF_ERROR;
    *text = value;
    return DFF_OK;
}
