/*
 * The ledger of the cluster: how many jobs were accepted, and what became of them. At any
 * moment
 *
 *     accepted = finished (by outcome) + waiting + claimed + running
 *
 * Accepted and finished are counters in the hash dff:ledger, moved by the same script that
 * queues or ends a job; nginx counts the pushes of a turn with one command behind them, in
 * the same write. The rest is what the lists and hashes hold. Waiting are the queues, those
 * of the nodes in dff:nodes, and delayed jobs.
 *
 * Here are the words of the scripts, for all programs.
 */
#ifndef DFF_LEDGER_H
#define DFF_LEDGER_H

#include <stdint.h>

#include "dff_keys.h"

typedef enum {
    DFF_LEDGER_ACCEPTED,
    /* finished */
    DFF_LEDGER_SUCCESS,
    DFF_LEDGER_FAILURE,
    DFF_LEDGER_TIMEOUT,
    DFF_LEDGER_EXPIRED,
    DFF_LEDGER_LOST,
    DFF_LEDGER_BAD,         /* nobody can read it */
    DFF_LEDGER_WITHDRAWN,   /* its queue was full; its caller was told so */
    /* what has no outcome yet */
    DFF_LEDGER_WAITING,
    DFF_LEDGER_CLAIMED,
    DFF_LEDGER_RUNNING,
    DFF_LEDGER_COUNT
} dff_ledger_row_t;

/* "accepted": also the field of the hash, for the rows before WAITING. */
const char *dff_ledger_name(dff_ledger_row_t row);
/* Accepted jobs that are nowhere: 0, but for the moment of a push. */
int64_t dff_ledger_missing(const int64_t rows[DFF_LEDGER_COUNT]);

#define DFF_LEDGER_BUMP(field)  "redis.call('HINCRBY', '" DFF_KEY_LEDGER "', " field ", 1)\n"

/* A job has its outcome; reply: a variable with its reply envelope. */
#define DFF_LEDGER_END(reply)                                                         \
    DFF_LEDGER_BUMP("string.match(" reply ", '\"status\":\"(%a+)\"') or 'bad'")

/* Whole scripts. KEYS queue; ARGV envelope -> length of the queue. */
#define DFF_LEDGER_PUSH                                                               \
    DFF_LEDGER_BUMP("'accepted'")                                                     \
    "return redis.call('LPUSH', KEYS[1], ARGV[1])"
/* KEYS queue; ARGV envelope, which was pushed lately -> 1, 0: it is not there any more. */
#define DFF_LEDGER_WITHDRAW                                                           \
    "if redis.call('LREM', KEYS[1], 1, ARGV[1]) == 0 then return 0 end\n"             \
    DFF_LEDGER_BUMP("'withdrawn'")                                                    \
    "return 1"

/* Defines ledger(), which returns the rows; names: the members of dff:nodes. */
#define DFF_LEDGER_ROWS                                                               \
    "local function count(command, key)\n"                                            \
    "  local n = redis.pcall(command, key)\n"                                         \
    "  return type(n) == 'number' and n or 0\n"                                       \
    "end\n"                                                                           \
    "local function ledger(names)\n"                                                  \
    "  local rows = {}\n"                                                             \
    "  local ended = redis.call('HMGET', '" DFF_KEY_LEDGER "', 'accepted', 'success', " \
         "'failure', 'timeout', 'expired', 'lost', 'bad', 'withdrawn')\n"             \
    "  for i = 1, 8 do rows[i] = tonumber(ended[i] or 0) end\n"                       \
    "  local waiting, claimed, running = count('ZCARD', '" DFF_KEY_DELAYED "'), 0, 0\n" \
    "  for q = 0, 9 do\n"                                                             \
    "    local queue = '" DFF_KEY_PREFIX "queue:' .. q\n"                             \
    "    waiting = waiting + count('LLEN', queue)\n"                                  \
    "    for _, name in ipairs(names) do\n"                                           \
    "      waiting = waiting + count('LLEN', queue .. '@' .. name)\n"                 \
    "    end\n"                                                                       \
    "  end\n"                                                                         \
    "  for _, name in ipairs(names) do\n"                                             \
    "    claimed = claimed + count('LLEN', '" DFF_KEY_PREFIX "claimed:' .. name)\n"   \
    "    running = running + count('HLEN', '" DFF_KEY_PREFIX "started:' .. name)\n"   \
    "  end\n"                                                                         \
    "  rows[9], rows[10], rows[11] = waiting, claimed, running\n"                     \
    "  return rows\n"                                                                 \
    "end\n"

/* A whole script without keys and arguments -> the rows. */
#define DFF_LEDGER_READ                                                               \
    DFF_LEDGER_ROWS                                                                   \
    "return ledger(redis.call('SMEMBERS', '" DFF_KEY_NODES "'))"

#endif
