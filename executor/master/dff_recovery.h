/*
 * Recovery: jobs of a life that has ended go back to their queues (claimed) or
 * are answered as lost (started), unless they may be started again. It is used
 * for what this node's last life left, and by dff_node_watch for dead nodes.
 *
 * Every step is one Lua script that only one master can win, so two masters may
 * recover the same node at the same time. Runs in the master.
 */
#ifndef DFF_RECOVERY_H
#define DFF_RECOVERY_H

#include "dff_envelope.h"

#include "master/dff_master.h"

#define DFF_BAD_KEEP      "100"       /* entries of dff:bad */
#define DFF_RETRY_MAX     "3"         /* starts of a retryOnLost job in total */
#define DFF_RETRY_TTL_S   "86400"     /* of attempts:<id>; longer than any job lives */

typedef struct dff_recovery_s dff_recovery_t;

/* A round has ended. whole: it has done all; else Redis went away, or refused. */
typedef void (*dff_recovery_done_fn)(void *ctx, bool whole);

dff_recovery_t *dff_recovery_new(dff_master_t *master);
void dff_recovery_free(dff_recovery_t *recovery);

/* This node's last life, when Redis is there (again); ends in dff_master_recovered.
 * Refuses, by dff_master_fail, when another process lives under our name. */
void dff_recovery_own(dff_recovery_t *recovery);
/* Every second. */
void dff_recovery_tick(dff_recovery_t *recovery);
/* One round for a dead node; done runs at its end, whatever it was. forget: takes it off
 * dff:nodes when nothing is left. */
void dff_recovery_node(dff_recovery_t *recovery, dff_str_t node, bool forget,
    dff_recovery_done_fn done, void *ctx);

/* Gives all of claimed:<our node> back; done may be NULL. */
void dff_recovery_give_back_own(dff_recovery_t *recovery, dff_recovery_done_fn done, void *ctx);
/* One claimed job of ours that this process gives up, or does not know; job NULL: it is
 * unreadable. DFF_ERROR: Redis is away. Without an answer it is found again by the sweep. */
int dff_recovery_give_back_one(dff_master_t *master, const dff_job_t *job, dff_str_t envelope);
/* A started job of node (empty: ours) that has no worker: queued again or answered. */
void dff_recovery_end_started(dff_master_t *master, dff_str_t node, dff_str_t id,
    dff_str_t envelope, const char *why);

/* The RETRY script; replies are in dff_lua.h. */
int dff_recovery_retry(dff_master_t *master, dff_str_t node, const dff_job_t *job,
    dff_str_t envelope, dff_lua_form_t form, redisCallbackFn *fn, void *data);

#endif
