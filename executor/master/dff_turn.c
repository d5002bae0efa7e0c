/* The steps of a turn as one script. Runs in the master. */
#include "dff_turn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "master/dff_run.h"

#include "dff_banned.h"

#define DFF_TURN_STEPS_MAX   64       /* Redis serves nobody else while a script runs */
#define DFF_TURN_ARGV_FIXED   7       /* EVALSHA, sum, 2, two keys, two arguments */
#define DFF_TURN_ARGV_STEP    4

typedef struct {
    dff_run_t    *run;                /* a start, or NULL */
    dff_answer_t *answer;             /* a finish, or NULL */
} dff_turn_step_t;

/* What one script carries, until it is answered. */
typedef struct dff_turn_script_s {
    LIST_ENTRY(dff_turn_script_s) all;
    dff_master_t    *master;
    int              count;
    dff_turn_step_t  steps[DFF_TURN_STEPS_MAX];
} dff_turn_script_t;

struct dff_turn_s {
    dff_master_t      *master;
    dff_turn_script_t *open;          /* gathers; NULL: nothing yet in this turn */
    dff_turn_script_t *spare;         /* the last one that was answered */
    LIST_HEAD(, dff_turn_script_s) scripts;
};

static void dff_turn_send(dff_turn_script_t *script, dff_lua_form_t form);

dff_turn_t *
dff_turn_new(dff_master_t *master)
{
    dff_turn_t *turn = calloc(1, sizeof(*turn));

    if (turn == NULL)
        return NULL;
    turn->master = master;
    LIST_INIT(&turn->scripts);
    return turn;
}

void
dff_turn_free(dff_turn_t *turn)
{
    dff_turn_script_t *script;

    if (turn == NULL)
        return;
    while ((script = LIST_FIRST(&turn->scripts)) != NULL) {
        LIST_REMOVE(script, all);
        free(script);
    }
    free(turn->spare);
    free(turn);
}

/* --- gathering ------------------------------------------------------------ */

static dff_turn_script_t *
dff_turn_script_new(dff_turn_t *turn)
{
    dff_turn_script_t *script = turn->spare;

    turn->spare = NULL;
    if (script == NULL)
        script = malloc(sizeof(*script));
    if (script == NULL)
        return NULL;
    script->master = turn->master;
    script->count = 0;
    LIST_INSERT_HEAD(&turn->scripts, script, all);
    return script;
}

static void
dff_turn_script_free(dff_turn_script_t *script)
{
    dff_turn_t *turn = script->master->turn;

    LIST_REMOVE(script, all);
    if (turn->spare == NULL)
        turn->spare = script;
    else
        free(script);
}

static int
dff_turn_add(dff_turn_t *turn, dff_turn_step_t step)
{
    if (!dff_redis_link_ready(turn->master->command))
        return DFF_ERROR;
    if (turn->open == NULL)
        turn->open = dff_turn_script_new(turn);
    if (turn->open == NULL)
        return DFF_ERROR;
    turn->open->steps[turn->open->count++] = step;
    if (turn->open->count == DFF_TURN_STEPS_MAX)
        dff_turn_settle(turn);
    return DFF_OK;
}

int
dff_turn_start(dff_turn_t *turn, dff_run_t *run)
{
    return dff_turn_add(turn, (dff_turn_step_t) { .run = run });
}

int
dff_turn_finish(dff_turn_t *turn, dff_answer_t *answer)
{
    return dff_turn_add(turn, (dff_turn_step_t) { .answer = answer });
}

void
dff_turn_settle(dff_turn_t *turn)
{
    dff_turn_script_t *script = turn->open;

    turn->open = NULL;
    if (script != NULL)
        dff_turn_send(script, DFF_LUA_BY_SHA);
}

/* --- sending -------------------------------------------------------------- */

static void
dff_turn_answer(dff_turn_script_t *script, const redisReply *reply)
{
    int i;

    for (i = 0; i < script->count; i++) {
        dff_turn_step_t  *step = &script->steps[i];
        const redisReply *own = reply;

        if (reply != NULL && reply->type == REDIS_REPLY_ARRAY)
            own = (size_t) i < reply->elements ? reply->element[i] : NULL;
        if (step->run != NULL)
            dff_run_on_start(step->run, own);
        else
            dff_answer_on_reply(step->answer, own);
    }
    dff_turn_script_free(script);
}

static void
dff_turn_on_reply(redisAsyncContext *ac, void *reply, void *data)
{
    (void) ac;
    if (dff_lua_unknown_script(reply))
        dff_turn_send(data, DFF_LUA_TEXT);
    else
        dff_turn_answer(data, reply);
}

static void
dff_turn_send(dff_turn_script_t *script, dff_lua_form_t form)
{
    dff_master_t *master = script->master;
    const char   *argv[DFF_TURN_ARGV_FIXED + DFF_TURN_STEPS_MAX * DFF_TURN_ARGV_STEP];
    size_t        argvlen[DFF_TURN_ARGV_FIXED + DFF_TURN_STEPS_MAX * DFF_TURN_ARGV_STEP];
    dff_key_t     replies[DFF_TURN_STEPS_MAX];
    int           argc = 3, i;

#define PUT(text, len)  (argv[argc] = (text), argvlen[argc++] = (len))

    PUT(master->key_claimed, master->key_claimed_len);
    PUT(master->key_started, master->key_started_len);
    PUT(DFF_REPLY_KEEP_S, sizeof(DFF_REPLY_KEEP_S) - 1);
    PUT(DFF_REPLY_PUBLISH_MAX, sizeof(DFF_REPLY_PUBLISH_MAX) - 1);
    for (i = 0; i < script->count; i++) {
        const dff_run_t    *run = script->steps[i].run;
        const dff_answer_t *answer = script->steps[i].answer;

        if (run != NULL) {
            PUT("s", 1);
            PUT(run->job.id.data, run->job.id.len);
            PUT(run->envelope, run->size);
            continue;
        }
        PUT("f", 1);
        PUT(answer->id.data, answer->id.len);
        PUT(replies[i], dff_key_reply(replies[i], answer->producer));
        PUT(answer->reply.data, answer->reply.len);
    }

#undef PUT

    if (dff_lua_run_argv(&master->lua, DFF_LUA_TURN, form, 2, argc, argv, argvlen,
                         master->command, dff_turn_on_reply, script) != DFF_OK)
        dff_turn_answer(script, NULL);
}
