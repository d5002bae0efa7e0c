/*
 * The Lua scripts by which a job moves in Redis: each step is one script, so
 * that it is done by exactly one master and either wholly or not at all.
 * docs/protocol.md tells the steps; the texts are in dff_lua.c.
 *
 * They are sent as EVALSHA. After NOSCRIPT (somebody ran SCRIPT FLUSH, or a
 * restarted Redis forgot them) the sender repeats the command with DFF_LUA_TEXT.
 * Runs in the master.
 */
#ifndef DFF_LUA_H
#define DFF_LUA_H

#include "redis/dff_redis_link.h"

typedef enum {
    DFF_LUA_START_AGAIN,  /* claimed started | id envelope entry -> 1, 0: given away */
    DFF_LUA_FINISH,       /* started reply result [node]
                             | id reply push ttl [cache-key ms [record]] -> 1, 0 refused */
    DFF_LUA_DROP,         /* claimed reply result | envelope reply push ttl [record] -> 1, 0 */
    DFF_LUA_BAD,          /* claimed bad | bytes keep -> 1, 0 */
    DFF_LUA_RETRY,        /* started queue attempts [node] | id envelope max ttl
                             -> 1, 0 refused, 2 tried often enough */
    DFF_LUA_GIVE_BACK,    /* claimed bad [node] | queue-prefix count keep -> jobs moved */
    DFF_LUA_GIVE_BACK_ONE,/* claimed queue | envelope -> 1, 0 */
    DFF_LUA_FORGET_NODE,  /* nodes claimed started [node] | name -> 1, 0 it has jobs */
    DFF_LUA_DUE,          /* delayed bad | queue-prefix now count keep -> jobs moved */
    DFF_LUA_COUNT
} dff_lua_id_t;
/* Where [node] is given and that heartbeat key exists the answer is -1: alive. */

typedef enum { DFF_LUA_BY_SHA, DFF_LUA_TEXT } dff_lua_form_t;

#define DFF_LUA_ARGS_MAX  11

/* Keys, then arguments; add one after the other, then call. */
typedef struct {
    int         nkeys, count;
    const char *argv[DFF_LUA_ARGS_MAX + 3];
    size_t      argvlen[DFF_LUA_ARGS_MAX + 3];
} dff_lua_call_t;

/* The SHA-1 sums of the texts; once in a process. */
typedef struct {
    char sha[DFF_LUA_COUNT][41];
} dff_lua_t;

int dff_lua_init(dff_lua_t *lua, dff_err_t *err);
/* Loads all texts at a link that has just become ready. */
void dff_lua_load(dff_redis_link_t *link);

void dff_lua_begin(dff_lua_call_t *call);
void dff_lua_key(dff_lua_call_t *call, const char *key, size_t len);
void dff_lua_arg(dff_lua_call_t *call, const char *data, size_t len);
/* Keys and arguments must live until it returns. DFF_ERROR: as dff_redis_link_command. */
int dff_lua_run(const dff_lua_t *lua, dff_lua_id_t id, dff_lua_form_t form, dff_lua_call_t *call,
    dff_redis_link_t *link, redisCallbackFn *fn, void *data);

bool dff_lua_unknown_script(const redisReply *reply);

const char *dff_lua_text(dff_lua_id_t id);

#endif
