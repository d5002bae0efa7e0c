/*
 * The routes of the management API as one table. A row says everything about a route:
 * what matches it, who may use it, which query and body it takes, who answers and with what.
 * Routing, the order of checks, the records of operations, the OpenAPI document and the tests
 * follow the rows. Pure code.
 */
#ifndef DFF_ENDPOINT_H
#define DFF_ENDPOINT_H

#include "dff_envelope.h"
#include "api/http/dff_privilege.h"
#include "api/http/dff_shape.h"
#include "api/http/dff_web_request.h"

typedef struct dff_web_call_s dff_web_call_t;

typedef int (*dff_web_handler_fn)(dff_web_call_t *call, dff_err_t *err);
/* reply NULL: none came, err says why. */
typedef int (*dff_web_resume_fn)(dff_web_call_t *call, const dff_reply_t *reply,
    dff_err_t *err);

typedef enum {
    DFF_SIGN_IN_NONE,       /* public; who is signed in is known all the same */
    DFF_SIGN_IN_ANY,
    DFF_SIGN_IN_TOKEN       /* not with an access key */
} dff_sign_in_kind_t;

#define DFF_ENDPOINT_ADMIN      1u      /* role sa or admin, or privilege '*' */
#define DFF_ENDPOINT_UPLOAD     2u      /* multipart */
#define DFF_ENDPOINT_RAW        4u      /* may answer with something else than the envelope */
#define DFF_ENDPOINT_QUIET      8u      /* with the trace id of log polling it is not logged */
#define DFF_ENDPOINT_NO_RECORD  16u     /* writes, but is no operation to be recorded */
#define DFF_ENDPOINT_SECRET     32u     /* its body is in no record and no reqDump */
#define DFF_ENDPOINT_FILTERS    64u     /* takes the filters of its entity */
#define DFF_ENDPOINT_ROW        128u    /* data is a row of its entity, as get has it */
#define DFF_ENDPOINT_CHECKED    256u    /* nginx has looked at its query */
#define DFF_ENDPOINT_FUNC       512u    /* a function may choose the status, with DFF.RESP */

struct dff_entity_s;

/*
 * Takes a body as it comes, so that it may be larger than memory: who makes the request and
 * its query are checked before the first byte is taken. The handler is called behind the
 * last one. An error of begin or take is the answer, and nothing more is taken.
 */
typedef struct {
    uint64_t max;       /* bytes of body */
    int    (*begin)(dff_web_call_t *call, dff_err_t *err);
    int    (*take)(dff_web_call_t *call, dff_str_t bytes, dff_err_t *err);
    bool   (*ended)(const dff_web_call_t *call);    /* of a body of unknown length */
} dff_web_sink_t;

typedef struct {
    unsigned                   methods;     /* bits of dff_web_method_t */
    const char                *pattern;     /* "/api/v1/users/:id/do/get"; ":x" is a segment,
                                               a last "*" the rest, at least nothing */
    const char                *title;
    dff_sign_in_kind_t         sign_in;
    dff_privilege_t            privilege;
    const dff_shape_t         *query;       /* its texts; NULL: any, not looked at */
    const dff_shape_t         *body;        /* NULL: ignored */
    dff_web_handler_fn         handler;
    const struct dff_entity_s *entity;      /* of the generic routes */
    unsigned                   flags;
    const dff_web_sink_t      *sink;        /* of an upload of any size; NULL: none */
    const dff_prop_t          *answer;      /* data of a success; NULL: rows or a row of entity,
                                               or something else than the envelope (RAW) */
} dff_endpoint_t;

typedef struct {            /* rows of one noun */
    const dff_endpoint_t *rows;
    size_t                count;
} dff_endpoint_group_t;

#define DFF_ENDPOINTS(rows_)  { (rows_), sizeof(rows_) / sizeof((rows_)[0]) }

/* The i-th row of all groups, NULL behind the last. */
const dff_endpoint_t *dff_endpoint_at(size_t i);

/*
 * The row for a request: of those that match, the one with a literal where another has a
 * parameter. NULL: none; then *allowed has the methods with which there would be one.
 * params gets the matched segments.
 */
const dff_endpoint_t *dff_endpoint_find(const dff_web_request_t *request, dff_str_t *params,
    unsigned *allowed);

#endif
