/* The head of an SCGI request: see the header. */
#include "api/http/dff_scgi.h"

#include "dff_json.h"

#include "dff_banned.h"

#define DFF_SCGI_DIGITS_MAX       5         /* of DFF_SCGI_HEAD_MAX */
#define DFF_SCGI_LENGTH_DIGITS    15        /* of a body: more than any disk has */


void
dff_scgi_release(dff_scgi_t *scgi)
{
    dff_buf_release(&scgi->head);
    *scgi = (dff_scgi_t) { 0 };
}


bool
dff_scgi_next(const dff_scgi_t *scgi, size_t *at, dff_str_t *name, dff_str_t *value)
{
    size_t end = scgi->head.len;
    char  *data = scgi->head.data;

    if (*at >= end) {
        return false;
    }
    *name = dff_str_from(data + *at);       /* the checked head ends with a NUL */
    *at += name->len + 1;
    *value = *at < end ? dff_str_from(data + *at) : DFF_STR("");
    *at += value->len + 1;
    return true;
}


dff_str_t
dff_scgi_get(const dff_scgi_t *scgi, const char *name)
{
    dff_str_t wanted = dff_str_from(name), key, value;
    size_t    at = 0;

    while (dff_scgi_next(scgi, &at, &key, &value)) {
        if (dff_str_eq(key, wanted)) {
            return value;
        }
    }
    return DFF_STR("");
}


/* "CONTENT_LENGTH" is the first name, its value is digits, and "SCGI" says 1. "BODY_LENGTH"
 * may say more, "BODY_CHUNKED" that nobody knows. */
static int
dff_scgi_check(dff_scgi_t *scgi, dff_err_t *err)
{
    dff_str_t name, value;
    size_t    at = 0, nuls = 0;
    int64_t   length;

    for (size_t i = 0; i < scgi->head.len; i++) {
        nuls += scgi->head.data[i] == '\0';
    }
    if (scgi->head.len == 0 || scgi->head.data[scgi->head.len - 1] != '\0' || nuls % 2 != 0
        || nuls / 2 > DFF_SCGI_PAIRS_MAX)
    {
        return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST, "SCGI: the head must be at most %d "
                           "names and values, each ended by a NUL", DFF_SCGI_PAIRS_MAX);
    }
    (void) dff_scgi_next(scgi, &at, &name, &value);      /* there is one */
    if (!dff_str_eq(name, DFF_STR("CONTENT_LENGTH")) || value.len > DFF_SCGI_LENGTH_DIGITS
        || dff_json_int64(value, &length) != DFF_OK || length < 0)
    {
        return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST,
                           "SCGI: the head must begin with CONTENT_LENGTH and a number");
    }
    if (!dff_str_eq(dff_scgi_get(scgi, "SCGI"), DFF_STR("1"))) {
        return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST, "SCGI: the head must say SCGI 1");
    }
    /* nginx does not know better when it hands a body on unread; then its configuration says
     * in another name what the client has announced. */
    value = dff_scgi_get(scgi, "BODY_LENGTH");
    if (value.len > 0 && (value.len > DFF_SCGI_LENGTH_DIGITS
                          || dff_json_int64(value, &length) != DFF_OK || length < 0))
    {
        return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST, "SCGI: BODY_LENGTH must be a number");
    }
    scgi->body_len = (uint64_t) length;
    scgi->body_open = value.len == 0 && dff_scgi_get(scgi, "BODY_CHUNKED").len > 0;
    return DFF_OK;
}


/* The decimal length and its colon. */
static int
dff_scgi_length(dff_scgi_t *scgi, dff_str_t *bytes, dff_err_t *err)
{
    while (bytes->len > 0 && !scgi->in_head) {
        char c = *bytes->data;

        bytes->data++;
        bytes->len--;
        if (c == ':' && scgi->digits > 0) {
            scgi->in_head = true;
            scgi->want++;           /* the comma behind it */
        } else if (c < '0' || c > '9' || ++scgi->digits > DFF_SCGI_DIGITS_MAX
                   || (c == '0' && scgi->digits == 1))
        {
            return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST,
                               "SCGI: the length of the head must be a number");
        } else {
            scgi->want = scgi->want * 10 + (size_t) (c - '0');
        }
    }
    if (scgi->want > DFF_SCGI_HEAD_MAX) {
        return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST,
                           "SCGI: the head has %zu bytes, at most %u are allowed", scgi->want,
                           DFF_SCGI_HEAD_MAX);
    }
    return DFF_OK;
}


int
dff_scgi_feed(dff_scgi_t *scgi, dff_str_t *bytes, dff_err_t *err)
{
    size_t take;

    if (scgi->complete) {
        return 1;
    }
    if (dff_scgi_length(scgi, bytes, err) != DFF_OK) {
        return DFF_ERROR;
    }
    take = !scgi->in_head ? 0 : bytes->len < scgi->want ? bytes->len : scgi->want;
    dff_buf_add(&scgi->head, bytes->data, take);
    if (dff_buf_failed(&scgi->head)) {
        return dff_err_set(err, DFF_E_SYS, "out of memory");
    }
    bytes->data = dff_str_end((dff_str_t) { bytes->data, take });
    bytes->len -= take;
    scgi->want -= take;
    if (!scgi->in_head || scgi->want > 0) {
        return 0;
    }

    if (scgi->head.data[--scgi->head.len] != ',') {
        return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST, "SCGI: no comma behind the head");
    }
    if (dff_scgi_check(scgi, err) != DFF_OK) {
        return DFF_ERROR;
    }
    scgi->complete = true;
    return 1;
}
