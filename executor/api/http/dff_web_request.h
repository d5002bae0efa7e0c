/*
 * An HTTP request as it came over SCGI: method, path, query, headers, body. Texts point into
 * the SCGI head or the arena. Nothing of it is trusted; what a route needs is checked against
 * its tables. Runs in the api processes; pure code.
 */
#ifndef DFF_WEB_REQUEST_H
#define DFF_WEB_REQUEST_H

#include "dff_arena.h"
#include "dff_envelope.h"
#include "dff_id.h"
#include "api/http/dff_scgi.h"

#define DFF_WEB_SEGMENTS_MAX  64
#define DFF_WEB_QUERY_MAX     64
#define DFF_WEB_BODY_MAX      (50u << 20)       /* bytes of a body that is no upload */

typedef enum {      /* bits, as a route may have more than one */
    DFF_WEB_GET = 1, DFF_WEB_POST = 2, DFF_WEB_HEAD = 4, DFF_WEB_OTHER = 8
} dff_web_method_t;

typedef enum {
    DFF_WEB_BODY_NONE, DFF_WEB_BODY_JSON, DFF_WEB_BODY_FORM, DFF_WEB_BODY_TEXT,
    DFF_WEB_BODY_MULTIPART, DFF_WEB_BODY_UNKNOWN
} dff_web_body_kind_t;

typedef struct {            /* decoded */
    dff_str_t name, value;
} dff_web_pair_t;

typedef struct {
    dff_arena_t        *arena;
    const dff_scgi_t   *scgi;
    dff_web_method_t    method;
    dff_str_t           method_name, url;       /* url: as on the request line */
    dff_str_t           path;                   /* of url, still encoded */
    dff_str_t           segments[DFF_WEB_SEGMENTS_MAX];     /* decoded once */
    size_t              nsegments;
    dff_web_pair_t      query[DFF_WEB_QUERY_MAX];
    size_t              nquery;
    dff_web_body_kind_t body_kind;
    dff_str_t           raw_body;       /* as it came; empty for an upload */
    dff_str_t           body;           /* JSON text; data NULL: there is none */
    char                trace_id[DFF_TRACE_ID_MAX + 1];
    int64_t             began_ms, began_mono_ms;
} dff_web_request_t;

/* Reads all but the body from a complete head. Always leaves a request that an error can be
 * answered for. */
int dff_web_request_read(dff_web_request_t *request, dff_arena_t *arena, const dff_scgi_t *scgi,
    dff_id_source_t *ids, dff_err_t *err);

/* Turns the body that came into JSON text, as its content type says. */
int dff_web_request_body(dff_web_request_t *request, dff_str_t raw, dff_err_t *err);

/* A header by its name in CGI's spelling ("HTTP_X_DFF_AUTH_TOKEN"), "" when not there. */
dff_str_t dff_web_header(const dff_web_request_t *request, const char *cgi_name);

/* The first value of a query key; data NULL: not there. */
dff_str_t dff_web_query(const dff_web_request_t *request, const char *name);

/* A cookie's value as sent; data NULL: not there. */
dff_str_t dff_web_cookie(const dff_web_request_t *request, const char *name);

#endif
