/* HTTP requests: see the header. */
#include "api/http/dff_web_request.h"

#include <stdio.h>
#include <strings.h>

#include "dff_form.h"
#include "dff_json.h"
#include "dff_time.h"
#include "api/http/dff_web_form.h"

#include "dff_banned.h"

static const struct {
    const char      *name;
    dff_web_method_t method;
} dff_web_methods[] = {
    { "GET", DFF_WEB_GET }, { "POST", DFF_WEB_POST }, { "HEAD", DFF_WEB_HEAD },
};

static const struct {
    const char         *type;
    dff_web_body_kind_t kind;
} dff_web_types[] = {
    { "application/json", DFF_WEB_BODY_JSON },
    { "application/x-www-form-urlencoded", DFF_WEB_BODY_FORM },
    { "text/plain", DFF_WEB_BODY_TEXT },
    { "multipart/form-data", DFF_WEB_BODY_MULTIPART },
};


dff_str_t
dff_web_header(const dff_web_request_t *request, const char *cgi_name)
{
    return dff_scgi_get(request->scgi, cgi_name);
}


dff_str_t
dff_web_query(const dff_web_request_t *request, const char *name)
{
    for (size_t i = 0; i < request->nquery; i++) {
        if (dff_str_eq(request->query[i].name, dff_str_from(name))) {
            return request->query[i].value;
        }
    }
    return DFF_STR_NULL;
}


dff_str_t
dff_web_cookie(const dff_web_request_t *request, const char *name)
{
    dff_str_t   cookies = dff_web_header(request, "HTTP_COOKIE");
    const char *at = cookies.data, *end = dff_str_end(cookies);
    size_t      len = strlen(name);

    while (at < end) {
        const char *stop = memchr(at, ';', (size_t) (end - at));

        stop = stop == NULL ? end : stop;
        while (at < stop && *at == ' ') {
            at++;
        }
        if ((size_t) (stop - at) > len && memcmp(at, name, len) == 0 && at[len] == '=') {
            return (dff_str_t) { at + len + 1, (size_t) (stop - at) - len - 1 };
        }
        at = stop == end ? end : stop + 1;
    }
    return DFF_STR_NULL;
}


/* The path's pieces between slashes, each decoded once ('+' is a plus in a path). */
static int
dff_web_request_path(dff_web_request_t *request, dff_err_t *err)
{
    const char *at = request->path.data, *end = dff_str_end(request->path);

    while (at < end) {
        const char *stop;
        dff_str_t   raw;
        char       *room;
        size_t      len = 0;

        at++;       /* the slash */
        stop = memchr(at, '/', (size_t) (end - at));
        raw = (dff_str_t) { at, (size_t) ((stop == NULL ? end : stop) - at) };
        at = dff_str_end(raw);
        room = dff_arena_alloc(request->arena, raw.len + 1);
        if (room == NULL || request->nsegments == DFF_WEB_SEGMENTS_MAX) {
            return dff_err_set(err, room == NULL ? DFF_E_SYS : DFF_E_CLIENT_NOT_FOUND,
                               "the path has too many parts");
        }
        for (size_t i = 0; i < raw.len; i++) {
            int value = raw.data[i] == '%' ? dff_web_hex(raw, i + 1) : (unsigned char) raw.data[i];

            if (value <= 0) {
                return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST,
                                   "the path has a bad percent-encoding");
            }
            i += raw.data[i] == '%' ? 2 : 0;
            room[len++] = (char) value;
        }
        room[len] = '\0';
        if (!dff_form_is_utf8((dff_str_t) { room, len })) {
            return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST, "the path is not UTF-8");
        }
        request->segments[request->nsegments++] = (dff_str_t) { room, len };
    }
    return DFF_OK;
}


static int
dff_web_request_query(dff_web_request_t *request, dff_str_t text, dff_err_t *err)
{
    char            *room = dff_arena_alloc(request->arena, text.len + 1);
    dff_form_t       form;
    dff_form_field_t field;
    dff_form_fail_t  fail;
    int              more;

    if (room == NULL) {
        return dff_err_set(err, DFF_E_SYS, "out of memory");
    }
    dff_form_open(&form, text, room);
    while ((more = dff_form_next(&form, &field, &fail)) == 1) {
        if (request->nquery == DFF_WEB_QUERY_MAX) {
            return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST,
                               "the query has more than %d fields", DFF_WEB_QUERY_MAX);
        }
        if (memchr(field.value.len == 0 ? "" : field.value.data, '\0', field.value.len) != NULL) {
            return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST, "the query has a NUL character");
        }
        request->query[request->nquery++] = (dff_web_pair_t) { field.name, field.value };
    }
    return more == 0 ? DFF_OK : dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST,
                                            "the query is no form: %s at byte %zu", fail.what,
                                            fail.byte);
}


static dff_web_body_kind_t
dff_web_request_kind(dff_str_t type)
{
    size_t len = type.len;

    if (len == 0) {
        return DFF_WEB_BODY_NONE;
    }
    for (size_t i = 0; i < len; i++) {
        if (type.data[i] == ';' || type.data[i] == ' ') {
            len = i;
        }
    }
    for (size_t i = 0; i < sizeof(dff_web_types) / sizeof(dff_web_types[0]); i++) {
        if (strlen(dff_web_types[i].type) == len
            && strncasecmp(dff_web_types[i].type, type.data, len) == 0)
        {
            return dff_web_types[i].kind;
        }
    }
    return DFF_WEB_BODY_UNKNOWN;
}


/* The caller's trace id when it is a sane one, else one of ours. */
static void
dff_web_request_trace(dff_web_request_t *request, dff_id_source_t *ids)
{
    dff_str_t given = dff_web_header(request, "HTTP_X_TRACE_ID");
    char      made[DFF_TRACE_ID_SIZE];

    if (dff_id_is_trace(given)) {
        memcpy(request->trace_id, given.data, given.len + 1);
    } else if (dff_id_make_trace(ids, made) != 0) {
        memcpy(request->trace_id, made, strlen(made) + 1);
    }
}


int
dff_web_request_read(dff_web_request_t *request, dff_arena_t *arena, const dff_scgi_t *scgi,
    dff_id_source_t *ids, dff_err_t *err)
{
    const char *question;

    *request = (dff_web_request_t) {
        .arena = arena, .scgi = scgi, .method = DFF_WEB_OTHER,
        .began_ms = dff_time_now_ms(), .began_mono_ms = dff_time_monotonic_ms(),
        .method_name = dff_scgi_get(scgi, "REQUEST_METHOD"),
        .url = dff_scgi_get(scgi, "REQUEST_URI"),
        .body_kind = dff_web_request_kind(dff_scgi_get(scgi, "CONTENT_TYPE")),
    };
    dff_web_request_trace(request, ids);
    for (size_t i = 0; i < sizeof(dff_web_methods) / sizeof(dff_web_methods[0]); i++) {
        if (dff_str_eq(request->method_name, dff_str_from(dff_web_methods[i].name))) {
            request->method = dff_web_methods[i].method;
        }
    }

    question = memchr(request->url.len == 0 ? "" : request->url.data, '?', request->url.len);
    request->path = request->url;
    if (question != NULL) {
        request->path.len = (size_t) (question - request->url.data);
    }
    if (request->path.len == 0 || request->path.data[0] != '/') {
        return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST, "the URL must begin with a slash");
    }
    if (dff_web_request_path(request, err) != DFF_OK) {
        return DFF_ERROR;
    }
    return question == NULL ? DFF_OK
        : dff_web_request_query(request, (dff_str_t) {
              question + 1, request->url.len - request->path.len - 1 }, err);
}


int
dff_web_request_body(dff_web_request_t *request, dff_str_t raw, dff_err_t *err)
{
    dff_json_fail_t fail;

    request->raw_body = raw;
    if (raw.len == 0) {
        return DFF_OK;
    }
    switch (request->body_kind) {
    case DFF_WEB_BODY_JSON:
        if (dff_json_check(raw, &request->body, NULL, &fail) == DFF_OK) {
            return DFF_OK;
        }
        return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST,
                           "Invalid request body: no JSON at line %zu, column %zu: %s", fail.line,
                           fail.column, fail.what);
    case DFF_WEB_BODY_FORM:
        return dff_web_form_json(request->arena, raw, &request->body, err);
    case DFF_WEB_BODY_TEXT:
        return DFF_OK;      /* a route with a schema says that it wants an object */
    case DFF_WEB_BODY_NONE:
    case DFF_WEB_BODY_MULTIPART:
    case DFF_WEB_BODY_UNKNOWN:
        break;
    }
    return dff_err_set(err, DFF_E_CLIENT_BAD_REQUEST, "Invalid request body: its type must be "
                       "application/json, application/x-www-form-urlencoded or text/plain");
}
