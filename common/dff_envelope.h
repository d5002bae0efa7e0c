/*
 * The job envelope and the reply: what nginx, the masters and the workers hand
 * each other through Redis. The byte layout is described in docs/protocol.md.
 *
 *   job    DFF1 <head> <kwargs> <request>\n  then the three sections
 *   reply  DFR1 <head> <control> <body>\n    then the three sections
 *
 * <x> is the decimal length of a section. The head is a flat JSON object whose
 * strings need no escapes, so that a master reads it without allocating; the
 * other sections are passed on as bytes.
 *
 * Decoded strings point into the envelope: the caller keeps it alive.
 * Encoding measures first (dff_job_size) and writes into the caller's memory.
 * Decoding treats the bytes as a stranger's. Runs in every process.
 */
#ifndef DFF_ENVELOPE_H
#define DFF_ENVELOPE_H

#include <stdbool.h>
#include <stdint.h>

#include "dff_err.h"
#include "dff_str.h"

#define DFF_QUEUE_COUNT       10
#define DFF_TASK_ID_MAX       64
#define DFF_FUNC_ID_MAX      256
#define DFF_PRODUCER_MAX     128
#define DFF_TRACE_ID_MAX     128
#define DFF_CRONTAB_MAX      128
#define DFF_CHAIN_MAX       8192      /* bytes: some 100 functions with usual ids */
#define DFF_TIMEOUT_MAX_S  86400      /* of any job, whatever the configuration says */

typedef enum {            /* where the call came from: _DFF_ORIGIN */
    DFF_ORIGIN_AUTH_LINK, DFF_ORIGIN_BATCH, DFF_ORIGIN_CRONTAB, DFF_ORIGIN_DIRECT,
    DFF_ORIGIN_DEBUG, DFF_ORIGIN_API_AUTH, DFF_ORIGIN_INTEGRATION, DFF_ORIGIN_COUNT
} dff_origin_t;

typedef enum { DFF_EXEC_SYNC, DFF_EXEC_ASYNC, DFF_EXEC_CRONTAB, DFF_EXEC_COUNT } dff_exec_mode_t;

typedef enum {            /* how the worker turns the result into bytes */
    DFF_RETURN_RAW, DFF_RETURN_REPR, DFF_RETURN_JSON_DUMPS, DFF_RETURN_ALL, DFF_RETURN_COUNT
} dff_return_type_t;

typedef enum {
    DFF_JOB_CALL,         /* run func with kwargs */
    DFF_JOB_CHECK,        /* run the script text of kwargs.code, list its functions */
    DFF_JOB_FILE,         /* a piece of a file of this node's resource folder */
    DFF_JOB_DRAFT,        /* run func of the texts in kwargs.scripts, or only the body */
    DFF_JOB_SYSTEM,       /* a task of ours, named by func, with kwargs; no script */
    DFF_JOB_KIND_COUNT
} dff_job_kind_t;

/* The beginning of kwargs, when it also belongs into request and is left out there: the
 * arguments of a call are in its body, too, and would travel twice. Bytes. */
typedef struct {
    int64_t size;         /* 0: nothing is shared */
    int64_t at;           /* where it belongs in request */
} dff_job_shared_t;

typedef struct {
    dff_job_kind_t    kind;
    dff_str_t         id;              /* task-… */
    dff_str_t         func_id;         /* set__script.func; CHECK: set__script; DRAFT: either */
    dff_str_t         origin_id;       /* auln-…, or empty */
    dff_str_t         producer;        /* owner of reply:<producer>; empty: nobody waits */
    dff_str_t         trace_id;
    dff_str_t         root_task_id;    /* the task that began the chain; empty: this one */
    dff_str_t         chain;           /* functions that led here, oldest first: "a__b.f,a__b.g" */
    dff_str_t         crontab;         /* the crontab that triggered it, or empty */
    dff_str_t         node;            /* must run there: its files are; empty: anywhere */
    dff_origin_t      origin;
    dff_exec_mode_t   exec_mode;
    dff_return_type_t return_type;
    int               queue;           /* 0-9 */
    int               timeout_s;       /* soft limit, from the start of the function */
    int               max_memory_mb;   /* 0: none */
    int               script_version;  /* run this published version or a later one */
    int               crontab_delay_s; /* delayed_crontab: runs so long after the trigger */
    int64_t           queued_at_ms;    /* Unix time, the producer's clock */
    int64_t           triggered_at_ms; /* when it was due (crontab, eta); 0: as queued_at_ms */
    int64_t           expires_at_ms;   /* 0: never */
    int64_t           wait_until_ms;   /* caller stops waiting; 0: nobody waits */
    int64_t           cache_ms;        /* a success is cached so long; 0: it is not */
    dff_str_t         cache_as;        /* digest of its key: dff_key_cache_result() */
    bool              keep_result;     /* someone may ask func-result */
    bool              save_result;     /* also when Redis has forgotten it: it goes to MySQL */
    bool              retry_on_lost;

    dff_str_t         kwargs;          /* JSON object, exact text */
    dff_str_t         request;         /* JSON object for _DFF_HTTP_REQUEST, or empty; */
    dff_job_shared_t  shared;          /* … without this: dff_job_request_write() */
} dff_job_t;

/* Would dff_job_decode accept what is written of job? For producers that take
 * its fields from outside. */
int dff_job_check(const dff_job_t *job, dff_err_t *err);
size_t dff_job_size(const dff_job_t *job);
char *dff_job_write(char *out, const dff_job_t *job);     /* returns the end */
int dff_job_decode(dff_str_t envelope, dff_job_t *job, dff_err_t *err);
/* The whole request of a job that was decoded or checked: what is shared is in its place. */
size_t dff_job_request_size(const dff_job_t *job);
char *dff_job_request_write(char *out, const dff_job_t *job);    /* returns the end */

typedef enum {
    DFF_STATUS_QUEUED,    /* marker of a task whose result may be asked for */
    DFF_STATUS_SUCCESS,
    DFF_STATUS_FAILURE,   /* the function raised, or its result has no JSON */
    DFF_STATUS_TIMEOUT,   /* soft limit, or killed after it */
    DFF_STATUS_EXPIRED,   /* waited too long in the queue, never started */
    DFF_STATUS_LOST,      /* worker or node died with it */
    DFF_STATUS_COUNT
} dff_status_t;

/* As heads spell them: for tables of fields (dff_fields.h), and by the functions below. */
extern const char *const dff_statuses[DFF_STATUS_COUNT];
extern const char *const dff_origins[DFF_ORIGIN_COUNT];
extern const char *const dff_exec_modes[DFF_EXEC_COUNT];

/* "queued", "success", … as in heads and in func-result. */
const char *dff_status_name(dff_status_t status);
const char *dff_origin_name(dff_origin_t origin);
const char *dff_exec_mode_name(dff_exec_mode_t mode);
const char *dff_return_type_name(dff_return_type_t type);
/* -1 when text is none of the names. */
int dff_return_type_from(dff_str_t text);

typedef enum { DFF_BODY_JSON, DFF_BODY_TEXT, DFF_BODY_RAW, DFF_BODY_COUNT } dff_body_type_t;

typedef struct {
    dff_str_t       id;              /* the job's */
    dff_status_t    status;
    dff_body_type_t body_type;       /* JSON, text (a str), or as control says */
    int64_t         started_at_ms;   /* 0: never started */
    int64_t         ended_at_ms;
    dff_str_t       control;         /* JSON of DFF.RESP: status, headers, …; or empty */
    dff_str_t       body;            /* SUCCESS: the result.
                                        else JSON {"etype":…,"einfoTEXT":…} */
} dff_reply_t;

size_t dff_reply_size(const dff_reply_t *reply);
char *dff_reply_write(char *out, const dff_reply_t *reply);
int dff_reply_decode(dff_str_t envelope, dff_reply_t *reply, dff_err_t *err);

#endif
