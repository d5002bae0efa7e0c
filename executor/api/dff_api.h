/*
 * An api process of dff-executor: answers the management API (SCGI, from nginx) and what
 * scripts ask of STORE, CACHE, ENV, SRC and FUNC (services socket, from workers), and
 * does periodic work on MySQL. It holds the database's credentials so that no worker
 * does; it has no Python. A small pool of them serves a node.
 *
 * The master starts it as `dff-executor --api --config FILE` with the descriptors of
 * dff_api_fd.h. It reads the configuration itself, opens the log, becomes _API_USER,
 * and keeps both for its life: a reload of the master replaces the process.
 *
 * dff_api_t is the context of the process. One libevent loop, no threads. A handler runs
 * to its end: it may wait for MySQL (api->db) and Redis (api->rcmd), which are connected
 * when first used and fail soon when they are away, never hang; everything that waits for
 * others (a client that sends slowly, a function that runs) goes through the loop.
 *
 * To add a socket's protocol: a row in dff_api_listeners (dff_api.c). To add periodic
 * work: a row in dff_api_tasks. To run a function and wait for it: dff_replies.h.
 */
#ifndef DFF_API_H
#define DFF_API_H

#include <stdbool.h>

#include <event2/event.h>

#include "dff_config.h"
#include "dff_id.h"
#include "dff_log.h"
#include "dff_node.h"

#include "redis/dff_redis_link.h"
#include "store/dff_db.h"
#include "store/dff_rcmd.h"

typedef struct dff_api_s dff_api_t;

typedef struct {            /* dff_repair.h */
    int     retry_ms;       /* after a failure; 0: none */
    int64_t next_ms;        /* monotonic: not before */
} dff_repair_t;

struct dff_api_s {
    struct event_base    *base;
    dff_config_t         *cfg;         /* the same for the life of the process */
    dff_log_t             log;
    dff_id_source_t       ids;
    char                  node[DFF_NODE_NAME_MAX + 1];

    dff_db_t             *db;          /* MySQL; blocks, up to DFF_API_DB_TIMEOUT_S a wait */
    dff_rcmd_t           *rcmd;        /* Redis; blocks, up to DFF_API_RCMD_TIMEOUT_MS */

    dff_redis_t          *redis;       /* Redis on the loop */
    dff_redis_link_t     *command;     /* commands that do not block */
    struct dff_replies_s *replies;     /* jobs pushed, and who waits for them */
    struct dff_web_s     *web;         /* the management API */
    struct dff_records_s *records;     /* of tasks, from Redis into MySQL */
    struct dff_services_s *services;   /* connections of workers */
    struct dff_restore_s *restore;     /* of Redis, from MySQL */
    struct dff_auto_backup_s *backup;  /* of the database, by itself */
    dff_repair_t          repair;      /* of single changes that Redis was not told */

    bool                  was_root;    /* when it started */
    bool                  leaving;     /* no new connections; what was asked is answered */
    int64_t               give_up_ms;  /* monotonic: leaving ends then in any case */
    int                   exit_status;
    struct event         *control;
    struct event         *term, *intr;
    struct event         *listeners[4];
    struct event         *tasks[8];
};

#define DFF_API_DB_CONNECT_S      2
#define DFF_API_DB_TIMEOUT_S      10
#define DFF_API_RCMD_TIMEOUT_MS   2000
#define DFF_API_RETRY_MS          1000   /* after a connection that failed: errors at once */
#define DFF_API_LEAVING_MS        25000  /* less than the master's DFF_API_LEAVE_MS */

/* `dff-executor --api`. config_path NULL: defaults and environment. */
int dff_api_main(const char *config_path);

/* Ends the process when everything that was asked has been answered. */
void dff_api_leave(dff_api_t *api);

/* One protocol: a row for each listening socket. */
typedef struct {
    int    fd;                                /* DFF_API_FD_… */
    void (*accept)(dff_api_t *api, int fd);   /* takes fd, which does not block */
    void (*leave)(dff_api_t *api);            /* read no more requests; NULL: nothing to do */
    bool (*busy)(const dff_api_t *api);       /* leaving: connections are still open */
} dff_api_listener_t;

/* Periodic work: run() is called every every_ms, not exactly, in each api process (a job
 * that only one process of the cluster may do needs a lock in Redis), also while Redis or
 * MySQL is away. */
typedef struct {
    const char *name;
    int         every_ms;
    void      (*run)(dff_api_t *api);
} dff_api_task_t;

#endif
