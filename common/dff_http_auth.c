/*
 * The Authorization header. Runs in nginx workers, on bytes from strangers.
 */
#include "dff_http_auth.h"

#include <stddef.h>

#include "dff_err.h"

#include "dff_banned.h"

/* The parameters of Digest that mean something; data NULL: not given. */
typedef struct {
    dff_str_t username, username_ext, realm, nonce, uri, response, algorithm, cnonce, qop, nc;
    dff_str_t userhash;
} dff_http_params_t;

static const struct {
    dff_str_t name;
    size_t    at;
} dff_http_param_rows[] = {
    { DFF_STR("username"), offsetof(dff_http_params_t, username) },
    { DFF_STR("username*"), offsetof(dff_http_params_t, username_ext) },
    { DFF_STR("realm"), offsetof(dff_http_params_t, realm) },
    { DFF_STR("nonce"), offsetof(dff_http_params_t, nonce) },
    { DFF_STR("uri"), offsetof(dff_http_params_t, uri) },
    { DFF_STR("response"), offsetof(dff_http_params_t, response) },
    { DFF_STR("algorithm"), offsetof(dff_http_params_t, algorithm) },
    { DFF_STR("cnonce"), offsetof(dff_http_params_t, cnonce) },
    { DFF_STR("qop"), offsetof(dff_http_params_t, qop) },
    { DFF_STR("nc"), offsetof(dff_http_params_t, nc) },
    { DFF_STR("userhash"), offsetof(dff_http_params_t, userhash) },
};

#define DFF_HTTP_PARAMS  (sizeof(dff_http_param_rows) / sizeof(dff_http_param_rows[0]))

typedef struct {
    const char *at, *end;
    char       *room;         /* where the next unescaped value goes */
    const char *what;
} dff_http_reader_t;

static int
dff_http_fail(dff_http_reader_t *r, const char *what)
{
    r->what = what;
    return DFF_ERROR;
}

static char
dff_http_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char) (c | 0x20) : c;
}

static bool
dff_http_same(dff_str_t a, dff_str_t b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++) {
        if (dff_http_lower(a.data[i]) != dff_http_lower(b.data[i]))
            return false;
    }
    return true;
}

static bool
dff_http_is_control(char c)
{
    return (unsigned char) c < 0x20 || c == 0x7f;
}

static int
dff_http_hex(char c)
{
    c = dff_http_lower(c);
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool
dff_http_auth_is(dff_str_t header, dff_str_t scheme, dff_str_t *rest)
{
    if (header.len <= scheme.len || header.data[scheme.len] != ' '
        || !dff_http_same((dff_str_t) { header.data, scheme.len }, scheme))
    {
        return false;
    }
    *rest = (dff_str_t) { header.data + scheme.len, header.len - scheme.len };
    while (rest->len > 0 && rest->data[0] == ' ') {
        rest->data++;
        rest->len--;
    }
    while (rest->len > 0 && rest->data[rest->len - 1] == ' ')
        rest->len--;
    return true;
}

/* --- Basic ------------------------------------------------------------------------ */

static int
dff_http_base64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Padding may be missing, as some clients leave it out; nothing else may differ. Returns
 * the end of what was written, NULL: not Base64. */
static char *
dff_http_base64(dff_str_t text, char *out)
{
    size_t   padded = text.len;
    uint32_t bits = 0;
    unsigned have = 0;

    while (text.len > 0 && padded - text.len < 2 && text.data[text.len - 1] == '=')
        text.len--;
    if (text.len % 4 == 1 || (padded != text.len && padded % 4 != 0))
        return NULL;
    for (size_t i = 0; i < text.len; i++) {
        int value = dff_http_base64_value(text.data[i]);

        if (value < 0)
            return NULL;
        bits = bits << 6 | (uint32_t) value;
        have += 6;
        if (have >= 8) {
            have -= 8;
            *out++ = (char) (bits >> have & 0xff);
        }
    }
    return (bits & ((1u << have) - 1)) == 0 ? out : NULL;
}

int
dff_http_auth_basic(dff_str_t credentials, char *room, dff_str_t *username,
    dff_str_t *password, const char **what)
{
    char *end, *colon;

    if (credentials.len > DFF_HTTP_AUTH_MAX) {
        *what = "credentials are too long";
        return DFF_ERROR;
    }
    end = dff_http_base64(credentials, room);
    if (end == NULL) {
        *what = "credentials are not Base64";
        return DFF_ERROR;
    }
    for (const char *p = room; p < end; p++) {
        if (dff_http_is_control(*p)) {
            *what = "control character in credentials";
            return DFF_ERROR;
        }
    }
    colon = end == room ? NULL : memchr(room, ':', (size_t) (end - room));
    if (colon == NULL) {
        *what = "credentials have no colon";
        return DFF_ERROR;
    }
    *username = (dff_str_t) { room, (size_t) (colon - room) };
    *password = (dff_str_t) { colon + 1, (size_t) (end - colon - 1) };
    return DFF_OK;
}

/* --- Digest: parameters -------------------------------------------------------------- */

static bool
dff_http_is_token(char c)
{
    return (c >= '0' && c <= '9') || (dff_http_lower(c) >= 'a' && dff_http_lower(c) <= 'z')
        || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static void
dff_http_skip(dff_http_reader_t *r, bool commas)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\t' || (commas && *r->at == ',')))
        r->at++;
}

static dff_str_t
dff_http_token(dff_http_reader_t *r)
{
    const char *start = r->at;

    while (r->at < r->end && dff_http_is_token(*r->at))
        r->at++;
    return (dff_str_t) { start, (size_t) (r->at - start) };
}

/* at stands behind the opening quote. */
static int
dff_http_quoted(dff_http_reader_t *r, dff_str_t *value)
{
    char *start = r->room;

    for ( ; r->at < r->end; r->at++) {
        char c = *r->at;

        if (c == '"') {
            r->at++;
            *value = (dff_str_t) { start, (size_t) (r->room - start) };
            return DFF_OK;
        }
        if (c == '\\') {
            if (++r->at == r->end)
                break;
            c = *r->at;
        }
        if (dff_http_is_control(c) && c != '\t')
            return dff_http_fail(r, "control character in a quoted string");
        *r->room++ = c;
    }
    return dff_http_fail(r, "quoted string without an end");
}

static int
dff_http_store(dff_http_reader_t *r, dff_http_params_t *params, dff_str_t name, dff_str_t value)
{
    for (size_t i = 0; i < DFF_HTTP_PARAMS; i++) {
        dff_str_t *place;

        if (!dff_http_same(dff_http_param_rows[i].name, name))
            continue;
        place = (dff_str_t *) (void *) ((char *) params + dff_http_param_rows[i].at);
        if (place->data != NULL)
            return dff_http_fail(r, "a parameter is given twice");
        *place = value;
    }
    return DFF_OK;      /* others are extensions */
}

static int
dff_http_param(dff_http_reader_t *r, dff_http_params_t *params)
{
    dff_str_t name = dff_http_token(r), value;

    dff_http_skip(r, false);
    if (name.len == 0 || r->at == r->end || *r->at != '=')
        return dff_http_fail(r, "expected name=value");
    r->at++;
    dff_http_skip(r, false);
    if (r->at < r->end && *r->at == '"') {
        r->at++;
        /* Also what bounds the room: an extended value is decoded into it once. */
        if (name.data[name.len - 1] == '*')
            return dff_http_fail(r, "an extended value is quoted");
        if (dff_http_quoted(r, &value) != DFF_OK)
            return DFF_ERROR;
    } else {
        value = dff_http_token(r);
        if (value.len == 0)
            return dff_http_fail(r, "a parameter has no value");
    }
    dff_http_skip(r, false);
    if (r->at < r->end && *r->at != ',')
        return dff_http_fail(r, "expected ','");
    return dff_http_store(r, params, name, value);
}

/* --- Digest: values ------------------------------------------------------------------ */

/* username*=UTF-8''J%C3%A4s (RFC 5987), for names that quoted strings cannot hold. */
static int
dff_http_extended(dff_http_reader_t *r, dff_str_t text, dff_str_t *value)
{
    static const dff_str_t charset = DFF_STR("UTF-8'");
    const char            *p, *end = dff_str_end(text);
    char                  *start = r->room;

    if (text.len < charset.len
        || !dff_http_same((dff_str_t) { text.data, charset.len }, charset))
    {
        return dff_http_fail(r, "username* is not in UTF-8");
    }
    p = memchr(text.data + charset.len, '\'', text.len - charset.len);
    if (p == NULL)
        return dff_http_fail(r, "username* names no language");
    for (p++; p < end; p++) {
        char c = *p;

        if (c == '%') {
            if (end - p < 3 || dff_http_hex(p[1]) < 0 || dff_http_hex(p[2]) < 0)
                return dff_http_fail(r, "bad percent-encoding in username*");
            c = (char) (dff_http_hex(p[1]) << 4 | dff_http_hex(p[2]));
            p += 2;
        }
        if (dff_http_is_control(c))
            return dff_http_fail(r, "control character in username*");
        *r->room++ = c;
    }
    *value = (dff_str_t) { start, (size_t) (r->room - start) };
    return DFF_OK;
}

static int
dff_http_count(dff_http_reader_t *r, dff_str_t text, uint32_t *count)
{
    *count = 0;
    if (text.len != 8)
        return dff_http_fail(r, "nc must be 8 hexadecimal digits");
    for (size_t i = 0; i < text.len; i++) {
        if (dff_http_hex(text.data[i]) < 0)
            return dff_http_fail(r, "nc must be 8 hexadecimal digits");
        *count = *count << 4 | (uint32_t) dff_http_hex(text.data[i]);
    }
    return *count > 0 ? DFF_OK : dff_http_fail(r, "nc counts from 1");
}

static int
dff_http_algorithm(dff_http_reader_t *r, dff_str_t text, dff_digest_t *algorithm)
{
    static const dff_str_t names[DFF_DIGEST_COUNT] = {
        [DFF_DIGEST_MD5] = DFF_STR("MD5"), [DFF_DIGEST_SHA256] = DFF_STR("SHA-256"),
    };

    *algorithm = DFF_DIGEST_MD5;
    if (text.data == NULL)
        return DFF_OK;
    for (int i = 0; i < DFF_DIGEST_COUNT; i++) {
        if (dff_http_same(names[i], text)) {
            *algorithm = (dff_digest_t) i;
            return DFF_OK;
        }
    }
    return dff_http_fail(r, "the algorithm was not offered");
}

static int
dff_http_digest_fill(dff_http_reader_t *r, const dff_http_params_t *params,
    dff_http_digest_t *digest)
{
    const dff_str_t required[] = {
        params->realm, params->nonce, params->uri, params->response, params->qop, params->nc,
        params->cnonce,
    };

    for (size_t i = 0; i < sizeof(required) / sizeof(required[0]); i++) {
        if (required[i].len == 0)
            return dff_http_fail(r, "realm, nonce, uri, response, qop, nc or cnonce is missing");
    }
    if ((params->username.data == NULL) == (params->username_ext.data == NULL))
        return dff_http_fail(r, "either username or username* is needed");
    if (!dff_http_same(params->qop, DFF_STR("auth")))
        return dff_http_fail(r, "qop must be auth");
    if (params->userhash.data != NULL && !dff_http_same(params->userhash, DFF_STR("false")))
        return dff_http_fail(r, "userhash was not offered");

    *digest = (dff_http_digest_t) {
        .username = params->username, .realm = params->realm, .nonce = params->nonce,
        .uri = params->uri, .response = params->response, .cnonce = params->cnonce,
        .nc_text = params->nc,
    };
    if (params->username_ext.data != NULL
        && dff_http_extended(r, params->username_ext, &digest->username) != DFF_OK)
    {
        return DFF_ERROR;
    }
    if (dff_http_algorithm(r, params->algorithm, &digest->algorithm) != DFF_OK)
        return DFF_ERROR;
    return dff_http_count(r, params->nc, &digest->nc);
}

int
dff_http_auth_digest(dff_str_t credentials, char *room, dff_http_digest_t *digest,
    const char **what)
{
    dff_http_reader_t r = { credentials.data, dff_str_end(credentials), room, NULL };
    dff_http_params_t params = { .username = DFF_STR_NULL };

    *what = NULL;
    if (credentials.len > DFF_HTTP_AUTH_MAX) {
        *what = "credentials are too long";
        return DFF_ERROR;
    }
    for ( ;; ) {
        dff_http_skip(&r, true);
        if (r.at == r.end)
            break;
        if (dff_http_param(&r, &params) != DFF_OK)
            goto failed;
    }
    if (dff_http_digest_fill(&r, &params, digest) == DFF_OK)
        return DFF_OK;

failed:
    *what = r.what;
    return DFF_ERROR;
}
