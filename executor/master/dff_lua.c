/*
 * The texts of the Lua scripts and their sending. Redis 4.0: no shebangs, no
 * script flags, scripts are replicated as they are, so nothing random in them.
 * Runs in the master.
 */
#include "dff_lua.h"

#include <openssl/evp.h>
#include <stdio.h>

#include "dff_keys.h"
#include "dff_ledger.h"
#include "dff_record.h"

#include "master/dff_outbox.h"

#include "dff_banned.h"

/* A recovering master works on another node's keys only while that is dead. */
#define DFF_LUA_UNLESS_ALIVE(n)                                                       \
    "if KEYS[" #n "] and redis.call('EXISTS', KEYS[" #n "]) == 1 then return -1 end\n"

/* KEYS[2], KEYS[3] = reply, result; ARGV[2..4] = reply, push (1/0), ttl (0: not stored). */
#define DFF_LUA_ANSWER                                                                \
    "if ARGV[3] == '1' then\n"                                                        \
    "  redis.call('LPUSH', KEYS[2], ARGV[2])\n"                                       \
    "  redis.call('EXPIRE', KEYS[2], " DFF_REPLY_KEEP_S ")\n"                          \
    "end\n"                                                                           \
    "if ARGV[4] ~= '0' then redis.call('SET', KEYS[3], ARGV[2], 'EX', ARGV[4]) end\n" \
    DFF_LEDGER_END("ARGV[2]")                                                         \
    "return 1\n"

/* The record of a task, with its end; the oldest go when nobody takes them. */
#define DFF_LUA_RECORD(n)                                                             \
    "if ARGV[" #n "] then\n"                                                          \
    "  redis.call('LPUSH', '" DFF_KEY_RECORDS "', ARGV[" #n "])\n"                    \
    "  redis.call('LTRIM', '" DFF_KEY_RECORDS "', 0, "                                \
        DFF_STR_NUMBER(DFF_RECORDS_MAX) " - 1)\n"                                     \
    "end\n"

/* A node that never comes back leaves no queue behind; longer than any upload is kept. */
#define DFF_NODE_QUEUE_TTL_S  "2700000"

/* The end of a job's queue key: a digit, or "<digit>@<node>"; nil: it is no job. keep():
 * after a push to it. */
#define DFF_LUA_QUEUE_OF                                                              \
    "local function queue_of(job)\n"                                                  \
    "  local size, at = string.match(job, '^DFF1 (%d+) %d+ %d+\\n()')\n"             \
    "  if not size then return nil end\n"                                             \
    "  local ok, head = pcall(cjson.decode, string.sub(job, at, at + size - 1))\n"    \
    "  if not ok or type(head) ~= 'table' then return nil end\n"                      \
    "  local queue = string.match(tostring(head.queue), '^%d$')\n"                    \
    "  if queue and type(head.node) == 'string' then\n"                               \
    "    return queue .. '@' .. head.node\n"                                          \
    "  end\n"                                                                         \
    "  return queue\n"                                                                \
    "end\n"                                                                           \
    "local function keep(key, queue)\n"                                               \
    "  if string.find(queue, '@', 1, true) then\n"                                    \
    "    redis.call('EXPIRE', key, " DFF_NODE_QUEUE_TTL_S ")\n"                       \
    "  end\n"                                                                         \
    "end\n"

/* False when Redis refuses (somebody has made something else of the key): then what was taken
 * for it is put back, for nothing that a script has done is undone by an error. A script that
 * pushed first would be refused as a whole while Redis has no memory. */
#define DFF_LUA_PUSHED                                                                \
    "local refused\n"                                                                 \
    "local function pushed(command, key, job)\n"                                      \
    "  local done = redis.pcall(command, key, job)\n"                                 \
    "  if type(done) ~= 'table' or not done.err then return true end\n"               \
    "  refused = done\n"                                                              \
    "  return false\n"                                                                \
    "end\n"

static const char *const dff_lua_texts[] = {
    [DFF_LUA_START_AGAIN] =
        "if redis.call('HEXISTS', KEYS[2], ARGV[1]) == 1 then return 1 end\n"
        "if redis.call('LREM', KEYS[1], -1, ARGV[2]) == 0 then return 0 end\n"
        "redis.call('HSET', KEYS[2], ARGV[1], ARGV[3])\n"
        "return 1\n",

    [DFF_LUA_FINISH] =
        DFF_LUA_UNLESS_ALIVE(4)
        "if redis.call('HDEL', KEYS[1], ARGV[1]) == 0 then return 0 end\n"
        "if (ARGV[5] or '') ~= '' then redis.call('SET', ARGV[5], ARGV[2], 'PX', ARGV[6]) end\n"
        DFF_LUA_RECORD(7)
        DFF_LUA_ANSWER,

    [DFF_LUA_DROP] =
        "if redis.call('LREM', KEYS[1], -1, ARGV[1]) == 0 then return 0 end\n"
        DFF_LUA_RECORD(5)
        DFF_LUA_ANSWER,

    [DFF_LUA_BAD] =
        "if redis.call('LREM', KEYS[1], -1, ARGV[1]) == 0 then return 0 end\n"
        "redis.call('LPUSH', KEYS[2], ARGV[1])\n"
        "redis.call('LTRIM', KEYS[2], 0, tonumber(ARGV[2]) - 1)\n"
        DFF_LEDGER_BUMP("'bad'")
        "return 1\n",

    /* The counter has a time to live and needs no cleaning. */
    [DFF_LUA_RETRY] =
        DFF_LUA_UNLESS_ALIVE(4)
        "if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 then return 0 end\n"
        "local more = (redis.call('GET', KEYS[3]) or 0) + 1 < tonumber(ARGV[3])\n"
        "if more then redis.call('RPUSH', KEYS[2], ARGV[2]) end\n"
        "redis.call('INCR', KEYS[3])\n"
        "redis.call('EXPIRE', KEYS[3], ARGV[4])\n"
        "if not more then return 2 end\n"
        "redis.call('HDEL', KEYS[1], ARGV[1])\n"
        "return 1\n",

    /* The newest first, so that the oldest ends where the next is taken from. */
    [DFF_LUA_GIVE_BACK] =
        DFF_LUA_UNLESS_ALIVE(3)
        DFF_LUA_QUEUE_OF
        DFF_LUA_PUSHED
        "local moved = 0\n"
        "while moved < tonumber(ARGV[2]) do\n"
        "  local job = redis.call('LPOP', KEYS[1])\n"
        "  if not job then break end\n"
        "  local queue = queue_of(job)\n"
        "  if queue then\n"
        "    if not pushed('RPUSH', ARGV[1] .. queue, job) then\n"
        "      redis.call('LPUSH', KEYS[1], job)\n"
        "      return refused\n"
        "    end\n"
        "    keep(ARGV[1] .. queue, queue)\n"
        "  else\n"
        "    redis.call('LPUSH', KEYS[2], job)\n"
        "    redis.call('LTRIM', KEYS[2], 0, tonumber(ARGV[3]) - 1)\n"
        "    " DFF_LEDGER_BUMP("'bad'")
        "  end\n"
        "  moved = moved + 1\n"
        "end\n"
        "return moved\n",

    [DFF_LUA_GIVE_BACK_ONE] =
        DFF_LUA_PUSHED
        "if redis.call('LREM', KEYS[1], -1, ARGV[1]) == 0 then return 0 end\n"
        "if pushed('RPUSH', KEYS[2], ARGV[1]) then return 1 end\n"
        "redis.call('LPUSH', KEYS[1], ARGV[1])\n"
        "return refused\n",

    [DFF_LUA_FORGET_NODE] =
        DFF_LUA_UNLESS_ALIVE(4)
        "if redis.call('EXISTS', KEYS[2]) + redis.call('EXISTS', KEYS[3]) > 0 then\n"
        "  return 0\n"
        "end\n"
        "for queue = 0, 9 do\n"
        "  local key = '" DFF_KEY_PREFIX "queue:' .. queue .. '@' .. ARGV[1]\n"
        "  if redis.call('EXISTS', key) == 1 then return 0 end\n"
        "end\n"
        "redis.call('SREM', KEYS[1], ARGV[1])\n"
        "return 1\n",

    [DFF_LUA_DUE] =
        DFF_LUA_QUEUE_OF
        DFF_LUA_PUSHED
        "local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[2], 'LIMIT', 0, ARGV[3])\n"
        "for _, job in ipairs(due) do\n"
        "  local due_at = redis.call('ZSCORE', KEYS[1], job)\n"
        "  redis.call('ZREM', KEYS[1], job)\n"
        "  local queue = queue_of(job)\n"
        "  if not queue then\n"
        "    redis.call('LPUSH', KEYS[2], job)\n"
        "    redis.call('LTRIM', KEYS[2], 0, tonumber(ARGV[4]) - 1)\n"
        "    " DFF_LEDGER_BUMP("'bad'")
        "  elseif pushed('LPUSH', ARGV[1] .. queue, job) then\n"
        "    keep(ARGV[1] .. queue, queue)\n"
        "  else\n"
        "    redis.call('ZADD', KEYS[1], due_at, job)\n"
        "  end\n"
        "end\n"
        "return refused or #due\n",
};
_Static_assert(sizeof(dff_lua_texts) / sizeof(dff_lua_texts[0]) == DFF_LUA_COUNT,
               "a text for each script");

const char *
dff_lua_text(dff_lua_id_t id)
{
    return dff_lua_texts[id];
}

int
dff_lua_init(dff_lua_t *lua, dff_err_t *err)
{
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned      size, i;
    int           id;

    for (id = 0; id < DFF_LUA_COUNT; id++) {
        if (EVP_Digest(dff_lua_texts[id], strlen(dff_lua_texts[id]), sum, &size, EVP_sha1(), NULL)
            != 1 || size != 20)
            return dff_err_set(err, DFF_E_SYS, "SHA-1 is not available in this libcrypto");
        for (i = 0; i < size; i++)
            (void) snprintf(lua->sha[id] + 2 * i, 3, "%02x", sum[i]);
    }
    return DFF_OK;
}

void
dff_lua_load(dff_redis_link_t *link)
{
    const char *argv[3] = { "SCRIPT", "LOAD", NULL };
    int         id;

    /* No look at the answers: a script that is not there shows in its first
     * use, as NOSCRIPT. */
    for (id = 0; id < DFF_LUA_COUNT; id++) {
        argv[2] = dff_lua_texts[id];
        (void) dff_redis_link_command(link, NULL, NULL, 3, argv, NULL);
    }
}

void
dff_lua_begin(dff_lua_call_t *call)
{
    call->nkeys = 0;
    call->count = 3;      /* EVALSHA, sum, number of keys: filled by the run */
}

void
dff_lua_key(dff_lua_call_t *call, const char *key, size_t len)
{
    call->nkeys++;
    dff_lua_arg(call, key, len);
}

void
dff_lua_arg(dff_lua_call_t *call, const char *data, size_t len)
{
    call->argv[call->count] = data;
    call->argvlen[call->count] = len;
    call->count++;
}

int
dff_lua_run(const dff_lua_t *lua, dff_lua_id_t id, dff_lua_form_t form, dff_lua_call_t *call,
    dff_redis_link_t *link, redisCallbackFn *fn, void *data)
{
    char nkeys = (char) ('0' + call->nkeys);

    call->argv[0] = form == DFF_LUA_TEXT ? "EVAL" : "EVALSHA";
    call->argvlen[0] = form == DFF_LUA_TEXT ? 4 : 7;
    call->argv[1] = form == DFF_LUA_TEXT ? dff_lua_texts[id] : lua->sha[id];
    call->argvlen[1] = form == DFF_LUA_TEXT ? strlen(dff_lua_texts[id]) : 40;
    call->argv[2] = &nkeys;
    call->argvlen[2] = 1;
    return dff_redis_link_command(link, fn, data, call->count, call->argv, call->argvlen);
}

bool
dff_lua_unknown_script(const redisReply *reply)
{
    return reply != NULL && reply->type == REDIS_REPLY_ERROR
           && strncmp(reply->str, "NOSCRIPT", 8) == 0;
}
