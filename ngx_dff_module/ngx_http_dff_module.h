/*
 * What the files of the module share: the configuration, the context of an nginx
 * worker, and the context of a request. Each is described where it is used;
 * ngx_http_dff_module.c makes the first, ngx_http_dff_worker.c the second,
 * ngx_http_dff_endpoint.c the third.
 */
#ifndef NGX_HTTP_DFF_MODULE_H
#define NGX_HTTP_DFF_MODULE_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "dff_config.h"
#include "dff_envelope.h"
#include "dff_id.h"
#include "dff_keys.h"
#include "dff_log.h"
#include "dff_route.h"
#include "dff_time.h"

#include "ngx_http_dff_counters.h"
#include "ngx_http_dff_redis.h"
#include "ngx_http_dff_redis_former.h"

typedef struct ngx_http_dff_worker_s  ngx_http_dff_worker_t;
typedef struct ngx_http_dff_body_s    ngx_http_dff_body_t;
typedef struct ngx_http_dff_upload_s  ngx_http_dff_upload_t;
typedef struct ngx_http_dff_ctx_s     ngx_http_dff_ctx_t;
typedef struct ngx_http_dff_stat_s    ngx_http_dff_stat_t;
typedef struct ngx_http_dff_guesses_s ngx_http_dff_guesses_t;

/* http-level configuration; read-only after the start, shared by fork. */
typedef struct {
    ngx_str_t                   path;         /* dff_config; empty: not configured */
    ngx_str_t                   node;         /* this node's name, as the executor has it */
    dff_config_t                config;
    ngx_http_dff_redis_peer_t   redis;
    ngx_array_t                 cors_origins; /* ngx_http_dff_cors.c; none: no origin */
    ngx_flag_t                  cors_any;     /* reflect every origin */
    ngx_array_t                 proxies;      /* ngx_cidr_t: their forwarded-for counts */
    size_t                      cache_size;   /* dff_route_cache */
    ngx_shm_zone_t             *routes;
    ngx_shm_zone_t             *metrics;
    ngx_open_file_t            *log_file;
    ngx_http_dff_worker_t      *worker;       /* this process's; NULL in the master */
} ngx_http_dff_main_conf_t;

/* Of a location. */
typedef struct {
    ngx_uint_t                  answers;         /* dff */
    ngx_str_t                   saved_results;   /* a named location; empty: none */
} ngx_http_dff_loc_conf_t;

/* One in each nginx worker process, from init_process to exit_process. */
struct ngx_http_dff_worker_s {
    ngx_http_dff_main_conf_t   *mcf;
    ngx_log_t                  *log;
    dff_log_t                   line;         /* format of our log lines; no descriptor */
    dff_id_source_t             ids;
    ngx_http_dff_counters_t    *counters;     /* this worker's, in shared memory */
    ngx_str_t                   producer;     /* owner of reply:<producer> */

    ngx_http_dff_redis_t        commands;
    ngx_event_t                 ledger;       /* posted: pushes of this turn; timer */
    ngx_uint_t                  pushed;       /* how many */
    ngx_uint_t                  answered;     /* of those: since the reply to the last count */
    ngx_uint_t                  taken;        /* of the answered: Redis has the job */
    ngx_int_t                   owed;         /* to the ledger: taken, not counted */
    ngx_http_dff_redis_t        replies;
    ngx_http_dff_redis_former_t former;       /* of replies */
    ngx_http_dff_redis_t        changes;

    ngx_rbtree_t                calls;        /* ngx_http_dff_call_t by task id */
    ngx_rbtree_node_t           calls_sentinel;
    ngx_uint_t                  ncalls;

    ngx_rbtree_t                lookups;      /* route lookups under way, by link id */
    ngx_rbtree_node_t           lookups_sentinel;

    ngx_http_dff_stat_t        *stat;
    ngx_http_dff_guesses_t     *guesses;      /* of passwords */

    ngx_uint_t                  outstanding;  /* BRPOPs sent and not answered */
    ngx_str_t                   brpop;        /* the command in wire format */
    ngx_event_t                 reask;        /* timer: asks for replies that were lost */
    ngx_uint_t                  reask_round;
};

/* How a URL wants arguments and options to be read: spec of calls, "Parameters". */
typedef enum {
    NGX_HTTP_DFF_NORMAL,        /* kwargs and options, each an object */
    NGX_HTTP_DFF_FLATTENED,     /* kwargs_<name>, options_<name> */
    NGX_HTTP_DFF_SIMPLIFIED     /* every field is an argument */
} ngx_http_dff_format_e;

/* Options of a call: ngx_http_dff_options.h. */
typedef struct {
    int64_t            timeout_s;
    int64_t            api_timeout_s;
    dff_return_type_t  return_type;
    ngx_uint_t         unfold;
    ngx_uint_t         save_result;
    ngx_uint_t         never_expire;
    int64_t            eta_ms;         /* Unix time of the run; 0: as soon as possible */
    dff_exec_mode_t    exec_mode;      /* by the kind of link, never by choice */
} ngx_http_dff_options_t;

/* One per request that our handler took. Lives in the request's pool. */
/* What is known of a task whose API timeout is near: ngx_http_dff_late.h. */
typedef enum {
    NGX_HTTP_DFF_LATE_NOT_YET,  /* its timeout is not near */
    NGX_HTTP_DFF_LATE_ASKED,    /* Redis is asked */
    NGX_HTTP_DFF_LATE_DUE,      /* and the timeout has passed since */
    NGX_HTTP_DFF_LATE_QUEUED,   /* no worker has it */
    NGX_HTTP_DFF_LATE_UNKNOWN   /* a worker has it, or Redis said nothing */
} ngx_http_dff_late_e;

struct ngx_http_dff_ctx_s {
    ngx_http_request_t         *request;
    ngx_http_dff_worker_t      *worker;
    ngx_msec_t                  started;      /* ngx_current_msec */
    ngx_str_t                   trace_id;
    ngx_str_t                   task_id;      /* once there is one */
    ngx_str_t                   link_id;
    ngx_str_t                   url;          /* as sent, but for a field that was a credential */
    ngx_str_t                   body;         /* whole, when one was read; an upload: its fields,
                                                 as JSON */
    ngx_uint_t                  body_is_json; /* known to be; else nobody has looked */
    ngx_msec_t                  asked;        /* ngx_current_msec: the body was complete */
    ngx_str_t                  *clients;      /* ngx_http_dff_client_chain() */
    ngx_uint_t                  nclients;     /* 0: not found yet */
    ngx_array_t                *query;        /* of ngx_http_dff_field_t; NULL: not read yet */
    dff_route_kind_t            kind;
    ngx_http_dff_format_e       format;
    dff_route_t                 route;
    ngx_uint_t                  stage;        /* of a call: ngx_http_dff_stages.c */
    ngx_str_t                   kwargs;       /* text of a JSON object, merged and checked */
    ngx_str_t                   given;        /* the text that kwargs begins with, where the caller
                                                 sent it: in body, most often; empty: rewritten */
    ngx_http_dff_options_t      options;
    ngx_uint_t                  counted;      /* a call: its outcome goes to the metrics */
    ngx_uint_t                  answered;     /* the header was sent */
    dff_reason_t                reason;       /* of the answer; DFF_REASON_NONE: a success */
    ngx_uint_t                  passed_on;    /* it was with an api process */
    ngx_uint_t                  conditional;  /* If-None-Match and the like may be answered 304 */
    struct ngx_http_dff_body_s *reading;      /* the body */
    struct ngx_http_dff_upload_s *upload;     /* the body is one */
    void                       *relay;        /* the answer is a file of another node */
    const char                 *outcome;      /* of the answer: "OK", "cached", a reason */
    const char                 *outcome_sub;  /* what follows it after a dot; NULL: nothing */
    ngx_msec_t                  cost;         /* until the answer */
    ngx_msec_t                  pushed;       /* ngx_current_msec of the job's push */
    ngx_http_dff_late_e         late;
    ngx_str_t                   cache_as;     /* digest under which the result is cached */
    ngx_table_elt_t            *cached;       /* header of an answer that comes from there */
    struct ngx_http_dff_call_s *call;         /* while waiting for a reply */
    struct ngx_http_dff_auth_s *auth;         /* API auth of the link; NULL: it has none */
    ngx_table_elt_t            *credential;   /* header that is not for scripts */
};

extern ngx_module_t  ngx_http_dff_module;

/* Milliseconds since the request's header was read; a jump of the wall clock does
 * not change it. */
static ngx_inline ngx_msec_t
ngx_http_dff_elapsed(const ngx_http_dff_ctx_t *ctx)
{
    return ngx_current_msec - ctx->started;
}

/* The same since the caller has sent all of it: what its time limit counts from. */
static ngx_inline ngx_msec_t
ngx_http_dff_waited(const ngx_http_dff_ctx_t *ctx)
{
    return ngx_current_msec - ctx->asked;
}

static ngx_inline dff_str_t
ngx_http_dff_str(ngx_str_t s)
{
    return (dff_str_t) { (const char *) s.data, s.len };
}

static ngx_inline ngx_str_t
ngx_http_dff_ngx_str(dff_str_t s)
{
    return (ngx_str_t) { s.len, (u_char *) s.data };
}

#endif
