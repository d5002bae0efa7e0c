/* The steps of a turn as one transaction. Runs in the master. */
#include "dff_turn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dff_record.h"

#include "master/dff_run.h"
#include "master/dff_started.h"

#include "dff_banned.h"

#define DFF_TURN_STEPS_MAX   64       /* Redis serves nobody else meanwhile */
#define DFF_TURN_WORDS_MAX   (DFF_TURN_STEPS_MAX + 2)
#define DFF_TURN_SPARES      4        /* as many are under way at a time under load */

_Static_assert(DFF_RECORDS_LAST == DFF_RECORDS_MAX - 1, "as LTRIM counts");

typedef struct {
    dff_run_t    *run;                /* a start, or NULL */
    dff_answer_t *answer;             /* a finish, or NULL */
    int           first, count;       /* its answers in that of EXEC */
    int           published;          /* which of them tells the listeners; -1: none */
} dff_turn_step_t;

/* What goes between one MULTI and its EXEC, until that is answered. */
typedef struct dff_transaction_s {
    LIST_ENTRY(dff_transaction_s) all;
    dff_master_t    *master;
    int              count;
    int              commands;        /* queued so far: the place of the next answer */
    bool             unsent;          /* the connection broke while it was written */
    char             error[128];      /* why Redis would not queue one; "": it did */
    dff_turn_step_t  steps[DFF_TURN_STEPS_MAX];
} dff_transaction_t;

struct dff_turn_s {
    dff_master_t      *master;
    dff_transaction_t *open;          /* gathers; NULL: nothing yet in this turn */
    dff_transaction_t *spares[DFF_TURN_SPARES];     /* the last ones that were answered */
    int                nspares;
    dff_buf_t          entry;         /* of started:<node>, while it is written */
    LIST_HEAD(, dff_transaction_s) sent;
};

dff_turn_t *
dff_turn_new(dff_master_t *master)
{
    dff_turn_t *turn = calloc(1, sizeof(*turn));

    if (turn == NULL)
        return NULL;
    turn->master = master;
    LIST_INIT(&turn->sent);
    return turn;
}

void
dff_turn_free(dff_turn_t *turn)
{
    dff_transaction_t *it;

    if (turn == NULL)
        return;
    while ((it = LIST_FIRST(&turn->sent)) != NULL) {
        LIST_REMOVE(it, all);
        free(it);
    }
    while (turn->nspares > 0)
        free(turn->spares[--turn->nspares]);
    dff_buf_release(&turn->entry);
    free(turn);
}

/* --- gathering ------------------------------------------------------------ */

static dff_transaction_t *
dff_transaction_new(dff_turn_t *turn)
{
    dff_transaction_t *it = turn->nspares > 0 ? turn->spares[--turn->nspares]
                                              : malloc(sizeof(*it));

    if (it == NULL)
        return NULL;
    it->master = turn->master;
    it->count = it->commands = 0;
    it->unsent = false;
    it->error[0] = '\0';
    LIST_INSERT_HEAD(&turn->sent, it, all);
    return it;
}

static void
dff_transaction_free(dff_transaction_t *it)
{
    dff_turn_t *turn = it->master->turn;

    LIST_REMOVE(it, all);
    if (turn->nspares < DFF_TURN_SPARES)
        turn->spares[turn->nspares++] = it;
    else
        free(it);
}

static int
dff_turn_add(dff_turn_t *turn, dff_run_t *run, dff_answer_t *answer)
{
    if (!dff_redis_link_ready(turn->master->command))
        return DFF_ERROR;
    if (turn->open == NULL)
        turn->open = dff_transaction_new(turn);
    if (turn->open == NULL)
        return DFF_ERROR;
    turn->open->steps[turn->open->count++] = (dff_turn_step_t) { .run = run, .answer = answer };
    return DFF_OK;
}

/* Sent before the step that no longer fits, never while its owner adds one. */
static void
dff_turn_make_room(dff_turn_t *turn)
{
    if (turn->open != NULL && turn->open->count == DFF_TURN_STEPS_MAX)
        dff_turn_settle(turn);
}

int
dff_turn_start(dff_turn_t *turn, dff_run_t *run)
{
    dff_turn_make_room(turn);
    return dff_turn_add(turn, run, NULL);
}

int
dff_turn_finish(dff_turn_t *turn, dff_answer_t *answer)
{
    dff_turn_make_room(turn);
    return dff_turn_add(turn, NULL, answer);
}

/* --- the outcome ---------------------------------------------------------- */

/* The first error among the answers to a step's commands, or NULL. */
static const redisReply *
dff_turn_step_error(const dff_turn_step_t *step, const redisReply *exec)
{
    int i;

    for (i = step->first; i < step->first + step->count; i++) {
        if (exec->element[i]->type == REDIS_REPLY_ERROR)
            return exec->element[i];
    }
    return NULL;
}

/* One of the two steps of a start alone: the other is undone. */
static void
dff_turn_undo_start(const dff_run_t *run, bool claimed_no_more)
{
    dff_master_t *master = run->master;
    const char   *put[] = { "LPUSH", master->key_claimed, run->envelope };
    size_t        put_len[] = { 5, master->key_claimed_len, run->size };
    const char   *del[] = { "HDEL", master->key_started, run->job.id.data };
    size_t        del_len[] = { 4, master->key_started_len, run->job.id.len };

    if (claimed_no_more)
        (void) dff_redis_link_command(master->command, NULL, NULL, 3, put, put_len);
    else
        (void) dff_redis_link_command(master->command, NULL, NULL, 3, del, del_len);
}

static void
dff_turn_step_done(const dff_turn_step_t *step, const redisReply *exec)
{
    const redisReply *error = dff_turn_step_error(step, exec), *first;

    if (step->run == NULL) {
        if (error != NULL)
            dff_answer_on_reply(step->answer, error);
        else if (step->published >= 0 && exec->element[step->published]->integer == 0)
            dff_answer_unheard(step->answer);
        else
            dff_answer_finished(step->answer);
        return;
    }

    /* Somebody has taken it out of our list, or made something else of started:<node>. */
    first = exec->element[step->first];
    if (first->type == REDIS_REPLY_INTEGER && (error != NULL) == (first->integer == 1))
        dff_turn_undo_start(step->run, first->integer == 1);
    dff_run_on_start(step->run, error != NULL ? error : first);
}

/* Nothing was done (an error), or nobody knows (NULL). */
static void
dff_turn_step_failed(const dff_turn_step_t *step, const redisReply *reply)
{
    if (step->run != NULL)
        dff_run_on_start(step->run, reply);
    else
        dff_answer_on_reply(step->answer, reply);
}

static void
dff_transaction_end(dff_transaction_t *it, const redisReply *exec)
{
    redisReply refused = { .type = REDIS_REPLY_ERROR, .str = it->error };
    bool       done = exec != NULL && exec->type == REDIS_REPLY_ARRAY
                      && exec->elements == (size_t) it->commands;
    int        i;

    if (exec != NULL && !done && it->error[0] == '\0')
        (void) snprintf(it->error, sizeof(it->error), "%s",
                        exec->type == REDIS_REPLY_ERROR ? exec->str : "odd answer to EXEC");
    refused.len = strlen(it->error);
    for (i = 0; i < it->count; i++) {
        if (done)
            dff_turn_step_done(&it->steps[i], exec);
        else
            dff_turn_step_failed(&it->steps[i], exec == NULL ? NULL : &refused);
    }
    dff_transaction_free(it);
}

static void
dff_turn_on_exec(redisAsyncContext *ac, void *reply, void *data)
{
    (void) ac;
    dff_transaction_end(data, reply);
}

static void
dff_turn_on_queued(redisAsyncContext *ac, void *reply_ptr, void *data)
{
    dff_transaction_t *it = data;
    redisReply        *reply = reply_ptr;

    (void) ac;
    if (reply != NULL && reply->type == REDIS_REPLY_ERROR && it->error[0] == '\0')
        (void) snprintf(it->error, sizeof(it->error), "%s", reply->str);
}

/* --- sending -------------------------------------------------------------- */

static void
dff_turn_put(dff_transaction_t *it, int argc, const char **argv, const size_t *argvlen)
{
    if (dff_redis_link_command(it->master->command, dff_turn_on_queued, it, argc, argv, argvlen)
        != DFF_OK)
        it->unsent = true;
    it->commands++;
}

#define PUT(it, ...)                                                                       \
    do {                                                                                   \
        const dff_str_t words_[] = { __VA_ARGS__ };                                        \
        dff_turn_put_words((it), (int) (sizeof(words_) / sizeof(words_[0])), words_);      \
    } while (0)

static void
dff_turn_put_words(dff_transaction_t *it, int count, const dff_str_t *words)
{
    const char *argv[6];
    size_t      argvlen[6];
    int         i;

    for (i = 0; i < count; i++) {
        argv[i] = words[i].data;
        argvlen[i] = words[i].len;
    }
    dff_turn_put(it, count, argv, argvlen);
}

static void
dff_turn_put_start(dff_transaction_t *it, dff_turn_step_t *step)
{
    dff_master_t *master = it->master;
    dff_run_t    *run = step->run;
    dff_str_t     envelope = { run->envelope, run->size };

    step->first = it->commands;
    PUT(it, DFF_STR("LREM"), { master->key_claimed, master->key_claimed_len }, DFF_STR("-1"),
        envelope);
    PUT(it, DFF_STR("HSET"), { master->key_started, master->key_started_len }, run->job.id,
        dff_started_entry(run, &master->turn->entry));
    step->count = it->commands - step->first;
}

/* A reply is published when its producer listens: that leaves nothing in the file of
 * Redis. Else, and when it is large, it is pushed to the producer's list. */
static void
dff_turn_put_reply(dff_transaction_t *it, dff_turn_step_t *step)
{
    dff_answer_t *answer = step->answer;
    dff_key_t     key;
    dff_str_t     name = { key, dff_key_reply(key, answer->producer) };

    if (!answer->unheard && answer->reply.len <= DFF_REPLY_PUBLISH_MAX) {
        step->published = it->commands;
        PUT(it, DFF_STR("PUBLISH"), name, answer->reply);
        return;
    }
    PUT(it, DFF_STR("LPUSH"), name, answer->reply);
    PUT(it, DFF_STR("EXPIRE"), name, DFF_STR(DFF_REPLY_KEEP_S));
}

static void
dff_turn_put_finish(dff_transaction_t *it, dff_turn_step_t *step)
{
    dff_answer_t *answer = step->answer;
    dff_key_t     key;
    char          number[24];

    step->first = it->commands;
    step->published = -1;
    if (answer->push)
        dff_turn_put_reply(it, step);
    if (!answer->unheard && answer->ttl_s != 0)
        PUT(it, DFF_STR("SET"), { key, dff_key_result(key, answer->id) }, answer->reply,
            DFF_STR("EX"),
            { number, (size_t) snprintf(number, sizeof(number), "%d", answer->ttl_s) });
    if (!answer->unheard && answer->cache_key.len > 0)
        PUT(it, DFF_STR("SET"), answer->cache_key, answer->reply, DFF_STR("PX"),
            { number, (size_t) snprintf(number, sizeof(number), "%lld",
                                        (long long) answer->cache_ms) });
    if (!answer->unheard && answer->record.len > 0)
        PUT(it, DFF_STR("LPUSH"), DFF_STR(DFF_KEY_RECORDS), answer->record);
    step->count = it->commands - step->first;
}

/* How many have ended how, for the ledger. */
static void
dff_turn_put_ledger(dff_transaction_t *it)
{
    int  ended[DFF_STATUS_COUNT] = { 0 }, i;
    char number[16];

    for (i = 0; i < it->count; i++) {
        const dff_answer_t *answer = it->steps[i].answer;

        if (answer != NULL && !answer->unheard && !answer->forgotten)
            ended[answer->status]++;
    }
    for (i = 0; i < DFF_STATUS_COUNT; i++) {
        if (ended[i] > 0)
            PUT(it, DFF_STR("HINCRBY"), DFF_STR(DFF_KEY_LEDGER),
                dff_str_from(dff_status_name((dff_status_t) i)),
                { number, (size_t) snprintf(number, sizeof(number), "%d", ended[i]) });
    }
}

/* One HDEL for all that have ended, and one LTRIM for all records: the oldest go when nobody
 * takes them. */
static void
dff_turn_put_ends(dff_transaction_t *it)
{
    const char *argv[DFF_TURN_WORDS_MAX] = { "HDEL", it->master->key_started };
    size_t      argvlen[DFF_TURN_WORDS_MAX] = { 4, it->master->key_started_len };
    int         argc = 2, i;
    bool        recorded = false;

    for (i = 0; i < it->count; i++) {
        const dff_answer_t *answer = it->steps[i].answer;

        if (answer == NULL)
            continue;
        argv[argc] = answer->id.data;
        argvlen[argc++] = answer->id.len;
        recorded = recorded || answer->record.len > 0;
    }
    if (argc > 2)
        dff_turn_put(it, argc, argv, argvlen);
    dff_turn_put_ledger(it);
    if (recorded)
        PUT(it, DFF_STR("LTRIM"), DFF_STR(DFF_KEY_RECORDS), DFF_STR("0"),
            DFF_STR(DFF_STR_NUMBER(DFF_RECORDS_LAST)));
}

#undef PUT

static int
dff_turn_put_word(dff_transaction_t *it, redisCallbackFn *fn, const char *word)
{
    return dff_redis_link_command(it->master->command, fn, it, 1, &word, NULL);
}

void
dff_turn_settle(dff_turn_t *turn)
{
    dff_transaction_t *it = turn->open;
    int                i;

    if (it == NULL)
        return;
    turn->open = NULL;
    if (dff_turn_put_word(it, dff_turn_on_queued, "MULTI") != DFF_OK) {
        dff_transaction_end(it, NULL);
        return;
    }
    for (i = 0; i < it->count; i++) {
        if (it->steps[i].run != NULL)
            dff_turn_put_start(it, &it->steps[i]);
        else
            dff_turn_put_finish(it, &it->steps[i]);
    }
    dff_turn_put_ends(it);

    /* What is queued without its EXEC is discarded by the end of the connection. */
    if (it->unsent)
        dff_redis_link_drop(turn->master->command, "no memory for a command");
    if (dff_turn_put_word(it, dff_turn_on_exec, "EXEC") != DFF_OK)
        dff_transaction_end(it, NULL);
}
