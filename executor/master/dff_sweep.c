/* Finds jobs that are ours in Redis but unknown here. Runs in the master. */
#include "dff_sweep.h"

#include <stdlib.h>
#include <string.h>

#include "dff_envelope.h"
#include "dff_time.h"

#include "master/dff_life.h"
#include "master/dff_outbox.h"
#include "master/dff_recovery.h"
#include "master/dff_runs.h"

#include "dff_banned.h"

#define DFF_SWEEP_EVERY_MS   30000
#define DFF_SWEEP_SECOND_MS   2000      /* between the two looks */
#define DFF_SWEEP_SOON_MS     1000
#define DFF_SWEEP_MAX          256      /* unknown jobs remembered from the first look */

typedef enum { DFF_SWEEP_CLAIMED, DFF_SWEEP_STARTED, DFF_SWEEP_LISTS } dff_sweep_list_t;

typedef struct {
    uint64_t hashes[DFF_SWEEP_MAX];
    int      count;
} dff_sweep_seen_t;

struct dff_sweep_s {
    dff_master_t     *master;
    int64_t           next_ms;          /* monotonic */
    bool              second;           /* the next look is the second one */
    bool              once_more;        /* asked for in the middle of the two */
    int               asking;           /* commands on their way */
    dff_sweep_seen_t  seen[DFF_SWEEP_LISTS];
};

dff_sweep_t *
dff_sweep_new(dff_master_t *master)
{
    dff_sweep_t *sweep = calloc(1, sizeof(*sweep));

    if (sweep == NULL)
        return NULL;
    sweep->master = master;
    sweep->next_ms = dff_time_monotonic_ms() + DFF_SWEEP_EVERY_MS;
    return sweep;
}

void
dff_sweep_free(dff_sweep_t *sweep)
{
    free(sweep);
}

static uint64_t
dff_sweep_hash(dff_str_t bytes)
{
    uint64_t hash = 14695981039346656037ull;
    size_t   i;

    for (i = 0; i < bytes.len; i++)
        hash = (hash ^ (unsigned char) bytes.data[i]) * 1099511628211ull;
    return hash;
}

/* True when it was unknown at the first look, too; remembers it at the first. */
static bool
dff_sweep_twice(dff_sweep_t *sweep, dff_sweep_list_t list, dff_str_t bytes)
{
    dff_sweep_seen_t *seen = &sweep->seen[list];
    uint64_t          hash = dff_sweep_hash(bytes);
    int               i;

    if (!sweep->second) {
        if (seen->count < DFF_SWEEP_MAX)
            seen->hashes[seen->count++] = hash;
        return false;
    }
    for (i = 0; i < seen->count; i++) {
        if (seen->hashes[i] == hash)
            return true;
    }
    return false;
}

static bool
dff_sweep_unknown(const dff_sweep_t *sweep, dff_str_t task_id)
{
    return !dff_runs_known(sweep->master, task_id)
           && !dff_outbox_has(sweep->master->outbox, task_id);
}

/* --- claimed -------------------------------------------------------------- */

static void
dff_sweep_claimed(dff_sweep_t *sweep, const redisReply *reply)
{
    dff_job_t job;
    bool      readable;
    size_t    i;
    int       found = 0;

    for (i = 0; i < reply->elements; i++) {
        dff_str_t envelope = { reply->element[i]->str, (size_t) reply->element[i]->len };

        readable = dff_job_decode(envelope, &job, NULL) == DFF_OK;
        if (readable && !dff_sweep_unknown(sweep, job.id))
            continue;
        if (!dff_sweep_twice(sweep, DFF_SWEEP_CLAIMED, envelope))
            continue;
        if (readable && dff_life_answers(sweep->master, &job, envelope))
            continue;
        (void) dff_recovery_give_back_one(sweep->master, readable ? &job : NULL, envelope);
        found++;
    }
    if (found > 0)
        dff_log_warn(&sweep->master->log, NULL, "%d claimed jobs whose claim was never answered "
                     "are back in their queues", found);
}

/* --- started -------------------------------------------------------------- */

static void
dff_sweep_on_envelope(redisAsyncContext *ac, void *reply_ptr, void *data)
{
    dff_sweep_t *sweep = data;
    redisReply  *reply = reply_ptr;
    dff_str_t    envelope;
    dff_job_t    job;

    (void) ac;
    if (reply == NULL || reply->type != REDIS_REPLY_STRING)
        return;
    envelope = (dff_str_t) { reply->str, (size_t) reply->len };
    if (dff_job_decode(envelope, &job, NULL) == DFF_OK && dff_sweep_unknown(sweep, job.id)
        && !dff_life_answers(sweep->master, &job, DFF_STR("")))
        dff_recovery_end_started(sweep->master, DFF_STR(""), job.id, envelope,
                                 "its result was lost in the executor");
}

static void
dff_sweep_started(dff_sweep_t *sweep, const redisReply *reply)
{
    dff_master_t *master = sweep->master;
    size_t        i;

    for (i = 0; i < reply->elements; i++) {
        dff_str_t   id = { reply->element[i]->str, (size_t) reply->element[i]->len };
        const char *argv[] = { "HGET", master->key_started, id.data };
        size_t      argvlen[] = { 4, master->key_started_len, id.len };

        if (dff_sweep_unknown(sweep, id) && dff_sweep_twice(sweep, DFF_SWEEP_STARTED, id))
            (void) dff_redis_link_command(master->command, dff_sweep_on_envelope, sweep, 3, argv,
                                          argvlen);
    }
}

/* --- looking -------------------------------------------------------------- */

static void
dff_sweep_answered(dff_sweep_t *sweep)
{
    bool again;

    if (--sweep->asking > 0)
        return;
    again = !sweep->second && (sweep->seen[DFF_SWEEP_CLAIMED].count > 0
                               || sweep->seen[DFF_SWEEP_STARTED].count > 0);
    sweep->second = again;
    sweep->next_ms = dff_time_monotonic_ms() + (again ? DFF_SWEEP_SECOND_MS
                                                : sweep->once_more ? DFF_SWEEP_SOON_MS
                                                : DFF_SWEEP_EVERY_MS);
    if (!again)
        sweep->once_more = false;
}

static void
dff_sweep_on_claimed(redisAsyncContext *ac, void *reply_ptr, void *data)
{
    dff_sweep_t *sweep = data;
    redisReply  *reply = reply_ptr;

    (void) ac;
    if (reply != NULL && reply->type == REDIS_REPLY_ARRAY
        && sweep->master->state == DFF_MASTER_SERVING)
        dff_sweep_claimed(sweep, reply);
    dff_sweep_answered(sweep);
}

static void
dff_sweep_on_started(redisAsyncContext *ac, void *reply_ptr, void *data)
{
    dff_sweep_t *sweep = data;
    redisReply  *reply = reply_ptr;

    (void) ac;
    if (reply != NULL && reply->type == REDIS_REPLY_ARRAY
        && sweep->master->state == DFF_MASTER_SERVING)
        dff_sweep_started(sweep, reply);
    dff_sweep_answered(sweep);
}

void
dff_sweep_tick(dff_sweep_t *sweep)
{
    dff_master_t *master = sweep->master;

    if (sweep->asking > 0 || master->state != DFF_MASTER_SERVING
        || dff_time_monotonic_ms() < sweep->next_ms || !dff_redis_link_ready(master->command))
        return;
    if (!sweep->second)
        memset(sweep->seen, 0, sizeof(sweep->seen));
    if (dff_redis_link_commandf(master->command, dff_sweep_on_claimed, sweep, "LRANGE %b 0 -1",
                                master->key_claimed, master->key_claimed_len) == DFF_OK)
        sweep->asking++;
    if (dff_redis_link_commandf(master->command, dff_sweep_on_started, sweep, "HKEYS %b",
                                master->key_started, master->key_started_len) == DFF_OK)
        sweep->asking++;
}

void
dff_sweep_soon(dff_sweep_t *sweep)
{
    int64_t soon_ms = dff_time_monotonic_ms() + DFF_SWEEP_SOON_MS;

    /* Only a first look takes in what has become nobody's just now. */
    if (sweep->asking > 0 || sweep->second)
        sweep->once_more = true;
    else if (sweep->next_ms > soon_ms)
        sweep->next_ms = soon_ms;
}
