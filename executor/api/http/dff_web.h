/*
 * The management API in an api process: what serves one request, from its bytes to its
 * answer. A call is one request; its endpoint is a row of the table (dff_endpoint.h), whose
 * handler reads checked values and fills the answer, or waits for a function and goes on
 * when its reply comes.
 *
 * Order of the checks of a call: token or access key, sign-in required, kind of sign-in,
 * privilege, query, body, handler.
 */
#ifndef DFF_WEB_H
#define DFF_WEB_H

#include <jansson.h>

#include "dff_arena.h"
#include "dff_tz.h"
#include "api/dff_api.h"
#include "api/dff_replies.h"
#include "api/http/dff_endpoint.h"
#include "api/http/dff_shape.h"
#include "api/http/dff_web_answer.h"
#include "api/http/dff_web_request.h"
#include "api/http/dff_web_user.h"

typedef struct dff_web_s dff_web_t;
typedef struct dff_web_conn_s dff_web_conn_t;

#define DFF_WEB_CONNECTIONS_MAX    1024
#define DFF_WEB_HELD_MAX           (256u << 20)     /* bytes of bodies in memory at once */
#define DFF_WEB_IMPORT_MAX         (200u << 20)     /* bytes of an uploaded package */
#define DFF_WEB_PULL_LOG_TRACE_ID  "TRACE-PULLLOGS"

struct dff_web_s {          /* of the process; made by dff_web_new() */
    dff_api_t         *api;
    dff_tz_t           tz;              /* TIMEZONE */
    struct dff_cors_s *cors;
    struct dff_sys_stats_s *stats;
    dff_web_conn_t    *connections;     /* list */
    size_t             nconnections;
    uint64_t           held;            /* bytes of bodies */
    unsigned           nfile_works;     /* processes at work on files */
};

/* A handler's outcome beside DFF_OK and DFF_ERROR: it waits, and a callback will end it. */
#define DFF_WEB_WAITS  1

#define DFF_WEB_PARAMS_MAX  4

struct dff_web_call_s {
    dff_web_t            *web;
    dff_web_conn_t       *conn;         /* NULL: the client is gone */
    dff_arena_t           arena;
    dff_web_request_t     req;
    dff_web_answer_t      answer;
    const dff_endpoint_t *endpoint;     /* NULL: no such route */
    dff_str_t             params[DFF_WEB_PARAMS_MAX];   /* of the pattern, in its order */
    dff_web_user_t        user;         /* id "" when nobody signed in */
    char                  client_ip[64];
    dff_str_t             file_info;    /* JSON of an upload, for the record; or data NULL */

    dff_wait_t           *wait;         /* while it waits */
    char                  task_id[DFF_TASK_ID_MAX + 1];     /* of what it runs, or has run */
    dff_web_resume_fn     resume;
    void                 *state;        /* the handler's, in the arena */
    void                (*release)(void *state);        /* what state holds beside memory */

    /* What it waits for goes on without its client, and is recorded. */
    bool                  outlives;
    bool                  bad_head;     /* head_err is the answer */
    dff_err_t             head_err;
    unsigned              allowed;      /* no endpoint: methods that would have one */
};

/* --- for handlers ---------------------------------------------------------------------------- */

/* "data" of the body: an object's text; data NULL: there is none. */
dff_str_t dff_web_data(const dff_web_call_t *call);

/* Fills the answer's data with a value that it takes (NULL: no memory). */
int dff_web_reply(dff_web_call_t *call, json_t *data, dff_err_t *err);

/* An error with a sub-reason (NULL: none) and a detail that it takes (NULL: none). Always
 * DFF_ERROR. */
int dff_web_refuse(dff_web_call_t *call, dff_err_t *err, dff_reason_t reason, const char *sub,
    json_t *detail, const char *fmt, ...)
    __attribute__((format(printf, 6, 7)));
/* 404.41 with detail {entity, id}. */
int dff_web_not_found(dff_web_call_t *call, dff_err_t *err, const char *entity, dff_str_t id);

/* Runs a function and calls resume with its reply. DFF_WEB_WAITS, or DFF_ERROR. */
int dff_web_run(dff_web_call_t *call, dff_job_t *job, int wait_ms, dff_web_resume_fn resume,
    dff_err_t *err);

/* Ends a call whose handler waits for something else: as if it returned rc now. */
void dff_web_finish(dff_web_call_t *call, int rc, dff_err_t *err);

/* A boolean as a query spells it: 1, 0, or -1: it is none. */
int dff_web_query_bool(dff_str_t text);

/* --- the process ----------------------------------------------------------------------------- */

/* NULL: err says why. */
dff_web_t *dff_web_new(dff_api_t *api, dff_err_t *err);
void dff_web_free(dff_web_t *web);

/* The row of dff_api_listeners. */
void dff_web_accept(dff_api_t *api, int fd);
void dff_web_leave(dff_api_t *api);
bool dff_web_busy(const dff_api_t *api);

/* --- between the connection and the call ----------------------------------------------------- */

/* The head is there: finds the endpoint. The errors of it are answered by
 * dff_web_call_run(). */
void dff_web_call_begin(dff_web_call_t *call, const dff_scgi_t *scgi);
/* Most bytes of body that the call takes. */
uint64_t dff_web_call_body_max(const dff_web_call_t *call);
/* The body is there: checks and handles. The answer comes with dff_web_conn_answer(), at
 * once or later. */
void dff_web_call_run(dff_web_call_t *call, dff_str_t body);
/* The same for an endpoint with a sink, in pieces: begin checks, end handles. */
int dff_web_call_sink_begin(dff_web_call_t *call, dff_err_t *err);
void dff_web_call_sink_end(dff_web_call_t *call);
/* Answers an error that came before (a body that is too large). */
void dff_web_call_fail(dff_web_call_t *call, const dff_err_t *err);
void dff_web_call_release(dff_web_call_t *call);

/* Sends what is in out, then the file of the call's answer, then closes. */
void dff_web_conn_answer(dff_web_conn_t *conn, dff_buf_t *out);

#endif
