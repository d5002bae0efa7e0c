/*
 * Answers on their way to Redis: from the moment a job has its outcome until
 * Redis has acknowledged the finish, as a step of a turn (dff_turn.h) or as a script.
 * While Redis is away they are kept, bounded in bytes and time, and sent again when it
 * is back, always as a script, whose HDEL (LREM) makes sending twice harmless. Runs in the master.
 */
#ifndef DFF_OUTBOX_H
#define DFF_OUTBOX_H

#include "dff_envelope.h"

#include "master/dff_master.h"

#define DFF_OUTBOX_MAX_BYTES  (64u << 20)       /* waiting for Redis */
#define DFF_OUTBOX_MAX_MS     (3600 * 1000)
#define DFF_REPLY_KEEP_S      "60"              /* reply:<producer> without a reader */
#define DFF_REPLY_PUBLISH_MAX 16384             /* bytes; a larger reply is pushed, since Redis
                                                   ends a subscriber that lags by 8 MB */
#define DFF_CACHE_MAX_BYTES   (32u << 20)       /* a larger reply is not cached */
#define DFF_CACHE_FILE_MAX_MS 3000000           /* .downloads are removed after 3600 s */

typedef struct dff_outbox_s dff_outbox_t;

typedef enum {
    DFF_ANSWER_FINISH,      /* of a started job: HDEL started */
    DFF_ANSWER_DROP         /* of one that never starts: LREM claimed */
} dff_answer_kind_t;

/* One block; the parts of data follow one another in this order. */
typedef struct dff_answer_s {
    TAILQ_ENTRY(dff_answer_s) line;
    struct dff_answer_s      *next;         /* in dff_recent's hash chain */
    dff_master_t             *master;
    dff_answer_kind_t         kind;
    dff_status_t              status;
    bool                      push;         /* somebody waits */
    bool                      in_flight, resent;
    bool                      told;         /* that Redis has refused it is in the log */
    bool                      careful;      /* asks whether the job is still ours: dff_fence.h */
    bool                      unheard;      /* done, but nobody listened: it is pushed now */
    bool                      forgotten;    /* Redis does not know of its job: dff_life.h */
    bool                      again;        /* it was given in a former life of Redis */
    unsigned                  life;         /* in which its job was started; 0: not by us */
    int                       ttl_s;        /* result:<id>; 0: not stored */
    int64_t                   at_ms;        /* monotonic: made; acknowledged */
    int64_t                   cache_ms;     /* for cache_key */
    dff_str_t                 id, producer, node, cache_key, reply, envelope, record;
    char                      data[];
} dff_answer_t;

typedef struct {
    dff_answer_kind_t  kind;
    dff_status_t       status;
    bool               careful;     /* as the run was */
    bool               again;       /* see above */
    unsigned           life;        /* of the run */
    const dff_job_t   *job;
    dff_str_t          node;        /* whose job: empty = ours, else a dead node's */
    dff_str_t          reply;       /* bytes of a reply envelope */
    dff_str_t          envelope;    /* DROP */
    dff_str_t          log;         /* what the function wrote, for its record */
} dff_answer_conf_t;

/* From its step of a turn: all was done; or all, but nobody listened to the reply. */
void dff_answer_finished(dff_answer_t *answer);
void dff_answer_unheard(dff_answer_t *answer);
/* From its script, 1 or 0 (refused); from either, an error, or NULL: nobody knows. */
void dff_answer_on_reply(dff_answer_t *answer, const redisReply *reply);

dff_outbox_t *dff_outbox_new(dff_master_t *master);
void dff_outbox_free(dff_outbox_t *outbox);
/* Copies everything and sends. Counts the status. */
void dff_outbox_add(dff_outbox_t *outbox, const dff_answer_conf_t *conf);
/* The answer of a job that has no worker's reply: {"etype","einfoTEXT"} as body. */
void dff_outbox_add_failure(dff_outbox_t *outbox, const dff_answer_conf_t *conf,
    int64_t started_at_ms, const char *etype, const char *einfo);
/* Redis is back, or a second has passed: sends what is not in flight. */
void dff_outbox_send_again(dff_outbox_t *outbox);
/* The connection for commands has ended. */
void dff_outbox_all_careful(dff_outbox_t *outbox);
bool dff_outbox_empty(const dff_outbox_t *outbox);
bool dff_outbox_has(const dff_outbox_t *outbox, dff_str_t task_id);
size_t dff_outbox_count(const dff_outbox_t *outbox);

#endif
