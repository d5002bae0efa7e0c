/*
 * What the two files of dff_replies.h share: the waits (dff_wait.c) and the list that
 * replies come through (dff_replies.c). Nobody else includes it.
 */
#ifndef DFF_REPLIES_INTERNAL_H
#define DFF_REPLIES_INTERNAL_H

#include <sys/queue.h>

#include "dff_keys.h"

#include "api/dff_replies.h"

#define DFF_REPLIES_BUCKETS  256      /* a power of two */

struct dff_wait_s {
    LIST_ENTRY(dff_wait_s) line;
    dff_replies_t *replies;
    dff_reply_fn   fn;                  /* NULL: cancelled before the push was acknowledged */
    void          *ctx;
    struct event  *deadline;
    bool           keep_late;
    bool           pushing;             /* the answer to the push is to come */
    bool           unknown;             /* it never came */
    bool           withdrawing;         /* likewise for LREM: the queue was too long */
    bool           ended;               /* fn was called, or must not be */
    int            queue;
    char           task_id[DFF_TASK_ID_MAX + 1];
    size_t         size;
    char           envelope[];
};

LIST_HEAD(dff_waits_s, dff_wait_s);

struct dff_replies_s {
    dff_api_t         *api;
    dff_redis_link_t  *link;
    char               producer[DFF_ID_SIZE];
    dff_key_t          key;
    size_t             key_len;
    int                outstanding;
    int64_t            heard_ms;        /* monotonic */
    dff_redis_client_t client;          /* of a connection that Redis may still hold */
    bool               was_ready;
    bool               logged;          /* that Redis refuses */
    struct event      *reask;
    size_t             reask_round;
    size_t             count;           /* of waits that have not ended */
    struct dff_waits_s waits[DFF_REPLIES_BUCKETS];
};

/* The wait for a task that has not ended; NULL: none. */
dff_wait_t *dff_wait_find(dff_replies_t *replies, dff_str_t task_id);
/* Calls back, once; the wait is gone then. */
void dff_wait_end(dff_wait_t *wait, const dff_reply_t *reply, const dff_err_t *err);
/* At the end of the process: without calling back. */
void dff_wait_drop(dff_wait_t *wait);
/* A reply that nobody waits for any more (bytes, as it came), or the marker of a task that
 * may be asked for, which takes the place of nothing that is there. */
void dff_wait_store(dff_replies_t *replies, dff_str_t task_id, dff_str_t bytes, bool marker);

#endif
